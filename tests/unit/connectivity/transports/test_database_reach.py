"""A polled database is where its DSN says, at an address that was checked, and not the hub's."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid, Rejected, Unavailable
from crossdock.connectivity.transports.database import PolledDatabase
from crossdock.connectivity.transports.database_reach import (
    SYSTEM_IDENTIFIER,
    Reach,
    server_named,
)

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
        "postgresql://erp.example.com/erp?sslrootcert=/etc/ssl/ca.crt",
        "postgresql://erp.example.com/erp?passfile=/etc/hub/pgpass",
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
    assert await allowed.dialled(dsn) == [[{}]]


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
    proven = await reach.dialled("postgresql://r:x@erp.example.com/erp?sslrootcert=system")

    for ways, places in (
        (plain, [(PUBLIC, 5433), ("2600::1", 5432)]),
        (in_query, [(PUBLIC, 6000)]),
        (proven, [(PUBLIC, 5432)]),
    ):
        assert [{(way["host"], way["port"]) for way in one} for one in ways] == [
            {place} for place in places
        ]


async def test_a_name_without_an_address_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="has no address"):
        await names(erp=[]).dialled("postgresql://r:x@erp.example.com/erp")


async def test_a_dsn_without_a_password_is_not_lent_the_hubs() -> None:
    [ways] = await names(erp=[PUBLIC]).dialled("postgresql://reader@erp.example.com/erp")

    assert [way["password"] for way in ways] == ["", ""]


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


def told(server: str) -> Reach:
    """Give the reach of a hub whose own server calls itself so."""

    async def own_server() -> str:
        return server

    return Reach(allow_local_databases=True, own_server=own_server)


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(dsn: str, admin: Any) -> AsyncIterator[str]:
    """Give a login that may not ask for the identifier, as hardened servers keep it."""
    name = f"reader_{admin.get_server_pid()}"
    await admin.execute(f"create role {name} login")
    await admin.execute("revoke execute on function pg_control_system() from public")
    yield dsn.replace("postgres:@", f"{name}:@")
    await admin.execute(f"drop owned by {name}")
    await admin.execute(f"drop role {name}")


async def test_the_hubs_own_server_is_refused_however_it_is_reached(dsn: str, admin: Any) -> None:
    own = await admin.fetchval(SYSTEM_IDENTIFIER)

    async with PolledDatabase(dsn, reach=told(own)) as polled:
        with pytest.raises(Rejected, match="the hub's own PostgreSQL") as refused:
            await polled.version()
    async with PolledDatabase(dsn, reach=told("another")) as polled:
        assert await polled.version()

    assert refused.value.code == "own_server"


async def test_a_server_that_does_not_tell_who_it_is_is_refused(reader: str) -> None:
    async with PolledDatabase(reader, reach=told("another")) as polled:
        with pytest.raises(Rejected, match="cannot know whether") as refused:
            await polled.version()

    assert refused.value.code == "server_untold"
    assert "grant execute on function pg_catalog.pg_control_system()" in refused.value.hint


async def test_a_hub_that_does_not_know_its_own_server_reads_none(dsn: str, reader: str) -> None:
    async def own_server() -> str:
        connection = await asyncpg.connect(reader)
        try:
            return str(await connection.fetchval(SYSTEM_IDENTIFIER))
        finally:
            await connection.close()

    reach = Reach(allow_local_databases=True, own_server=own_server)
    async with PolledDatabase(dsn, reach=reach) as polled:
        with pytest.raises(Rejected, match="does not tell the hub its identifier") as refused:
            await polled.version()

    assert "grant execute" in refused.value.hint


async def test_a_function_of_somebodys_making_does_not_answer_for_the_server(
    dsn: str, admin: Any
) -> None:
    own = await admin.fetchval(SYSTEM_IDENTIFIER)
    await admin.execute("create schema s")
    await admin.execute(
        "create function s.pg_control_system(out system_identifier text) language sql"
        " as $$ select '1' $$"
    )
    found = await admin.fetchval("select current_database()")
    await admin.execute(f'alter database "{found}" set search_path = s, pg_catalog')

    async with PolledDatabase(dsn, reach=told(own)) as polled:
        with pytest.raises(Rejected) as refused:
            await polled.version()

    assert refused.value.code == "own_server"


async def test_what_has_no_such_function_is_another_server() -> None:
    class Older:
        async def fetchval(self, sql: str) -> str:
            raise asyncpg.UndefinedFunctionError(sql)

    await told("1").admit(Older())


async def test_a_question_that_is_not_answered_admits_nobody() -> None:
    class Slow:
        async def fetchval(self, sql: str) -> str:
            raise asyncpg.QueryCanceledError(sql)

    with pytest.raises(asyncpg.QueryCanceledError):
        await told("1").admit(Slow())


@pytest.mark.parametrize(
    "more",
    [
        "statement_timeout=1",
        "Statement_Timeout=1",
        "search_path=s,pg_catalog",
        "Default_Transaction_Read_Only=off",
        "role=owner",
        "options=-crole%3Downer",
        "Host=/tmp",
        "connect_timeout=10",
    ],
)
@pytest.mark.parametrize("is_local", [True, False])
async def test_a_dsn_says_nothing_of_its_session(more: str, *, is_local: bool) -> None:
    reach, dsn = Reach(allow_local_databases=is_local), f"postgresql://r:x@8.8.8.8/erp?{more}"

    with pytest.raises(Invalid, match="no connection may say") as refused:
        reach.check(dsn)
    with pytest.raises(Invalid):
        await reach.dialled(dsn)

    assert (refused.value.where, refused.value.code) == ("dsn", "dsn_parameter")
    assert "target_session_attrs" in refused.value.hint


@pytest.mark.parametrize("is_local", [True, False])
def test_a_login_does_not_go_on_as_settings_of_the_session(*, is_local: bool) -> None:
    with pytest.raises(Invalid, match="zero byte"):
        Reach(allow_local_databases=is_local).check(
            "postgresql://r%00statement_timeout%001:x@8.8.8.8/erp"
        )


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://a,b,c/db?port=1,2",
        "postgresql://a/db?port=0",
        "postgresql://a/db?port=x",
        "postgresql://a:99999/db",
        "postgresql://a:/db",
    ],
)
def test_a_port_that_cannot_be_is_refused_with_its_place(dsn: str) -> None:
    with pytest.raises(Invalid) as refused:
        Reach().check(dsn)

    assert refused.value.where == "dsn"


AWKWARD = st.text(st.sampled_from("ab19@/:?#[]&=%,. ;+\\\n\0é℀") | st.characters(codec="utf-8"))


@given(AWKWARD, AWKWARD, AWKWARD)
def test_a_server_is_named_whole_or_not_at_all_whatever_its_login_holds(
    user: str, password: str, more: str
) -> None:
    named = {
        f"postgresql://{user}:{password}@erp.example:5433/erp": "erp.example:5433/erp",
        f"postgresql://{user}:{password}@[2001:db8::1]/erp": "[2001:db8::1]/erp",
        f"postgresql://a.example,b.example:1/erp?password={password}&user={user}": (
            "a.example,b.example:1/erp"
        ),
        f"postgresql:///erp?user={user}&password={password}&host=h&{more}": "",
        f"{user}{password}": "",
    }
    for dsn, server in named.items():
        assert server_named(dsn) in {server, "the DSN's server"}


@pytest.mark.parametrize(
    ("dsn", "server"),
    [
        ("postgresql://r:x@erp.example:5433/erp", "erp.example:5433/erp"),
        ("postgresql://r:a@b@erp.example/erp", "erp.example/erp"),
        ("postgresql://r:a%2Fb@erp.example/erp?sslmode=require", "erp.example/erp"),
        ("postgresql://a.example:1,[::1]:2/erp", "a.example:1,[::1]:2/erp"),
        ("postgresql:///erp?host=/run/postgresql&port=5433", "/run/postgresql:5433/erp"),
        ("postgresql://u:a@b/c@erp.example/erp", "the DSN's server"),
        ("postgresql://u:a@b?c@erp.example/erp", "the DSN's server"),
        ("postgresql://u:a@b#c@erp.example/erp", "the DSN's server"),
        ("postgresql://u:[a@erp.example/erp", "the DSN's server"),
        ("postgresql://u:secret", "the DSN's server"),
        ("secret", "the DSN's server"),
    ],
)
def test_what_is_named_of_a_server_is_where_it_is(dsn: str, server: str) -> None:
    assert server_named(dsn) == server
