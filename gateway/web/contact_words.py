"""How what is kept of contacts is called on pages: their fields, what is wrong with them, what mends it."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from gateway.web.words import channel_name, entry_text, kind_name, outcome_name, state_name


def status_name(status: str) -> str:
    """What a contact is to the company."""
    return {"potential": _("Potential"), "client": _("Client")}.get(status, status)


def field_name(field: str) -> str:
    """A field of the card."""
    names = {
        "name": _("Name"),
        "email": _("E-mail"),
        "phone": _("Phone"),
        "company": _("Company"),
        "city": _("City"),
        "country": _("Country"),
        "sector": _("Sector"),
        "product": _("Product"),
        "code": _("Client number"),
        "document": _("Document number"),
        "status": _("Status"),
        "source": _("Source"),
        "wrong_email": _("Wrong e-mail"),
        "wrong_phone": _("Wrong phone"),
        "attributes": _("Other details"),
        "quality": _("Quality"),
    }
    return names.get(field, field)


def problem_name(problem: str) -> str:
    """What is missing or wrong, as a filter and a list have it."""
    names = {
        "no_email": _("Without an e-mail"),
        "bad_email": _("Wrong e-mail"),
        "no_phone": _("Without a phone"),
        "bad_phone": _("Wrong phone"),
        "likely": _("Likely duplicates"),
    }
    return names.get(problem, problem)


def why_alike(why: str) -> str:
    """Why two contacts may be one."""
    texts = {
        "keys": _("Somebody gave details of both together"),
        "name": _("The same name, in the same company or city"),
    }
    return texts.get(why, _("They look alike"))


def flaws(contact: Mapping[str, Any]) -> list[str]:
    """What a contact lacks for its full quality, in words."""
    found = []
    if not contact["email"]:
        found.append(_("the e-mail cannot be right") if contact["wrong_email"] else _("an e-mail is missing"))
    if not contact["phone"]:
        found.append(_("the phone cannot be right") if contact["wrong_phone"] else _("a phone is missing"))
    if not contact["name"]:
        found.append(_("the name is missing"))
    if not any(contact[name] for name in ("company", "city", "country", "sector", "product")):
        found.append(_("nothing more is known, such as company or city"))
    return found


def fix_name(what: str) -> str:
    """A bulk fix, or another change of many contacts, as a list of changes has it."""
    names = {
        "read_phones": _("Wrong phones read again"),
        "correct_domains": _("Mistyped e-mail addresses corrected"),
        "drop_wrong_email": _("Wrong e-mails thrown away"),
        "drop_wrong_phone": _("Wrong phones thrown away"),
        "set": _("A field set"),
        "tidy_names": _("Names tidied"),
        "merge": _("Contacts merged"),
    }
    return names.get(what, what)


def entry_line(entry: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """An entry of a contact's story, whichever service told it.

    names: of sellers the reader may see, by id.
    """
    who = names.get(entry["seller_id"] or "") or _("a colleague")
    match entry["what"]:
        case "created":
            return _("First heard of: %(source)s", source=entry["source"]) if entry["source"] else _("First heard of")
        case "captured":
            return _("New lead: %(form)s", form=entry["subject"]) if entry["subject"] else _("New lead")
        case "note":
            return _("Note")
        case "merged":
            return _("%(name)s was merged into this contact", name=entry["subject"] or _("Without a name"))
        case "assigned":
            if entry["reason"] == "hand":
                return _("Given to %(name)s by hand", name=who)
            return _("Given to %(name)s, whose turn it was", name=who)
        case "message":
            told = ngettext("%(name)s was told", "%(name)s was told, with others", entry["leads"] or 1, name=who)
            return f"{told}: {channel_name(entry['kind'])} · {state_name(entry['state'])}"
        case "reply":
            return _("%(name)s answered", name=who)
        case "task_added":
            return _("Planned: %(task)s", task=entry["subject"] or kind_name(entry["kind"]))
        case "task_recalled":
            return _("Put off: %(task)s", task=entry["subject"] or kind_name(entry["kind"]))
        case "task_dropped":
            return _("Dropped: %(task)s", task=entry["subject"] or kind_name(entry["kind"]))
        case "closed":
            return _("Closed: %(outcome)s", outcome=outcome_name(entry["outcome"]))
    return entry_text(entry, names)
