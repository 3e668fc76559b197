"""How long and how many: one figure for the API that describes a value and for the service that checks it.

Lengths are in characters. What only one side knows of stays with that side.
"""

from typing import Final

# Forms, which capture owns.
FORM_KEY: Final = 64
SHORTEST_FORM_KEY: Final = 4
FORM_NAME: Final = 120
SOURCE: Final = 80
FIELDS: Final = 100
FORM_TITLE: Final = 200
FORM_THANKS: Final = 1000
FIELD_NAME: Final = 100
FIELD_LABEL: Final = 300
FIELD_VALUE: Final = 10_000
"""The most that a form may allow in one field."""
CHOICES: Final = 500
CHOICE: Final = 500
ORIGIN: Final = 300

SEARCH: Final = 200
"""What somebody types to find a lead."""

QUARANTINED_AT_ONCE: Final = 200
"""Submissions released or thrown away in one go."""

# Rows of a file, which the command line sends and the gateway takes.
IMPORT_ROWS: Final = 1000
IMPORT_BYTES: Final = 8 * 1024 * 1024

IMPORT_FILE_BYTES: Final = 500 * 1024 * 1024
IMPORT_PART_BYTES: Final = 512 * 1024
"""A file travels in parts of this size."""
FILE_NAME: Final = 255
IMPORT_COLUMNS: Final = 200
"""Columns of a file; more are a mistake in the delimiter, or nobody's clients."""

# Contacts, which capture owns.
CODE: Final = 64
WRONG_DETAIL: Final = 254
"""What was given as an e-mail address or a phone and is none."""
CONTACT_NOTE: Final = 2000
FIXED_AT_ONCE: Final = 20_000
"""Contacts that one bulk fix changes."""
STORIES_AT_ONCE: Final = 200
"""Leads of a contact whose stories are told together."""

# Teams and sellers, which distribution owns.
TEAM_NAME: Final = 200
SUPERVISOR: Final = 200
SELLER_NAME: Final = 200
EMAIL: Final = 254
"""No mail server takes a longer address; of sellers and of visitors."""
PHONE: Final = 40
LOCALE: Final = 20
LOCALE_PATTERN: Final = r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*"
TIME_ZONE: Final = 64
WEIGHT: Final = 1_000_000
CAP: Final = 1_000_000
SHIFTS: Final = 50
DAYS: Final = 7
HOLIDAYS: Final = 400

SELLERS_AT_ONCE: Final = 500
"""Sellers somebody asks about in one go."""

REASSIGNED_AT_ONCE: Final = 200
"""Pieces of work given to somebody else in one go."""

REASON: Final = 500
"""Why a seller is away, why a lead comes back, why an opportunity was lost."""

# What sellers do, which campaigns owns.
NOTE: Final = 2000
TASK_SUBJECT: Final = 200
OPEN_TASKS: Final = 50
"""Tasks of one opportunity that wait to be done."""
AMOUNT: Final = 10**14
"""Of a sale, in minor units of its currency."""

MARKED_AT_ONCE: Final = 500
"""Messages of an inbox."""
