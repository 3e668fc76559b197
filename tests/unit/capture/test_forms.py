"""Which form definitions are acceptable."""

from typing import Any

import pytest

from contracts.errors import NOT_ALLOWED
from services.capture.domain.forms import labels_of, problems_of_form, roles_of

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
        ({"fields": [{"name": "a", "max_length": True}], "one_of": []}, "fields.0.max_length"),
        ({"fields": [{"name": "a", "required": "yes"}], "one_of": []}, "fields.0.required"),
        ({"fields": [{"name": "a", "choices": None}], "one_of": []}, "fields.0.choices"),
        ({"fields": [{"name": "a", "choices": "abc"}], "one_of": []}, "fields.0.choices"),
        ({"fields": [{"name": "a", "choices": ["b", 3]}], "one_of": []}, "fields.0.choices.1"),
        ({"fields": [{"name": "a", "role": ["name"]}], "one_of": []}, "fields.0.role"),
        ({"fields": [{"name": None}], "one_of": []}, "fields.0.name"),
        ({"one_of": ["phone"]}, "one_of"),
        ({"one_of": None}, "one_of"),
        ({"one_of": "email"}, "one_of"),
        ({"one_of": [["email"]]}, "one_of"),
        ({"active": None}, "active"),
        ({"title": "x" * 201}, "title"),
        ({"title": None}, "title"),
        ({"thanks": "x" * 1001}, "thanks"),
        ({"thanks": "a\x00b"}, "thanks"),
        ({"name": "a\x07b"}, "name"),
        ({"name": "a\ud800b"}, "name"),
        ({"fields": [{"name": "_gotcha"}], "one_of": []}, "fields.0.name"),
        ({"fields": [{"name": "bot-field"}], "one_of": []}, "fields.0.name"),
        ({"fields": [{"name": " email"}], "one_of": []}, "fields.0.name"),
        ({"fields": [{"name": "a\x00"}], "one_of": []}, "fields.0.name"),
        ({"fields": [{"name": "a", "label": "x" * 301}], "one_of": []}, "fields.0.label"),
        ({"fields": [{"name": "a", "label": 3}], "one_of": []}, "fields.0.label"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], where: str) -> None:
    assert [problem[0] for problem in problems_of_form({**GOOD, **changes})] == [where]


def test_a_name_is_told_to_be_there_twice_where_it_is_the_second_time() -> None:
    names = ("a", "b", "c", "b", "_x", "b")
    form = {**GOOD, "one_of": [], "fields": [{"name": name} for name in names]}
    assert sorted(problem[0] for problem in problems_of_form(form)) == [
        "fields.3.name",
        "fields.4.name",
        "fields.5.name",
    ]


def test_texts_people_read_may_hold_anything_else() -> None:
    texts = {"title": "Peça já 🙂 <script>", "thanks": "Obrigado!\n\nAté já."}
    field = {"name": "terms", "kind": "consent", "label": "Li e aceito os <b>termos</b>"}
    assert problems_of_form({**GOOD, **texts, "one_of": [], "fields": [field]}) == []
    assert labels_of([field, {"name": "email"}, {"name": "phone", "label": ""}]) == {
        "terms": "Li e aceito os <b>termos</b>", "email": "email", "phone": "phone"
    }  # fmt: skip


def test_a_setting_that_no_field_has_is_named_with_those_there_are() -> None:
    form = {**GOOD, "fields": [{"name": "email", "placeholder": "you@example.com"}]}
    ((where, code, sentence),) = problems_of_form(form)
    assert (where, code) == ("fields.0.placeholder", NOT_ALLOWED)
    assert sentence.startswith("leave it out; a field has name, kind, role, required")


def test_the_first_field_of_a_role_fills_the_card() -> None:
    fields = [{"name": "a", "role": "email"}, {"name": "b", "role": "email"}, {"name": "c", "role": ""}, {"name": "d"}]
    assert roles_of(fields) == {"email": "a"}
