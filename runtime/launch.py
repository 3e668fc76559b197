"""Starts a command that cannot outlive its parent: `launch.py [--user U] [--signal S] -- COMMAND …`.

The kernel signals the command when its parent ends, however the parent ends. The tie survives `exec` but not `fork`,
so the command must not leave children that outlive it. It also follows the *thread* that started it: start from a
thread that lives as long as the command should.
"""

import argparse
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

PARENT_VARIABLE = "RODIZIO_LAUNCHED_BY"
_PR_SET_PDEATHSIG = 1


def launch_command(
    command: Sequence[str], *, user: str | None = None, death_signal: signal.Signals = signal.SIGKILL
) -> list[str]:
    """The command line that runs `command` tied to the life of whoever starts it.

    user: account to become first (only root can); None keeps the caller's.
    death_signal: what the command is sent when its parent ends.
    """
    options = ["--user", user] if user else []
    if death_signal is not signal.SIGKILL:
        options += ["--signal", death_signal.name]
    # By path, isolated and without site packages: starts in a few milliseconds, from any folder, as any user.
    return [sys.executable, "-IS", str(Path(__file__).resolve()), *options, "--", *command]


def launch_environment() -> dict[str, str]:
    """The environment for `launch_command`: ours, and who the parent is, so that its early death is noticed."""
    return {**os.environ, PARENT_VARIABLE: str(os.getpid())}


def _become(user: str) -> None:
    account = pwd.getpwnam(user)
    os.initgroups(user, account.pw_gid)
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _die_with_parent(death_signal: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    parent = os.environ.get(PARENT_VARIABLE)
    if parent and os.getppid() != int(parent):
        sys.exit("the parent ended before the tie to it was made")


def main() -> None:
    """Ties this process to its parent, then becomes the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--signal", default="SIGKILL")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.user:
        _become(options.user)  # before the tie: changing the user would undo it
    _die_with_parent(signal.Signals[options.signal])
    os.environ[PARENT_VARIABLE] = str(os.getpid())  # this very process is the parent of whatever the command launches
    os.execvp(options.command[0], options.command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
