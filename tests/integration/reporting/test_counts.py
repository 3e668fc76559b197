"""What is heard is logged and counted."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from reporting_cases import ANA, captured, closed, fact, named
from runtime_cases import trips_to

from contracts.access import OPERATOR
from contracts.campaigns import OPPORTUNITY_CLOSED
from contracts.capture import LEAD_CAPTURED
from contracts.distribution import SellerChanged
from contracts.notifications import MESSAGE_SENT, MessageSent
from runtime.database import Database
from runtime.errors import Invalid
from runtime.ids import new_id
from runtime.migrations import differences, upgrade
from runtime.settings import Settings
from services.reporting import handlers, store
from services.reporting.handlers.replay import replay

pytestmark = pytest.mark.feature("REP-5")


def counted(database: Database, by: str, since: str | None = None, until: str | None = None) -> list[tuple[Any, ...]]:
    with database.read() as connection:
        items = handlers.counts(connection, OPERATOR, by, since, until)["items"]
    return [(item["measure"], item[by], item["count"]) for item in items]


def test_the_code_and_its_migrations_agree(settings: Settings) -> None:
    upgrade("reporting", settings)
    assert differences("reporting", settings) == []


def test_leads_are_counted_by_source_and_hour_across_batches(database: Database) -> None:
    first = [captured("site", "2026-11-22T09:10:00+00:00"), captured("site", "2026-11-22T10:59:59+01:00")]
    second = [captured("site", "2026-11-22T10:00:00+00:00"), captured("fair", "2026-11-22T10:30:00+00:00")]
    for batch in (first, second):
        with database.write() as transaction:
            handlers.count_facts(transaction, LEAD_CAPTURED, batch)
    assert counted(database, "source") == [("leads_captured", "fair", 1), ("leads_captured", "site", 3)]
    assert counted(database, "hour") == [
        ("leads_captured", "2026-11-22T09:00:00+00:00", 2),
        ("leads_captured", "2026-11-22T10:00:00+00:00", 2),
    ]
    since, until = "2026-11-22T10:00:00+00:00", "2026-11-22T11:00:00+00:00"
    assert counted(database, "source", since, until) == [("leads_captured", "fair", 1), ("leads_captured", "site", 1)]
    with database.read() as connection:
        logged = connection.execute(sa.select(store.fact_log.c.fact)).scalars().all()
    assert {row["lead_id"] for row in logged} == {each.lead_id for each in first + second}


@pytest.mark.feature("CAP-2", "REP-11")
def test_a_test_is_no_lead_captured_live_and_from_the_log(database: Database) -> None:
    at = "2026-11-22T09:10:00+00:00"
    tried = replace(captured("site", at), is_test=True)
    with database.write() as transaction:
        handlers.count_facts(transaction, LEAD_CAPTURED, [captured("site", at), tried])
    for _ in range(2):
        assert counted(database, "source") == [("leads_captured", "site", 1)]
        with database.read() as connection:
            found = handlers.overview(
                connection, OPERATOR, "2026-11-22T00:00:00+00:00", "2026-11-23T00:00:00+00:00", "UTC"
            )
        assert [found["captured"], *(line["captured"] for line in found["by_source"])] == [1, 1]
        assert replay(database).facts == 2


LONG_NAME = "Ana Costa ".ljust(200, "a")
"""As long as distribution lets a name be."""


def test_sellers_are_counted_by_name_and_the_newest_name_stays(database: Database) -> None:
    for batch in ([named(ANA, "Ana", 1), named(ANA, LONG_NAME, 3)], [named(ANA, "Ana Late", 2)]):
        with database.write() as transaction:
            handlers.keep_sellers(transaction, batch)
    with database.write() as transaction:
        handlers.count_facts(
            transaction,
            MESSAGE_SENT,
            [
                MessageSent(
                    **fact(
                        message_id=new_id(),
                        channel="sms",
                        recipient_kind="seller",
                        recipient_id=ANA,
                        work_id=new_id(),
                        status="sent",
                        sent_at="2026-11-22T09:00:00+00:00",
                    )
                )
            ],
        )
        handlers.count_facts(transaction, OPPORTUNITY_CLOSED, [closed("site", "2026-11-22T09:00:00+00:00")])
    with database.read() as connection:
        items = handlers.counts(connection, OPERATOR, "seller", None, None)["items"]
    assert [(item["measure"], item["name"], item["count"]) for item in items] == [
        ("opportunities_won", LONG_NAME, 1),
        ("sms_sent", LONG_NAME, 1),
    ]


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(database: Database) -> None:
    trips = trips_to(database)
    counts = []
    for size in (1, 200):
        leads = [captured(f"source {number}", "2026-11-22T09:10:00+00:00") for number in range(size)]
        changes = [SellerChanged(**fact(seller_id=new_id(), name="Ana")) for _ in range(size)]
        trips.clear()
        with database.write() as transaction:
            handlers.count_facts(transaction, LEAD_CAPTURED, leads)
            handlers.keep_sellers(transaction, changes)
        counts.append(len(trips))
    assert counts[0] == counts[1] <= 6, trips
    cells = counted(database, "source")
    assert sorted(count for *_, count in cells) == [1] * 199 + [2]
    with database.read() as connection:
        assert len(store.seller_names(connection)) == 201


@pytest.mark.parametrize(("arguments", "where"), [(("colour", None, None), "by"), (("hour", "noon", None), "since")])
def test_a_question_that_makes_no_sense_is_refused(database: Database, arguments: tuple[Any, ...], where: str) -> None:
    with database.read() as connection, pytest.raises(Invalid, match=where):
        handlers.counts(connection, OPERATOR, *arguments)
