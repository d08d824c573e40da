"""Log lines say what happened and to which thread it belongs, and never tell a secret."""

import io
import json
import logging
import string
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from crossdock.foundation import metrics, telemetry
from crossdock.foundation.settings import Settings
from crossdock.governance.keys import mint

CANARY = "canary-4711-secret"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Log as JSON into a text, and put logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    telemetry.configure(Settings(log_format="json", data_dir=Path("/x")), stream=stream)
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(lines: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_carries_the_correlation_id_of_its_thread(lines: io.StringIO) -> None:
    log = structlog.get_logger("crossdock.test")
    with telemetry.correlated("so_77", connection="wms"):
        log.info("picked", pieces=4)
    log.info("idle")

    inside, outside = written(lines)
    assert inside["correlation_id"] == "so_77"
    assert (inside["event"], inside["pieces"], inside["connection"]) == ("picked", 4, "wms")
    assert "correlation_id" not in outside


def test_the_libraries_lines_look_like_ours(lines: io.StringIO) -> None:
    with telemetry.correlated("so_78"):
        logging.getLogger("some.library").warning("odd request")

    [line] = written(lines)
    assert (line["event"], line["level"], line["correlation_id"]) == (
        "odd request",
        "warning",
        "so_78",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"token": CANARY},
        {"api_key": CANARY},
        {"Authorization": f"Bearer {CANARY}"},
        {"settings": {"shop": {"client_secret": CANARY}}},
        {"settings": [{"password": CANARY}]},
        {"headers": {"X-Shop-Access-Token": CANARY}},
        {"value": SecretStr(CANARY)},
        {"values": (SecretStr(CANARY),)},
        {"error": f"cannot reach postgresql://hub:{CANARY}@db/main"},
        {"dsn": f"postgresql://hub:{CANARY}@db/main"},
    ],
)
def test_a_secret_never_reaches_a_line(lines: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger("crossdock.test").warning("connected", **fields)

    assert CANARY not in lines.getvalue()
    assert telemetry.HIDDEN in lines.getvalue()


def test_a_key_of_ours_is_masked_wherever_it_stands(lines: io.StringIO) -> None:
    token = mint(Random(3))
    structlog.get_logger("crossdock.test").info(f"called with {token.reveal()}, refused")
    try:
        int(token.reveal())
    except ValueError:
        structlog.get_logger("crossdock.test").exception("refused")

    assert token.secret not in lines.getvalue()
    assert token.key_id in lines.getvalue()


names = st.text(string.ascii_lowercase, max_size=8)
nested = st.recursive(
    st.just(CANARY) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
)


@given(st.sampled_from(["secret", "access_token", "PASSWORD", "privateKey"]), names, nested)
def test_whatever_lies_under_a_secret_name_is_hidden(name: str, outer: str, value: Any) -> None:
    line = telemetry.redacted(None, "info", {outer + "x": {name: value}})

    assert CANARY not in repr(line)


@given(st.dictionaries(names.filter(lambda name: "dsn" not in name), st.integers()))
def test_what_is_no_secret_is_left_as_it_is(fields: dict[str, int]) -> None:
    hidden = {name for name in fields if telemetry._SECRET_NAME.search(name)}

    line = telemetry.redacted(None, "info", dict(fields))

    assert {name: line[name] for name in fields if name not in hidden} == {
        name: value for name, value in fields.items() if name not in hidden
    }


def test_the_level_that_is_set_is_the_least_that_is_written() -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    telemetry.configure(Settings(log_level="WARNING", data_dir=Path("/x")), stream=stream)
    structlog.get_logger("crossdock.test").info("quiet")
    structlog.get_logger("crossdock.test").warning("loud")
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()

    assert "loud" in stream.getvalue()
    assert "quiet" not in stream.getvalue()


def test_nothing_is_traced_unless_it_is_asked_for() -> None:
    assert telemetry.trace_to(Settings(data_dir=Path("/x"))) is None
    with telemetry.span("request") as current:
        assert not current.is_recording()


def test_a_span_names_its_step_and_a_line_inside_names_the_span() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("crossdock")

    with tracer.start_as_current_span("outbox attempt") as current:
        line = telemetry._with_trace(None, "info", {"event": "sent"})

    [span] = exporter.get_finished_spans()
    assert span.name == "outbox attempt"
    assert line["trace_id"] == f"{current.get_span_context().trace_id:032x}"


def test_every_figure_has_a_name_of_ours_and_a_sentence() -> None:
    metrics.EVENTS.labels("wms", "NEW").inc()
    text = metrics.exposition().decode()

    for family in metrics.REGISTRY.collect():
        assert family.name.startswith("crossdock_")
        assert family.documentation.endswith(".")
    assert 'crossdock_events_total{source="wms",verdict="NEW"}' in text
