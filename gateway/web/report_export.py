"""Reports as files that spreadsheets open."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from flask_babel import gettext as _

from gateway.web.report_words import Names, measure_name, side_name
from gateway.web.shown import local
from gateway.web.words import lead_channel_name, outcome_name

MOST = 5000
"""Lines of a table, as many as reporting gives."""

Answer = dict[str, Any]
Line = Mapping[str, Any]
_COUNTS = ("leads", "assigned", "contacted", "reached", "won", "lost", "open")


def table(by: str, found: Answer, names: Names) -> tuple[list[str], list[Answer]]:
    """Header and rows of a report by one thing; money has a column for each currency, waits are in seconds."""
    currencies = [sale["currency"] for sale in found["total"]["sales"]]
    header = [
        *(side_name(by), _("Leads"), _("Given to sellers"), _("Contacted"), _("Spoken with"), _("Won"), _("Lost")),
        *(_("Still open"), _("Won of all leads"), _("Won of those that ended")),
        *(_("Income, %(currency)s", currency=currency) for currency in currencies),
        *(_("To a seller, median (s)"), _("To a seller, 9 of 10 (s)")),
        *(_("To first contact, median (s)"), _("To first contact, 9 of 10 (s)")),
    ]
    rows = [
        {"cells": [names.of(by, line["value"], line["name"]), *_figures(line, currencies)]} for line in found["items"]
    ]
    return header, rows


def _figures(line: Line, currencies: Sequence[str]) -> list[str]:
    sold = {sale["currency"]: sale["amount"] for sale in line["sales"]}
    return [
        *(str(line[name]) for name in _COUNTS),
        *(_number(line[name], 4) for name in ("won_of_leads", "won_of_closed")),
        *(_amount(sold.get(currency, 0), currency) for currency in currencies),
        *(_number(line[wait][name], 3) for wait in ("to_assignment", "to_contact") for name in ("median", "p90")),
    ]


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _amount(minor: int | None, currency: str) -> str:
    return "" if minor is None else str(Decimal(minor).scaleb(-get_currency_precision(currency)))


def cross(shown: Answer, names: Names) -> tuple[list[str], list[Answer]]:
    """Header and rows of a cross table: a column for each column, the last for all."""
    found, rows, columns, measure = (shown[name] for name in ("found", "rows", "columns", "measure"))
    header = [
        f"{side_name(rows)} / {side_name(columns)}: {measure_name(measure)}",
        *(names.of(columns, column["value"], column["name"]) for column in found["columns"]),
        _("All"),
    ]
    lines = [
        {
            "cells": [
                names.of(rows, row["value"], row["name"]),
                *(_cell(shown["cells"].get((row["value"], column["value"])), measure) for column in found["columns"]),
                _cell(row, measure),
            ]
        }
        for row in found["rows"]
    ]
    return header, lines


def _cell(line: Line | None, measure: str) -> str:
    if line is None:
        return ""
    if measure == "income":
        return " + ".join(f"{_amount(sale['amount'], sale['currency'])} {sale['currency']}" for sale in line["sales"])
    return _number(line["to_contact"]["median"] if measure == "to_contact" else line[measure], 4)


def cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of a row that `table` or `cross` made."""
    return list(row["cells"])


def lead_header() -> list[str]:
    """The names of the columns of leads."""
    return [
        *(_("Captured"), _("Name"), _("E-mail"), _("Phone"), _("Form"), _("Source"), _("Channel"), _("Seller")),
        *(_("Team"), _("To a seller (s)"), _("To first contact (s)"), _("Actions"), _("Calls"), _("Outcome")),
        *(_("Amount"), _("Currency"), _("Lead")),
    ]


def lead_cells(lead: Mapping[str, Any], names: Names) -> list[str]:
    """A lead, column by column."""
    card = lead["card"] or {}
    return [
        local(lead["captured_at"]).strftime("%Y-%m-%d %H:%M"),
        *(card.get(name) or "" for name in ("name", "email", "phone")),
        names.forms.get(lead["form_id"], ""),
        lead["source"],
        lead_channel_name(lead["channel"]),
        names.sellers.get(lead["seller_id"], ""),
        names.teams.get(lead["team_id"], ""),
        *(_number(lead[name], 3) for name in ("to_assignment", "to_contact")),
        *(str(lead[name]) for name in ("actions", "calls")),
        outcome_name(lead["outcome"]),
        _amount(lead["amount"], lead["currency"] or "EUR"),
        lead["currency"],
        lead["lead_id"],
    ]
