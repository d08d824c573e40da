"""How the database is read: stream by stream, page by page, round after round."""

import hashlib
import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple
from datetime import datetime
from typing import Any

from crossdock.applications.sql_stock.mapping import answered, translated, written
from crossdock.applications.sql_stock.settings import (
    STOCK,
    STREAMS,
    SUPPLY,
    SqlStockSettings,
    StreamSettings,
)
from crossdock.canonical.errors import Forbidden, Invalid, Rejected
from crossdock.canonical.inventory import StockStatus
from crossdock.connectivity.sdk import Delivery, Poll, Ports, StockAnswer, Translation
from crossdock.connectivity.transports.database import Bookmark, Page, PolledDatabase, Query
from crossdock.connectivity.transports.database_reach import Reach

REMEMBERED_ROWS_MAX = 50_000

# What a row of each stream cannot do without, in our names.
NEEDED = {
    "items": ("item",),
    "levels": ("item", "quantity"),
    "movements": ("movement_id", "item", "quantity", "reason"),
    "demand": ("order_id", "lines"),
    "supply": ("supply_id", "item", "quantity"),
    "kits": ("item", "components"),
    "lots": ("item", "lot", "expires_on"),
    "catch_weights": ("item", "quantity", "unit"),
}


class ReadingPages:
    """Reads kept pages again; pure. Nothing comes in here by itself."""

    def __init__(self, settings: SqlStockSettings) -> None:
        self._settings = settings

    def verify(self, delivery: Delivery, now: datetime) -> None:
        del delivery, now
        raise Forbidden("This connection is polled; nobody sends to it", code="not_received")

    def translate(self, delivery: Delivery) -> Translation:
        return translated(delivery, self._settings)


class PollingErp:
    """One database. Each `poll` reads one page of one stream."""

    def __init__(
        self, settings: SqlStockSettings, database: PolledDatabase, doubt: str = ""
    ) -> None:
        self._settings = settings
        self._database = database
        self._doubt = doubt
        self._queries = dict(_queries(settings))
        self._handed_in = ""
        self._memory = {name: _Memory() for name in self._queries}

    async def check(self) -> str:
        if not self._queries:
            raise Invalid("No query is set", where="levels", code="settings")
        for query in self._queries.values():
            await self._database.check(query)
        version = await self._database.version()
        said = f"PostgreSQL {version}; these queries answer: {', '.join(self._queries)}"
        return f"{said}; {self._doubt}" if self._doubt else said

    async def poll(self, cursor: str) -> Poll:
        """Read the next page; the round is over when every stream has been read to its end."""
        state: dict[str, Any] = json.loads(cursor) if cursor else {}
        names = list(self._queries)
        name: str = state["at"] if state.get("at") in self._queries else names[0]
        self._learn_from(cursor)
        page = await self._read(name, state)
        coming: list[str] = []
        if name in STOCK and SUPPLY in self._queries:
            # What stock has in it is off supply by now: that is read later, and told first.
            supply = await self._read(SUPPLY, state)
            if not supply.is_last:  # the stock waits, and is read again after the next of it
                return self._told(SUPPLY, supply, {**state, "at": name}, is_caught_up=False)
            state[SUPPLY] = astuple(supply.bookmark)
            coming = self._memory[SUPPLY].unknown(supply.rows, is_last=True)
        state["at"] = names[(names.index(name) + page.is_last) % len(names)]
        is_caught_up = page.is_last and name == names[-1]
        return self._told(name, page, state, coming, is_caught_up=is_caught_up)

    async def _read(self, name: str, state: Mapping[str, Any]) -> Page:
        bookmark = Bookmark(*state.get(name, ()))
        return await self._database.page(self._queries[name], bookmark, self._settings.rows_max)

    def _told(
        self,
        name: str,
        page: Page,
        state: Mapping[str, Any],
        coming: Sequence[str] = (),
        *,
        is_caught_up: bool,
    ) -> Poll:
        self._handed_in = json.dumps({**state, name: astuple(page.bookmark)})
        rows = self._memory[name].unknown(page.rows, is_last=page.is_last)
        raw = written(name, rows, coming) if rows or coming else b""
        return Poll(
            translation=translated(Delivery(body=raw), self._settings) if raw else Translation(),
            cursor=self._handed_in,
            raw=raw,
            is_caught_up=is_caught_up,
            warning=self._doubt if is_caught_up else "",
        )

    async def stock_of(self, location: str, items: Sequence[str]) -> StockAnswer:
        """Read the levels of these items now; what has none lies there with zero, in each status.

        Where the query has nothing of a location at all, it says nothing of it.
        """
        stream = self._settings.levels
        if stream is None:
            raise Rejected("No query of levels is set", code="role_not_played")
        names = {name: stream.columns.get(name, name) for name in ("item", "location", "quantity")}
        own = self._settings.location
        place = None if own else (names["location"], location)
        found = await self._database.find(self._queries["levels"], names["item"], items, place)
        rows = [
            (row, said)
            for row in found.rows
            if ((said := json.loads(row)).get(names["location"]) or own or location) == location
        ]
        told = [said for _, said in rows]
        is_covered = bool(rows) or (found.has_any and own in {"", location})
        zeros = [
            json.dumps(
                {
                    names["item"]: item,
                    names["location"]: location,
                    names["quantity"]: 0,
                    stream.key_column: ":".join(("none", location, item, *status.values())),
                    **status,
                }
            )
            for item, status in (self._untold(stream, items, told) if is_covered else ())
        ]
        raw = answered([*(row for row, _ in rows), *zeros], found.at)
        delivery = Delivery(body=raw)
        return StockAnswer(translation=translated(delivery, self._settings), raw=raw)

    def _untold(
        self, stream: StreamSettings, items: Sequence[str], told: Sequence[Mapping[str, Any]]
    ) -> Iterable[tuple[str, dict[str, str]]]:
        """Give each status of an item of which there is no row, as the query words it.

        The usual status needs no word; where the query tells none, all lies there in that one.
        """
        column = stream.columns.get("status", "status")
        words: dict[StockStatus, str] = {StockStatus.AVAILABLE: ""}
        if "status" in stream.columns or any(column in said for said in told):
            words |= {status: code for code, status in self._settings.statuses.items()}
        seen: set[tuple[str, str]] = set()
        for said in told:
            code = str(said.get(column) or "").strip() or StockStatus.AVAILABLE
            status = self._settings.statuses.get(code) or code.upper()
            seen.add((str(said[stream.columns.get("item", "item")]), status))
        for item in items:
            for status, code in words.items():
                if (item, status) not in seen:
                    yield item, {column: code} if code else {}

    def _learn_from(self, cursor: str) -> None:
        """Being asked for what follows our last page proves that this page is recorded."""
        for memory in self._memory.values():
            if cursor == self._handed_in:
                memory.confirm()
            else:
                memory.forget()


class _Memory:
    """Rows of a stream that are recorded already: the overlap shows each of them again."""

    def __init__(self) -> None:
        self._last_round: dict[bytes, None] = {}
        self._this_round: dict[bytes, None] = {}
        self._unconfirmed: list[bytes] = []
        self._is_round_over = False

    def unknown(self, rows: Iterable[str], *, is_last: bool) -> list[str]:
        digests = {hashlib.blake2b(row.encode(), digest_size=16).digest(): row for row in rows}
        self._unconfirmed = list(digests)
        self._is_round_over = is_last
        return [row for digest, row in digests.items() if digest not in self._last_round]

    def confirm(self) -> None:
        self._this_round |= dict.fromkeys(self._unconfirmed)
        self._unconfirmed = []
        while len(self._this_round) > REMEMBERED_ROWS_MAX:
            # Rows come oldest first, and only the newest are seen again.
            del self._this_round[next(iter(self._this_round))]
        if self._is_round_over:
            self._last_round, self._this_round = self._this_round, {}
            self._is_round_over = False

    def forget(self) -> None:
        self._last_round, self._this_round = {}, {}
        self._unconfirmed, self._is_round_over = [], False


def _queries(settings: SqlStockSettings) -> Iterable[tuple[str, Query]]:
    for name in STREAMS:
        if stream := settings.stream(name):
            yield (
                name,
                Query(
                    name=name,
                    sql=stream.sql,
                    change_column=stream.change_column,
                    key_column=stream.key_column,
                    columns=tuple(stream.columns.get(column, column) for column in NEEDED[name]),
                    overlap=stream.overlap,
                ),
            )


def admits_server(settings: SqlStockSettings, ports: Ports) -> None:
    _reach(ports).check(settings.dsn.get_secret_value())


def _reach(ports: Ports) -> Reach:
    return Reach(
        allow_private_addresses=ports.allow_private_addresses,
        allow_local_databases=ports.allow_local_databases,
        own_server=None if ports.allow_local_databases else ports.own_server,
        environment=ports.environment,
    )


@asynccontextmanager
async def connected(settings: SqlStockSettings, ports: Ports) -> AsyncGenerator[PollingErp]:
    # Of the ports no clock: PostgreSQL's own time orders the rows.
    dsn, reach = settings.dsn.get_secret_value(), _reach(ports)
    async with PolledDatabase(
        dsn,
        reach=reach,
        statement_seconds_max=settings.statement_seconds_max,
    ) as database:
        yield PollingErp(settings, database, reach.doubt(dsn))
