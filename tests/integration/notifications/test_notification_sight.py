"""Every RPC of the service, asked by everybody about what is theirs and what is not: R14.

The matrix is made from the service's class: an RPC that has no row here fails.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR
from notification_cases import assigned, event, receive, rows, seller

from contracts.access import NOBODY, Actor
from runtime.clock import utc_now
from runtime.database import Database
from runtime.errors import NotFound
from runtime.ids import new_id
from runtime.service import MeasuredRpc
from services.notifications.domain.sending import WAITS_FOR_A_PERSON_AFTER
from services.notifications.links import UNSUBSCRIBE, Links
from services.notifications.recipients import secret
from services.notifications.service import NotificationsService, Sending
from services.notifications.tables import messages, suppressions

pytestmark = pytest.mark.feature("R14", "GTW-1")

FOREIGN, ABSENT = "not found", "absent"


@dataclass
class World:
    """Two teams with a seller each. What everybody asks about is `rita`'s, of the team `north`."""

    database: Database
    rita: str
    phone: str
    ana: str
    north: str
    south: str
    work: str
    in_app: str
    email: str
    suppression: str

    def actors(self) -> dict[str, Actor]:
        """Who asks, by name."""
        return {
            "admin": Actor(role="admin", name="Ada"),
            "manager": Actor(role="manager", name="Mara"),
            "supervisor": Actor(role="supervisor", team_ids=(self.north,), name="Susana"),
            "supervisor of both": Actor(role="supervisor", team_ids=(self.south, self.north), name="Bea"),
            "supervisor of another team": Actor(role="supervisor", team_ids=(self.south,), name="Otto"),
            "supervisor of no team": Actor(role="supervisor", name="Nuno"),
            "the seller": Actor(role="seller", seller_id=self.rita, name="Rita"),
            "another seller": Actor(role="seller", seller_id=self.ana, name="Ana"),
            "a seller without a record": Actor(role="seller"),
            "nobody": NOBODY,
        }


EVERYTHING = {"admin", "manager"}
OWN = EVERYTHING | {"supervisor", "supervisor of both", "the seller"}
LEAD = OWN - {"the seller"}
ACTORS = tuple(World(None, *("" for _ in range(9))).actors())  # type: ignore[arg-type]


def new_world(database: Database) -> World:
    rita, ana, north, south = new_id(), new_id(), new_id(), new_id()
    record = seller(rita)
    receive(database, record, seller(ana))
    mine, theirs = assigned(rita, team_id=north), assigned(ana, team_id=south)
    receive(database, mine, theirs)
    receive(database, event("replied", address=record.phone, text="STOP"))
    doubtful = sa.update(messages).where(messages.c.channel == "email")
    with database.write() as tx:
        tx.connection.execute(doubtful.values(state="unknown", unknown_at=utc_now() - 2 * WAITS_FOR_A_PERSON_AFTER))
    by = {(row.seller_id, row.channel): row.message_id for row in rows(database)}
    with database.read() as connection:
        of_phone = sa.select(suppressions.c.suppression_id).where(suppressions.c.address == record.phone)
        suppression = connection.execute(of_phone).scalar_one()
    return World(
        database,
        rita,
        record.phone,
        ana,
        north,
        south,
        mine.work_id,
        by[rita, "in_app"],
        by[rita, "email"],
        suppression,
    )


def asked_by(world: World, actor: Actor) -> NotificationsService:
    """The service as nameko makes it for one request."""
    service = NotificationsService()
    service.database, service.actor = world.database, actor
    service.sending = Sending()
    service.sending.links = Links("https://crm.example.org")
    service.sending.wake = lambda: None  # type: ignore[method-assign]
    return service


Ask = Callable[[NotificationsService, World], Any]


@dataclass(frozen=True)
class Row:
    """ask: about what is Rita's. sees: whether an answer shows it. who: who is shown it. otherwise: what the others
    get."""

    ask: Ask
    sees: Callable[[Any, World], bool]
    who: set[str]
    otherwise: str = ABSENT


def has_items(answer: Any, world: World) -> bool:
    return any(world.rita in (item.get("seller_id"), item.get("suppression_id")) for item in answer["items"])


def mine(answer: Any, world: World) -> bool:
    return bool(answer["seller_id"] == world.rita)


MATRIX: dict[str, list[Row]] = {
    "inbox": [
        Row(lambda service, world: service.inbox(world.rita), has_items, OWN),
        Row(lambda service, world: service.inbox(world.rita), lambda answer, _: answer["unread"] > 0, OWN),
    ],
    "mark_read": [
        Row(
            lambda service, world: service.mark_read(world.rita, [world.in_app]),
            lambda answer, _: answer["marked"] > 0,
            OWN,
        )
    ],
    "message": [Row(lambda service, world: service.message(world.email), mine, OWN, FOREIGN)],
    "messages": [Row(lambda service, world: service.messages(world.work), has_items, OWN)],
    "messages_about": [Row(lambda service, world: service.messages_about([world.work]), has_items, OWN)],
    "unknown": [Row(lambda service, world: service.unknown(), has_items, OWN)],
    "settle_message": [
        Row(lambda service, world: service.settle_message(world.email, "sent"), mine, LEAD, FOREIGN),
        Row(lambda service, world: service.settle_message(world.email, "not_sent"), mine, LEAD, FOREIGN),
    ],
    "outbox": [
        Row(lambda service, world: service.outbox(), has_items, OWN),
        Row(lambda service, world: service.outbox(work_id=world.work), has_items, OWN),
        Row(lambda service, world: service.outbox(seller_id=world.rita), has_items, OWN),
        Row(lambda service, world: service.outbox(q=world.phone, channel="sms"), has_items, OWN),
        Row(lambda service, world: service.outbox(state="unknown"), has_items, OWN),
        Row(lambda service, world: service.outbox(message_id=world.email), has_items, OWN),
    ],
    "suppressions": [
        Row(lambda service, world: service.suppressions(), lambda answer, _: bool(answer["items"]), EVERYTHING)
    ],
    "lift_suppression": [
        Row(
            lambda service, world: service.lift_suppression(world.suppression),
            lambda answer, world: bool(answer["suppression_id"] == world.suppression),
            EVERYTHING,
            FOREIGN,
        )
    ],
    "unsubscribe": [
        # Not who asks counts, but the token: see test_nobody_makes_up_where_to_unsubscribe.
        Row(
            lambda service, world: service.unsubscribe(token_of(world)),
            lambda answer, _: answer == {"channel": "email"},
            set(ACTORS),
        )
    ],
}

OPERATORS = {"bus_status", "parked_list", "parked_replay", "parked_drop"}
"""Of every service, for those who see everything: see tests/integration/runtime."""


def token_of(world: World) -> str:
    links = Links("", world.database.transact(secret, UNSUBSCRIBE))
    return links.unsubscribe(world.email).rpartition("/")[2]


def rpcs() -> set[str]:
    return {
        name
        for name, method in inspect.getmembers(NotificationsService, inspect.isfunction)
        for entrypoint in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ())
        if isinstance(entrypoint, MeasuredRpc)
    }


def test_every_rpc_has_a_row() -> None:
    assert rpcs() == MATRIX.keys() | OPERATORS


CASES = [(name, number) for name, asked in MATRIX.items() for number in range(len(asked))]


@pytest.mark.parametrize(("name", "number"), CASES)
def test_who_sees_what(database: Database, name: str, number: int) -> None:
    for who in ACTORS:
        check(new_world(database), MATRIX[name][number], who)


def check(world: World, row: Row, who: str) -> None:
    before = rows(world.database)
    service = asked_by(world, world.actors()[who])
    if who in row.who:
        assert row.sees(row.ask(service, world), world), who
        return
    if row.otherwise == FOREIGN:
        with pytest.raises(NotFound):
            row.ask(service, world)
    else:
        assert not row.sees(row.ask(service, world), world), who
    assert rows(world.database) == before, f"{who} changed what they do not see"


def test_the_matrix_asks_of_everybody() -> None:
    assert len(ACTORS) == 10
    assert all(row.who <= set(ACTORS) for asked in MATRIX.values() for row in asked)
