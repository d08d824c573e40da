"""A polled database is where its DSN says, at an address that was checked, and not the hub's."""

import asyncio
import socket
from collections.abc import Sequence

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid, Rejected, Unavailable
from crossdock.connectivity.transports.database import PolledDatabase
from crossdock.connectivity.transports.database_reach import SYSTEM_IDENTIFIER, Reach

PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.8"


def names(**found: Sequence[str]) -> Reach:
    """Give the reach of a machine whose resolver knows these names, and public addresses."""

    async def resolver(host: str, port: int) -> Sequence[str]:
        del port
        name = host.partition(".")[0]
        if name not in found and not host[0].isdigit() and ":" not in host:
            raise OSError("unknown name")
        return found.get(name, [host])

    return Reach(resolver=resolver)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql:///erp",
        "postgresql://reader@/erp?host=/var/run/postgresql",
        "postgresql://reader@/erp?host=%2Ftmp",
        "postgresql://reader@%2Ftmp/erp",
        "postgresql://reader@%40abstract/erp",
        "postgresql://erp.example.com,/erp",
        "postgresql://erp.example.com/erp?service=hub",
        "postgresql://erp.example.com/erp?passfile=/root/.pgpass",
        "postgresql://erp.example.com/erp?sslkey=/etc/ssl/hub.key",
    ],
)
async def test_a_socket_and_a_file_of_this_machine_are_refused_unless_allowed(dsn: str) -> None:
    with pytest.raises(Invalid) as refused:
        Reach().check(dsn)

    assert (refused.value.code, refused.value.where) == ("local_database", "dsn")
    assert "CROSSDOCK_ALLOW_LOCAL_DATABASES" in refused.value.hint
    allowed = Reach(allow_local_databases=True)
    allowed.check(dsn)
    assert await allowed.dialled(dsn) == {}


@pytest.mark.parametrize(
    "address", [PRIVATE, "127.0.0.1", "169.254.169.254", "[::1]", "[fe80::1]"]
)
async def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(Unavailable, match="not a public address") as refused:
        await names().dialled(f"postgresql://reader:x@{address}/erp")

    assert "CROSSDOCK_ALLOW_PRIVATE_ADDRESSES" in refused.value.hint


async def test_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(Unavailable, match=PRIVATE):
        await names(erp=[PUBLIC, PRIVATE]).dialled("postgresql://r:x@erp.example.com/erp")
    with pytest.raises(Unavailable, match=PRIVATE):
        await names(erp=[PUBLIC], b=[PRIVATE]).dialled(
            "postgresql://r:x@erp.example.com,b.example/e"
        )


async def test_what_was_checked_is_what_is_dialled() -> None:
    reach = names(erp=[PUBLIC], two=["2600::1"])

    plain = await reach.dialled("postgresql://r:x@erp.example.com:5433,two.example/erp")
    in_query = await reach.dialled("postgresql:///erp?host=erp.example.com&port=6000&password=x")
    proven = await reach.dialled("postgresql://r:x@erp.example.com/erp?sslmode=verify-full")

    assert plain == {"host": [PUBLIC, "2600::1"], "port": [5433, 5432]}
    assert in_query == {"host": [PUBLIC], "port": [6000]}
    assert proven == {"host": ["erp.example.com"], "port": [5432]}


async def test_a_dsn_without_a_password_is_not_lent_the_hubs() -> None:
    dialled = await names(erp=[PUBLIC]).dialled("postgresql://reader@erp.example.com/erp")

    assert dialled["password"] == ""


async def test_a_name_that_is_not_known_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="cannot be resolved"):
        await names().dialled("postgresql://r:x@erp.example.com/erp")


@given(
    st.text(max_size=40).map("postgresql://".__add__)
    | st.from_regex(
        r"postgresql://([a-z:@/%0-9,\[\]]{0,20})(\?[a-z=&%/0-9]{0,20})?", fullmatch=True
    )
)
def test_a_dsn_is_read_or_refused_with_its_place(dsn: str) -> None:
    where = "dsn"
    try:
        Reach().check(dsn)
    except Invalid as problem:
        where = problem.where

    assert where == "dsn"


async def test_the_driver_dials_the_checked_address_and_not_the_name() -> None:
    async def nobody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.set()
        writer.close()
        await reader.read()

    async def resolver(host: str, port: int) -> Sequence[str]:
        del host, port
        return ["127.0.0.1"]

    dialled = asyncio.Event()
    reach = Reach(allow_private_addresses=True, resolver=resolver)
    server = await asyncio.start_server(nobody, "127.0.0.1", 0, family=socket.AF_INET)
    port = server.sockets[0].getsockname()[1]
    async with server, PolledDatabase(f"postgresql://r:x@erp.invalid:{port}/e", reach=reach) as it:
        with pytest.raises(Unavailable):
            await it.version()

    assert dialled.is_set()


async def test_the_hubs_own_server_is_refused_however_it_is_reached(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    own = await connection.fetchval(SYSTEM_IDENTIFIER)
    await connection.close()

    def reach(server: str) -> Reach:
        async def own_server() -> str:
            return server

        return Reach(allow_local_databases=True, own_server=own_server)

    async with PolledDatabase(dsn, reach=reach(own)) as polled:
        with pytest.raises(Rejected, match="the hub's own PostgreSQL") as refused:
            await polled.version()
    async with PolledDatabase(dsn, reach=reach("another")) as polled:
        assert await polled.version()

    assert refused.value.code == "own_server"
