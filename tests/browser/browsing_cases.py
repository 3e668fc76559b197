"""What browser tests share: the words of a language, a company made through the API, waiting for a page."""

import gettext
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from babel.dates import get_day_names
from playwright.sync_api import Locator, Page, expect

CATALOGUES = Path(__file__).parents[2] / "gateway" / "translations"
LOCALES = ("pt", "es", "en")
SOON = 15_000
"""Milliseconds within which a loaded machine shows what is there at once on an idle one."""

expect.set_options(timeout=SOON)


class Words:
    """What pages say in a language, from its catalogue: `say("Sign in")`."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self._catalogue = gettext.translation("messages", CATALOGUES, [locale])

    def __call__(self, text: str, **facts: object) -> str:
        said = self._catalogue.gettext(text)
        assert self.locale == "en" or text in self._catalogue._catalog, f"not in the catalogue: {text}"  # type: ignore[attr-defined]
        return said % facts if facts else said

    def count(self, one: str, many: str, number: int) -> str:
        """A text that depends on a number."""
        return self._catalogue.ngettext(one, many, number) % {"num": number}

    @property
    def monday(self) -> str:
        """As a page calls it."""
        return str(get_day_names("wide", "stand-alone", self.locale)[0])


@dataclass(frozen=True, slots=True)
class House:
    """A running installation. sign_ins: password by login of its people; `enrol` adds some."""

    address: str
    var: Path
    sign_ins: dict[str, str]

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Calls the API with the key of the installation; what it answers."""
        key = (self.var / "api-key").read_text().strip()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1{path}", sent, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def enlist(self, login: str, role: str, locale: str = "pt", **more: object) -> str:
        """Gives somebody a sign-in; returns the login."""
        person = {"name": login.partition("@")[0].title(), "locale": locale, "time_zone": "Europe/Lisbon"}
        made = self.api("POST", "/accounts", {**person, "login": login, "role": role, **more})
        self.sign_ins[login] = made["password"]
        return login

    def enrol(self, name: str) -> "Crew":
        """A team with one seller, who can sign in, and a form whose leads it gets. name: one small word."""
        team = self.api("POST", "/teams", {"name": f"Team {name}", "time_zone": "Europe/Lisbon"})
        login = f"{name}@example.com"
        seller = {"name": name.title(), "email": login, "teams": [team["team_id"]], "time_zone": "Europe/Lisbon"}
        seller_id = self.api("POST", "/sellers", seller)["seller_id"]
        self.enlist(login, "seller", seller_id=seller_id)
        fields = [{"name": "name", "role": "name"}, {"name": "phone", "kind": "phone", "role": "phone"}]
        form = {"key": f"form-{name}", "name": f"Form {name}", "source": name, "channel": "site", "fields": fields}
        made = self.api("POST", "/forms", {**form, "locale": "pt", "region": "PT"})
        self.api("PUT", f"/rules/{made['form_id']}", {"team_id": team["team_id"]})
        return Crew(self, login, team["team_id"], seller_id, made["form_id"], made["key"])


@dataclass(frozen=True, slots=True)
class Crew:
    """A team with one seller, who can sign in, and its form."""

    house: House
    login: str
    team_id: str
    seller_id: str
    form_id: str
    key: str
    leads: list[str] = field(default_factory=list)

    def lead(self, name: str) -> str:
        """A visitor fills in the form; the id of their lead once the seller has it and can act on it."""
        known = set(self.leads)
        body = json.dumps({"name": name, "phone": f"912 345 6{len(known):02}"}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{self.house.address}/f/{self.key}", body, headers), timeout=20)

        def arrived() -> list[str]:
            work = self.house.api("GET", f"/sellers/{self.seller_id}/work")["items"]
            return [item["work_id"] for item in work if item["work_id"] not in known]

        eventually(arrived, "the seller has the lead")
        (lead_id,) = arrived()
        eventually(lambda: self.story(lead_id) is not None, "its opportunity is there")
        self.leads.append(lead_id)
        return lead_id

    def story(self, lead_id: str) -> list[dict[str, Any]] | None:
        """What was done about a lead, newest first; None while there is no opportunity yet."""
        try:
            found = self.house.api("GET", f"/leads/{lead_id}/opportunity")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None
        return [entry for entry in found["timeline"] if entry["what"] == "action"]


def eventually(condition: Callable[[], object], what: str, seconds: float = SOON / 1000) -> None:
    """Waits for something that no page shows by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def reload_until(page: Page, shown: Callable[[], Locator], seconds: float = SOON / 1000) -> None:
    """Loads a page that does not renew itself again until it shows something."""
    deadline = time.monotonic() + seconds
    while not shown().count():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s on {page.url}: {shown()}"
        page.wait_for_timeout(250)
        page.reload()


def go(page: Page, say: Words, place: str, group: str = "") -> None:
    """Goes somewhere by the menu, as one does on the size at hand."""
    if page.viewport_size and page.viewport_size["width"] < 992:
        page.get_by_role("button", name=say("Menu"), exact=True).click()
    menu = page.locator("#menu")
    if group:
        menu.get_by_role("button", name=say(group), exact=True).click()
    menu.get_by_role("link", name=say(place), exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say(place))


def sign_in(page: Page, say: Words, login: str, password: str) -> None:
    """Signs in as one does who does not know the page."""
    page.goto("/sign-in")
    page.get_by_label(say("E-mail address")).fill(login)
    page.get_by_label(say("Password")).fill(password)
    page.get_by_role("button", name=say("Sign in")).click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
