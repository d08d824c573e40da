"""What the hub says about itself while it runs: log lines, and traces if somebody wants them.

`configure` is called once, by whoever starts a process; a script need not. A line carries the
correlation id of the business thread it belongs to; secrets never reach one.
"""

import asyncio
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TextIO

import structlog
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import SecretBytes, SecretStr

from crossdock.foundation.settings import Settings
from crossdock.foundation.terminal import tame

HIDDEN = "[hidden]"
DEPTH_MAX = 6
_SECRET_NAME = re.compile(
    r"secret|token|passw(or)?d|passphrase|authorization|api_?key|private_?key|cookie|dsn",
    re.IGNORECASE,
)
# A key of ours, or a password inside an address, wherever it stands in a text.
_SECRET_TEXT = re.compile(r"xd_([0-9A-Za-z]{12})_[0-9A-Za-z]{40,}|(?<=://)([^\s:/@]*):[^\s@]+@")

TRACEPARENT = "traceparent"
_W3C = TraceContextTextMapPropagator()
_THREADS = ("correlation_id", "call_id")

_UNTRACED = nullcontext(trace.INVALID_SPAN)


@dataclass(slots=True)
class _Tracing:
    """Whether this process is traced: asked at every step, so it is no more than a look."""

    tracer: Tracer | None = None


_tracing = _Tracing()


def join_logging() -> None:
    """Hand log lines to Python's own logging, unless somebody has said where they go.

    So a script that opens a hub sees warnings, on standard error, and nothing on standard output.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            redacted,
            tamed,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
            _said_once,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _said_once(_logger: Any, _method: str, text: Any) -> tuple[tuple[Any], dict[str, bool]]:
    """Keep Python's logging from writing the traceback once more, with all that is hidden."""
    return (text,), {"exc_info": False}


def configure(settings: Settings, *, stream: TextIO | None = None) -> None:
    """Send every log line, the libraries' too, through one form to standard error."""
    wire: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redacted,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *wire,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    rendering: list[structlog.types.Processor] = (
        [structlog.processors.JSONRenderer()]
        if settings.log_format == "json"
        else [tamed, structlog.dev.ConsoleRenderer(colors=_is_terminal(stream or sys.stderr))]
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=wire,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendering,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)


def redacted(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide what is named like a secret, is one by its type, or looks like one inside a text."""
    for name, value in line.items():
        line[name] = HIDDEN if _SECRET_NAME.search(name) and value else _shown(value, DEPTH_MAX)
    return line


def tamed(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Let nothing that came from outside steer the terminal that shows the line."""
    for name, value in line.items():
        if isinstance(value, str):  # all else is written as Python writes it
            line[name] = tame(value)
    return line


@contextmanager
def correlated(correlation_id: str, **more: str) -> Iterator[None]:
    """Bind the business thread to every line logged inside the block, however deep.

    Without an id of its own, the block stays in the thread it was begun in.
    """
    if correlation_id:
        more["correlation_id"] = correlation_id
    with structlog.contextvars.bound_contextvars(**more):
        yield


@asynccontextmanager
async def traces(settings: Settings) -> AsyncIterator[None]:
    """Send traces while the block lasts, if an OTLP address is set; the last leave at its end."""
    if not settings.otlp_endpoint:
        yield
        return
    # Imported here alone: it costs 90 ms, and most hubs are not traced.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - loaded only where traces are sent
        OTLPSpanExporter,
    )

    endpoint = settings.otlp_endpoint.rstrip("/")
    if not endpoint.endswith("/v1/traces"):
        endpoint += "/v1/traces"
    with traced(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))) as provider:
        try:
            yield
        finally:
            await asyncio.to_thread(provider.shutdown)


@contextmanager
def traced(processor: SpanProcessor) -> Iterator[TracerProvider]:
    """Hand every span of the block to a processor."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "crossdock"}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    before, _tracing.tracer = _tracing.tracer, provider.get_tracer("crossdock")
    try:
        yield provider
    finally:
        _tracing.tracer = before


def span(
    name: str, attributes: Mapping[str, str | int] | None = None, *, caller: str = ""
) -> AbstractContextManager[Span]:
    """Time one step at an edge: a request, a message in, a delivery out, a page of the log.

    It names the business thread that it is begun in (`correlated`). `caller` is the `traceparent`
    of who asked for it, if they sent one.
    """
    if _tracing.tracer is None:
        return _UNTRACED
    bound = structlog.contextvars.get_contextvars()
    thread = {f"crossdock.{one}": bound[one] for one in _THREADS if one in bound}
    context = _W3C.extract({TRACEPARENT: caller}) if caller else None
    return _tracing.tracer.start_as_current_span(
        name, context, attributes={**(attributes or {}), **thread}
    )


def traceparent() -> str:
    """Name the span that we are in, for whom we call; "" while this process is not traced."""
    if _tracing.tracer is None:
        return ""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(TRACEPARENT, "")


def is_tracing() -> bool:
    return _tracing.tracer is not None


def _with_trace(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        line["trace_id"] = f"{context.trace_id:032x}"
        line["span_id"] = f"{context.span_id:016x}"
    return line


def _shown(value: Any, depth: int) -> Any:
    if isinstance(value, SecretStr | SecretBytes):
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXT.sub(_masked, value)
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _shown_inside(value, depth - 1) if depth else "…"
    return value


def _shown_inside(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if _SECRET_NAME.search(str(name)) and inner else _shown(inner, depth)
            for name, inner in value.items()
        }
    return [_shown(inner, depth) for inner in value]


def _masked(match: re.Match[str]) -> str:
    return f"xd_{match[1]}_{HIDDEN}" if match[1] else f"{match[2]}:{HIDDEN}@"


def _is_terminal(stream: TextIO) -> bool:
    return hasattr(stream, "isatty") and stream.isatty()
