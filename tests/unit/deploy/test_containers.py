"""The image and the compose file: what can be said of them without an engine to build and run them."""

import re
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from runtime.settings import PROBED, Settings
from sandbox.signing import SENDGRID_KEYS, TWILIO_TOKEN
from tools.kubernetes.checks import ROOT, SETTINGS, process_table

pytestmark = pytest.mark.feature("OPS-1")

LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()
STEPS = [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in LINES if line and not line.startswith("#")]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("rodizio:")}
ASKED = re.compile(r"\$\{([A-Z_]+)")


def last_stage() -> list[tuple[str, str]]:
    """The steps that make the image itself."""
    start = max(number for number, (step, _) in enumerate(STEPS) if step == "FROM")
    return STEPS[start:]


def environment() -> dict[str, str]:
    """What the image says to every process."""
    said = " ".join(rest for step, rest in last_stage() if step == "ENV")
    return dict(pair.split("=", 1) for pair in said.split())


def test_bases_are_pinned_to_a_release() -> None:
    arguments = dict(rest.split("=", 1) for step, rest in STEPS if step == "ARG")
    bases = [rest.split()[0] for step, rest in STEPS if step == "FROM"]
    assert len(bases) == 3
    for base in bases:
        image, _, tag = arguments[base.strip("${}")].partition(":")
        assert image in ("python", "node")
        assert re.fullmatch(r"\d+(\.\d+)?-(slim-bookworm|bookworm-slim)", tag)
    assert arguments["PYTHON"].startswith("python:3.11-")


def test_it_runs_as_nobody_in_particular_who_is_the_owner_of_one_folder() -> None:
    (user,) = [rest for step, rest in last_stage() if step == "USER"]
    assert user == "10001:10001"
    after = [step for step, _ in last_stage()[[step for step, _ in last_stage()].index("USER") :]]
    assert "COPY" not in after
    assert "RUN" not in after
    assert environment()["RODIZIO_VAR"] == "/var/lib/rodizio"
    assert any("install -d -o 10001 -g 10001 -m 0700 /var/lib/rodizio" in rest for step, rest in STEPS if step == "RUN")


def test_nothing_is_fetched_that_is_not_locked_and_nothing_secret_is_said() -> None:
    text = "\n".join(LINES)
    assert not [rest for step, rest in STEPS if step == "ADD"]
    assert not re.search(r"https?://|curl |wget |apt-get", text)
    for install in re.findall(r"pip install[^&]*", text):
        assert "--require-hashes" in install or "--no-deps --no-build-isolation" in install
    assert not re.search(r"(?i)(password|secret|token|api_key)\s*=", text)


def test_everything_copied_is_there_and_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    assert "*" in ignored
    for step, rest in STEPS:
        if step == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source in let_through
    copied = {source for step, rest in STEPS if step == "COPY" for source in rest.split()[:-1]}
    assert let_through <= copied


def test_what_the_image_says_is_understood_and_what_is_needed_from_outside_listens_outside() -> None:
    given = {name: value for name, value in environment().items() if name.startswith("RODIZIO_")}
    assert set(given) <= SETTINGS
    settings = Settings.load(given)
    assert (settings.gateway_host, settings.health_host) == ("0.0.0.0", "0.0.0.0")
    (exposed,) = [rest for step, rest in STEPS if step == "EXPOSE"]
    last = settings.health_port + len(PROBED) - 1
    assert exposed == f"{settings.gateway_port} {settings.live_port} {settings.health_port}-{last}"


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """The image runs what is installed, not this folder."""
    for name in (
        "pyproject.toml",
        "README.md",
        "requirements.in",
        "contracts",
        "runtime",
        "services",
        "gateway",
        "cli",
        "sandbox",
    ):
        (tmp_path / name).symlink_to(ROOT / name)
    made = tmp_path / "made"
    code = f"import os, setuptools.build_meta as b; os.makedirs({str(made)!r}); print(b.build_wheel({str(made)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = made.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    for package in ("contracts", "runtime", "services", "gateway", "cli", "sandbox"):
        for path in (ROOT / package).rglob("*"):
            name = str(path.relative_to(ROOT))
            if path.is_file() and "__pycache__" not in name and not fnmatch(name, "*.egg-info*"):
                assert name in held


def test_every_process_has_a_container_that_runs_it() -> None:
    table = process_table()
    assert {name: OURS[name]["command"] for name in table} == table
    assert set(OURS) == {*table, "migrate"}
    assert OURS["migrate"]["command"] == ["rodizio", "migrate"]


def test_containers_can_do_little() -> None:
    for service in OURS.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "/tmp" in service["tmpfs"]
        assert any(mount.startswith(f"{environment()['RODIZIO_VAR']}:uid=10001") for mount in service["tmpfs"])
        assert "privileged" not in service
        assert "volumes" not in service
        assert int(service["stop_grace_period"].rstrip("s")) > Settings().stop_seconds
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert not service["image"].endswith("latest")


def test_what_is_waited_for_can_be_seen() -> None:
    for name, service in SERVICES.items():
        for other, said in service.get("depends_on", {}).items():
            if said["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            else:
                assert said["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "on-failure"
        if name in OURS and name != "migrate":
            assert set(service["depends_on"]) == {"migrate", "rabbitmq"}
    assert set(COMPOSE["volumes"]) == {
        mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])
    }


def test_every_variable_is_a_setting_and_every_one_asked_for_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    told = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    for service in OURS.values():
        assert set(service["environment"]) <= SETTINGS
        assert service["env_file"] == [".env"]
    optional = {"RODIZIO_TAG", "RODIZIO_SANDBOX_URL", "GATEWAY_PORT", "LIVE_PORT"}
    asked = set(ASKED.findall((ROOT / "compose.yaml").read_text()))
    assert asked - optional <= set(told)
    assert {name for name in told if name.startswith("RODIZIO_")} <= SETTINGS
    assert all(told[name] == "" for name in told if name.endswith("PASSWORD"))
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_keys_for_the_sandbox_can_be_made() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.signing"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    given = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert set(given) == {TWILIO_TOKEN, *SENDGRID_KEYS}
    Settings.load(given)
