"""Leads as people look for them. What somebody may not see is not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from contracts.access import Actor
from runtime import paging
from services.capture.domain.search import Search
from services.capture.store import words
from services.capture.store.owners import visible
from services.capture.tables import contact, form, lead, owner

WALK = 5_000
"""Leads that are looked at before the index of words is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which leads; None wants any. since, until: captured from, and before. owned: whether a seller has it."""

    form_id: str | None = None
    import_id: str | None = None
    search: Search | None = None
    source: str | None = None
    seller_id: str | None = None
    team_id: str | None = None
    owned: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


_CARD = sa.select(
    lead.c.id.label("lead_id"),
    lead.c.id,
    lead.c.form_id,
    lead.c.contact_id,
    lead.c.source,
    lead.c.channel,
    lead.c.score,
    lead.c.is_test,
    lead.c.fields,
    lead.c.context,
    lead.c.import_id,
    lead.c.correlation_id,
    lead.c.received_at,
    lead.c.captured_at,
    contact.c.name,
    contact.c.email,
    contact.c.phone,
    contact.c.company,
    contact.c.city,
    contact.c.country,
    contact.c.quality,
    owner.c.seller_id,
    owner.c.team_id,
).select_from(lead.join(contact).outerjoin(owner, owner.c.lead_id == lead.c.id))


def cards(connection: Connection, actor: Actor, lead_ids: Iterable[str]) -> dict[str, RowMapping]:
    """Everything that a lead's card shows from here, by lead id, of those that `actor` sees."""
    select = _CARD.where(lead.c.id.in_(lead_ids), visible(actor, few=True))
    return {row["lead_id"]: row for row in connection.execute(select).mappings()}


def forms_of(connection: Connection, form_ids: Iterable[str]) -> dict[str, Any]:
    """Name and fields of forms, by id."""
    rows = connection.execute(sa.select(form.c.id, form.c.name, form.c.fields).where(form.c.id.in_(form_ids)))
    return {row.id: row for row in rows}


def page_of(
    connection: Connection, actor: Actor, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[list[str], str | None]:
    """Ids of the leads on a page, newest first, and the cursor of the next one."""
    rows = _found(connection, actor, wanted, limit + 1, paging.place_of(cursor, limit))
    following = paging.cursor_at(rows[limit - 1][1], rows[limit - 1][0]) if len(rows) > limit else None
    return [row[0] for row in rows[:limit]], following


def count(connection: Connection, actor: Actor, wanted: Wanted, most: int | None = None) -> int:
    """How many leads there are, counted up to `most` where it is given."""
    if wanted.search is not None and most is not None:
        return len(_found(connection, actor, wanted, most, None))
    select, *_ = _which(actor, wanted)
    counted = sa.select(sa.func.count()).select_from(select.limit(most).subquery())
    return connection.execute(counted).scalar_one()


def _found(
    connection: Connection, actor: Actor, wanted: Wanted, most: int, place: tuple[datetime, str] | None
) -> Sequence[Any]:
    """Ids and times of the first leads after `place`, at most `most`. Words that many have are looked for in the newest
    leads, those that few have in their index: each way takes long for the other's."""
    select, captured_at, identifier = _which(actor, wanted)
    if place:
        here = sa.tuple_(captured_at, identifier)
        select = select.where(
            here < sa.tuple_(sa.literal(place[0], captured_at.type), sa.literal(place[1], identifier.type))
        )
    newest_first = captured_at.desc(), identifier.desc()
    if wanted.search is None:
        return connection.execute(select.order_by(*newest_first).limit(most)).all()
    named = identifier.label("lead_id"), captured_at.label("at"), lead.c.contact_id.label("contact_id")
    newest = select.with_only_columns(*named).order_by(*newest_first).limit(max(WALK, 2 * most)).subquery()
    walk = sa.select(newest.c.lead_id, newest.c.at).join(contact, contact.c.id == newest.c.contact_id)
    ordered = walk.where(words.by_looking(wanted.search)).order_by(newest.c.at.desc(), newest.c.lead_id.desc())
    rows = connection.execute(ordered.limit(most)).all()
    if len(rows) == most or not wanted.search.ways:
        return rows
    rare = words.rare(connection, wanted.search)
    found_by = [words.by_looking(wanted.search), *([words.by_index(connection, rare)] if rare.ways else [])]
    having = lead.c.contact_id.in_(sa.select(contact.c.id).where(*found_by))
    return connection.execute(select.where(having).order_by(*newest_first).limit(most)).all()


def of_contact(connection: Connection, actor: Actor, contact_id: str, limit: int) -> Sequence[str]:
    """Ids of a contact's leads, newest first."""
    newest = (lead.c.captured_at.desc(), lead.c.id.desc())
    mine = lead.outerjoin(owner, owner.c.lead_id == lead.c.id)
    select = sa.select(lead.c.id).select_from(mine).where(lead.c.contact_id == contact_id, visible(actor, few=True))
    return connection.execute(select.order_by(*newest).limit(limit)).scalars().all()


def activity(connection: Connection, actor: Actor, day_began: datetime) -> Sequence[RowMapping]:
    """Of each form that has leads: how many, how many since the day began, when the last one came."""
    today = sa.func.sum(sa.case((lead.c.captured_at >= day_began, 1), else_=0))
    select = sa.select(
        lead.c.form_id,
        sa.func.count().label("leads"),
        today.label("today"),
        sa.func.max(lead.c.captured_at).label("last_at"),
    ).group_by(lead.c.form_id)
    if not actor.sees_all:
        mine = lead.outerjoin(owner, owner.c.lead_id == lead.c.id)
        select = select.select_from(mine).where(visible(actor))
    return connection.execute(select).mappings().all()


def _which(actor: Actor, wanted: Wanted) -> tuple[sa.Select[Any], sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Ids of leads, and the two columns that order them. The leads of a seller or a team are read from the index of
    owners, which has them in that order; all others from the leads', looking up the owner only where it matters."""
    leads_one_team = actor.sees_teams and len(actor.team_ids) == 1
    by_owner = wanted.seller_id or wanted.team_id or leads_one_team or actor.role == "seller"
    captured_at, identifier = (owner.c.captured_at, owner.c.lead_id) if by_owner else (lead.c.captured_at, lead.c.id)
    select = sa.select(identifier, captured_at)
    if by_owner:
        select = select.select_from(owner.join(lead, lead.c.id == owner.c.lead_id))
    elif not actor.sees_all or wanted.owned is not None:
        select = select.select_from(lead.outerjoin(owner, owner.c.lead_id == lead.c.id))
    return select.where(visible(actor), *_conditions(wanted, captured_at)), captured_at, identifier


def _conditions(wanted: Wanted, captured_at: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
    equal = {
        lead.c.form_id: wanted.form_id,
        lead.c.import_id: wanted.import_id,
        lead.c.source: wanted.source,
        owner.c.seller_id: wanted.seller_id,
        owner.c.team_id: wanted.team_id,
    }
    conditions: list[sa.ColumnElement[bool]] = [column == value for column, value in equal.items() if value]
    if wanted.owned is not None:
        conditions.append(owner.c.seller_id.is_not(None) if wanted.owned else owner.c.seller_id.is_(None))
    if wanted.since is not None:
        conditions.append(captured_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(captured_at < wanted.until)
    return conditions
