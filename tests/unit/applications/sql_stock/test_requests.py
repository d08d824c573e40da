"""What an answer about stock asks of the database, counted on the wire, is what is declared."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg  # pyright: ignore[reportMissingTypeStubs]  # it says nothing of its types
import pytest

from crossdock.applications.sql_stock import APPLICATION
from crossdock.applications.sql_stock.client import PollingErp
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.connectivity.sdk import Ports
from crossdock.foundation.clock import VirtualClock

LEVELS = {
    "sql": "select sku || '@' || site as id, * from stock",
    "columns": {"item": "sku", "location": "site", "quantity": "on_hand"},
}
EXECUTE, QUERY = ord("E"), ord("Q")
HEAD = 5


class Wire:
    """Stands between a client and the server, and counts the statements that are run."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.statements = 0

    async def converse(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._server))
        back = asyncio.create_task(relay(reader, answers))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            start = await client.readexactly(4)
            writer.write(start + await client.readexactly(int.from_bytes(start) - 4))
            while True:
                head = await client.readexactly(HEAD)
                body = await client.readexactly(int.from_bytes(head[1:]) - 4)
                self.note(head[0], body)
                writer.write(head + body)
        writer.close()
        await back

    def note(self, kind: int, body: bytes) -> None:
        """Count what is run; where a transaction begins and ends reads nothing."""
        is_bracket = body.upper().startswith((b"BEGIN", b"COMMIT", b"ROLLBACK"))
        self.statements += kind == EXECUTE or (kind == QUERY and not is_bracket)


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while some := await reader.read(65_536):
            writer.write(some)
    writer.close()


@asynccontextmanager
async def wire(dsn: str, folder: Path) -> AsyncIterator[tuple[Wire, str]]:
    """Give a count of what goes to this server, and the address that leads through it."""
    parts = urlsplit(dsn)
    socket = socket_of(parts.query)
    between = Wire(socket)
    async with await asyncio.start_unix_server(between.converse, folder / socket.name):
        yield between, urlunsplit(parts).replace(parts.query, f"host={folder}")


def socket_of(query: str) -> Path:
    [host] = parse_qs(query)["host"]
    [socket] = Path(host).glob(".s.PGSQL.*[0-9]")
    return socket


@pytest.mark.parametrize("site", ["", "DC1"])
async def test_an_answer_takes_no_more_statements_than_are_declared(
    dsn: str, tmp_path: Path, clock: VirtualClock, site: str
) -> None:
    books: Any = await asyncpg.connect(dsn)
    await books.execute(
        "create table stock (sku text, site text, on_hand numeric,"
        " changed_at timestamptz default clock_timestamp());"
        "insert into stock select 'I' || n, 'DC1', n from generate_series(1, 600) n"
    )
    await books.close()
    question = APPLICATION.stock_question
    assert question is not None
    assert APPLICATION.connect is not None
    names = [f"I{number}" for number in range(1, question.keys_max + 1)]
    async with wire(dsn, tmp_path) as (between, address):
        settings = SqlStockSettings.model_validate(
            {"dsn": address, "levels": LEVELS, "location": site}
        )
        ports = Ports(clock=clock, random=Random(1), allow_local_databases=True)
        async with APPLICATION.connect(settings, ports) as opened:
            assert isinstance(opened, PollingErp)
            first = await opened.stock_of("DC1", names)
            of_first, between.statements = between.statements, 0
            await opened.stock_of("DC1", [*names[1:], "NOBODY"])

    assert len(first.translation.facts) >= 1
    assert 0 < max(of_first, between.statements) <= question.requests
