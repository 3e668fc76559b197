"""Contact details as they should have been typed: E.164 phones, lower-case e-mail domains, trimmed names."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_SPACES = re.compile(r"\s+")
_DETAILS = ("name", "company", "city", "country", "sector", "product")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """What a submission says of its contact. email and phone are empty when missing or not valid.

    quality: 0 to 100, how complete and valid: e-mail and phone 40 each, name and one more detail 10 each.
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

    @property
    def keys(self) -> list[str]:
        """What identifies the contact exactly, strongest first: `email:…`, `phone:…`."""
        found = []
        if self.email:
            found.append(f"email:{self.email}")
        if self.phone:
            found.append(f"phone:{self.phone}")
        return found


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
    if not text.strip():
        return ""
    try:
        address = validate_email(text.strip(), check_deliverability=False, allow_smtputf8=True, strict=False)
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


def contact_details(fields: dict[str, str], roles: dict[str, str], region: str) -> ContactDetails:
    """What `fields` say of the contact, by the roles that the form gave its fields (role -> field name)."""

    def value(role: str) -> str:
        return fields.get(roles.get(role, ""), "")

    details = {role: tidy(value(role)) for role in _DETAILS}
    email, phone = normal_email(value("email")), normal_phone(value("phone"), region)
    more = any(details[role] for role in _DETAILS if role != "name")
    quality = 40 * bool(email) + 40 * bool(phone) + 10 * bool(details["name"]) + 10 * more
    return ContactDetails(email=email, phone=phone, quality=quality, **details)


def together(said: Sequence[ContactDetails]) -> ContactDetails:
    """What several submissions say of one contact, oldest first: the first word on each detail, the best quality."""
    if len(said) == 1:
        return said[0]
    merged: dict[str, Any] = {}
    for details in said:
        for name, value in asdict(details).items():
            merged[name] = merged.get(name) or value
    return ContactDetails(**{**merged, "quality": max(details.quality for details in said)})
