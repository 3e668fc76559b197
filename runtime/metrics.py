"""Prometheus metrics of every process."""

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("rodizio_published_total", "Messages the broker confirmed", ["type"])
PUBLISH_FAILED = Counter("rodizio_publish_failed_total", "Publications not confirmed", ["type", "why"])
OUTBOX_WAITING = Gauge(
    "rodizio_outbox_waiting",
    "Rows in the outbox when last counted: at least so many, for it counts no further than the brake",
)
FACTS = Counter("rodizio_facts_total", "Facts received, by what became of them", ["queue", "outcome"])
BATCH_SECONDS = Histogram(
    "rodizio_batch_seconds",
    "Time to handle one batch",
    ["queue"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
BATCH_FACTS = Histogram(
    "rodizio_batch_facts", "Facts in one batch", ["queue"], buckets=(1, 5, 20, 50, 100, 200, 500, 1000)
)
PAUSED = Gauge("rodizio_consumer_paused", "1 while consumption waits for the database or for good input")
FAILED_WAITING = Gauge("rodizio_failed_waiting", "Facts to be tried again")
PARKED = Gauge("rodizio_parked", "Facts parked for a person")
RPC_SECONDS = Histogram(
    "rodizio_rpc_seconds",
    "Time to answer an RPC",
    ["method", "outcome"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
