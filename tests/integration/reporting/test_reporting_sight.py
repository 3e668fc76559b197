"""R14: every RPC of reporting, asked by everybody about what one seller of one team did."""

import itertools
from typing import Any

import pytest
from reporting_cases import ANA, NORTH, RUI, SOUTH, acted, assigned, captured, closed, hear, named
from sight_cases import asked, rpcs_of

from contracts.access import NOBODY, Actor
from runtime.database import Database
from runtime.ids import new_id
from services.reporting.domain.reports import DIMENSIONS, Sums
from services.reporting.service import ReportingService

pytestmark = pytest.mark.feature("R14", "GTW-1")

ACTORS = {
    "admin": (Actor(role="admin"), True),
    "manager": (Actor(role="manager"), True),
    "supervisor of the team": (Actor(role="supervisor", team_ids=(SOUTH, NORTH)), True),
    "supervisor of another team": (Actor(role="supervisor", team_ids=(SOUTH,)), False),
    "supervisor of a team without an id": (Actor(role="supervisor", seller_id=ANA, team_ids=("",)), False),
    "the seller": (Actor(role="seller", seller_id=ANA), True),
    "another seller": (Actor(role="seller", seller_id=RUI), False),
    "another seller who claims the team": (Actor(role="seller", seller_id=RUI, team_ids=(NORTH,)), False),
    "a seller without an id": (Actor(role="seller"), False),
    "nobody": (NOBODY, False),
    "nobody who claims everything": (Actor(seller_id=ANA, team_ids=(NORTH,)), False),
}
"""And whether they see what Ana did in the north."""

AT = "2026-03-02T09:00:00+00:00"
SPAN = {"since": "2026-03-01T12:00:00+00:00", "until": "2026-03-03T12:00:00+00:00"}
NOTHING = {"captured": None, "assigned": 0, "won": 0, "lost": 0, "actions": 0, "sales": []}

NO_LEADS = Sums().line()

MATRIX: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "counts by source": ({"by": "source"}, {"items": [], "next": None}),
    "counts by seller": ({"by": "seller"}, {"items": [], "next": None}),
    "counts by hour": ({"by": "hour", **SPAN}, {"items": [], "next": None}),
    "overview": (
        SPAN,
        {
            **NOTHING,
            "by_day": [{"day": f"2026-03-0{day}", **NOTHING} for day in (1, 2, 3)],
            "by_source": [],
            "by_seller": [],
        },
    ),
    **{
        f"report by {by}": (
            {"by": by, **SPAN},
            {"items": [], "total": NO_LEADS, "before": NO_LEADS, "left_out": 0, "first_at": None},
        )
        for by in DIMENSIONS
    },
    "cross": (
        {"rows": "seller", "columns": "source", **SPAN},
        {"rows": [], "columns": [], "cells": [], "total": Sums().crossed(), "left_out": 0},
    ),
    "journeys": (SPAN, {"items": [], "next": None}),
}
"""How an RPC is asked, and what it says where nothing is seen."""


def rpc_of(row: str) -> str:
    return row.partition(" ")[0]


def test_every_rpc_has_its_row() -> None:
    assert rpcs_of(ReportingService) == {rpc_of(row) for row in MATRIX}


def test_what_is_not_theirs_does_not_exist(database: Database) -> None:
    lead_id = new_id()
    hear(
        database,
        named(ANA, "Ana"),
        captured("site", AT, lead_id),
        assigned("site", AT, lead_id=lead_id),
        acted("site", AT, lead_id=lead_id),
        closed("site", AT, amount=5, lead_id=lead_id),
    )
    for (who, (actor, sees)), (name, (arguments, nothing)) in itertools.product(ACTORS.items(), MATRIX.items()):
        answer = asked(ReportingService, database, actor, rpc_of(name), **arguments)
        if not sees:
            assert answer == nothing, (who, name)
        elif name == "overview":
            assert (answer["assigned"], answer["won"], answer["actions"]) == (1, 1, 1), who
            assert answer["captured"] == (1 if actor.sees_all else None), who
            assert [line["name"] for line in answer["by_seller"]] == ["Ana"], who
        elif name == "journeys":
            assert [item["lead_id"] for item in answer["items"]] == [lead_id], who
        elif name == "cross":
            assert [(cell["row"], cell["column"], cell["won"]) for cell in answer["cells"]] == [(ANA, "site", 1)], who
        elif name.startswith("report"):
            assert [(item["leads"], item["won"]) for item in answer["items"]] == [(1, 1)], (who, name)
            assert (answer["total"]["contacted"], answer["first_at"]) == (1, AT), who
        else:
            assert "opportunities_won" in {item["measure"] for item in answer["items"]}, (who, name)
            assert ("leads_captured" in {item["measure"] for item in answer["items"]}) == actor.sees_all, (who, name)


def test_counts_leave_out_what_is_not_theirs(database: Database) -> None:
    hear(database, assigned("site", AT), assigned("site", AT, RUI, SOUTH), closed("site", AT, seller_id="", team_id=""))
    for who, wanted in {
        "admin": {"leads_assigned": 2, "opportunities_won": 1},
        "supervisor of the team": {"leads_assigned": 2},
        "supervisor of another team": {"leads_assigned": 1},
        "the seller": {"leads_assigned": 1},
        "another seller": {"leads_assigned": 1},
        "a seller without an id": {},
        "nobody": {},
    }.items():
        items = asked(ReportingService, database, ACTORS[who][0], "counts")["items"]
        assert {item["measure"]: item["count"] for item in items} == wanted, who
