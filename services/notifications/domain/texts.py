"""What a message says, in each locale. Nothing here is personal data of the lead: an SMS is read on locked screens."""

from dataclasses import dataclass
from typing import Final

LOCALES: Final = ("pt", "es", "en")

SOURCE_LENGTH: Final = 40
"""A source's name is cut here, so that the SMS with its link stays within one segment of 160 characters."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words. subject: for channels that have one. body: plain text that holds the link."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class _Words:
    unnamed_source: str
    sms: str
    subject: str
    email: str


_WORDS: Final = {
    "pt": _Words(
        unnamed_source="formulário",
        sms="Novo lead de {source}: {link}",
        subject="Novo lead de {source}",
        email="Olá {name},\n\nTem um novo lead de {source}.\n\nAbrir: {link}\n",
    ),
    "es": _Words(
        unnamed_source="formulario",
        sms="Nuevo lead de {source}: {link}",
        subject="Nuevo lead de {source}",
        email="Hola {name}:\n\nTienes un nuevo lead de {source}.\n\nAbrir: {link}\n",
    ),
    "en": _Words(
        unnamed_source="a form",
        sms="New lead from {source}: {link}",
        subject="New lead from {source}",
        email="Hello {name},\n\nYou have a new lead from {source}.\n\nOpen: {link}\n",
    ),
}


def render(channel: str, locale: str, *, source: str, name: str, link: str) -> Text:
    """The text of "a lead was assigned to you".

    Args:
        channel: "sms" for the short form, anything else for the long one.
        locale: "pt", "pt-BR", "es_MX"…; one not spoken here is answered in English.
        source: name of the source the lead came from.
        name: the seller's name.
        link: where the message opens.
    """
    words = _WORDS.get(locale.replace("_", "-").split("-")[0].lower(), _WORDS["en"])
    facts = {"source": one_line(source)[:SOURCE_LENGTH] or words.unnamed_source, "name": one_line(name), "link": link}
    body = words.sms if channel == "sms" else words.email
    return Text(subject=words.subject.format(**facts), body=body.format(**facts))


def one_line(text: str) -> str:
    """`text` without line breaks or control characters: they would end a header and start another."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
