"""Made-up visitors who fill in forms; no two share an address or a telephone."""

import itertools
import random
from collections.abc import Iterator
from urllib.parse import urlencode

from bench.load import request

FORM = "application/x-www-form-urlencoded"
CITIES = ("Lisboa", "Porto", "Braga", "Coimbra", "Faro", "Évora")
MOBILE_NUMBERS = 10**7


def visitors() -> Iterator[dict[str, str]]:
    """What each visitor types, without end."""
    series = random.randrange(MOBILE_NUMBERS)
    for number in itertools.count():
        yield {
            "name": f"Visitor {series} {number}",
            "email": f"visitor.{series}.{number}@example.com",
            "phone": f"+35191{(series + number) % MOBILE_NUMBERS:07d}",
            "city": CITIES[number % len(CITIES)],
            "message": "I saw the flat on the third floor and would like to visit it this week.",
        }


def posts(paths: list[str]) -> Iterator[bytes]:
    """Form posts, to each path in turn."""
    for path, visitor in zip(itertools.cycle(paths), visitors(), strict=False):
        yield request(path, urlencode(visitor).encode(), FORM)
