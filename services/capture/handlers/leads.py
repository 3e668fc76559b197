"""Leads as people ask for them, each with its contact and whose it is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Connection, RowMapping

from contracts.access import Actor
from runtime.clock import utc_now
from runtime.errors import NotFound, plain
from services.capture import store
from services.capture.checks import instant, known_id, known_ids, wanted_leads
from services.capture.domain.forms import labels_of
from services.capture.store.leads import Wanted

MOST_COUNTED = 10_000
MOST_OF_CONTACT = 50


def get_lead(connection: Connection, actor: Actor, lead_id: str) -> dict[str, Any]:
    """One lead with its contact.

    Raises:
        NotFound: there is none that `actor` sees.
    """
    cards = _cards(connection, actor, [known_id("lead", lead_id)])
    if not cards:
        raise NotFound("lead", lead_id)
    return cards[0]


def lead_cards(connection: Connection, actor: Actor, lead_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The leads among `lead_ids` that are there, each with its contact, in the order asked for."""
    return _cards(connection, actor, known_ids(lead_ids))


def list_leads(
    connection: Connection, actor: Actor, cursor: str | None, limit: int, filters: dict[str, Any]
) -> dict[str, Any]:
    """Leads with their contacts, newest first.

    filters: any of form_id, import_id, source, seller_id, team_id; q, which see `domain.search`; owned, whether a
        seller has it; since and until, ISO 8601 instants of its capture.

    Raises:
        Invalid: a filter that cannot be.
    """
    found, following = store.leads.page_of(connection, actor, wanted_leads(filters), cursor, limit)
    return {"items": _cards(connection, actor, found), "next": following}


def count_leads(connection: Connection, actor: Actor, filters: dict[str, Any]) -> dict[str, Any]:
    """How many leads `list_leads` would list; `capped` when there are more than are counted.

    Raises:
        Invalid: a filter that cannot be.
    """
    counted = store.leads.count(connection, actor, wanted_leads(filters), MOST_COUNTED + 1)
    return {"count": min(counted, MOST_COUNTED), "capped": counted > MOST_COUNTED}


def contact_leads(connection: Connection, actor: Actor, contact_id: str, but: str | None) -> dict[str, Any]:
    """The newest leads of a contact, at most MOST_OF_CONTACT; without the lead `but` when it is given."""
    identifier = known_id("contact", contact_id)
    found = store.leads.of_contact(connection, actor, identifier, MOST_OF_CONTACT + 1)
    others = [lead_id for lead_id in found if lead_id != but][:MOST_OF_CONTACT]
    return {"items": _cards(connection, actor, others)}


def form_activity(connection: Connection, actor: Actor, since: str | None) -> dict[str, Any]:
    """Of each form that has leads: how many, how many today, when the last one came.

    since: when today began, ISO 8601; midnight in UTC when it is not given.

    Raises:
        Invalid: not such an instant.
    """
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    began = instant("since", since) or midnight
    return {"items": [plain(dict(row)) for row in store.leads.activity(connection, actor, began)]}


def submission_state(connection: Connection, actor: Actor, lead_id: str, digest: str) -> dict[str, str]:
    """Whether a submission's id is new, stored with the same body, or taken by another; to who does not see everything
    it is new."""
    stored = store.intake.digests(connection, [lead_id]).get(lead_id) if actor.sees_all else None
    if stored is None:
        return {"state": "new"}
    return {"state": "same" if stored == digest else "conflict"}


def import_progress(connection: Connection, actor: Actor, import_id: str) -> dict[str, int]:
    """How many rows of an import are leads by now."""
    return {"captured": store.leads.count(connection, actor, Wanted(import_id=import_id))}


def _cards(connection: Connection, actor: Actor, lead_ids: Sequence[str]) -> list[dict[str, Any]]:
    if not lead_ids:
        return []
    rows = store.leads.cards(connection, actor, lead_ids)
    forms = store.leads.forms_of(connection, {row["form_id"] for row in rows.values()})
    return [_card(rows[lead_id], forms.get(rows[lead_id]["form_id"])) for lead_id in lead_ids if lead_id in rows]


def _card(row: RowMapping, form: Any) -> dict[str, Any]:
    shown: dict[str, Any] = plain(dict(row))
    return {
        **shown,
        "form_name": form.name if form else "",
        "labels": labels_of(form.fields) if form else {},
    }
