"""Ready-made forms to begin with."""

from dataclasses import dataclass

from flask_babel import LazyString, lazy_gettext
from flask_babel import gettext as _

from gateway.web.form_definition import Typed, field


@dataclass(frozen=True, slots=True)
class Start:
    """Something to begin with."""

    key: str
    name: LazyString
    words: LazyString
    icon: str


STARTS = (
    Start("contact", lazy_gettext("Contact"), lazy_gettext("Name, e-mail or telephone, a message."), "message"),
    Start("quote", lazy_gettext("Quote request"), lazy_gettext("What they need, how much, for which company."), "tag"),
    Start("event", lazy_gettext("Event sign-up"), lazy_gettext("Who comes, with how many, from where."), "calendar"),
    Start("blank", lazy_gettext("Blank"), lazy_gettext("One field; the rest is yours."), "forms"),
)


def start(key: str, locale: str, region: str) -> Typed | None:
    """What the page holds to begin with, in the reader's language; None when there is no such start."""
    made = {"contact": _contact, "quote": _quote, "event": _event, "blank": _blank}.get(key)
    if made is None:
        return None
    plain = {"source": "site", "channel": "site", "title": "", "thanks": "", "key": "", "origins": "", "team_id": ""}
    return {**plain, "region": region, "locale": locale, **made()}


def _contact() -> Typed:
    message = field(_("How can we help?"), "message", max_length="2000")
    return {"name": _("Contact"), "title": _("Talk to us"), "fields": [_name(), *_either(), message, _consent()]}


def _quote() -> Typed:
    rows = [
        _name(),
        field(_("Company"), "company", role="company"),
        *_either(),
        field(_("What do you need a price for?"), "product", role="product", required=True),
        field(_("How many?"), "quantity", "number", max_length="20"),
        field(_("City"), "city", role="city"),
        _consent(),
    ]
    return {"name": _("Quote request"), "title": _("Ask for a quote"), "fields": rows}


def _event() -> Typed:
    rows = [
        _name(),
        field(_("E-mail"), "email", "email", "email", required=True),
        field(_("Telephone"), "phone", "phone", "phone"),
        field(_("Company"), "company", role="company"),
        field(_("How many of you will come?"), "guests", "choice", choices="1\n2\n3\n4\n5+", required=True),
        _consent(),
    ]
    names = {"name": _("Event sign-up"), "title": _("Sign up for the event"), "source": "event", "channel": "event"}
    return {**names, "thanks": _("You are on the list. See you there!"), "fields": rows}


def _blank() -> Typed:
    return {"name": "", "fields": [field()]}


def _name() -> Typed:
    return field(_("Your name"), "name", role="name", required=True)


def _either() -> list[Typed]:
    return [
        field(_("E-mail"), "email", "email", "email", one_of=True),
        field(_("Telephone"), "phone", "phone", "phone", one_of=True),
    ]


def _consent() -> Typed:
    return field(_("I agree to be contacted about this."), "consent", "consent", required=True)
