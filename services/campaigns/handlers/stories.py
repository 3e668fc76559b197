"""What happened in the opportunities of a contact's leads, told together."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection

from contracts import limits
from contracts.access import Actor
from contracts.errors import TOO_LONG
from runtime.errors import invalid, plain
from services.campaigns import story_store
from services.campaigns.domain.timeline import MOST, timeline


def stories(connection: Connection, actor: Actor, work_ids: Sequence[str]) -> dict[str, Any]:
    """What happened in the opportunities of these works, as far as `actor` sees them; the number of queries does not
    depend on how many they are.

    Returns: items, newest first and at most `domain.timeline.MOST`: entries of `domain.timeline` with the `work_id`
        they belong to; of what is "closed" also `amount`, in minor units of `currency`.

    Raises:
        Invalid: more than limits.STORIES_AT_ONCE works.
    """
    if len(work_ids) > limits.STORIES_AT_ONCE:
        raise invalid("work_ids", TOO_LONG, f"at most {limits.STORIES_AT_ONCE}, not {len(work_ids)}")
    found = story_store.opportunities_of(connection, actor, work_ids)
    theirs = [opportunity.id for opportunity in found]
    if not theirs:
        return {"items": []}
    handovers = story_store.handovers_of(connection, theirs)
    actions = story_store.actions_of(connection, theirs, MOST)
    done = story_store.tasks_of(connection, theirs, MOST)
    events = story_store.events_of(connection, theirs, MOST)
    entries = [
        {**entry, "work_id": opportunity.work_id, **_sale(opportunity, entry["what"])}
        for opportunity in found
        for entry in timeline(
            opportunity,
            handovers.get(opportunity.id, ()),
            actions.get(opportunity.id, ()),
            done.get(opportunity.id, ()),
            events.get(opportunity.id, ()),
        )
    ]
    newest = sorted(entries, key=lambda entry: entry["at"], reverse=True)[:MOST]
    return {"items": plain(newest)}


def _sale(opportunity: Any, what: str) -> dict[str, Any]:
    is_sale = what == "closed"
    return {"amount": opportunity.amount if is_sale else None, "currency": opportunity.currency if is_sale else ""}
