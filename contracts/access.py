"""Who asks, and how far they see. The gateway finds out, it travels with every call; who owns data filters by it."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["admin", "manager", "supervisor", "seller"]

ROLES: tuple[Role, ...] = ("admin", "manager", "supervisor", "seller")
"""From the one who may do most to the one who may do least."""

ADMINS, MANAGERS, SUPERVISORS = ROLES[:1], ROLES[:2], ROLES[:3]
"""Who administers; who sees and sets up everything; who leads people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody who asks a service for something.

    role: None for nobody, who sees nothing. An admin and a manager see everything, a supervisor what belongs to
        `team_ids`, a seller what belongs to `seller_id`.
    account_id, name: whom an audit trail names; a key of the API has a name only.
    """

    role: Role | None = None
    seller_id: str = ""
    team_ids: tuple[str, ...] = ()
    account_id: str = ""
    name: str = ""

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden from them."""
        return self.role in ("admin", "manager")

    @property
    def sees_teams(self) -> bool:
        """Whether they see their teams and no more."""
        return self.role == "supervisor"


NOBODY = Actor()
OPERATOR = Actor(role="admin", name="command line")
"""Whoever may run the command line on a machine of the installation."""
