"""The made-up contacts of the bank's table: valid, some of them twice, the same every time."""

import csv
import importlib.util
from collections import Counter
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


def test_one_row_in_twenty_is_of_somebody_in_one_earlier_row(bank_leads: ModuleType) -> None:
    rows = 41_188
    seen: dict[str, int] = {}
    returning: dict[int, set[int]] = {}
    shared: Counter[tuple[bool, bool]] = Counter()
    for number in range(rows):
        name, email, phone = bank_leads.contact(number)
        assert email.isascii()
        found = {seen[key] for key in (email, phone) if key in seen}
        if found:
            returning[number] = found
            shared[email in seen, phone in seen] += 1
            assert {bank_leads.contact(earlier)[0] for earlier in found} == {name}
        seen |= {email: number, phone: number}
    earlier = [row for found in returning.values() for row in found]
    assert len(returning) == len(earlier) == len(set(earlier)) == rows // 20
    assert not returning.keys() & set(earlier)
    assert bank_leads.people(rows) == rows - len(returning)
    assert shared.keys() == {(True, False), (False, True), (True, True)}
    assert max(shared.values()) - min(shared.values()) <= 1


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
