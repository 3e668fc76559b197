"""Contact details as they should have been typed: E.164 phones, lower-case e-mail domains, trimmed names."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from contracts import limits

_SPACES = re.compile(r"\s+")
_DETAILS = ("name", "company", "city", "country", "sector", "product")
_NOT_CODE = re.compile(r"[^\w]+")
LONGEST = 200
LONGEST_LOCAL = 64
"""Characters before the @, by RFC 5321."""

# An address of which only the domain has to be looked at: RFC 5322's dot-atom.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """What a submission or a row of a file says of its contact. email and phone are empty when missing or not valid;
    what was given then is in wrong_email and wrong_phone.

    quality: 0 to 100, how complete and valid: e-mail and phone 40 each, name and one more detail 10 each.
    code: the company's own number of a client; document: that of an identity card or a taxpayer.
    attributes: what has no place of its own, by name. row_key: what a row of a file is known by when nothing else
    says who it is, so that the same file brings nobody twice.
    """

    name: str
    email: str
    phone: str
    company: str
    city: str
    country: str
    sector: str
    product: str
    quality: int
    code: str = ""
    document: str = ""
    wrong_email: str = ""
    wrong_phone: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    row_key: str = ""

    @property
    def keys(self) -> list[str]:
        """What identifies the contact exactly, strongest first: `code:…`, `document:…`, `email:…`, `phone:…`."""
        found = []
        if self.code:
            found.append(f"code:{self.code}")
        if self.document:
            found.append(f"document:{normal_document(self.document)}")
        if self.email:
            found.append(f"email:{self.email}")
        if self.phone:
            found.append(f"phone:{self.phone}")
        return found or ([f"row:{self.row_key}"] if self.row_key else [])


def normal_document(text: str) -> str:
    """The number of a document without the dots, dashes and spaces in which people differ, in capitals."""
    return _NOT_CODE.sub("", text).replace("_", "").upper()


def tidy(text: str) -> str:
    """Composed, without control characters, with single spaces, at most LONGEST characters."""
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in composed
    )
    return _SPACES.sub(" ", visible).strip()[:LONGEST]


def normal_email(text: str) -> str:
    """The address with its domain in lower case; the local part too, because nobody's mail server tells them apart.
    Empty when it is no address."""
    text = text.strip()
    if not text:
        return ""
    local, at, domain = text.partition("@")
    if at and len(local) <= LONGEST_LOCAL and _PLAIN_LOCAL.fullmatch(local):
        normal = _normal_domain(domain)
        return f"{local.lower()}{normal}" if normal and len(local) + len(normal) <= limits.EMAIL else ""
    return _validated(text)


@lru_cache(maxsize=20_000)
def _normal_domain(domain: str) -> str:
    """`@` and the domain as the validator writes it; empty when it is none. Checking it is most of the work, and a few
    domains have nearly all addresses."""
    return _validated(f"a@{domain}")[1:]


def _validated(text: str) -> str:
    try:
        address = validate_email(text, check_deliverability=False, allow_smtputf8=True, strict=False)
    except EmailNotValidError:
        return ""
    return address.normalized.lower()


def normal_phone(text: str, region: str) -> str:
    """The number in E.164, read as dialled in `region` (ISO country) unless it has a prefix; empty when it is no
    possible number there."""
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def contact_details(
    fields: Mapping[str, str], roles: Mapping[str, str], region: str, attributes: dict[str, str] | None = None
) -> ContactDetails:
    """What `fields` say of the contact, by the roles that the form gave its fields (role -> field name)."""

    def value(role: str) -> str:
        return fields.get(roles.get(role, ""), "")

    details = {role: tidy(text) if (text := value(role)) else "" for role in _DETAILS}
    email, phone = normal_email(value("email")), normal_phone(value("phone"), region)
    more = any(details[role] for role in _DETAILS if role != "name")
    quality = 40 * bool(email) + 40 * bool(phone) + 10 * bool(details["name"]) + 10 * more
    return ContactDetails(
        email=email,
        phone=phone,
        quality=quality,
        code=tidy(value("code"))[: limits.CODE],
        document=tidy(value("document"))[: limits.CODE],
        wrong_email="" if email else tidy(value("email")),
        wrong_phone="" if phone else tidy(value("phone")),
        attributes=attributes or {},
        **details,
    )


def together(said: Sequence[ContactDetails]) -> ContactDetails:
    """What several submissions say of one contact, oldest first: the first word on each detail, the best quality."""
    if len(said) == 1:
        return said[0]
    merged = {
        detail.name: next(
            (value for one in said if (value := getattr(one, detail.name))), getattr(said[0], detail.name)
        )
        for detail in fields(ContactDetails)
    }
    attributes = {name: value for one in reversed(said) for name, value in one.attributes.items()}
    wrong = {f"wrong_{detail}": "" if merged[detail] else merged[f"wrong_{detail}"] for detail in ("email", "phone")}
    quality = max(details.quality for details in said)
    return ContactDetails(**{**merged, **wrong, "attributes": attributes, "quality": quality})
