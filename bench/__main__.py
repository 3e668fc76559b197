"""`python -m bench [P1 P2 …]`: measures the named figures, all by default, and prints a JSON line for each."""

import importlib
import json
import signal
import sys
import traceback
import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

warnings.filterwarnings("ignore", module="eventlet|nameko")

from bench.figure import figure  # noqa: E402
from bench.ground import Ground  # noqa: E402
from bench.measure import say  # noqa: E402
from bench.options import Options  # noqa: E402

ON_GROUND = {
    "P1": "bench.p1_form_posts",
    "P2": "bench.p2_drain",
    "P3": "bench.p3_latency",
    "P4": "bench.p4_import",
    "P11": "bench.p11_replicas",
    "P9": "bench.p9_rest",
    "P12": "bench.p12_pages",
    "PAGES": "bench.web_pages",
    "CONTACTS": "bench.contacts_list",
}
"""Figures that need a broker and a database: `run(ground, options)`."""

PURE = {"P8": "bench.p8_decisions"}
"""Figures that need neither: `run()`."""

KNOWN = sorted({**ON_GROUND, **PURE})


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 all measured, 1 some could not be, 2 wrong arguments. Whether a figure is met is in its line."""
    wanted = [name.upper() for name in arguments] or KNOWN
    unknown = [name for name in wanted if name not in KNOWN]
    if unknown:
        say(f"unknown figures: {' '.join(unknown)}; known: {' '.join(KNOWN)}")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    lines: list[dict[str, Any]] = []
    with ExitStack() as stack:
        options, ground = Options.load(), None
        for name in wanted:
            say(f"{name} begins")
            if name in ON_GROUND:
                ground = ground or stack.enter_context(Ground())
            lines += _measured(name, ground, options)
    for line in lines:
        print(json.dumps(line), flush=True)
    return int(any(line["value"] is None for line in lines))


def _measured(name: str, ground: Ground | None, options: Options) -> list[dict[str, Any]]:
    """The figure's lines; one that says why when it could not be measured."""
    lines: list[dict[str, Any]] = []
    try:
        for line in _lines(name, ground, options):
            lines.append(line)
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        lines.append(
            figure(name, value=None, unit="", database="", baseline=None, ratio=None, reach="", met=False, error=reason)
        )
    return lines


def _lines(name: str, ground: Ground | None, options: Options) -> Iterable[dict[str, Any]]:
    if name in PURE:
        return importlib.import_module(PURE[name]).run()
    return importlib.import_module(ON_GROUND[name]).run(ground, options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
