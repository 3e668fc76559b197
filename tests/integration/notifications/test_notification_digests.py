"""The first assignment at once, then one digest per seller and minute: on both databases, with the clock in hand."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from notification_cases import Sandbox, assigned, receive, rows, seller, sender, states, unassigned
from runtime_cases import trips_to

from contracts.access import OPERATOR
from contracts.message import Lane
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id
from runtime.settings import Settings
from runtime.transaction import Transaction
from services.notifications import handlers, outbound, store
from services.notifications.domain.digests import GATHERS

pytestmark = pytest.mark.feature("NOT-1")


class Town:
    """A database, a sandbox and a clock that tests set."""

    def __init__(self, database: Database, settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
        self.database, self.settings, self.sandbox = database, replace(settings, sandbox_url=sandbox.url), sandbox
        self.now = utc_now()
        monkeypatch.setattr(handlers, "utc_now", lambda: self.now)

    def seller(self, **changes: Any) -> str:
        seller_id = new_id()
        receive(self.database, seller(seller_id, **({"channels": ("sms",)} | changes)))
        return seller_id

    def assign(self, seller_id: str, count: int = 1, lane: Lane = "live") -> list[str]:
        facts = [assigned(seller_id) for _ in range(count)]
        receive(self.database, *facts, lane=lane)
        return [fact.work_id for fact in facts]

    def wait(self, seconds: float) -> None:
        """Time goes by, and what is due is sent."""
        self.now += timedelta(seconds=seconds)
        worker = sender(self.database, self.settings, lambda: self.now)
        while worker.send_next():
            pass

    def texts(self, provider: str = "twilio") -> list[str]:
        """What has been sent, without links."""
        return [row["body"].split(": http")[0] for row in self.sandbox.ledger(provider=provider)]


@pytest.fixture
def town(database: Database, settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Town:
    return Town(database, settings, sandbox, monkeypatch)


def test_the_first_is_told_at_once_and_the_others_together_a_minute_later(town: Town) -> None:
    rita = town.seller()
    town.assign(rita, 13)
    town.wait(0)
    assert town.texts() == ["Novo lead de Landing"]
    town.wait(59)
    assert len(town.texts()) == 1
    town.wait(1)
    assert town.texts()[1:] == ["12 novos leads"]
    town.wait(3600)
    assert len(town.texts()) == 2


def test_one_by_one_as_in_one_batch(town: Town) -> None:
    rita = town.seller()
    for _ in range(5):
        town.assign(rita)
        town.wait(1)
    town.wait(60)
    assert town.texts() == ["Novo lead de Landing", "4 novos leads"]


def test_a_digest_at_most_each_minute_and_the_next_lead_after_a_quiet_one_at_once(town: Town) -> None:
    rita = town.seller()
    for _ in range(180):
        town.assign(rita)
        town.wait(1)
    assert town.texts() == ["Novo lead de Landing", "59 novos leads", "60 novos leads", "60 novos leads"]
    town.wait(60)
    town.assign(rita)
    town.wait(0)
    assert town.texts()[4:] == ["Novo lead de Landing"]


def test_each_seller_by_themselves_and_every_channel_they_chose(town: Town) -> None:
    rita, ana = town.seller(channels=("sms", "email"), locale="es"), town.seller(channels=("email",), locale="en")
    town.assign(rita, 3)
    town.assign(ana, 4)
    town.wait(0)
    town.wait(60)
    assert town.texts() == ["Nuevo lead de Landing", "2 nuevos leads"]
    subjects = sorted(row["subject"] for row in town.sandbox.ledger(provider="sendgrid"))
    assert subjects == ["2 nuevos leads", "3 new leads", "New lead from Landing", "Nuevo lead de Landing"]


def test_an_import_is_one_digest(town: Town) -> None:
    rita = town.seller(channels=("sms", "email"))
    for _ in range(5):
        town.assign(rita, 100, lane="bulk")
        town.wait(5)
    assert town.sandbox.ledger() == []
    town.wait(60)
    assert town.texts() == ["500 novos leads"]
    assert [row["subject"] for row in town.sandbox.ledger(provider="sendgrid")] == ["500 novos leads"]


def test_a_live_lead_does_not_wait_for_an_imports_digest(town: Town) -> None:
    rita = town.seller()
    town.assign(rita, 50, lane="bulk")
    town.wait(10)
    town.assign(rita)
    town.wait(0)
    assert town.texts() == ["Novo lead de Landing"]
    town.assign(rita)
    town.wait(50)
    assert town.texts()[1:] == ["51 novos leads"]


def test_what_was_taken_away_meanwhile_is_not_counted(town: Town) -> None:
    rita = town.seller()
    first, *rest = town.assign(rita, 4)
    receive(town.database, *(unassigned(work, 2, rita) for work in rest[:2]))
    town.wait(0)
    town.wait(60)
    assert town.texts() == ["Novo lead de Landing", "Novo lead de Landing"]
    digest = rows(town.database, "sms")[1]
    assert (digest.leads, digest.state) == (1, "sent")
    assert first != digest.work_id


def test_a_digest_of_which_nothing_is_left_is_not_sent(town: Town) -> None:
    rita = town.seller()
    _, *rest = town.assign(rita, 3)
    receive(town.database, *(unassigned(work, 2, rita) for work in rest))
    town.wait(0)
    town.wait(60)
    assert town.texts() == ["Novo lead de Landing"]
    assert states(town.database) == {"sent": 1, "withdrawn": 1}
    town.assign(rita, 2)
    town.wait(0)
    town.wait(60)
    assert town.texts()[1:] == ["2 novos leads"], "the digest that was not sent still gathers"


def test_who_wants_no_more_of_a_channel_gets_no_digest_by_it(town: Town) -> None:
    rita = town.seller(channels=("sms", "email"))
    town.assign(rita, 3)
    town.wait(0)
    receive(town.database, seller(rita, 2, channels=("email",)))
    town.wait(60)
    assert town.texts() == ["Novo lead de Landing"]
    assert states(town.database) == {"sent": 1, "withdrawn": 1}
    assert states(town.database, "email") == {"sent": 2}


def test_a_provider_away_for_long_makes_one_digest_of_what_came_meanwhile(town: Town) -> None:
    rita = town.seller()
    town.assign(rita, 2)
    for _ in range(10):  # no sender at work
        town.now += timedelta(seconds=30)
        receive(town.database, assigned(rita))
    town.wait(60)
    assert sorted(town.texts()) == ["11 novos leads", "Novo lead de Landing"]


def test_told_again_the_same_assignments_change_no_digest(town: Town) -> None:
    rita = town.seller()
    facts = [assigned(rita) for _ in range(5)]
    for _ in range(3):
        receive(town.database, *facts)
    town.wait(0)
    town.wait(60)
    town.wait(60)
    assert town.texts() == ["Novo lead de Landing", "4 novos leads"]


def test_a_digest_belongs_to_each_work_it_tells_of(town: Town) -> None:
    rita = town.seller()
    works = town.assign(rita, 3)
    with town.database.read() as connection:
        kinds = {
            work: [(item["channel"], item["kind"]) for item in handlers.messages(connection, OPERATOR, work)["items"]]
            for work in works
        }
    told = sorted(tuple(sorted(kind)) for kind in kinds.values())
    alone, digest = ("sms", "assignment"), ("sms", "digest")
    assert told == [(("in_app", "assignment"), alone)] + [(("in_app", "assignment"), digest)] * 2


def test_whoever_adds_to_a_digest_is_waited_for_and_who_comes_later_opens_another(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender closes the digest while an assignment is about to be committed: it must be in this one or the next."""
    rita = town.seller()
    town.assign(rita, 2)
    town.wait(0)
    town.now += GATHERS
    reached, go_on = threading.Event(), threading.Event()
    slow(monkeypatch, reached, go_on)
    adding = threading.Thread(target=town.assign, args=(rita, 3))
    adding.start()
    assert reached.wait(10)
    sending = threading.Thread(target=town.wait, args=(0,))
    sending.start()
    sending.join(0.3)
    go_on.set()
    adding.join(20)
    sending.join(20)
    for _ in range(3):
        town.wait(60)
    assert sum(row.leads for row in rows(town.database, "sms") if row.state == "sent") == 5
    gathered = {row.digest_id for row in rows(town.database, "in_app") if row.digest_id}
    assert gathered == {row.digest_id for row in rows(town.database, "sms") if row.digest_id}


def slow(monkeypatch: pytest.MonkeyPatch, reached: threading.Event, go_on: threading.Event) -> None:
    """Has assignments stop for a while between choosing a digest and writing that they are in it."""
    add: Callable[..., set[str]] = store.add_messages

    def add_slowly(tx: Transaction, given: Any) -> set[str]:
        reached.set()
        assert go_on.wait(10)
        return add(tx, given)

    monkeypatch.setattr(store, "add_messages", add_slowly)


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(town: Town) -> None:
    trips = trips_to(town.database)
    counts = []
    for size in (1, 50):
        sellers = [town.seller(channels=("sms", "email")) for _ in range(size)]
        facts = [assigned(seller_id) for seller_id in sellers for _ in range(3)]
        trips.clear()
        receive(town.database, *facts)
        counts.append(len(trips))
    assert counts[0] == counts[1], trips


def test_a_claim_of_a_digest_does_not_depend_on_how_many_it_tells_of(town: Town) -> None:
    spent = []
    for size in (2, 200):
        rita = town.seller()
        town.assign(rita, size)
        town.wait(0)
        trips = trips_to(town.database)
        town.wait(60)
        spent.append(len(trips))
    assert spent[0] == spent[1]


def test_the_sender_counts_by_index(town: Town, database: Database) -> None:
    if database.dialect != "sqlite":
        pytest.skip("SQLite tells its plan for an empty table too")
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.append((statement, parameters))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    with database.read() as connection:
        outbound.gathered(connection, [new_id()])
    sa.event.remove(database.engine, "before_cursor_execute", note)
    statement, parameters = seen[-1]
    with database.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "messages_digest" in plan
