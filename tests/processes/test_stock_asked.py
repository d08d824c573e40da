"""A warehouse that can be asked for single keys: sampled by turns, confirmed, read once more."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.errors import Invalid, NotFound, Rejected
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import Asked, Line, Parts, Said, Wanted, instant_of
from crossdock.capabilities.reconciliation.planning import PASSES
from tests.processes.shelf import (
    TICK,
    Shelf,
    Warehouse,
    asked_warehouse,
    connect_items,
    connect_shelf,
    wms_dump,
)


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def test_what_the_keeper_twice_says_otherwise_is_read_once_more_and_held(
    wms: Warehouse,
) -> None:
    reconciliation, scope = wms.at.hub.reconciliation, wms.at.hub.scope
    await wms.ticks(2)
    assert await reconciliation.findings(scope, Wanted(states=["SUSPECTED"])) == []
    wms.shelf.levels["BOLT"] = 93

    await wms.ticks(8, 200)

    assert wms.shelf.asked
    rows = await reconciliation.findings(scope)
    assert [(one.item, one.against, one.attempts) for one in rows] == [("BOLT", "wms", 1)]
    assert rows[0].confirmed_at is not None
    assert rows[0].is_gone
    assert await wms.on_hand() == 93


async def dumped(wms: Warehouse, pieces: int, *, ahead: timedelta = timedelta()) -> str:
    """Have the warehouse dump its shelf; say what became of that."""
    hub = wms.at.hub
    as_of = instant_of((hub.clock.now() + ahead).isoformat())
    line = Line("DC1", "BOLT", "AVAILABLE", "", "", "", pieces * MICROS, "EA", as_of)
    said = Said(lines=[line], parts=Parts())
    asked = Asked(against="wms", by="test", said=lambda _: said)
    return (await hub.reconciliation.compare(hub.scope, asked)).verdict


async def test_the_word_of_a_keeper_whose_newest_dump_was_rejected_is_recorded_after_a_good_one(
    wms: Warehouse,
) -> None:
    """A source in an incident is not believed (§4.3): not until a later dump is."""
    wms.shelf.levels["BOLT"] = 0
    await wms.ticks(1)
    assert await dumped(wms, 0, ahead=timedelta(hours=3)) == "REJECTED"
    await wms.ticks(4, 200)
    assert await wms.on_hand() == 100

    assert await dumped(wms, 0) == "DONE"
    await wms.ticks(4, 200)

    assert await wms.on_hand() == 0


async def test_nothing_is_recorded_of_one_that_does_not_keep_the_stock(wms: Warehouse) -> None:
    hub = wms.at.hub
    await hub.authority.set_keeper(hub.scope, "DC1", "erp", by="test")
    wms.shelf.levels["BOLT"] = 93

    done = await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann")

    assert (done.run.is_sample, done.run.suspected, done.taken) == (True, 1, 0)
    assert await wms.on_hand() == 100
    with pytest.raises(Rejected, match="does not keep the stock"):
        await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann", take=True)


async def test_the_keeper_is_asked_by_hand_and_its_word_is_recorded(wms: Warehouse) -> None:
    hub = wms.at.hub
    wms.shelf.levels["BOLT"] = 93
    await wms.at.clock.advance(TICK)

    done = await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann", take=True)
    await hub.settle()

    assert (done.run.suspected, done.taken, await wms.on_hand()) == (1, 1, 93)


async def test_what_cannot_be_asked_is_said(wms: Warehouse) -> None:
    hub = wms.at.hub
    with pytest.raises(NotFound, match="cannot be asked for the stock of DC1"):
        await hub.stock_sampler.ask(hub.scope, "erp", "DC1", ["BOLT"], by="ann")
    with pytest.raises(Rejected, match="tells nothing of these items"):
        await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["NOBODY"], by="ann")
    many = [f"ITEM-{number:03}" for number in range(101)]
    with pytest.raises(Invalid, match="at most 100 items") as refused:
        await hub.stock_sampler.ask(hub.scope, "wms", "DC1", many, by="ann")
    assert refused.value.where == "/items"


async def test_a_sample_stands_in_for_no_dump(wms: Warehouse) -> None:
    """A finding of a dump that a sample did not look at is still the newest of its key."""
    hub = wms.at.hub
    dumped = (await wms_dump(wms, BOLT=90)).run_id
    await wms.at.clock.advance(timedelta(minutes=1))
    await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["NUT"], by="ann")

    [found] = await hub.reconciliation.findings(hub.scope, Wanted(states=["SUSPECTED"]))
    assert (found.item, found.run_id) == ("BOLT", dumped)
    samples = [one.is_sample for one in await hub.reconciliation.runs(hub.scope)]
    assert samples == [True, False]


async def test_a_dump_that_tells_classes_decides_how_often_keys_are_asked(
    wms: Warehouse,
) -> None:
    """In a round an A item is asked for four times, a B item twice, a C item once."""
    hub = wms.at.hub
    names = [f"ITEM-{number:03}" for number in range(60)]
    await connect_items(wms, names)
    for of, some in (("A", names[:20]), ("B", names[20:40]), ("C", names[40:])):
        await wms_dump(wms, of, **dict.fromkeys(some, 100))
    wms.shelf.levels |= dict.fromkeys(names, 100)
    [plan] = await hub.stock_sampler.plans(hub.scope)
    a_call = timedelta(days=1) / plan.calls_a_day

    count: Counter[str] = Counter()
    for _ in range(400):
        await wms.at.clock.advance(a_call)
        await hub.stock_sampler.follow()
        async with hub.database.transaction(hub.scope) as tx:
            passes = await tx.fetchval(
                "select passes from reconciliation_round where tenant = 'main' and kind = 'STOCK'"
            )
        if passes == PASSES:
            break
    for items in wms.shelf.asked:
        count.update(items)

    assert {count[name] for name in names[:20]} == {4}
    assert {count[name] for name in names[20:40]} == {2}
    assert {count[name] for name in names[40:]} == {1}
    assert (plan.kind, plan.listings, plan.share_ppm < 10_000) == ("STOCK", 61, True)


async def test_what_is_in_doubt_is_asked_for_first(wms: Warehouse) -> None:
    names = [f"ITEM-{number:03}" for number in range(60)]
    await connect_items(wms, names)
    wms.shelf.levels |= dict.fromkeys(names, 100)
    await wms_dump(wms, "", **{"ITEM-050": 80})

    await wms.ticks(1)

    assert wms.shelf.asked[0][0] == "ITEM-050"


async def test_of_much_that_is_in_doubt_only_the_next_are_looked_up(wms: Warehouse) -> None:
    """Of 60 in doubt a call has room for 20: they go by turns, and begin anew at the end."""
    hub = wms.at.hub
    names = [f"ITEM-{number:03}" for number in range(60)]
    await connect_items(wms, names)
    wms.shelf.levels |= dict.fromkeys(names, 80)
    await wms_dump(wms, "", **dict.fromkeys(names, 80))
    [plan] = await hub.stock_sampler.plans(hub.scope)

    seen: list[list[str]] = []
    for _ in range(4):
        seen.append(await hub.stock_sampler.again(hub.scope, plan))
        await wms.ticks(1, 100 + len(seen))

    assert [(len(some), some[0]) for some in seen] == [
        (20, "ITEM-000"),
        (20, "ITEM-020"),
        (20, "ITEM-040"),
        (20, "ITEM-000"),
    ]


async def test_two_systems_that_can_be_asked_are_compared_without_a_dump(wms: Warehouse) -> None:
    hub = wms.at.hub
    wms.shelves["depot"] = Shelf(wms.at.clock, {"BOLT": 93, "NUT": 0})
    await connect_shelf(wms.at, ["BOLT", "NUT"], "depot")
    wanted = Asked(system="depot", against="wms", by="ann")

    asked = await hub.stock_sampler.filled_in(hub.scope, wanted, "DC1", ["BOLT", "NUT"])
    run = await hub.reconciliation.compare(hub.scope, asked)
    [found] = await hub.reconciliation.findings(hub.scope)

    assert (run.verdict, run.compared) == ("DONE", 2)
    assert (found.item, found.system, found.against) == ("BOLT", "depot", "wms")
    assert (found.ours, found.theirs) == (Decimal(93), Decimal(100))
    assert await wms.on_hand() == 100, "nothing is recorded of it"
    with pytest.raises(Rejected, match="tells nothing of these items"):
        await hub.stock_sampler.filled_in(hub.scope, wanted, "DC1", ["NOBODY"])


async def test_a_side_that_gives_a_dump_is_not_asked(wms: Warehouse) -> None:
    hub = wms.at.hub
    as_of = instant_of(hub.clock.now().isoformat())
    line = Line("DC1", "BOLT", "AVAILABLE", "", "", "", 90_000_000, "", as_of)
    said = Said(lines=[line], parts=Parts())
    wanted = Asked(system="books", first=lambda _: said, against="wms", by="ann")

    asked = await hub.stock_sampler.filled_in(hub.scope, wanted, "DC1", ["BOLT"])
    run = await hub.reconciliation.compare(hub.scope, asked)

    assert wms.shelf.asked == [["BOLT"]]
    assert (run.compared, run.suspected) == (1, 1)
