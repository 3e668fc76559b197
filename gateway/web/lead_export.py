"""Leads as a file that spreadsheets open."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext as _

from gateway.parts import call
from gateway.web.export import PAGE
from gateway.web.shown import local
from gateway.web.words import lead_channel_name, state_name
from gateway.worklist import with_assignments

Names = Mapping[str, Mapping[str, str]]


def pages_of(wanted: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Leads that `wanted` finds, a page at a time, each with its assignment."""
    cursor = None
    while True:
        page = call("capture", "list_leads", cursor=cursor, limit=PAGE, **wanted)
        yield with_assignments(page["items"])
        cursor = page["next"]
        if cursor is None:
            return


def header() -> list[str]:
    """The names of the columns."""
    return [
        *(_("Captured"), _("Name"), _("E-mail"), _("Phone"), _("Company"), _("City"), _("Form"), _("Source")),
        *(_("Channel"), _("State"), _("Seller"), _("Team"), _("Test"), _("Answers"), _("Lead")),
    ]


def cells(lead: Mapping[str, Any], names: Names) -> list[str]:
    """A lead, column by column. names: `staff_names`."""
    work = lead["assignment"] or {}
    labels = lead["labels"]
    answers = [
        f"{labels.get(name) or name}: {value}" for name, value in lead["fields"].items() if value not in ("", None)
    ]
    return [
        local(lead["captured_at"]).strftime("%Y-%m-%d %H:%M"),
        *(lead[name] or "" for name in ("name", "email", "phone", "company", "city", "form_name", "source")),
        lead_channel_name(lead["channel"]),
        state_name(work.get("state", "")),
        names["sellers"].get(work.get("seller_id") or "", ""),
        names["teams"].get(work.get("team_id") or "", ""),
        _("yes") if lead["is_test"] else "",
        "\n".join(answers),
        lead["lead_id"],
    ]
