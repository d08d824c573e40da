"""Calls end in time, reach only what was checked, and say what may have happened."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

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
from crossdock.connectivity.transports.addresses import checked_host, is_callable_address
from crossdock.connectivity.transports.http import (
    MIB,
    HttpClient,
    HttpResponse,
    checked,
    retry_after,
)
from crossdock.foundation import telemetry
from crossdock.foundation.clock import SystemClock
from tests.unit.connectivity.transports.certificates import certificate_for

CLOCK = SystemClock()
Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A listener on loopback that plays one conversation per connection and counts them."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.connections_count = 0
        self.port = 0
        self.heard: list[bytes] = []

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections_count += 1
        try:
            await self._conversation(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    conversation: Conversation, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(conversation)
    listener = await asyncio.start_server(server.converse, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


async def heard(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].split(b":")[1]) if lengths else 0)


def answering(*answers: bytes) -> Conversation:
    """Answer each request of a connection with the next answer; hang up after the last."""

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await heard(reader)
            writer.write(answer)
            await writer.drain()

    return conversation


def local(server: Server, timeout_seconds: float = 5, response_bytes_max: int = MIB) -> HttpClient:
    return HttpClient(
        f"http://127.0.0.1:{server.port}",
        clock=CLOCK,
        allow_private_addresses=True,
        timeout_seconds=timeout_seconds,
        response_bytes_max=response_bytes_max,
    )


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhi"


async def test_an_answer_brings_status_headers_and_body() -> None:
    async with serving(answering(OK)) as server, local(server) as client:
        response = await client.request("GET", "/things", query={"since": "a b&c"})
    assert (response.status, response.body) == (200, b"hi")
    assert response.headers["set-cookie"] == "a=1, b=2"
    assert response.elapsed_seconds > 0


async def test_the_request_arrives_as_written() -> None:
    seen: list[bytes] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await heard(reader))
        writer.write(OK)

    async with serving(conversation) as server:
        client = HttpClient(
            f"http://127.0.0.1:{server.port}/admin/", clock=CLOCK, allow_private_addresses=True
        )
        async with client:
            await client.request(
                "POST", "/o ü%2F?x=1", query={"y": "ä&"}, headers={"X-Key": "k"}, body=b"{}"
            )
    head, _, body = seen[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /admin/o%20%C3%BC%2F?x=1&y=%C3%A4%26 HTTP/1.1"
    assert f"host: 127.0.0.1:{server.port}".encode() in lines
    assert {b"x-key: k", b"content-length: 2", b"accept-encoding: identity"} <= set(lines)
    assert not any(line.lower().startswith(b"cookie") for line in lines)
    assert body == b"{}"


async def test_a_call_names_the_span_it_is_made_in_while_that_is_traced(
    spans: InMemorySpanExporter,
) -> None:
    seen: list[bytes] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            seen.append(await heard(reader))
            writer.write(OK)

    async with serving(conversation) as server, local(server) as client:
        with telemetry.span("outbox delivery"):
            await client.request("GET", "/")
        await client.request("GET", "/")

    [span] = spans.get_finished_spans()
    assert span.context
    named = f"\r\ntraceparent: 00-{span.context.trace_id:032x}-{span.context.span_id:016x}-"
    assert named.encode() in seen[0]
    assert b"traceparent" not in seen[1]


async def test_connections_are_kept() -> None:
    async with serving(answering(*[OK] * 5)) as server, local(server) as client:
        for _ in range(5):
            await client.request("GET", "/")
    assert server.connections_count == 1


async def test_a_closed_kept_connection_is_replaced() -> None:
    async with serving(answering(OK)) as server, local(server) as client:
        await client.request("GET", "/")
        await asyncio.sleep(0.05)
        await client.request("POST", "/")
    assert server.connections_count == 2


async def test_cookies_are_not_kept() -> None:
    seen: list[bytes] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            seen.append(await heard(reader))
            writer.write(OK)

    async with serving(conversation) as server, local(server) as client:
        await client.request("GET", "/")
        await client.request("GET", "/")
    assert b"cookie" not in seen[1].lower()


async def test_redirects_are_not_followed() -> None:
    async with serving(answering(OK)) as canary:
        moved = (
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{canary.port}/\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        async with serving(answering(moved.encode())) as server, local(server) as client:
            response = await client.request("GET", "/")
    assert response.status == 302
    assert canary.connections_count == 0
    with pytest.raises(Rejected):
        checked(response)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(OK)) as canary, serving(answering(OK)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
        async with local(server) as client:
            assert (await client.request("GET", "/")).status == 200
    assert canary.connections_count == 0


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection once the whole request is here: perhaps after doing it."""
    await heard(reader)
    taken = writer.get_extra_info("socket")
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    writer.transport.abort()


async def never_answer(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await heard(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.05)


CUT_SHORT = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
NOT_HTTP = answering(b"220 mail.example.com ESMTP\r\n\r\n")
MISBEHAVIOURS = [hang_up, never_answer, trickle, CUT_SHORT, NOT_HTTP]


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_a_sent_change_without_a_whole_answer_is_ambiguous(
    misbehaviour: Conversation,
) -> None:
    async with serving(misbehaviour) as server, local(server, timeout_seconds=0.3) as client:
        with pytest.raises(Ambiguous):
            await client.request("POST", "/orders", body=b"{}")


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_a_question_without_a_whole_answer_is_unavailable(
    misbehaviour: Conversation,
) -> None:
    async with serving(misbehaviour) as server, local(server, timeout_seconds=0.3) as client:
        with pytest.raises(Unavailable) as caught:
            await client.request("GET", "/orders")
    assert type(caught.value) is Unavailable


async def test_a_refused_connection_is_unavailable_even_for_a_change() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    async with HttpClient(
        f"http://127.0.0.1:{port}", clock=CLOCK, allow_private_addresses=True
    ) as client:
        with pytest.raises(Unavailable) as caught:
            await client.request("POST", "/")
    assert type(caught.value) is Unavailable


async def test_a_change_reported_as_not_sent_was_not_heard() -> None:
    """More callers than connections: whoever is told `Unavailable` must really be unheard."""
    paths_heard: set[str] = set()

    async def conversation(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        paths_heard.add((await heard(reader)).split()[1].decode())
        await reader.read(-1)

    async def sent(client: HttpClient, path: str) -> str:
        with pytest.raises(Unavailable) as caught:
            await client.request("POST", path)
        return path if type(caught.value) is Unavailable else ""

    async with serving(conversation) as server, local(server, timeout_seconds=2) as client:
        unsent = await asyncio.gather(*(sent(client, f"/{number}") for number in range(80)))
    assert len(paths_heard) >= 64
    assert not paths_heard & set(unsent)


async def test_a_name_that_does_not_resolve_is_unavailable() -> None:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    async with HttpClient("https://shop.example", clock=CLOCK, resolver=resolver) as client:
        with pytest.raises(Unavailable, match="Name or service"):
            await client.request("POST", "/")


async def test_a_resolver_that_hangs_ends_in_time() -> None:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    async with HttpClient(
        "https://shop.example", clock=CLOCK, resolver=resolver, timeout_seconds=0.1
    ) as client:
        with pytest.raises(Unavailable) as caught:
            await client.request("POST", "/")
    assert type(caught.value) is Unavailable


@pytest.mark.parametrize("length", [b"Content-Length: 5000\r\n", b""])
async def test_an_answer_above_the_cap_is_rejected(length: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + b"x" * 5000
    async with (
        serving(answering(answer)) as server,
        local(server, response_bytes_max=4999) as client,
    ):
        with pytest.raises(Rejected) as caught:
            await client.request("GET", "/")
    assert caught.value.code == "response_too_large"


async def test_an_answer_at_the_cap_is_read() -> None:
    async with serving(answering(OK)) as server, local(server, response_bytes_max=2) as client:
        assert (await client.request("GET", "/")).body == b"hi"


async def test_a_cancelled_call_leaves_a_usable_client() -> None:
    async with serving(never_answer) as server, local(server, timeout_seconds=0.3) as client:
        call = asyncio.create_task(client.request("GET", "/"))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(Unavailable):
            await asyncio.wait_for(client.request("GET", "/"), 3)


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("TRACE", "/", {}),
        ("get", "/", {}),
        ("GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "/", {}),
        ("GET", "http://elsewhere.example/", {}),
        ("GET", "@elsewhere.example/", {}),
        ("GET", ":81/", {}),
        ("GET", "/", {"Host": "elsewhere.example"}),
        ("GET", "/", {"Transfer-Encoding": "chunked"}),
        ("GET", "/", {"Content-Length": "0"}),
        ("GET", "/", {"X-Note": "a\r\nX-Other: b"}),
        ("GET", "/", {"X-Note": "a\nb"}),
        ("GET", "/", {"X-Note": "a\0b"}),
        ("GET", "/", {"X-Note": "snow \u2603"}),
        ("GET", "/", {"X Note": "a"}),
        ("GET", "/", {"X-Note:": "a"}),
        ("GET", "/", {"": "a"}),
    ],
)
async def test_a_request_that_smuggles_is_invalid(
    method: str, path: str, headers: dict[str, str]
) -> None:
    async with serving(answering(OK)) as canary, local(canary) as client:
        with pytest.raises(Invalid):
            await client.request(method, path, headers=headers)
    assert canary.connections_count == 0


async def test_a_line_break_in_a_path_stays_inside_the_path() -> None:
    seen: list[bytes] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await heard(reader))
        writer.write(OK)

    async with serving(conversation) as server, local(server) as client:
        await client.request("GET", "/a\r\nX-Evil: 1#b")
    assert seen[0].startswith(b"GET /a%0D%0AX-Evil:%201%23b HTTP/1.1\r\n")


# --- which addresses are called ---------------------------------------------------------------

LOOPBACK_SPELLINGS = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001",
    "0x7f.0.0.1", "0x7f.1", "0X7F000001", "017700000001", "0177.0.0.1", "0177.0.0.01", "00177.1",
    "127.0.0.1.", "127.0.0.0x1", "127.0.0.01", "127.00.0.1", "0x7F.0x0.0x0.0x1", "3232235521",
    "localhost", "LOCALHOST", "LocalHost.", "localhost.localdomain", "ip6-localhost",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[::127.0.0.1]", "[::]", "[0::0]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[::1%25lo]", "[::1%lo]", "[fe80::1%eth0]",
    "[::ffff:0:127.0.0.1]", "[2001:0:7f00:1::]", "[2001::80ff:fffe]",
    "0", "0.0.0.0", "0.0.0.0.", "0x0", "00", "0.1", "0.0.0.1",  # noqa: S104 - an address to be refused
    "\uff11\uff12\uff17.0.0.1", "127\u30020.0.1", "\u2460\u2461\u2466.0.0.1",
    "loc\u00ad alhost", "\u24c1ocalhost", "loca\u017fhost", "127.0.0.\u0661", "127%2e0%2e0%2e1",
    "%31%32%37.0.0.1", "127.0.0.1%00.example.com", "127.0.0.1\\.example.com",
    "127.0.0.1\t", " 127.0.0.1", "127.0.0.1\n", "127.0.0.1\r\n", "127.0.0.1\x00",
]  # fmt: skip

PRIVATE_ADDRESSES = [
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
    "100.64.0.1", "100.127.255.255", "169.254.169.254", "169.254.0.1", "192.0.0.1", "192.0.0.8",
    "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "0.0.0.0", "192.88.99.1",  # noqa: S104 - an address to be refused
    "100.100.100.200", "::", "::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "2001:db8::1",
    "3fff::1", "2001::1", "2001:10::1", "2001:20::1", "2002:a00:1::", "2002:c0a8:1::",
    "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "5f00::1",
    "4000::1", "::10.0.0.1", "2001:0:a00:1::1", "not an address", "", "127.1", "1.1.1.1/32",
]  # fmt: skip

PUBLIC_ADDRESSES = [
    "1.1.1.1", "8.8.8.8", "23.227.38.65", "100.63.255.255", "100.128.0.0", "172.15.255.255",
    "172.32.0.0", "192.167.255.255", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1",
    "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
]  # fmt: skip

ODD_URLS = [
    "ftp://127.0.0.1:{port}/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x",
    "unix:///var/run/docker.sock", "HTTP+UNIX://x/", "ws://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}", "http:127.0.0.1:{port}", "http:/127.0.0.1:{port}/", "http:///127.0.0.1/",
    "http://", "http://:{port}/", "http://user@127.0.0.1:{port}/", "http://u:p@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/", "http://127.0.0.1:{port}@example.com/",
    "http://@127.0.0.1:{port}/", "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}?@example.com/", "http://127.0.0.1:{port}\\@example.com/",
    "http://example.com\\@127.0.0.1:{port}/", "http://[::1", "http://::1:{port}/", "http://[]/",
    "http://[127.0.0.1]:{port}/", "http://[::1]x:{port}/", "http://a..b/", "http://-a.example/",
    "http://.example/", "http://" + "a" * 64 + ".example/", "http://" + "a." * 130 + "example/",
    "http://example.com:0/", "http://example.com:65536/", "http://example.com:-1/",
    "http://example.com:8o/", "http://example.com:80:{port}/", "http://exa mple.com/",
    "http://exam\tple.com/", "http://example.com\r\nHost: x/", "http://ex%61mple.com/",
    "http://bücher.example/", "http://example.com/?q=1", "http://example.com/#f", "", " ",
]  # fmt: skip


def test_the_corpus_is_large_enough() -> None:
    assert len(LOOPBACK_SPELLINGS + ODD_URLS) >= 100


@pytest.mark.parametrize("spelling", LOOPBACK_SPELLINGS)
async def test_no_spelling_of_loopback_reaches_it(spelling: str) -> None:
    async with serving(answering(OK)) as canary:
        with pytest.raises((Unavailable, Invalid)):
            async with HttpClient(f"http://{spelling}:{canary.port}", clock=CLOCK) as client:
                await client.request("GET", "/")
    assert canary.connections_count == 0


@pytest.mark.parametrize("url", ODD_URLS)
async def test_an_odd_url_is_invalid(url: str) -> None:
    async with serving(answering(OK)) as canary:
        with pytest.raises(Invalid):
            HttpClient(
                url.replace("{port}", str(canary.port)), clock=CLOCK, allow_private_addresses=True
            )
    assert canary.connections_count == 0


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
async def test_a_name_at_a_private_address_is_not_called(address: str) -> None:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["1.1.1.1", address]

    async with HttpClient("http://shop.example", clock=CLOCK, resolver=resolver) as client:
        with pytest.raises(Unavailable) as caught:
            await client.request("POST", "/")
    assert caught.value.code == "address_refused"
    assert "CROSSDOCK_ALLOW_PRIVATE_ADDRESSES" in caught.value.hint


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_addresses_are_callable(address: str) -> None:
    assert is_callable_address(address, allow_private_addresses=False)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0", "ff02::1"],  # noqa: S104 - an address to be refused
)
def test_permission_for_private_addresses_does_not_reach_metadata_services(address: str) -> None:
    assert not is_callable_address(address, allow_private_addresses=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "fd12::1", "192.168.7.7"])
def test_permission_for_private_addresses_reaches_the_own_network(address: str) -> None:
    assert is_callable_address(address, allow_private_addresses=True)
    assert not is_callable_address(address, allow_private_addresses=False)


@pytest.mark.parametrize(
    ("host", "accepted"),
    [
        ("Shop.Example", "shop.example"),
        ("my_erp", "my_erp"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a.b.c.", "a.b.c."),
        ("10.0.0.7", "10.0.0.7"),
        ("[2606:4700:0:0::1111]", "2606:4700::1111"),
    ],
)
def test_a_plain_name_or_address_is_a_host(host: str, accepted: str) -> None:
    assert checked_host(host) == accepted


@pytest.mark.parametrize("host", ["[127.0.0.1]", "[]", "[::1%lo]", "[x]", "1", "a b", ""])
def test_another_spelling_is_no_host(host: str) -> None:
    with pytest.raises(Invalid):
        checked_host(host)


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_another_is_treated_alike(inner: ipaddress.IPv4Address) -> None:
    expected = is_callable_address(str(inner), allow_private_addresses=False)
    for outer in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert is_callable_address(outer, allow_private_addresses=False) == expected


@given(st.ip_addresses())
def test_nothing_but_global_unicast_is_called(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_callable_address(str(address), allow_private_addresses=False):
        assert not any((address.is_multicast, address.is_loopback, address.is_link_local))
        assert not address.is_private or getattr(address, "ipv4_mapped", None)


async def test_a_name_that_turns_round_between_connections_is_refused() -> None:
    """First look-up public, second loopback: only the checked address may be connected to."""
    async with serving(answering(OK)) as canary:
        answers = iter([["127.0.0.1"], ["1.1.1.1"]])
        asked: list[str] = []

        async def resolver(host: str, _port: int) -> Sequence[str]:
            asked.append(host)
            return next(answers)

        async with HttpClient(
            f"http://shop.example:{canary.port}", clock=CLOCK, resolver=resolver
        ) as client:
            with pytest.raises(Unavailable) as caught:
                await client.request("GET", "/")
    assert caught.value.code == "address_refused"
    assert (asked, canary.connections_count) == (["shop.example"], 0)


async def test_a_name_is_resolved_once_per_connection_and_its_next_address_is_tried() -> None:
    asked: list[str] = []

    async def resolver(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["::1", "127.0.0.1"]

    async with serving(answering(OK, OK)) as server:
        client = HttpClient(
            f"http://shop.example:{server.port}",
            clock=CLOCK,
            resolver=resolver,
            allow_private_addresses=True,
        )
        async with client:
            await client.request("GET", "/")
            await client.request("GET", "/")
    assert (asked, server.connections_count) == (["shop.example"], 1)


async def test_a_pinned_call_keeps_the_name_for_tls_and_host(tmp_path: Path) -> None:
    seen: list[bytes] = []
    names: list[str | None] = []

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await heard(reader))
        writer.write(OK)

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    server_tls, client_tls = certificate_for("shop.example", tmp_path)
    server_tls.sni_callback = lambda _socket, name, _context: names.append(name)
    async with serving(conversation, server_tls) as server:
        for name in ("shop.example", "other.example"):
            client = HttpClient(
                f"https://{name}:{server.port}",
                clock=CLOCK,
                resolver=resolver,
                allow_private_addresses=True,
                tls=client_tls,
            )
            async with client:
                if name == "shop.example":
                    assert (await client.request("GET", "/")).status == 200
                else:
                    with pytest.raises(Unavailable, match="certificate"):
                        await client.request("POST", "/")
    assert names == ["shop.example", "other.example"]
    assert len(seen) == 1
    assert f"host: shop.example:{server.port}".encode() in seen[0]


# --- what a status means ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, Rejected), (301, Rejected), (307, Rejected), (400, Rejected), (401, Forbidden),
        (403, Forbidden), (404, NotFound), (405, Rejected), (408, Unavailable), (409, Conflict),
        (410, Rejected), (412, Conflict), (422, Rejected), (425, Unavailable), (429, Unavailable),
        (499, Rejected), (500, Ambiguous), (501, Ambiguous), (502, Ambiguous), (503, Unavailable),
        (504, Ambiguous), (507, Ambiguous), (599, Ambiguous),
    ],
)  # fmt: skip
def test_a_status_has_its_place_in_the_error_tree(status: int, kind: type[CrossdockError]) -> None:
    with pytest.raises(CrossdockError, match=f"HTTP {status}: it broke") as caught:
        checked(HttpResponse(status, {}, b"it broke\0"))
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 304])
def test_success_is_handed_on(status: int) -> None:
    response = HttpResponse(status)
    assert checked(response) is response


@pytest.mark.parametrize("status", [429, 503])
def test_a_named_pause_is_kept(status: int) -> None:
    with pytest.raises(Throttled) as caught:
        checked(HttpResponse(status, {"retry-after": "2.5"}))
    assert caught.value.retry_after == timedelta(seconds=2.5)


@pytest.mark.parametrize(
    ("said", "date", "pause"),
    [
        ("0", "", timedelta()),
        (" 7 ", "", timedelta(seconds=7)),
        ("999999999", "", timedelta(days=1)),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", timedelta(seconds=30)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:30 GMT", timedelta()),
        ("Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:30 GMT", timedelta(days=1)),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "nonsense", None),
        ("Wed, 21 Oct 2026 07:28:00", "Wed, 21 Oct 2026 07:28:30 GMT", None),
        ("-5", "", None),
        ("1e9", "", None),
        ("soon", "", None),
        ("\u0663", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_read(said: str, date: str, pause: timedelta | None) -> None:
    assert retry_after(HttpResponse(429, {"retry-after": said, "date": date})) == pause


def test_a_date_without_the_servers_own_date_names_no_pause() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert retry_after(HttpResponse(503, headers)) is None


@given(st.text(), st.text())
def test_no_retry_after_breaks_the_reader(said: str, date: str) -> None:
    pause = retry_after(HttpResponse(429, {"retry-after": said, "date": date}))
    assert pause is None or timedelta() <= pause <= timedelta(days=1)
