"""`rodizio doctor`: each thing that can be wrong is named, with what to do, and decides the exit code."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import doctor
from cli.doctor import diagnose
from runtime import ports
from runtime.settings import OWNERS, Settings

pytestmark = pytest.mark.feature("OPS-1")


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a machine on which nothing is wrong, also as the environment of the command."""
    for name in ("RODIZIO_AMQP_URL", "RODIZIO_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doctor, "installed_server", lambda: tmp_path)
    gateway, live, sandbox = ports.pick_free(3)
    health = next(
        base for base in ports.pick_free(50) if all(ports.is_free(base + offset) for offset in range(len(OWNERS)))
    )
    settings = Settings(
        var=tmp_path / "var", gateway_port=gateway, live_port=live, sandbox_port=sandbox, health_port=health
    )
    monkeypatch.setenv("RODIZIO_VAR", str(settings.var))
    monkeypatch.setenv("RODIZIO_GATEWAY_PORT", str(gateway))
    monkeypatch.setenv("RODIZIO_LIVE_PORT", str(live))
    monkeypatch.setenv("RODIZIO_SANDBOX_PORT", str(sandbox))
    monkeypatch.setenv("RODIZIO_HEALTH_PORT", str(health))
    return settings


def problems(settings: Settings) -> list[str]:
    return [problem.problem for problem in diagnose(settings)]


def test_nothing_wrong(sound: Settings) -> None:
    done = CliRunner().invoke(doctor.doctor, [])
    assert (done.exit_code, done.output) == (0, "Nothing is wrong.\n")
    assert json.loads(CliRunner().invoke(doctor.doctor, ["--json"]).output) == {"ok": True, "problems": []}


def test_a_taken_port_is_named_with_its_variable(sound: Settings) -> None:
    with socket.create_server((ports.LOOPBACK, sound.gateway_port)):
        done = CliRunner().invoke(doctor.doctor, ["--json"])
    assert done.exit_code == 1
    (problem,) = json.loads(done.output)["problems"]
    assert problem["problem"] == f"port {sound.gateway_port} is taken by another program"
    assert "RODIZIO_GATEWAY_PORT" in problem["fix"]


def test_rabbitmq_missing(sound: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed_server", lambda: None)
    done = CliRunner().invoke(doctor.doctor, [])
    assert done.exit_code == 1
    assert done.output == "RabbitMQ is not installed. To mend it: sudo apt-get install -y rabbitmq-server.\n"


def test_a_broker_that_does_not_answer_is_shown_without_its_password(
    sound: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RODIZIO_AMQP_URL", "amqp://somebody:secret@127.0.0.1:1/shop")
    (problem,) = problems(replace(sound, amqp_url="amqp://somebody:secret@127.0.0.1:1/shop"))
    assert problem.startswith("the broker at 127.0.0.1:1/shop does not answer")
    assert "secret" not in problem


def test_a_database_that_does_not_answer_is_shown_without_its_password(sound: Settings) -> None:
    (problem,) = problems(replace(sound, database_url="postgresql://somebody:secret@127.0.0.1:1/shop"))
    assert problem.startswith("PostgreSQL at 127.0.0.1 does not let us in")
    assert "secret" not in problem


def test_an_address_that_is_none(sound: Settings) -> None:
    assert problems(replace(sound, database_url="nonsense")) == ["RODIZIO_DATABASE_URL is not an address"]


def test_a_folder_that_is_a_file(sound: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (problem,) = problems(replace(sound, var=tmp_path / "file" / "var"))
    assert "cannot be written to" in problem


def test_a_full_disk(sound: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ENOUGH_DISK", 1 << 80)
    (problem,) = problems(sound)
    assert "MB are free" in problem


def test_a_setting_that_is_not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIZIO_GATEWAY_PORT", "eighty")
    done = CliRunner().invoke(doctor.doctor, [])
    assert done.exit_code == 1
    assert "RODIZIO_GATEWAY_PORT must be a whole number from 1 to 65535" in done.output
