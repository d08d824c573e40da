"""What a channel that is shown stock sold beyond it is one case for as long as it lacks (§7.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.capabilities.allocation import (
    AllocationRule,
    Applies,
    Outlook,
    RunLine,
    Work,
    sold_by_day,
)
from crossdock.capabilities.allocation.asks import Key, KnowsSupply
from crossdock.capabilities.allocation.oversold import PATIENCE, gets_in_time
from crossdock.capabilities.allocation.service import AFTER_FAILURE
from crossdock.capabilities.supply import Alternative, SubstitutionRule
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import SystemIds
from crossdock.orchestration.order_desk import SHOWN
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import Budgets, ItemsWanted
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_expected_supply import bought, dated, day
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.allocation.test_shortages import again, close_by_hand, titles
from tests.unit.capabilities.allocation.test_who_is_short import LINE
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place


@dataclass(frozen=True)
class Failing:
    """Supply that cannot say when something could leave; of what goods, if they are named."""

    supply: KnowsSupply
    items: frozenset[str] = frozenset()

    async def expected(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, Mapping[str, int | None]]],
        now: datetime,
    ) -> Mapping[Key, Sequence[tuple[date, int]]]:
        return await self.supply.expected(tx, asked, now)

    async def outlook(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, int, frozenset[str]]],
        now: datetime,
    ) -> Mapping[Key, Outlook]:
        if not self.items or self.items & {item for item, _ in asked}:
            await tx.execute("select no_such_recipe")
        return await self.supply.outlook(tx, asked, now)


async def shown(floor: Floor, connection: str = "web", channel: str = "") -> None:
    """Agree with a shop that it is shown what lies there."""
    terms = Channel(
        connection=connection, location="shop", source_locations=("DC1",), channel=channel
    )
    await Channels(floor.database, floor.clock).put(MAIN, terms, by="boss")


async def patient(floor: Floor) -> None:
    """Work, and again when what lacks has lacked for long enough."""
    await floor.work()
    await floor.clock.advance(PATIENCE)
    await floor.work()


async def sold(floor: Floor, pieces: int = 3) -> None:
    """Let the shop sell of an item of which there is none."""
    await shown(floor)
    await floor.hear(counted(1, count(0)), of("web", "W", 1, demand("W/1", pieces)))
    await patient(floor)


async def test_what_a_shop_sold_and_is_not_there_is_one_case_until_it_is(floor: Floor) -> None:
    await sold(floor)
    await floor.hear(of("web", "V", 1, demand("V/1", 2), minute=1))
    await patient(floor)
    for _ in range(2):
        [title] = await again(floor)
        assert title.startswith("W/1 gets 0 EA of 3 EA: SUPPLY; V/1 gets 0 EA of 2 EA: SUPPLY")
    [case] = await floor.open_cases()
    assert (case.code, case.severity, case.owner_role) == ("ORD-OVERSOLD", "S1", "Order desk")
    assert (case.entity, case.evidence["instead"]) == ("X/DC1", [])
    assert [(one["line"], one["gets"], one["of"]) for one in case.evidence["short"]] == [
        ("W/1", "0 EA", "3 EA"),
        ("V/1", "0 EA", "2 EA"),
    ]
    await floor.hear(moved(2, 4, None, place()))
    assert await floor.work() == {"W/1": 3, "V/1": 1}
    [title] = await titles(floor)
    assert title.startswith("V/1 gets 1 EA of 2 EA")
    await floor.hear(moved(3, 1, None, place()))
    await floor.work()
    assert await titles(floor) == []


async def test_the_case_says_when_the_rest_can_leave_and_what_may_stand_in(floor: Floor) -> None:
    rule = SubstitutionRule(item="X", alternatives=(Alternative(item="Y"),))
    await floor.supply.put_substitution(MAIN, rule, by="planner")
    await shown(floor)
    await floor.hear(counted(1, count(0)), bought(1, 5), of("web", "W", 1, demand("W/1", 3)))
    await patient(floor)
    [case] = await floor.open_cases()
    assert case.title == f"W/1 gets 0 EA of 3 EA: SUPPLY; the rest can leave on {day(9)}"
    assert (case.evidence["rest_on"], case.evidence["instead"]) == (str(day(9)), ["Y"])

    await floor.hear(bought(2, 5, eta=9))
    await floor.work()
    [case] = await floor.open_cases()
    assert case.evidence["rest_on"] == str(day(11))


async def test_what_comes_before_a_line_is_to_leave_is_not_oversold(floor: Floor) -> None:
    await shown(floor)
    await floor.hear(counted(1, count(0)), bought(1, 5), of("web", "W", 1, dated("W/1", 3, 10)))
    await patient(floor)
    assert await titles(floor) == []
    await floor.hear(of("web", "V", 1, dated("V/1", 3, 10)))
    await patient(floor)
    [title] = await titles(floor)  # of five that are acknowledged four may be promised
    assert title.startswith("W/1 gets 1 EA of 3 EA")


async def test_what_a_channel_that_is_shown_nothing_waits_for_is_no_case(floor: Floor) -> None:
    await floor.hear(counted(1, count(0)), of("key", "K", 1, demand("K/1", 3)))
    await patient(floor)
    assert await titles(floor) == []


async def test_a_channel_is_shown_stock_by_the_name_that_its_orders_have(floor: Floor) -> None:
    await shown(floor, "shop-42", "web")
    await floor.hear(counted(1, count(0)), of("web", "W", 1, demand("W/1", 3)))
    await patient(floor)
    assert len(await titles(floor)) == 1


async def test_a_rule_says_whose_shortage_is_told(floor: Floor) -> None:
    """A shop that takes orders ahead is no case; a key account may be one without being shown."""
    await sold(floor)
    assert len(await titles(floor)) == 1
    ahead = AllocationRule(channel="web", tells_shortage=False)
    await floor.allocation.rulebook.set_rule(MAIN, ahead, by="planner")
    await floor.work()
    assert await titles(floor) == []

    await floor.clock.advance(timedelta(seconds=1))
    await floor.hear(of("key", "K", 1, demand("K/1", 1)))
    told = AllocationRule(channel="key", tells_shortage=True)
    await floor.allocation.rulebook.set_rule(MAIN, told, by="planner")
    await floor.rule("", Strategy.IMPROVE)
    await patient(floor)
    [title] = await titles(floor)
    assert title.startswith("K/1 gets 0 EA of 1 EA")
    found = await floor.allocation.rulebook.rules(MAIN)
    rules = {one.channel: one.tells_shortage for one in found}
    assert rules == {"": None, "key": True, "web": False}


async def test_a_rule_of_an_order_that_says_nothing_of_it_leaves_it_to_its_channel(
    floor: Floor,
) -> None:
    await sold(floor)
    ahead = AllocationRule(channel="web", tells_shortage=False)
    await floor.allocation.rulebook.set_rule(MAIN, ahead, by="planner")
    of_order = AllocationRule(order_id="W", strategy=Strategy.FILL)
    await floor.allocation.rulebook.set_rule(MAIN, of_order, by="planner")
    await floor.work()
    assert await titles(floor) == []


async def test_what_is_oversold_and_what_a_strategy_owes_are_one_case(floor: Floor) -> None:
    await shown(floor)
    await floor.rule("web", Strategy.WIN)
    await sold(floor)
    assert await titles(floor) == ["3 EA are owed, and 0 EA are there"]
    [case] = await floor.open_cases()
    assert [one["exception"] for one in case.evidence["short"]] == ["WIN_SHORT"]


async def test_an_oversell_whose_case_was_closed_by_hand_is_a_case_again(floor: Floor) -> None:
    await sold(floor)
    await close_by_hand(floor)
    assert len(await again(floor)) == 1


async def sales(floor: Floor) -> list[tuple[int, int, int]]:
    """Give sell-outs, oversells and orders beyond supply of each day, as a budget shows them."""
    terms = Budgets(floor.database, floor.clock)
    found = await terms.show(MAIN, "web", "shop", ItemsWanted())
    return [(one.sold_out, one.oversold, one.orders) for one in found.days]


async def test_what_was_sold_to_the_last_and_beyond_it_is_counted_once(floor: Floor) -> None:
    await shown(floor)
    await floor.hear(
        counted(1, count(5), count(9, item="Y"), count(1, item="Z")),
        of(
            "web", "W", 1, demand("W/1", 3), demand("W/2", 1, item="Y"), demand("W/3", 1, item="Z")
        ),
    )
    await floor.work()
    assert await sales(floor) == [(1, 0, 0)]

    await floor.hear(of("web", "V", 1, demand("V/1", 4), minute=1))
    await floor.hear(of("key", "K", 1, demand("K/1", 4), minute=2))
    await patient(floor)
    for _ in range(2):
        await again(floor)
        assert await sales(floor) == [(2, 1, 1)]


async def test_goods_that_are_lost_later_were_not_oversold(floor: Floor) -> None:
    await shown(floor)
    await floor.policy(Applies.EVERYTHING)
    await floor.hear(counted(1, count(5)), of("web", "W", 1, demand("W/1", 3)))
    await floor.work()
    await floor.hear(moved(2, 4, place(), None))
    await patient(floor)
    assert len(await again(floor)) == 1
    assert await sales(floor) == []


async def test_of_what_nobody_ever_counted_nothing_is_oversold(floor: Floor) -> None:
    """A shop is connected before its warehouse."""
    await shown(floor)
    await floor.rule("key", Strategy.WIN)
    items = ("X", "Y", "Z")
    for channel in ("web", "key"):
        lines = [demand(f"{channel}/{item}", 3, item=item) for item in items]
        await floor.hear(of(channel, channel, 1, *lines))
    await patient(floor)
    assert (await again(floor), await sales(floor)) == ([], [])

    await floor.hear(counted(1, *(count(50, item=item) for item in items)))
    await patient(floor)
    assert (await again(floor), await sales(floor)) == ([], [])


async def test_a_case_of_many_orders_shows_some_and_is_told_once(floor: Floor) -> None:
    await shown(floor)
    orders = [of("web", f"W{n}", 1, demand(f"W{n}/1", 1), minute=n) for n in range(SHOWN + 5)]
    await floor.hear(counted(1, count(0)), *orders)
    await patient(floor)
    await again(floor)
    [case] = await floor.open_cases()
    assert (case.count, len(case.evidence["short"]), case.evidence["lines"]) == (
        1,
        SHOWN,
        SHOWN + 5,
    )


async def test_a_run_that_waits_says_who_was_sold_what_is_gone(floor: Floor) -> None:
    await shown(floor)
    await floor.hear(counted(1, count(3)), of("web", "W", 1, demand("W/1", 3)))
    await floor.work()
    await floor.hear(moved(2, 3, place(), None), of("web", "V", 1, demand("V/1", 2), minute=1))
    await patient(floor)
    [title] = await titles(floor)
    assert title.startswith("a run that takes 3 EA away waits for approval; V/1 gets 0 EA of 2 EA")


async def test_a_place_that_told_of_all_it_has_was_counted(floor: Floor) -> None:
    await shown(floor)
    await floor.hear(
        counted(1, count(5, item="Y"), is_full=True), of("web", "W", 1, demand("W/1", 3))
    )
    await patient(floor)
    assert len(await titles(floor)) == 1


async def test_a_receipt_or_a_count_that_comes_late_heals_what_was_sold(floor: Floor) -> None:
    await shown(floor)
    await floor.hear(counted(1, count(0)), of("web", "W", 1, demand("W/1", 3)))
    await floor.work()
    await floor.clock.advance(PATIENCE - timedelta(seconds=1))
    await floor.hear(moved(2, 2, None, place()))
    await floor.work()
    assert await titles(floor) == []
    await floor.hear(moved(3, 1, None, place()))
    await floor.work()
    await floor.clock.advance(PATIENCE)
    await floor.work()
    assert await titles(floor) == []
    assert await sales(floor) == [(1, 0, 0)]


async def test_an_order_ahead_that_comes_in_time_sold_nothing_out(floor: Floor) -> None:
    await shown(floor)
    await floor.hear(counted(1, count(0)), bought(1, 500), of("web", "W", 1, dated("W/1", 3, 10)))
    await patient(floor)
    assert (await titles(floor), await sales(floor)) == ([], [])


async def test_a_case_that_cannot_be_told_undoes_nothing_that_was_confirmed(floor: Floor) -> None:
    await shown(floor)
    ask = floor.allocating.around.supply
    failing = replace(floor.allocating.around, supply=Failing(ask))
    work = Work(floor.database, floor.clock, SystemIds(), failing)
    await floor.hear(counted(1, count(2)), of("web", "W", 1, demand("W/1", 3)))
    await work.due()
    assert await floor.confirmed() == {"W/1": 2}

    await floor.clock.advance(AFTER_FAILURE)
    await patient(floor)
    [title] = await titles(floor)
    assert title.startswith("W/1 gets 2 EA of 3 EA")


async def test_an_item_that_cannot_be_told_hides_no_other(floor: Floor) -> None:
    await shown(floor)
    around = floor.allocating.around
    failing = replace(around, supply=Failing(around.supply, frozenset({"Y"})))
    work = Work(floor.database, floor.clock, SystemIds(), failing)
    await floor.hear(counted(1, *(count(2, item=item) for item in ("X", "Y", "Z"))))
    wanted = [demand(f"W/{item}", 3, item=item) for item in ("X", "Y", "Z")]
    await floor.hear(of("web", "W", 1, *wanted))
    for _ in range(3):
        await work.due()
        await floor.clock.advance(AFTER_FAILURE)
    await work.due()

    assert sorted(title.split()[0] for title in await titles(floor)) == ["W/X", "W/Z"]


async def test_the_share_that_was_oversold_stands_beside_the_target(floor: Floor) -> None:
    budgets = Budgets(floor.database, floor.clock)
    await shown(floor)
    found = await budgets.show(MAIN, "web", "shop", ItemsWanted())
    assert (found.days, found.oversold_percent) == ((), None)
    items = [("X", 0), ("Y", 1), ("Z", 1)]
    await floor.hear(counted(1, *(count(pieces, item=item) for item, pieces in items)))
    await floor.hear(of("web", "W", 1, *(demand(f"W/{item}", 1, item=item) for item, _ in items)))
    await patient(floor)
    found = await budgets.show(MAIN, "web", "shop", ItemsWanted())
    assert found.oversold_percent == Decimal("33.3334")

    await floor.clock.advance(timedelta(days=8))
    assert await sales(floor) == []


async def test_what_a_channel_is_not_shown_is_not_counted_as_oversold(floor: Floor) -> None:
    await sold(floor)
    assert await sales(floor) == [(1, 1, 1)]
    await floor.hear(of("key", "K", 1, demand("K/1", 1)))
    await floor.work()
    async with floor.database.transaction(MAIN) as tx:
        assert await sold_by_day(tx, ["key"], ["DC1"], NOON - timedelta(days=1)) == []


PIECES = st.integers(0, 9)
DAYS = st.one_of(st.none(), st.integers(1, 5))
ORDERED = st.tuples(st.integers(1, 9), PIECES, DAYS)
COMING = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), max_size=4)


def made(ordered: Sequence[tuple[int, int, int | None]]) -> tuple[list[RunLine], dict[str, int]]:
    lines = [
        replace(
            LINE,
            demand_ref=f"W/{number}",
            requested=wanted,
            ships_on=None if ships_in is None else date.min + timedelta(days=ships_in),
        )
        for number, (wanted, _, ships_in) in enumerate(ordered)
    ]
    return lines, {f"W/{n}": min(had, wanted) for n, (wanted, had, _) in enumerate(ordered)}


@given(st.lists(ORDERED, max_size=5), COMING)
def test_no_line_gets_more_than_it_wants_and_no_unit_is_had_twice(
    ordered: list[tuple[int, int, int | None]], coming: list[tuple[int, int]]
) -> None:
    lines, has = made(ordered)
    parts = [(date.min + timedelta(days=number), pieces) for number, pieces in coming]
    gets = gets_in_time(lines, has, parts)
    for line in lines:
        assert has[line.demand_ref] <= gets[line.demand_ref] <= line.requested
        if line.ships_on is None:
            assert gets[line.demand_ref] == has[line.demand_ref]
    for number in range(1, 6):
        on = date.min + timedelta(days=number)
        early = [one.demand_ref for one in lines if one.ships_on and one.ships_on <= on]
        more = sum(gets[ref] - has[ref] for ref in early)
        came = sum(pieces for day, pieces in parts if day <= on)
        assert more <= max(0, came - sum(has.values()))


def east(version: int, *members: str) -> Fact:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=members)
    at = NOON + timedelta(seconds=version)
    identity = f"location:EAST:{version}"
    return Fact(identity=identity, payload=group, occurred_at=at, version=version)


async def test_a_case_closes_where_nobody_has_counted_what_lies_there_by_now(
    floor: Floor,
) -> None:
    await shown(floor)
    line = demand("W/1", 3, location="EAST")
    await floor.hear(east(1, "DC1"), counted(1, count(0)), of("web", "W", 1, line))
    await patient(floor)
    assert len(await titles(floor)) == 1

    await floor.hear(east(2, "DC2"))
    await floor.work()

    assert await titles(floor) == []
    [case] = await floor.cases.find(MAIN, state="CLOSED")
    assert case.resolution.startswith("nobody has counted what lies there by now")

    await floor.hear(counted(2, count(0), location="DC2"))
    await patient(floor)
    assert len(await titles(floor)) == 1
