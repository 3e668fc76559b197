"""What pages say is said in all three languages."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from gateway.locales import LOCALES

pytestmark = pytest.mark.feature("GTW-3")

GATEWAY = Path(__file__).parents[3] / "gateway"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.json", "jinja2")]
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]")


@cache
def said() -> frozenset[str]:
    """Every text of the code and the templates."""
    found = extract_from_dir(GATEWAY, METHODS, keywords=KEYWORDS)  # type: ignore[arg-type]
    return frozenset(message if isinstance(message, str) else message[0] for _, _, message, _, _ in found)


@cache
def catalogue(locale: str) -> Catalog:
    with (GATEWAY / "translations" / locale / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=locale)


def texts_of(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def key_of(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_catalogue_has_every_text_and_no_other(locale: str) -> None:
    there = {key_of(message) for message in catalogue(locale) if message.id}
    assert len(said()) > 300
    assert there == said()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_is_translated(locale: str) -> None:
    empty = [key_of(message) for message in catalogue(locale) if message.id and not all(texts_of(message))]
    assert empty == []
    assert [message.id for message in catalogue(locale) if message.fuzzy and message.id] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_filled_in_is_filled_in_everywhere(locale: str) -> None:
    for message in catalogue(locale):
        if not message.id:
            continue
        texts = texts_of(message)
        wanted = set(PLACEHOLDER.findall(message.id if isinstance(message.id, str) else message.id[1]))
        # A singular may leave the number out: "one lead".
        assert set(PLACEHOLDER.findall(texts[-1])) == wanted, message.id
        assert all(set(PLACEHOLDER.findall(text)) <= wanted for text in texts), message.id


@pytest.mark.parametrize("locale", ["pt", "es"])
def test_a_translation_is_one(locale: str) -> None:
    """Few texts are the same in two languages: names, and words both share."""
    messages = [message for message in catalogue(locale) if message.id]
    same = [message.id for message in messages if message.id == message.string and " " in str(message.id)]
    assert len(same) < len(messages) / 50, same
