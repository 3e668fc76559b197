"""The access log tells what was asked, but nothing with which a reader of the log could do anything."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway import access
from runtime.errors import Broken

pytestmark = pytest.mark.feature("R16")

TOKEN = "the-token-of-an-address"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> access.Lines:
    """The access log, on; written by `flush` only."""
    lines = access.Lines()
    lines.is_on, lines._stream = True, io.StringIO()
    monkeypatch.setattr(access, "lines", lines)
    return lines


def paths(log: access.Lines) -> list[str]:
    log.flush()
    return [json.loads(line)["path"] for line in log._stream.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_a_token_in_a_path_is_not_logged(log: access.Lines, client: FlaskClient) -> None:
    client.get(f"/u/{TOKEN}")
    client.post(f"/u/{TOKEN}?x={TOKEN}")
    client.get(f"/u/{TOKEN}/and/more")
    client.get(f"/sign-in?next={TOKEN}")
    assert paths(log) == ["/u/…", "/u/…", "/u/…", "/sign-in"]


def test_nor_is_it_when_something_goes_wrong(
    log: access.Lines, client: FlaskClient, services: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for error in (Broken("capture said no"), ValueError("an error of ours")):
        services.answers["notifications", "unsubscribe"] = error
        assert client.post(f"/u/{TOKEN}").status_code >= 500
    assert "/u/…" in caplog.text
    assert TOKEN not in caplog.text
    assert paths(log) == ["/u/…"] * 2
