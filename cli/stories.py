"""What happened to the demo company's leads in the past five weeks: made up, and the same for the same instant."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from cli.kitchens import FORM_KEY, LISBON
from cli.words import AGENDA, CAMPAIGNS, COMPANIES, LAST_WORDS, NAMES, NOTES, PLACES, WISHES

NAMESPACE: Final = UUID("1f6a8a4e-6c55-5d0b-8d3e-0c8f5f9b2a77")
DAYS: Final = 35
ZONE: Final = ZoneInfo("Europe/Lisbon")
QUOTE, WORKSHOP = "orcamento", "taller-de-cocina"

_A_DAY = (5, 6, 5, 6, 4, 3, 1)
"""Leads on each day of the week, Monday first, more or less."""
_FRESH_MINUTES = (151, 95, 48, 26)
"""How long ago the newest came, which nobody has opened yet."""
_LEAST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Step:
    """Something a seller does. days, minute: after the lead was assigned, at that minute of the day; on the same day,
    so many minutes later."""

    days: int
    minute: int
    kind: str
    outcome: str
    note: str


@dataclass(frozen=True, slots=True)
class Story:
    """A lead and what is to become of it, if there has been time for it.

    role: "told" for one whose seller is also told by SMS and e-mail, "full" for one that comes when everybody of its
        team has as much as they may, "" for the rest.
    returned: why sellers give it back, one after the other. ending: "won" or "lost", at `end`; empty for neither.
    stalls_after: how many of the steps are taken before its seller forgets it.
    """

    number: int
    lead_id: str
    form_key: str
    captured_at: datetime
    fields: dict[str, str]
    context: dict[str, str]
    steps: tuple[Step, ...] = ()
    end: tuple[int, int] = (0, 0)
    ending: str = ""
    last_words: str = ""
    amount: int = 0
    returned: tuple[str, ...] = ()
    stalls_after: int = 99
    role: str = ""

    @property
    def locale(self) -> str:
        """Of whoever wrote."""
        return "es" if self.form_key == WORKSHOP else "pt"


@dataclass(frozen=True, slots=True)
class Played:
    """A story as far as it went. steps: each with when it was taken and when the next is due. opened_at: when the
    seller first looked; closed_at: when it ended; None where they did not."""

    steps: tuple[tuple[Step, datetime, datetime | None], ...]
    opened_at: datetime | None
    closed_at: datetime | None


def play(story: Story, assigned_at: datetime, now: datetime) -> Played:
    """What came of a story by `now`, when its seller got it at `assigned_at`."""
    moments = list(_moments(story, assigned_at))
    taken = [at for at in moments[: len(story.steps)][: story.stalls_after] if at < now - _LEAST]
    steps = tuple(
        (step, at, moments[number + 1] if number + 1 < len(moments) else None)
        for number, (step, at) in enumerate(zip(story.steps, taken, strict=False))
    )
    is_over = bool(story.ending) and len(taken) == len(story.steps) and moments[-1] < now - _LEAST
    opened_at = max(assigned_at, taken[0] - timedelta(minutes=2)) if taken else None
    return Played(steps, opened_at, moments[-1] if is_over else None)


def _moments(story: Story, assigned_at: datetime) -> Iterator[datetime]:
    """When each step is taken, and then when it ends if it does: by day, on weekdays but for the first, in order."""
    before = assigned_at
    planned = [(step.days, step.minute) for step in story.steps]
    for days, minute in [*planned, *([story.end] if story.ending else [])]:
        if days == 0:
            at = _by_day(assigned_at + timedelta(minutes=minute))
        else:
            day = assigned_at.astimezone(ZONE).date() + timedelta(days=days)
            at = _at(day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0), minute)
        before = at if at > before else before + timedelta(minutes=35)
        yield before


def _by_day(at: datetime) -> datetime:
    local = at.astimezone(ZONE)
    if 8 <= local.hour < 21:
        return at
    day = local.date() + timedelta(days=1 if local.hour >= 21 else 0)
    return _at(day, 9 * 60 + 5 + local.minute // 2)


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), ZONE)


def stories(now: datetime) -> list[Story]:
    """All of them, in the order in which they came; those with a role at the end."""
    chance = random.Random(35)
    made = [_story(chance, number, at, now) for number, at in enumerate(_instants(chance, now))]
    forms = [FORM_KEY, QUOTE, WORKSHOP]
    fresh = [
        _fresh(chance, len(made) + number, form_key, now - timedelta(minutes=minutes), now)
        for number, (form_key, minutes) in enumerate(zip([*forms, FORM_KEY], _FRESH_MINUTES, strict=True))
    ]
    told = [
        _fresh(chance, 900 + n, key, now - timedelta(minutes=9 - 2 * n), now, "told") for n, key in enumerate(forms)
    ]
    full = [_fresh(chance, 950 + n, WORKSHOP, now - timedelta(minutes=m), now, "full") for n, m in enumerate((75, 4))]
    unwanted = _with(
        _fresh(chance, 940, QUOTE, now - timedelta(hours=5), now), returned=tuple(LAST_WORDS["pt"]["unwanted"])
    )
    coming = sorted([*made, unwanted, *fresh], key=lambda story: story.captured_at)
    return _in_whole_rounds([*coming, *told, *full])


def _in_whole_rounds(coming: list[Story]) -> list[Story]:
    """Without the oldest of the shop, so that its rotation has come round and the next lead is Marta's."""
    too_many = sum(story.form_key == FORM_KEY for story in coming) % sum(seller["weight"] for seller in LISBON.sellers)
    oldest = [story.lead_id for story in coming if story.form_key == FORM_KEY][:too_many]
    return [story for story in coming if story.lead_id not in oldest]


def _instants(chance: random.Random, now: datetime) -> list[datetime]:
    """When leads came, but for the newest: on every day, most by day."""
    today = now.astimezone(ZONE).date()
    found = []
    for days_ago in range(DAYS, -1, -1):
        day = today - timedelta(days=days_ago)
        for _ in range(max(1, _A_DAY[day.weekday()] + chance.choice((-1, 0, 0, 1)))):
            hour = chance.choices(range(8, 23), (2, 5, 8, 9, 7, 5, 6, 8, 8, 7, 5, 4, 4, 3, 1))[0]
            found.append(_at(day, hour * 60 + chance.randrange(60)) + timedelta(seconds=chance.randrange(60)))
    latest = now - timedelta(minutes=_FRESH_MINUTES[0] + 20)
    return sorted(at for at in found if at < latest)


def _story(chance: random.Random, number: int, at: datetime, now: datetime) -> Story:
    form_key = chance.choices((FORM_KEY, QUOTE, WORKSHOP), (50, 32, 18))[0]
    story = _fresh(chance, number, form_key, at, now)
    weights = [path["weight"] for path in AGENDA]
    path: dict[str, Any] = chance.choices(AGENDA, weights)[0]
    notes = NOTES[story.locale]
    steps = tuple(
        Step(days, minute, kind, outcome, notes.get(key, "")) for days, minute, kind, outcome, key in path["steps"]
    )
    first = Step(0, chance.randrange(4, 95), *(getattr(steps[0], name) for name in ("kind", "outcome", "note")))
    last_words = chance.choice(LAST_WORDS[story.locale][path["words"]]) if path["words"] else ""
    is_returned = number % 9 == 7 and form_key == QUOTE  # elsewhere it would be out of turn
    days_old = (now - at).days
    return _with(
        story,
        steps=(first, *steps[1:]),
        end=path["end"],
        ending=path["ending"],
        last_words=last_words,
        amount=chance.randrange(32, 189) * 10_000 + chance.choice((0, 5000, 9000)),
        returned=(LAST_WORDS[story.locale]["return"][number % 2],) if is_returned else (),
        stalls_after=len(steps) - 1 if 2 < days_old < 12 and number % 5 == 0 and len(steps) > 1 else 99,
    )


def _with(story: Story, **changes: Any) -> Story:
    return Story(**({name: getattr(story, name) for name in Story.__slots__} | changes))


def _fresh(chance: random.Random, number: int, form_key: str, at: datetime, now: datetime, role: str = "") -> Story:
    """A lead to which nothing has happened yet."""
    locale = "es" if form_key == WORKSHOP else "pt"
    lead_id = str(uuid5(NAMESPACE, f"{now.isoformat()} {number}"))
    fields, context = _fields(chance, number, form_key, locale), dict(chance.choice(CAMPAIGNS[form_key]))
    return Story(number, lead_id, form_key, at, fields, context, role=role)


def _fields(chance: random.Random, number: int, form_key: str, locale: str) -> dict[str, str]:
    # Every so often somebody writes again.
    who = number - 9 if number % 23 == 22 and number < 900 else number
    person = random.Random(f"{who} {locale}")
    first, last = NAMES[locale]
    name = f"{first[who * 7 % len(first)]} {last[who * 5 % len(last)]}"
    phone = (
        f"9{person.choice('1236')}0 00{who // 100} {who % 100:02}7"
        if locale == "pt"
        else f"600 00{who // 100} {who % 100:02}7"
    )
    fields = {"name": name, "email": _email(name, who)}
    if person.random() < 0.85:
        fields["phone"] = phone
    place = chance.choice(PLACES[locale])
    if form_key == FORM_KEY and person.random() < 0.25:
        fields["company"] = person.choice(COMPANIES)
    if form_key != FORM_KEY:
        fields["city"] = place
    if form_key == QUOTE:
        fields["product"] = chance.choice(("Cozinha completa", "Cozinha completa", "Renovação", "Bancada", "Roupeiro"))
        fields["consent"] = "on"
    return fields | {"message": chance.choice(WISHES[form_key]).format(place=place, metres=chance.randrange(6, 22))}


def _email(name: str, who: int) -> str:
    plain = name.lower().translate(str.maketrans("áãâàéêíóõôúüçñ ", "aaaaeeiooouucn."))
    return f"{plain}{who if who % 3 == 0 else ''}@example.{('com', 'org', 'net')[who % 3]}"


def suspicious(now: datetime) -> Sequence[tuple[str, dict[str, str], dict[str, str], timedelta]]:
    """What a robot sent: lead id, fields, context, how long ago."""
    fields = {
        "name": "Best SEO Offer",
        "email": "offers@example.net",
        "message": "Get 1000 backlinks to your site today! Reply for a special price.",
    }
    lead_id = str(uuid5(NAMESPACE, f"{now.isoformat()} robot"))
    return [(lead_id, fields, {"user_agent": "python-requests/2.31"}, timedelta(hours=21, minutes=14))]


def conflicting(told: Sequence[Story]) -> tuple[Story, dict[str, str]]:
    """A lead whose form was sent twice under one id, and what it said the second time."""
    story = next(
        story for story in reversed(told) if story.form_key == QUOTE and not story.role and len(story.steps) > 1
    )
    return story, story.fields | {"message": "Enganei-me nas medidas: a parede maior tem 3,60 m."}
