"""The outbox viewer on both databases: what it shows, how it is searched, and what a page costs."""

from typing import Any

import pytest
from notification_cases import assigned, event, receive, rows, seller
from runtime_cases import trips_to

from contracts.access import OPERATOR
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.errors import Invalid
from runtime.ids import new_id
from services.notifications import outbox
from services.notifications.channels import Accepted, Outgoing
from services.notifications.links import Links
from services.notifications.sending import Sender

pytestmark = pytest.mark.feature("NOT-8")

LINKS = Links("https://crm.example.org")


class Taking:
    def send(self, message: Outgoing) -> Accepted:
        return Accepted(new_id())

    def find(self, *_: Any) -> None:
        return None


def send(database: Database) -> None:
    worker = Sender(database, {"sms": Taking(), "email": Taking()}, LINKS.base)
    while worker.send_next():
        pass


def shown(database: Database, cursor: str | None = None, limit: int = 50, **filters: Any) -> dict[str, Any]:
    with database.read() as connection:
        return outbox.outbox(connection, LINKS, OPERATOR, cursor, limit, **filters)


def items(database: Database, **filters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(database, **filters)["items"]
    return found


def test_a_message_shows_what_was_sent_and_what_became_of_it(database: Database) -> None:
    rita = new_id()
    receive(database, seller(rita, name="Rita Sá", locale="pt"))
    receive(database, assigned(rita, source="Página de verão"))
    send(database)
    receive(database, seller(rita, 2, name="Rita Nova", locale="en"))
    (message_id,) = (row.message_id for row in rows(database, "sms"))
    at = iso(utc_now())
    told = [("delivered", "", ""), ("replied", "", "Obrigada!")]
    receive(database, *(event(kind, message_id=message_id, code=code, text=text, at=at) for kind, code, text in told))  # type: ignore[arg-type]
    email, sms, in_app = items(database)
    assert [item["channel"] for item in (in_app, sms, email)] == ["in_app", "sms", "email"]
    assert sms["text"] == f"Novo lead de Pagina de verao: https://crm.example.org/m/{message_id}"
    assert (sms["segments"]["encoding"], sms["segments"]["count"], sms["subject"]) == ("GSM-7", 1, "")
    assert sms["seller_name"] == "Rita Nova"
    assert sms["address"].startswith("+3519")
    assert sms["state"] == "delivered"
    assert sorted((one["kind"], one["text"], one["at"]) for one in sms["events"]) == [
        ("delivered", "", at),
        ("replied", "Obrigada!", at),
    ]
    assert email["subject"] == "Novo lead de Página de verão"
    assert email["text"].startswith("Olá Rita Sá,"), "as it was sent, not as it would be now"
    assert (in_app["text"], in_app["segments"], in_app["events"]) == ("New lead from Página de verão", None, [])


def test_what_waits_shows_what_would_be_sent(database: Database) -> None:
    rita = new_id()
    receive(database, seller(rita, channels=("sms",)))
    receive(database, *(assigned(rita) for _ in range(6)))
    alone, digest = sorted(items(database, channel="sms"), key=lambda item: int(item["leads"]))
    assert alone["text"].startswith("Novo lead de Landing: https://crm.example.org/m/")
    assert digest["text"].startswith("5 novos leads: https://crm.example.org/m/")
    assert (digest["kind"], digest["leads"], digest["state"]) == ("digest", 5, "queued")
    assert digest["due_at"] > alone["due_at"]
    assert {item["leads"] for item in items(database) if item["channel"] == "in_app"} == {1}, "each has its own"


def test_it_is_narrowed_by_channel_state_seller_and_work(database: Database) -> None:
    rita, ana = new_id(), new_id()
    receive(
        database,
        seller(rita, name="Rita Gonçalves", phone="+351 912 345 678", email="rita@norte.example"),
        seller(ana, name="Ana", phone="+351 934 000 111", channels=("sms",)),
    )
    work = assigned(rita)
    receive(database, work, assigned(ana))
    send(database)
    (sms,) = (row for row in rows(database, "sms") if row.seller_id == rita)
    receive(database, event("failed", message_id=sms.message_id, code="30003"))

    def found(**filters: Any) -> list[tuple[str, str]]:
        names = {rita: "rita", ana: "ana"}
        return sorted((names[item["seller_id"]], item["channel"]) for item in items(database, **filters))

    ritas = [("rita", "email"), ("rita", "in_app"), ("rita", "sms")]
    assert found() == [("ana", "in_app"), ("ana", "sms"), *ritas]
    assert found(channel="sms") == [("ana", "sms"), ("rita", "sms")]
    assert found(state="failed") == [("rita", "sms")]
    assert found(channel="in_app", state="sent") == [("ana", "in_app"), ("rita", "in_app")]
    assert found(seller_id=rita) == found(work_id=work.work_id) == ritas
    for q in ("goncalves", "RITA G", "912345", "+351 912", "norte.example"):
        assert found(q=q) == ritas, q
    assert found(q="rita", seller_id=ana) == []
    assert found(q="nobody") == []
    assert len(found(q="  ")) == 5


@pytest.mark.parametrize(
    "filters", [{"channel": "fax"}, {"state": "lost"}, {"cursor": "x"}, {"limit": 0}, {"limit": 501}]
)
def test_what_there_is_not_is_refused(database: Database, filters: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        shown(database, **filters)


def test_pages_follow_each_other_and_cost_the_same(database: Database) -> None:
    sellers = [new_id() for _ in range(10)]
    receive(database, *(seller(seller_id) for seller_id in sellers))
    for _ in range(4):
        receive(database, *(assigned(seller_id) for seller_id in sellers))
    send(database)
    receive(database, *(event("delivered", message_id=row.message_id) for row in rows(database, "sms")))
    trips = trips_to(database)
    seen: list[str] = []
    cursor, pages = None, []
    while True:
        trips.clear()
        page = shown(database, cursor, 7)
        pages.append(len([statement for statement in trips if not statement.startswith("BEGIN")]))
        seen += [item["message_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted((row.message_id for row in rows(database)), reverse=True)
    assert set(pages) <= {2, 3}, "a page, its events and, where digests wait, what they gather"


def test_one_message_is_found_among_many_of_its_work_and_no_other_is_read(database: Database) -> None:
    rita = new_id()
    receive(database, seller(rita))
    fact = assigned(rita)
    receive(database, fact)
    for version in range(2, 60):
        receive(database, assigned(rita, fact.work_id, version))
    assert len(rows(database)) > 50
    statements = trips_to(database)
    for row in rows(database)[:: len(rows(database)) // 5]:
        statements.clear()
        (found,) = items(database, message_id=row.message_id, limit=1)
        assert (found["message_id"], found["channel"]) == (row.message_id, row.channel)
    assert items(database, message_id=new_id()) == []


@pytest.mark.feature("CAP-9")
def test_messages_about_some_work_come_with_what_was_answered(database: Database) -> None:
    rita = new_id()
    receive(database, seller(rita, channels=("sms",)))
    works = [assigned(rita) for _ in range(3)]
    for work in works:
        receive(database, work)
    send(database)
    message_id = next(row.message_id for row in rows(database, "sms") if row.work_id == works[0].work_id)
    receive(database, event("replied", message_id=message_id, text="Obrigada!"))
    with database.read() as connection:
        told = outbox.messages_about(connection, OPERATOR, [work.work_id for work in works[:2]])["items"]
        with pytest.raises(Invalid):
            outbox.messages_about(connection, OPERATOR, [new_id()] * 201)
    assert {item["work_id"] for item in told if item["kind"] == "assignment"} == {work.work_id for work in works[:2]}
    assert [[reply["text"] for reply in item["replies"]] for item in told if item["message_id"] == message_id] == [
        ["Obrigada!"]
    ]
    assert [item["created_at"] for item in told] == sorted((item["created_at"] for item in told), reverse=True)
