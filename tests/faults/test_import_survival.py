"""Killing the loader at random moments of an import: what is in the end in the database is the same."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from import_cases import card, contents, loading, make_form, people, start, until, upload

from runtime.database import open_database
from runtime.launch import launch_environment
from runtime.migrations import upgrade
from runtime.ports import pick_free
from runtime.settings import Settings

ROWS = 4000
KILLS = 3


@pytest.mark.feature("CAP-5", "R7")
def test_an_import_killed_again_and_again_ends_as_if_nothing_had_happened(settings: Settings, tmp_path: Path) -> None:
    (port,) = pick_free(1)
    seed = int(os.environ.get("RODIZIO_SEED", random.randrange(10**6)))
    print(f"RODIZIO_SEED={seed}")
    upgrade("capture", settings)
    database = open_database("capture", settings)
    form_id = make_form(database)
    import_id = upload(database, people(range(ROWS)))
    chance, kills, process = random.Random(seed), 0, _start(settings, tmp_path, port)
    try:
        start(database, import_id, makes="leads", form_id=form_id)
        while kills < KILLS:
            before = card(database, import_id)["accepted"]
            deadline = time.monotonic() + 30
            while card(database, import_id)["accepted"] == before and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(chance.random() * 0.2)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if card(database, import_id)["state"] == "done":
                break
            process = _start(settings, tmp_path, port)
        until(database, import_id, "done", seconds=60)
    finally:
        process.kill()
        process.wait()
    broken = contents(database)
    database.close()
    assert kills
    assert broken == _undisturbed(tmp_path)


def _undisturbed(folder: Path) -> dict[str, list[str]]:
    settings = Settings(var=folder / "whole", amqp_url="amqp://guest:guest@127.0.0.1:1/")
    upgrade("capture", settings)
    database = open_database("capture", settings)
    form_id = make_form(database)
    with loading(settings):
        import_id = upload(database, people(range(ROWS)))
        start(database, import_id, makes="leads", form_id=form_id)
        until(database, import_id, "done")
    found = contents(database)
    database.close()
    return found


def _start(settings: Settings, folder: Path, port: int) -> "subprocess.Popen[bytes]":
    environment = {
        **launch_environment(),
        "PYTHONWARNINGS": "ignore",
        "RODIZIO_DATABASE_URL": settings.database_url,
        "RODIZIO_VAR": str(settings.var),
        "RODIZIO_AMQP_URL": settings.amqp_url,
        "RODIZIO_HEALTH_PORT": str(port - 6),
    }
    with (folder / "loader.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "services.capture.loader"], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
