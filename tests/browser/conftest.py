"""Chromium, and one whole installation as `rodizio run` starts it, for all tests of a module."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing_cases import House
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from process_cases import belonging_to, until

from runtime import packages, ports
from runtime.settings import PROBED

START_SECONDS = 150
CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync")
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium; installed where that is allowed."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        try:
            packages.install("chromium")
        except packages.Missing as missing:
            if os.environ.get("CI") or os.environ.get("RODIZIO_REQUIRE_POSTGRES"):
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        found = shutil.which("chromium")
    return str(found)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium. Not for the whole session: its event loop would be in the way of other tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The whole installation with its demo company, on ports and in a folder of its own."""
    first = next(
        base for base in ports.pick_free(50) if all(ports.is_free(base + offset) for offset in range(len(PROBED)))
    )
    gateway, live, sandbox = ports.pick_free(3)
    with tempfile.TemporaryDirectory(prefix="rodizio-test-", ignore_cleanup_errors=True) as folder:
        var = Path(folder, "var")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RODIZIO_")} | {
            "RODIZIO_VAR": str(var),
            "RODIZIO_GATEWAY_PORT": str(gateway),
            "RODIZIO_HEALTH_PORT": str(first),
            "RODIZIO_LIVE_PORT": str(live),
            "RODIZIO_SANDBOX_PORT": str(sandbox),
        }
        said = Path(folder, "said.txt")
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "run", "--no-history"],
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            until(lambda: "Address" in said.read_text() or process.poll() is not None, "it is up", START_SECONDS)
            assert "Rodízio is running." in said.read_text(), said.read_text()
            yield House(f"http://127.0.0.1:{gateway}", var, sign_ins_of(var))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            for pid in belonging_to(Path(folder)):
                os.kill(pid, signal.SIGKILL)


def sign_ins_of(var: Path) -> dict[str, str]:
    """Passwords of the demo company's people, by login, as `rodizio run` keeps them beside its data."""
    lines = (var / "sign-ins").read_text().splitlines()
    return dict(line.split("\t")[:2] for line in lines if line.strip())  # type: ignore[misc]


@pytest.fixture(params=sorted(SIZES))
def size(request: pytest.FixtureRequest) -> str:
    """Phone, then desktop."""
    return str(request.param)


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Callable[..., Page]]:
    """Opens a page of somebody: `visit("login", "phone", "pt")`; nobody's when there is no login."""
    contexts: list[BrowserContext] = []

    def open_page(login: str = "", size: str = "desktop", locale: str = "pt") -> Page:
        context = browser.new_context(
            viewport=SIZES[size],
            locale=locale,
            base_url=house.address,
            reduced_motion="reduce",
            has_touch=size == "phone",
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        if login:
            page.goto("/sign-in")
            page.fill("#login", login)
            page.fill("#password", house.sign_ins[login])
            page.press("#password", "Enter")
            page.wait_for_url(lambda address: "/sign-in" not in address)
        return page

    yield open_page
    for context in contexts:
        context.close()
