"""Messages of capture, which owns forms, submissions and contacts."""

from dataclasses import dataclass, field
from typing import Literal

from contracts.message import Fact, Message

Channel = Literal["site", "shop", "social", "contextual_ads", "adverts", "event", "referral", "phone", "import"]
Suspicion = Literal["", "honeypot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptSubmission(Fact):
    """One form post or file row, to be stored as a lead. `subject` and `lead_id` are the submission's id.

    fields: what the visitor typed, by field name, untouched.
    roles: which field holds the name, email, phone, company, city, country, sector, product (role -> field name).
    region: ISO country for phone numbers written without a prefix.
    context: utm_*, gclid, fbclid, referrer, page, ip, user_agent where known.
    digest: SHA-256 of the fields, computed by whoever tells this, never empty; the same id with another is a conflict.
    import_id: the import this row belongs to, empty for a form post.
    is_test: somebody tries the form out; the lead goes the whole way and carries the word.
    suspicion: why a person should look at it before it becomes a lead: "honeypot" when a field that people do not see
        was filled; empty when there is nothing to suspect.
    """

    lead_id: str
    form_id: str
    received_at: str
    fields: dict[str, str]
    digest: str
    source: str = ""
    channel: str = "site"
    roles: dict[str, str] = field(default_factory=dict)
    region: str = "PT"
    context: dict[str, str] = field(default_factory=dict)
    import_id: str = ""
    is_test: bool = False
    suspicion: Suspicion = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One field of a form. kind decides how it is checked; role says what it fills on the contact card; label is what
    people read, its name when empty."""

    name: str
    kind: Literal["text", "email", "phone", "number", "choice", "consent"] = "text"
    role: Literal["", "name", "email", "phone", "company", "city", "country", "sector", "product"] = ""
    required: bool = False
    max_length: int = 500
    choices: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChanged(Fact):
    """The whole current state of a form; subject is the form's id.

    one_of: names of fields of which at least one must be filled.
    allowed_origins: sites that may post and be redirected to; empty means any may post, none is redirected to.
    region: ISO country for phone numbers written without a prefix.
    title, thanks: texts of the hosted page, above the form and after it was sent; empty where the usual ones will do.
    """

    form_id: str
    key: str
    name: str
    source: str
    channel: Channel
    active: bool
    fields: tuple[FieldRule, ...]
    one_of: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    region: str = "PT"
    locale: str = "pt"
    title: str = ""
    thanks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCaptured(Fact):
    """A submission became a lead of a contact. Carries no personal data; subject is the lead's id.

    score: 0 to 100, higher is served first. quality: 0 to 100, how complete and valid the contact details are.
    returning: the contact was known before. is_test: somebody tried the form out.
    """

    lead_id: str
    contact_id: str
    form_id: str
    source: str
    channel: str
    captured_at: str
    score: int = 0
    quality: int = 0
    returning: bool = False
    is_test: bool = False


ACCEPT_SUBMISSION = Message("command", "capture", "accept_submission", 1, AcceptSubmission, ("capture",))
FORM_CHANGED = Message("event", "capture", "form_changed", 1, FormChanged, ("gateway",))
LEAD_CAPTURED = Message("event", "capture", "lead_captured", 1, LeadCaptured, ("distribution", "reporting"))
