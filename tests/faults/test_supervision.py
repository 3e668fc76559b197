"""Supervision: what ends is started again; whatever kills the supervisor, nothing is left and a new one starts."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from process_cases import belonging_to, until

from runtime import ports
from runtime.rabbitmq import RabbitNode
from runtime.supervision import AlreadyRunning, PortTaken, Program, ProgramState, Supervisor, states_of

pytestmark = pytest.mark.feature("OPS-1")

LISTENER = (
    "import os, socket, sys, time; server = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
    " print('listening', os.getpid(), flush=True); time.sleep(600)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"

KEEPER = textwrap.dedent("""
    import signal, sys, threading
    from pathlib import Path
    from runtime.rabbitmq import RabbitNode
    from runtime.supervision import Program, Supervisor
    var, port, with_broker = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "broker"
    listener, other = sys.argv[4:]
    programs = [
        Program("listener", [sys.executable, "-c", listener, str(port)], ports=(port,)),
        Program("other", [sys.executable, "-c", other]),
    ]
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    supervisor = Supervisor(var)
    supervisor.lock()
    if with_broker:
        node = RabbitNode(var / "broker")
        node.prepare()
        programs.append(Program("epmd", node.epmd_command(), node.environment(), order=1))
        programs.append(Program("broker", node.broker_command(), node.environment(), order=2))
    supervisor.start(programs)
    if with_broker:
        node.wait_ready(60)
    print("up", supervisor.pid, flush=True)
    stopping.wait()
    supervisor.stop()
""")


class Keeper:
    """A process that supervises, as `rodizio run` does, in a session of its own."""

    def __init__(
        self, var: Path, port: int, *, broker: bool = False, other: str = "import time; time.sleep(600)"
    ) -> None:
        environment = {**os.environ, "KEEPER_OF": str(var)}  # every descendant can be found by it
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEEPER, str(var), str(port), "broker" if broker else "plain", LISTENER, other],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline().split()
        assert said[:1] == ["up"], f"it did not start: {(var / 'log').exists()}"
        self.supervisord = int(said[1])

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def var() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rodizio-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "var"
        until(lambda: not belonging_to(Path(folder)), f"nothing is left of {belonging_to(Path(folder))}")


@pytest.fixture
def port() -> int:
    return ports.pick_free(1)[0]


def state(var: Path, name: str) -> ProgramState:
    try:
        return next(one for one in states_of(var) if one.name == name)
    except (OSError, http.client.HTTPException):
        return ProgramState(name, "UNKNOWN", 0, "")


def is_running(var: Path, name: str) -> bool:
    return state(var, name).state == "RUNNING"


def test_a_killed_program_is_started_again(var: Path, port: int) -> None:
    supervisor = Supervisor(var)
    supervisor.start([Program("listener", [sys.executable, "-c", LISTENER, str(port)], ports=(port,))])
    try:
        for _ in range(3):
            until(lambda: is_running(var, "listener"), "it runs")
            killed = state(var, "listener").pid
            os.kill(killed, signal.SIGKILL)
            until(lambda killed=killed: state(var, "listener").pid not in (0, killed), "it runs again")
        until(lambda: not ports.is_free(port), "it listens again")
        assert "listening" in (var / "log" / "listener.log").read_text()
    finally:
        supervisor.stop()
    assert ports.is_free(port)


def test_a_program_that_cannot_start_is_never_given_up(
    var: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("runtime.supervision.ATTEMPTS", 1)
    ready = tmp_path / "ready"
    program = f"import os, sys, time; os.path.exists({str(ready)!r}) or sys.exit(3); time.sleep(600)"
    supervisor = Supervisor(var)
    supervisor.start([Program("late", [sys.executable, "-c", program])])
    try:
        until(lambda: state(var, "late").state == "FATAL", "supervisord gave up")
        ready.touch()
        supervisor.revive()
        until(lambda: is_running(var, "late"), "it runs after all")
    finally:
        supervisor.stop()


def test_later_programs_wait_to_be_started(var: Path) -> None:
    sleep = ["sleep", "600"]
    supervisor = Supervisor(var)
    supervisor.start([Program("first", sleep, order=1), Program("second", sleep, at_once=False)])
    try:
        until(lambda: is_running(var, "first"), "the first runs")
        assert state(var, "second").state == "STOPPED"
        supervisor.start_programs(["second"])
        until(lambda: is_running(var, "second"), "the second runs")
    finally:
        supervisor.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_all_in_bounded_time(var: Path, port: int, number: signal.Signals) -> None:
    keeper = Keeper(var, port, other=DEAF)
    try:
        until(lambda: "deaf" in (var / "log" / "other.log").read_text(), "the one that ignores SIGTERM runs")
        os.killpg(keeper.process.pid, number)
        keeper.process.wait(15)
    finally:
        keeper.close()
    assert not belonging_to(var)


@pytest.mark.parametrize("victim", ["supervisor", "supervisord"])
def test_kill_9_leaves_nothing_and_the_next_one_starts_at_once(var: Path, port: int, victim: str) -> None:
    keeper = Keeper(var, port)
    try:
        until(lambda: is_running(var, "listener") and is_running(var, "other"), "both run")
        os.kill(keeper.process.pid if victim == "supervisor" else keeper.supervisord, signal.SIGKILL)
        own = keeper.process.pid if victim == "supervisord" else 0
        until(lambda: not set(belonging_to(var)) - {own}, "all that it started is gone", 5)
    finally:
        keeper.close()
    again = Keeper(var, port)
    try:
        until(lambda: is_running(var, "listener"), "it runs again")
    finally:
        again.process.terminate()
        again.process.wait(15)
        again.close()


def test_the_broker_dies_with_its_supervisor_and_keeps_its_messages(var: Path, port: int) -> None:
    first = Keeper(var, port, broker=True)
    try:
        node = RabbitNode(var / "broker")
        with pika.BlockingConnection(pika.URLParameters(node.url())) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.queue_declare("work", durable=True, arguments={"x-queue-type": "quorum"})
            channel.basic_publish("", "work", b"kept", pika.BasicProperties(delivery_mode=2))
        node.sync()
        first.process.kill()
        until(lambda: not belonging_to(var), "broker, epmd and their helpers are gone", 5)
    finally:
        first.close()
    second = Keeper(var, port, broker=True)
    try:
        with pika.BlockingConnection(pika.URLParameters(RabbitNode(var / "broker").url())) as connection:
            assert connection.channel().basic_get("work", auto_ack=True)[2] == b"kept"
        os.kill(second.process.pid, signal.SIGTERM)
        second.process.wait(40)
    finally:
        second.close()


def test_two_supervisors_of_one_folder_are_refused(var: Path, port: int) -> None:
    keeper = Keeper(var, port)
    try:
        with pytest.raises(AlreadyRunning, match=str(keeper.process.pid)):
            Supervisor(var).start([])
    finally:
        keeper.process.terminate()
        keeper.process.wait(15)
        keeper.close()


def test_a_taken_port_is_named(var: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.supervision.PORT_SECONDS", 0)
    supervisor = Supervisor(var)
    with socket.create_server((ports.LOOPBACK, port)), pytest.raises(PortTaken, match=f"port {port}, which listener"):
        supervisor.start([Program("listener", ["true"], ports=(port,))])
    supervisor.stop()


def test_a_command_supervisord_would_cut_short_is_refused(var: Path) -> None:
    supervisor = Supervisor(var)
    with pytest.raises(ValueError, match="cannot hold"):
        supervisor.start([Program("odd", ["echo", "a #b"])])
    supervisor.stop()
