"""The only file that knows the HTTP client: calls that tell what may have happened.

No proxy from the environment, no redirect, no cookie, no decompression: a call goes to the address
that was checked, brings at most so many bytes, and ends in time.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import quote, urlencode, urlsplit

import httpcore2

from crossdock.canonical.errors import (
    Ambiguous,
    Conflict,
    CrossdockError,
    Forbidden,
    Invalid,
    NotFound,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.connectivity.transports.addresses import checked_host
from crossdock.connectivity.transports.resolving import (
    Resolver,
    callable_addresses,
    resolve,
)
from crossdock.foundation import skew, telemetry
from crossdock.foundation.clock import Clock

MIB = 1024 * 1024
CONNECT_SECONDS_MAX = 10.0
CONNECTIONS_MAX = 64
# Below the five seconds after which common servers hang up, so that a kept connection is rarely
# closed under a request.
KEEP_ALIVE_SECONDS = 4.0
PORT_MAX = 65535
RETRY_AFTER_MAX = timedelta(days=1)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_PORT_DEFAULT = {"http": 80, "https": 443}

# OSError covers the total time-out and what TLS raises in the middle of a conversation.
_BROKEN_CALL = (
    OSError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back, whatever the status. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    elapsed_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parsed(cls, base_url: str) -> Self:
        if not base_url.isascii() or not base_url.isprintable() or re.search(r"[\s\\]", base_url):
            raise Invalid("The URL holds characters that no URL has", where="base_url")
        try:
            parts = urlsplit(base_url)
            port = parts.port
        except ValueError as problem:
            raise Invalid(f"The URL cannot be read: {problem}", where="base_url") from None
        if parts.scheme not in _PORT_DEFAULT:
            raise Invalid(f"{parts.scheme!r} is neither http nor https", where="base_url")
        if "@" in parts.netloc:
            raise Invalid("Credentials do not belong into a URL", where="base_url")
        if parts.query or parts.fragment:
            raise Invalid("A base URL has no query and no fragment", where="base_url")
        if port == 0:
            raise Invalid("Port 0 cannot be called", where="base_url")
        host, _, _ = (
            parts.netloc.rpartition(":") if _has_port(parts.netloc) else (parts.netloc, 0, 0)
        )
        return cls(
            parts.scheme,
            checked_host(host),
            port or _PORT_DEFAULT[parts.scheme],
            parts.path.rstrip("/"),
        )

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORT_DEFAULT[self.scheme] else f"{host}:{self.port}"

    def url(self, path: str, query: Mapping[str, str]) -> httpcore2.URL:
        # Percent signs stay: the caller's path is encoded already, or has nothing to encode.
        target = quote(self.path + path, safe="/:@!$&'()*+,;=-._~%?")
        if query:
            target += ("&" if "?" in target else "?") + urlencode(query)
        return httpcore2.URL(
            scheme=self.scheme.encode(),
            host=self.host.encode(),
            port=self.port,
            target=target.encode(),
        )


def target_of(url: str) -> tuple[str, str]:
    """Part a whole address into what is called and what is asked for there; refuse others."""
    base, mark, query = url.partition("?")
    _Origin.parsed(base)
    if not re.fullmatch(r"[!-~]*", query) or "#" in query:
        raise Invalid("The query holds characters that no URL has", where="base_url")
    return base, mark + query


def _has_port(netloc: str) -> bool:
    return ":" in netloc.rpartition("]")[2]


class _PinnedNetwork(httpcore2.AsyncNetworkBackend):
    """Resolves a name once per connection, checks every answer, and connects to what it checked.

    The name itself stays with the HTTP layer, for the Host header and for TLS.
    """

    def __init__(self, resolver: Resolver, *, allow_private_addresses: bool) -> None:
        self._sockets = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self._resolver = resolver
        self._allow_private_addresses = allow_private_addresses

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the base class's word
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        problem: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in await callable_addresses(
            host,
            port,
            resolver=self._resolver,
            allow_private_addresses=self._allow_private_addresses,
            seconds_max=timeout,
        ):
            try:
                return await self._sockets.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as refused:
                problem = refused
        raise problem


class _Progress:
    """How far a request came: once a byte of it may have left, its effect may exist."""

    def __init__(self) -> None:
        self.is_sent = False

    async def __call__(self, name: str, _info: Mapping[str, Any]) -> None:
        if name == "http11.send_request_headers.started":
            self.is_sent = True


class HttpClient:
    """One origin, called over kept connections.

    `request` raises on no status; `checked` does. What it raises itself says whether the call may
    have had an effect: `Unavailable` no, `Ambiguous` perhaps.
    """

    def __init__(  # noqa: PLR0913 - each is a limit with a default
        self,
        base_url: str,
        *,
        clock: Clock,
        allow_private_addresses: bool = False,
        timeout_seconds: float = 30,
        response_bytes_max: int = 64 * MIB,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = _Origin.parsed(base_url)
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._response_bytes_max = response_bytes_max
        self._timeouts = {
            "connect": min(timeout_seconds, CONNECT_SECONDS_MAX),
            "read": timeout_seconds,
            "write": timeout_seconds,
            "pool": timeout_seconds,
        }
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=CONNECTIONS_MAX,
            max_keepalive_connections=CONNECTIONS_MAX,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=_PinnedNetwork(
                resolver, allow_private_addresses=allow_private_addresses
            ),
        )

    async def __aenter__(self) -> Self:
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._pool.__aexit__(exc_type, exc_value, traceback)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> HttpResponse:
        progress = _Progress()
        request = self._request(method, path, query or {}, headers or {}, body)
        request.extensions = {"timeout": self._timeouts, "trace": progress}
        sent, started = self._clock.now(), self._clock.ticks()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                status, answered, content = await self._exchanged(request)
        except _BROKEN_CALL as problem:
            raise self._failure(method, progress, problem) from problem
        skew.hear(answered, sent, self._clock.now())
        return HttpResponse(status, answered, content, self._clock.ticks() - started)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpcore2.Request:
        if method not in METHODS:
            raise Invalid(f"{method!r} is not a method this transport sends", where="method")
        if path and not path.startswith(("/", "?")):
            raise Invalid(f"{path!r} does not begin with a slash", where="path")
        sent = {
            "host": self._origin.authority,
            "accept": "*/*",
            "accept-encoding": "identity",
            "user-agent": "crossdock",
            **_checked_headers(headers),
        }
        if span := telemetry.traceparent():
            sent[telemetry.TRACEPARENT] = span
        if body or method not in SAFE_METHODS:
            sent["content-length"] = str(len(body))
        return httpcore2.Request(
            method,
            self._origin.url(path or ("" if self._origin.path else "/"), query),
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            content=body,
        )

    async def _exchanged(self, request: httpcore2.Request) -> tuple[int, dict[str, str], bytes]:
        response = await self._pool.handle_async_request(request)
        try:
            headers = _combined(response.headers)
            chunks: list[bytes] = []
            room = self._response_bytes_max
            async for chunk in response.aiter_stream():
                chunks.append(chunk)
                room -= len(chunk)
                if room < 0:
                    raise Rejected(
                        f"{self._origin.host} answered {response.status} with more than "
                        f"{self._response_bytes_max} bytes",
                        code="response_too_large",
                    )
        finally:
            await response.aclose()
        return response.status, headers, b"".join(chunks)

    def _failure(self, method: str, progress: _Progress, problem: Exception) -> CrossdockError:
        said = str(problem) or type(problem).__name__
        if not progress.is_sent:
            return Unavailable(f"{self._origin.host} could not be reached: {said}")
        if method in SAFE_METHODS:
            return Unavailable(f"{self._origin.host} gave no whole answer: {said}")
        return Ambiguous(
            f"{self._origin.host} was sent a {method} and gave no whole answer: {said}",
            hint="Read back before sending it again.",
        )


def _checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    checked: dict[str, str] = {}
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OWN_HEADERS:
            raise Invalid(f"The header {name!r} cannot be sent", where="headers")
        if not _HEADER_VALUE.fullmatch(value):
            # The value may be a secret, so it is not quoted.
            raise Invalid(f"The value of {name!r} holds control characters", where="headers")
        checked[name.lower()] = value
    return checked


def _combined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


_ERROR_BY_STATUS: Mapping[int, type[CrossdockError]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    412: Conflict,
    425: Unavailable,
    429: Unavailable,
    502: Ambiguous,
    503: Unavailable,
    504: Ambiguous,
}


def checked(response: HttpResponse) -> HttpResponse:
    """Raise what a status means; give back an answer that means success."""
    status = response.status
    if status < 300 or status == 304:  # noqa: PLR2004 - the numbers are the protocol's words
        return response
    message = f"HTTP {status}: {_excerpt(response.body)}"
    if status in {429, 503} and (pause := retry_after(response)) is not None:
        raise Throttled(message, retry_after=pause)
    if status in _ERROR_BY_STATUS:
        raise _ERROR_BY_STATUS[status](message)
    raise Ambiguous(message) if status >= 500 else Rejected(message)  # noqa: PLR2004 - HTTP's own number


def retry_after(response: HttpResponse) -> timedelta | None:
    """Read how long the other side wants to be left alone.

    A date is compared with the answer's own Date, so a wrong clock on either side does no harm.
    """
    said = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", said):
        return min(timedelta(seconds=float(said)), RETRY_AFTER_MAX)
    try:
        pause = parsedate_to_datetime(said) - parsedate_to_datetime(response.headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return min(max(pause, timedelta()), RETRY_AFTER_MAX)


def _excerpt(body: bytes) -> str:
    text = body[:200].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip() or "no body"
