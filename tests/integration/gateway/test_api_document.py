"""GTW-2: docs/api.md does not rot. Its curl lines run on a real installation, and its table names every route."""

import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import pytest
from flask import Flask
from route_rows import API
from werkzeug.test import TestResponse
from whole import gateway_of, installation

from gateway import keys
from gateway.parts import EXTENSION
from runtime.rabbitmq import RabbitNode

pytestmark = [pytest.mark.feature("GTW-2"), pytest.mark.timeout(180)]

DOCUMENT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
BASE = "http://127.0.0.1:8080"
PATIENCE = 30.0


@dataclass(frozen=True)
class Command:
    """A curl of the document. name: the variable it fills; path: of what `jq` picks, or `etag`; status: what it says
    is answered, 0 for any success; shown: the answer that stands below it."""

    line: str
    name: str
    path: str
    status: int
    shown: str


def commands() -> Iterator[Command]:
    """Every curl of the document, in its order."""
    for block, shown in re.findall(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", DOCUMENT, re.DOTALL):
        whole = block.replace("\\\n", " ")
        for line, status in re.findall(
            r"^((?:\w+=\$\()?curl .*?)\n(?:# (\d{3})\n)?(?=\n|\w+=|curl |\Z)", whole, re.M | re.S
        ):
            found = re.fullmatch(r"(?:(\w+)=\$\()?(curl .*?)(?:\| jq -r \.([\w.]+))?\)?", line, re.DOTALL)
            assert found is not None, line
            name, curl, path = found.groups()
            yield Command(
                curl, name or "", path or ("etag" if "%header{etag}" in curl else ""), int(status or 0), shown
            )


def sent(line: str, values: dict[str, str]) -> dict[str, Any]:
    """What a curl sends, as the arguments of a test client."""
    # As a shell does it: in single quotes nothing is filled in.
    quoted = re.split(r"('[^']*')", line)
    filled = [part if part.startswith("'") else Template(part).substitute(values) for part in quoted]
    words = iter(shlex.split("".join(filled).replace(values["TAG"], values["TAG"].replace('"', '\\"'))))
    assert next(words) == "curl"
    asked: dict[str, Any] = {"headers": {}, "method": ""}
    for word in words:
        if word == "-s":
            continue
        if word in ("-o", "-w"):
            next(words)
        elif word == "-X":
            asked["method"] = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            asked["headers"][name] = value
        elif word == "-d":
            asked["data"] = next(words)
            json.loads(asked["data"])
        elif word == "--data-binary":
            asked["data"] = next(words)
        else:
            assert word.startswith(f"{BASE}/"), word
            asked["path"] = word.removeprefix(BASE)
    asked["method"] = asked["method"] or ("POST" if "data" in asked else "GET")
    return asked


@pytest.fixture(scope="module")
def app(broker: RabbitNode, _vhosts: Any) -> Iterator[Flask]:
    with installation(broker, _vhosts.take()) as made, gateway_of(made) as application:
        yield application


def test_the_examples_do_what_they_say(app: Flask) -> None:
    scopes = ("submit", "read", "write", "admin")
    key = app.extensions[EXTENSION].database.transact(keys.issue, "document", scopes, "admin")
    values, client, done = {"RODIZIO": BASE, "KEY": key, "TAG": "no tag yet"}, app.test_client(), 0
    for command in commands():
        asked = sent(command.line, values)
        answer, picked = _answered(client, asked, command)
        assert answer.status_code == command.status or (not command.status and answer.status_code < 300), (
            command.line, answer.status_code, answer.text,
        )  # fmt: skip
        if command.name:
            values[command.name] = str(picked)
        if command.shown:
            assert answer.get_json() == json.loads(command.shown)
        done += 1
    assert done == DOCUMENT.count("curl -s"), "some examples were not understood"
    assert values["TAG"].startswith('"1-')


def _answered(client: Any, asked: dict[str, Any], command: Command) -> tuple[TestResponse, Any]:
    """The answer, and what is picked of it. What is read may take a moment to be there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = client.open(**asked)
        picked = answer.headers.get("ETag") if command.path == "etag" else _picked(answer, command.path)
        is_there = answer.status_code < 300 and (picked is not None or command.name == "NEXT" or not command.path)
        if is_there or asked["method"] != "GET" or time.monotonic() > deadline:
            return answer, picked
        time.sleep(0.05)


def _picked(answer: TestResponse, path: str) -> Any:
    value = answer.get_json(silent=True)
    for name in path.split(".") if path else ():
        value = (value or {}).get(name)
    return value


def test_the_table_names_every_route() -> None:
    table = DOCUMENT.partition("## By task")[2]
    named = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`", table.partition("Two things stay")[0])
    assert len(named) == len(set(named))
    assert set(named) == {re.sub("<(uuid:|int:)?", "{", name).replace(">", "}") for name in API}
