"""Settings that cannot work are refused at the start, by the name a person typed, with what would do."""

from dataclasses import fields
from math import ceil, inf, nan

import pytest

from runtime.settings import _FORMS, _RANGES, Settings

pytestmark = pytest.mark.feature("R9")

NUMBERS = {option.name: option.type for option in fields(Settings) if option.type in (int, float)}


def refusal_of(name: str, text: str) -> str:
    """What is said of a variable."""
    with pytest.raises(ValueError) as refused:
        Settings.load({f"RODIZIO_{name.upper()}": text})
    return str(refused.value)


def test_every_number_has_a_range_that_its_default_is_in() -> None:
    assert _RANGES.keys() == NUMBERS.keys()
    for name, (least, most) in _RANGES.items():
        assert least <= getattr(Settings(), name) <= most


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_out_of_range_or_of_the_wrong_kind_is_named_with_its_range(name: str) -> None:
    least, most = _RANGES[name]
    step = 1 if NUMBERS[name] is int else 0.001
    wrong = ["many", "1,5", "", " ", "0x10", least - step, most + step, -1, inf, -inf, nan]
    if NUMBERS[name] is int:
        wrong.append(least + 0.5)
    for text in filter(None, map(str, wrong)):
        said = refusal_of(name, text)
        assert said.startswith(f"RODIZIO_{name.upper()} must be a ")
        assert f"from {least} to {most}, not {text!r}" in said


@pytest.mark.parametrize("name", NUMBERS)
def test_the_ends_of_a_range_are_taken(name: str) -> None:
    kind = NUMBERS[name]
    for end in _RANGES[name]:
        text = str(ceil(end) if kind is int else end)
        assert getattr(Settings.load({f"RODIZIO_{name.upper()}": text}), name) == float(text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amqp_url", "http://guest:secret@127.0.0.1/"),
        ("amqp_url", "secret"),
        ("database_url", "mysql://user:secret@host/database"),
        ("database_url", "/secret/file.db"),
        ("log_level", "secret"),
        ("log_level", "info"),
        ("public_url", "leads.example.com/secret"),
        ("rate_per_ip", "secret"),
        ("rate_per_ip", "0/minute"),
        ("rate_per_ip", "10/fortnight"),
        ("rate_per_form", "-3/minute"),
        ("sandbox_url", "127.0.0.1:8091/secret"),
    ],
)
def test_a_text_of_the_wrong_form_is_named_with_an_example_and_not_repeated(name: str, text: str) -> None:
    said = refusal_of(name, text)
    assert said == f"RODIZIO_{name.upper()} must be {_FORMS[name][1]}"
    assert "secret" not in said


def test_what_is_set_as_the_page_of_operations_says_is_taken() -> None:
    environment = {
        "RODIZIO_AMQP_URL": "amqps://user:password@host:5671/vhost",
        "RODIZIO_DATABASE_URL": "postgresql://user:password@host/database",
        "RODIZIO_LOG_LEVEL": "DEBUG",
        "RODIZIO_PUBLIC_URL": "https://leads.example.com",
        "RODIZIO_RATE_PER_IP": "10/second",
        "RODIZIO_RATE_PER_FORM": "unlimited",
    }
    loaded = Settings.load(environment)
    assert all(getattr(loaded, name.removeprefix("RODIZIO_").lower()) == value for name, value in environment.items())
