"""What reports say is what the services that own it have: on a whole installation with a sales floor at random."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from faults.installation import Installation, new_seed
from flask import Flask
from whole import gateway_of, installation

from gateway import keys
from gateway.parts import EXTENSION
from runtime.clock import iso, utc_now
from runtime.rabbitmq import RabbitNode
from services.campaigns import store as campaigns
from services.capture import tables as capture
from services.distribution import tables as distribution
from services.reporting import store as reporting
from services.reporting.handlers.replay import replay

pytestmark = [pytest.mark.feature("REP-11"), pytest.mark.timeout(240)]

LEADS = 36
PATIENCE = 60.0


class Floor:
    """A company whose people do things at random, over the API and by RPC as pages do."""

    def __init__(self, made: Installation, app: Flask, seed: int) -> None:
        self.made, self.chance = made, random.Random(seed)
        key = app.extensions[EXTENSION].database.transact(keys.issue, "floor", ("submit", "read", "write"), "manager")
        self.client, self.headers = app.test_client(), {"Authorization": f"Bearer {key}"}

    def found(self) -> None:
        """Two teams of two sellers, each fed by a form with a source of its own."""
        for name in ("north", "south"):
            team = self.made.call("distribution", "create_team", team={"name": name})["team_id"]
            for number in (1, 2):
                seller = {"name": f"{name} {number}", "email": f"{name}{number}@example.com", "teams": [team]}
                self.made.call("distribution", "create_seller", seller=seller)
            fields = [{"name": "email", "kind": "email", "role": "email", "required": True}]
            form = {"name": name, "key": f"the-{name}", "source": f"{name} site", "channel": "site", "fields": fields}
            form_id = self._post("/forms", form)["form_id"]
            self.made.call("distribution", "set_rule", form_id=form_id, team_id=team)

    def send(self) -> str:
        """A lead comes."""
        number = self.chance.randrange(10**9)
        lead = {"form_key": self.chance.choice(("the-north", "the-south")), "fields": {"email": f"{number}@x.example"}}
        return str(self._post("/leads", lead)["id"])

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.client.post(f"/api/v1{path}", json=body, headers=self.headers)
        assert answer.status_code < 300, answer.text
        return answer.get_json()

    def work(self, lead_id: str) -> None:
        """Somebody does something with it, or several things."""
        for _ in range(self.chance.randrange(5)):
            opportunity = self.made.call("campaigns", "opportunity_of", work_id=lead_id)
            act = self.chance.choice((self._act, self._act, self._act, self._return, self._close))
            act(lead_id, opportunity)
            if act == self._close:
                return

    def _act(self, _lead_id: str, opportunity: dict[str, Any]) -> None:
        kind = self.chance.choice(("call", "call", "email", "note"))
        outcome = self.chance.choice(("reached", "no_answer", "interested")) if kind == "call" else ""
        action = {"kind": kind, "outcome": outcome, "note": "said so"}
        self.made.call("campaigns", "record_action", opportunity_id=opportunity["opportunity_id"], action=action)

    def _return(self, lead_id: str, _opportunity: dict[str, Any]) -> None:
        work = self.made.call("distribution", "get_assignment", work_id=lead_id)
        if work["state"] == "assigned":
            version = work["assignment_version"]
            self.made.call("distribution", "return_work", work_id=lead_id, reason="no time", version=version)
            self.settle()

    def _close(self, _lead_id: str, opportunity: dict[str, Any]) -> None:
        outcome = self.chance.choice(("won", "won", "lost"))
        amount = self.chance.choice((None, self.chance.randrange(1, 10**6))) if outcome == "won" else None
        more = {} if amount is None else {"amount": amount, "currency": self.chance.choice(("EUR", "BRL"))}
        how = {"outcome": outcome, "reason": "price", "version": opportunity["version"], **more}
        self.made.call("campaigns", "close_opportunity", opportunity_id=opportunity["opportunity_id"], **how)

    def settle(self) -> None:
        """Waits until campaigns knows whose each lead is."""
        until(lambda: self._known("campaigns", campaigns.opportunity) == self._known("distribution", distribution.work))

    def _known(self, owner: str, table: sa.Table) -> dict[str, int]:
        rows = self.rows(owner, sa.select(table.c.work_id, table.c.assignment_version))
        return {work_id: version for work_id, version in rows if version}

    def rows(self, owner: str, select: Any) -> list[Any]:
        """What an owner's database has."""
        with self.made.database(owner).read() as connection:
            return list(connection.execute(select).all())


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def floor(broker: RabbitNode, _vhosts: Any) -> Iterator[Floor]:
    """After a day's work, with all that happened heard by reporting."""
    seed = new_seed()
    with installation(broker, _vhosts.take()) as made, gateway_of(made) as app:
        floor = Floor(made, app, seed)
        floor.found()
        leads = [floor.send() for _ in range(LEADS)]
        until(lambda: len(floor._known("distribution", distribution.work)) == LEADS)
        floor.settle()
        for lead_id in leads:
            floor.work(lead_id)
        until(lambda: heard(floor) == told(floor))
        yield floor


def told(floor: Floor) -> dict[str, int]:
    """How many facts reporting is told by those who own them."""
    assigned = floor.rows("distribution", sa.select(distribution.work.c.assignment_version))
    closed = (
        sa.select(sa.func.count()).select_from(campaigns.opportunity).where(campaigns.opportunity.c.state == "closed")
    )
    return {
        "lead_captured": LEADS,
        "assignments": sum(version for (version,) in assigned),
        "opportunity_closed": floor.rows("campaigns", closed)[0][0],
        "action_recorded": floor.rows("campaigns", sa.select(sa.func.count()).select_from(campaigns.action))[0][0],
    }


def heard(floor: Floor) -> dict[str, int]:
    log = reporting.fact_log.c
    types = Counter(kind for (kind,) in floor.rows("reporting", sa.select(log.type)))
    names = ("lead_captured", "opportunity_closed", "action_recorded")
    return {
        **{name: types[name] for name in names},
        "assignments": types["work_assigned"] + types["work_unassigned"],
    }


def report(floor: Floor, by: str) -> dict[str, dict[str, Any]]:
    now = utc_now()
    span = {"since": iso(now - timedelta(days=1)), "until": iso(now + timedelta(days=1))}
    found = floor.made.call("reporting", "report", by=by, **span)
    return {line["value"]: line for line in found["items"]}


def leads_of(lines: dict[str, dict[str, Any]], figure: str = "leads") -> Counter[str]:
    return Counter({value: line[figure] for value, line in lines.items() if line[figure]})


def test_leads_are_those_of_capture(floor: Floor) -> None:
    lead = capture.lead.c
    rows = floor.rows("capture", sa.select(lead.source, lead.form_id))
    assert leads_of(report(floor, "source")) == Counter(row.source for row in rows)
    assert leads_of(report(floor, "form")) == Counter(row.form_id for row in rows)


def test_whose_they_are_is_what_distribution_says(floor: Floor) -> None:
    work = distribution.work.c
    rows = floor.rows("distribution", sa.select(work.seller_id, work.team_id, work.assigned_at))
    assert leads_of(report(floor, "seller")) == Counter(row.seller_id or "" for row in rows)
    assert leads_of(report(floor, "team"), "assigned") == Counter(row.team_id for row in rows)


def test_what_became_of_them_is_what_campaigns_says(floor: Floor) -> None:
    opportunity, action = campaigns.opportunity.c, campaigns.action.c
    rows = floor.rows("campaigns", sa.select(*opportunity))
    sellers = report(floor, "seller")
    for outcome in ("won", "lost"):
        ended = Counter(row.seller_id or "" for row in rows if row.outcome == outcome)
        assert leads_of(sellers, outcome) == ended
    income: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.amount is not None:
            income[row.source, row.currency] += row.amount
    sources = report(floor, "source")
    sold = {(source, sale["currency"]): sale["amount"] for source, line in sources.items() for sale in line["sales"]}
    assert sold == income
    tried = {row.opportunity_id for row in floor.rows("campaigns", sa.select(*action)) if row.kind != "note"}
    contacted = Counter(row.source for row in rows if row.id in tried)
    assert leads_of(sources, "contacted") == contacted
    journeys = reporting.journey.c
    actions = dict(floor.rows("reporting", sa.select(journeys.id, journeys.actions).where(journeys.actions > 0)))
    done = floor.rows("campaigns", sa.select(action.opportunity_id))
    works = {row.id: row.work_id for row in rows}
    assert actions == Counter(works[opportunity_id] for (opportunity_id,) in done)


def test_built_again_beside_the_running_service_it_is_the_same(floor: Floor) -> None:
    before = [report(floor, by) for by in ("source", "seller", "hour", "to_contact")]
    replay(floor.made.database("reporting"))
    assert [report(floor, by) for by in ("source", "seller", "hour", "to_contact")] == before
    lead_id = floor.send()
    until(lambda: sum(leads_of(report(floor, "source")).values()) == LEADS + 1)
    assert lead_id in {row.id for row in floor.rows("reporting", sa.select(reporting.journey.c.id))}
