"""What is said of a kit beside its own stock over HTTP: how many there are, out of what."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from crossdock.assembly.kits import KitAnswers
from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.interfaces.api.conftest import Caller, House, amount, event, stock

KEYS = {"keys": [{"item": item, "location": "DC"} for item in ("BOLT", "BAG", "NUT")]}


@pytest.fixture
async def bags(call: Caller, house: House) -> House:
    """Nine bolts and five nuts; a bag takes four bolts and one nut, and nobody told of bags."""
    await stock(call, house, "BAG")
    await stock(call, house, "BOLT", "NUT", micros=9 * MICROS)
    parts = [
        {"item": "BOLT", "quantity": amount(4 * MICROS)},
        {"item": "NUT", "quantity": amount(MICROS)},
    ]
    kit = {"item": "BAG", "quantity": amount(MICROS), "components": parts}
    said = event("catalog.kit_changed.v1", "kit:BAG", kit)
    told = await call("POST", "/v1/events", {"source": "erp", "events": [said]})
    assert told.json["counts"] == {"NEW": 1}, told.body
    await house.catch_up()
    return house


@pytest.mark.usefixtures("bags")
async def test_a_kit_says_how_many_there_are_of_what_and_what_limits_them(call: Caller) -> None:
    bag = (await call("GET", "/v1/availability?item=bag&location=dc")).json

    assert (bag["available"], bag["is_known"]) == (None, False)  # none was ever told assembled
    assert bag["kit"]["available"] == amount(2 * MICROS)
    [building] = bag["kit"]["buildings"]
    assert building["assembled"] == amount(0)
    assert building["put_together"] == amount(2 * MICROS)
    assert building["limited_by"] == ["BOLT"]
    parts = [
        (one["item"], one["into_one"]["value"], one["there_is"]["value"])
        for one in building["components"]
    ]
    assert parts == [("BOLT", "4", "9"), ("NUT", "1", "9")]


@pytest.mark.usefixtures("bags")
async def test_a_promise_of_a_component_leaves_less_to_put_together(call: Caller) -> None:
    line = {"item": "BOLT", "location": "DC", "quantity": amount(2 * MICROS)}
    await call("POST", "/v1/reservations", {"request_id": "c", "lines": [line]})

    bag = (await call("GET", "/v1/availability?item=BAG&location=DC")).json

    assert bag["kit"]["available"] == amount(MICROS)


@pytest.mark.usefixtures("bags")
async def test_of_many_at_once_kits_alone_say_what_they_are_put_together_from(
    call: Caller,
) -> None:
    bolt, bag, nut = (await call("POST", "/v1/availability", KEYS)).json["availability"]

    assert bag["kit"]["available"] == amount(2 * MICROS)
    assert (bolt["kit"], nut["kit"]) == (None, None)


class Counted:
    """A database whose statements are counted."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.statements = 0

    @asynccontextmanager
    async def transaction(self, scope: Scope, **more: Any) -> AsyncIterator[Any]:
        async with self.database.transaction(scope, **more) as tx:
            yield CountedTransaction(tx, self)


class CountedTransaction:
    def __init__(self, tx: Transaction, counted: Counted) -> None:
        self.tenant, self._tx, self._counted = tx.tenant, tx, counted

    async def fetch(self, *asked: Any) -> Any:
        self._counted.statements += 1
        return await self._tx.fetch(*asked)

    async def fetchval(self, *asked: Any) -> Any:
        self._counted.statements += 1
        return await self._tx.fetchval(*asked)


async def test_ten_thousand_items_that_are_no_kits_cost_one_statement_among_kits(
    bags: House, database: Database
) -> None:
    counted: Any = Counted(database)
    answers = KitAnswers(counted, bags.inventory, bags.supply.kits)
    keys = [(f"SKU-{number}", "DC") for number in range(10_000)]

    assert await answers.of(Scope("main"), keys) == {}
    # And one more that says that there are kits; where there are none that is remembered.
    assert counted.statements == 2


async def test_where_there_are_no_kits_nothing_is_asked_for_a_second(
    call: Caller, house: House, database: Database
) -> None:
    await stock(call, house, "BOLT", micros=MICROS)
    clock = VirtualClock(NOON)
    kits = type(house.supply.kits)(clock, house.inventory.standings)
    answers = KitAnswers(database, house.inventory, kits)
    key, main = ("BOLT", "DC"), Scope("main")

    assert not kits.has_none("main")
    assert await answers.of(main, [key]) == {}
    assert kits.has_none("main")
    assert not kits.has_none("other")


@pytest.mark.usefixtures("bags")
async def test_a_reserved_kit_holds_its_parts_and_says_so_and_what_is_no_kit_says_nothing(
    call: Caller,
) -> None:
    lines = [
        {"item": "BAG", "location": "DC", "quantity": amount(2 * MICROS), "demand_ref": "o1/1"},
        {"item": "BOLT", "location": "DC", "quantity": amount(MICROS)},
    ]
    made = await call("POST", "/v1/reservations", {"request_id": "c", "lines": lines})
    same = await call("POST", "/v1/reservations", {"request_id": "c", "lines": lines})
    more = await call("POST", "/v1/reservations", {"request_id": "d", "lines": lines})

    assert (made.status, same.status, more.status) == (201, 200, 409)
    assert same.json["lines"] == made.json["lines"]
    bag, bolt = made.json["lines"]
    assert (bag["granted"], bag["put_together"]) == (amount(2 * MICROS), amount(2 * MICROS))
    assert [(one["item"], one["remaining"], one["demand_ref"]) for one in bag["parts"]] == [
        ("BOLT", amount(8 * MICROS), "o1/1/BOLT"),
        ("NUT", amount(2 * MICROS), "o1/1/NUT"),
    ]
    assert (bolt["put_together"], bolt["parts"]) == (None, None)
    free = (await call("POST", "/v1/availability", KEYS)).json["availability"]
    assert [one["available"] for one in free] == [amount(0), None, amount(7 * MICROS)]
