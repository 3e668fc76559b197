"""Baseline of P2 and P3: three services as nameko's own examples write them, a commit and a dispatch each."""

from typing import Any

from nameko.events import EventDispatcher, event_handler
from nameko.rpc import rpc
from sqlalchemy import or_, select

from bench.baseline.tables import Assignment, Lead, Notice, Seller, Sessions, Team


class CaptureService:
    """Stores leads and tells of them."""

    name = "capture"
    sessions = Sessions()
    dispatch = EventDispatcher()

    @rpc
    def submit(self, fields: dict[str, Any]) -> dict[str, Any]:
        """One lead, recognised by e-mail or phone when it came before."""
        with self.sessions() as session, session.begin():
            known = select(Lead.id).where(or_(Lead.email == fields["email"], Lead.phone == fields["phone"])).limit(1)
            lead = Lead(
                team_id=int(fields["team"]),
                name=fields["name"],
                email=fields["email"],
                phone=fields["phone"],
                first_lead_id=session.scalar(known),
            )
            session.add(lead)
            session.flush()
            event = {"lead_id": lead.id, "team_id": lead.team_id, "name": lead.name}
        self.dispatch("lead_captured", event)
        return {"id": event["lead_id"]}


class DistributionService:
    """Gives each lead to the next seller of its team."""

    name = "distribution"
    sessions = Sessions()
    dispatch = EventDispatcher()

    @event_handler("capture", "lead_captured")
    def assign(self, event: dict[str, Any]) -> None:
        """Moves the team's pointer by one, holding its row, and records whose turn it was."""
        with self.sessions() as session, session.begin():
            team = session.get_one(Team, event["team_id"], with_for_update=True)
            of_team = select(Seller.id).where(Seller.team_id == team.id).order_by(Seller.id)
            sellers = session.scalars(of_team).all()
            seller_id = sellers[team.turn % len(sellers)]
            team.turn += 1
            session.add(Assignment(lead_id=event["lead_id"], seller_id=seller_id))
        self.dispatch("work_assigned", event | {"seller_id": seller_id})


class NotificationsService:
    """Writes to the seller's inbox."""

    name = "notifications"
    sessions = Sessions()

    @event_handler("distribution", "work_assigned")
    def notify(self, event: dict[str, Any]) -> None:
        """One notice for one assignment."""
        with self.sessions() as session, session.begin():
            text = f"New lead: {event['name']}"
            session.add(Notice(lead_id=event["lead_id"], seller_id=event["seller_id"], text=text))


SERVICES = {service.name: service for service in (CaptureService, DistributionService, NotificationsService)}
