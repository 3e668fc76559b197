"""Contacts as a file that spreadsheets open."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext as _

from gateway.parts import call
from gateway.web.export import PAGE
from gateway.web.shown import local

Names = Mapping[str, Mapping[str, str]]

_TEXTS = (
    *("name", "email", "phone", "wrong_email", "wrong_phone", "company", "city", "country", "sector", "product"),
    "source",
)


def pages_of(wanted: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Contacts that `wanted` finds, a page at a time."""
    cursor = None
    while True:
        page = call("capture", "list_contacts", cursor=cursor, limit=PAGE, **wanted)
        yield page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def header() -> list[str]:
    """The names of the columns."""
    return [
        *(_("Since"), _("Name"), _("E-mail"), _("Phone"), _("Wrong e-mail"), _("Wrong phone"), _("Company")),
        *(_("City"), _("Country"), _("Sector"), _("Product"), _("Source"), _("Status"), _("Quality")),
        *(_("Seller"), _("Team"), _("Last lead"), _("Contact")),
    ]


def cells(contact: Mapping[str, Any], names: Names, statuses: Mapping[str, str]) -> list[str]:
    """A contact, column by column. names: `staff_names`; statuses: in words, looked up once for a million rows."""
    return [
        _minute(contact["created_at"]),
        *(contact[name] or "" for name in _TEXTS),
        statuses[contact["status"]],
        str(contact["quality"]),
        names["sellers"].get(contact["seller_id"] or "", ""),
        names["teams"].get(contact["team_id"] or "", ""),
        _minute(contact["last_lead_at"]),
        contact["contact_id"],
    ]


def _minute(at: str | None) -> str:
    return local(at).strftime("%Y-%m-%d %H:%M") if at else ""
