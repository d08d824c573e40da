"""The figures that a Prometheus scrapes at `/metrics`; each part counts on its own, here by name.

Labels are few and bounded: connections, readers and verdicts, never items, orders or keys.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry(auto_describe=True)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)

EVENTS = Counter(
    "crossdock_events",
    "Facts offered to the log, by what became of them.",
    ["source", "verdict"],
    registry=REGISTRY,
)
READER_LAG = Gauge(
    "crossdock_reader_lag_seconds",
    "Age of the oldest event that a reader has not applied yet; 0 when it has caught up.",
    ["reader"],
    registry=REGISTRY,
)
READER_PAGE = Histogram(
    "crossdock_reader_page_seconds",
    "Time to apply one page of the log.",
    ["reader"],
    buckets=_FAST,
    registry=REGISTRY,
)
OUTBOX_DEPTH = Gauge(
    "crossdock_outbox_depth",
    "Commands that wait to be carried out, by connection.",
    ["connection"],
    registry=REGISTRY,
)
OUTBOX_AGE = Gauge(
    "crossdock_outbox_age_seconds",
    "Age of the oldest command that waits, by connection.",
    ["connection"],
    registry=REGISTRY,
)
OUTBOX_ATTEMPTS = Counter(
    "crossdock_outbox_attempts",
    "Commands tried, by how it ended.",
    ["connection", "outcome"],
    registry=REGISTRY,
)
DEAD_LETTERS = Gauge(
    "crossdock_dead_letters",
    "Commands and messages that wait for a person, by connection.",
    ["connection"],
    registry=REGISTRY,
)
RESERVATION_BATCH = Histogram(
    "crossdock_reservation_batch_size",
    "Requests decided by one statement.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
    registry=REGISTRY,
)
RESERVATION_SECONDS = Histogram(
    "crossdock_reservation_seconds",
    "Time from a reservation request to its durable answer.",
    buckets=_FAST,
    registry=REGISTRY,
)
PROPAGATION_SECONDS = Histogram(
    "crossdock_propagation_seconds",
    "Time from a movement's receipt to the proven write at a channel.",
    ["connection"],
    buckets=_SLOW,
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "crossdock_http_request_seconds",
    "Time to answer a request, by route template and status class.",
    ["route", "status"],
    buckets=_FAST,
    registry=REGISTRY,
)


def exposition() -> bytes:
    return generate_latest(REGISTRY)
