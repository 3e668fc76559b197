"""A page that stays open takes new addresses of its event stream, and lets go of it when its session has ended."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing_cases import eventually
from page_cases import Person
from playwright.sync_api import Browser, Page, Route
from werkzeug.serving import make_server

from gateway.accounts import sessions
from gateway.accounts.sessions import COOKIE
from gateway.app import create_app
from gateway.live import tokens
from gateway.parts import EXTENSION
from runtime import ports
from runtime.database import Database
from runtime.errors import Unavailable
from runtime.migrations import upgrade
from runtime.settings import Settings
from runtime.transaction import Transaction

pytestmark = pytest.mark.feature("GTW-4", "R16")


class Nobody:
    """Services and broker: an inbox that is empty, and nothing else."""

    is_open = True

    def call_as(self, _actor: Any, service: str, method: str, /, **_arguments: Any) -> Any:
        if (service, method) == ("notifications", "inbox"):
            return {"items": [], "next": None, "unread": 0}
        raise Unavailable(f"{service}.{method}")


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[tuple[str, Person, Database]]:
    """A gateway on its own, and a seller who is signed in there."""
    (port,) = ports.pick_free(1)
    settings = Settings(var=tmp_path / "var", gateway_port=port)
    upgrade("gateway", settings)
    app = create_app(settings, publisher=Nobody(), services=Nobody())  # type: ignore[arg-type]
    database = app.extensions[EXTENSION].database
    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{port}", Person(app, database, "seller"), database
    server.shutdown()
    server.server_close()
    database.close()


@pytest.fixture
def page(browser: Browser, seller: tuple[str, Person, Database]) -> Iterator[Page]:
    """Their page, with a clock that tests wind on."""
    address, person, _ = seller
    context = browser.new_context(base_url=address)
    token = person.client.get_cookie(COOKIE)
    assert token is not None
    context.add_cookies([{"name": COOKIE, "value": token.value, "url": address}])
    page = context.new_page()
    page.clock.install()
    yield page
    context.close()


def wind_on(page: Page, minutes: int) -> None:
    """Lets time pass as the page sees it, up to the answer to its next question for the badge."""
    with page.expect_response("**/inbox/badge*"):
        page.clock.fast_forward(minutes * 60_000)


def asked(page: Page, answer: Callable[[Route], None]) -> list[str]:
    """Answers for the process of streams; the addresses that the page asked it for."""
    addresses: list[str] = []

    def note(route: Route) -> None:
        addresses.append(route.request.url)
        answer(route)

    page.route("**/live?*", note)
    return addresses


def hold(_route: Route) -> None:
    """A stream that stays open and says nothing."""


def test_a_stream_is_renewed_before_its_address_is_over(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = asked(page, hold)
    with page.expect_response("**/inbox/badge*"):
        page.goto("/account")
    wind_on(page, 2)
    assert len(addresses) == 1, "not with every badge"
    monkeypatch.setattr(tokens, "TOKEN_SECONDS", tokens.TOKEN_SECONDS + 60)  # for the server no time has gone by
    wind_on(page, 9)
    eventually(lambda: len(addresses) == 2 or page.wait_for_timeout(20), "it is opened anew")
    assert addresses[0] != addresses[1]


def test_a_stream_that_was_refused_is_tried_again_with_another_address(page: Page) -> None:
    addresses = asked(page, lambda route: route.fulfill(status=401))
    page.goto("/account")
    eventually(lambda: bool(addresses) or page.wait_for_timeout(20), "it is refused")
    wind_on(page, 1)
    eventually(lambda: len(addresses) > 1 or page.wait_for_timeout(20), "it is tried again")


def test_without_a_session_a_page_lets_go_of_its_stream(page: Page, seller: tuple[str, Person, Database]) -> None:
    page.add_init_script("""
        const Real = EventSource;
        window.EventSource = class extends Real { constructor(address) { super(address); window.stream = this; } };
    """)
    asked(page, hold)
    with page.expect_response("**/inbox/badge*"):
        page.goto("/account")
    assert page.evaluate("stream.readyState") != 2
    _, person, database = seller
    database.transact(_signed_out, person.account.id)
    wind_on(page, 1)
    eventually(lambda: page.evaluate("stream.readyState") == 2, "it is closed")


def _signed_out(transaction: Transaction, account_id: str) -> None:
    sessions.end_all(transaction, account_id)
