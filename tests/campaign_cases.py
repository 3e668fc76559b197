"""Campaigns without a bus: facts heard one at a time, and who may ask."""

from typing import Any

from contracts.access import OPERATOR, Actor
from contracts.distribution import SellerChanged, Shift, WorkAssigned, WorkUnassigned
from contracts.message import Fact
from runtime.clock import iso, utc_now
from runtime.database import Database
from runtime.ids import new_id
from services.campaigns.handlers import assignments, sellers, views

CONTACT = "0190a000-0000-7000-8000-000000000001"
ANA = "0190a000-0000-7000-8000-000000000002"
RUI = "0190a000-0000-7000-8000-000000000003"
NORTH, SOUTH = "0190a000-0000-7000-8000-000000000004", "0190a000-0000-7000-8000-000000000005"
"""Teams: Ana is in the first and Rui in the second."""


def assigned(work_id: str, seller_id: str, version: int, team_id: str = NORTH, at: str = "") -> WorkAssigned:
    """`work_id` has a seller."""
    return WorkAssigned(
        id=new_id(),
        subject=work_id,
        subject_version=version,
        correlation_id=work_id,
        work_id=work_id,
        lead_id=work_id,
        contact_id=CONTACT,
        form_id=new_id(),
        source="site",
        team_id=team_id,
        seller_id=seller_id,
        assigned_at=at or iso(utc_now()),
        captured_at=at or iso(utc_now()),
    )


def unassigned(work_id: str, seller_id: str, version: int) -> WorkUnassigned:
    """`work_id` lost its seller."""
    return WorkUnassigned(
        id=new_id(),
        subject=work_id,
        subject_version=version,
        correlation_id=work_id,
        work_id=work_id,
        lead_id=work_id,
        seller_id=seller_id,
        unassigned_at=iso(utc_now()),
        reason="returned",
    )


OFFICE = (Shift(days=(0, 1, 2, 3, 4), start="09:00", end="18:00"),)


def seller(seller_id: str, version: int = 1, **more: Any) -> SellerChanged:
    """A seller in Lisbon as distribution tells of them."""
    return SellerChanged(
        id=new_id(),
        subject=seller_id,
        subject_version=version,
        correlation_id=new_id(),
        seller_id=seller_id,
        name="Ana",
        **more,
    )


USE_CASES: dict[type[Fact], Any] = {
    SellerChanged: sellers.keep_sellers,
    WorkAssigned: assignments.open_opportunities,
    WorkUnassigned: assignments.take_away,
}


def hear(database: Database, *facts: Any) -> list[Fact]:
    """Handles facts one at a time, in this order; returns what was told."""
    told: list[Fact] = []
    for fact in facts:
        told += telling(database, USE_CASES[type(fact)], [fact])[1]
    return told


def telling(database: Database, use_case: Any, *arguments: Any) -> tuple[Any, list[Fact]]:
    """Runs a use case; its answer, and what it told."""
    told: list[Fact] = []
    with database.write() as transaction:
        transaction.emit = lambda message, *facts, **_: told.extend(facts)  # type: ignore[method-assign,assignment]
        return use_case(transaction, *arguments), told


def card_of(database: Database, work_id: str, actor: Actor = OPERATOR) -> dict[str, Any]:
    """The card of a work's opportunity."""
    with database.read() as connection:
        return views.opportunity_of(connection, actor, work_id)


def opened(database: Database, seller_id: str = ANA, team_id: str = NORTH, at: str = "") -> dict[str, Any]:
    """The card of an opportunity that has just been opened."""
    work_id = new_id()
    hear(database, assigned(work_id, seller_id, 1, team_id, at))
    return card_of(database, work_id)
