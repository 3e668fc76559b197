"""Which column fills which field."""

from typing import Any

import pytest

from cli.columns import NoMatch, match

pytestmark = pytest.mark.feature("CAP-5")

FORM: dict[str, Any] = {
    "fields": [{"name": "name", "required": True}, {"name": "e_mail"}, {"name": "localização"}],
    "one_of": [],
}


def test_names_match_whatever_their_case_accents_and_punctuation() -> None:
    columns = match(["NAME", "E-Mail", "Localizacao"], FORM, {})

    assert columns.targets == ("name", "e_mail", "localização")


def test_a_chosen_column_goes_before_one_of_the_same_name() -> None:
    columns = match(["name", "Nome completo", "extra"], FORM, {"nome COMPLETO": "name"})

    assert columns.fields(["short", "long", "more"]) == {"name": "long", "extra": "more"}


def test_other_columns_go_along_unless_left_out_empty_or_instructions() -> None:
    columns = match(["name", "job", "secret", "_row", ""], FORM, {"secret": ""})

    assert columns.fields(["Ana", " nurse ", "x", "7", "y"]) == {"name": "Ana", "job": "nurse"}


def test_empty_cells_are_not_sent() -> None:
    assert match(["name", "e_mail"], FORM, {}).fields(["Ana", "  "]) == {"name": "Ana"}


@pytest.mark.parametrize(
    ("header", "chosen", "said"),
    [
        (["a", "b"], {}, "no column matches"),
        (["e_mail"], {}, "required field 'name'"),
        (["name", "Name"], {}, "two columns fill 'name'"),
        (["name"], {"nom": "name"}, "no column 'nom'"),
        (["name"], {"name": "fullname"}, "no field 'fullname'"),
    ],
)
def test_what_does_not_fit_says_what_to_do(header: list[str], chosen: dict[str, str], said: str) -> None:
    with pytest.raises(NoMatch, match=said):
        match(header, FORM, chosen)


def test_a_form_that_needs_one_of_several_fields_needs_a_column_for_one() -> None:
    form = {"fields": [{"name": "name"}, {"name": "email"}, {"name": "phone"}], "one_of": ["email", "phone"]}

    with pytest.raises(NoMatch, match="email, phone"):
        match(["name"], form, {})
