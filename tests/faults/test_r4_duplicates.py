"""R4: a redelivery or a different order changes nothing, through the whole chain and for every type there is."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import pika
import pytest
from agreement import disagreements
from fault_cases import FORM_DEFINITION, found, submission
from installation import Installation, new_seed
from notification_cases import event
from people import Call, assignment, change_seller, close, give_back, hand_over, telephone
from rest import contents, differences, set_aside, settle
from runtime_cases import count, rows, wait_for

from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission
from contracts.catalogue import MESSAGES, SERVICES
from contracts.message import Lane
from contracts.notifications import RECORD_PROVIDER_EVENT
from runtime.clock import iso, utc_now
from runtime.publisher import NotPublished, Publisher
from runtime.rabbitmq import RabbitNode
from runtime.settings import OWNERS, Settings
from runtime.topology import LANES
from runtime.wire import Outgoing, pack
from services.distribution.tables import work
from services.notifications.tables import suppressions

pytestmark = pytest.mark.feature("R4", "R5")

PROCESSES = (*SERVICES, "projection")
LEADERS = ("capture", "distribution")
FOLLOWERS = ("campaigns", "notifications", "reporting", "projection")
BULK_TYPES = {"accept_submission", "lead_captured", "work_assigned", "opportunity_opened", "message_sent"}
"""What an import causes; everything else is somebody's doing, and live."""

CONTACTS = 25
PER_MESSAGE = 3
AT_ONCE = 20
SHY, FICKLE = "+351912000111", "+351912000222"
"""Numbers of people who answer SMS."""


@pytest.fixture
def installation(amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    with Installation(Settings(amqp_url=amqp_url, var=tmp_path, sweep_after_seconds=1), OWNERS) as running:
        yield running


class Ears:
    """Queues of the test's own, one for each type and lane, that hear what everybody hears."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._connect() as connection:
            channel = connection.channel()
            for message in MESSAGES:
                channel.queue_declare(f"witness.{message.name}")
                channel.queue_bind(f"witness.{message.name}", message.exchange, f"{message.name}.#")

    def heard(self) -> list[Outgoing]:
        """Every message so far, once."""
        heard: dict[str, Outgoing] = {}
        with self._connect() as connection:
            channel = connection.channel()
            for message in MESSAGES:
                for outgoing in _take(channel, f"witness.{message.name}"):
                    heard[outgoing.id] = outgoing
        return list(heard.values())

    def take_from(self, owners: Iterable[str]) -> list[Outgoing]:
        """Takes what waits in the queues of these owners, to be given back as it is taken: to the queue itself."""
        queues = [
            message.queue(owner, lane)
            for message in MESSAGES
            for owner in message.subscribers
            for lane in LANES
            if owner in owners
        ]
        with self._connect() as connection:
            channel = connection.channel()
            taken = [(queue, outgoing) for queue in queues for outgoing in _take(channel, queue)]
        return [Outgoing(outgoing.id, "", queue, outgoing.lane, outgoing.body) for queue, outgoing in taken]

    def _connect(self) -> Any:
        return pika.BlockingConnection(pika.URLParameters(self._url))


def _take(channel: Any, queue: str) -> Iterator[Outgoing]:
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if body is None:
            return
        lane: Lane = "bulk" if method.routing_key.endswith(".bulk") else "live"
        yield Outgoing(properties.message_id, method.exchange, method.routing_key, lane, body)


def deliver(publisher: Publisher, messages: Sequence[Outgoing]) -> None:
    """Publishes until the broker has confirmed each, whatever happens to the connection meanwhile."""
    waiting = iter(messages)
    while some := list(islice(waiting, AT_ONCE)):
        while True:
            try:
                publisher.publish_and_wait(some, 20)
                break
            except NotPublished:
                assert publisher.wait_open(20)


def deliver_during(act: Callable[[], object], publisher: Publisher, messages: Sequence[Outgoing]) -> None:
    """Delivers messages while `act` lasts, over again when they run out: it finds everybody busy."""
    with ThreadPoolExecutor(1) as other:
        acting = other.submit(act)
        deliver(publisher, messages)
        while not acting.done():
            deliver(publisher, messages)
        acting.result()


def posted(form_id: str, number: int) -> list[AcceptSubmission]:
    """So many posts; some visitors come back."""
    return [submission(one % CONTACTS, form_id=form_id) for one in range(number)]


def posts(leads: Sequence[AcceptSubmission], lane: Lane) -> list[Outgoing]:
    return [
        outgoing
        for start in range(0, len(leads), PER_MESSAGE)
        for outgoing in pack(ACCEPT_SUBMISSION, leads[start : start + PER_MESSAGE], lane=lane)
    ]


def halves(messages: Sequence[Outgoing]) -> tuple[list[Outgoing], list[Outgoing]]:
    """The older half of the messages of each queue, and the younger: ids grow with time."""
    older: list[Outgoing] = []
    younger: list[Outgoing] = []
    by_age = sorted(messages, key=lambda outgoing: (outgoing.routing_key, outgoing.id))
    for _, group in groupby(by_age, key=lambda outgoing: outgoing.routing_key):
        of_one = list(group)
        older += of_one[: len(of_one) // 2]
        younger += of_one[len(of_one) // 2 :]
    return older, younger


def thrice(messages: Sequence[Outgoing], dice: random.Random) -> list[Outgoing]:
    """Three of each, shuffled."""
    copies = [*messages] * 3
    dice.shuffle(copies)
    return copies


class Story:
    """A company whose every message is heard by the test; each step ends at rest, with all services of one mind."""

    def __init__(self, installation: Installation, broker: RabbitNode, vhost: str, dice: random.Random) -> None:
        self._installation, self._broker, self._vhost, self._dice = installation, broker, vhost, dice
        self._call = installation.call
        self.databases = {owner: installation.database(owner) for owner in OWNERS}
        self.ears, self._publisher = Ears(installation.settings.amqp_url), installation.publisher()
        self.form_id = self._call("capture", "create_form", form=FORM_DEFINITION)["form_id"]
        _, self.sellers = found(self._call, self.form_id, weights=(3, 2, 2, 1))

    def leads_arrive(self, live: int, bulk: int) -> list[AcceptSubmission]:
        """So many are posted, and every connection is closed while they are handled for the first time."""
        leads = posted(self.form_id, live + bulk)
        messages = [*posts(leads[:live], "live"), *posts(leads[live:], "bulk")]
        deliver_during(self._close_connections, self._publisher, messages)
        self._come_to_rest()
        return leads

    def one_waits(self) -> None:
        """One comes by a form of no team, which then is a team's that has nobody, and then everybody's."""
        form_id = self._call("capture", "create_form", form=FORM_DEFINITION)["form_id"]
        lead = submission(CONTACTS + 1, form_id=form_id)
        deliver(self._publisher, posts([lead], "live"))
        self._come_to_rest()
        nobodys = self._call("distribution", "create_team", team={"name": "Nobody's"})["team_id"]
        everybodys = self._call("distribution", "get_seller", seller_id=self.sellers[0])["teams"][0]
        for team_id in (nobodys, everybodys):
            self._call("distribution", "set_rule", form_id=form_id, team_id=team_id)
            self._come_to_rest()

    def people_act(self, leads: Sequence[AcceptSubmission]) -> None:
        """Of these leads, ten change hands, are won or lost; sellers call, come and go; inboxes are read."""
        change_hands(self._call, self.sellers, self.form_id, [lead.lead_id for lead in leads])
        telephone(self._call, leads[8].lead_id)
        telephone(self._call, leads[10].lead_id)
        close(self._call, leads[8].lead_id, "won")
        close(self._call, leads[9].lead_id, "lost")
        read_inbox(self._call, self.sellers[0])
        self._providers_tell()
        self._come_to_rest()

    def followers_hear_the_younger_half_first(self, leads: int) -> None:
        """What happens while they are away waits, and then comes thrice and in another order than it was told."""
        leaders = {owner: self.databases[owner] for owner in LEADERS}
        for name in FOLLOWERS:
            self._installation.hold(name)
        more = posted(self.form_id, leads)
        deliver(self._publisher, posts(more, "live"))
        settle(leaders, self._broker, self._vhost)
        change_hands(self._call, self.sellers, self.form_id, [lead.lead_id for lead in more])
        settle(leaders, self._broker, self._vhost)
        older, younger = halves(self.ears.take_from({"gateway", *FOLLOWERS}))
        deliver(self._publisher, thrice(younger, self._dice))
        self._installation.start(*FOLLOWERS)
        settle(self.databases, self._broker, self._vhost)
        deliver(self._publisher, thrice(older, self._dice))
        self._come_to_rest()

    def everything_comes_again(self, heard: Sequence[Outgoing]) -> None:
        """Thrice and shuffled; every connection is closed meanwhile."""
        again = thrice(heard, self._dice)
        half = len(again) // 2
        deliver_during(self._close_connections, self._publisher, again[:half])
        deliver(self._publisher, again[half:])
        self._come_to_rest()

    def end(self) -> None:
        """Closes what the test opened."""
        self._publisher.stop()
        for database in self.databases.values():
            database.close()

    def _providers_tell(self) -> None:
        """Of somebody who wants no SMS and then wants them again, of one who does not, of an address that bounces."""
        now = utc_now()
        told = [
            event("replied", "twilio", address=SHY, text="STOP", at=iso(now)),
            event("replied", "twilio", address=FICKLE, text="STOP", at=iso(now - timedelta(minutes=1))),
            event("replied", "twilio", address=FICKLE, text="START", at=iso(now)),
            event("bounced", "sendgrid", address="gone@example.com", text="550 no such user"),
            event("delivered", "sendgrid", address="there@example.com"),
        ]
        for one in told:
            deliver(self._publisher, pack(RECORD_PROVIDER_EVENT, [one], lane="live"))

    def _close_connections(self) -> None:
        self._broker.rabbitmqctl("close_all_connections", "--vhost", self._vhost, "test")

    def _come_to_rest(self) -> None:
        wait_for(lambda: all(map(self._installation.is_ready, PROCESSES)), "everybody is back", 30)
        settle(self.databases, self._broker, self._vhost)
        told = disagreements(self.databases)
        assert not told, "\n".join(told)
        assert not set_aside(self.databases)


def change_hands(call: Call, sellers: Sequence[str], form_id: str, leads: Sequence[str]) -> None:
    """The first eight leads change hands; sellers are renamed, come and go; the form is closed and opened."""
    give_back(call, leads[0])
    give_back(call, leads[1])
    hand_over(call, leads[1], sellers)
    hand_over(call, leads[2], sellers)
    give_back(call, leads[2])
    hand_over(call, leads[3], sellers)
    hand_over(call, leads[3], sellers)
    change_seller(call, sellers[1], name="Berta", email="berta@sales.example")
    change_seller(call, sellers[2], active=False)
    hand_over(call, leads[4], sellers)
    change_seller(call, sellers[2], active=True)
    change_form(call, form_id, name="Ask us", active=False)
    change_form(call, form_id, active=True)
    while assignment(call, leads[5])["seller_id"]:
        give_back(call, leads[5])
    give_back(call, leads[6])
    give_back(call, leads[6])
    change_seller(call, sellers[3], active=False)
    hand_over(call, leads[7], sellers)


def change_form(call: Call, form_id: str, **changes: Any) -> None:
    version = call("capture", "get_form", form_id=form_id)["version"]
    call("capture", "update_form", form_id=form_id, changes=changes, version=version)


def read_inbox(call: Call, seller_id: str) -> None:
    shown = call("notifications", "inbox", seller_id=seller_id)["items"]
    message_ids = [message["message_id"] for message in shown[::2]]
    call("notifications", "mark_read", seller_id=seller_id, message_ids=message_ids)


@pytest.mark.timeout(300)
def test_every_type_three_times_shuffled_and_every_connection_closed_meanwhile(
    installation: Installation, broker: RabbitNode, vhost: str
) -> None:
    seed = new_seed()
    print(f"FAULT_SEED={seed}")
    installation.start(*PROCESSES)
    story = Story(installation, broker, vhost, random.Random(seed))
    distribution = story.databases["distribution"]

    leads = story.leads_arrive(live=40, bulk=20)
    assert {(row.assignment_version, row.state) for row in rows(distribution, work)} == {(1, "assigned")}
    story.one_waits()
    story.people_act(leads)
    story.followers_hear_the_younger_half_first(leads=12)

    heard = story.ears.heard()
    in_bulk = {f"{name}.bulk" for name in BULK_TYPES}
    assert {outgoing.routing_key for outgoing in heard} == {message.name for message in MESSAGES} | in_bulk
    before = contents(story.databases)
    story.everything_comes_again(heard)
    changed = differences(before, contents(story.databases))
    assert not changed, "\n".join(changed)

    decided = {row.address: row.lifted_by for row in rows(story.databases["notifications"], suppressions)}
    assert decided == {SHY: None, FICKLE: "recipient", "gone@example.com": None}

    story.leads_arrive(live=1, bulk=0)
    assert count(distribution, work) == 60 + 1 + 12 + 1
    story.end()
