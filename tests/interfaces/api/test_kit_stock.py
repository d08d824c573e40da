"""What is said of a kit beside its own stock over HTTP: how many there are, out of what."""

import pytest

from crossdock.assembly.kits import KitAnswers
from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
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


async def test_where_there_are_no_kits_nothing_is_asked_for_a_second(
    call: Caller, house: House, database: Database
) -> None:
    await stock(call, house, "BOLT", micros=MICROS)
    clock = VirtualClock(NOON)
    kits = type(house.supply.kits)(clock)
    answers = KitAnswers(database, house.inventory, kits)
    key, main = ("BOLT", "DC"), Scope("main")

    assert not kits.has_none("main")
    assert await answers.of(main, [key]) == {}
    assert kits.has_none("main")
    assert not kits.has_none("other")
