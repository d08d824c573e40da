"""Movements and snapshots: what lies where follows from the set of facts, not their order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    OrderLineOverPicked,
    SafetyStockChanged,
    SerialOvercounted,
    SourceHeard,
    StockStatus,
    StockWentNegative,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    fact,
    moved,
    ordered,
    place,
)


async def test_what_nobody_told_is_unknown_not_zero(house: House) -> None:
    assert not (await house.stock()).is_known
    await house.hear(counted(1, count(0)))
    assert (await house.stock()).is_known


async def test_a_full_snapshot_makes_silence_a_zero(house: House) -> None:
    await house.hear(counted(1, count(5), count(7, item="Y")))
    await house.hear(counted(2, count(4), is_full=True))

    assert (await house.stock()).available.value == 4
    assert (await house.stock("Y")).available.value == 0
    never_named = await house.stock("Z")
    assert never_named.is_known
    assert never_named.available.value == 0


async def test_a_partial_snapshot_leaves_what_it_does_not_name(house: House) -> None:
    await house.hear(counted(1, count(5), count(7, item="Y")), counted(2, count(4)))

    assert (await house.stock("Y")).available.value == 7


async def test_a_bucket_first_heard_of_after_a_full_snapshot_starts_empty_at_it(
    house: House,
) -> None:
    await house.hear(counted(10, is_full=True))
    await house.hear(moved(5, 3, None, place()), moved(11, 4, None, place()))

    assert (await house.stock()).available.value == 4


async def test_an_older_snapshot_changes_nothing(house: House) -> None:
    await house.hear(counted(5, count(50)))
    await house.hear(counted(4, count(99)))

    assert (await house.stock()).available.value == 50


async def test_lines_of_one_bucket_in_a_snapshot_add_up(house: House) -> None:
    await house.hear(counted(1, count(5), count(7)))

    assert (await house.stock()).available.value == 12


async def test_a_source_without_sequence_is_ordered_by_its_clock(house: House) -> None:
    late = moved(30, 5, place(), None)
    early = moved(10, 7, place(), None)
    snapshot = counted(20, count(50))
    await house.hear(*(replace(one, sequence=None) for one in (late, early, snapshot)))

    assert (await house.stock()).available.value == 45


async def test_another_streams_movement_is_placed_by_the_clock(house: House) -> None:
    await house.hear(counted(20, count(50)))
    await house.hear(moved(1, 5, None, place()), source="erp")  # a second past noon: inside
    await house.hear(moved(21, 7, None, place()), source="erp")

    assert (await house.stock()).available.value == 57


async def test_below_zero_is_shown_told_and_counts_as_zero(house: House) -> None:
    await house.hear(moved(1, 5, place(), None))

    stock = await house.stock()
    assert stock.by_status[StockStatus.AVAILABLE] == -5 * MICROS
    assert stock.available.value == 0
    told = await house.told(StockWentNegative)
    assert [event.payload.key for event in told] == ["X"]
    await house.hear(moved(2, 8, None, place()))
    assert (await house.stock()).available.value == 3


async def test_a_count_below_zero_is_told_each_time_it_comes_to_that(house: House) -> None:
    for number, quantity in enumerate((-2, 3, -1), start=1):
        await house.hear(counted(number, count(quantity)))

    told = await house.told(StockWentNegative)
    assert len({event.event_id for event in told}) == 2
    assert (await house.stock()).available.value == 0


async def test_a_reversal_before_its_original_ends_where_it_began(house: House) -> None:
    await house.hear(counted(1, count(10)), ordered("O", 1, demand("O/1", 4)))
    staged = place(status=StockStatus.STAGED_OUT)
    await house.hear(moved(3, 4, staged, place(), demand_ref="O/1"))
    await house.hear(moved(2, 4, place(), staged, demand_ref="O/1"))

    assert await house.figures() == (6, 6, 0, 0)


async def test_goods_of_others_and_lots_are_kept_apart(house: House) -> None:
    await house.hear(
        counted(1, count(5, lot="L1"), count(7, lot="L2"), count(9, owner="supplier"))
    )

    stock = await house.stock()
    assert stock.available.value == 12
    assert stock.of_others == 9 * MICROS
    assert await house.held() == {("", "L1", "", 5), ("", "L2", "", 7), ("supplier", "", "", 9)}


async def test_goods_change_lot_without_a_change_of_what_is_there(house: House) -> None:
    await house.hear(counted(1, count(5, lot="L1"), count(7, lot="L2")))
    await house.hear(moved(2, 3, place(lot="L1"), place(lot="L2")))

    assert await house.held() == {("", "L1", "", 2), ("", "L2", "", 10)}
    assert await house.figures() == (12, 12, 0, 0)


async def test_goods_that_become_ours_can_be_promised_and_no_sooner(house: House) -> None:
    theirs = place(owner="supplier", lot="L1")
    await house.hear(counted(1, count(9, owner="supplier", lot="L1")))
    assert await house.figures() == (0, 0, 0, 0)
    assert not (await house.reserve(1)).is_granted

    await house.hear(moved(2, 4, theirs, place(lot="L1")))

    stock = await house.stock()
    assert stock.available.value == 4
    assert stock.of_others == 5 * MICROS
    assert await house.held() == {("supplier", "L1", "", 5), ("", "L1", "", 4)}


async def test_a_snapshot_speaks_of_the_lots_that_it_names(house: House) -> None:
    await house.hear(counted(1, count(5, lot="L1"), count(7, lot="L2"), count(9)))
    await house.hear(moved(2, 1, place(lot="L1"), None), moved(4, 1, place(lot="L1"), None))

    await house.hear(counted(3, count(3, lot="L1")))
    assert await house.held() == {("", "L1", "", 2), ("", "L2", "", 7), ("", "", "", 9)}

    await house.hear(counted(5, count(4, lot="L2"), is_full=True))
    assert await house.held() == {("", "L2", "", 4)}


async def test_each_serial_is_a_position_of_its_own(house: House) -> None:
    staged = StockStatus.STAGED_OUT
    await house.hear(counted(1, count(1, serial="S1"), count(1, serial="S2", lot="L1")))
    await house.hear(
        moved(2, 1, place(serial="S1"), place(status=staged, serial="S1")),
        moved(3, 1, None, place(serial="S3")),
    )
    assert await house.held() == {("", "", "S1", 1), ("", "L1", "S2", 1), ("", "", "S3", 1)}
    assert await house.figures() == (2, 2, 0, 0)

    await house.hear(counted(4, count(1, serial="S3"), is_full=True))

    assert await house.held() == {("", "", "S3", 1)}
    assert await house.told(SerialOvercounted) == []


async def test_a_reversal_puts_goods_back_where_they_were(house: House) -> None:
    theirs = place(owner="supplier", lot="L1", serial="S1")
    ours = place(lot="L1", serial="S1")
    await house.hear(moved(1, 1, None, theirs), moved(2, 1, theirs, ours))
    assert await house.held() == {("", "L1", "S1", 1)}

    await house.hear(moved(3, 1, ours, theirs))

    assert await house.held() == {("supplier", "L1", "S1", 1)}
    assert (await house.stock()).available.value == 0


async def test_a_serial_that_is_there_twice_is_told_each_time_it_comes_to_that(
    house: House,
) -> None:
    bay = place(serial="S1")
    await house.hear(moved(1, 1, None, bay), moved(2, 1, None, bay))
    await house.hear(moved(3, 1, None, bay))  # one more of what was told already
    await house.hear(counted(4, count(1, serial="S1")))
    await house.hear(counted(5, count(2, serial="S1")), counted(5, count(2), location="DC2"))

    told = await house.told(SerialOvercounted)
    assert [event.payload for event in told] == [
        SerialOvercounted(item="X", place=bay, quantity=Quantity.of(2)),
        SerialOvercounted(item="X", place=bay, quantity=Quantity.of(2)),
    ]
    assert len({event.event_id for event in told}) == 2
    assert await house.held() == {("", "", "S1", 2)}


async def test_a_serial_that_left_before_it_came_is_below_zero_and_told(house: House) -> None:
    await house.hear(moved(1, 1, place(lot="L1", serial="S1"), None))

    told = [event.payload for event in await house.told(StockWentNegative)]
    expected = place(lot="L1", serial="S1")
    assert told == [StockWentNegative(item="X", place=expected, quantity=Quantity.of(-1))]
    await house.hear(moved(2, 1, None, place(lot="L1", serial="S1")))
    assert await house.held() == set()


async def test_a_silent_source_is_stale_and_a_quiet_item_is_not(house: House) -> None:
    await house.inventory.upkeep.set_freshness(MAIN, "wms", 600)
    await house.hear(counted(0, count(5)))
    await house.clock.advance(timedelta(seconds=700))
    assert (await house.stock()).is_stale

    await house.hear(fact("heartbeat:1", SourceHeard(source="wms"), 700))
    stock = await house.stock()
    assert not stock.is_stale
    assert stock.sources[0].freshness_seconds == 600


async def test_each_page_tells_each_item_once_and_versions_rise(house: House) -> None:
    await house.hear(*(moved(number, 1, None, place()) for number in range(1, 6)))
    await house.hear(moved(6, 1, None, place()))

    told = [event.payload for event in await house.told(AvailabilityChanged)]
    assert all(isinstance(one, AvailabilityChanged) for one in told)
    assert [(one.nettable.value, one.version) for one in told] == [(5, 1), (6, 2)]  # type: ignore[attr-defined]  # events of one kind were asked for


async def test_the_newest_version_of_an_order_wins_whenever_it_comes(house: House) -> None:
    await house.hear(counted(1, count(100)))
    await house.hear(ordered("O", 3, demand("O/1", 10, 4)))
    await house.hear(ordered("O", 2, demand("O/1", 50), demand("O/2", 9)))
    assert (await house.stock()).figures.hard == 6 * MICROS

    await house.hear(ordered("O", 4, demand("O/2", 8)))
    assert (await house.stock()).figures.hard == 8 * MICROS


async def test_an_order_line_that_moves_house_takes_its_claim_along(house: House) -> None:
    await house.hear(ordered("O", 1, demand("O/1", 5)))
    await house.hear(ordered("O", 2, demand("O/1", 5, location="DC2")))

    assert (await house.stock()).figures.hard == 0
    assert (await house.stock(location="DC2")).figures.hard == 5 * MICROS


@pytest.mark.parametrize("is_one_page", [True, False])
@pytest.mark.parametrize(("first", "last"), [(6, 13), (13, 6)])
async def test_of_two_states_under_one_time_the_one_received_later_stands(
    house: House, first: int, last: int, *, is_one_page: bool
) -> None:
    states = [
        replace(ordered("O", 7, demand("O/1", each)), identity=f"order:O:7:{each}")
        for each in (first, last)
    ]
    for told in [states] if is_one_page else [[states[0]], [states[1]]]:
        await house.hear(*told)

    upkeep = house.inventory.upkeep
    assert (await house.stock()).figures.hard == last * MICROS
    assert await upkeep.state_hash(MAIN) == await upkeep.replayed_hash(MAIN)


@pytest.mark.parametrize(("first", "last"), [("DC1", "DC2"), ("DC2", "DC1")])
async def test_of_two_groups_under_one_time_the_one_received_later_stands(
    house: House, first: str, last: str
) -> None:
    await house.hear(counted(1, count(6)), counted(1, count(4), location="DC2"))
    for member in (first, last):
        payload = LocationChanged(code="WEST", kind=LocationKind.GROUP, members=(member,))
        await house.hear(fact(f"location:WEST:{member}", payload, 1), source="erp")

    west = await house.stock(location="WEST")
    assert west.available.value == {"DC1": 6, "DC2": 4}[last]


async def test_an_over_pick_claims_nothing_and_never_less(house: House) -> None:
    await house.hear(counted(1, count(100)), ordered("O", 1, demand("O/1", 5)))
    await house.hear(moved(2, 8, place(), None, demand_ref="O/1"))

    assert await house.figures() == (92, 92, 0, 0)
    [told] = [event.payload for event in await house.told(OrderLineOverPicked)]
    five, eight = Quantity.of(5), Quantity.of(8)
    assert told == OrderLineOverPicked(
        order_id="O", demand_ref="O/1", item="X", location="DC1", ordered=five, picked=eight
    )


async def test_an_over_pick_is_told_once_whichever_came_first(house: House) -> None:
    await house.hear(counted(1, count(100)), moved(2, 8, place(), None, demand_ref="O/1"))
    assert await house.told(OrderLineOverPicked) == []
    await house.hear(ordered("O", 1, demand("O/1", 5)))
    await house.hear(moved(3, 1, place(), None, demand_ref="O/1"))

    assert len(await house.told(OrderLineOverPicked)) == 1


async def test_what_is_cancelled_after_it_was_picked_is_no_over_pick(house: House) -> None:
    await house.hear(counted(1, count(100)), ordered("O", 1, demand("O/1", 5)))
    await house.hear(moved(2, 5, place(), None, demand_ref="O/1"))
    await house.hear(ordered("O", 2, demand("O/1", 5, cancelled=5)))

    assert await house.told(OrderLineOverPicked) == []


async def test_tenants_never_meet(house: House) -> None:
    await house.hear(counted(1, count(5)))
    await house.hear(counted(1, count(9)), scope=Scope("other"))

    assert (await house.stock()).available.value == 5
    theirs = await house.inventory.availability(Scope("other"), [("X", "DC1")])
    assert theirs[0].available.value == 9


async def test_who_changes_safety_stock_is_told_once_with_what_it_was_before(house: House) -> None:
    await house.hear(counted(1, count(9)))
    for kept, by in ((4, "ann"), (4, "bob"), (0, "bob")):
        await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", kept * MICROS, by=by)
        await house.inventory.upkeep.tell()

    payloads = [event.payload for event in await house.told(SafetyStockChanged)]
    told = [one for one in payloads if isinstance(one, SafetyStockChanged)]
    payloads = [event.payload for event in await house.told(AvailabilityChanged)]
    shown = [one for one in payloads if isinstance(one, AvailabilityChanged)]

    said = [(one.changed_by, str(one.before), str(one.safety)) for one in told]
    assert said == [("ann", "0 EA", "4 EA"), ("bob", "4 EA", "0 EA")]
    versions = {one.version: one.safety for one in shown}
    assert [versions[one.version] for one in told] == [one.safety for one in told]


async def test_safety_stock_of_what_was_never_counted_is_told_in_the_items_base_unit(
    house: House,
) -> None:
    for kept in (4, 6):
        await house.inventory.upkeep.set_safety(
            MAIN, "X", "DC1", kept * MICROS, unit="KGM", by="ann"
        )

    payloads = [event.payload for event in await house.told(SafetyStockChanged)]
    told = [one for one in payloads if isinstance(one, SafetyStockChanged)]
    assert [(str(one.before), str(one.safety)) for one in told] == [
        ("0 KGM", "4 KGM"),
        ("4 KGM", "6 KGM"),
    ]


async def test_the_log_alone_gives_the_live_state(house: House) -> None:
    await house.hear(counted(1, count(50)), ordered("O", 1, demand("O/1", 5)))
    await house.reserve(7)
    await house.reserve(3, demand_ref="O/1")
    await house.hear(moved(2, 2, place(), None, demand_ref="O/1"))
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", MICROS, by="test")
    await house.inventory.upkeep.tell()

    upkeep = house.inventory.upkeep
    assert await upkeep.state_hash(MAIN) == await upkeep.replayed_hash(MAIN)
