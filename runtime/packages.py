"""Installing a missing server from the distribution, where that is allowed."""

import os
import shutil
import subprocess

_INSTALL = """
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > "$policy"
    chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 "$1"
"""
# The policy file keeps apt from starting the distribution's own service: we run a private one.


class Missing(Exception):
    """A program is not installed and could not be installed; the message says what to type."""


def install(package: str, *, timeout: float = 900) -> None:
    """Installs a Debian package when we are root or sudo asks no password.

    package: name known to apt.
    timeout: seconds.

    Raises:
        Missing: not allowed to, no apt here, or apt failed.
    """
    advice = f"{package} is not installed. Type: sudo apt-get install -y {package}"
    if not shutil.which("apt-get"):
        raise Missing(f"{package} is not installed, and there is no apt-get here to install it with")
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if root and not _sudo_works():
        raise Missing(advice)
    try:
        done = subprocess.run(
            [*root, "sh", "-c", _INSTALL, "install", package], capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"installing took more than {timeout:.0f} s. {advice}") from None
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Missing(f"{advice}\n(apt-get said: {' '.join(last)})")


def _sudo_works() -> bool:
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
