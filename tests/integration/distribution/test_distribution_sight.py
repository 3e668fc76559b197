"""R14: every RPC of distribution, asked by everybody about what belongs to one seller of one team."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from distribution_cases import Company
from sight_cases import asked, rpcs_of

from contracts.access import NOBODY, Actor
from runtime.clock import iso
from runtime.errors import Invalid, NotFound
from runtime.ids import new_id
from runtime.tables import outbox
from services.distribution import tables
from services.distribution.handlers import absences, people, reasons, views
from services.distribution.service import DistributionService

pytestmark = pytest.mark.feature("R14", "GTW-1")

MANAGERS = frozenset({"admin", "manager"})
LEADERS = MANAGERS | {"supervisor of the team"}
THEIRS = LEADERS | {"the seller"}


class World:
    """Ana in the north, where work also waits in a team of nobody; Bia in the south."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.north, self.bare, self.south = (company.team(name) for name in ("Norte", "Sem ninguém", "Sul"))
        self.ana, self.bia = company.seller(self.north, name="Ana"), company.seller(self.south, name="Bia")
        self.forms = {team: company.form(team) for team in (self.north, self.bare, self.south)}
        self.secrets = {self.north, self.bare, self.ana}
        self.work(self.north)
        self.work(self.bare)
        self.actors = {
            "admin": Actor(role="admin"),
            "manager": Actor(role="manager"),
            "supervisor of the team": Actor(role="supervisor", team_ids=(self.north, self.bare)),
            "supervisor of another team": Actor(role="supervisor", team_ids=(self.south,)),
            "supervisor of no team": Actor(role="supervisor", seller_id=self.ana),
            "the seller": Actor(role="seller", seller_id=self.ana),
            "another seller": Actor(role="seller", seller_id=self.bia),
            "another seller who claims the team": Actor(role="seller", seller_id=self.bia, team_ids=(self.north,)),
            "a seller without an id": Actor(role="seller"),
            "nobody": NOBODY,
            "nobody who claims everything": Actor(seller_id=self.ana, team_ids=(self.north, self.bare)),
        }

    def work(self, team_id: str) -> str:
        """New work that came to a team."""
        (work_id,) = self.company.capture(self.forms[team_id])
        if team_id != self.south:
            self.secrets.add(work_id)
        return work_id

    def mine(self) -> dict[str, Any]:
        """Work Ana has, as its version is."""
        return {"work_id": self.work(self.north), "version": 1}

    def other(self) -> str:
        """A new seller of the south, who has nothing to do."""
        return self.company.seller(self.south, active=False)

    def seller_version(self, seller_id: str) -> int:
        """The version a seller has now."""
        version: int = self.company.ask(people.get_seller, seller_id)["version"]
        return version

    def team_version(self, team_id: str) -> int:
        """The version a team has now."""
        version: int = self.company.ask(people.get_team, team_id)["version"]
        return version

    def free(self) -> dict[str, str]:
        """An hour after all of Ana's time off."""
        away = self.company.ask(people.get_seller, self.ana)["time_off"]
        ends = [datetime.fromisoformat(off["ends_at"]) for off in away]
        starts = max([self.company.now, *ends]) + timedelta(days=1)
        return {"starts_at": iso(starts), "ends_at": iso(starts + timedelta(hours=1))}

    def time_off(self) -> str:
        """New time off of Ana."""
        shown = self.company.act(absences.add_time_off, self.ana, *self.free().values())
        return str(shown["time_off"][-1]["id"])

    def span(self) -> dict[str, str]:
        """A span in which Ana is away."""
        away = self.free()
        self.time_off()
        return {"since": away["starts_at"], "until": away["ends_at"]}

    def is_told_by(self, answer: Any) -> bool:
        """Whether an answer has anything of the north in it but the ids of what was refused."""
        items = answer.get("items", [answer]) if isinstance(answer, dict) else [answer]
        told = [item | {"work_id": "", "message": ""} if item and item.get("ok") is False else item for item in items]
        text = orjson.dumps(told).decode()
        return any(secret in text for secret in self.secrets)

    def contents(self) -> list[Any]:
        """All rows that somebody may have changed."""
        changing = (tables.teams, tables.sellers, tables.members, tables.time_off, tables.rules, tables.work)
        return [self.company.rows(table) for table in (*changing, tables.decisions, outbox)]


@dataclass(frozen=True)
class Row:
    """How an RPC is asked, who gets an answer that tells of the north, and how one is known that does."""

    arguments: Callable[[World], dict[str, Any]]
    sees: frozenset[str] = THEIRS
    tells: Callable[[Any], bool] | None = None


def nothing(_world: World) -> dict[str, Any]:
    return {}


MATRIX = {
    "create_team": Row(lambda w: {"team": {"name": new_id()}}, MANAGERS, lambda answer: "team_id" in answer),
    "update_team": Row(
        lambda w: {"team_id": w.north, "changes": {"supervisor": "Rui"}, "version": w.team_version(w.north)}, MANAGERS
    ),
    "get_team": Row(lambda w: {"team_id": w.north}),
    "list_teams": Row(nothing),
    "create_seller": Row(
        lambda w: {"seller": {"name": "Eva", "teams": [w.bare], "active": False, "open_cap": 0}}, MANAGERS
    ),
    "create_seller of no team": Row(
        lambda w: {"seller": {"name": "Eva"}}, MANAGERS, lambda answer: answer["name"] == "Eva"
    ),
    "update_seller": Row(
        lambda w: {"seller_id": w.ana, "changes": {"weight": 2}, "version": w.seller_version(w.ana)}, MANAGERS
    ),
    "update_seller when they work": Row(
        lambda w: {"seller_id": w.ana, "changes": {"holidays": ["2026-12-25"]}, "version": w.seller_version(w.ana)},
        LEADERS,
    ),
    "update_seller how they are reached": Row(
        lambda w: {"seller_id": w.ana, "changes": {"channels": ["sms"]}, "version": w.seller_version(w.ana)},
        MANAGERS | {"the seller"},
    ),
    "update_seller of another team to this one": Row(
        lambda w: {"seller_id": w.other(), "changes": {"teams": [w.south, w.bare]}, "version": 1},
        MANAGERS,
        lambda answer: len(answer["teams"]) == 2,
    ),
    "get_seller": Row(lambda w: {"seller_id": w.ana}),
    "list_sellers": Row(nothing),
    "list_sellers of a team": Row(lambda w: {"team_id": w.north, "q": "an", "active": True}),
    "staff_names": Row(nothing),
    "republish_sellers": Row(nothing, MANAGERS, lambda answer: answer >= 1),
    "set_available": Row(lambda w: {"seller_id": w.ana, "available": True}),
    "add_time_off": Row(lambda w: {"seller_id": w.ana, **w.free()}, LEADERS),
    "remove_time_off": Row(lambda w: {"seller_id": w.ana, "time_off_id": w.time_off()}, LEADERS),
    "list_time_off": Row(lambda w: {**w.span(), "seller_id": w.ana}),
    "list_time_off of a team": Row(lambda w: {**w.span(), "team_id": w.north}),
    "list_time_off of everybody": Row(World.span),
    "set_rule": Row(lambda w: {"form_id": new_id(), "team_id": w.north}, MANAGERS),
    "list_rules": Row(nothing, LEADERS),
    "get_assignment": Row(lambda w: {"work_id": w.work(w.north)}),
    "get_assignment of what waits": Row(lambda w: {"work_id": w.work(w.bare)}, LEADERS),
    "assignments": Row(lambda w: {"work_ids": [w.work(w.north), w.work(w.bare)]}),
    "why": Row(lambda w: {"work_id": w.work(w.north)}),
    "why it waits": Row(lambda w: {"work_id": w.work(w.bare)}, LEADERS),
    "work_history": Row(lambda w: {"work_ids": [w.work(w.north), w.work(w.south)]}),
    "list_work": Row(nothing),
    "list_work by priority": Row(lambda w: {"order": "priority", "team_id": w.north}),
    "list_work of a seller": Row(lambda w: {"seller_id": w.ana, "state": "assigned", "form_id": w.forms[w.north]}),
    "seller_work": Row(lambda w: {"seller_id": w.ana}),
    "seller_work by priority": Row(lambda w: {"seller_id": w.ana, "state": "assigned", "order": "priority"}),
    "work_counts": Row(lambda w: {"seller_id": w.ana}, tells=lambda answer: answer["open"] > 0),
    "waiting": Row(nothing, LEADERS),
    "waiting in a team": Row(lambda w: {"team_id": w.bare}, LEADERS),
    "overview": Row(nothing, LEADERS, lambda answer: answer["waiting"] > 0 and bool(answer["waiting_by_reason"])),
    "open_work": Row(lambda w: {"work_id": w.work(w.north)}),
    "reassign": Row(lambda w: {**w.mine(), "seller_id": w.bia}, MANAGERS),
    "reassign to a seller of this team": Row(
        lambda w: {"work_id": w.work(w.south), "version": 1, "seller_id": w.ana}, MANAGERS
    ),
    "reassign_many": Row(
        lambda w: {"items": [w.mine()], "team_id": w.bare}, LEADERS, lambda answer: answer["items"][0]["ok"]
    ),
    "reassign_many to a seller": Row(
        lambda w: {"items": [{"work_id": w.work(w.bare), "version": 0}], "seller_id": w.ana},
        LEADERS,
        lambda answer: answer["items"][0]["ok"],
    ),
    "reassign_many to this team": Row(
        lambda w: {"items": [{"work_id": w.work(w.south), "version": 1}], "team_id": w.bare},
        MANAGERS,
        lambda answer: answer["items"][0]["ok"],
    ),
    "return_work": Row(lambda w: {**w.mine(), "reason": "wrong number"}),
    "fairness": Row(lambda w: {"team_id": w.north}),
}


def rpc_of(row: str) -> str:
    return row.partition(" ")[0]


def test_every_rpc_has_its_row() -> None:
    assert rpcs_of(DistributionService) == {rpc_of(row) for row in MATRIX}


def test_what_is_not_theirs_does_not_exist(company: Company) -> None:
    for name, row in MATRIX.items():
        forget_everything(company)
        world = World(company)
        for who, actor in world.actors.items():
            arguments = row.arguments(world)
            kept = world.contents()
            answer = answered(company, actor, name, **arguments)
            if who in row.sees:
                told = answer is not None and (row.tells or world.is_told_by)(answer)
                assert told, (who, name, answer)
            else:
                assert not world.is_told_by(answer), (who, name, answer)
                assert answer is None or not (row.tells and row.tells(answer)), (who, name, answer)
                assert world.contents() == kept, (who, name)


def forget_everything(company: Company) -> None:
    """An empty database: who was given something once may see it ever after."""
    with company.database.write() as tx:
        for table in reversed(tables.metadata.sorted_tables):
            tx.connection.execute(sa.delete(table))


def answered(company: Company, actor: Actor, row: str, **arguments: Any) -> Any:
    """What is answered; nothing when it is said that there is no such thing, or that it is not theirs to name."""
    try:
        answer = asked(DistributionService, company.database, actor, rpc_of(row), **arguments)
    except Invalid as refused:
        if {error["code"] for error in refused.errors} <= {"not_found", "required", "not_allowed"}:
            return None
        raise
    return None if answer is NotFound else answer


def test_numbers_leave_out_what_is_not_theirs(company: Company) -> None:
    world = World(company)
    company.change(world.bia, open_cap=1)
    for _ in range(2):
        world.work(world.south)
    seen = {}
    for who in ("manager", "supervisor of the team", "supervisor of another team", "the seller", "nobody"):
        actor = world.actors[who]
        overview = company.ask(views.overview, actor=actor)
        listed = company.ask(people.list_teams, actor=actor)["items"]
        seen[who] = (
            overview["waiting"],
            overview["waiting_by_reason"],
            overview["sellers"],
            sorted((item["members"], item["waiting"]) for item in listed),
        )
    assert seen == {
        "manager": (2, {"no_sellers": 1, "all_capped": 1}, 2, [(0, 1), (1, 0), (1, 1)]),
        "supervisor of the team": (1, {"no_sellers": 1}, 1, [(0, 1), (1, 0)]),
        "supervisor of another team": (1, {"all_capped": 1}, 1, [(1, 1)]),
        "the seller": (0, {}, 1, [(1, 0)]),
        "nobody": (0, {}, 0, []),
    }


def test_a_seller_is_told_nothing_of_others(company: Company) -> None:
    world = World(company)
    rival = company.seller(world.north, name="Rui", weight=1000)
    for _ in range(3):
        world.work(world.north)
    first = next(work for work, seller in company.assigned().items() if seller == rival)
    company.give_back(first)
    assert company.holder(first) == world.ana
    told = company.ask(reasons.why, first, actor=world.actors["the seller"])
    assert [line["seller_id"] for line in told["candidates"]] == [world.ana]
    assert told["others"] == 1
    for view, *arguments in (
        (reasons.why, first),
        (reasons.history, [first]),
        (views.assignment, first),
        (views.list_work,),
        (people.staff_names,),
        (reasons.fairness, world.north),
    ):
        assert rival not in orjson.dumps(company.ask(view, *arguments, actor=world.actors["the seller"])).decode()
    assert company.ask(reasons.why, first, actor=world.actors["supervisor of the team"])["others"] == 0
    history = company.ask(reasons.history, [first], actor=world.actors["supervisor of the team"])["items"]
    assert [item["seller_id"] for item in history] == [world.ana, rival]


def test_who_returns_work_is_not_told_who_has_it_now(company: Company) -> None:
    world = World(company)
    given = world.mine()
    rival = company.seller(world.north, name="Rui")
    shown = asked(
        DistributionService,
        company.database,
        world.actors["the seller"],
        "return_work",
        work_id=given["work_id"],
        reason="busy",
        version=1,
    )
    assert company.holder(given["work_id"]) == rival
    assert (shown["state"], shown["seller_id"], shown["assignment_version"]) == ("waiting", None, 2)
