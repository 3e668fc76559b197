"""`rodizio run` as a person meets it: comes up well, mends what is killed, leaves nothing, comes up again."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from process_cases import belonging_to, until

from runtime import ports
from runtime.settings import PROBED
from runtime.supervision import states_of

pytestmark = [pytest.mark.feature("OPS-1"), pytest.mark.timeout(400)]

START_SECONDS = 150
STOP_SECONDS = 45
VICTIMS = ("capture", "distribution", "notifications", "gateway", "broker")


class Run:
    """One `rodizio run`, on ports and a folder of its own, in a session of its own."""

    def __init__(self, environment: dict[str, str], said: Path) -> None:
        self._said = said
        with said.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "run", "--no-history"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: "Address" in self.said or self.process.poll() is not None, "it is up", START_SECONDS)
        assert "Rodízio is running." in self.said, self.said

    @property
    def said(self) -> str:
        return self._said.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    first = next(
        base for base in ports.pick_free(50) if all(ports.is_free(base + offset) for offset in range(len(PROBED)))
    )
    gateway, live, sandbox = ports.pick_free(3)
    with tempfile.TemporaryDirectory(prefix="rodizio-test-", ignore_cleanup_errors=True) as folder:
        settings = {
            "RODIZIO_VAR": f"{folder}/var",
            "RODIZIO_GATEWAY_PORT": str(gateway),
            "RODIZIO_HEALTH_PORT": str(first),
            "RODIZIO_LIVE_PORT": str(live),
            "RODIZIO_SANDBOX_PORT": str(sandbox),
        }
        ours = {name: value for name, value in os.environ.items() if not name.startswith("RODIZIO_")}
        yield {**ours, **settings}
        for pid in belonging_to(Path(folder)):
            os.kill(pid, signal.SIGKILL)


def request(environment: dict[str, str], path: str, document: dict[str, Any] | None = None) -> bytes:
    """What the gateway answers to the key of this machine."""
    key = (Path(environment["RODIZIO_VAR"]) / "api-key").read_text().strip()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{environment['RODIZIO_GATEWAY_PORT']}{path}",
        data=json.dumps(document).encode() if document else None,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as response:
        return bytes(response.read())


def ask(environment: dict[str, str], path: str, document: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """What the API answers; None while it cannot be had."""
    try:
        answer: dict[str, Any] = json.loads(request(environment, path, document))
    except (OSError, HTTPException):
        return None
    return answer


def goes_the_whole_way(environment: dict[str, str], name: str) -> str:
    """A lead of this name is posted, gets a seller, who is told and has it among their work; its id."""
    found: dict[str, Any] = {}

    def see(what: str, path: str, part: Callable[[dict[str, Any]], Any]) -> bool:
        answer = ask(environment, path)
        found[what] = part(answer) if answer else None
        return bool(found[what])

    def post() -> bool:
        address = f"{name.replace(' ', '.').lower()}@example.com"  # another contact for each name
        found["lead"] = (ask(environment, "/f/demo", {"email": address, "name": name}) or {}).get("id")
        return bool(found["lead"])

    def is_among_their_work() -> bool:
        shown = ask(environment, f"/api/v1/sellers/{found['seller']}/work") or {"items": []}
        return any(item["card"] and item["card"]["name"] == name for item in shown["items"])

    until(post, f"the lead of {name} is taken", 60)
    lead = str(found["lead"])
    until(
        lambda: see("seller", f"/api/v1/leads/{lead}", lambda shown: (shown["assignment"] or {}).get("seller_id")),
        f"{name} is assigned",
        60,
    )
    inbox = f"/api/v1/notifications/{found['seller']}?limit=50"
    until(
        lambda: see("told", inbox, lambda page: [item for item in page["items"] if item["lead_id"] == lead]),
        f"{name}'s seller is told",
        60,
    )
    until(is_among_their_work, f"{name} is among their work", 60)
    assert len(found["told"]) == 1
    return lead


def pids(var: Path) -> dict[str, int]:
    return {state.name: state.pid for state in states_of(var) if state.state == "RUNNING"}


def doctor(environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "doctor", "--json"], env=environment, capture_output=True, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if answer["ok"] else 1)
    return answer


def test_run_mends_what_is_killed_and_survives_its_own_death(environment: dict[str, str], tmp_path: Path) -> None:
    var = Path(environment["RODIZIO_VAR"])
    assert doctor(environment)["ok"]
    first = Run(environment, tmp_path / "first")
    try:
        leads = [goes_the_whole_way(environment, "Ana Primeira")]
        before = pids(var)
        assert len(before) == 12
        killed = {name: before[name] for name in VICTIMS}
        for pid in killed.values():
            os.kill(pid, signal.SIGKILL)
        leads.append(goes_the_whole_way(environment, "Beatriz Segunda"))
        until(lambda: all(pids(var).get(name, pid) != pid for name, pid in killed.items()), "the killed run again", 60)
        until(lambda: doctor(environment)["ok"], "all is well again", 90)
        assert {name: pid for name, pid in pids(var).items() if name not in VICTIMS}.items() <= before.items()
    finally:
        first.kill()
    until(lambda: not belonging_to(var), "nothing is left of the killed run", 10)
    assert not doctor(environment)["problems"]
    second = Run(environment, tmp_path / "second")
    try:
        leads.append(goes_the_whole_way(environment, "Carla Terceira"))
        shown = ask(environment, "/api/v1/leads?limit=10")
        assert shown
        assert [item["lead_id"] for item in shown["items"]] == leads[::-1]
        os.killpg(second.process.pid, signal.SIGINT)
        assert second.process.wait(STOP_SECONDS) == 0
        assert not belonging_to(var)
    finally:
        second.kill()
