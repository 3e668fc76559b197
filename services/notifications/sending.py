"""Sends what is queued: one intent, at most one message, whatever dies in between.

`sending` is committed before the provider is called and the call is made outside any transaction. What ends between the
two leaves a message whose fate is unknown; it is looked up, and never sent again by itself
(`docs/adr/0007-unknown-is-not-retried.md`).
"""

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.notifications import MESSAGE_SENT
from runtime.clock import utc_now
from runtime.database import Database
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.notifications import outbound, recipients
from services.notifications.channels import Accepted, Channel, NoAnswer, Outgoing, Refused, TryLater
from services.notifications.domain.addresses import spelled
from services.notifications.domain.intents import direct_channels
from services.notifications.domain.sending import LEASE, look_up_at, retry_at
from services.notifications.domain.texts import render
from services.notifications.handlers import told
from services.notifications.links import UNSUBSCRIBE, Links
from services.notifications.outbound import Claim

log = logging.getLogger(__name__)

SWEPT_AT_ONCE = 100
LOOKED_UP_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class _Job:
    claim: Claim
    channel: str
    outgoing: Outgoing
    correlation_id: str


class Sender:
    """Takes messages out of the queue and hands them to their channels. Any number may work on one database.

    Args:
        channels: by the name used in messages.
        address: the gateway's, to which links lead; without a slash at the end.
        clock: now, aware.
        deadline: wraps each call to a provider; may end it by raising NoAnswer.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        address: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        deadline: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._database = database
        self._channels = channels
        self._address = address
        self._links: Links | None = None
        self._clock = clock
        self._deadline = deadline

    def send_next(self, on_claimed: Callable[[], None] = lambda: None) -> bool:
        """Sends the message due longest; False when nothing is due.

        on_claimed: called between claiming the message and calling its provider.
        """
        if self._links is None:
            secret = self._database.transact(recipients.secret, UNSUBSCRIBE)
            self._links = Links(self._address, secret)
        job = self._database.transact(self._claim, self._links)
        if job is None:
            return False
        if isinstance(job, _Job):
            on_claimed()
            self._record(job, self._call(job))
        return True

    def sweep(self) -> None:
        """Doubts what was claimed and never answered, and looks up what is in doubt."""
        self._database.transact(self._doubt_expired)
        for row in self._database.transact(self._take_unknown):
            if not self._look_up(row):
                return  # the provider is away: the others would only wait for it in turn

    def _claim(self, tx: Transaction, links: Links) -> _Job | str | None:
        """Claims one message. One that cannot or need not be sent is taken out of the queue, and its id returned."""
        now = self._clock()
        row = outbound.take_queued(tx, now)
        if row is None:
            return None
        message_id = str(row.message_id)
        leads, source = outbound.close_digest(tx, row, now) if row.digest_id else (1, row.source)
        seller = outbound.seller(tx.connection, row.seller_id)
        wanted = row.channel in direct_channels(seller.channels, active=seller.active)
        if not wanted or not leads or (not row.digest_id and outbound.is_overtaken(tx.connection, row)):
            outbound.drop_withdrawn(tx, message_id)
            return message_id
        address = spelled("sms", seller.phone) if row.channel == "sms" else seller.email.strip()
        if not address:
            tx.emit(MESSAGE_SENT, *told([outbound.give_up(tx, message_id, "failed", "no_address")]))
            return message_id
        if recipients.is_suppressed(tx.connection, row.channel, spelled(row.channel, address)):
            tx.emit(MESSAGE_SENT, *told([outbound.give_up(tx, message_id, "suppressed", "suppressed", address)]))
            return message_id
        claim = Claim(new_id(), message_id, row.attempts + 1)
        unsubscribe = links.unsubscribe(message_id) if row.channel == "email" else ""
        text = render(
            row.channel, seller.locale, source=source, name=seller.name, link=links.message(message_id), leads=leads,
            unsubscribe=unsubscribe,
        )  # fmt: skip
        handed = {"address": address, "subject": text.subject, "body": text.body, "leads": leads}
        outbound.mark_sending(tx, claim, handed, now, now + LEASE)
        outgoing = Outgoing(message_id, address, text.subject, text.body, unsubscribe)
        return _Job(claim, row.channel, outgoing, row.correlation_id)

    def _call(self, job: _Job) -> Accepted | Refused | TryLater | NoAnswer:
        try:
            with self._deadline():
                return self._channels[job.channel].send(job.outgoing)
        except (Refused, TryLater, NoAnswer) as answer:
            return answer
        except Exception as error:
            log.exception("channel %s broke off", job.channel, extra={"correlation_id": job.correlation_id})
            return NoAnswer(repr(error))

    def _record(self, job: _Job, answer: Accepted | Refused | TryLater | NoAnswer) -> None:
        self._database.transact(self._write, job.claim, answer)
        log.info(
            "%s: %s",
            job.channel,
            type(answer).__name__,
            extra={"message_id": job.claim.message_id, "correlation_id": job.correlation_id},
        )

    def _write(self, tx: Transaction, claim: Claim, answer: Accepted | Refused | TryLater | NoAnswer) -> None:
        row = outbound.record(tx, claim, **self._outcome(claim, answer))
        if row is not None and row.state != "queued":
            tx.emit(MESSAGE_SENT, *told([row]))

    def _outcome(self, claim: Claim, answer: Accepted | Refused | TryLater | NoAnswer) -> dict[str, Any]:
        """What an answer makes of the message."""
        now = self._clock()
        match answer:
            case Accepted():
                return {
                    "state": "sent", "provider_id": answer.provider_id, "sent_at": now, "due_at": None, "error": "",
                    "unknown_at": None,
                }  # fmt: skip
            case Refused():
                return {"state": "failed", "error": str(answer), "due_at": None, "unknown_at": None}
            case TryLater():
                again = retry_at(now, claim.attempts, random.random(), answer.retry_after)
                state = "queued" if again else "failed"
                return {"state": state, "error": answer.code, "due_at": again, "unknown_at": None}
            case NoAnswer():
                return {
                    "state": "unknown", "error": str(answer), "unknown_at": now, "due_at": look_up_at(now, now),
                }  # fmt: skip

    def _doubt_expired(self, tx: Transaction) -> None:
        tx.emit(MESSAGE_SENT, *told(outbound.doubt_expired(tx, self._clock(), SWEPT_AT_ONCE)))

    def _take_unknown(self, tx: Transaction) -> list[Any]:
        now = self._clock()
        rows = outbound.take_unknown(tx, now, LOOKED_UP_AT_ONCE)
        for row in rows:
            outbound.look_up_again(tx, row.message_id, look_up_at(now, row.unknown_at))
        return rows

    def _look_up(self, row: Any) -> bool:
        """Asks the provider for one message and records it if it is there; False when the provider gave no answer."""
        try:
            with self._deadline():
                found = self._channels[row.channel].find(row.message_id, row.address, row.claimed_at)
        except NoAnswer as error:
            log.warning("look-up of %s: %s", row.channel, error, extra={"correlation_id": row.correlation_id})
            return False
        if found:
            claim = Claim(row.claim_id, row.message_id, row.attempts)
            self._database.transact(self._write, claim, Accepted(found))
        return True
