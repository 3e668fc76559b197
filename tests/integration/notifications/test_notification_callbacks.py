"""What providers and recipients say, on both databases: in any order, more than once, at any moment."""

import itertools
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import sqlalchemy as sa
from notification_cases import Sandbox, age_doubts, assigned, event, receive, rows, seller, sender, states
from runtime_cases import trips_to

from contracts.access import NOBODY, OPERATOR, Actor
from contracts.notifications import Provider, ProviderEvent, ProviderEventKind
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import NotFound
from runtime.ids import new_id
from runtime.settings import Settings
from runtime.tables import outbox as told_table
from services.notifications import callbacks, handlers, outbox
from services.notifications.channels import Accepted, Outgoing
from services.notifications.links import Links
from services.notifications.sending import Sender
from services.notifications.tables import provider_events

PHONE = "+351912000102"
EMAIL = "Rui.Tavares@example.org"
ADDRESS = "https://crm.example.org"


class Noting:
    """A channel that takes everything, and keeps it."""

    def __init__(self) -> None:
        self.taken: list[Outgoing] = []

    def send(self, message: Outgoing) -> Accepted:
        self.taken.append(message)
        return Accepted(f"SM{new_id()}")

    def find(self, *_: Any) -> None:
        return None


class Town:
    """A seller who wants everything, and channels that take everything."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.sms, self.email = Noting(), Noting()
        self.rui = new_id()
        receive(database, seller(self.rui, phone="+351 912 000 102", email=EMAIL))

    def tell(self, minutes: float = 0) -> None:
        """Gives the seller a lead, and sends what is due so many minutes from now."""
        receive(self.database, assigned(self.rui))
        self.send(minutes)

    def send(self, minutes: float = 0) -> None:
        now = utc_now() + timedelta(minutes=minutes)
        worker = Sender(self.database, {"sms": self.sms, "email": self.email}, ADDRESS, clock=lambda: now)
        while worker.send_next():
            pass

    def message(self, channel: str = "sms") -> Any:
        return rows(self.database, channel)[-1]

    def hears(self, *events: ProviderEvent) -> None:
        receive(self.database, *events)

    def replies(self, text: str, **values: Any) -> None:
        self.hears(event("replied", address=PHONE, text=text, **values))

    def suppressed(self) -> list[tuple[str, str, str]]:
        with self.database.read() as connection:
            found = outbox.suppressions(connection, OPERATOR, None, 50, None)["items"]
        return sorted((one["channel"], one["address"], one["reason"]) for one in found)


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


def told(database: Database, message_id: str) -> list[tuple[int, str]]:
    """What has been told of a message, by version."""
    with database.read() as connection:
        bodies = connection.execute(sa.select(told_table.c.body)).scalars().all()
    facts = [fact for body in bodies for fact in msgspec.json.decode(bytes(body))["items"]]
    return sorted((fact["subject_version"], fact["status"]) for fact in facts if fact["subject"] == message_id)


@pytest.mark.feature("NOT-8", "R12")
def test_in_whatever_order_and_however_often_the_end_is_the_same(town: Town) -> None:
    kinds: tuple[ProviderEventKind, ...] = ("sent", "delivered", "failed", "opened")
    for order in itertools.permutations(kinds):
        town.tell()
        message = town.message("email")
        events = [event(kind, "sendgrid", message_id=message.message_id) for kind in order]
        for one in (*events, *events):
            town.hears(one)
        town.hears(*reversed(events))
        assert town.message("email").state == "delivered", order
        with town.database.read() as connection:
            count = sa.select(sa.func.count()).where(provider_events.c.message_id == message.message_id)
            assert connection.execute(count).scalar_one() == len(kinds)
        move_on(town)


def move_on(town: Town) -> None:
    """The next lead is told at once again."""
    with town.database.write() as tx:
        tx.connection.execute(sa.text("DELETE FROM tellings"))


@pytest.mark.feature("NOT-8")
@pytest.mark.parametrize(
    ("kinds", "state", "statuses"),
    [
        (("delivered",), "delivered", ["sent"]),
        (("failed",), "failed", ["sent", "failed"]),
        (("delivered", "sent"), "delivered", ["sent"]),
        (("delivered", "failed"), "delivered", ["sent"]),
        (("delivered", "bounced"), "bounced", ["sent", "failed"]),
        (("replied",), "sent", ["sent"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_told_moves_a_message_on_and_never_back(
    town: Town, kinds: tuple[Any, ...], state: str, statuses: list[str]
) -> None:
    town.tell()
    message = town.message("email")
    for kind in kinds:
        town.hears(event(kind, "sendgrid", message_id=message.message_id, code="550", text="no such user"))
    after = town.message("email")
    assert after.state == state
    assert [status for _, status in told(town.database, message.message_id)] == statuses
    assert after.error == ("550: no such user" if state in ("failed", "bounced") else "")
    assert town.message("sms").state == "sent"


@pytest.mark.feature("NOT-8")
def test_without_our_id_a_message_is_known_by_the_providers(town: Town) -> None:
    town.tell()
    town.hears(event("delivered", provider_id=town.message().provider_id))
    town.hears(event("delivered", provider_id="SM-somebody-elses"), event("delivered", message_id=new_id()))
    town.hears(event("delivered", message_id="no id at all"))
    assert states(town.database) == {"delivered": 1}


@pytest.mark.feature("NOT-4", "R6")
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_callback_settles_what_was_unknown(
    database: Database, settings: Settings, sandbox: Sandbox, channel: str
) -> None:
    rui = new_id()
    receive(database, seller(rui, channels=(channel,)))
    receive(database, assigned(rui))
    sandbox.fault(channel, "accept_then_drop")
    provider: Provider = "twilio" if channel == "sms" else "sendgrid"
    worker = sender(database, replace(settings, sandbox_url=sandbox.url))
    worker.send_next()
    (row,) = rows(database, channel)
    assert row.state == "unknown"
    receive(database, event("delivered", provider, message_id=row.message_id, provider_id="from the callback"))
    (row,) = rows(database, channel)
    assert (row.state, row.due_at, row.unknown_at, row.provider_id) == ("delivered", None, None, "from the callback")
    assert [status for _, status in told(database, row.message_id)] == ["unknown", "sent"]
    worker.sweep()
    assert not worker.send_next()


@pytest.mark.feature("NOT-4", "R6")
def test_what_a_person_had_put_back_into_the_queue_is_not_sent_when_the_provider_turns_out_to_have_it(
    database: Database, settings: Settings, sandbox: Sandbox
) -> None:
    rui = new_id()
    receive(database, seller(rui, channels=("email",)))
    receive(database, assigned(rui))
    sandbox.fault("email", "accept_then_drop")
    worker = sender(database, replace(settings, sandbox_url=sandbox.url))
    worker.send_next()
    sandbox.fault("email", None)
    age_doubts(database)
    message_id = rows(database, "email")[0].message_id
    database.transact(handlers.settle_message, OPERATOR, message_id, "not_sent")
    receive(database, event("failed", "sendgrid", message_id=message_id))
    assert states(database, "email") == {"queued": 1}, "a failure of the first call is no reason not to make the second"
    receive(database, event("delivered", "sendgrid", message_id=message_id))
    assert not worker.send_next()
    assert (states(database, "email"), sandbox.per_intent()) == ({"delivered": 1}, {message_id: 1})


@pytest.mark.feature("NOT-4", "R6")
def test_a_callback_faster_than_the_answer_stays(town: Town) -> None:
    receive(town.database, assigned(town.rui))

    class Quick(Noting):
        def send(self, message: Outgoing) -> Accepted:
            town.hears(event("delivered", message_id=message.message_id, provider_id="SM1"))
            return super().send(message)

    town.sms = Quick()
    town.send()
    assert (town.message().state, town.message().provider_id) == ("delivered", "SM1")
    assert len(town.sms.taken) == 1


@pytest.mark.feature("NOT-6")
@pytest.mark.parametrize("word", ["STOP", "parar", " Sair. ", "BAJA", "cancelar"])
def test_stop_ends_the_sms_and_nothing_else(town: Town, word: str) -> None:
    town.tell()
    town.replies(word)
    assert town.suppressed() == [("sms", PHONE, "stop")]
    move_on(town)
    town.tell()
    assert (town.message().state, town.message().address, len(town.sms.taken)) == ("suppressed", PHONE, 1)
    assert (town.message("email").state, len(town.email.taken)) == ("sent", 2)
    assert told(town.database, town.message().message_id) == [(1, "failed")]
    assert len(rows(town.database, "in_app")) == 2


@pytest.mark.feature("NOT-6")
def test_start_lets_them_through_again_and_an_ordinary_answer_does_neither(town: Town) -> None:
    town.replies("STOP")
    town.replies("Já lhe liguei, obrigado")
    assert town.suppressed() == [("sms", PHONE, "stop")]
    town.replies("Voltar")
    assert town.suppressed() == []
    town.tell()
    assert len(town.sms.taken) == 1


@pytest.mark.feature("NOT-6", "R4")
def test_the_newest_word_counts_in_whatever_order_it_comes(town: Town) -> None:
    begin = utc_now()
    words = [("STOP", 0), ("START", 1), ("PARAR", 2), ("ALTA", 3), ("SAIR", 4)]
    for last in (4, 5):
        said = [
            event("replied", address=PHONE, text=word, at=iso(begin + timedelta(seconds=second, hours=last)))
            for word, second in words[:last]
        ]
        for _ in range(6):
            random.Random(last).shuffle(said)
            for one in said:
                town.hears(one)
        expected = [("sms", PHONE, "stop")] if last == 5 else []
        assert town.suppressed() == expected
    town.hears(*reversed(said))
    assert town.suppressed() == [("sms", PHONE, "stop")]


@pytest.mark.feature("NOT-6", "R12")
def test_a_stop_played_again_after_a_start_changes_nothing(town: Town) -> None:
    stop = event("replied", address=PHONE, text="STOP")
    town.hears(stop)
    town.replies("START", at=iso(utc_now() + timedelta(seconds=1)))
    town.hears(stop)
    town.hears(replace(stop, id=new_id(), event_id="under another id"))
    # Twilio signs no time: what is played again is stamped with the moment it came.
    town.hears(replace(stop, id=new_id(), at=iso(utc_now() + timedelta(hours=1))))
    assert town.suppressed() == []


@pytest.mark.feature("NOT-6")
@pytest.mark.parametrize("kind", ["bounced", "complained", "unsubscribed"])
def test_an_address_that_bounces_complains_or_unsubscribes_gets_no_more(town: Town, kind: Any) -> None:
    town.tell()
    town.hears(event(kind, "sendgrid", message_id=town.message("email").message_id, address=EMAIL.upper()))
    assert town.suppressed() == [("email", EMAIL.casefold(), kind)]
    move_on(town)
    town.tell()
    assert (town.message("email").state, town.message().state) == ("suppressed", "sent")
    assert len(town.email.taken) == 1


@pytest.mark.feature("NOT-6")
def test_what_merely_failed_suppresses_nothing(town: Town) -> None:
    town.tell()
    town.hears(event("failed", "sendgrid", message_id=town.message("email").message_id, address=EMAIL))
    assert town.suppressed() == []


@pytest.mark.feature("NOT-6", "R7")
def test_a_stop_committed_before_the_claim_wins(town: Town) -> None:
    """Between the assignment and the claim, and between a refused attempt and the next."""
    receive(town.database, assigned(town.rui))
    town.replies("STOP")
    town.send()
    assert (states(town.database), town.sms.taken) == ({"suppressed": 1}, [])


@pytest.mark.feature("NOT-6", "R7")
def test_while_stops_and_claims_race_none_is_sent_after_its_stop(database: Database) -> None:
    """A STOP that was committed before the claim was is never overlooked: what was sent was claimed before."""
    towns = [Town(database) for _ in range(24)]
    phones = {}
    for number, town in enumerate(towns):
        phones[town.rui] = f"+35191200{number:04}"
        receive(database, seller(town.rui, 2, phone=phones[town.rui], channels=("sms",)))
        receive(database, assigned(town.rui))
    stopped: dict[str, datetime] = {}

    def stop(town: Town) -> None:
        town.hears(event("replied", address=phones[town.rui], text="STOP"))
        stopped[phones[town.rui]] = utc_now()

    channel = Noting()

    def drain() -> None:
        worker = Sender(database, {"sms": channel}, ADDRESS)
        while worker.send_next():
            pass

    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(stop, town) for town in towns] + [pool.submit(drain) for _ in range(2)]
        for one in waiting:
            one.result(60)
    for row in rows(database, "sms"):
        assert row.state in ("sent", "suppressed")
        if row.state == "sent":
            assert row.claimed_at <= stopped[row.address], "claimed after its STOP was committed"
    assert {row.state for row in rows(database, "sms")} <= {"sent", "suppressed"}
    sent = {message.address for message in channel.taken}
    assert sent == {row.address for row in rows(database, "sms") if row.state == "sent"}


@pytest.mark.feature("NOT-6", "R7")
def test_a_stop_committed_while_another_claim_waits_is_seen_by_it(database: Database) -> None:
    """The claim begins first, and has to wait for the row that holds the STOP back: it looks after it got there."""
    if database.dialect == "sqlite":
        pytest.skip("one writer at a time: there is nothing in between")
    town = Town(database)
    receive(database, seller(town.rui, 2, phone=PHONE, channels=("sms",)))
    receive(database, assigned(town.rui), assigned(town.rui))
    town.send()
    later = utc_now() + timedelta(minutes=2)
    claimed = threading.Thread(
        target=lambda: Sender(database, {"sms": town.sms}, ADDRESS, clock=lambda: later).send_next()
    )
    with holding_digest(database, town.rui):
        claimed.start()
        wait_until_blocked(database)
        town.replies("STOP")
    claimed.join(20)
    assert rows(database, "sms")[-1].state == "suppressed"
    assert len(town.sms.taken) == 1


@contextmanager
def holding_digest(database: Database, seller_id: str) -> Iterator[None]:
    """Holds what a claim of this seller's digest has to wait for."""
    with database.engine.connect() as connection, connection.begin():
        connection.execute(
            sa.text("SELECT 1 FROM tellings WHERE seller_id = CAST(:id AS uuid) FOR UPDATE"), {"id": seller_id}
        )
        yield


def wait_until_blocked(database: Database) -> None:
    deadline = utc_now() + timedelta(seconds=20)
    blocked = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while utc_now() < deadline:
        with database.read() as connection:
            if connection.execute(blocked).scalar_one():
                return
    raise AssertionError("nobody waits")


@pytest.mark.feature("NOT-6")
def test_an_email_says_where_to_unsubscribe_and_one_post_there_is_enough(town: Town) -> None:
    town.tell()
    (mail,) = town.email.taken
    assert town.sms.taken[0].unsubscribe == ""
    assert mail.unsubscribe in mail.body
    address = urlsplit(mail.unsubscribe)
    assert (address.netloc, address.path.startswith("/u/")) == ("crm.example.org", True)
    token = address.path.removeprefix("/u/")
    for _ in range(2):
        assert town.database.transact(callbacks.unsubscribe, token) == {"channel": "email"}
    assert town.suppressed() == [("email", EMAIL.casefold(), "unsubscribed")]
    move_on(town)
    town.tell()
    assert (town.message("email").state, len(town.email.taken)) == ("suppressed", 1)


@pytest.mark.feature("NOT-6", "R12")
def test_nobody_makes_up_where_to_unsubscribe(town: Town) -> None:
    town.tell()
    message_id = town.email.taken[0].message_id
    token = town.email.taken[0].unsubscribe.rpartition("/")[2]
    forged = [
        Links(ADDRESS, b"guessed").unsubscribe(message_id).rpartition("/")[2],
        message_id,
        "",
        ".",
        f"{new_id()}.x",
    ]
    forged += [token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(len(token))]
    for wrong in forged:
        with pytest.raises(NotFound):
            town.database.transact(callbacks.unsubscribe, wrong)
    assert town.suppressed() == []


@pytest.mark.feature("NOT-6", "R14")
def test_a_manager_lifts_a_suppression_and_others_see_none(town: Town) -> None:
    town.replies("STOP")
    with town.database.read() as connection:
        (one,) = outbox.suppressions(connection, OPERATOR, None, 50, "912000")["items"]
        assert outbox.suppressions(connection, OPERATOR, None, 50, "555")["items"] == []
        for actor in (NOBODY, Actor(role="seller", seller_id=town.rui), Actor(role="supervisor", team_ids=(new_id(),))):
            assert outbox.suppressions(connection, actor, None, 50, None) == {"items": [], "next": None}
            with pytest.raises(NotFound):
                town.database.transact(callbacks.lift_suppression, actor, one["suppression_id"])
    lifted = town.database.transact(callbacks.lift_suppression, OPERATOR, one["suppression_id"])
    assert (lifted["channel"], lifted["address"]) == ("sms", PHONE)
    assert town.suppressed() == []
    with pytest.raises(NotFound):
        town.database.transact(callbacks.lift_suppression, OPERATOR, one["suppression_id"])


@pytest.mark.feature("NOT-8")
def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(database: Database) -> None:
    towns = [Town(database) for _ in range(40)]
    for number, town in enumerate(towns):
        receive(database, seller(town.rui, 2, phone=f"+35191300{number:04}", email=f"p{number}@example.org"))
        town.tell()
    sms = rows(database, "sms")
    email = rows(database, "email")
    trips = trips_to(database)
    counts = []
    for size in (2, 38):
        told = [event("delivered", message_id=row.message_id) for row in sms[:size]]
        told += [event("delivered", "sendgrid", provider_id=row.provider_id) for row in email[:size]]
        told += [event("replied", address=row.address, text="STOP") for row in sms[:size]]
        told += [event("bounced", "sendgrid", message_id=row.message_id, address=row.address) for row in email[:size]]
        trips.clear()
        receive(database, *told)
        counts.append(len(trips))
        sms, email = sms[size:], email[size:]
    assert counts[0] == counts[1], trips
