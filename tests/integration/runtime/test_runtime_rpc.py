"""RPC: whatever is thrown at a service, it answers the next caller; whatever happens to the service, a caller hears."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pika
import pytest
from faults.installation import Installation
from faults.proxy import Proxy
from runtime_cases import wait_for

from contracts.access import NOBODY, OPERATOR, Actor
from contracts.capture import ACCEPT_SUBMISSION, AcceptSubmission
from runtime import rpc_client
from runtime.errors import Broken, Conflict, Invalid, NotFound, TimedOut, Unavailable
from runtime.ids import new_id
from runtime.rabbitmq import RabbitNode
from runtime.rpc_client import RpcPool
from runtime.settings import Settings
from runtime.topology import RPC_EXCHANGE
from runtime.wire import pack


@pytest.fixture(scope="module")
def capture(broker: RabbitNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Capture in a process of its own, on SQLite."""
    broker.add_vhost("rpc")
    var: Path = tmp_path_factory.mktemp("rpc")
    with Installation(Settings(amqp_url=broker.url("rpc"), var=var, rpc_timeout_seconds=3), ("capture",)) as running:
        running.start("capture")
        yield running
    broker.delete_vhost("rpc")


def form(**changes: Any) -> dict[str, Any]:
    field = {"name": "phone", "kind": "phone", "role": "phone"}
    return {"name": "Ask", "source": "site", "fields": [field], **changes}


def throw(capture: Installation, body: bytes, routing_key: str = "capture.list_forms", **properties: Any) -> None:
    with pika.BlockingConnection(pika.URLParameters(capture.settings.amqp_url)) as connection:
        connection.channel().basic_publish("nameko-rpc", routing_key, body, pika.BasicProperties(**properties))


CALL = b'{"args": [], "kwargs": {}}'
JSON = {"content_type": "application/json", "content_encoding": "utf-8"}


@pytest.mark.feature("R8")
@pytest.mark.parametrize(
    ("body", "properties"),
    [
        (CALL, JSON),
        (b"\xff\xfe not JSON", {**JSON, "reply_to": "nobody"}),
        (b"[1, 2]", {**JSON, "reply_to": "nobody"}),
        (b'"text"', {**JSON, "reply_to": "nobody"}),
        (b'{"args": 5, "kwargs": {}}', {**JSON, "reply_to": "nobody"}),
        (b'{"args": []}', {**JSON, "reply_to": "nobody"}),
        (b'{"args": [], "kwargs": []}', {**JSON, "reply_to": "nobody"}),
        (b'{"args": [1, 2, 3, 4, 5, 6], "kwargs": {}}', {**JSON, "reply_to": "nobody"}),
        (CALL, {"reply_to": "nobody"}),
        (CALL, {"content_type": "application/x-python-serialize", "reply_to": "nobody"}),
        (CALL, {"content_type": "application/nonsense", "reply_to": "nobody"}),
        (CALL, {**JSON, "content_encoding": "klingon", "reply_to": "nobody"}),
        (CALL, {**JSON, "reply_to": "nobody", "headers": {"nameko.call_id_stack": 7}}),
    ],
    ids=[
        *("no reply_to", "not JSON", "a list", "a text", "args a number", "no kwargs", "kwargs a list"),
        *(
            "too many arguments",
            "no content type",
            "a pickle",
            "unknown content type",
            "unknown encoding",
            "odd headers",
        ),
    ],
)
def test_a_request_that_is_none_ends_nothing(capture: Installation, body: bytes, properties: dict[str, Any]) -> None:
    before = capture.running["capture"].process.pid
    throw(capture, body, **properties)
    assert "items" in capture.call("capture", "list_forms")
    assert capture.running["capture"].process.pid == before
    assert capture.running["capture"].process.poll() is None


def test_a_method_that_does_not_exist_is_told(capture: Installation) -> None:
    throw(capture, CALL, "capture.no_such_method", **JSON, reply_to="nobody")
    with pytest.raises(Unavailable, match="no_such_method"):
        capture.call("capture", "no_such_method")


def test_errors_arrive_as_they_left(capture: Installation) -> None:
    with pytest.raises(NotFound) as missing:
        capture.call("capture", "get_form", form_id=new_id())
    assert missing.value.what == "form"
    with pytest.raises(Invalid) as refused:
        capture.call("capture", "create_form", form=form(fields=[]))
    assert {"field", "code", "message"} == set(refused.value.errors[0])
    made = capture.call("capture", "create_form", form=form())
    with pytest.raises(Conflict, match="version 1"):
        capture.call("capture", "update_form", form_id=made["id"], changes={"name": "New"}, version=9)
    with pytest.raises(Broken, match=r"capture.create_form failed: \w+ in call [0-9a-f-]{36}"):
        capture.call("capture", "create_form", form="not even a form")


@pytest.mark.feature("R9")
def test_a_service_that_is_not_there_is_told_in_time(capture: Installation) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="campaigns"):
        capture.call("campaigns", "opportunities")
    assert time.monotonic() - started < 5


@pytest.mark.feature("R9")
def test_a_caller_waits_no_longer_than_it_said(capture: Installation) -> None:
    capture.hold("capture")
    try:
        started = time.monotonic()
        with pytest.raises(TimedOut):
            capture.call("capture", "list_forms")
        assert 2 < time.monotonic() - started < 6
    finally:
        capture.start("capture")
    assert "items" in capture.call("capture", "list_forms")


@pytest.mark.feature("R9")
def test_a_request_lives_no_longer_than_its_caller_waits(
    amqp_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_client, "CONNECT_SECONDS", 20.0)
    address = pika.URLParameters(amqp_url)
    with Proxy(address.port) as proxy, pika.BlockingConnection(address) as service, ThreadPoolExecutor(1) as caller:
        channel = service.channel()
        channel.exchange_declare(RPC_EXCHANGE, "topic", durable=True)
        channel.queue_declare("slow", exclusive=True)
        channel.queue_bind("slow", RPC_EXCHANGE, "slow.act")
        proxy.mode = "refuse"
        pool = RpcPool(Settings(amqp_url=proxy.instead_of(amqp_url), var=tmp_path, rpc_timeout_seconds=20))
        started = time.monotonic()
        result = caller.submit(pool.call, "slow", "act")
        wait_for(lambda: proxy.refused > 2, "connecting takes a while")
        lost = time.monotonic() - started
        proxy.mode = "pass"
        _, properties, _ = next(channel.consume("slow", auto_ack=True, inactivity_timeout=20))
        answer = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish(RPC_EXCHANGE, properties.reply_to, b'{"result": "done", "error": null}', answer)
        assert result.result(20) == "done"
        assert 0 < int(properties.expiration) <= 1000 * (20 - lost)
        pool.close()


@pytest.mark.feature("R9")
@pytest.mark.parametrize(("deadline", "expirations"), [(103.5, ["3500"]), (100.0004, ["1"]), (100.0, []), (99.0, [])])
def test_a_call_whose_time_is_up_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deadline: float, expirations: list[str]
) -> None:
    monkeypatch.setattr(rpc_client, "time", SimpleNamespace(monotonic=lambda: 100.0))
    sent: list[str] = []
    pool = RpcPool(Settings(var=tmp_path, rpc_timeout_seconds=3))
    pool._link.channel = SimpleNamespace(
        is_open=True, basic_publish=lambda _exchange, _key, _body, properties, **_: sent.append(properties.expiration)
    )
    call = rpc_client._Call(OPERATOR, "capture", "list_forms", {}, deadline)
    pool._waiting.append(call)
    pool._flush()
    assert sent == expirations
    assert (call.is_sent, call.answered.is_set(), len(pool._sent)) == (bool(sent), not sent, len(sent))
    assert sent or isinstance(call.error, TimedOut)


@pytest.mark.feature("R9")
def test_no_broker_is_told_in_time(tmp_path: Path) -> None:
    pool = RpcPool(Settings(amqp_url="amqp://x:y@127.0.0.1:1/", var=tmp_path))
    started = time.monotonic()
    with pytest.raises(Unavailable):
        pool.call("capture", "list_forms")
    assert time.monotonic() - started < 5
    pool.close()


def test_many_threads_share_a_pool(capture: Installation) -> None:
    made = [capture.call("capture", "create_form", form=form(name=f"Form {number}"))["id"] for number in range(5)]
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda form_id: capture.call("capture", "get_form", form_id=form_id), made * 12))
    assert [answer["id"] for answer in answers] == made * 12


@pytest.mark.feature("R9")
def test_more_writing_callers_than_workers_and_a_queue_full_of_leads_do_not_wait_for_each_other(
    capture: Installation,
) -> None:
    publisher = capture.publisher()
    facts = [submission(number) for number in range(1500)]
    with ThreadPoolExecutor(20) as threads:
        answers = threads.map(
            lambda number: capture.call("capture", "create_form", form=form(name=f"Crowd {number}")), range(60)
        )
        for start in range(0, len(facts), 5):
            publisher.publish_and_wait(pack(ACCEPT_SUBMISSION, facts[start : start + 5], lane="live"), 20)
        assert len(list(answers)) == 60
    publisher.stop()
    wait_for(
        lambda: capture.call("capture", "import_progress", import_id="crowd")["captured"] == 1500, "all are stored"
    )


@pytest.mark.feature("R9")
def test_after_the_broker_drops_everybody_calls_work_again(capture: Installation, broker: RabbitNode) -> None:
    assert "items" in capture.call("capture", "list_forms")
    broker.rabbitmqctl("close_all_connections", "--vhost", "rpc", "test")
    wait_for(lambda: answers(capture), "calls work again", 30)


def answers(capture: Installation) -> bool:
    try:
        capture.call("capture", "list_forms")
    except Unavailable:
        return False
    return True


def submission(number: int) -> AcceptSubmission:
    lead = new_id()
    return AcceptSubmission(
        id=new_id(),
        subject=lead,
        subject_version=1,
        correlation_id=lead,
        lead_id=lead,
        form_id=new_id(),
        received_at="2026-03-01T10:00:00+00:00",
        fields={"phone": f"+35191{number:07d}"},
        roles={"phone": "phone"},
        digest=f"{number:064x}",
        import_id="crowd",
    )


@pytest.mark.feature("R14", "GTW-1")
def test_what_operators_need_is_for_those_who_see_everything(capture: Installation) -> None:
    pool = RpcPool(capture.settings)
    asked: dict[str, dict[str, Any]] = {
        "bus_status": {},
        "parked_list": {},
        "parked_replay": {"ids": []},
        "parked_drop": {"ids": []},
    }
    seers = (OPERATOR, Actor(role="manager"))
    others = (Actor(role="supervisor", team_ids=(new_id(),)), Actor(role="seller", seller_id=new_id()), NOBODY)
    try:
        for method, arguments in asked.items():
            for actor in seers:
                pool.call_as(actor, "capture", method, **arguments)
            for actor in others:
                with pytest.raises(NotFound, match="no bus capture"):
                    pool.call_as(actor, "capture", method, **arguments)
    finally:
        pool.close()
