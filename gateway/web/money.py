"""Amounts as people type and read them. Inside they are whole numbers of a currency's smallest unit: cents of a euro,
yens, fils of a dinar."""

import re
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.core import get_global
from babel.numbers import format_currency, get_currency_precision, get_territory_currencies
from flask_babel import get_locale

from contracts.errors import INVALID
from runtime.errors import invalid

CURRENCIES: Final = (
    *("EUR", "BRL", "USD", "GBP", "MXN", "ARS", "CLP", "COP", "PEN", "UYU", "BOB", "PYG"),
    *("AOA", "MZN", "CVE", "CHF", "JPY", "KWD"),
)
"""What can be chosen on a page; the API takes any of ISO 4217."""

WHOLE_ONLY, TWO_WAYS = "whole_amount", "amount_two_ways"
"""Codes of what is wrong with an amount: its currency has no smaller unit; it can be read in two ways."""

_LONGEST: Final = 14
"""Digits before the decimals."""

_MOST_DECIMALS: Final = {3: 4}
"""That may be typed, by what the currency has; a zero behind what it has means only that these are decimals."""

_NUMBER = re.compile(r"(\d{1,3}(?:([.,])\d{3})(?:\2\d{3})*|\d+)(?:([.,])(\d+))?")


def money(minor: int | None, currency: str) -> str:
    """An amount in minor units, such as cents; whole ones are shown without."""
    if minor is None:
        return ""
    currency = currency or "EUR"
    digits = get_currency_precision(currency)
    amount = Decimal(minor).scaleb(-digits)
    locale = get_locale() or Locale("en")
    decimals = f".{'0' * digits}" if amount % 1 else ""
    pattern = locale.currency_formats["standard"].pattern.replace(".00", decimals)
    return format_currency(amount, currency, pattern, locale, currency_digits=False)


def amount_of(text: str, currency: str) -> int | None:
    """An amount in minor units of its currency, however people write it; None when there is none.

    A comma or point before three digits parts thousands, before fewer it begins the decimals: "1.234" and "1,234" are
    the same in every language, as is "1234,5". Where a currency has three decimals, as the dinar of Kuwait, "1.234"
    alone is refused, for nobody knows which of both was meant; "1234" and "1.2340" say it.

    Raises:
        Invalid: not an amount, decimals of a currency that has none or fewer, or it can be read in two ways.
    """
    digits = get_currency_precision(currency)
    bare = re.sub(rf"[\s'’€$£¥₲]|R\$|(?i:{re.escape(currency or 'EUR')})", "", text)
    if not bare:
        return None
    found = _NUMBER.fullmatch(bare)
    if found is None:
        raise invalid("amount", INVALID, "an amount such as 1250.00")
    grouped, group, mark, decimals = found[1], found[2], found[3], found[4] or ""
    if digits > 2 and group and mark is None and grouped.count(group) == 1:
        if not grouped.startswith("0"):
            raise invalid("amount", TWO_WAYS, "a comma or point before three digits: thousands, or decimals?")
        (grouped, decimals), group = grouped.split(group), None
    whole = re.sub(r"\D", "", grouped)
    is_odd = group and grouped.startswith("0")
    if is_odd or len(whole) > _LONGEST or (mark and (mark == group or len(decimals) > _MOST_DECIMALS.get(digits, 2))):
        raise invalid("amount", INVALID, "an amount such as 1250.00")
    if decimals[digits:].strip("0"):
        raise invalid("amount", WHOLE_ONLY, f"{currency} has no decimals")
    return int(whole + decimals[:digits].ljust(digits, "0"))


def currency_of(time_zone: str) -> str:
    """The currency people pay with where the clock shows `time_zone`; the euro where we do not know."""
    territory = get_global("zone_territories").get(time_zone, "")
    known = get_territory_currencies(territory) if territory else []
    return next((currency for currency in known if currency in CURRENCIES), CURRENCIES[0])
