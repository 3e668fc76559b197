"""Notifications on the bus."""

import logging
from typing import Any

import eventlet
from nameko.extensions import DependencyProvider

from contracts.access import Actor
from contracts.distribution import (
    SELLER_CHANGED,
    WORK_ASSIGNED,
    WORK_UNASSIGNED,
    SellerChanged,
    WorkAssigned,
    WorkUnassigned,
)
from contracts.notifications import MESSAGE_SENT, RECORD_PROVIDER_EVENT, ProviderEvent
from runtime.database import Database
from runtime.service import SETTINGS, Asking, BusExtension, Storage, consume, every, operable, rpc
from runtime.transaction import Transaction
from services.notifications import callbacks, handlers, outbox
from services.notifications.channels import NoAnswer
from services.notifications.channels.build import channels
from services.notifications.domain.sending import Outcome
from services.notifications.links import Links
from services.notifications.sending import Sender

log = logging.getLogger(__name__)

SENDING_AT_ONCE = 8
"""Messages that one process has under way at most, and so the most that its death can leave unknown."""

LONGEST_CALL_SECONDS = 60.0
"""Above any timeout of a channel, below the lease: ends a call whose answer trickles in for ever."""


class Sending(DependencyProvider):  # type: ignore[misc]
    """Green threads that send: one is woken by every commit, and each that finds something to send wakes the next."""

    shared = BusExtension()

    def setup(self) -> None:
        self._pool = eventlet.GreenPool(SENDING_AT_ONCE)
        self._closing = False

    def start(self) -> None:
        settings = self.container.config[SETTINGS]
        self._stop_seconds = settings.stop_seconds / 2
        self.links = Links(settings.address)
        self.sender = Sender(
            self.shared.database,
            channels(settings),
            settings.address,
            deadline=lambda: eventlet.Timeout(LONGEST_CALL_SECONDS, NoAnswer(f"none in {LONGEST_CALL_SECONDS:.0f} s")),
        )

    def stop(self) -> None:
        """Lets what is under way come to its end, within bounds; what does not is unknown once its lease runs out."""
        self._closing = True
        with eventlet.Timeout(self._stop_seconds, False):
            self._pool.waitall()

    def get_dependency(self, _context: Any) -> "Sending":
        return self

    def wake(self) -> None:
        """Sets one more green thread to work, unless all are at it."""
        if self._pool.free() and not self._closing:
            self._pool.spawn_n(self._drain)

    def _drain(self) -> None:
        try:
            while not self._closing and self.sender.send_next(on_claimed=self.wake):
                pass
        except Exception:
            log.exception("sending stops until the timer wakes it")


@operable
class NotificationsService:
    """Owns messages, deliveries, suppressions and the in-app inbox."""

    name = "notifications"
    database: Database = Storage()
    sending: Sending = Sending()
    actor: Actor = Asking()

    @consume(WORK_ASSIGNED, emits=(MESSAGE_SENT,))
    def work_assigned(self, transaction: Transaction, facts: list[WorkAssigned]) -> None:
        if handlers.work_assigned(transaction, facts):
            transaction.after_commit(self.sending.wake)

    @consume(WORK_UNASSIGNED)
    def work_unassigned(self, transaction: Transaction, facts: list[WorkUnassigned]) -> None:
        handlers.work_unassigned(transaction, facts)

    @consume(SELLER_CHANGED)
    def seller_changed(self, transaction: Transaction, facts: list[SellerChanged]) -> None:
        if handlers.seller_changed(transaction, facts):
            transaction.after_commit(self.sending.wake)

    @consume(RECORD_PROVIDER_EVENT, emits=(MESSAGE_SENT,))
    def record_provider_event(self, transaction: Transaction, facts: list[ProviderEvent]) -> None:
        callbacks.record_provider_events(transaction, facts)

    @every(1)
    def send_what_is_due(self) -> None:
        self.sending.wake()
        self.sending.sender.sweep()

    @rpc
    def inbox(self, seller_id: str, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.inbox(connection, self.actor, seller_id, cursor, limit)

    @rpc
    def mark_read(self, seller_id: str, message_ids: list[str]) -> dict[str, Any]:
        return self.database.transact(handlers.mark_read, self.actor, seller_id, message_ids)

    @rpc
    def message(self, message_id: str) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.message(connection, self.actor, message_id)

    @rpc
    def messages(self, work_id: str) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.messages(connection, self.actor, work_id)

    @rpc
    def messages_about(self, work_ids: list[str]) -> dict[str, Any]:
        with self.database.read() as connection:
            return outbox.messages_about(connection, self.actor, work_ids)

    @rpc
    def unknown(self, cursor: str | None = None, limit: int = 50) -> dict[str, Any]:
        with self.database.read() as connection:
            return handlers.unknown(connection, self.actor, cursor, limit)

    @rpc
    def settle_message(self, message_id: str, outcome: Outcome) -> dict[str, Any]:
        settled = self.database.transact(handlers.settle_message, self.actor, message_id, outcome)
        log.info("settled as %s by %s", outcome, self.actor.name, extra={"message_id": message_id})
        self.sending.wake()
        return settled

    @rpc
    def outbox(
        self,
        cursor: str | None = None,
        limit: int = 50,
        channel: str | None = None,
        state: str | None = None,
        q: str | None = None,
        seller_id: str | None = None,
        work_id: str | None = None,
        message_id: str | None = None,
    ) -> dict[str, Any]:
        with self.database.read() as connection:
            return outbox.outbox(
                connection, self.sending.links, self.actor, cursor, limit,
                channel=channel, state=state, q=q, seller_id=seller_id, work_id=work_id,
                message_id=message_id,
            )  # fmt: skip

    @rpc
    def suppressions(self, cursor: str | None = None, limit: int = 50, q: str | None = None) -> dict[str, Any]:
        with self.database.read() as connection:
            return outbox.suppressions(connection, self.actor, cursor, limit, q)

    @rpc
    def lift_suppression(self, suppression_id: str) -> dict[str, Any]:
        return self.database.transact(callbacks.lift_suppression, self.actor, suppression_id)

    @rpc
    def unsubscribe(self, token: str) -> dict[str, Any]:
        """By whoever holds the token, signed in or not."""
        return self.database.transact(callbacks.unsubscribe, token)
