"""What columns hold, what they may fill, and what becomes of a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.domain.columns import date_order, kind_of, suggested
from services.capture.domain.contact_details import ContactDetails
from services.capture.domain.import_plan import problems_of_columns, problems_of_plan, problems_of_reading
from services.capture.domain.rows import LONGEST_ATTRIBUTE, Plan, iso_date, read_row

pytestmark = pytest.mark.feature("CAP-5")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["", " "], "empty"),
        (["ana@example.com", "rui@example.com", "", "x@example.com"], "email"),
        (["912 345 678", "+351 213 456 789", "(11) 98765-4321"], "phone"),
        (["31/12/1980", "1-2-99", "2020-01-02"], "date"),
        (["12", "3.5", "-7", "1.000,50"], "number"),
        (["Ana", "12", "x"], "text"),
    ],
)
def test_what_a_column_holds_is_told_from_its_cells(cells: list[str], kind: str) -> None:
    assert kind_of(cells) == kind


@pytest.mark.parametrize(
    ("columns", "order"),
    [
        ([["31/12/2020", "01/02/2020"]], "dmy"),
        ([["12/31/2020"], ["01/02/2020"]], "mdy"),
        ([["2020/12/31"]], "ymd"),
        ([["01/02/2020"]], "dmy"),
        ([], "dmy"),
    ],
)
def test_the_order_of_dates_is_told_from_those_that_fit_only_one(columns: list[list[str]], order: str) -> None:
    assert date_order(columns) == order


@pytest.mark.parametrize(
    ("text", "order", "read"),
    [
        ("31/12/2020", "dmy", "2020-12-31"),
        ("01/02/2020", "dmy", "2020-02-01"),
        ("01/02/2020", "mdy", "2020-01-02"),
        ("2020-02-01", "ymd", "2020-02-01"),
        ("1.2.2020 9:30", "dmy", "2020-02-01 09:30:00"),
        ("99/99/2020", "dmy", "99/99/2020"),
        ("soon", "dmy", "soon"),
    ],
)
def test_dates_are_written_as_iso_8601_and_what_is_none_stays(text: str, order: str, read: str) -> None:
    assert iso_date(text, order) == read


def test_columns_are_suggested_by_name_in_three_languages_then_by_what_is_in_them() -> None:
    header = [
        "Código de cliente",
        "Nombre completo",
        "Correio Eletrónico",
        "Telemóvel",
        "Ciudad",
        "NIF",
        "Obs",
        "vazio",
    ]
    kinds = ["number", "text", "email", "phone", "text", "number", "text", "empty"]
    assert suggested(header, kinds) == ["code", "name", "email", "phone", "city", "document", "+Obs", ""]
    assert suggested(["a", "b", "c", "_row"], ["email", "phone", "email", "number"]) == ["email", "phone", "+c", ""]


def _read(*cells: str, targets: tuple[str, ...] = ("name", "email", "phone", "+Age"), **more: object) -> object:
    plan = Plan(header=list("abcdefgh"[: len(targets)]), targets=list(targets), region="PT", **more)  # type: ignore[arg-type]
    return read_row(plan, plan.roles, cells)


def test_a_row_becomes_what_is_known_of_a_contact() -> None:
    details = _read(" Ana  Silva ", "Ana@Example.com", "912 345 678", "41")
    assert isinstance(details, ContactDetails)
    assert (details.name, details.email, details.phone) == ("Ana Silva", "ana@example.com", "+351912345678")
    assert details.attributes == {"Age": "41"}
    assert details.keys == ["email:ana@example.com", "phone:+351912345678"]


def test_what_is_no_address_or_phone_is_kept_as_it_was_given() -> None:
    details = _read("Ana", "ana@", "12", "")
    assert isinstance(details, ContactDetails)
    assert (details.email, details.wrong_email, details.phone, details.wrong_phone) == ("", "ana@", "", "12")


def test_a_code_or_a_document_is_enough_and_known_again_however_it_is_written() -> None:
    targets = ("code", "document")
    first = _read("A-17", "123.456.789-09", targets=targets)
    again = _read("", "12345678909", targets=targets)
    assert isinstance(first, ContactDetails)
    assert isinstance(again, ContactDetails)
    assert first.keys == ["code:A-17", "document:12345678909"]
    assert set(again.keys) <= set(first.keys)


@pytest.mark.parametrize(
    ("cells", "more", "code"),
    [
        (("Ana", "a@example.com", "9"), {}, "too_few_cells"),
        (("Ana", "a@example.com", "912345678", "41", "x"), {}, "too_many_cells"),
        (("", "", "", "41"), {}, "nobody"),
        (("Ana", "a@", "12", ""), {"for_leads": True}, "unreachable"),
        (("Ana", "", "", "x" * (LONGEST_ATTRIBUTE + 1)), {}, "too_long"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why(cells: tuple[str, ...], more: dict[str, bool], code: str) -> None:
    reasons = _read(*cells, **more)
    assert isinstance(reasons, list)
    assert [reason["code"] for reason in reasons] == [code]


def test_spare_empty_cells_do_not_matter_and_workbooks_may_end_rows_early() -> None:
    assert isinstance(_read("Ana", "", "", "", "", ""), ContactDetails)
    assert isinstance(_read("Ana", may_end_early=True), ContactDetails)


@given(st.lists(st.text(max_size=40), max_size=7))
def test_whatever_stands_in_a_row_it_is_read_or_refused(cells: list[str]) -> None:
    outcome = _read(*cells, dates=frozenset((3,)))
    assert isinstance(outcome, ContactDetails) or all(reason["code"] for reason in outcome)  # type: ignore[attr-defined]


def test_a_plan_names_everything_that_cannot_be() -> None:
    plan = {"makes": "money", "region": "pt", "dates": "x", "status": "king", "source": "s" * 200, "columns": ["name"]}
    fields = [field for field, *_ in problems_of_plan(plan, 2, has_form=False)]
    assert fields == ["makes", "region", "dates", "status", "source", "columns"]
    assert problems_of_plan({"makes": "leads", "columns": ["name"]}, 1, has_form=False)[0][0] == "form_id"
    assert problems_of_plan({"makes": "contacts", "columns": ["name", ""]}, 2, has_form=False) == []


@pytest.mark.parametrize(
    ("columns", "where"),
    [
        (["name", "name"], "columns.1"),
        (["+Age", "+Age"], "columns.1"),
        (["nonsense", "name"], "columns.0"),
        (["+", "name"], "columns.0"),
        ([7, "name"], "columns.0"),
        (["city", ""], "columns"),
        ("name", "columns"),
    ],
)
def test_a_column_that_cannot_be_filled_so_is_named(columns: object, where: str) -> None:
    assert [field for field, *_ in problems_of_columns(columns, 2)] == [where]


def test_how_a_file_is_said_to_be_written_is_checked() -> None:
    asked = {"encoding": "utf-8", "delimiter": ";;", "sheet": 1, "header_row": -1, "colour": "red"}
    assert [field for field, *_ in problems_of_reading(asked)] == ["delimiter", "sheet", "header_row", "colour"]
    assert [field for field, *_ in problems_of_reading({"encoding": "utf-\0"})] == ["encoding"]
