"""REP-10, R16: one file of leads at a time for each person, and the trail says what went out."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from page_cases import Person

from gateway import store, turns
from gateway.accounts import audit
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import Unavailable
from runtime.ids import new_id

pytestmark = pytest.mark.feature("REP-10", "R16")

LEAD = {
    "form_name": "Contact", "source": "site", "channel": "site", "captured_at": "2026-07-01T10:30:00+00:00",
    "fields": {}, "labels": {}, "name": "Bruno", "email": "", "phone": "", "company": "", "city": "", "is_test": False,
}  # fmt: skip


@pytest.fixture
def manager(app: Flask, database: Database) -> Person:
    return Person(app, database, "manager")


@pytest.fixture(autouse=True)
def leads(services: Any) -> None:
    """Two pages of leads."""

    def listed(cursor: str | None, **_arguments: Any) -> Any:
        items = [{**LEAD, "lead_id": new_id()} for _ in range(1 if cursor else 2)]
        return {"items": items, "next": None if cursor else "following"}

    services.answers |= {
        ("capture", "list_leads"): listed,
        ("distribution", "staff_names"): {"sellers": {}, "teams": {}},
        ("distribution", "assignments"): {"items": []},
    }


def lines(database: Database) -> list[tuple[str, dict[str, Any]]]:
    with database.read() as connection:
        return [(entry["what"], entry["detail"]) for entry in audit.trail(connection)["items"]]


def test_the_second_at_a_time_is_told(app: Flask, manager: Person, database: Database) -> None:
    first = manager.get("/leads.csv")  # not read to its end yet
    second = manager.get("/leads.csv")
    assert (second.status_code, second.mimetype) == (429, "text/html")
    assert int(second.headers["Retry-After"]) > 0
    assert "One file at a time" in second.text
    assert Person(app, database, "admin").get("/leads.csv").status_code == 200, "another's file does not count"
    assert first.text.count("Bruno") == 3
    assert manager.get("/leads.csv").status_code == 200


def test_a_file_that_nobody_reads_keeps_nobody_waiting(manager: Person) -> None:
    manager.get("/leads.csv").close()
    manager.client.head("/leads.csv").close()
    assert manager.get("/leads.csv").status_code == 200


def test_a_file_that_cannot_begin_keeps_nobody_waiting(manager: Person, services: Any) -> None:
    works = services.answers["capture", "list_leads"]
    services.answers["capture", "list_leads"] = Unavailable("away")
    assert manager.get("/leads.csv").status_code == 503
    services.answers["capture", "list_leads"] = works
    assert manager.get("/leads.csv").status_code == 200


def test_a_process_that_died_keeps_nobody_waiting_for_long(manager: Person, database: Database) -> None:
    first = manager.get("/leads.csv")
    for at in (utc_now() - turns.LAPSES * 1.1, utc_now() + timedelta(days=3)):
        died = sa.update(store.idempotency).values(created_at=at)
        database.transact(lambda tx, died=died: tx.connection.execute(died))  # type: ignore[misc]
        turn = database.transact(turns.take, "export", manager.account.id)
        assert turn
    first.close()
    assert not database.transact(turns.take, "export", manager.account.id), "it ends its own turn only"
    died = sa.update(store.idempotency).values(created_at=utc_now() - turns.LAPSES * 0.9)
    database.transact(lambda tx: tx.connection.execute(died))
    database.transact(turns.renew, turn)
    with database.read() as connection:
        assert connection.execute(sa.select(store.idempotency.c.created_at)).scalar_one() > utc_now() - turns.LAPSES / 2


def test_the_trail_has_the_filters_and_the_number(app: Flask, manager: Person, database: Database) -> None:
    assert manager.get("/leads.csv?source=site&q=Bruno").text
    whole, began = lines(database)[:2]
    assert began == ("began to export leads", {"filters": {"source": "site", "q": "…"}})
    assert whole == (
        "exported leads",
        {"filters": {"source": "site", "q": "…"}, "leads": 3, "whole": True},
    )
    assert "3 leads" in Person(app, database, "admin").get("/trail").text


def test_and_of_one_that_broke_off_how_far_it_came(
    app: Flask, manager: Person, database: Database, services: Any
) -> None:
    works = services.answers["capture", "list_leads"]

    def listed(cursor: str | None, **arguments: Any) -> Any:
        if cursor:
            raise Unavailable("away")
        return works(cursor=cursor, **arguments)

    services.answers["capture", "list_leads"] = listed
    answer = manager.get("/leads.csv")
    with pytest.raises(Unavailable):
        _ = answer.data
    assert lines(database)[0] == ("exported leads", {"filters": {}, "leads": 2, "whole": False})
    assert "2 leads, then it broke off" in Person(app, database, "admin").get("/trail").text
