"""Which form definitions are acceptable."""

from typing import Any

import pytest

from services.capture.domain.forms import problems_of_form

pytestmark = pytest.mark.feature("CAP-2")

GOOD: dict[str, Any] = {
    "key": "contact-us",
    "name": "Contact us",
    "source": "site",
    "channel": "site",
    "locale": "pt",
    "region": "PT",
    "allowed_origins": ["https://example.com"],
    "one_of": ["email"],
    "fields": [{"name": "email", "kind": "email", "role": "email"}],
}


def test_a_plain_form_is_accepted() -> None:
    assert problems_of_form(GOOD) == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"key": "Bad Key"}, "key"),
        ({"key": "-abc-"}, "key"),
        ({"channel": "pigeon"}, "channel"),
        ({"locale": "xx"}, "locale"),
        ({"region": "Portugal"}, "region"),
        ({"allowed_origins": ["https://example.com/path"]}, "allowed_origins.0"),
        ({"allowed_origins": "https://example.com"}, "allowed_origins"),
        ({"fields": []}, "fields"),
        ({"fields": "email"}, "fields"),
        ({"fields": ["email"], "one_of": []}, "fields.0"),
        ({"fields": [{"name": "_next"}], "one_of": []}, "fields.0.name"),
        ({"fields": [{"name": "botcheck"}], "one_of": []}, "fields.0.name"),
        ({"fields": [{"name": "a"}, {"name": "a"}], "one_of": []}, "fields.1.name"),
        ({"fields": [{"name": "a", "kind": "essay"}], "one_of": []}, "fields.0.kind"),
        ({"fields": [{"name": "a", "kind": "choice"}], "one_of": []}, "fields.0.choices"),
        ({"fields": [{"name": "a", "max_length": 0}], "one_of": []}, "fields.0.max_length"),
        ({"fields": [{"name": "a", "role": "shoe size"}], "one_of": []}, "fields.0.role"),
        ({"one_of": ["phone"]}, "one_of"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], where: str) -> None:
    assert [problem[0] for problem in problems_of_form({**GOOD, **changes})] == [where]
