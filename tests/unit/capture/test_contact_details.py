"""What a visitor types, and what the contact card says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.domain.contact_details import LONGEST, contact_details, normal_email, normal_phone, tidy

pytestmark = pytest.mark.feature("CAP-7")


@pytest.mark.parametrize(
    ("typed", "region", "expected"),
    [
        ("912 345 678", "PT", "+351912345678"),
        ("+351 912-345-678", "ES", "+351912345678"),
        ("00351912345678", "PT", "+351912345678"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("612 34 56 78", "ES", "+34612345678"),
        ("123", "PT", ""),
        ("ring me", "PT", ""),
        ("", "PT", ""),
        ("+999 123456789", "PT", ""),
        ("９１２３４５６７８", "PT", "+351912345678"),
    ],
)
def test_phones_are_kept_in_e164_or_not_at_all(typed: str, region: str, expected: str) -> None:
    assert normal_phone(typed, region) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Maria.Silva@Example.COM ", "maria.silva@example.com"),
        ("josé@exämple.pt", "josé@exämple.pt"),
        ("maria@", ""),
        ("maria@example", ""),
        ("two@@example.com", ""),
        ("", ""),
    ],
)
def test_addresses_are_kept_in_lower_case_or_not_at_all(typed: str, expected: str) -> None:
    assert normal_email(typed) == expected


def test_one_person_typing_differently_has_the_same_keys() -> None:
    roles = {"email": "mail", "phone": "tel"}
    typed = [{"mail": "ANA@example.com", "tel": "912345678"}, {"mail": " ana@example.com", "tel": "+351 912 345 678"}]
    first, second = (contact_details(fields, roles, "PT").keys for fields in typed)
    assert first == second == ["email:ana@example.com", "phone:+351912345678"]


@pytest.mark.parametrize(
    ("fields", "quality"),
    [
        ({}, 0),
        ({"name": "Ana"}, 10),
        ({"email": "ana@example.com"}, 40),
        ({"email": "nonsense", "phone": "912345678"}, 40),
        ({"name": "Ana", "email": "ana@example.com", "phone": "912345678", "city": "Porto"}, 100),
    ],
)
def test_quality_says_how_complete_and_valid_a_contact_is(fields: dict[str, str], quality: int) -> None:
    roles = {role: role for role in ("name", "email", "phone", "city")}
    assert contact_details(fields, roles, "PT").quality == quality


@given(st.text(max_size=400), st.text(max_size=60), st.text(max_size=60))
def test_no_text_upsets_it(name: str, email: str, phone: str) -> None:
    roles = {"name": "name", "email": "email", "phone": "phone"}
    details = contact_details({"name": name, "email": email, "phone": phone}, roles, "PT")
    assert len(details.name) <= LONGEST
    assert details.name == tidy(details.name)
    assert details.phone == "" or details.phone.startswith("+")
    assert 0 <= details.quality <= 100
