"""Log lines say what happened and to which thread it belongs, and never tell a secret."""

import asyncio
import io
import logging
import re
import string
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any, ClassVar
from unicodedata import category

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr

from crossdock.foundation import metrics, telemetry
from crossdock.foundation.settings import Settings
from crossdock.governance.keys import mint
from tests.figures import figure, written

CANARY = "canary-4711-secret"


def test_a_line_carries_the_correlation_id_of_its_thread(lines: io.StringIO) -> None:
    log = structlog.get_logger("crossdock.test")
    with telemetry.correlated("so_77", connection="wms"):
        log.info("picked", pieces=4)
    log.info("idle")

    inside, outside = written(lines)
    assert inside["correlation_id"] == "so_77"
    assert (inside["event"], inside["pieces"], inside["connection"]) == ("picked", 4, "wms")
    assert "correlation_id" not in outside


SCRIPT = r"""
import structlog
from crossdock.foundation import telemetry

def connect(dsn, password):
    raise OSError("no answer \x1b]0;steered\x07")

telemetry.join_logging()
try:
    connect("postgresql://u:canary-4711-secret@h/d", "canary-4711-secret")
except OSError:
    structlog.get_logger("crossdock.test").exception("job failed", password="canary-4711-secret")
"""


def test_a_script_that_opens_a_hub_logs_a_failure_once_and_no_secret_of_its_frames() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )

    # The line of the script itself is no frame's: `-c` has no source to show.
    assert CANARY not in done.stderr
    assert (done.stderr.count("Traceback"), done.stderr.count("job failed")) == (1, 1)
    assert "OSError: no answer" in done.stderr
    assert "\x1b" not in done.stderr


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


@given(st.text(st.characters(max_codepoint=0x2FF) | st.sampled_from("\x1b\x07\x9b")))
def test_nothing_that_came_from_outside_steers_the_terminal_that_shows_a_line(told: str) -> None:
    root, lines = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers, root.level
    telemetry.configure(Settings(log_format="console"), stream=lines)
    structlog.get_logger().warning("said " + told, key=told, inner={"key": told})
    logging.getLogger("library").warning("said %s", told)
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()

    assert lines.getvalue().count("said ") == 2
    assert not {one for one in lines.getvalue() if category(one) == "Cc"} - set("\t\n")


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


async def test_a_script_has_its_standard_output_to_itself(tmp_path: Path) -> None:
    script = """
import asyncio, structlog
from crossdock import Hub
from crossdock.foundation.settings import Settings

async def main():
    async with Hub.open(Settings(data_dir="{folder}")):
        structlog.get_logger("crossdock.test").info("quiet")
        structlog.get_logger("crossdock.test").warning("loud", count=1)
        print("mine")

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script.replace("{folder}", str(tmp_path))),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()

    assert said == b"mine\n"
    assert b"loud" in errors
    assert b"count=1" in errors
    assert b"quiet" not in errors


async def test_nothing_is_traced_unless_it_is_asked_for() -> None:
    assert telemetry.traceparent() == ""
    async with telemetry.traces(Settings(data_dir=Path("/x"))):
        assert not telemetry.is_tracing()
        with telemetry.span("request") as current:
            assert not current.is_recording()


def test_a_span_names_its_step_and_a_line_inside_names_the_span(
    spans: InMemorySpanExporter, lines: io.StringIO
) -> None:
    with telemetry.span("outbox delivery", {"crossdock.connection": "shop"}):
        structlog.get_logger("crossdock.test").info("sent")

    [span] = spans.get_finished_spans()
    [line] = written(lines)
    assert (span.name, dict(span.attributes or {})) == (
        "outbox delivery",
        {"crossdock.connection": "shop"},
    )
    assert span.context
    assert line["trace_id"] == f"{span.context.trace_id:032x}"
    assert line["span_id"] == f"{span.context.span_id:016x}"


def test_a_span_goes_on_with_the_trace_of_a_caller_and_names_itself_to_others(
    spans: InMemorySpanExporter,
) -> None:
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert telemetry.traceparent() == ""

    with telemetry.span("request", caller=caller):
        said = telemetry.traceparent()

    [span] = spans.get_finished_spans()
    assert span.context
    assert span.parent
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert said.startswith(f"00-0af7651916cd43dd8448eb211c80319c-{span.context.span_id:016x}-")


@given(caller=st.text() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"))
def test_whatever_a_caller_sends_a_step_is_taken(caller: str) -> None:
    with (
        telemetry.traced(SimpleSpanProcessor(InMemorySpanExporter())),
        telemetry.span("request", caller=caller),
    ):
        said = telemetry.traceparent()

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", said)


def test_a_span_belongs_to_the_thread_it_is_begun_in(spans: InMemorySpanExporter) -> None:
    with telemetry.correlated("so_77", call_id="c1"), telemetry.span("reader page"):
        pass

    [span] = spans.get_finished_spans()
    assert dict(span.attributes or {}) == {
        "crossdock.correlation_id": "so_77",
        "crossdock.call_id": "c1",
    }


class Collector(BaseHTTPRequestHandler):
    """Takes in traces as an OTLP collector does."""

    heard: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # it says nothing, whatever it is handed
        """Keep still."""


async def test_traces_reach_the_address_that_is_set_before_the_process_ends() -> None:
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        serving = Thread(target=collector.serve_forever)
        serving.start()
        address = f"http://127.0.0.1:{collector.server_port}"
        async with telemetry.traces(Settings(data_dir=Path("/x"), otlp_endpoint=address)):
            assert telemetry.is_tracing()
            with telemetry.span("request"):
                pass
        collector.shutdown()
        serving.join()

    assert Collector.heard == ["/v1/traces"]
    assert not telemetry.is_tracing()


def test_a_block_without_an_id_stays_in_its_thread(lines: io.StringIO) -> None:
    with telemetry.correlated("so_79"), telemetry.correlated("", call_id="c1"):
        structlog.get_logger("crossdock.test").info("sent")

    [line] = written(lines)
    assert (line["correlation_id"], line["call_id"]) == ("so_79", "c1")


def test_every_figure_has_a_name_of_ours_and_a_sentence() -> None:
    metrics.EVENTS.labels("wms", "NEW").inc()
    text = metrics.exposition().decode()

    for family in metrics.REGISTRY.collect():
        assert family.name.startswith("crossdock_")
        assert family.documentation.endswith(".")
    assert 'crossdock_events_total{source="wms",verdict="NEW"}' in text


def test_what_is_no_longer_there_is_no_longer_shown() -> None:
    metrics.fill(metrics.DEAD_LETTERS, [(("shop",), 2), (("wms",), 1)])
    metrics.fill(metrics.DEAD_LETTERS, [(("wms",), 3)])

    assert (figure("crossdock_dead_letters", connection="shop")) == 0
    assert (figure("crossdock_dead_letters", connection="wms")) == 3


def test_every_figure_is_moved_by_somebody() -> None:
    sources = [path.read_text() for path in Path("src/crossdock").rglob("*.py")]
    names = [name for name, kind in vars(metrics).items() if isinstance(kind, MetricWrapperBase)]

    assert names
    assert [name for name in names if not any(f"metrics.{name}" in text for text in sources)] == []


def test_counts_of_other_processes_stand_beside_ours_under_their_names() -> None:
    metrics.EVENTS.labels("wms", "NEW").inc(3)
    theirs = metrics.exposition().decode()

    shown = metrics.exposition({"worker-1": theirs}).decode()

    count = metrics.REGISTRY.get_sample_value(
        "crossdock_events_total", {"source": "wms", "verdict": "NEW"}
    )
    assert f'crossdock_events_total{{source="wms",verdict="NEW"}} {count}' in shown
    assert (
        f'crossdock_events_total{{process="worker-1",source="wms",verdict="NEW"}} {count}' in shown
    )
    assert shown.count("# TYPE crossdock_events_total counter") == 1
    assert "crossdock_circuit_open{process=" not in shown
