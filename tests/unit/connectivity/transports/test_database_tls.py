"""A polled server is spoken to as its `sslmode` says, and is shown no certificate of the hub's."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import CrossdockError, Forbidden, Invalid, Unavailable
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
    refuses_plain: bytes = b""

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
        if self.refuses_plain and not writer.get_extra_info("ssl_object"):
            writer.write(self.refuses_plain)
            writer.close()
            return
        server_reader, server = await asyncio.open_unix_connection(self.behind)
        server.write(first)
        await asyncio.gather(piped(reader, server), piped(server_reader, writer))

    def dsn(self, more: str = "", host: str = NAME) -> str:
        return f"postgresql://postgres:x@{host}:{self.port}/postgres?{more}"

    def polled(self, dsn: str, trusted: Path) -> PolledDatabase:
        return PolledDatabase(dsn, reach=self.reach(trusted))

    def reach(self, trusted: Path, dial_seconds_max: float = 10) -> Reach:
        async def resolver(host: str, port: int) -> Sequence[str]:
            del host, port
            return ["127.0.0.1"]

        return Reach(
            allow_private_addresses=True,
            resolver=resolver,
            trusted=trusted,
            dial_seconds_max=dial_seconds_max,
        )


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
        with pytest.raises(Unavailable, match="certificate") as refused:
            await polled.version()

    assert "root.crt" in refused.value.hint
    assert front.plain_count == 0


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


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_stricter_mode_of_the_environment_is_not_passed_over_in_silence(
    tmp_path: Path, mode: str
) -> None:
    reach = Reach(trusted=tmp_path, environment={"PGSSLMODE": mode})
    with pytest.raises(Invalid, match=f"PGSSLMODE={mode}") as refused:
        reach.check("postgresql://r:x@erp.example/erp")

    assert (refused.value.where, refused.value.code) == ("dsn", "dsn_tls")
    assert f"write sslmode={mode}" in refused.value.hint
    for said in ("sslmode=prefer", "sslmode=verify-full", "sslrootcert=system"):
        reach.check(f"postgresql://r:x@erp.example/erp?{said}")
    for lax in ("disable", "allow", "prefer"):
        Reach(environment={"PGSSLMODE": lax}).check("postgresql://r:x@erp.example/erp")


def test_what_an_authority_of_the_environment_does_not_prove_is_said(tmp_path: Path) -> None:
    environment = {"PGSSLROOTCERT": "/etc/ssl/erp.crt"}
    reach = Reach(trusted=tmp_path, environment=environment)
    dsn = "postgresql://r:x@erp.example/erp?sslmode="
    reach.check(dsn + "require")

    assert "PGSSLROOTCERT of this process's environment" in reach.doubt(dsn + "require")
    for says_itself in ("prefer", "disable", "verify-full"):
        assert not reach.doubt(dsn + says_itself)
    for other in (
        Reach(trusted=tmp_path),
        Reach(trusted=tmp_path, environment=environment, allow_local_databases=True),
    ):
        assert not other.doubt(dsn + "require")
    (tmp_path / "root.crt").touch()
    assert not reach.doubt(dsn + "require")


@pytest.mark.parametrize(
    "more",
    [
        "sslnegotiation=directt&sslmode=require",
        "sslnegotiation=direct",
        "sslnegotiation=direct&sslmode=allow",
        "ssl_min_protocol_version=TLSv1",
        "sslmode=disable&ssl_max_protocol_version=TLSv1.1",
    ],
)
def test_what_cannot_be_done_of_tls_is_refused_before_it_is_kept(more: str) -> None:
    with pytest.raises(Invalid) as refused:
        Reach(environment={}).check(f"postgresql://r:x@erp.example/erp?{more}")

    assert (refused.value.where, refused.value.code) == ("dsn", "dsn_tls")


async def test_the_authorities_of_the_machine_count_where_local_databases_are_read(
    front: Front,
) -> None:
    """The driver would look for a file of that name."""
    reach = Reach(allow_local_databases=True)
    dsn = front.dsn("sslrootcert=system", "localhost")
    async with PolledDatabase(dsn, reach=reach) as polled:
        with pytest.raises(Unavailable, match="certificate"):
            await polled.version()

    assert len(front.shown) + front.plain_count == 0


def test_a_home_that_is_no_folder_has_no_authority() -> None:
    [line] = lines({"sslmode": "require"}, Path("/dev/null/.postgresql"))

    assert isinstance(line, ssl.SSLContext)
    assert line.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize("name", ["root.crt", "root.crl"])
@pytest.mark.parametrize("content", ["", "-----BEGIN X509 CRL-----\nx\n-----END X509 CRL-----\n"])
def test_a_list_of_authorities_or_of_what_they_revoked_that_is_broken_is_refused_by_its_path(
    tmp_path: Path, name: str, content: str
) -> None:
    certificate_for("localhost", tmp_path)
    (tmp_path / "root.crt").write_bytes((tmp_path / "both.pem").read_bytes())
    (tmp_path / name).write_text(content)

    with pytest.raises(Invalid, match=f"{name} cannot be read"):
        lines({"sslmode": "verify-full"}, tmp_path)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://127.0.0.1:1/erp?user=u&password=secret",
        "postgresql:///erp?host=127.0.0.1&port=1&user=u&password=secret",
        "postgresql://u:secret@127.0.0.1:1/erp",
        "postgresql://u:secret%40x@127.0.0.1:1/erp?password=secret@",
    ],
)
async def test_a_server_that_does_not_answer_is_named_without_the_password(dsn: str) -> None:
    async with PolledDatabase(dsn, reach=Reach(allow_private_addresses=True)) as polled:
        with pytest.raises(Unavailable, match=r"127\.0\.0\.1") as refused:
            await polled.version()

    assert "secret" not in refused.value.message


def refusing(code: str) -> bytes:
    fields = f"SFATAL\0C{code}\0Mno pg_hba.conf entry, no encryption\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4) + fields


@asynccontextmanager
async def odd(tls: str, plain: bytes) -> AsyncIterator[tuple[Front, list[bytes]]]:
    """Serve who does with a request for TLS what `tls` says, and answers a plain one."""
    begun: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.append((await reader.readexactly(8))[4:])
        is_request = begun[-1] == SSL_REQUEST
        writer.write({"no": b"N", "reset": b"S"}.get(tls, b"") if is_request else plain)
        with suppress(OSError):
            await writer.drain()
            if is_request and tls == "stall":
                await reader.read()
        writer.close()

    front = Front(None, Path("/nonexistent"))
    async with await asyncio.start_server(converse, "127.0.0.1", 0) as server:
        front.port = server.sockets[0].getsockname()[1]
        yield front, begun


@pytest.mark.parametrize(
    ("tls", "kind", "tried"),
    [("stall", Unavailable, 1), ("reset", Unavailable, 2), ("no", Forbidden, 2)],
)
async def test_a_line_that_broke_is_an_outage_whatever_the_plain_one_is_told(
    tmp_path: Path, tls: str, kind: type[CrossdockError], tried: int
) -> None:
    """Nor is a slow one followed by a plain one, which would show the login to whoever delays."""
    async with odd(tls, refusing("28000")) as (front, begun):
        reach = front.reach(tmp_path, dial_seconds_max=0.5)
        async with PolledDatabase(front.dsn(), reach=reach) as polled:
            with pytest.raises(kind):
                await polled.version()

    assert len(begun) == tried
    assert begun[0] == SSL_REQUEST


async def test_who_is_refused_by_password_is_not_tried_over_another_line(tmp_path: Path) -> None:
    async with odd("no", refusing("28P01")) as (front, begun):
        async with front.polled(front.dsn("sslmode=allow"), tmp_path) as polled:
            with pytest.raises(Forbidden):
                await polled.version()
        async with front.polled(front.dsn("sslmode=prefer"), tmp_path) as polled:
            with pytest.raises(Forbidden):
                await polled.version()

    assert [one == SSL_REQUEST for one in begun] == [False, True, False]


async def test_a_server_that_takes_tls_alone_is_reached_with_allow(
    front: Front, tmp_path: Path
) -> None:
    front.refuses_plain = refusing("28000")
    async with front.polled(front.dsn("sslmode=allow", "localhost"), tmp_path) as polled:
        assert await polled.version()

    assert (front.plain_count, front.shown) == (1, [None])


async def test_a_name_is_proven_at_the_address_that_was_checked(
    behind: Path, tmp_path: Path
) -> None:
    """No resolver but ours knows the name; who serves is told it, too."""
    made, _ = certificate_for(NAME, tmp_path)
    asked: list[str | None] = []
    made.sni_callback = lambda _, name, __: asked.append(name)
    (tmp_path / "root.crt").write_bytes((tmp_path / "both.pem").read_bytes())

    async for front in opened_front(Front(made, behind)):
        dsn = front.dsn("sslmode=verify-full")
        async with front.polled(dsn, tmp_path) as polled:
            assert await polled.version()
        async with front.polled(dsn.replace(NAME, "other.example"), tmp_path) as polled:
            with pytest.raises(Unavailable, match="certificate"):
                await polled.version()

    assert asked == [NAME, "other.example"]


def test_a_name_is_proven_in_the_event_loop_that_a_hub_is_served_in(tmp_path: Path) -> None:
    made, _ = certificate_for(NAME, tmp_path)
    (tmp_path / "root.crt").write_bytes((tmp_path / "both.pem").read_bytes())
    [line] = lines({"sslmode": "verify-full"}, tmp_path, NAME)
    [other] = lines({"sslmode": "verify-full"}, tmp_path, "other.example")

    async def hung_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def call() -> None:
        async with await asyncio.start_server(hung_up, "127.0.0.1", 0, ssl=made) as server:
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=line)
            writer.close()
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection("127.0.0.1", port, ssl=other)

    uvloop.run(call())


async def test_every_line_is_tried_at_one_server_before_the_next(
    front: Front, behind: Path, tmp_path: Path
) -> None:
    async for first in opened_front(Front(None, behind)):
        hosts = f"{NAME}:{first.port},two.example:{front.port}"
        dsn = f"postgresql://postgres:x@{hosts}/postgres"
        async with first.polled(dsn, tmp_path) as polled:
            assert await polled.version()
        assert front.shown == []
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            gone = dsn.replace(str(first.port), str(port))
            async with first.polled(gone, tmp_path) as polled:
                assert await polled.version()

    assert front.shown == [None]


@pytest.mark.parametrize(
    ("wanted", "is_found"), [("prefer-standby", True), ("primary", True), ("standby", False)]
)
async def test_the_server_that_is_wanted_is_sought_among_all(
    front: Front, behind: Path, tmp_path: Path, wanted: str, *, is_found: bool
) -> None:
    """Both are primaries."""
    async for first in opened_front(Front(None, behind)):
        hosts = f"{NAME}:{first.port},two.example:{front.port}"
        dsn = f"postgresql://postgres:x@{hosts}/postgres?target_session_attrs={wanted}"
        async with first.polled(dsn, tmp_path) as polled:
            if is_found:
                assert await polled.version()
            else:
                with pytest.raises(Unavailable, match="target"):
                    await polled.version()

        assert bool(front.shown) is (wanted != "primary")


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
