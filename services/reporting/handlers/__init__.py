"""Use cases of reporting."""

from services.reporting.handlers.counts import counts, overview
from services.reporting.handlers.facts import add_journeys, count_facts, keep_sellers
from services.reporting.handlers.reports import cross, journeys, report

__all__ = ["add_journeys", "count_facts", "counts", "cross", "journeys", "keep_sellers", "overview", "report"]
