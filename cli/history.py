"""The demo company's past five weeks: leads come, sellers work them, as everybody's would; then they are aged."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from operator import itemgetter
from typing import Any, Final
from uuid import UUID, uuid5

import sqlalchemy as sa

from cli import sign_ins
from cli.ageing import age
from cli.api import Api, ApiError
from cli.company import LIMITS
from cli.hindsight import PATIENCE, rows, times_of, until, wait_heard
from cli.kitchens import COMPANY, FORM_KEY, MADRID
from cli.local import api_key
from cli.stories import Story, conflicting, play, stories, suspicious
from contracts.access import OPERATOR, Actor
from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission, Suspicion
from contracts.catalogue import SERVICES
from gateway.submission import digest_of
from runtime.clock import iso, parse_iso, utc_now
from runtime.database import Database, open_database
from runtime.errors import Conflict, NotFound, Unavailable
from runtime.ids import new_id
from runtime.publisher import NotPublished, Publisher
from runtime.rpc_client import RpcPool
from runtime.settings import Settings
from runtime.wire import pack
from services.campaigns.store import opportunity
from services.distribution.tables import work
from services.notifications.tables import messages

FILE: Final = "demo-history"
TOLD: Final = "told"
_ABSENCES = (("Bruno Cardoso", 6, 13, "Férias"), ("Sofia Pinto", 16, 18, "Formação"), ("Diego Ramos", 9, 10, "Feria"))
"""Seller, from and to in days from now, reason."""
_HEARD_OF = {
    "sms": (
        (("delivered", ""),),
        (("failed", "Unreachable destination handset"),),
        (("delivered", ""), ("replied", "Obrigada, ligo já.")),
    ),
    "email": ((("delivered", ""),), (("delivered", ""), ("opened", ""))),
}
"""What becomes of the messages of a channel, in turn."""


def is_begun(settings: Settings) -> bool:
    """Whether the past was begun and interrupted."""
    path = settings.var / FILE
    return path.exists() and TOLD not in path.read_text().split()


def begin(settings: Settings) -> bool:
    """Whether the past is still to be told, from the start or from where it was interrupted. It is where there is
    nothing yet, not even a seller: what is there has a past of its own.

    Raises:
        Unavailable: a service is away.
    """
    path = settings.var / FILE
    if path.exists():
        return is_begun(settings)
    if not sign_ins.is_ours_to_fill(settings):
        return False
    rpc = RpcPool(settings)
    try:
        is_empty = not rpc.call("distribution", "list_sellers", limit=1)["items"]
        is_empty = is_empty and not rpc.call("capture", "list_leads", limit=1)["items"]
    finally:
        rpc.close()
    if is_empty:
        path.write_text(iso(utc_now()) + "\n")
    return is_empty


def tell_past(settings: Settings) -> None:
    """Tells the past that `begin` has begun, of a company that was founded bare; takes half a minute.

    Raises:
        Unavailable: a service stayed away; another call goes on from there.
    """
    path = settings.var / FILE
    now = parse_iso(path.read_text().split()[0])
    rpc = RpcPool(settings)
    publisher = Publisher(settings.amqp_url, "demo").start()
    databases = {service: open_database(service, settings) for service in SERVICES}
    try:
        _tell(_Past(settings, rpc, publisher, databases, now, stories(now)))
    finally:
        publisher.stop()
        rpc.close()
        for database in databases.values():
            database.close()
    path.write_text(f"{iso(now)}\n{TOLD}\n")


def _tell(past: "_Past") -> None:
    """The order matters: hours, caps and channels begin when the past is over, or they would be in its way."""
    usual = [story for story in past.stories if not story.role]
    past.let_come(usual)
    past.age()  # so that what is done next has an opportunity to be done in
    past.let_work(usual)
    past.give_channels()
    past.let_come([story for story in past.stories if story.role == "told"])
    past.hand_on([story for story in past.stories if story.role == "told"])
    past.hear_of_messages()
    past.give_limits()
    past.let_come([story for story in past.stories if story.role == "full"])
    past.keep_aside()
    past.age()


@dataclass(frozen=True, slots=True)
class _Past:
    """What is needed to tell it. now: when it was begun, to which all times relate."""

    settings: Settings
    rpc: RpcPool
    publisher: Publisher
    databases: dict[str, Database]
    now: datetime
    stories: list[Story]
    forms: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, service: str, method: str, /, **arguments: Any) -> Any:
        """Calls a service, which may be away for a while."""
        return self.ask_as(OPERATOR, service, method, **arguments)

    def ask_as(self, actor: Actor, service: str, method: str, /, **arguments: Any) -> Any:
        """The same, for somebody."""
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return self.rpc.call_as(actor, service, method, **arguments)
            except Unavailable:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.5)

    def let_come(self, coming: Iterable[Story]) -> None:
        """Leads come one by one, in order, so that each is a decision of its own; sellers give some of them back."""
        for story in coming:
            self.submit(story.lead_id, story.form_key, story.fields, story.context, story.captured_at)
            select = sa.select(work.c.state).where(work.c.work_id == story.lead_id)
            until(lambda select=select: bool(rows(self.databases, "distribution", select)), "a lead")  # type: ignore[misc]
            self._let_return(story)

    def submit(
        self,
        lead_id: str,
        form_key: str,
        fields: dict[str, str],
        context: dict[str, str],
        at: datetime,
        suspicion: Suspicion = "",
    ) -> None:
        """Hands a submission to capture, as the gateway does."""
        if not self.forms:
            found = self.ask("capture", "list_forms", limit=50)["items"]
            self.forms.update({form["key"]: form for form in found})
        form = self.forms[form_key]
        fact = AcceptSubmission(
            id=new_id(),
            subject=lead_id,
            subject_version=1,
            correlation_id=str(uuid5(UUID(lead_id), "came")),
            lead_id=lead_id,
            form_id=form["form_id"],
            received_at=iso(at),
            fields=fields,
            digest=digest_of(fields),
            source=form["source"],
            channel=form["channel"],
            roles={rule["role"]: rule["name"] for rule in form["fields"] if rule.get("role")},
            region=form["region"],
            context=context,
            suspicion=suspicion,
        )
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                return self.publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, [fact], lane="live"), 5)
            except NotPublished as error:
                if time.monotonic() > give_up:
                    raise Unavailable("the broker is away") from error
                self.publisher.wait_open(2)

    def _let_return(self, story: Story) -> None:
        for number, reason in enumerate(story.returned):
            version = 2 * number + 1
            shown = self.ask("distribution", "get_assignment", work_id=story.lead_id)
            if shown["assignment_version"] == version and shown["state"] == "assigned":
                with suppress(Conflict):
                    self.ask("distribution", "return_work", work_id=story.lead_id, reason=reason, version=version)

    def let_work(self, came: Sequence[Story]) -> None:
        """Sellers open their leads, act and close, as far as there has been time."""
        ids = [story.lead_id for story in came]
        found = {
            row.work_id: row
            for row in rows(self.databases, "campaigns", sa.select(opportunity).where(opportunity.c.work_id.in_(ids)))
        }
        times = times_of(self.databases, self.stories, self.now)
        closed = []
        for story in came:
            row = found.get(story.lead_id)
            if row is not None and row.seller_id:
                with suppress(Conflict, NotFound):  # somebody looks on, and was faster
                    closed += self._let_one_work(story, row, times.given[row.work_id, row.assignment_version])
        is_closed = sa.select(sa.func.count()).where(work.c.work_id.in_(closed), work.c.state == "closed")
        until(lambda: rows(self.databases, "distribution", is_closed)[0][0] == len(closed), "closing")
        self._let_read(times.opened)

    def _let_one_work(self, story: Story, row: Any, assigned_at: datetime) -> list[str]:
        """Returns: its id when it was closed."""
        played = play(story, assigned_at, self.now)
        if not played.opened_at:
            return []
        self.ask_as(Actor(role="seller", seller_id=row.seller_id), "distribution", "open_work", work_id=row.work_id)
        version = row.version
        for number, (step, at, next_at) in enumerate(played.steps):
            action = {
                "id": str(uuid5(UUID(story.lead_id), f"step {number}")),
                "kind": step.kind,
                "outcome": step.outcome,
                "note": step.note,
                "at": iso(at),
                "next_at": iso(next_at) if next_at else None,
            }
            version = self.ask("campaigns", "record_action", opportunity_id=row.id, action=action)["version"]
        if not played.closed_at or row.state == "closed":
            return []
        sold = {"amount": story.amount, "currency": "EUR"} if story.ending == "won" else {}
        self.ask(
            "campaigns", "close_opportunity",
            opportunity_id=row.id, outcome=story.ending, reason=story.last_words, version=version, **sold,
        )  # fmt: skip
        return [row.work_id]

    def _let_read(self, opened: Iterable[str]) -> None:
        unread = sa.select(messages.c.seller_id, messages.c.message_id).where(
            messages.c.work_id.in_(list(opened)), messages.c.channel == "in_app", messages.c.read_at.is_(None)
        )
        by_seller: dict[str, list[str]] = {}
        for row in rows(self.databases, "notifications", unread):
            by_seller.setdefault(row.seller_id, []).append(row.message_id)
        for seller_id, message_ids in by_seller.items():
            self.ask("notifications", "mark_read", seller_id=seller_id, message_ids=message_ids)

    def give_channels(self) -> None:
        """From now on sellers hear of leads by SMS and e-mail too, unless these would reach somebody."""
        if self.settings.sms_is_pretended and self.settings.email_is_pretended:
            for seller, plan in self._sellers():
                if seller["version"] == 1:
                    self._change(seller, {"channels": plan["channels"]})

    def hand_on(self, told: Iterable[Story]) -> None:
        """Somebody gives a lead to a colleague of whoever has it, and has been told."""
        self._wait_sent()
        for story in told:
            shown = self.ask("distribution", "get_assignment", work_id=story.lead_id)
            if shown["assignment_version"] != 1 or not shown["seller_id"] or story.form_key == MADRID.forms[0]["key"]:
                continue
            page = self.ask("distribution", "list_sellers", team_id=shown["team_id"], limit=50)
            others = (one for one in page["items"] if one["seller_id"] != shown["seller_id"])
            other = max(others, key=itemgetter("weight"))["seller_id"]
            with suppress(Conflict):
                self.ask("distribution", "reassign", work_id=story.lead_id, seller_id=other, version=1)

    def hear_of_messages(self) -> None:
        """The sandbox tells what became of what was sent."""
        key = api_key(self.settings)
        if not key or not (self.settings.sms_is_pretended and self.settings.email_is_pretended):
            return
        self._wait_sent()
        api = Api(self.settings.address, key, patience=10)
        is_sent = sa.and_(messages.c.channel != "in_app", messages.c.state == "sent")
        sent = sa.select(messages).where(is_sent).order_by(messages.c.message_id)
        turns = {channel: cycle(kinds) for channel, kinds in _HEARD_OF.items()}
        for row in rows(self.databases, "notifications", sent):
            for kind, text in next(turns[row.channel]):
                with suppress(ApiError):
                    api.post(f"/outbox/{row.message_id}/simulate", {"kind": kind, "text": text})

    def _wait_sent(self) -> None:
        wait_heard(self.databases, times_of(self.databases, self.stories, self.now))
        states = sa.select(sa.func.count()).where(messages.c.state.in_(["queued", "sending"]))
        with suppress(Unavailable):  # a digest gathers for a minute, and is not waited for
            until(lambda: rows(self.databases, "notifications", states)[0][0] == 0, "sending", seconds=10)

    def give_limits(self) -> None:
        """From now on sellers have their hours, caps and absences; those of the workshops have all they can manage."""
        full = {seller["name"] for seller in MADRID.sellers}
        for seller, plan in self._sellers():
            if seller["version"] > 2:
                continue
            limits = {name: plan[name] for name in LIMITS if name in plan and name != "channels"}
            if seller["name"] in full:
                limits["open_cap"] = max(1, seller["open_work"])
            self._change(seller, limits)
            for name, first, last, reason in _ABSENCES:
                if name == seller["name"]:
                    span = {"starts_at": self._midnight(first), "ends_at": self._midnight(last)}
                    self.ask("distribution", "add_time_off", seller_id=seller["seller_id"], reason=reason, **span)

    def _midnight(self, days: int) -> str:
        return iso((self.now + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0))

    def _change(self, seller: dict[str, Any], changes: dict[str, Any]) -> None:
        with suppress(Conflict):
            self.ask(
                "distribution", "update_seller",
                seller_id=seller["seller_id"], changes=changes, version=seller["version"],
            )  # fmt: skip

    def _sellers(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Sellers as they are, each with what was planned for them."""
        plans = {seller["email"]: seller for plan in COMPANY for seller in plan.sellers}
        found = self.ask("distribution", "list_sellers", limit=100)["items"]
        return [(seller, plans[seller["email"]]) for seller in found if seller["email"] in plans]

    def keep_aside(self) -> None:
        """Two submissions that a person should look at."""
        for lead_id, fields, context, ago in suspicious(self.now):
            self.submit(lead_id, FORM_KEY, fields, context, self.now - ago, "honeypot")
        story, fields = conflicting(self.stories)
        self.submit(story.lead_id, story.form_key, fields, story.context, story.captured_at)

    def age(self) -> None:
        """Puts everything so far back to where it belongs, once everybody has heard of it."""
        times = times_of(self.databases, self.stories, self.now)
        wait_heard(self.databases, times)
        age(self.databases, times)
