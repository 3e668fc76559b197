"""The trail: who changed what, newest first; for administrators."""

import re
from collections.abc import Mapping
from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from contracts.access import ADMINS
from gateway.accounts import audit, people
from gateway.parts import call_if_there, parts
from gateway.web.pages import Pages, from_cursor
from gateway.web.shown import role_name

pages = Pages("trail", ADMINS)

PAGE = 50
NOBODY = "none"
"""Whoever has no account: keys of the API and the command line."""

_PEOPLE = 500
_ID = re.compile(r"[0-9a-f-]{36}")


@pages.get("/trail")
def index() -> str:
    """What people changed; of one person, when asked so."""
    person = request.args.get("person", "")
    is_somebody = person == NOBODY or _ID.fullmatch(person)
    account_id = None if not is_somebody else person.replace(NOBODY, "")
    with parts().database.read() as connection:
        found = from_cursor(lambda cursor: audit.trail(connection, cursor, PAGE, account_id))
        known = people.list_accounts(connection, limit=_PEOPLE)["items"]
        subjects = people.names(connection, (entry["subject"] for entry in found["items"]))
    staff = call_if_there("distribution", "staff_names") or {"sellers": {}, "teams": {}}
    return render_template(
        "trail/index.html",
        found=found,
        people=sorted(known, key=lambda account: account.name.casefold()),
        subjects={**staff["sellers"], **staff["teams"], **subjects},
        deed=deed,
        detail=detail_text,
        nobody=NOBODY,
    )


def deed(what: str) -> str:
    """What was done, in the reader's language; as it is kept when nobody has put it into words."""
    return deeds().get(what, what)


def deeds() -> dict[str, str]:
    """Everything that is kept of what people do, in the reader's language. Add a line with every new `audit.note`."""
    return {
        "signed in": _("signed in"),
        "changed their password": _("changed their password"),
        "opened an account": _("opened an account"),
        "changed an account": _("changed an account"),
        "reset a password": _("reset a password"),
        "ended all sessions": _("ended all sessions"),
        "issued a key": _("issued a key"),
        "revoked a key": _("revoked a key"),
        "added a seller": _("added a seller"),
        "changed a seller": _("changed a seller"),
        "switched a seller on": _("switched a seller on"),
        "switched a seller off": _("switched a seller off"),
        "added time off": _("added time off"),
        "removed time off": _("removed time off"),
        "made a team": _("made a team"),
        "changed a team": _("changed a team"),
        "sent a form's leads to a team": _("sent a form's leads to a team"),
        "gave leads by hand": _("gave leads by hand"),
        "began to export leads": _("began to download leads"),
        "exported leads": _("downloaded leads as a file"),
        "began to export contacts": _("began to download contacts"),
        "exported contacts": _("downloaded contacts as a file"),
        "began to export a report": _("began to download a report"),
        "exported a report": _("downloaded a report as a file"),
        "began to export leads of a report": _("began to download the leads of a report"),
        "exported leads of a report": _("downloaded the leads of a report as a file"),
        "changed a contact": _("changed a contact"),
        "changed contacts in bulk": _("changed contacts in bulk"),
        "undid a change of contacts": _("undid a change of contacts"),
        "said that contacts are not the same": _("said that contacts are not the same"),
        "made leads of contacts": _("made leads of contacts"),
        "settled a message": _("settled a message"),
        "tried parked messages again": _("tried parked messages again"),
        "gave up parked messages": _("gave up parked messages"),
        "made a form": _("made a form"),
        "changed a form": _("changed a form"),
        "switched a form on": _("switched a form on"),
        "switched a form off": _("switched a form off"),
        "sent a test lead": _("sent a test lead"),
        "released submissions from quarantine": _("released submissions from quarantine"),
        "threw away submissions in quarantine": _("threw away submissions in quarantine"),
        "began an import": _("began an import"),
        "started an import": _("started an import"),
        "paused an import": _("paused an import"),
        "resumed an import": _("resumed an import"),
        "cancelled an import": _("cancelled an import"),
        "kept a mapping": _("kept a mapping"),
        "dropped a mapping": _("dropped a mapping"),
        "simulated what became of a message": _("simulated what became of a message"),
        "lets messages go to an address again": _("lets messages go to an address again"),
    }


def detail_text(detail: Mapping[str, Any]) -> str:
    """The detail of an entry that says something to people: roles, and how many leads went out."""
    told = ""
    if isinstance(count := detail.get("leads"), int):
        told = ngettext("%(num)s lead", "%(num)s leads", count)
    elif isinstance(count := detail.get("contacts"), int):
        told = ngettext("%(num)s contact", "%(num)s contacts", count)
    if told:
        return told if detail.get("whole", True) else _("%(leads)s, then it broke off", leads=told)
    role = detail.get("role")
    if isinstance(role, list):
        return " → ".join(map(role_name, role))
    return role_name(role) if isinstance(role, str) else ""
