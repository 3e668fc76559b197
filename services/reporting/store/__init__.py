"""Tables and queries of reporting."""

from services.reporting.store import journeys, reports, shadow
from services.reporting.store.counts import (
    DIMENSIONS,
    add_to_log,
    add_up,
    counts,
    keep_sellers,
    overview,
    overview_by_day,
    seller_names,
)
from services.reporting.tables import fact_log, journey, metadata, rollup, seller, summary

__all__ = [
    "DIMENSIONS",
    "add_to_log",
    "add_up",
    "counts",
    "fact_log",
    "journey",
    "journeys",
    "keep_sellers",
    "metadata",
    "overview",
    "overview_by_day",
    "reports",
    "rollup",
    "seller",
    "seller_names",
    "shadow",
    "summary",
]
