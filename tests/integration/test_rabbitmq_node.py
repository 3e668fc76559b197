"""The private broker: complete in its folder, on the loopback, killed and started again without loss."""

import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pika
import pytest
from process_cases import belonging_to, until

from runtime import packages, ports, processes, rabbitmq
from runtime.rabbitmq import NotReady, RabbitNode

pytestmark = pytest.mark.feature("OPS-1")

QUORUM = {"x-queue-type": "quorum"}


def publish(url: str, queue: str, bodies: list[bytes]) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(queue, durable=True, arguments=QUORUM)
        for body in bodies:
            channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=2), mandatory=True)


def drain(url: str, queue: str) -> list[bytes]:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        found: list[bytes] = []
        while (delivery := channel.basic_get(queue, auto_ack=True))[0]:
            found.append(delivery[2])
        return found


def test_confirmed_messages_survive_kill_9(own_broker: RabbitNode) -> None:
    own_broker.start()
    before = own_broker.address
    publish(own_broker.url(), "work", [b"one", b"two"])
    own_broker.sync()
    own_broker.kill9()
    assert not own_broker.is_ready()
    own_broker.start()
    assert own_broker.address == before
    assert drain(own_broker.url(), "work") == [b"one", b"two"]
    own_broker.stop()
    until(lambda: not belonging_to(own_broker.folder), "nothing is left")


def test_another_process_takes_the_node_over(own_broker: RabbitNode) -> None:
    program = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from runtime.rabbitmq import RabbitNode
        node = RabbitNode(Path(sys.argv[1]))
        node.start()
        print(node.pid(), flush=True)
        time.sleep(600)
    """)
    owner = subprocess.Popen([sys.executable, "-c", program, str(own_broker.folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    try:
        pid = int(owner.stdout.readline())
        publish(own_broker.url(), "work", [b"kept"])
        own_broker.sync()
    finally:
        owner.kill()
        owner.wait()
        owner.stdout.close()
    assert processes.wait_gone(pid, 10), "the broker outlived the process that started it"
    own_broker.start()
    assert drain(own_broker.url(), "work") == [b"kept"]


def test_listens_on_the_loopback_only(broker: RabbitNode) -> None:
    mine = {broker.address.port, broker.address.distribution_port, broker.address.epmd_port}
    open_to: dict[int, set[str]] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, state = line.split()[1], line.split()[3]
            host, port = address.split(":")
            if state == "0A" and int(port, 16) in mine:
                open_to.setdefault(int(port, 16), set()).add(host)
    assert set(open_to) == mine
    assert set().union(*open_to.values()) <= {"0100007F", "0" * 24 + "01000000"}


def test_fresh_vhost_per_test_and_bindings(broker: RabbitNode, amqp_url: str, vhost: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        channel.exchange_declare("shop.events", "topic", durable=True)
        channel.queue_declare("orders", durable=True, arguments=QUORUM)
        channel.queue_bind("orders", "shop.events", "order_placed")
    bindings = broker.list_bindings(vhost)
    assert ("shop.events", "order_placed", "orders") in {
        (one["source_name"], one["routing_key"], one["destination_name"]) for one in bindings
    }


def test_a_stranger_on_its_port_moves_the_node(own_broker: RabbitNode) -> None:
    own_broker.prepare()
    first = own_broker.address
    with socket.socket() as stranger:
        stranger.bind((ports.LOOPBACK, first.port))
        stranger.listen()
        own_broker.prepare()
    assert own_broker.address.port != first.port
    assert own_broker.address.name == first.name
    assert own_broker.address.password == first.password


def test_says_what_the_log_says_when_it_cannot_start(own_broker: RabbitNode) -> None:
    own_broker.folder.mkdir(exist_ok=True)
    (own_broker.folder / "conf.d").mkdir()
    (own_broker.folder / "conf.d" / "10-broken.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(NotReady, match="ended while starting"):
        own_broker.start()


def test_without_rabbitmq_it_names_the_line_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rabbitmq, "SERVER_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages, "_sudo_works", lambda: False)
    with pytest.raises(packages.Missing, match="sudo apt-get install -y rabbitmq-server"):
        RabbitNode(tmp_path / "node").start()
