"""What follows from a card, when two may be of one person, and what a fix makes of one."""

from typing import Any

import pytest

from services.capture.domain.cards import follows, joined, keys_of
from services.capture.domain.fixes import FIXES, titled
from services.capture.domain.likeness import may_be_one, pair, twin_keys
from services.capture.domain.search import search_of

EMPTY = dict.fromkeys(
    ("name", "email", "phone", "company", "city", "country", "sector", "product", "code", "document"), ""
) | {"wrong_email": "", "wrong_phone": "", "attributes": {}, "status": "potential", "source": "site"}


READ = {"phone": "+5511987654321", "wrong_phone": ""}


def card(**said: Any) -> dict[str, Any]:
    return {**EMPTY, **said}


@pytest.mark.feature("CAP-8")
def test_the_same_name_in_the_same_place_has_a_key_in_common() -> None:
    ana = card(name="Ana Sá", company="Sol & Mar", city="Évora")
    for other in (card(name="SA, ana", company="sol mar"), card(name="Sá Ana", city="evora")):
        assert set(twin_keys(ana)) & set(twin_keys(other)), other
    for other in (card(name="Ana Sá", company="Évora"), card(name="Ana", company="Sol & Mar"), card(name="Ana Sá")):
        assert not set(twin_keys(ana)) & set(twin_keys(other)), other
    assert all(-(2**63) <= key < 2**63 for key in twin_keys(ana))


@pytest.mark.feature("CAP-8")
def test_two_with_other_addresses_and_other_phones_are_two() -> None:
    ana = card(name="Ana Sá", city="Évora", email="a@a.pt", phone="+1")
    assert may_be_one(ana, card(name="Ana Sá", city="Évora", email="b@a.pt"))
    assert may_be_one(ana, card(name="Ana Sá", city="Évora", email="b@a.pt", phone="+1"))
    assert not may_be_one(ana, card(name="Ana Sá", city="Évora", email="b@a.pt", phone="+2"))
    assert pair("b", "a") == pair("a", "b") == ("a", "b")


@pytest.mark.feature("CAP-8")
def test_two_cards_of_one_person_fill_each_others_gaps() -> None:
    kept = card(name="Ana", wrong_phone="12", attributes={"a": "1"})
    other = card(name="Anabela", phone="+351912345678", attributes={"a": "2", "b": "3"}, status="client")
    assert joined(kept, other) == {
        "phone": "+351912345678", "wrong_phone": "", "attributes": {"a": "1", "b": "3"}, "status": "client",
    }  # fmt: skip
    assert joined(other, kept) == {}


@pytest.mark.feature("CAP-7")
def test_words_quality_and_keys_follow_from_a_card() -> None:
    ana = card(name="Ana", email="ana@a.pt", code="K-1", document="123.456")
    assert follows(ana) == {"search": " ana a pt k 1 123 456", "quality": 50}
    assert keys_of(ana) == {"email:ana@a.pt", "code:K-1", "document:123456"}


@pytest.mark.feature("CAP-7")
@pytest.mark.parametrize(
    ("fix", "arguments", "said", "becomes"),
    [
        ("read_phones", {"region": "BR"}, {"wrong_phone": "1198765-4321"}, READ),
        ("read_phones", {"region": "PT"}, {"wrong_phone": "12"}, {}),
        ("correct_domains", {}, {"email": "ana@gmial.com"}, {"email": "ana@gmail.com", "wrong_email": ""}),
        ("correct_domains", {}, {"wrong_email": "ana@sapo.p"}, {"email": "ana@sapo.pt", "wrong_email": ""}),
        ("correct_domains", {}, {"email": "ana@gmail.com"}, {}),
        ("drop_wrong_email", {}, {"wrong_email": "x"}, {"wrong_email": ""}),
        ("drop_wrong_phone", {}, {}, {}),
        ("set", {"field": "city", "value": "Porto"}, {"city": "Porto"}, {}),
        ("set", {"field": "city", "value": "Porto"}, {}, {"city": "Porto"}),
        ("tidy_names", {}, {"name": "MARIA DE SÁ-COSTA E SILVA"}, {"name": "Maria de Sá-Costa e Silva"}),
        ("tidy_names", {}, {"name": "Maria McDonald"}, {}),
    ],
)  # fmt: skip
def test_a_fix_says_what_becomes_of_a_card(
    fix: str, arguments: dict[str, Any], said: dict[str, Any], becomes: dict[str, Any]
) -> None:
    assert FIXES[fix](arguments, card(**said)) == becomes


@pytest.mark.feature("CAP-7")
def test_a_name_that_begins_with_a_small_word_begins_with_a_capital() -> None:
    assert titled("DA SILVA") == "Da Silva"


@pytest.mark.feature("CAP-13")
def test_what_looks_like_a_phone_is_looked_for_as_one_number_too() -> None:
    assert search_of("Ana SÁ").ways == (("ana", "sa"),)
    assert search_of("912 345").ways == (("912", "345"), ("912345",))
    assert search_of("+351").ways == (("351",),)
    assert search_of("12").ways == (("12",),)
    assert search_of("%").ways == ()
