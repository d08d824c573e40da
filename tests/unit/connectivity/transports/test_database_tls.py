"""A polled server is spoken to as its `sslmode` says, and is shown no certificate of the hub's."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import CrossdockError, Invalid, Unavailable
from crossdock.connectivity.transports.database import PolledDatabase
from crossdock.connectivity.transports.database_reach import Reach
from crossdock.connectivity.transports.database_tls import MODES, lines, mode_of
from tests.unit.connectivity.transports.certificates import certificate_for

NAME = "erp.example"
SSL_REQUEST = (80877103).to_bytes(4)


@dataclass
class Front:
    """Speaks TLS in front of a real PostgreSQL, asking who calls for a certificate."""

    tls: ssl.SSLContext | None
    behind: Path
    port: int = 0
    shown: list[bytes | None] = field(default_factory=list[bytes | None])
    plain_count: int = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first[4:] == SSL_REQUEST:
            writer.write(b"S" if self.tls else b"N")
            await writer.drain()
            first = b""
            if self.tls:
                await writer.start_tls(self.tls)
                self.shown.append(
                    writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
                )
        self.plain_count += not writer.get_extra_info("ssl_object")
        server_reader, server = await asyncio.open_unix_connection(self.behind)
        server.write(first)
        await asyncio.gather(piped(reader, server), piped(server_reader, writer))

    def dsn(self, more: str = "", host: str = NAME) -> str:
        return f"postgresql://postgres:x@{host}:{self.port}/postgres?{more}"

    def polled(self, dsn: str, trusted: Path) -> PolledDatabase:
        async def resolver(host: str, port: int) -> Sequence[str]:
            del host, port
            return ["127.0.0.1"]

        reach = Reach(allow_private_addresses=True, resolver=resolver, trusted=trusted)
        return PolledDatabase(dsn, reach=reach)


async def piped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
def behind(dsn: str) -> Path:
    said = parse_qs(urlsplit(dsn).query)
    return Path(said["host"][0]) / f".s.PGSQL.{said.get('port', ['5432'])[0]}"


@pytest.fixture
async def front(behind: Path, tmp_path: Path) -> AsyncIterator[Front]:
    """Give a server `localhost` whose authority lies in `trusted/root.crt`."""
    made, _ = certificate_for("localhost", tmp_path)
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    pem = (tmp_path / "both.pem").read_text()
    (trusted / "root.crt").write_text(pem[: pem.index("-----BEGIN PRIVATE")])
    made.verify_mode = ssl.CERT_OPTIONAL
    made.load_verify_locations(trusted / "root.crt")
    async for opened in opened_front(Front(made, behind)):
        yield opened


async def opened_front(front: Front) -> AsyncIterator[Front]:
    async with await asyncio.start_server(front.converse, "127.0.0.1", 0) as server:
        front.port = server.sockets[0].getsockname()[1]
        yield front


@pytest.mark.parametrize("mode", ["", "prefer", "require", "verify-ca", "verify-full"])
async def test_no_certificate_of_the_hubs_is_shown_to_a_server_that_asks_for_one(
    front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    for name in ("PGSSLCERT", "PGSSLKEY"):
        monkeypatch.setenv(name, str(tmp_path / "both.pem"))
    dsn = front.dsn(f"sslmode={mode}" if mode else "", "localhost")
    control = await asyncpg.connect(front.dsn("sslmode=require", "localhost"), timeout=10)
    await control.close()
    assert front.shown.pop() is not None

    async with front.polled(dsn, tmp_path / "trusted") as polled:
        assert await polled.version()

    assert (front.shown, front.plain_count) == ([None], 0)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full", "require"])
async def test_who_does_not_prove_himself_by_the_authority_is_told_nothing(
    front: Front, tmp_path: Path, mode: str
) -> None:
    certificate_for("localhost", tmp_path)
    (tmp_path / "root.crt").write_bytes((tmp_path / "both.pem").read_bytes())  # another's

    async with front.polled(front.dsn(f"sslmode={mode}", "localhost"), tmp_path) as polled:
        with pytest.raises(Unavailable):
            await polled.version()


async def test_a_name_that_is_not_on_the_certificate_is_refused(
    front: Front, tmp_path: Path
) -> None:
    dsn = front.dsn("sslmode=verify-full", "127.0.0.1")
    async with front.polled(dsn, tmp_path / "trusted") as polled:
        with pytest.raises(Unavailable, match="certificate"):
            await polled.version()


@pytest.mark.parametrize("more", ["sslmode=verify-ca", "sslmode=verify-full"])
async def test_without_an_authority_nothing_is_proven_and_what_to_do_is_said(
    front: Front, tmp_path: Path, more: str
) -> None:
    async with front.polled(front.dsn(more, "localhost"), tmp_path / "none") as polled:
        with pytest.raises(Invalid, match=r"root\.crt") as refused:
            await polled.version()

    assert (refused.value.where, refused.value.code) == ("dsn", "dsn_tls")
    assert "sslrootcert=system" in refused.value.hint
    system = front.dsn("sslrootcert=system", "localhost")
    async with front.polled(system, tmp_path / "none") as polled:
        with pytest.raises(Unavailable):  # this machine does not trust it
            await polled.version()


@pytest.mark.parametrize(
    ("mode", "answers"), [("", True), ("prefer", True), ("disable", True), ("require", False)]
)
async def test_a_server_without_tls_is_spoken_to_plainly_where_the_mode_lets_it(
    behind: Path, tmp_path: Path, mode: str, *, answers: bool
) -> None:
    async for front in opened_front(Front(None, behind)):
        dsn = front.dsn(f"sslmode={mode}" if mode else "")
        async with front.polled(dsn, tmp_path) as polled:
            is_answered = True
            try:
                await polled.version()
            except CrossdockError:
                is_answered = False

        assert is_answered is answers


@given(
    st.dictionaries(
        st.sampled_from(
            ["sslmode", "sslrootcert", "ssl_min_protocol_version", "ssl_max_protocol_version"]
        ),
        st.sampled_from([*MODES, "system", "TLSv1.2", "TLSv1.3", "TLSv1", ""]) | st.text(),
    )
)
def test_what_is_said_of_tls_is_done_or_refused_with_its_place(said: dict[str, str]) -> None:
    try:
        ways = lines(said, Path("/nonexistent"))
    except Invalid as problem:
        assert problem.where == "dsn"  # noqa: PT017 - the sentence after it is for the other case
        return
    contexts = [way for way in ways if isinstance(way, ssl.SSLContext)]
    proven = [way.verify_mode is ssl.CERT_REQUIRED for way in contexts]
    assert proven == {"disable": [], "verify-full": [True]}.get(mode_of(said), [False])
    assert (False in ways) == (mode_of(said) in {"disable", "allow", "prefer"})
