"""What a message says, in each locale. Nothing here is personal data of the lead: an SMS is read on locked screens."""

from dataclasses import dataclass
from typing import Final

from services.notifications.domain.segments import in_gsm

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
    one: str
    many: str
    email_of_one: str
    email_of_many: str
    unsubscribe: str


_WORDS: Final = {
    "pt": _Words(
        unnamed_source="formulário",
        one="Novo lead de {source}",
        many="{leads} novos leads",
        email_of_one="Olá {name},\n\nTem um novo lead de {source}.\n\nAbrir: {link}\n",
        email_of_many="Olá {name},\n\nTem {leads} novos leads.\n\nVer todos: {link}\n",
        unsubscribe="\nNão quer receber estes e-mails? {unsubscribe}\n",
    ),
    "es": _Words(
        unnamed_source="formulario",
        one="Nuevo lead de {source}",
        many="{leads} nuevos leads",
        email_of_one="Hola {name}:\n\nTienes un nuevo lead de {source}.\n\nAbrir: {link}\n",
        email_of_many="Hola {name}:\n\nTienes {leads} nuevos leads.\n\nVer todos: {link}\n",
        unsubscribe="\n¿No quieres recibir estos correos? {unsubscribe}\n",
    ),
    "en": _Words(
        unnamed_source="a form",
        one="New lead from {source}",
        many="{leads} new leads",
        email_of_one="Hello {name},\n\nYou have a new lead from {source}.\n\nOpen: {link}\n",
        email_of_many="Hello {name},\n\nYou have {leads} new leads.\n\nSee them all: {link}\n",
        unsubscribe="\nDo you not want these e-mails? {unsubscribe}\n",
    ),
}


def render(
    channel: str, locale: str, *, source: str, name: str, link: str, leads: int = 1, unsubscribe: str = ""
) -> Text:
    """The text of "a lead was assigned to you", or of "so many leads were".

    Args:
        channel: "sms" for the short form, "email" for the long one, "in_app" for no more than a line.
        locale: "pt", "pt-BR", "es_MX"…; one not spoken here is answered in English.
        source: name of the source the lead came from.
        name: the seller's name.
        link: where the message opens.
        leads: how many leads it tells of.
        unsubscribe: where an e-mail's recipient can take the address off; empty for no such line.
    """
    words = _WORDS.get(locale.replace("_", "-").split("-")[0].lower(), _WORDS["en"])
    source = one_line(source)[:SOURCE_LENGTH] or words.unnamed_source
    facts = {"source": source, "name": one_line(name), "link": link, "leads": leads, "unsubscribe": unsubscribe}
    title = (words.one if leads == 1 else words.many).format(**facts)
    if channel == "in_app":
        return Text(subject=title, body=title)
    if channel == "sms":
        return Text(subject=title, body=f"{in_gsm(title)}: {link}")
    body = (words.email_of_one if leads == 1 else words.email_of_many) + (words.unsubscribe if unsubscribe else "")
    return Text(subject=title, body=body.format(**facts))


def one_line(text: str) -> str:
    """`text` without line breaks or control characters: they would end a header and start another."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
