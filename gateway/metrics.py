"""Metrics of the gateway; its workers share files, so that any of them tells of all."""

import os

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED_FILES = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Counter("rodizio_requests_total", "Requests answered", ["part", "status"])
REQUEST_SECONDS = Histogram(
    "rodizio_request_seconds",
    "Time to answer a request",
    ["part"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
TRAIL_LOST = Counter("rodizio_trail_lost_total", "Lines of the trail that only the log has")
HELD = Counter("rodizio_held_total", "Submissions kept in the gateway's database because the broker did not take them")


def page() -> Response:
    """All metrics, as Prometheus reads them."""
    registry = REGISTRY
    if os.environ.get(SHARED_FILES):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
