"""One lead through everything: how soon its seller hears of it, and the one id that all logs tell."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fault_cases import FORM_DEFINITION
from faults.installation import Installation
from runtime_cases import wait_for

from gateway import keys
from runtime.settings import Settings

SERVICES = ("capture", "distribution", "campaigns", "notifications", "reporting")
TELLING = ("gateway", "capture", "distribution", "notifications")
WITHIN_SECONDS = 1.0
"""A tenth of that on a quiet machine."""


@pytest.fixture
def installation(amqp_url: str, tmp_path: Path) -> Iterator[Installation]:
    with Installation(Settings(amqp_url=amqp_url, var=tmp_path), (*SERVICES, "gateway")) as running:
        yield running.start(*SERVICES, "projection", "gateway")


def lines_of(installation: Installation, name: str) -> list[dict[str, Any]]:
    """The log of a process; every line has to be a JSON object. The last one may be half written."""
    text = installation.running[name].log.read_text()
    found = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


def tells_of(installation: Installation, name: str, correlation_id: str) -> bool:
    return any(
        correlation_id == line.get("correlation_id") or correlation_id in line.get("correlation_ids", ())
        for line in lines_of(installation, name)
    )


@pytest.mark.feature("CAP-1", "NOT-1", "OPS-3", "GTW-3")
def test_a_lead_is_with_its_seller_at_once_and_followed_by_one_id(installation: Installation) -> None:
    team = installation.call("distribution", "create_team", team={"name": "Team", "time_zone": "Europe/Lisbon"})
    seller = installation.call(
        "distribution",
        "create_seller",
        seller={
            "name": "Bia",
            "email": "bia@sales.example",
            "phone": "+351912345670",
            "locale": "pt",
            "time_zone": "Europe/Lisbon",
            "channels": [],
            "teams": [team["team_id"]],
            "weight": 1,
            "working_hours": [],
        },
    )["seller_id"]
    form = installation.call("capture", "create_form", form=FORM_DEFINITION)
    installation.call("distribution", "set_rule", form_id=form["form_id"], team_id=team["team_id"])
    database = installation.database("gateway")
    key = database.transact(keys.issue, "test")
    database.close()
    api = requests.Session()
    api.headers["Authorization"] = f"Bearer {key}"

    def inbox() -> list[dict[str, Any]]:
        answer = api.get(f"{installation.url}/api/v1/notifications/{seller}", timeout=10)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    address = f"{installation.url}/f/{form['key']}"
    wait_for(lambda: requests.post(address, json={"nome": "x"}, timeout=10).status_code == 422, "the form is known")
    assert inbox() == []

    fields = {"nome": "Ana Sofia", "email": "ana@buyers.example"}
    answer = requests.post(address, json=fields, headers={"Accept": "application/json"}, timeout=10)
    answered = time.monotonic()
    assert answer.status_code == 200
    while not (told := inbox()):
        assert time.monotonic() < answered + WITHIN_SECONDS, "the seller was not told in time"
        time.sleep(0.01)
    print(f"told {time.monotonic() - answered:.3f} s after the answer")
    assert [message["lead_id"] for message in told] == [answer.json()["id"]]

    correlation_id = answer.headers["X-Correlation-Id"]
    for name in TELLING:
        wait_for(lambda name=name: tells_of(installation, name, correlation_id), f"{name} tells of the lead")
    for name in installation.running:
        assert lines_of(installation, name), f"{name} says nothing"

    work = requests.get(
        f"{installation.url}/api/v1/sellers/{seller}/work", headers={"Authorization": f"Bearer {key}"}, timeout=10
    )
    assert [item["card"]["name"] for item in work.json()["items"]] == ["Ana Sofia"]
