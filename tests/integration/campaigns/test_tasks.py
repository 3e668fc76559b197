"""Tasks that people plan, put off, do and drop; and the first contact, due in the seller's hours."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from campaign_cases import ANA, OFFICE, RUI, assigned, card_of, hear, opened, seller, unassigned
from runtime_cases import rows, trips_to

from contracts import limits
from contracts.access import Actor
from contracts.distribution import Away, Shift
from runtime.clock import iso, parse_iso, utc_now
from runtime.database import Database
from runtime.errors import Conflict, Invalid
from runtime.ids import new_id
from services.campaigns import store
from services.campaigns.handlers import acts, tasks, views

pytestmark = pytest.mark.feature("CMP-7", "CMP-8")

SELLER = Actor(role="seller", seller_id=ANA, account_id="a1", name="Ana")
BOSS = Actor(role="manager", account_id="a2", name="Rita")
FRIDAY = datetime(2026, 3, 6, 17, 40, tzinfo=UTC)
TOMORROW = utc_now() + timedelta(days=1)


def add(database: Database, opportunity_id: str, actor: Actor = SELLER, **task: Any) -> Any:
    wanted = {"kind": "visit", "due_at": iso(TOMORROW)} | task
    if "start_on" in task:
        del wanted["due_at"]
    return database.transact(tasks.add_task, actor, opportunity_id, wanted)


def recall(database: Database, task_id: str, actor: Actor = SELLER, **recall: Any) -> Any:
    return database.transact(tasks.recall_task, actor, task_id, recall)


def do(database: Database, task_id: str, actor: Actor = SELLER, **action: Any) -> Any:
    return database.transact(tasks.do_task, actor, task_id, action)


def only_task(card: dict[str, Any], kind: str = "visit") -> dict[str, Any]:
    (task,) = [task for task in card["tasks"] if task["kind"] == kind]
    return dict(task)


def first_due(database: Database, work_id: str) -> datetime:
    return parse_iso(only_task(card_of(database, work_id), "first_contact")["due_at"])


def test_the_first_contact_is_due_within_an_hour_of_working_time(database: Database) -> None:
    work, unknown = new_id(), new_id()
    hear(database, seller(ANA, working_hours=OFFICE), assigned(work, ANA, 1, at=iso(FRIDAY)))
    assert first_due(database, work) == datetime(2026, 3, 9, 9, 40, tzinfo=UTC)
    hear(database, assigned(unknown, RUI, 1, at=iso(FRIDAY)))
    assert first_due(database, unknown) == FRIDAY + timedelta(hours=1)
    hear(database, seller(RUI, working_hours=OFFICE))
    assert first_due(database, unknown) == FRIDAY + timedelta(hours=1), "what is planned stays where it is"


def test_holidays_and_time_off_that_are_told_count(database: Database) -> None:
    away = Away(starts_at="2026-03-10T00:00:00+00:00", ends_at="2026-03-11T12:00:00+00:00")
    hear(database, seller(ANA, working_hours=OFFICE, holidays=("2026-03-09",), time_off=(away,)))
    work = new_id()
    hear(database, assigned(work, ANA, 1, at=iso(FRIDAY)))
    assert first_due(database, work) == datetime(2026, 3, 11, 12, 40, tzinfo=UTC)


@pytest.mark.feature("R4")
def test_the_newest_hours_hold_in_whatever_order_they_are_heard(database: Database) -> None:
    night = (Shift(days=tuple(range(7)), start="22:00", end="06:00"),)
    versions = [(1, ()), (2, night), (3, OFFICE)]
    for number, order in enumerate(permutations(versions)):
        identifier = f"0190a000-0000-7000-8000-0000000001{number:02}"
        hear(database, *(seller(identifier, version, working_hours=hours) for version, hours in order))
        work = new_id()
        hear(database, assigned(work, identifier, 1, at=iso(FRIDAY)))
        assert first_due(database, work) == datetime(2026, 3, 9, 9, 40, tzinfo=UTC), order


def test_the_same_version_told_again_brings_what_is_told_since(database: Database) -> None:
    work = new_id()
    hear(database, seller(ANA, 7), seller(ANA, 7, working_hours=OFFICE), assigned(work, ANA, 1, at=iso(FRIDAY)))
    assert first_due(database, work) == datetime(2026, 3, 9, 9, 40, tzinfo=UTC)


def test_hours_that_cannot_be_read_are_refused_when_they_are_heard(database: Database) -> None:
    with pytest.raises(ValueError, match="hour"):
        hear(database, seller(ANA, working_hours=(Shift(days=(0,), start="09:00", end="25:00"),)))
    assert rows(database, store.seller) == []


def test_planned_and_free_tasks_stand_next_to_each_other(database: Database) -> None:
    hear(database, seller(ANA))
    card = opened(database)
    add(database, card["opportunity_id"], subject="bring samples", due_at=iso(TOMORROW))
    day = (utc_now() + timedelta(days=3)).date()
    shown = add(database, card["opportunity_id"], BOSS, kind="other", subject="prepare a quote", start_on=str(day))
    assert shown == card_of(database, card["work_id"])
    assert shown["version"] == card["version"] + 2
    planned, free = only_task(shown), only_task(shown, "other")
    assert (parse_iso(planned["due_at"]), planned["start_on"], planned["subject"]) == (TOMORROW, None, "bring samples")
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Lisbon"))
    assert (parse_iso(free["due_at"]), free["start_on"], free["seller_id"]) == (midnight, str(day), ANA)
    newest, before, *_ = shown["timeline"]
    assert [newest["what"], newest["next_on"], newest["by_name"]] == ["task_added", str(day), "Rita"]
    assert [before["seller_id"], before["subject"], before["by_name"]] == [ANA, "bring samples", ""]


def test_an_action_from_a_task_ends_that_task(database: Database) -> None:
    card = opened(database)
    add(database, card["opportunity_id"], kind="call")
    visit = only_task(add(database, card["opportunity_id"], subject="see the house"))
    shown = do(database, visit["task_id"], outcome="reached", next_at=iso(TOMORROW))
    assert sorted(task["kind"] for task in shown["tasks"]) == ["call", "call"]
    assert [entry["what"] for entry in shown["timeline"]].count("task_done") == 2, "the first contact was made too"
    assert {"kind": "visit", "outcome": "reached"}.items() <= shown["timeline"][2].items()
    with pytest.raises(Conflict):
        do(database, visit["task_id"], outcome="reached")


def test_what_has_a_kind_of_its_own_is_done_with_a_note(database: Database) -> None:
    card = opened(database)
    task = only_task(add(database, card["opportunity_id"], kind="other", subject="prepare a quote"), "other")
    identifier = new_id()
    shown = do(database, task["task_id"], id=identifier)
    assert [task["kind"] for task in shown["tasks"]] == ["first_contact"]
    assert {"what": "action", "kind": "note", "note": "prepare a quote"}.items() <= shown["timeline"][1].items()
    assert do(database, task["task_id"], id=identifier) == shown


@pytest.mark.feature("CMP-9")
def test_a_recall_moves_the_task_and_is_told(database: Database) -> None:
    hear(database, seller(ANA))
    first = only_task(opened(database), "first_contact")
    before = utc_now()
    shown = recall(database, first["task_id"], by="2h", reason="in a meeting", task_version=1)
    moved = only_task(shown, "first_contact")
    assert before + timedelta(hours=2) <= parse_iso(moved["due_at"]) <= utc_now() + timedelta(hours=2)
    assert moved["task_version"] == 2
    told = shown["timeline"][0]
    assert (told["what"], told["kind"], told["note"], told["seller_id"]) == (
        *("task_recalled", "first_contact", "in a meeting", ANA),
    )
    assert (told["from_at"], told["next_at"]) == (first["due_at"], moved["due_at"])
    later = only_task(
        recall(database, first["task_id"], BOSS, due_at=iso(TOMORROW), reason="on holiday"), "first_contact"
    )
    assert parse_iso(later["due_at"]) == TOMORROW
    free = only_task(
        recall(database, first["task_id"], start_on=str(TOMORROW.date()), reason="any time"), "first_contact"
    )
    assert free["start_on"] == str(TOMORROW.date())


@pytest.mark.feature("CMP-9", "R4")
def test_a_recall_sent_twice_moves_once_and_of_two_people_the_second_is_told(database: Database) -> None:
    first = only_task(opened(database), "first_contact")
    identifier = new_id()
    shown = recall(database, first["task_id"], id=identifier, by="1d", task_version=1)
    assert recall(database, first["task_id"], id=identifier, by="1d", task_version=1) == shown
    assert len(rows(database, store.task_event)) == 1
    with pytest.raises(Conflict, match="meanwhile"):
        recall(database, first["task_id"], BOSS, id=new_id(), by="2h", task_version=1)
    with pytest.raises(Conflict, match="id"):
        database.transact(tasks.drop_task, SELLER, first["task_id"], {"id": identifier, "reason": "x"})


@pytest.mark.feature("CMP-9", "R4")
def test_of_two_who_put_off_at_the_same_moment_one_is_told(database: Database) -> None:
    first = only_task(opened(database), "first_contact")

    def put_off(by: str) -> str:
        try:
            recall(database, first["task_id"], by=by, task_version=1)
        except Conflict:
            return "told"
        return "moved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(put_off, ("2h", "1w"))) == ["moved", "told"]


def test_a_dropped_task_says_why(database: Database) -> None:
    first = only_task(opened(database), "first_contact")
    with pytest.raises(Invalid, match="reason"):
        database.transact(tasks.drop_task, SELLER, first["task_id"], {"reason": " "})
    drop = {"id": new_id(), "reason": "came in by himself", "task_version": 1}
    shown = database.transact(tasks.drop_task, SELLER, first["task_id"], drop)
    assert shown["tasks"] == []
    assert [shown["timeline"][0][name] for name in ("what", "note")] == ["task_dropped", "came in by himself"]
    assert database.transact(tasks.drop_task, SELLER, first["task_id"], drop) == shown
    with pytest.raises(Conflict, match="dropped"):
        recall(database, first["task_id"], by="2h")


def test_tasks_go_with_the_lead_and_end_with_the_opportunity(database: Database) -> None:
    card = opened(database)
    add(database, card["opportunity_id"])
    hear(database, unassigned(card["work_id"], ANA, 2), assigned(card["work_id"], RUI, 3))
    assert {task["seller_id"] for task in card_of(database, card["work_id"])["tasks"]} == {RUI}
    version = card_of(database, card["work_id"])["version"]
    database.transact(acts.close_opportunity, BOSS, card["opportunity_id"], "won", "", version, None, "")
    with pytest.raises(Conflict, match="closed"):
        add(database, card["opportunity_id"], BOSS)
    assert card_of(database, card["work_id"])["tasks"] == []


@pytest.mark.parametrize(
    ("task", "field"),
    [
        ({"kind": "dance"}, "kind"),
        ({"kind": "note"}, "kind"),
        ({"kind": "other"}, "subject"),
        ({"subject": "x" * (limits.TASK_SUBJECT + 1)}, "subject"),
        ({"subject": 5}, "subject"),
        ({"due_at": ""}, "due_at"),
        ({"due_at": "2020-01-01T09:00:00+00:00"}, "due_at"),
        ({"due_at": "noon"}, "due_at"),
        ({"start_on": "2020-01-01"}, "start_on"),
        ({"start_on": "tomorrow"}, "start_on"),
        ({"id": "1"}, "id"),
    ],
)
def test_a_task_that_cannot_be_is_refused(database: Database, task: dict[str, Any], field: str) -> None:
    card = opened(database)
    with pytest.raises(Invalid) as refused:
        add(database, card["opportunity_id"], **task)
    assert [problem["field"] for problem in refused.value.errors] == [field]
    assert card_of(database, card["work_id"]) == card


def test_a_task_sent_twice_is_one_and_there_is_an_end_to_them(database: Database) -> None:
    card = opened(database)
    identifier = new_id()
    shown = add(database, card["opportunity_id"], id=identifier)
    assert add(database, card["opportunity_id"], id=identifier) == shown
    with pytest.raises(Conflict, match="id"):
        add(database, card["opportunity_id"], id=identifier, subject="something else")
    for _ in range(limits.OPEN_TASKS - len(shown["tasks"])):
        add(database, card["opportunity_id"])
    with pytest.raises(Conflict, match="at most"):
        add(database, card["opportunity_id"])


def test_a_day_has_what_is_late_what_is_planned_and_what_has_begun(database: Database) -> None:
    """In Samoa and Midway, which are a day apart, so that on one wall or the other midnight is hours away."""
    zone = "Pacific/Apia" if 6 <= utc_now().astimezone(ZoneInfo("Pacific/Apia")).hour < 18 else "Pacific/Midway"
    hear(database, seller(ANA, time_zone=zone))
    today = utc_now().astimezone(ZoneInfo(zone)).date()
    late, soon, tomorrow = opened(database, at=iso(utc_now() - timedelta(hours=3))), opened(database), opened(database)
    recall(database, soon["tasks"][0]["task_id"], by="2h")
    recall(database, tomorrow["tasks"][0]["task_id"], by="1d")
    add(database, late["opportunity_id"], kind="email", start_on=str(today))
    add(database, soon["opportunity_id"], kind="sms", start_on=str(today + timedelta(days=1)))
    shown = day(database, "", zone)
    assert found(shown) == ([late["work_id"]], [soon["work_id"]], [late["work_id"]])
    assert (shown["day"], shown["today"]) == (str(today), str(today))
    assert [one["day"] for one in shown["week"]][today.weekday()] == str(today)
    counted = {one["day"]: (one["planned"], one["free"]) for one in shown["week"]}
    assert counted[str(today)][1] == 1
    following = day(database, str(today + timedelta(days=1)), zone)
    assert found(following) == ([], [tomorrow["work_id"]], [soon["work_id"]])
    assert found(day(database, str(today + timedelta(days=2)), zone)) == ([], [], [])
    with database.read() as connection:
        counts = views.agenda_counts(connection, SELLER, ANA, iso(utc_now()), iso(utc_now() + timedelta(hours=5)))
    assert counts == {"overdue": 1, "today": 2, "later": 2}


def day(database: Database, on: str, zone: str = "Europe/Lisbon", actor: Actor = SELLER) -> dict[str, Any]:
    with database.read() as connection:
        return views.agenda_day(connection, actor, ANA, on, zone)


def found(shown: dict[str, Any]) -> tuple[list[str], ...]:
    return tuple([item["work_id"] for item in shown[name]["items"]] for name in ("overdue", "planned", "free"))


def test_a_day_is_a_few_questions_and_says_when_there_is_more(database: Database) -> None:
    at = iso(utc_now() - timedelta(days=2))
    hear(database, *(assigned(new_id(), ANA, 1, at=at) for _ in range(views.AGENDA_SHOWN + 3)))
    trips = trips_to(database)
    overdue = day(database, "")["overdue"]
    assert (len(overdue["items"]), overdue["count"]) == (views.AGENDA_SHOWN, views.AGENDA_SHOWN + 3)
    assert len([statement for statement in trips if statement.startswith("SELECT")]) == 5


@pytest.mark.parametrize(
    ("on", "zone", "field"),
    [
        ("soon", "UTC", "day"),
        ("2026-02-30", "UTC", "day"),
        ("", "Mars/North", "time_zone"),
        ("", "../etc", "time_zone"),
    ],
)
def test_a_day_that_is_none_is_refused(database: Database, on: str, zone: str, field: str) -> None:
    with pytest.raises(Invalid, match=field):
        day(database, on, zone)


def test_the_days_of_other_years_can_be_looked_at(database: Database) -> None:
    assert [one["day"] for one in day(database, "2027-01-01")["week"]][::6] == ["2026-12-28", "2027-01-03"]
    assert date.fromisoformat(day(database, "1901-01-01")["week"][0]["day"]) == date(1900, 12, 31)
