"""R14: every RPC of campaigns, asked by everybody about what belongs to one seller of one team."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from campaign_cases import ANA, NORTH, RUI, SOUTH, opened
from runtime_cases import count, rows
from sight_cases import asked, rpcs_of

from contracts.access import NOBODY, Actor
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import NotFound
from runtime.tables import outbox
from services.campaigns import store
from services.campaigns.service import CampaignsService

pytestmark = pytest.mark.feature("R14", "GTW-1")

ACTORS = {
    "admin": (Actor(role="admin"), True),
    "manager": (Actor(role="manager"), True),
    "supervisor of the team": (Actor(role="supervisor", team_ids=(SOUTH, NORTH)), True),
    "supervisor of another team": (Actor(role="supervisor", team_ids=(SOUTH,)), False),
    "supervisor of no team": (Actor(role="supervisor", seller_id=ANA), False),
    "the seller": (Actor(role="seller", seller_id=ANA), True),
    "another seller": (Actor(role="seller", seller_id=RUI), False),
    "another seller who claims the team": (Actor(role="seller", seller_id=RUI, team_ids=(NORTH,)), False),
    "a seller without an id": (Actor(role="seller"), False),
    "nobody": (NOBODY, False),
    "nobody who claims everything": (Actor(seller_id=ANA, team_ids=(NORTH,)), False),
}
"""And whether they see what is Ana's in the north."""


@dataclass(frozen=True)
class Row:
    """How an RPC is asked about an opportunity, whether its answer shows it, and what it says where nothing is seen."""

    arguments: Callable[[dict[str, Any]], dict[str, Any]]
    shows: Callable[[Any, dict[str, Any]], bool]
    nothing: Any


def _lists(answer: Any, card: dict[str, Any]) -> bool:
    return [item["work_id"] for item in answer["items"]] == [card["work_id"]]


def _is_it(answer: Any, card: dict[str, Any]) -> bool:
    return bool(answer["opportunity_id"] == card["opportunity_id"])


EMPTY = {"items": [], "next": None}


class _EmptyDay:
    """An agenda on which nothing stands, whatever the day."""

    def __eq__(self, answer: object) -> bool:
        assert isinstance(answer, dict)
        lists = [answer[name] for name in ("overdue", "planned", "free")]
        days = [(day["planned"], day["free"]) for day in answer["week"]]
        return (lists, days) == ([{"items": [], "count": 0}] * 3, [(0, 0)] * 7)

    __hash__ = None  # type: ignore[assignment]


def _task_of(card: dict[str, Any]) -> str:
    return str(card["tasks"][0]["task_id"]) if "tasks" in card else "1"


IN_AN_HOUR = iso(utc_now() + timedelta(hours=1))

MATRIX = {
    "opportunities": Row(lambda card: {}, _lists, EMPTY),
    "opportunities of a work": Row(lambda card: {"work_id": card["work_id"]}, _lists, EMPTY),
    "opportunities of a seller": Row(lambda card: {"seller_id": ANA, "state": "open"}, _lists, EMPTY),
    "stories": Row(
        lambda card: {"work_ids": [card["work_id"]]},
        lambda answer, card: {entry["work_id"] for entry in answer["items"]} == {card["work_id"]},
        {"items": []},
    ),
    "opportunity_of": Row(lambda card: {"work_id": card["work_id"]}, _is_it, NotFound),
    "record_action": Row(
        lambda card: {"opportunity_id": card["opportunity_id"], "action": {"kind": "email"}}, _is_it, NotFound
    ),
    "close_opportunity": Row(
        lambda card: {
            "opportunity_id": card["opportunity_id"],
            "outcome": "won",
            "reason": "",
            "version": card["version"],
        },
        _is_it,
        NotFound,
    ),
    "add_task": Row(
        lambda card: {
            "opportunity_id": card["opportunity_id"],
            "task": {"kind": "visit", "subject": "", "due_at": IN_AN_HOUR},
        },
        _is_it,
        NotFound,
    ),
    "recall_task": Row(lambda card: {"task_id": _task_of(card), "recall": {"by": "1d"}}, _is_it, NotFound),
    "do_task": Row(lambda card: {"task_id": _task_of(card), "action": {"outcome": "reached"}}, _is_it, NotFound),
    "drop_task": Row(lambda card: {"task_id": _task_of(card), "drop": {"reason": "x"}}, _is_it, NotFound),
    "agenda_day": Row(
        lambda card: {"seller_id": ANA, "day": "", "time_zone": "UTC"},
        lambda answer, card: answer["planned"]["count"] == 1 or utc_now().hour == 23,
        _EmptyDay(),
    ),
    "agenda": Row(lambda card: {"seller_id": ANA}, _lists, EMPTY),
    "agenda_counts": Row(
        lambda card: {"seller_id": ANA, "now": iso(utc_now()), "day_end": iso(utc_now() + timedelta(days=2))},
        lambda answer, card: bool(answer == {"overdue": 0, "today": 1, "later": 0}),
        {"overdue": 0, "today": 0, "later": 0},
    ),
}


def rpc_of(row: str) -> str:
    return row.partition(" ")[0]


def test_every_rpc_has_its_row() -> None:
    assert rpcs_of(CampaignsService) == {rpc_of(row) for row in MATRIX}


def test_what_is_not_theirs_does_not_exist(database: Database) -> None:
    for (who, (actor, sees)), (name, row) in itertools.product(ACTORS.items(), MATRIX.items()):
        card = opened(database)
        kept = _contents(database)
        answer = asked(CampaignsService, database, actor, rpc_of(name), **row.arguments(card))
        if sees:
            assert answer is not NotFound, (who, name)
            assert row.shows(answer, card), (who, name, answer)
        else:
            assert answer == row.nothing, (who, name)
            assert _contents(database) == kept, (who, name)
        _forget(database)


def test_lists_leave_out_what_is_not_theirs(database: Database) -> None:
    ours, theirs = opened(database, ANA, NORTH), opened(database, RUI, SOUTH)
    for who, works in {
        "admin": [theirs, ours],
        "supervisor of the team": [theirs, ours],
        "supervisor of another team": [theirs],
        "the seller": [ours],
        "another seller": [theirs],
        "nobody": [],
    }.items():
        shown = asked(CampaignsService, database, ACTORS[who][0], "opportunities")
        assert [item["work_id"] for item in shown["items"]] == [card["work_id"] for card in works], who


def test_what_is_no_id_is_nothing(database: Database) -> None:
    opened(database)
    admin, _ = ACTORS["admin"]
    for name, row in MATRIX.items():
        arguments = row.arguments({"work_id": "1", "opportunity_id": "'", "version": 1})
        if "seller_id" in arguments:
            arguments["seller_id"] = "nobody"
        if arguments:
            assert asked(CampaignsService, database, admin, rpc_of(name), **arguments) == row.nothing, name
    for actor in (Actor(role="seller", seller_id="x"), Actor(role="supervisor", team_ids=("x", ""))):
        assert asked(CampaignsService, database, actor, "opportunities") == EMPTY


def _contents(database: Database) -> list[Any]:
    return [rows(database, table) for table in (store.opportunity, store.task, store.task_event, store.action)] + [
        count(database, outbox)
    ]


def _forget(database: Database) -> None:
    with database.write() as transaction:
        for table in (store.action, store.task_event, store.task, store.opportunity):
            transaction.connection.execute(table.delete())
