"""A write transaction that also holds what it tells others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from contracts.message import Fact, Lane, Message
from runtime.clock import utc_now
from runtime.tables import outbox
from runtime.wire import Outgoing, pack

_add_to_outbox = sa.insert(outbox)


def dialect_insert(dialect: str, table: sa.Table) -> Any:
    """The INSERT of "sqlite" or "postgresql" for `table`."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


class UndeclaredMessage(TypeError):
    """A handler emitted a type that its declaration does not name: the message graph would lie."""


class Transaction:
    """What a use case works with.

    connection: for its SQL.
    lane, hops, cause: inherited by what it emits; a lane may be given with the facts instead.
    sweep_after: how long whoever commits it has to get it confirmed before the sweeper takes it up.
    may_emit: names of the message types it has declared; None when it may emit any.
    """

    def __init__(
        self, connection: Connection, owner: str, *, lane: Lane, hops: int, cause: str, sweep_after: timedelta
    ) -> None:
        self.connection = connection
        self.owner = owner
        self.lane: Lane = lane
        self.hops = hops
        self.cause = cause
        self.sweep_after = sweep_after
        self.may_emit: frozenset[str] | None = None
        self.afterwards: list[Callable[[], None]] = []
        self._emitted: list[tuple[Message, Lane, Fact]] = []

    def insert(self, table: sa.Table) -> Any:
        """The dialect's own INSERT, which knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
        return dialect_insert(self.connection.dialect.name, table)

    def emit(self, message: Message, *facts: Fact, lane: Lane | None = None) -> None:
        """Tells `facts` to the subscribers of `message`, if and when this transaction commits.

        lane: where they travel; the transaction's own when not given.

        Raises:
            UndeclaredMessage: the running handler has not declared that it emits this type.
        """
        if self.may_emit is not None and message.name not in self.may_emit:
            raise UndeclaredMessage(message.name)
        self._emitted.extend((message, lane or self.lane, fact) for fact in facts)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Calls `act` once this transaction has committed; it must be quick and may not fail."""
        self.afterwards.append(act)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail alone: an error undoes its rows and what it emitted, and goes on to the caller."""
        mark = len(self._emitted)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            del self._emitted[mark:]
            raise

    def flush(self) -> list[Outgoing]:
        """Writes the outbox rows of what was emitted and returns them, ready to be published."""
        in_order = sorted(self._emitted, key=lambda emitted: (emitted[0].name, emitted[1]))
        outgoing = [
            envelope
            for (message, lane), group in groupby(in_order, key=lambda emitted: emitted[:2])
            for envelope in pack(message, (fact for *_, fact in group), lane=lane, hops=self.hops, cause=self.cause)
        ]
        self._emitted.clear()
        if outgoing:
            due_at = utc_now() + self.sweep_after
            self.connection.execute(
                _add_to_outbox,
                [
                    {
                        "id": envelope.id,
                        "exchange": envelope.exchange,
                        "routing_key": envelope.routing_key,
                        "lane": envelope.lane,
                        "body": envelope.body,
                        "due_at": due_at,
                    }
                    for envelope in outgoing
                ],
            )
        return outgoing
