"""Named queries of distribution. Whoever changes work, counters or debts holds the pools first, then the sellers."""

from services.distribution.store import pools, priority, sight, staff, work
from services.distribution.store.reading import Rows
from services.distribution.tables import metadata

__all__ = ["Rows", "metadata", "pools", "priority", "sight", "staff", "work"]
