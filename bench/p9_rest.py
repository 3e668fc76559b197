"""P9: what `rodizio run` holds in memory when nothing happens, and how long a second start takes to be healthy.

Memory is proportional set size: pages that processes share count once. Broker and PostgreSQL are not ours. Baseline:
the same processes, if each had its memory to itself (resident set size).
"""

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figure import figure
from bench.ground import Ground
from bench.measure import median, say, wait_quiet
from bench.options import Options
from bench.processes import ROOT, free_port, free_row
from runtime.settings import PROBED

REACH_MB, REACH_SECONDS = 600, 12
REST_SECONDS = 30.0
PATIENCE = 180.0
NOT_OURS = ("beam.smp", "epmd", "erl_child_setup", "inet_gethost", "rabbit_disk_monitor")


def run(ground: Ground, options: Options) -> Iterator[dict[str, Any]]:
    """Measures on SQLite, which is what it runs on unless told otherwise."""
    shared, alone, again = [], [], []
    by_process: dict[str, list[float]] = defaultdict(list)
    for number in range(1, options.runs + 1):
        wait_quiet(options.quiet_seconds)
        var = ground.logs("rest") / "var"
        environment = _environment(var)
        _stop(_started(var, environment)[0])
        process, seconds = _started(var, environment)
        again.append(seconds)
        time.sleep(REST_SECONDS)
        found = _memory(process.pid)
        _stop(process)
        shared.append(sum(pss for _, pss, _ in found))
        alone.append(sum(rss for *_, rss in found))
        for name, pss, _ in found:
            by_process[name].append(pss)
        say(f"P9 {number}/{options.runs}: {shared[-1]:.0f} MB, second start {seconds:.1f} s")
    yield figure(
        "P9",
        value=median(shared),
        unit="MB",
        database="sqlite",
        baseline=median(alone),
        ratio=median(shared) / median(alone),
        reach=f"<= {REACH_MB} MB; second start <= {REACH_SECONDS} s",
        met=median(shared) <= REACH_MB and median(again) <= REACH_SECONDS,
        second_start_s=median(again),
        mb_by_process={name: median(values) for name, values in by_process.items()},
    )


def _environment(var: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RODIZIO_")}
    return ours | {
        "PYTHONWARNINGS": "ignore",
        "RODIZIO_VAR": str(var),
        "RODIZIO_GATEWAY_PORT": str(free_port()),
        "RODIZIO_LIVE_PORT": str(free_port()),
        "RODIZIO_SANDBOX_PORT": str(free_port()),
        "RODIZIO_HEALTH_PORT": str(free_row(len(PROBED))),
    }


def _started(var: Path, environment: dict[str, str]) -> "tuple[subprocess.Popen[bytes], float]":
    """A running installation, and the seconds until it said that all is well."""
    said = var.with_name("said.txt")
    began = time.monotonic()
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "run", "--no-history"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while "Rodízio is running." not in said.read_text():
        if process.poll() is not None or time.monotonic() - began > PATIENCE:
            _stop(process)
            raise RuntimeError(f"rodizio run did not start:\n{said.read_text()}")
        time.sleep(0.05)
    return process, time.monotonic() - began


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()


def _memory(root: int) -> list[tuple[str, float, float]]:
    """Of each process of ours below `root`: its name, and what it holds with and without sharing, in MB."""
    found = []
    for pid in _tree(root):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        if any(word in part for part in command for word in NOT_OURS):
            continue
        size = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in rollup[1:] if line.endswith("kB")}
        name = " ".join(part for part in command[1:4] if not part.startswith("-")) or command[0]
        found.append((name, size["Pss"], size["Rss"]))
    return found


def _tree(root: int) -> Iterator[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            children[int(stat.read_text().rpartition(")")[2].split()[1])].append(int(stat.parent.name))
        except OSError:
            continue
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += children[pid]
