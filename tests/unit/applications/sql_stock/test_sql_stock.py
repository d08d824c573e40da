"""An ERP's database is heard stream by stream; what is recorded is not handed in again."""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import asyncpg
import pytest
from pydantic import ValidationError

from crossdock.applications.sql_stock import APPLICATION
from crossdock.applications.sql_stock.client import PollingErp
from crossdock.applications.sql_stock.settings import SqlStockSettings
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid, Rejected
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import Polls, Ports
from crossdock.connectivity.transports.database import PolledDatabase
from crossdock.connectivity.transports.database_reach import Reach
from crossdock.foundation.clock import VirtualClock

LEVELS: dict[str, Any] = {
    "sql": "select sku || '@' || site as id, * from stock",
    "columns": {"item": "sku", "location": "site", "quantity": "on_hand"},
}
DEMAND = {
    "sql": "select o.id, o.changed_at, json_agg(json_build_object('line', l.line, 'item', l.sku,"
    " 'ordered', l.qty)) as lines"
    " from orders o join order_lines l on l.order_id = o.id group by o.id",
    "columns": {"order_id": "id"},
}


@pytest.fixture
async def erp(dsn: str) -> AsyncIterator[Any]:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(
        "create table stock (sku text, site text, on_hand numeric,"
        " changed_at timestamptz default clock_timestamp());"
        "create table orders (id int primary key, changed_at timestamptz default now());"
        "create table order_lines (order_id int, line int, sku text, qty numeric);"
        "insert into stock values ('A', 'DC1', 5.5), ('B', 'DC1', 0);"
        "insert into orders values (77);"
        "insert into order_lines values (77, 1, 'A', 2), (77, 2, 'B', 1)"
    )
    yield connection
    await connection.close()


@pytest.fixture
async def connection(dsn: str, erp: Any, clock: VirtualClock) -> AsyncIterator[PollingErp]:
    assert erp
    settings = SqlStockSettings.model_validate(
        {"dsn": dsn, "levels": LEVELS, "demand": DEMAND, "location": "DC1", "rows_max": 1}
    )
    assert APPLICATION.connect
    async with APPLICATION.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        assert isinstance(opened, PollingErp)
        assert isinstance(opened, Polls)
        yield opened


async def a_round(connection: PollingErp, cursor: str) -> tuple[list[Fact], str]:
    facts: list[Fact] = []
    while True:
        poll = await connection.poll(cursor)
        assert not poll.translation.refused
        facts += poll.translation.facts
        cursor = poll.cursor
        if poll.is_caught_up:
            return facts, cursor


async def test_every_stream_is_read_to_its_end(connection: PollingErp) -> None:
    assert "levels, demand" in await connection.check()

    facts, _ = await a_round(connection, "")

    levels = [fact.payload for fact in facts if isinstance(fact.payload, StockSnapshotTaken)]
    assert [(level.lines[0].item, str(level.lines[0].quantity)) for level in levels] == [
        ("A", "5.5 EA"),
        ("B", "0 EA"),
    ]
    (order,) = [fact.payload for fact in facts if isinstance(fact.payload, OrderChanged)]
    assert [line.demand_ref for line in order.lines] == ["77/1", "77/2"]


async def test_a_doubt_of_the_line_stands_in_the_answer_and_with_the_round(
    dsn: str, erp: Any
) -> None:
    assert erp
    settings = SqlStockSettings.model_validate(
        {"dsn": dsn, "levels": LEVELS, "location": "DC1", "rows_max": 1}
    )
    reach = Reach(allow_local_databases=True)
    async with PolledDatabase(dsn, reach=reach) as database:
        connection = PollingErp(settings, database, "nothing proves who answers")
        answer = await connection.check()
        first = await connection.poll("")
        last = await connection.poll(first.cursor)
        while not last.is_caught_up:
            last = await connection.poll(last.cursor)

    assert answer.endswith("; nothing proves who answers")
    assert (first.is_caught_up, first.warning) == (False, "")
    assert last.warning == "nothing proves who answers"


async def test_the_overlap_hands_in_only_what_is_new(erp: Any, connection: PollingErp) -> None:
    _, cursor = await a_round(connection, "")
    quiet, cursor = await a_round(connection, cursor)
    await erp.execute(
        "update stock set on_hand = 4, changed_at = clock_timestamp() where sku = 'A'"
    )
    changed, _ = await a_round(connection, cursor)

    assert quiet == []
    assert [fact.native_ref.partition("@")[0] for fact in changed] == ["A"]


async def test_what_was_not_recorded_is_handed_in_again(connection: PollingErp) -> None:
    first = await connection.poll("")
    again = await connection.poll("")
    rest, _ = await a_round(connection, again.cursor)

    assert first == again
    assert first.translation.facts
    assert not set(first.translation.facts) & set(rest)


async def test_a_restart_repeats_facts_with_the_same_identity_and_content(
    dsn: str, connection: PollingErp, clock: VirtualClock
) -> None:
    before, cursor = await a_round(connection, "")
    settings = SqlStockSettings.model_validate(
        {"dsn": dsn, "levels": LEVELS, "demand": DEMAND, "location": "DC1"}
    )
    assert APPLICATION.connect
    async with APPLICATION.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as restarted:
        assert isinstance(restarted, PollingErp)
        after, _ = await a_round(restarted, cursor)

    assert after == before


SUPPLY: dict[str, Any] = {
    "sql": "select id, id as supply_id, sku as item, qty as quantity, changed_at from coming",
}


@pytest.fixture
async def buying(dsn: str, erp: Any, clock: VirtualClock) -> AsyncIterator[PollingErp]:
    """Read a database that buys, too; two rows a page, and three purchases."""
    await erp.execute(
        "create table coming (id text primary key, sku text, qty numeric,"
        " changed_at timestamptz default clock_timestamp());"
        "insert into coming values ('po:1', 'A', 60), ('po:2', 'B', 7), ('po:3', 'B', 8)"
    )
    settings = {"levels": LEVELS, "demand": DEMAND, "supply": SUPPLY, "location": "DC1"}
    known = SqlStockSettings.model_validate({"dsn": dsn, "rows_max": 2, **settings})
    assert APPLICATION.connect
    async with APPLICATION.connect(
        known, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        assert isinstance(opened, PollingErp)
        yield opened


def figures(facts: list[Fact]) -> list[str]:
    found: list[str] = []
    for fact in facts:
        if isinstance(fact.payload, SupplyCommitmentChanged):
            found.append(f"{fact.payload.open_quantity} of {fact.payload.item} to come")
        if isinstance(fact.payload, StockSnapshotTaken):
            [line] = fact.payload.lines
            found.append(f"{line.quantity} of {line.item} there")
    return found


ARRIVED = (
    "update stock set on_hand = 65.5, changed_at = clock_timestamp() where sku = 'A';"
    "update coming set qty = 0, changed_at = clock_timestamp() where id = 'po:1'"
)


async def test_what_arrives_after_supply_was_read_is_off_before_it_is_stock(
    erp: Any, buying: PollingErp
) -> None:
    before: list[Fact] = []
    cursor = ""
    while not cursor or json.loads(cursor)["at"] == "supply":
        poll = await buying.poll(cursor)
        before += poll.translation.facts
        cursor = poll.cursor
    await erp.execute(ARRIVED)

    after, cursor = await a_round(buying, cursor)

    assert figures(before) == ["60 EA of A to come", "7 EA of B to come", "8 EA of B to come"]
    said = figures(after)
    assert said.index("0 EA of A to come") < said.index("65.5 EA of A there")
    assert "0 EA of B there" in said
    assert figures((await a_round(buying, cursor))[0]) == []


async def test_stock_waits_until_all_supply_that_was_changed_has_been_read(
    erp: Any, buying: PollingErp
) -> None:
    """Three rows are within the overlap of each page: more than one page, at every turn."""
    _, cursor = await a_round(buying, "")
    await erp.execute(ARRIVED)
    await erp.execute("update coming set changed_at = clock_timestamp() where id <> 'po:1'")
    at_levels = json.dumps({**json.loads(cursor), "at": "levels"})

    waiting = await buying.poll(at_levels)
    rest, _ = await a_round(buying, waiting.cursor)

    assert json.loads(waiting.cursor)["at"] == "levels"
    said = figures([*waiting.translation.facts, *rest])
    assert said.index("0 EA of A to come") < said.index("65.5 EA of A there")


async def test_without_a_query_there_is_nothing_to_check(dsn: str, clock: VirtualClock) -> None:
    assert APPLICATION.connect
    settings = SqlStockSettings.model_validate({"dsn": dsn})
    async with APPLICATION.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        with pytest.raises(Invalid, match="No query"):
            await opened.check()


def test_settings_refuse_a_zone_that_does_not_exist() -> None:
    with pytest.raises(ValidationError, match="IANA"):
        SqlStockSettings.model_validate({"dsn": "x", "timezone": "Mars/Olympus"})


async def test_single_levels_are_told_as_of_now_and_what_has_none_is_zero(
    erp: Any, connection: PollingErp
) -> None:
    await erp.execute("update stock set changed_at = now() - interval '90 days'")

    answer = await connection.stock_of("DC1", ["A", "GONE"])

    assert not answer.translation.refused
    lines = {
        fact.payload.lines[0].item: (str(fact.payload.lines[0].quantity), fact.payload.is_full)
        for fact in answer.translation.facts
        if isinstance(fact.payload, StockSnapshotTaken)
    }
    assert lines == {"A": ("5.5 EA", False), "GONE": ("0 EA", False)}
    now = await erp.fetchval("select now()")
    for fact in answer.translation.facts:
        assert fact.recorded_at is not None
        assert abs((now - fact.recorded_at).total_seconds()) < 60


async def test_what_the_query_has_no_more_is_zero_in_each_status(
    erp: Any, dsn: str, clock: VirtualClock
) -> None:
    """A has 5.5 to sell and nothing in quarantine any more; GONE has nothing in any status."""
    await erp.execute("alter table stock add column grade text")
    assert APPLICATION.connect
    levels = LEVELS | {"columns": {**LEVELS["columns"], "status": "grade"}}
    statuses = {"Q": "QC_HOLD", "QUARANTINE": "QC_HOLD", "D": "DAMAGED", "A": "AVAILABLE"}
    settings = SqlStockSettings.model_validate(
        {"dsn": dsn, "levels": levels, "statuses": statuses}
    )
    async with APPLICATION.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        assert isinstance(opened, PollingErp)
        answer = await opened.stock_of("DC1", ["A", "GONE"])

    assert not answer.translation.refused
    assert sorted(
        (line.item, line.status, str(line.quantity))
        for fact in answer.translation.facts
        if isinstance(fact.payload, StockSnapshotTaken)
        for line in fact.payload.lines
    ) == [
        ("A", "AVAILABLE", "5.5 EA"),
        ("A", "DAMAGED", "0 EA"),
        ("A", "QC_HOLD", "0 EA"),
        ("GONE", "AVAILABLE", "0 EA"),
        ("GONE", "DAMAGED", "0 EA"),
        ("GONE", "QC_HOLD", "0 EA"),
    ]
    assert len({fact.identity for fact in answer.translation.facts}) == 6


async def test_a_query_that_tells_no_status_says_nothing_of_what_is_set_aside(
    erp: Any, dsn: str, clock: VirtualClock
) -> None:
    """The statuses are there for its movements: no zero takes away what lies in quarantine."""
    del erp
    assert APPLICATION.connect
    settings = SqlStockSettings.model_validate(
        {"dsn": dsn, "levels": LEVELS, "statuses": {"Q": "QC_HOLD"}}
    )
    async with APPLICATION.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        assert isinstance(opened, PollingErp)
        answer = await opened.stock_of("DC1", ["A", "GONE"])

    assert {
        line.status
        for fact in answer.translation.facts
        if isinstance(fact.payload, StockSnapshotTaken)
        for line in fact.payload.lines
    } == {"AVAILABLE"}


async def test_of_a_place_that_the_query_never_names_nothing_is_told(
    connection: PollingErp,
) -> None:
    answer = await connection.stock_of("DC9", ["A"])

    assert answer.translation.facts == ()


async def test_without_a_query_of_levels_no_stock_is_told(dsn: str, clock: VirtualClock) -> None:
    assert APPLICATION.connect
    settings = SqlStockSettings.model_validate({"dsn": dsn, "demand": DEMAND})
    async with APPLICATION.connect(
        settings, Ports(clock=clock, random=Random(1), allow_local_databases=True)
    ) as opened:
        assert isinstance(opened, PollingErp)
        with pytest.raises(Rejected, match="No query of levels"):
            await opened.stock_of("DC1", ["A"])
