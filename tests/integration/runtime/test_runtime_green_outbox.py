"""The outbox among green threads, which is where services run it."""

import subprocess
import sys
from pathlib import Path


def test_what_is_committed_is_on_the_wire_before_its_thread_goes_on(amqp_url: str) -> None:
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("green_outbox.py")), amqp_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr
