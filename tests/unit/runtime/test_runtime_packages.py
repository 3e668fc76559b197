"""Installing a server: only where that is allowed, and always with the line to type."""

import subprocess
from typing import Any

import pytest

from runtime import packages

pytestmark = pytest.mark.feature("OPS-1")


def pretend(monkeypatch: pytest.MonkeyPatch, *, root: bool, programs: set[str], answers: dict[str, int]) -> list[Any]:
    """Pretends to be somebody on a machine with `programs`; records every command, answers with `answers[program]`."""
    ran: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, answers.get(command[0], 0), "", "E: no such thing")

    monkeypatch.setattr(packages.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda name: f"/usr/bin/{name}" if name in programs else None)
    monkeypatch.setattr(packages.subprocess, "run", run)
    return ran


def test_root_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = pretend(monkeypatch, root=True, programs={"apt-get"}, answers={})
    packages.install("rabbitmq-server")
    (command,) = ran
    assert command[0] == "sh"
    assert command[-1] == "rabbitmq-server"


def test_sudo_that_asks_nothing_installs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = pretend(monkeypatch, root=False, programs={"apt-get", "sudo"}, answers={})
    packages.install("rabbitmq-server")
    assert ran[-1][:3] == ["sudo", "-n", "sh"]


@pytest.mark.parametrize(
    ("programs", "answers"),
    [({"apt-get"}, {}), ({"apt-get", "sudo"}, {"sudo": 1})],
    ids=["no sudo", "sudo asks for a password"],
)
def test_nobody_else_does(monkeypatch: pytest.MonkeyPatch, programs: set[str], answers: dict[str, int]) -> None:
    ran = pretend(monkeypatch, root=False, programs=programs, answers=answers)
    with pytest.raises(packages.Missing, match="Type: sudo apt-get install -y rabbitmq-server"):
        packages.install("rabbitmq-server")
    assert not [command for command in ran if "sh" in command]


def test_without_apt_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, root=True, programs=set(), answers={})
    with pytest.raises(packages.Missing, match="no apt-get"):
        packages.install("rabbitmq-server")


def test_what_apt_said_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, root=True, programs={"apt-get"}, answers={"sh": 100})
    with pytest.raises(packages.Missing, match="apt-get said: E: no such thing"):
        packages.install("rabbitmq-server")
