"""Finding a person by what somebody types."""

import unicodedata


def matches(q: str, name: str, email: str, phone: str) -> bool:
    """Whether `q` is part of a name or e-mail address, whatever the case and the accents, or of a phone number."""
    wanted = _plain(q)
    if wanted in _plain(name) or wanted in _plain(email):
        return True
    digits = "".join(filter(str.isdecimal, q))
    is_number = digits and not any(map(str.isalpha, q))
    return bool(is_number) and digits in "".join(filter(str.isdecimal, phone))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character)).strip()
