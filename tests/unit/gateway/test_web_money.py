"""Amounts, typed and shown: of currencies with cents, with none, and with thousandths."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.lead_forms import closing_of
from gateway.web.money import CURRENCIES, TWO_WAYS, WHOLE_ONLY, amount_of, currency_of, money
from runtime.errors import Invalid

pytestmark = pytest.mark.feature("CMP-7", "GTW-3")


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("", None), ("  ", None), ("0", 0), ("1250", 125_000), ("1.250", 125_000), ("1,250", 125_000),
        ("1.250,5", 125_050), ("1,250.50", 125_050), ("1 250,50 €", 125_050), ("R$ 1.234.567,89", 123_456_789),
        ("12,5", 1250), ("0.05", 5), ("1’250.00", 125_000), ("1.234,56", 123_456), ("1,234.56", 123_456),
        ("1234", 123_400), ("12 eur", 1200),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_people_write_it(typed: str, cents: int | None) -> None:
    assert amount_of(typed, "EUR") == cents


@pytest.mark.parametrize(
    "typed", ["a lot", "-5", "1.234.5", "1.23.45", "1,2,3", "12.3456", "1e9", "9" * 17, "0.234", "0,000,001"]
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        amount_of(typed, "EUR")
    assert refused.value.errors[0]["code"] == "invalid"


@given(st.integers(0, 10**12), st.sampled_from([(",", "."), (".", ","), ("", "."), ("", ","), (" ", ",")]))
def test_every_way_of_writing_it_is_the_same_amount(cents: int, marks: tuple[str, str]) -> None:
    group, decimal = marks
    whole = f"{cents // 100:,}".replace(",", group)
    assert amount_of(f"{whole}{decimal}{cents % 100:02}", "EUR") == cents


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("1.250", "JPY", 1250), ("1250", "JPY", 1250), ("¥1,250,000", "JPY", 1_250_000), ("1250.00", "CLP", 1250),
        ("1234.567", "KWD", 1_234_567), ("1.234,567", "KWD", 1_234_567), ("12,5", "KWD", 12_500),
        ("1234", "KWD", 1_234_000), ("0,234", "KWD", 234), ("1,234,567", "KWD", 1_234_567_000),
    ],
)  # fmt: skip
def test_a_currency_has_as_many_decimals_as_it_has(typed: str, currency: str, minor: int) -> None:
    assert amount_of(typed, currency) == minor


@pytest.mark.parametrize(("typed", "currency", "code"), [("12,5", "JPY", WHOLE_ONLY), ("1.234", "KWD", TWO_WAYS)])
def test_what_a_currency_does_not_have_is_said(typed: str, currency: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        closing_of({"outcome": "won", "amount": typed, "currency": currency})
    assert refused.value.errors[0]["code"] == code


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (123_456, "EUR", "€1,234.56"), (123_400, "EUR", "€1,234"), (1250, "JPY", "¥1,250"), (None, "EUR", ""),
        (1_234_567, "KWD", "KWD1,234.567"), (1_234_000, "KWD", "KWD1,234"), (5, "USD", "$0.05"),
        (1, "", "€0.01"),
    ],
)  # fmt: skip
def test_an_amount_is_shown_in_its_currency(app: Flask, minor: int | None, currency: str, shown: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert money(minor, currency) == shown


@given(st.integers(0, 10**13), st.sampled_from(CURRENCIES))
def test_what_is_shown_in_full_is_read_as_the_same(minor: int, currency: str) -> None:
    digits = {"JPY": 0, "CLP": 0, "PYG": 0, "KWD": 3}.get(currency, 2)
    whole, decimals = divmod(minor, 10**digits)
    said = "0" if digits == 3 else ""  # that these are decimals
    assert amount_of(f"{whole}.{decimals:0{digits}}{said}" if digits else str(whole), currency) == minor


def test_the_currency_is_that_of_the_place() -> None:
    zones = ("Europe/Lisbon", "America/Sao_Paulo", "America/Mexico_City", "UTC", "Europe/London", "Asia/Kuwait")
    assert [currency_of(zone) for zone in zones] == ["EUR", "BRL", "MXN", "EUR", "GBP", "KWD"]
