"""The figures that a Prometheus scrapes at `/metrics`; each part counts on its own, here by name.

Labels are few and bounded: sources, readers and verdicts, never items, orders or keys. Counters
and histograms hold what a process did: this one, and its workers under their names. Gauges are
filled from the database at each scrape, so they hold for all processes together.
"""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

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
CLOCK_AHEAD = Counter(
    "crossdock_clock_ahead",
    "New facts dated more than five minutes after their receipt; clamped for ordering.",
    ["source"],
    registry=REGISTRY,
)
WAITING_FACTS = Gauge(
    "crossdock_waiting_facts",
    "Facts that wait for an item, a location or a unit to become known.",
    ["source"],
    registry=REGISTRY,
)
QUARANTINED = Gauge(
    "crossdock_quarantined",
    "Messages and facts that could not be applied and wait for a person.",
    ["source"],
    registry=REGISTRY,
)
READER_LAG = Gauge(
    "crossdock_reader_lag_seconds",
    "Age of the oldest event that a reader has not passed yet; 0 when it has caught up.",
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
READER_REFUSALS = Gauge(
    "crossdock_reader_refusals",
    "Events that a reader could not apply and set aside.",
    ["reader"],
    registry=REGISTRY,
)
PROCESS_DECISIONS = Counter(
    "crossdock_process_decisions",
    "Instances that a process has decided about.",
    ["process"],
    registry=REGISTRY,
)
PROCESS_PARKED = Gauge(
    "crossdock_process_parked",
    "Instances whose decision failed; they wait for a person.",
    ["process"],
    registry=REGISTRY,
)
OUTBOX_DEPTH = Gauge(
    "crossdock_outbox_depth",
    "Commands that wait or are on their way.",
    ["connection", "lane"],
    registry=REGISTRY,
)
OUTBOX_AGE = Gauge(
    "crossdock_outbox_age_seconds",
    "Age of the oldest command that waits or is on its way.",
    ["connection", "lane"],
    registry=REGISTRY,
)
OUTBOX_ATTEMPTS = Counter(
    "crossdock_outbox_attempts",
    "Commands tried, by how it ended.",
    ["connection", "outcome"],
    registry=REGISTRY,
)
OUTBOX_SECONDS = Histogram(
    "crossdock_outbox_seconds",
    "Time from the decision for a command to the proof that it was carried out.",
    ["connection"],
    buckets=_SLOW,
    registry=REGISTRY,
)
DEAD_LETTERS = Gauge(
    "crossdock_dead_letters",
    "Commands that wait for a person.",
    ["connection"],
    registry=REGISTRY,
)
CIRCUIT_OPEN = Gauge(
    "crossdock_circuit_open",
    "1 while calls to a connection do not get through, 0 once a probe does.",
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
    "Time to decide a batch of reservation requests, durably.",
    buckets=_FAST,
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "crossdock_http_request_seconds",
    "Time to answer a request, by route template and status class.",
    ["route", "status"],
    buckets=_FAST,
    registry=REGISTRY,
)


def fill(gauge: Gauge, rows: Iterable[tuple[tuple[str, ...], float]]) -> None:
    """Put (labels, value) pairs in the place of all that a gauge showed before."""
    gauge.clear()
    for labels, value in rows:
        gauge.labels(*labels).set(value)


def exposition(others: Mapping[str, str] | None = None) -> bytes:
    """Show what this process has counted; what `others` did carries their names as `process`."""
    return generate_latest(_Combined(others) if others else REGISTRY)


class _Combined(Collector):
    """This process's families, with the counts of others in them; gauges are everybody's."""

    def __init__(self, others: Mapping[str, str]) -> None:
        self._others = others

    def collect(self) -> Iterable[Metric]:
        families = {family.name: family for family in REGISTRY.collect()}
        for process, text in self._others.items():
            for family in text_string_to_metric_families(text):
                known = families.get(family.name)
                if known is None or family.type == "gauge":
                    continue
                for sample in family.samples:
                    labels = {**sample.labels, "process": process}
                    known.add_sample(sample.name, labels, sample.value)
        return families.values()
