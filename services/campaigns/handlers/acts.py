"""What people do in an opportunity: they act, and they close it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.campaigns import ACTION_RECORDED, OPPORTUNITY_CLOSED, ActionRecorded, OpportunityClosed
from contracts.errors import INVALID, NOT_ALLOWED, REQUIRED, TOO_LONG
from runtime.clock import iso, utc_now
from runtime.errors import Conflict, Invalid, NotFound, invalid
from runtime.ids import new_id
from runtime.transaction import Transaction
from services.campaigns import store, task_store
from services.campaigns.domain.actions import Action, happened_at, problems_of
from services.campaigns.domain.opportunities import OUTCOMES, is_currency, needs_reason
from services.campaigns.domain.tasks import end_of
from services.campaigns.domain.texts import storable
from services.campaigns.handlers.views import card, instant, shown


def record_action(
    transaction: Transaction, actor: Actor, opportunity_id: str, action: Mapping[str, Any], version: int | None = None
) -> dict[str, Any]:
    """Keeps what somebody did in an open opportunity and tells it. What it does to its tasks: see `domain.tasks`;
    `next_at` says when the next thing is due. The same id again changes nothing and has the same answer, whatever
    happened since.

    Args:
        action: {"id", "kind", "outcome", "note", "at", "next_at", "next_kind", "task_id"}; only `kind` has to be there.
            id: a UUID that the page makes; at: when it happened; times in ISO 8601 with their offset; task_id: the
            open task that was done by it, left out when it was none in particular.
        version: of the opportunity as it was seen; None when it does not matter.

    Returns:
        the card, see `views.card`.

    Raises:
        NotFound; Invalid; Conflict: closed, or changed since, the task is not open, the id belongs to another action.
    """
    wanted = _read(action)
    connection = transaction.connection
    opportunity = locked(transaction, actor, opportunity_id)
    known = store.action_by_id(connection, wanted.id) if wanted.id else None
    if known is not None:
        if (known.opportunity_id, known.kind, known.outcome, known.note, known.next_at) != (
            opportunity_id,
            wanted.kind,
            wanted.outcome,
            wanted.note,
            wanted.next_at,
        ):
            raise Conflict("another action has this id")
        return card(connection, opportunity)
    check_open(opportunity, version)
    now = utc_now()
    row = _action_row(wanted, opportunity, actor, now)
    store.add_action(connection, row)
    _end_tasks(connection, opportunity_id, wanted, action.get("task_id"), row["at"])
    if wanted.next_at:
        store.add(connection, [], [_next_task(wanted, opportunity, now)])
    store.set_values(connection, opportunity_id, version=opportunity.version + 1)
    transaction.emit(ACTION_RECORDED, _recorded(row, opportunity))
    return card(connection, store.locked(connection, actor, opportunity_id))


def _read(action: Mapping[str, Any]) -> Action:
    """Raises: Invalid: naming every field that cannot be taken."""
    at, next_at = (instant(name, action.get(name)) for name in ("at", "next_at"))
    problems = list(problems_of(action, next_at))
    if problems:
        raise Invalid([{"field": field, "code": code, "message": message} for field, code, message in problems])
    return Action(
        id=action.get("id"),
        kind=action["kind"],
        outcome=action.get("outcome", ""),
        note=storable(action.get("note", "")),
        at=at,
        next_at=next_at,
        next_kind=action.get("next_kind", "call"),
    )


def locked(transaction: Transaction, actor: Actor, opportunity_id: str) -> Any:
    """The opportunity, held until the transaction ends. Raises: NotFound."""
    opportunity = store.locked(transaction.connection, actor, opportunity_id)
    if opportunity is None:
        raise NotFound("opportunity", opportunity_id)
    return opportunity


def check_open(opportunity: Any, version: int | None) -> None:
    """Raises: Conflict: it is closed, or was changed since `version`; None: whatever it is."""
    if opportunity.state == "closed":
        raise Conflict(f"the opportunity was closed already: {opportunity.outcome}")
    if version is not None and opportunity.version != version:
        raise Conflict(f"the opportunity was changed meanwhile: it is at version {opportunity.version}, not {version}")


def _end_tasks(connection: Connection, opportunity_id: str, action: Action, task_id: str | None, at: datetime) -> None:
    """Raises: Conflict: the task from which it was taken is not open."""
    tasks = task_store.open_tasks(connection, opportunity_id)
    if task_id is not None and all(task.id != task_id for task in tasks):
        raise Conflict("the task is not open any more")
    for ended, done_at in (("done", at), ("dropped", None)):
        ids = [task.id for task in tasks if end_of(task, action, task_id, at) == ended]
        if ids:
            task_store.end_tasks(connection, ids, ended, done_at)


def _action_row(wanted: Action, opportunity: Any, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "id": wanted.id or new_id(),
        "opportunity_id": opportunity.id,
        "work_id": opportunity.work_id,
        "contact_id": opportunity.contact_id,
        "seller_id": actor.seller_id or opportunity.seller_id,
        "kind": wanted.kind,
        "outcome": wanted.outcome,
        "note": wanted.note,
        "at": happened_at(wanted.at, opportunity.opened_at, now),
        "next_at": wanted.next_at,
        "created_at": now,
    }


def _next_task(wanted: Action, opportunity: Any, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "opportunity_id": opportunity.id,
        "seller_id": opportunity.seller_id,
        "kind": wanted.next_kind,
        "state": "open",
        "due_at": wanted.next_at,
        "created_at": now,
        "done_at": None,
    }


def _recorded(row: Mapping[str, Any], opportunity: Any) -> ActionRecorded:
    return ActionRecorded(
        id=new_id(),
        subject=row["id"],
        subject_version=1,
        correlation_id=opportunity.correlation_id,
        action_id=row["id"],
        opportunity_id=opportunity.id,
        work_id=opportunity.work_id,
        contact_id=opportunity.contact_id or "",
        seller_id=row["seller_id"] or "",
        team_id=opportunity.team_id or "",
        source=opportunity.source,
        kind=row["kind"],
        outcome=row["outcome"],
        at=iso(row["at"]),
        next_at=iso(row["next_at"]) if row["next_at"] else "",
    )


def close_opportunity(
    transaction: Transaction,
    actor: Actor,
    opportunity_id: str,
    outcome: str,
    reason: str,
    version: int,
    amount: int | None = None,
    currency: str = "",
) -> dict[str, Any]:
    """Ends an opportunity that is open and still at `version`, drops its open tasks and tells everybody.

    Args:
        amount, currency: what was sold, in minor units of a currency of ISO 4217; only of what was won.

    Raises:
        NotFound; Invalid: an unknown outcome, lost without a reason, too long a reason, an amount that cannot be;
            Conflict: closed already, or changed since.
    """
    reason = storable(reason)
    _check_closing(outcome, reason, amount, currency)
    opportunity = locked(transaction, actor, opportunity_id)
    check_open(opportunity, version)
    now = utc_now()
    changes = {
        "state": "closed",
        "outcome": outcome,
        "reason": reason,
        "amount": amount,
        "currency": "" if amount is None else currency,
        "closed_at": now,
        "version": version + 1,
    }
    store.set_values(transaction.connection, opportunity_id, **changes)
    left = [task.id for task in task_store.open_tasks(transaction.connection, opportunity_id)]
    task_store.end_tasks(transaction.connection, left, "dropped", None)
    closed = {**opportunity._mapping, **changes}
    transaction.emit(OPPORTUNITY_CLOSED, _closed(closed))
    return shown(closed)


def _check_closing(outcome: str, reason: str, amount: int | None, currency: str) -> None:
    if outcome not in OUTCOMES:
        raise invalid("outcome", INVALID, f"one of {', '.join(OUTCOMES)}")
    if needs_reason(outcome) and not reason:
        raise invalid("reason", REQUIRED, "say why it was lost")
    if len(reason) > limits.REASON:
        raise invalid("reason", TOO_LONG, f"at most {limits.REASON} characters")
    if amount is None:
        return
    if outcome != "won":
        raise invalid("amount", NOT_ALLOWED, "only what was won has an amount")
    if not 0 <= amount <= limits.AMOUNT:
        raise invalid("amount", INVALID, f"between 0 and {limits.AMOUNT}, in minor units")
    if not is_currency(currency):
        raise invalid("currency", INVALID, "three capital letters, as in ISO 4217, such as EUR")


def _closed(row: Mapping[str, Any]) -> OpportunityClosed:
    return OpportunityClosed(
        id=new_id(),
        subject=row["id"],
        subject_version=row["version"],
        correlation_id=row["correlation_id"],
        opportunity_id=row["id"],
        work_id=row["work_id"],
        seller_id=row["seller_id"] or "",
        outcome=row["outcome"],
        closed_at=iso(row["closed_at"]),
        amount=row["amount"],
        currency=row["currency"],
        source=row["source"],
        team_id=row["team_id"] or "",
    )
