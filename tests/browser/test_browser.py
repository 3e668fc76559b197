"""The whole installation in a real browser: a lead's way in every language, all pages, and what goes wrong meanwhile.

One module, for a module has one installation and to start one takes long.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import story_cases as story
from browsing_cases import LOCALES, Crew, House, Words, eventually, sign_in
from playwright.sync_api import Page, Route, expect
from walk_cases import Walk, briefly, thoroughly

MANAGER, ADMIN, SUPERVISOR = "m.manager@example.com", "m.admin@example.com", "m.supervisor@example.com"
LONG = "Obrigado! " * 60
MOST_TABS = 80
say = Words("pt")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Somebody else's web site: its address and its folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", tmp_path
    server.shutdown()
    server.server_close()


@pytest.mark.feature("GTW-1", "GTW-3", "GTW-4", "CAP-2", "NOT-8")
@pytest.mark.parametrize("locale", LOCALES)
def test_from_a_form_to_a_closed_lead(
    visit: Callable[..., Page], house: House, site: tuple[str, Path], locale: str, size: str
) -> None:
    ending = "Won" if size == "phone" else "Lost"
    say, plan = Words(locale), story.Plan(locale, size)
    manager = visit(size=size, locale=locale)
    login = house.enlist(f"manager.{plan.mark}@example.com", "manager", "es" if locale == "pt" else "pt")
    sign_in(manager, say, login, house.sign_ins[login])
    story.speak(manager, say)
    before = story.figures(manager, say)
    story.make_form(manager, say, plan, site[0])
    password = story.make_team(manager, say, plan)
    address, snippet = story.route(manager, say, plan)

    seller = visit(size=size, locale=locale)
    sign_in(seller, say, plan.login, password)
    story.open_panel(seller, say)

    visitor = visit(size=size, locale="fr")  # the form speaks its own language, whatever the visitor's
    visitor.goto(address)
    story.fill_in(visitor, say, plan, 1)
    story.hear_of(seller, say, plan, 1)

    page = f'<!doctype html><html lang="fr"><meta charset="utf-8"><title>Site</title>{snippet}</html>'
    (site[1] / "index.html").write_text(page)
    visitor.goto(f"{site[0]}/")
    story.fill_in(visitor, say, plan, 2)
    story.hear_of(seller, say, plan, 2)

    seller.goto(story.find_messages(manager, say, plan))
    story.look_at(seller, say, plan, 1)
    story.record(seller, say)
    if size == "phone":
        story.win(seller, say)
        seller.goto("/today")
        seller.locator("#new").get_by_role("link", name=plan.visitor(2)[0], exact=True).click()
        story.look_at(seller, say, plan, 2)
        story.give_back(seller, say)
        story.see_it_wait(manager, say, plan, 2)
    else:
        story.lose(seller, say)
    story.see_it(manager, say, plan, 1)
    counted = before | {"Captured": before["Captured"] + 2, ending: before[ending] + 1}
    eventually(lambda: story.figures(manager, say) == counted, "the overview counts both leads and how one ended")


@pytest.fixture(scope="module")
def crew(house: House) -> Crew:
    """A team, its seller and its form, for the tests of this module; MANAGER and others look after it."""
    made = house.enrol("mishap")
    house.enlist(MANAGER, "manager")
    house.enlist(ADMIN, "admin")
    house.enlist(SUPERVISOR, "supervisor", team_ids=[made.team_id])
    return made


@pytest.mark.feature("GTW-4")
def test_an_action_outlives_the_network(visit: Callable[..., Page], crew: Crew) -> None:
    lead_id = crew.lead("Zé Offline")
    page = visit(crew.login, "phone")
    page.goto(f"/leads/{lead_id}")
    page.get_by_label(say("Note")).first.fill("liga depois das 18")
    page.context.set_offline(True)
    page.get_by_role("button", name=say("No answer")).click()
    kept = say("You are offline. What you typed stays here; send it again when the network is back.")
    expect(page.get_by_text(kept)).to_be_visible()
    assert crew.story(lead_id) == []
    page.context.set_offline(False)
    page.get_by_role("button", name=say("No answer")).dblclick()
    expect(page.get_by_text(say("Recorded."))).to_be_visible()
    story = crew.story(lead_id) or []
    assert [(entry["outcome"], entry["note"]) for entry in story] == [("no_answer", "liga depois das 18")]


@pytest.mark.feature("GTW-4")
def test_an_action_whose_answer_was_lost_is_recorded_once(visit: Callable[..., Page], crew: Crew) -> None:
    lead_id = crew.lead("Zé Perdido")
    page = visit(crew.login, "phone")
    page.goto(f"/leads/{lead_id}")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("internetdisconnected")

    page.route("**/actions", lose, times=1)
    page.get_by_role("button", name=say("Busy")).click()
    expect(page.locator("#toasts").get_by_role("status")).to_be_visible()
    assert len(crew.story(lead_id) or []) == 1
    page.reload()  # a phone that was locked for long loads the page anew
    page.get_by_role("button", name=say("Busy")).click()
    expect(page.get_by_text(say("Recorded."))).to_be_visible()
    assert [entry["outcome"] for entry in crew.story(lead_id) or []] == ["busy"]


@pytest.mark.feature("GTW-1", "CAP-2")
@pytest.mark.parametrize("cookie", ["rodizio_page", "rodizio_session"])
def test_a_lost_token_or_session_does_not_lose_what_was_typed(
    visit: Callable[..., Page], house: House, crew: Crew, cookie: str
) -> None:
    page = visit(MANAGER)
    page.goto(f"/forms/{crew.form_id}/edit")
    typed = f"{LONG}{cookie}"
    page.get_by_label(say("Thank-you text")).fill(typed)
    page.context.clear_cookies(name=cookie)
    page.get_by_role("button", name=say("Save"), exact=True).last.click()
    if cookie == "rodizio_session":
        words = "Your session has ended. Sign in, then send what you typed again: it is kept."
        expect(page.get_by_role("alert")).to_have_text(say(words))
        page.get_by_label(say("E-mail address")).fill(MANAGER)
        page.get_by_label(say("Password")).fill(house.sign_ins[MANAGER])
        page.get_by_role("button", name=say("Sign in")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Please send it again"))
    expect(page.get_by_text(typed)).to_be_visible()
    page.get_by_role("button", name=say("Send it again")).click()
    expect(page.get_by_text(say("Saved. Whoever opens the form now sees it."))).to_be_visible()
    assert house.api("GET", f"/forms/{crew.form_id}")["thanks"] == typed


@pytest.mark.feature("CAP-2")
def test_the_second_of_two_who_change_a_form_is_told(visit: Callable[..., Page], house: House, crew: Crew) -> None:
    first, second = visit(MANAGER), visit(ADMIN)
    for page, text in ((first, "Título do primeiro"), (second, "Título do segundo")):
        page.goto(f"/forms/{crew.form_id}/edit")
        page.get_by_label(say("Heading of its page")).fill(text)
    save = say("Save")
    first.get_by_role("button", name=save, exact=True).last.click()
    expect(first.get_by_text(say("Saved. Whoever opens the form now sees it."))).to_be_visible()
    with second.expect_navigation() as answer:
        second.get_by_role("button", name=save, exact=True).last.click()
    assert answer.value.status == 409
    told = "Somebody changed this form while you typed. What you typed is still here; save again to have it so."
    expect(second.get_by_role("alert")).to_contain_text(say(told))
    expect(second.get_by_role("alert")).to_contain_text("Título do primeiro")
    expect(second.get_by_label(say("Heading of its page"))).to_have_value("Título do segundo")
    second.get_by_role("button", name=save, exact=True).last.click()
    expect(second.get_by_text(say("Saved. Whoever opens the form now sees it."))).to_be_visible()
    assert house.api("GET", f"/forms/{crew.form_id}")["title"] == "Título do segundo"


@pytest.mark.feature("GTW-4")
def test_the_second_of_two_on_a_lead_is_told(visit: Callable[..., Page], crew: Crew) -> None:
    lead_id = crew.lead("Zé Disputado")
    seller, manager = visit(crew.login, "phone"), visit(MANAGER)
    for page in (seller, manager):
        page.goto(f"/leads/{lead_id}")
    manager.get_by_role("button", name=say("Interested"), exact=True).click()
    expect(manager.get_by_text(say("Recorded."))).to_be_visible()
    seller.get_by_label(say("Note")).first.fill("já falei com ele")
    seller.get_by_role("button", name=say("Reached"), exact=True).click()
    expect(seller.get_by_role("alert")).to_contain_text(say("Somebody was faster."))
    expect(seller.get_by_label(say("Note")).first).to_have_value("já falei com ele")
    assert [entry["outcome"] for entry in crew.story(lead_id) or []] == ["interested"]
    seller.get_by_role("button", name=say("Reached"), exact=True).click()
    expect(seller.get_by_text(say("Recorded."))).to_be_visible()


@pytest.mark.feature("GTW-3", "GTW-4")
def test_a_seller_needs_no_mouse(visit: Callable[..., Page], house: House, crew: Crew) -> None:
    lead_id = crew.lead("Zé Teclado")
    page = visit()
    page.goto(f"/leads/{lead_id}")  # the link of a message: who is not signed in gets there after the sign-in
    page.keyboard.type(crew.login)
    page.keyboard.press("Tab")
    page.keyboard.type(house.sign_ins[crew.login])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Zé Teclado")
    _tab_to(page, say("No answer"))
    page.keyboard.press("Enter")
    expect(page.get_by_text(say("Recorded."))).to_be_visible()
    assert [entry["outcome"] for entry in crew.story(lead_id) or []] == ["no_answer"]


@pytest.mark.feature("GTW-3", "CAP-2")
def test_fields_are_moved_without_a_mouse(visit: Callable[..., Page], house: House, crew: Crew) -> None:
    page = visit(MANAGER)
    page.goto(f"/forms/{crew.form_id}/edit")
    before = [row["name"] for row in house.api("GET", f"/forms/{crew.form_id}")["fields"]]
    _tab_to(page, say("Move down: %(field)s", field=before[0]))
    page.keyboard.press("Enter")
    last = page.locator("#fields li").last
    expect(last.get_by_role("button", name=say("Move up: %(field)s", field=before[0]))).to_be_enabled()
    expect(last.get_by_label(say("What people read"))).to_be_focused()  # one goes on where the field is now
    page.keyboard.press("Enter")
    expect(page.get_by_text(say("Saved. Whoever opens the form now sees it."))).to_be_visible()
    eventually(
        lambda: [row["name"] for row in house.api("GET", f"/forms/{crew.form_id}")["fields"]] == before[::-1],
        "the fields are kept in their new order",
    )


def _tab_to(page: Page, name: str) -> None:
    """Presses Tab until the control that is called so has the focus."""
    called = "(({innerText, ariaLabel}) => ariaLabel || innerText || '')(document.activeElement)"
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        if str(page.evaluate(called)).startswith(name):
            return
    raise AssertionError(f"{MOST_TABS} times Tab do not reach {name}")


@pytest.mark.feature("GTW-3")
@pytest.mark.parametrize(("login", "place"), [(MANAGER, "sellers"), (ADMIN, "accounts")])
def test_what_was_found_stays_under_the_finger(visit: Callable[..., Page], crew: Crew, login: str, place: str) -> None:
    page = visit(login)
    page.goto(f"/{place}")
    page.get_by_label(say("Search")).first.press_sequentially(crew.login, delay=15)
    found = page.locator("#list").get_by_role("link")
    expect(found).to_have_count(1)
    found.hover()
    page.mouse.down()
    page.wait_for_timeout(700)  # longer than the search box waits for more letters
    page.mouse.up()
    page.wait_for_url(f"**/{place}/*-*-*")


@pytest.mark.feature("GTW-3", "GTW-4")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("login", [ADMIN, MANAGER, SUPERVISOR, "mishap@example.com", ""])
def test_no_page_makes_anybody_stumble(visit: Callable[..., Page], house: House, crew: Crew, login: str) -> None:
    crew.lead(f"Zé Passeio {login}")
    walk = Walk(visit(login, "phone"), house.address)
    # An administrator's pages are a manager's and a supervisor's too: theirs are looked at from all sides.
    look = briefly if login in (MANAGER, SUPERVISOR) else thoroughly
    walk.over(["/"] if login else ["/", "/sign-in", "/offline", f"/f/{crew.key}"], look)
    print(f"{len(walk.seen)} kinds of page, the heaviest {walk.heaviest} bytes")
    assert len(walk.seen) > 3
    assert not walk.faults, "\n".join(walk.faults)
