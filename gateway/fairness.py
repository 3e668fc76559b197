"""Who of a team was due what and got what, beside what they have and may have."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.parts import call

MOST = 100
"""Members that are asked for."""

_OF_SELLER = ("open_work", "open_cap", "given_today", "daily_cap")


def shares_of(team_id: str, shares: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shares as `distribution.fairness` tells them, each with `open_work`, `open_cap`, `given_today` and `daily_cap`,
    null for who has left the team; who is owed the most first."""
    sellers = call("distribution", "list_sellers", team_id=team_id, limit=MOST)["items"]
    standing = {seller["seller_id"]: seller for seller in sellers}
    return [
        {**share, **{name: standing.get(share["seller_id"], {}).get(name) for name in _OF_SELLER}}
        for share in sorted(shares, key=lambda share: (-share["debt"], share["name"]))
    ]
