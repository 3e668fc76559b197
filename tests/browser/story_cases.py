"""What a manager, a visitor and a seller do on the pages, one step after the other; each step sees that it worked."""

import re
from dataclasses import dataclass
from zlib import crc32

from babel.numbers import format_currency
from browsing_cases import Words, go, reload_until
from playwright.sync_api import Locator, Page, expect


@dataclass(frozen=True, slots=True)
class Plan:
    """Names of one story; they are its own, so that stories can share a house."""

    locale: str
    size: str

    @property
    def mark(self) -> str:
        return f"{self.locale}-{self.size}"

    @property
    def form(self) -> str:
        return f"Formulário {self.mark}"

    @property
    def team(self) -> str:
        return f"Equipa {self.mark}"

    @property
    def seller(self) -> str:
        return f"Ana {self.mark}"

    @property
    def login(self) -> str:
        return f"ana.{self.mark}@example.com"

    def visitor(self, number: int) -> tuple[str, str]:
        """Name and telephone of a visitor."""
        return f"Zé {self.mark} {number}", f"+35191{crc32(self.mark.encode()) % 10**6:06}{number}"


def speak(page: Page, say: Words) -> None:
    """Chooses the language in which whoever is signed in reads; until then the page may speak any."""
    page.goto("/account")
    page.locator("#locale").select_option(say.locale)
    page.locator("form", has=page.locator("#locale")).get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Your account"))
    expect(page.locator("html")).to_have_attribute("lang", say.locale)


def make_form(page: Page, say: Words, plan: Plan, site: str) -> None:
    """Begins with what is ready-made, adds a field and moves it; nobody gets the leads yet."""
    go(page, say, "Forms", "Capture")
    page.get_by_role("link", name=say("Make a form")).first.click()
    page.get_by_role("link", name=say("Quote request")).click()
    rows = page.locator("#fields li")
    known = rows.count()
    page.get_by_role("button", name=say("Add a field")).click()
    expect(rows).to_have_count(known + 1)
    fresh = rows.last
    fresh.get_by_label(say("What people read")).fill(say("Sector"))
    fresh.get_by_label(say("Fills on the card")).select_option(label=say("Sector"))
    fresh.get_by_role("button", name=say("Move up: %(field)s", field="")).click()
    expect(rows.nth(known - 1).get_by_label(say("What people read"))).to_have_value(say("Sector"))
    page.get_by_label(say("Name"), exact=True).fill(plan.form)
    page.get_by_label(say("Source")).fill(plan.mark)
    page.get_by_label(say("End of its address")).fill(f"story-{plan.mark}")
    page.get_by_label(say("Allowed sites")).fill(site)
    page.get_by_role("button", name=say("Save"), exact=True).last.click()
    expect(page.get_by_text(say("The form is there and takes leads."))).to_be_visible()
    expect(page.get_by_text(say("No team gets these leads yet: they wait."))).to_be_visible()


def make_team(page: Page, say: Words, plan: Plan) -> str:
    """A team with one seller, who has hours, caps and a sign-in; the password."""
    go(page, say, "Teams", "People")
    page.get_by_role("link", name=say("Make a team")).first.click()
    page.get_by_label(say("Name"), exact=True).fill(plan.team)
    page.get_by_role("button", name=say("Save")).click()
    expect(page.get_by_text(say("Nobody is in this team"))).to_be_visible()
    page.get_by_role("link", name=say("Add a seller")).first.click()
    page.get_by_label(say("Name"), exact=True).fill(plan.seller)
    page.get_by_label(say("E-mail"), exact=True).first.fill(plan.login)
    page.get_by_label(say("Telephone")).fill(plan.visitor(9)[1])
    page.get_by_label(say("Language")).select_option(plan.locale)
    page.get_by_label(say("SMS")).check()
    page.get_by_role("checkbox", name=say("E-mail")).check()
    page.get_by_label(say("At most this many leads a day")).fill("7")
    page.get_by_label(say("At most this many open at once")).fill("5")
    page.get_by_label(say("At these hours, by their own clock")).check()
    page.get_by_label(say("%(day)s: from", day=say.monday)).fill("00:00")
    page.get_by_label(say("%(day)s: until", day=say.monday)).fill("00:00")
    page.get_by_role("button", name=say("The same on all days")).click()
    page.get_by_role("button", name=say("Save")).click()
    expect(page.get_by_text(say("%(name)s is there and gets leads in turn.", name=plan.seller))).to_be_visible()
    expect(page.get_by_text("00:00–24:00")).to_be_visible()
    expect(page.get_by_text(say("%(number)s of %(cap)s", number=0, cap=7))).to_be_visible()
    expect(page.get_by_text(say("%(number)s of %(cap)s", number=0, cap=5))).to_be_visible()
    page.get_by_role("button", name=say("Give them a sign-in")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Hand this over"))
    return page.locator("#password").inner_text()


def route(page: Page, say: Words, plan: Plan) -> tuple[str, str]:
    """Sends the form's leads to the team; the form's own address and its snippet."""
    go(page, say, "Forms", "Capture")
    page.get_by_role("link", name=plan.form).click()
    page.get_by_role("link", name=say("Choose a team")).click()
    page.get_by_label(say("Team that gets the leads")).select_option(label=plan.team)
    page.get_by_role("button", name=say("Save"), exact=True).last.click()
    expect(page.get_by_text(say("Saved. Whoever opens the form now sees it."))).to_be_visible()
    expect(page.get_by_text(say("Team: %(name)s.", name=plan.team))).to_be_visible()
    address = page.get_by_label(say("The form's own page")).input_value()
    expect(page.get_by_role("link", name=say("Open it"))).to_have_attribute("href", address)
    return address, page.get_by_label(say("For your site")).input_value()


def fill_in(page: Page, say: Words, plan: Plan, number: int) -> None:
    """A visitor fills in the form, wherever it stands, and is thanked in its place."""
    name, phone = plan.visitor(number)
    page.get_by_label(say("Your name")).fill(name)
    page.get_by_label(say("Telephone")).fill(phone)
    page.get_by_label(say("What do you need a price for?")).fill("Portas")
    page.get_by_label(say("Sector")).fill("Obras")
    page.get_by_label(say("I agree to be contacted about this.")).check()
    here = page.url
    page.get_by_role("button", name=say("Send")).click()
    expect(
        page.get_by_text(say("Thank you! We have received your answer and will contact you shortly."))
    ).to_be_visible()
    assert page.url == here


def open_panel(page: Page, say: Words) -> None:
    """The seller looks at an empty Today whose event stream is open."""
    with page.expect_response(lambda answer: "/live?" in answer.url and answer.ok):
        page.goto("/today")
    expect(page.get_by_text(say("No new leads"))).to_be_visible()
    expect(page.locator("#badge").get_by_role("link", name=say("Inbox"), exact=True)).to_be_visible()
    page.evaluate("window.stillHere = true")


def hear_of(page: Page, say: Words, plan: Plan, number: int) -> None:
    """Toast, badge and list tell of the lead on the page that was open: it asks by itself only once a minute."""
    name = plan.visitor(number)[0]
    told = page.locator("#toasts").get_by_role("status").filter(has_text=say("A new lead is yours"))
    expect(told).to_have_count(number)
    expect(told.last).to_contain_text(plan.mark)  # the lead's name, or its source while the name is on its way
    unread = say.count("Inbox, %(num)s unread", "Inbox, %(num)s unread", number)
    expect(page.get_by_role("link", name=unread)).to_be_visible()
    expect(page.locator("#new").get_by_role("link", name=name, exact=True)).to_be_visible()
    assert page.evaluate("window.stillHere"), "the page was loaded again"


def find_messages(page: Page, say: Words, plan: Plan) -> str:
    """The manager finds SMS and e-mail in the outbox; the deep link of the SMS."""
    go(page, say, "Outbox", "Messages")
    page.goto(f"/outbox?q={plan.login}&open=1")

    def message(text: str) -> Locator:
        return page.locator("details", has=page.get_by_text(say("Sent"), exact=True)).filter(has_text=text)

    reload_until(page, lambda: message(say.count("%(num)s SMS", "%(num)s SMS parts", 1)))
    reload_until(page, lambda: message(say("Subject")))
    links = []
    for text in (say.count("%(num)s SMS", "%(num)s SMS parts", 1), say("Subject")):
        link = message(text).get_by_role("link", name="/m/").first
        links.append(str(link.get_attribute("href")))
        expect(message(text)).to_contain_text(plan.mark)
    assert all(re.search(r"/m/[0-9a-f-]{36}$", link) for link in links), links
    return links[0]


def look_at(page: Page, say: Words, plan: Plan, number: int) -> None:
    """The card of a lead, with what it takes to call them with one thumb."""
    name, phone = plan.visitor(number)
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    contact = page.get_by_role("region", name=say("Contact"))
    expect(contact.get_by_role("link", name=say("Call"))).to_have_attribute("href", f"tel:{phone}")
    expect(contact.get_by_role("link", name="WhatsApp")).to_have_attribute("href", f"https://wa.me/{phone[1:]}")
    expect(contact.get_by_text("Obras")).to_be_visible()
    why = page.get_by_role("region", name=say("Why you?"))
    expect(why).to_contain_text(say("It was your turn: of those who could take it, you were due the most."))


def record(page: Page, say: Words) -> None:
    """One tap says how the call went."""
    page.get_by_role("button", name=say("No answer")).click()
    expect(page.get_by_text(say("Recorded."))).to_be_visible()
    done = f"{say('Call')}: {say('No answer')}"
    expect(page.get_by_role("region", name=say("What happened so far"))).to_contain_text(done)


def win(page: Page, say: Words) -> None:
    """Closes the lead as won, with an amount."""
    page.locator("summary", has_text=say("Won")).click()
    page.get_by_label(say("For how much?")).fill("1250,50")
    page.get_by_role("button", name=say("Close as won")).click()
    expect(page.get_by_text(say("Won. Well done!"))).to_be_visible()
    amount = format_currency(1250.5, "EUR", locale="pt_PT" if say.locale == "pt" else say.locale)
    expect(page.get_by_role("region", name=say("State"))).to_contain_text(re.sub(r"\s", " ", amount))


def lose(page: Page, say: Words) -> None:
    """Closes the lead as lost, with a reason."""
    page.locator("summary", has_text=say("Lost")).click()
    page.get_by_text(say("Too expensive"), exact=True).click()
    page.get_by_role("button", name=say("Close as lost")).click()
    expect(page.get_by_text(say("Closed as lost."))).to_be_visible()
    expect(page.get_by_role("region", name=say("State"))).to_contain_text(say("Too expensive"))


def give_back(page: Page, say: Words) -> None:
    """Returns the lead with a reason; where the seller begins says so."""
    page.locator("summary", has_text=say("Return it")).click()
    page.locator("#return").get_by_text(say("Not my area"), exact=True).click()
    page.locator("#return").get_by_role("button", name=say("Return it")).click()
    expect(page.get_by_text(say("Returned. Somebody else gets it."))).to_be_visible()


def figures(page: Page, say: Words) -> dict[str, int]:
    """What the overview counts: "Captured", "Won" and "Lost"."""
    page.goto("/overview")

    def figure(name: str) -> int:
        term = page.get_by_role("term").get_by_text(say(name), exact=True)
        return int(re.sub(r"\D", "", page.locator("dl > div", has=term).get_by_role("definition").inner_text()))

    return {name: figure(f"Leads {name.lower()}") for name in ("Captured", "Won", "Lost")}


def see_it(page: Page, say: Words, plan: Plan, number: int) -> None:
    """The manager finds the lead and reads why its seller got it."""
    name = plan.visitor(number)[0]
    go(page, say, "Leads")
    page.get_by_label(say("Search for leads")).fill(name)
    row = page.locator("#list tr", has_text=name)
    expect(row).to_have_count(1)
    expect(row).to_contain_text(plan.seller)
    row.get_by_role("link", name=name).click()
    why = page.get_by_role("region", name=say("Why this seller?"))
    turn = "It was the turn of %(name)s: of those who could take it, nobody was due more."
    expect(why).to_contain_text(say(turn, name=plan.seller))


def see_it_wait(page: Page, say: Words, plan: Plan, number: int) -> None:
    """A lead that everybody returned waits, and the page says for what."""
    go(page, say, "Waiting")
    reasons = page.get_by_role("region", name=say("Everybody who is here has returned it."))
    reload_until(page, lambda: reasons.get_by_role("link", name=plan.visitor(number)[0], exact=True))
