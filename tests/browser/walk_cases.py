"""A walk over every page that somebody can reach by links, and what is looked at on each of them."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

AXE = Path(__file__).parents[2] / ".venv" / "assets" / "node_modules" / "axe-core" / "axe.min.js"
HEAVIEST = 250_000
"""Bytes, compressed, of a page and all it loads, when nothing of it is known yet."""

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[^/]*")
_LINKS = "Array.from(document.querySelectorAll('a[href]:not([download])'), (link) => link.href)"
_WEIGHT = """[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_SETTLED = """() => new Promise((done) => {
  const rests = () => document.readyState === 'complete' && !document.querySelector('.htmx-request');
  const look = () => rests() ? done() : setTimeout(look, 20);
  look();
})"""
_SHOWS = """(look) => new Promise((done) => {
  const shows = () => (document.documentElement.dataset.bsTheme ?? look) === look;
  const see = () => shows() ? done() : requestAnimationFrame(see);
  requestAnimationFrame(() => requestAnimationFrame(see));
})"""
_RUN = """async (rules) => (await axe.run(document, {resultTypes: ['violations'], iframes: false,
    ...(rules ? {runOnly: {type: 'rule', values: rules}} : {})})).violations
  .filter((found) => ['serious', 'critical'].includes(found.impact))
  .map(({id, nodes}) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].any[0]?.message || ''])"""


@dataclass
class Walk:
    """Goes from page to page, one for each kind of address, and keeps what is wrong.

    page: of somebody who is signed in, or of nobody. address: of the house. known: kinds of addresses that
        were looked at.
    """

    page: Page
    address: str
    known: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    heaviest: int = 0

    def __post_init__(self) -> None:
        self.page.add_init_script(path=AXE)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._fault(f"script: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def over(self, starts: Iterable[str], look: Callable[["Walk"], None]) -> None:
        """Opens every page that links lead to from `starts`, and takes a look."""
        waiting = list(starts)
        while waiting:
            path = waiting.pop(0)
            kind = kind_of(path)
            if kind in self.known:
                continue
            self.known.add(kind)
            if not self._open(path):
                continue
            self.seen.append(kind)
            look(self)
            waiting += filter(None, map(self._inside, self.page.evaluate(_LINKS)))

    def _open(self, path: str) -> bool:
        """Whether it is a page: other addresses are files to be kept."""
        try:
            answer = self.page.goto(path)
        except Error as error:
            if "Download is starting" not in str(error):
                raise
            return False
        if answer is None or not answer.headers.get("content-type", "").startswith("text/html"):
            return False
        self.page.evaluate(_SETTLED)  # wait_for_function needs what the page's policy forbids
        return True

    def _inside(self, link: str) -> str:
        parts = urlsplit(link)
        is_ours = f"{parts.scheme}://{parts.netloc}" == self.address and not parts.path.startswith("/api/")
        return parts.path + (f"?{parts.query}" if parts.query else "") if is_ours else ""

    def check_width(self) -> None:
        """Nothing makes the page wider than the screen."""
        if (wider := self.page.evaluate(_WIDER)) > 0:
            self._fault(f"scrolls sideways by {wider} px at {self.page.viewport_size}")

    def check_weight(self) -> None:
        """It is quick to load over a telephone."""
        weight = self.page.evaluate(_WEIGHT)
        self.heaviest = max(self.heaviest, weight)
        if weight > HEAVIEST:
            self._fault(f"weighs {weight} bytes")

    def show(self, look: str) -> None:
        """Turns to the light or dark look."""
        # What fades from one look to the other is too faint on its way.
        self.page.emulate_media(color_scheme=look, reduced_motion="reduce")  # type: ignore[arg-type]
        self.page.evaluate(_SHOWS, look)

    def check_access(self, where: str, *rules: str) -> None:
        """axe finds nothing serious, by all rules or by some of them."""
        for found in self.page.evaluate(_RUN, list(rules) or None):
            self._fault(f"axe, {where}: {json.dumps(found, ensure_ascii=False)}")

    def _fault(self, what: str) -> None:
        self.faults.append(f"{kind_of(urlsplit(self.page.url).path)}: {what}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._fault(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        is_stream = request.resource_type == "eventsource"
        if not is_stream and not request.url.startswith((f"{self.address}/", "data:", "blob:")):
            self._fault(f"asks elsewhere: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._fault(f"{response.status} for {response.url}")


def kind_of(path: str) -> str:
    """An address without what differs from thing to thing and from choice to choice: pages of one kind look alike."""
    route, question, _query = path.partition("?")
    return _ID.sub("*", route) + question


def thoroughly(walk: Walk) -> None:
    """Looks at a page on a phone and on a desk, and once more in the dark, where only colours are others."""
    walk.check_weight()
    for size, width, height in (("phone", 390, 844), ("desktop", 1280, 900)):
        walk.page.set_viewport_size({"width": width, "height": height})
        walk.check_width()
        walk.show("light")
        walk.check_access(size)
    walk.show("dark")
    walk.check_access("dark", "color-contrast")


def briefly(walk: Walk) -> None:
    """Looks at a page whose like axe is shown as somebody else sees it."""
    walk.check_weight()
    walk.check_width()
