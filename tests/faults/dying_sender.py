"""A sender in a process of its own that ends itself by kill -9 at a given step: `python dying_sender.py STEP`."""

import os
import signal
import sys
import threading
import time
from typing import Any

from runtime.database import open_database
from runtime.settings import Settings
from runtime.transaction import Transaction
from services.notifications.channels import Accepted, Channel, Outgoing
from services.notifications.channels.build import channels
from services.notifications.links import Links
from services.notifications.sending import Sender

STEPS = (
    "before_claim",
    "before_claim_is_committed",
    "after_claim",
    "during_call",
    "after_call",
    "before_answer_is_committed",
)
DURING = 1.0
"""Seconds into a call at which the sender dies; the test has the provider stall for longer."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(10)


class DyingChannel:
    def __init__(self, channel: Channel, step: str) -> None:
        self._channel, self._step = channel, step

    def send(self, message: Outgoing) -> Accepted:
        if self._step == "during_call":
            threading.Timer(DURING, die).start()
        accepted = self._channel.send(message)
        if self._step == "after_call":
            die()
        return accepted


class DyingSender(Sender):
    step = ""

    def _claim(self, tx: Transaction, links: Links) -> Any:
        if self.step == "before_claim":
            die()
        job = super()._claim(tx, links)
        if self.step == "before_claim_is_committed":
            die()
        return job

    def _write(self, tx: Transaction, *arguments: Any) -> None:
        super()._write(tx, *arguments)
        if self.step == "before_answer_is_committed":
            die()


def main(step: str) -> None:
    settings = Settings.load()
    ways: Any = {name: DyingChannel(channel, step) for name, channel in channels(settings).items()}
    sender = DyingSender(open_database("notifications", settings), ways, settings.address)
    sender.step = step
    sender.send_next(on_claimed=die if step == "after_claim" else lambda: None)


if __name__ == "__main__":
    main(sys.argv[1])
