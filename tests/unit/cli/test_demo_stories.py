"""The demo company's past, before it happens: believable, within five weeks, and the same for the same instant."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import phonenumbers
import pytest

from cli.kitchens import COMPANY, FORM_KEY, LISBON, people
from cli.stories import DAYS, Story, conflicting, play, stories, suspicious
from contracts.capture import FieldRule, FormChanged
from gateway.forms import compile_form
from services.capture.domain.forms import problems_of_form

pytestmark = pytest.mark.feature("DIS-3")

INSTANTS = (
    datetime(2026, 11, 18, 10, 30, tzinfo=UTC),
    datetime(2026, 11, 22, 0, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),  # the hour that comes twice
    datetime(2027, 3, 1, 23, 59, tzinfo=UTC),
)
EXAMPLES = ("example.com", "example.org", "example.net")

at_any_time = pytest.mark.parametrize("now", INSTANTS)


def ends(story: Story, now: datetime) -> str:
    played = play(story, story.captured_at, now)
    return story.ending if played.closed_at else "open" if played.opened_at else "new"


@at_any_time
def test_it_has_all_there_is_to_see(now: datetime) -> None:
    told = stories(now)
    outcomes = Counter(ends(story, now) for story in told if story.role != "full")

    assert 130 <= len(told) <= 180
    assert stories(now) == told
    assert len({story.lead_id for story in told}) == len(told)
    assert set(Counter(story.form_key for story in told)) == {plan.forms[0]["key"] for plan in COMPANY}
    assert min(outcomes["won"], outcomes["lost"], outcomes["open"]) > 15
    assert outcomes["new"] > 4
    assert any(len(story.returned) == 3 for story in told)
    assert {story.role for story in told} == {"", "told", "full"}


@at_any_time
def test_everything_is_past_and_nothing_older_than_it_should_be(now: datetime) -> None:
    for story in stories(now):
        assert now - timedelta(days=DAYS + 1) <= story.captured_at < now
        played = play(story, story.captured_at, now)
        moments = [played.opened_at, *(at for _, at, _ in played.steps), played.closed_at]
        known = [at for at in moments if at]
        assert known == sorted(known)
        assert all(story.captured_at <= at < now for at in known)
        assert all(next_at > at for _, at, next_at in played.steps if next_at)
        assert all(step.outcome != "callback" or next_at for step, _, next_at in played.steps)


@at_any_time
def test_nobody_is_real(now: datetime) -> None:
    addresses = [story.fields["email"] for story in stories(now)]
    addresses += [fields["email"] for _, fields, _, _ in suspicious(now)]
    addresses += [person.login for person in people()]
    addresses += [seller["email"] for plan in COMPANY for seller in plan.sellers]
    assert {address.partition("@")[2] for address in addresses} <= set(EXAMPLES)
    assert all(address.isascii() for address in addresses)


@at_any_time
def test_the_forms_take_what_was_sent(now: datetime) -> None:
    definitions = {form["key"]: form for plan in COMPANY for form in plan.forms}
    for form in definitions.values():
        assert not problems_of_form({"allowed_origins": [], **form})
    forms = {
        key: compile_form(
            FormChanged(
                id="", subject="", subject_version=1, correlation_id="", form_id=story_id, active=True,
                **{**form, "fields": tuple(FieldRule(**field) for field in form["fields"])},
            )
        )
        for key, form in definitions.items()
        for story_id in ["01890000-0000-7000-8000-000000000000"]
    }  # fmt: skip
    for story in stories(now):
        assert not forms[story.form_key].flaws(story.fields)
        if phone := story.fields.get("phone"):
            region = definitions[story.form_key]["region"]
            assert phonenumbers.is_valid_number(phonenumbers.parse(phone, region))
    story, again = conflicting(stories(now))
    assert again != story.fields
    assert not forms[story.form_key].flaws(again)


@at_any_time
def test_the_shops_rotation_has_come_round(now: datetime) -> None:
    in_the_shop = [story for story in stories(now) if story.form_key == FORM_KEY]
    assert len(in_the_shop) % sum(seller["weight"] for seller in LISBON.sellers) == 0
    assert not any(story.returned for story in in_the_shop)


def test_some_were_forgotten_and_are_overdue() -> None:
    now = INSTANTS[0]
    last = [played.steps[-1] for story in stories(now) if (played := play(story, story.captured_at, now)).steps]
    assert sum(next_at is not None and next_at < now for _, _, next_at in last) > 2
