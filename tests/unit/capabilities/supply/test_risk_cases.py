"""A promise by date that cannot be kept is a case of its item-location until it is covered."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.allocation import AllocationRule
from crossdock.capabilities.supply import Atp, OverdueSupply, Question, RiskCases, Securing
from crossdock.capabilities.supply.answer import Bucket, Claim
from crossdock.capabilities.supply.kept import (
    AtRisk,
    DatedLine,
    KeptPromise,
    PromiseProof,
    risk,
)
from crossdock.capabilities.supply.risk_cases import Slipped, judged, next_keys, promised
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Transaction
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.cases import Case
from crossdock.orchestration.order_desk import SHOWN
from tests.conftest import NOON
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, promise
from tests.unit.capabilities.supply.test_promises_together import together
from tests.unit.capabilities.supply.test_watched import Oracle, losing, yard_of
from tests.unit.capabilities.supply.yard import Yard, committed, day, line, moved, ordered, shelf

PROMISE = KeptPromise(
    promise_id="prm_1",
    client="shop",
    request_id="r1",
    made_at=NOON,
    is_granted=True,
    released_at=None,
    replaced_by="",
    lines=(),
    proof=PromiseProof(reasons=(), answers=(), rules=()),
)


async def cases(yard: Yard) -> list[Case]:
    await yard.hub.risk_cases.watch()
    return await yard.hub.cases.find(yard.hub.scope)


async def test_promises_of_goods_that_are_gone_are_one_case_of_the_order_desk(yard: Yard) -> None:
    await losing(yard)
    assert len(await cases(yard)) == 1
    [case] = await cases(yard)
    assert (case.code, case.severity, case.owner_role) == ("ORD-OVERSOLD", "S1", "Order desk")
    assert (case.entity, case.count) == ("X/DC1", 1)
    assert case.title == f"goods are gone: 1 line promised of X at DC1 from {day(0)} on"
    [one] = case.evidence["at_risk"]
    assert (one["demand_ref"], one["lacks_in_base_unit"]) == ("so1/1", "40")

    await yard.hear(moved("found", 40, None, shelf()))
    assert await cases(yard) == []


async def test_promises_of_supply_that_comes_too_late_are_the_buyers(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1/1", 10, eta=day(2)), committed("po:2/1", 10, eta=day(3)))
    await promise(yard, "r1", 10, "so1/1")
    await promise(yard, "r2", 10, "so2/1")
    assert await cases(yard) == []

    await yard.hear(committed("po:1/1", 10, 2, eta=day(20)))
    [case] = await cases(yard)
    assert (case.code, case.owner_role, case.severity) == ("PO-LATE", "Buyer", "S2")
    assert case.evidence["late"] == ["po:1/1"]

    await yard.hear(committed("po:2/1", 10, 2, eta=day(21)))
    [case] = await cases(yard)
    assert (case.count, case.evidence["late"]) == (2, ["po:1/1", "po:2/1"])
    assert case.title.startswith("po:1/1, po:2/1 comes too late: 2 lines promised of X at DC1")

    await yard.hear(committed("po:1/1", 20, 3, eta=day(2)))
    assert await cases(yard) == []


async def test_what_is_gone_is_the_order_desks_though_a_supply_is_late_too(yard: Yard) -> None:
    """One piece comes too late; forty were lost."""
    await yard.rule(AT_ONCE)
    await yard.hear(moved("opening", 40, None, shelf()), committed("po:1/1", 1, eta=day(0)))
    await promise(yard, "r1", 40, "so1/1")
    await yard.hear(committed("po:1/1", 1, 2, eta=day(20)))
    assert await cases(yard) == []
    await yard.hear(moved("lost", 40, shelf(), None))
    gone, late = await cases(yard)
    assert (gone.code, gone.owner_role, gone.severity) == ("ORD-OVERSOLD", "Order desk", "S1")
    assert [one["lacks_in_base_unit"] for one in gone.evidence["at_risk"]] == ["39"]
    assert (late.code, late.evidence["late"]) == ("PO-LATE", ["po:1/1"])
    assert [one["lacks_in_base_unit"] for one in late.evidence["at_risk"]] == ["1"]

    await yard.hear(moved("found", 39, None, shelf()))
    assert [case.code for case in await cases(yard)] == ["PO-LATE"]


async def test_every_promise_at_risk_is_told_in_turn_and_what_is_not_looked_at_stays(
    yard: Yard,
) -> None:
    hub = yard.hub
    watch = RiskCases(hub.database, hub.clock, hub.securing, CaseDesk(), most=1).watch
    await yard.rule(AT_ONCE)
    for item in ("X", "A", "B"):
        await hub.put_stock(item, "DC1", 10)
        await together(yard, f"r{item}", (item, "DC1", 10, f"so{item}/1"))
        await yard.hear(moved(f"lost{item}", 10, shelf(), None, item=item))
    for number in (1, 2, 3, 3):
        await watch()
        assert len(await hub.cases.find(hub.scope)) == number
        assert await hub.cases.find(hub.scope, state="CLOSED") == []

    await yard.hear(moved("found", 10, None, shelf(), item="X"))
    await watch()  # it is not at X, but nothing is at risk there any more
    assert {case.entity for case in await hub.cases.find(hub.scope)} == {"A/DC1", "B/DC1"}


KEYS = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.integers(1, 9), min_size=1
)


@given(KEYS, st.integers(0, 20))
def test_each_key_is_looked_at_in_turn_and_no_look_at_more_lines_but_of_one_key(
    lines: dict[tuple[str, str], int], most: int
) -> None:
    seen: list[tuple[str, str]] = []
    while len(seen) < len(lines):
        keys = next_keys(lines, seen[-1] if seen else None, most)
        assert len(keys) == 1 or sum(lines[key] for key in keys) <= most
        assert len(set(keys)) == len(keys)
        seen += keys
    assert set(seen[: len(lines)]) == set(lines)


async def test_a_case_closed_by_hand_does_not_come_back_with_each_piece_that_others_take(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await promise(yard, "r1", 40, "so1/1")
    await yard.hear(moved("lost", 20, shelf(), None))
    [case] = await cases(yard)
    await yard.hub.cases.close(yard.hub.scope, case.case_id, reason="seen")
    await clock.advance(timedelta(minutes=1))
    await yard.hear(moved("more", 1, shelf(), None))
    assert await cases(yard) == []
    await yard.hear(moved("most", 19, shelf(), None))
    assert len(await cases(yard)) == 1


async def test_a_loss_that_allocation_tells_of_the_order_is_no_second_case(yard: Yard) -> None:
    hub = yard.hub
    await yard.rule(AT_ONCE)
    await hub.put_stock("X", "DC1", 40)
    await promise(yard, "r1", 40, "so1/1")
    await yard.hear(ordered("so1", line("so1/1", 40)))
    await hub.allocating.work.due()
    await yard.hear(moved("lost", 40, shelf(), None))
    [case] = await cases(yard)
    assert case.title.startswith("goods are gone")

    await hub.allocating.work.due()
    [case] = await cases(yard)
    assert case.title == "a run that takes 40 EA away waits for approval"

    await yard.hear(moved("found", 40, None, shelf()))
    await hub.allocating.work.due()
    assert await cases(yard) == []


async def test_what_allocation_tells_of_another_order_hides_no_promise(
    yard: Yard, clock: VirtualClock
) -> None:
    hub = yard.hub
    await yard.rule(AT_ONCE)
    await hub.allocation.rulebook.set_rule(
        hub.scope, AllocationRule(channel="web", tells_shortage=True), by="test"
    )
    await hub.put_stock("X", "DC1", 40)
    await promise(yard, "r1", 40, "so1/1")
    said = OrderChanged(order_id="web1", channel="web", lines=(line("web1/1", 9),))
    sold = Fact(identity="order:web1@1", payload=said, occurred_at=NOON, version=1)
    await yard.hear(ordered("so1", line("so1/1", 40)), sold)
    await hub.allocating.work.due()
    await clock.advance(timedelta(hours=1))
    await hub.allocating.work.due()
    await yard.hear(moved("lost", 40, shelf(), None))

    titles = [case.title for case in await cases(yard)]

    assert any(title.startswith("web1/1 gets 0 EA of 9 EA") for title in titles)
    assert any(title.startswith("goods are gone") for title in titles)


async def lacking(yard: Yard) -> None:
    """Let an order, promised by date from a purchase, lose that; allocation tells of its lines."""
    hub = yard.hub
    await yard.rule(AT_ONCE)
    tells = AllocationRule(channel="web", tells_shortage=True)
    await hub.allocation.rulebook.set_rule(hub.scope, tells, by="test")
    await hub.put_stock("X", "DC1", 1)
    await yard.hear(committed("po:1/1", 40, eta=day(2)))
    await promise(yard, "r1", 40, "web1/1")
    said = OrderChanged(order_id="web1", channel="web", lines=(line("web1/1", 40, day(3)),))
    await yard.hear(Fact(identity="order:web1@1", payload=said, occurred_at=NOON, version=1))
    await hub.allocating.work.due()
    assert await cases(yard) == []

    await yard.hear(committed("po:1/1", 0, 2, eta=day(2)))
    await hub.allocating.work.due()


async def test_what_a_promised_order_lacks_is_told_though_allocation_does_not_come_to_it(
    yard: Yard, clock: VirtualClock
) -> None:
    await lacking(yard)
    await clock.advance(timedelta(minutes=36))

    [case] = await cases(yard)

    assert case.title.startswith("goods are gone")


async def test_what_a_promised_order_lacks_is_told_in_one_case_when_it_has_lacked_for_a_while(
    yard: Yard, clock: VirtualClock
) -> None:
    hub = yard.hub
    await lacking(yard)
    for minutes in (0, 29, 1):  # allocation is not quite as quick as this look
        await clock.advance(timedelta(minutes=minutes))
        assert await cases(yard) == []
    await hub.allocating.work.due()
    [case] = await cases(yard)

    assert case.title.startswith("web1/1 gets 1 EA of 40 EA")
    assert await hub.cases.find(hub.scope, state="CLOSED") == []


async def test_a_loss_of_more_lines_than_a_case_shows_is_no_second_case(
    yard: Yard, clock: VirtualClock
) -> None:
    hub, count = yard.hub, SHOWN + 4
    await yard.rule(AT_ONCE)
    tells = AllocationRule(channel="web", tells_shortage=True)
    await hub.allocation.rulebook.set_rule(hub.scope, tells, by="test")
    await hub.put_stock("X", "DC1", 1)
    await yard.hear(committed("po:1/1", count, eta=day(2)))
    for number in range(count):
        await promise(yard, f"r{number}", 1, f"web1/{number}")
    lines = tuple(line(f"web1/{number}", 1, day(3)) for number in range(count))
    said = OrderChanged(order_id="web1", channel="web", lines=lines)
    await yard.hear(Fact(identity="order:web1@1", payload=said, occurred_at=NOON, version=1))
    await yard.hear(committed("po:1/1", 0, 2, eta=day(2)))
    await hub.allocating.work.due()
    for minutes in (30, 6):
        await clock.advance(timedelta(minutes=minutes))
        await hub.allocating.work.due()
        assert len(await cases(yard)) == 1

    [case] = await cases(yard)
    assert case.evidence["lines"] == count - 1
    told = [*(one["line"] for one in case.evidence["short"]), *case.evidence["more"]]
    assert len(set(told)) == len(told) == count - 1


async def oversold_before_its_order_is_heard(yard: Yard, *others: str) -> None:
    """Let promises lose their purchase before an order of theirs is heard of: that is a case."""
    hub = yard.hub
    await yard.rule(AT_ONCE)
    tells = AllocationRule(channel="web", tells_shortage=True)
    await hub.allocation.rulebook.set_rule(hub.scope, tells, by="test")
    await hub.put_stock("X", "DC1", 1)
    await yard.hear(committed("po:1/1", 80, eta=day(2)))
    for ref in ("web1/1", *others):
        await promise(yard, f"r{ref}", 40, ref)
    await yard.hear(committed("po:1/1", 0, 2, eta=day(2)))
    assert [case.code for case in await cases(yard)] == ["ORD-OVERSOLD"]


async def web_order(yard: Yard) -> None:
    said = OrderChanged(order_id="web1", channel="web", lines=(line("web1/1", 40, day(3)),))
    await yard.hear(Fact(identity="order:web1@1", payload=said, occurred_at=NOON, version=1))
    await yard.hub.allocating.work.due()


async def test_a_case_stays_open_while_the_order_that_came_to_be_known_is_given_time(
    yard: Yard, clock: VirtualClock
) -> None:
    hub = yard.hub
    await oversold_before_its_order_is_heard(yard)
    await clock.advance(timedelta(minutes=10))
    await web_order(yard)
    for minutes in (0, 1, 10, 18, 1):
        await clock.advance(timedelta(minutes=minutes))
        assert [case.title[:14] for case in await cases(yard)] == ["goods are gone"]
        assert await hub.cases.find(hub.scope, state="CLOSED") == []
    await hub.allocating.work.due()

    [case] = await cases(yard)

    assert case.title.startswith("web1/1 gets 1 EA of 40 EA")
    [closed] = await hub.cases.find(hub.scope, state="CLOSED")
    assert closed.resolution.endswith("told with its order")


async def test_a_case_follows_the_lines_that_nobody_else_tells_though_another_is_given_time(
    yard: Yard, clock: VirtualClock
) -> None:
    await oversold_before_its_order_is_heard(yard, "so1/1")
    await web_order(yard)
    for minutes in (0, 29):
        await clock.advance(timedelta(minutes=minutes))
        [case] = await cases(yard)
        assert [one["demand_ref"] for one in case.evidence["at_risk"]] == ["so1/1"]

    await yard.hear(moved("found", 79, None, shelf()))
    assert await cases(yard) == []


async def test_keys_in_turn_and_the_time_an_order_is_given_close_no_case_of_each_other(
    yard: Yard, clock: VirtualClock
) -> None:
    hub = yard.hub
    await oversold_before_its_order_is_heard(yard)
    await hub.put_stock("A", "DC1", 10)
    await together(yard, "rA", ("A", "DC1", 10, "soA/1"))
    await yard.hear(moved("lost", 10, shelf(), None, item="A"))
    assert len(await cases(yard)) == 2
    await web_order(yard)
    watch = RiskCases(hub.database, hub.clock, hub.securing, CaseDesk(), most=1).watch
    for _ in range(4):
        await watch()
        assert len(await hub.cases.find(hub.scope)) == 2
        await clock.advance(timedelta(minutes=7))
    await clock.advance(timedelta(minutes=2))
    await hub.allocating.work.due()
    for _ in range(2):
        await watch()
    titles = sorted(case.title[:14] for case in await hub.cases.find(hub.scope))

    assert titles == ["goods are gone", "web1/1 gets 1 "]


DAYS = st.integers(0, 4).map(day)
SLIPS = st.lists(
    st.builds(Slipped, st.sampled_from("abc"), st.integers(1, 9), DAYS, st.none() | DAYS),
    max_size=4,
)
AHEAD = st.lists(st.tuples(DAYS, st.integers(-9, 9)), min_size=1, max_size=5)


@given(st.integers(1, 9), st.lists(DAYS, min_size=1, max_size=3), SLIPS, AHEAD)
def test_all_that_a_line_lacks_is_somebodys_and_no_more_than_it_lacks(
    wanted: int, days: list[date], late: list[Slipped], ahead: list[tuple[date, int]]
) -> None:
    lines = [DatedLine(1, "X", "DC1", "so1/1", on, wanted) for on in sorted(set(days))]
    buckets = [Bucket(on, 0, 0, pab, 0) for on, pab in sorted(dict(ahead).items())]
    claimed = [Claim("so1/1", line.micros, 0, line.ship_date) for line in lines]
    short = risk(claimed, buckets)
    if short is None:
        return
    made = replace(PROMISE, lines=tuple(lines))
    found = judged(promised(AtRisk("prm_1", lines[0], *short), made), late, buckets)
    assert max(found.late, found.gone) <= short[1] <= found.late + found.gone
    assert bool(found.late) == bool(found.supplies)
    if not late:
        assert (found.late, found.gone) == (0, short[1])


async def test_a_promise_that_is_released_is_nobodys_any_more(yard: Yard) -> None:
    await losing(yard)
    [case] = await cases(yard)
    [one] = case.evidence["at_risk"]
    await yard.hub.kept_promises.release(yard.hub.scope, one["promise_id"], by="desk")
    assert await cases(yard) == []


async def test_each_item_location_is_a_case_of_its_own(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1/1", 10, item="A", eta=day(1)))
    await together(yard, "r1", ("X", "DC1", 40, "so1/1"), ("A", "DC1", 10, "so2/1"))
    await yard.hear(
        moved("lost", 40, shelf(), None), committed("po:1/1", 10, 2, item="A", eta=day(9))
    )
    found = sorted((case.entity, case.code) for case in await cases(yard))
    assert found == [("A/DC1", "PO-LATE"), ("X/DC1", "ORD-OVERSOLD")]


async def test_what_is_overdue_and_what_is_at_risk_close_none_of_each_others_cases(
    yard: Yard,
) -> None:
    await losing(yard)
    await cases(yard)
    hub = yard.hub
    await OverdueSupply(hub.database, hub.clock, CaseDesk(), hub.catalog).watch()
    assert [case.code for case in await cases(yard)] == ["ORD-OVERSOLD"]


async def test_a_tenant_whose_promises_cannot_be_told_keeps_no_other_from_it(
    yard: Yard, tmp_path: Path
) -> None:
    other = await yard_of("aaa", yard, tmp_path)
    for one in (yard, other):
        await losing(one)
    await yard.hub.securing.watch()
    oracle, hub = Oracle(yard), yard.hub
    oracle.fails = {"aaa": ValueError("no such answer")}
    around = (hub.inventory.holding, hub.inventory.standings, oracle)
    securing = Securing(hub.database, hub.clock, hub.ids, around)
    with pytest.raises(ValueError, match="no such answer"):
        await RiskCases(hub.database, hub.clock, securing, CaseDesk()).watch()
    assert [case.code for case in await hub.cases.find(hub.scope)] == ["ORD-OVERSOLD"]
    assert await hub.cases.find(other.hub.scope) == []


async def test_what_cannot_be_looked_at_keeps_no_other_of_its_tenant_from_being_told(
    yard: Yard,
) -> None:
    hub, items = yard.hub, ("A", "B", "C", "K", "P")
    await yard.rule(AT_ONCE)
    for item in items:
        await hub.put_stock(item, "DC1", 10)
        await together(yard, f"r{item}", (item, "DC1", 10, f"so{item}/1"))
    await yard.hear(moved("lostB", 10, shelf(), None, item="B"))
    assert [case.entity for case in await cases(yard)] == ["B/DC1"]
    for item in ("A", "C", "K", "P"):
        await yard.hear(moved(f"lost{item}", 10, shelf(), None, item=item))
    await hub.securing.watch()

    with pytest.raises(ValueError, match="no such answer"):
        await RiskCases(hub.database, hub.clock, failing(yard, "B", "K"), CaseDesk()).watch()

    told = sorted(case.entity for case in await hub.cases.find(hub.scope))
    assert told == ["A/DC1", "B/DC1", "C/DC1", "P/DC1"]
    assert await hub.cases.find(hub.scope, state="CLOSED") == []
    assert len(await cases(yard)) == 5


async def test_what_comes_to_be_at_risk_beside_what_cannot_be_looked_at_is_told(
    yard: Yard,
) -> None:
    """Nothing is marked at risk before: promises are looked at by halves, too."""
    hub, items = yard.hub, ("A", "B", "C", "K", "P")
    await yard.rule(AT_ONCE)
    for item in items:
        await hub.put_stock(item, "DC1", 10)
        await together(yard, f"r{item}", (item, "DC1", 10, f"so{item}/1"))
        await yard.hear(moved(f"lost{item}", 10, shelf(), None, item=item))

    with pytest.raises(ValueError, match="no such answer"):
        await RiskCases(hub.database, hub.clock, failing(yard, "B"), CaseDesk()).watch()

    told = sorted(case.entity for case in await hub.cases.find(hub.scope))
    assert told == ["A/DC1", "C/DC1", "K/DC1", "P/DC1"]


def failing(yard: Yard, *items: str) -> Securing:
    """Give a hub's securing that knows no answer for these items."""
    hub = yard.hub

    async def answers(
        tx: Transaction, questions: Sequence[Question], now: datetime
    ) -> Sequence[Atp]:
        if any(one.item in items for one in questions):
            raise ValueError("no such answer")
        return await hub.supply.answers_in(tx, questions, now)

    around = (hub.inventory.holding, hub.inventory.standings, answers)
    return Securing(hub.database, hub.clock, hub.ids, around)
