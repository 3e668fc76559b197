"""The made-up contacts of the bank's table: valid, different, the same every time."""

import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import phonenumbers
import pytest

TOOL = Path(__file__).parents[3] / "tools" / "bank_leads.py"


@pytest.fixture(scope="module")
def bank_leads() -> ModuleType:
    specification = importlib.util.spec_from_file_location("bank_leads", TOOL)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_no_two_rows_share_a_phone_or_an_address(bank_leads: ModuleType) -> None:
    contacts = [bank_leads.contact(number) for number in range(50_000)]

    assert len({email for _, email, _ in contacts}) == len(contacts)
    assert len({phone for _, _, phone in contacts}) == len(contacts)
    assert all(email.isascii() for _, email, _ in contacts)


def test_phones_are_portuguese_mobiles(bank_leads: ModuleType) -> None:
    for number in range(0, 40_000, 97):
        phone = phonenumbers.parse(bank_leads.contact(number)[2])
        assert phonenumbers.is_valid_number_for_region(phone, "PT")
        assert phonenumbers.number_type(phone) == phonenumbers.PhoneNumberType.MOBILE


def test_the_columns_stay_and_the_file_is_the_same_every_time(bank_leads: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "bank.csv"
    source.write_text("age,job\n56,admin.\n57,unknown\n", encoding="utf-8")

    counts = [bank_leads.main(source, tmp_path / name) for name in ("one.csv", "two.csv")]

    assert counts == [2, 2]
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    rows = list(csv.DictReader((tmp_path / "one.csv").open(encoding="utf-8", newline="")))
    assert list(rows[0]) == ["name", "email", "phone", "age", "job"]
    assert [row["job"] for row in rows] == ["admin.", "unknown"]
