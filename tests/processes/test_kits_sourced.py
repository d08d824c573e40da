"""Kits in the choice of warehouses, through a whole hub: what can be put together (§1.2, §3.5)."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind, LotChanged
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.sourcing import Decided, Filter, Lane, NodeFacts, Policy, Rules
from crossdock.capabilities.sourcing import planned as planned_of
from crossdock.capabilities.supply import UNLIMITED
from crossdock.foundation.clock import VirtualClock
from crossdock.orchestration.order_sourcing import Sourced
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.processes.calendars import EVERY_DAY, open_every_day
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        lanes = (Lane(transit_days=1, runs_on=EVERY_DAY),)
        for node in ("DC1", "DC2", "DC3"):
            await open_every_day(one.hub, node)
            facts = NodeFacts(node=node, lanes=lanes)
            await one.hub.order_sourcing.put_node(one.hub.scope, facts, by="test")
        yield one


def asked(*lines: tuple[str, int] | tuple[str, int, str], **more: object) -> SourceOrder:
    return SourceOrder(
        lines=[
            SourceLine(
                item=item,
                quantity=Quantity.of(pieces, ""),
                demand_ref=ref[0] if ref else "",
                needed_by=more.get("needed_by"),  # type: ignore[arg-type]  # a day, or none
            )
            for item, pieces, *ref in lines
        ],
        **{name: value for name, value in more.items() if name != "needed_by"},  # type: ignore[arg-type]  # fields by name
    )


async def planned(bench: Bench, order: SourceOrder, *, reserve: bool = False) -> Sourced:
    return await bench.hub.order_sourcing.plan(bench.hub.scope, "shop", order, reserve=reserve)


async def decided(bench: Bench, *lines: tuple[str, int], **more: object) -> Decided:
    return (await planned(bench, asked(*lines, **more))).answer.decided


def sent(made: Decided) -> dict[str, dict[str, int]]:
    """Give what each node sends: pieces by item."""
    return {
        one.node: {part.item: part.quantity.micros // MICROS for part in one.parts}
        for one in made.shipments
    }


def taken(made: Decided) -> dict[tuple[str, str], int]:
    """Give how many pieces of each item are planned at each node, parts of kits among them."""
    found: dict[tuple[str, str], int] = {}
    for one in made.shipments:
        for part in one.parts:
            for item, quantity in (part.takes or {part.item: part.quantity}).items():
                key = (item, one.node)
                found[key] = found.get(key, 0) + quantity.micros // MICROS
    return found


def why(made: Decided, node: str) -> str:
    return next(one.why for one in made.reasons if one.node == node)


async def test_a11_a_node_has_of_a_kit_what_lies_assembled_and_what_can_be_put_together(
    bench: Bench,
) -> None:
    await bench.kit("K", A=2, B=1, C=4)
    await bench.count(A=50, B=33, C=100, K=3)

    made = await decided(bench, ("K", 29))

    assert sent(made) == {"DC1": {"K": 28}}
    assert taken(made) == {("K", "DC1"): 3, ("A", "DC1"): 50, ("B", "DC1"): 25, ("C", "DC1"): 100}
    assert why(made, "DC1") == (
        "it gives: 28 of K (line 1, 3 assembled, 25 put together); too little A and C for more K"
    )
    shown = next(one for one in made.candidates if one.node == "DC1")
    assert (str(shown.kits["1"].assembled), str(shown.kits["1"].made)) == ("3 EA", "25 EA")
    assert shown.kits["1"].lacking == ("A", "C")


async def test_a30_two_kits_of_one_part_are_not_planned_of_the_same_unit(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5)

    made = await decided(bench, ("P", 2), ("Q", 2))

    assert sent(made) == {"DC1": {"P": 2, "Q": 1}}
    assert taken(made) == {("X", "DC1"): 4}
    assert [(one.item, one.quantity.micros // MICROS) for one in made.waiting] == [("Q", 1)]


async def test_a_kit_and_its_part_by_itself_share_what_lies_there(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)

    made = await decided(bench, ("X", 3), ("P", 4))

    assert sum(taken(made).values()) == 5


async def test_the_reservation_of_a_plan_holds_kits_assembled_and_the_parts_of_the_rest(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5, P=1)

    made = await planned(bench, asked(("P", 2), ("Q", 2), request_id="o1"), reserve=True)

    assert made.reservation is not None
    assert made.reservation.status == "ACTIVE"
    lines = (*made.reservation.lines, *made.reservation.parts)
    held = sorted((one.item, one.location, one.remaining // MICROS) for one in lines)
    assert [one for one in held if one[0] == "X"] == [("X", "DC1", 1), ("X", "DC1", 4)]
    left = await bench.hub.inventory.availability(bench.hub.scope, [("X", "DC1"), ("P", "DC1")])
    assert [int(one.available.value) for one in left] == [0, 0]


async def test_the_node_that_can_put_all_of_a_kit_together_sends_it_alone(bench: Bench) -> None:
    await bench.kit("K", A=1)
    await bench.count("DC1", K=2)
    await bench.count("DC3", A=9)

    made = await decided(bench, ("K", 5), policy=Policy.COMPLETE_LINE)

    assert sent(made) == {"DC3": {"K": 5}}
    assert why(made, "DC3").endswith("5 of K (line 1, put together)")


async def test_a_kit_of_kits_takes_of_each_level_what_lies_there_first(bench: Bench) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3)
    await bench.count(K=1, S=3, A=9, X=10)

    made = await decided(bench, ("K", 4), ("X", 1))

    assert sent(made) == {"DC1": {"K": 4, "X": 1}}
    assert taken(made) == {
        ("K", "DC1"): 1, ("S", "DC1"): 3, ("A", "DC1"): 3, ("X", "DC1"): 10,
    }  # fmt: skip


async def test_what_is_planned_of_kits_is_what_their_availability_says(bench: Bench) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3)
    await bench.count(K=1, S=3, A=9, X=10)
    await bench.order("K", 3)

    made = await decided(bench, ("K", 99))

    stock = await bench.hub.kit_stocks.of(bench.hub.scope, [("K", "DC1")])
    assert sent(made) == {"DC1": {"K": stock["K", "DC1"].free() // MICROS}}


async def test_a25_an_order_of_a_kit_is_planned_of_what_it_claims_itself(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    ref = f"{bench.told}/1"
    await bench.order("P", 4)

    mine = await planned(bench, asked(("P", 4, ref)))
    others = await planned(bench, asked(("P", 4)))

    assert sent(mine.answer.decided) == {"DC1": {"P": 4}}
    assert sent(others.answer.decided) == {"DC1": {"P": 1}}


async def test_at_a_node_of_a_group_what_the_group_owes_of_a_part_is_kept(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count("DC1", X=5)
    await bench.order("X", 2, "EAST")

    made = await decided(bench, ("P", 9))

    assert sent(made) == {"DC1": {"P": 3}}


async def test_a_channel_has_of_a_kit_no_parts_that_are_kept_for_another(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await protected(bench, "X", "key", least=2, most=None)

    web = await decided(bench, ("P", 9), channel="web")
    key = await decided(bench, ("P", 9), channel="key")

    assert (sent(web), sent(key)) == ({"DC1": {"P": 3}}, {"DC1": {"P": 5}})


async def comes(bench: Bench, item: str, pieces: int, days: int) -> date:
    """Have a purchase bring pieces to DC1 in so many days."""
    day = bench.hub.clock.now().date() + timedelta(days=days)
    await bench.hear(
        SupplyCommitmentChanged(
            supply_id=f"po{bench.told}",
            kind=SupplyKind.TRANSFER,
            item=item,
            location="DC1",
            open_quantity=Quantity.of(pieces),
            evidence=SupplyEvidence.SHIPPED,
            eta=day,
        ),
        "erp",
    )
    return day


async def test_parts_that_are_still_to_come_make_a_kit_by_its_date_and_no_more_of_the_part(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2)
    day = await comes(bench, "X", 3, 2)

    made = await decided(bench, ("P", 4), ("X", 4), needed_by=day + timedelta(days=3))
    alone = await decided(bench, ("P", 9), needed_by=day + timedelta(days=3))
    undated = await decided(bench, ("P", 9))

    assert sum(taken(made).values()) == 5
    assert sent(alone) == {"DC1": {"P": 5}}
    [part] = alone.shipments[0].parts
    assert part.supply_on == day
    assert sent(undated) == {"DC1": {"P": 2}}


async def test_what_was_offered_of_a_kit_elsewhere_is_offered_of_its_parts_to_nobody_else(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count("DC3", X=5, P=1)
    before = {("P", "DC3"): 3 * MICROS}
    plan_of_stock = bench.hub.order_sourcing.plan_of_stock

    found = {
        item: sent((await plan_of_stock(bench.hub.scope, "run", asked((item, 9)), before)).decided)
        for item in ("P", "Q", "X")
    }

    assert found == {"P": {"DC3": {"P": 3}}, "Q": {"DC3": {"Q": 1}}, "X": {"DC3": {"X": 3}}}


async def test_a_decision_about_kits_is_told_again_and_derived_again(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2)
    made = await planned(bench, asked(("P", 2), ("X", 2), request_id="o1"))
    await bench.count(X=9)

    again = await bench.hub.sourcing.decision(bench.hub.scope, made.answer.decided.decision_id)
    inputs = await bench.hub.sourcing.inputs(bench.hub.scope, made.answer.decided.decision_id)

    assert again.content == made.answer.content
    plan = planned_of(inputs.order, inputs.candidates, inputs.rules)
    assert plan.reasons == made.answer.decided.reasons


async def protected(
    bench: Bench, item: str, channel: str, *, least: int, most: int | None
) -> None:
    now = bench.hub.clock.now()
    kept = AllocationProtection(
        item=item, location="DC1", channel=channel, minimum=least * MICROS,
        maximum=None if most is None else most * MICROS,
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1),
    )  # fmt: skip
    await bench.hub.allocation.rulebook.protect(bench.hub.scope, kept, by="planner")


async def test_what_is_kept_of_a_kit_for_another_channel_is_planned_as_it_is_held(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=9, P=5)
    await protected(bench, "P", "key", least=4, most=None)

    order = asked(("P", 8), ("X", 3), request_id="o1", channel="web")
    made = await planned(bench, order, reserve=True)

    assert sum(taken(made.answer.decided).values()) == 10
    assert taken(made.answer.decided)["P", "DC1"] == 1
    assert "what is kept for others leaves no more P" in why(made.answer.decided, "DC1")
    assert made.reservation is not None
    assert made.reservation.is_granted


async def test_a_channels_maximum_of_a_kit_counts_those_that_are_put_together(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=9, P=1)
    await protected(bench, "P", "web", least=0, most=3)

    made = await decided(bench, ("P", 8), channel="web")

    assert sent(made) == {"DC1": {"P": 3}}
    assert "the channel's maximum allows no more P" in why(made, "DC1")


async def test_parts_to_come_that_are_kept_for_another_channel_make_no_kit(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=1)
    await protected(bench, "X", "key", least=3, most=None)
    day = await comes(bench, "X", 4, 2)
    needed_by = day + timedelta(days=3)

    web = await decided(bench, ("P", 9), channel="web", needed_by=needed_by)
    key = await decided(bench, ("P", 9), channel="key", needed_by=needed_by)

    assert (sent(web), sent(key)) == ({"DC1": {"P": 2}}, {"DC1": {"P": 5}})


async def test_a_node_that_became_a_group_is_not_at_work(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count("DC3", X=5)
    for said in (
        LocationChanged(code="HERE"),
        LocationChanged(code="THERE"),
        LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC2",)),
        LocationChanged(code="DC1", kind=LocationKind.GROUP, members=("HERE", "THERE")),
    ):
        await bench.clock.advance(timedelta(seconds=1))
        fact = own_fact(said, bench.clock.now())
        [verdict] = await bench.hub.record([fact], source=OWN_SOURCE)
        assert not verdict.reason
    await bench.count("HERE", X=5)

    made = await decided(bench, ("P", 3))
    taken = {("P", "DC1"): MICROS}
    other = await bench.hub.order_sourcing.plan_of_stock(
        bench.hub.scope, "run", asked(("P", 3)), taken
    )

    assert sent(made) == {"DC3": {"P": 3}}
    assert sent(other.decided) == {"DC3": {"P": 3}}
    assert [one.rule for one in made.reasons if one.node == "DC1"] == ["ACTIVE"]


async def test_lines_share_those_parts_that_keep_as_long_as_they_are_to(bench: Bench) -> None:
    await bench.kit("P", X=1)
    today = bench.hub.clock.now().date()
    for lot, days in (("OLD", 5), ("NEW", 60)):
        await bench.hear(LotChanged(item="X", lot=lot, expires_on=today + timedelta(days=days)))
    lines = tuple(
        CountedStock(item="X", quantity=Quantity.of(5), lot=lot) for lot in ("OLD", "NEW")
    )
    await bench.hear(StockSnapshotTaken(snapshot_id="s1", location="DC1", lines=lines), "wms")
    order = asked(("P", 5), ("X", 5))
    order = replace(order, lines=[replace(one, life_days=30) for one in order.lines])

    made = (await planned(bench, order)).answer.decided
    older = replace(order, lines=[replace(order.lines[0], life_days=90)])
    barred = (await planned(bench, older)).answer.decided
    rules = Rules(filters=tuple(one for one in Filter if one is not Filter.SHELF_LIFE))
    await bench.hub.sourcing.put_rules(bench.hub.scope, rules, by="test")
    whatever = (await planned(bench, order)).answer.decided

    assert sum(taken(made).values()) == 5
    assert [one.rule for one in barred.reasons if one.node == "DC1"] == ["SHELF_LIFE"]
    assert sum(taken(whatever).values()) == 10


async def test_a_kit_that_was_denied_at_a_place_leaves_its_parts_there_to_others(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count("DC3", X=5)
    denied = {("P", "DC3"): UNLIMITED}
    plan_of_stock = bench.hub.order_sourcing.plan_of_stock

    kits = await plan_of_stock(bench.hub.scope, "run", asked(("P", 9)), denied)
    parts = await plan_of_stock(bench.hub.scope, "run", asked(("X", 9)), denied)

    assert (sent(kits.decided), sent(parts.decided)) == ({}, {"DC3": {"X": 5}})


async def test_half_a_kit_takes_the_parts_of_a_whole_one(bench: Bench) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=3)
    order = asked(("P", 1))
    half = replace(order.lines[0], quantity=Quantity.of("0.5", ""))

    made = await planned(bench, replace(order, lines=[half], request_id="o1"), reserve=True)

    [part] = made.answer.decided.shipments[0].parts
    assert (str(part.quantity), str(part.takes["X"])) == ("0.5 EA", "2 EA")
    assert made.reservation is not None
    assert [str(one.remaining // MICROS) for one in made.reservation.parts] == ["2"]


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_planned_of_kits_to_be_reserved_is_granted_as_it_is_planned(
    bench: Bench, seed: int
) -> None:
    """Plans and grants count kits each in their own way: they agree on what there is."""
    random = Random(seed)
    await bench.kit("K", S=2, X=1)
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2, Z=1)
    await bench.kit("S", X=3, Z=1)
    items = ("K", "P", "Q", "S", "X", "Z")
    for case in range(4):
        for node in ("DC1", "DC3"):
            await bench.count(node, **{item: random.randrange(9) for item in items})
        lines = [(random.choice(items), random.randrange(1, 7)) for _ in range(4)]
        order = asked(*lines, request_id=f"o{case}", policy=random.choice(list(Policy)))

        made = await planned(bench, order, reserve=True)

        if made.reservation is None:
            assert not made.answer.decided.shipments
            continue
        assert made.reservation.is_granted, (lines, made.answer.decided.reasons)
        held: Counter[tuple[str, str]] = Counter()
        for one in made.reservation.lines:
            held[one.item, one.location] += one.granted - one.made
        for part in made.reservation.parts:
            held[part.item, part.location] += part.granted
        assert {key: micros // MICROS for key, micros in held.items() if micros} == taken(
            made.answer.decided
        )
        await bench.hub.inventory.release(bench.hub.scope, made.reservation.reservation_id)
        await bench.hub.inventory.upkeep.tell()
