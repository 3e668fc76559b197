"""A long body has as long for each of its parts as any other body has whole."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker

from gateway.worker import READ_SECONDS, PatientWorker, went_on

pytestmark = pytest.mark.feature("R9", "CAP-5")


@pytest.mark.parametrize("goes_on", [True, False])
def test_who_goes_on_is_not_cut_off(monkeypatch: pytest.MonkeyPatch, goes_on: bool) -> None:
    worker: Any = PatientWorker.__new__(PatientWorker)
    worker._busy = {}
    cut_off: list[int] = []
    conn = type("Connection", (), {"sock": SimpleNamespace(shutdown=cut_off.append)})()

    def answered(_worker: Any, conn: Any) -> None:
        worker._busy[conn] = time.monotonic() - READ_SECONDS - 1
        if goes_on:
            went_on()
        worker.murder_pending()

    monkeypatch.setattr(ThreadWorker, "handle", answered)
    monkeypatch.setattr(ThreadWorker, "murder_pending", lambda _worker: None)
    worker.handle(conn)
    assert bool(cut_off) != goes_on


def test_without_a_worker_there_is_nothing_to_renew() -> None:
    went_on()
