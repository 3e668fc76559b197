"""Addresses in one spelling, so that two spellings of one address are known to be the same."""


def spelled(channel: str, address: str) -> str:
    """A phone number as `+` and digits, as far as it says its country, or an e-mail address in small letters."""
    if channel != "sms":
        return address.strip().casefold()
    digits = "".join(character for character in address if character.isdecimal() and character.isascii())
    if address.strip().startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits
