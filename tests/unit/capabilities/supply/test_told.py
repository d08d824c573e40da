"""The log is told of rules by date and of what becomes of promises by date, each once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from crossdock.canonical.errors import NotFound
from crossdock.canonical.supply import AtpRuleChanged, PromiseByDateChanged, PromiseState
from crossdock.capabilities.supply import AtpMode, AtpRule, LifeTerms, PlacedRule
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, lapsing, promise
from tests.unit.capabilities.supply.test_promises_together import together
from tests.unit.capabilities.supply.yard import (
    STAGED,
    Yard,
    committed,
    day,
    kit,
    line,
    moved,
    ordered,
    shelf,
)

DISCRETE = AtpRule(mode=AtpMode.DISCRETE, pack=Decimal("12.0"), lives=(LifeTerms(days=3),))


async def rules_told(yard: Yard, item: str = "X") -> list[AtpRuleChanged]:
    async with yard.hub.database.transaction(Scope.of_workers()) as tx:
        events, _ = await event_log.read(tx, Position(), limit=100_000)
    payloads = [event.payload for event in events]
    return [one for one in payloads if isinstance(one, AtpRuleChanged) and one.item == item]


async def promises_told(yard: Yard) -> list[PromiseByDateChanged]:
    async with yard.hub.database.transaction(Scope.of_workers()) as tx:
        events, _ = await event_log.read(tx, Position(), limit=100_000)
    payloads = [event.payload for event in events]
    return [one for one in payloads if isinstance(one, PromiseByDateChanged)]


async def states(yard: Yard) -> list[tuple[str, int, str]]:
    """Give state, version and who, of every promise that was told of."""
    return [(one.state, one.version, one.changed_by) for one in await promises_told(yard)]


async def test_a_rule_is_told_once_however_often_it_is_said(yard: Yard) -> None:
    for _ in range(2):
        await yard.rule(DISCRETE, "X", "DC1")

    assert await rules_told(yard) == [
        AtpRuleChanged(
            item="X",
            location="DC1",
            version=1,
            changed_by="test",
            says=("mode", "pack", "lives"),
            mode="DISCRETE",
            pack=Decimal(12),
        )
    ]


async def test_a_rule_that_is_taken_back_is_told_and_keeps_its_number(yard: Yard) -> None:
    supply, scope = yard.hub.supply, yard.hub.scope
    await yard.rule(DISCRETE, "X", "DC1")
    await supply.drop_rule(scope, "X", "DC1", by="ops")
    assert await supply.rules(scope, after=("W", "")) == []
    with pytest.raises(NotFound):
        await supply.drop_rule(scope, "X", "DC1", by="ops")
    await yard.rule(replace(DISCRETE, pack=None), "X", "DC1")

    assert [
        (one.version, one.is_cleared, one.changed_by, one.says) for one in await rules_told(yard)
    ] == [
        (1, False, "test", ("mode", "pack", "lives")),
        (2, True, "ops", ()),
        (3, False, "test", ("mode", "lives")),
    ]
    [said] = await supply.rules(scope, after=("W", ""))
    assert said == PlacedRule(item="X", location="DC1", rule=replace(DISCRETE, pack=None))


async def test_a_rule_that_is_taken_back_says_nothing_any_more(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 30)
    await yard.rule(AtpRule(pack=Decimal(12), pack_up=False), "X", "DC1")
    cut = await yard.ask(30)
    await yard.hub.supply.drop_rule(yard.hub.scope, "X", "DC1", by="ops")

    whole = await yard.ask(30)
    assert (cut.pack, whole.pack) == (12_000_000, 0)


async def test_a_promise_is_told_once_however_often_it_is_asked_for(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 60, "so1/1")
    await promise(yard, "r1", 60, "so1/1")
    refused = await promise(yard, "r2", 60, "so2/1")
    assert (made.is_granted, refused.is_granted) == (True, False)

    [told] = await promises_told(yard)
    assert (told.promise_id, told.state, told.version) == (made.promise_id, "MADE", 1)
    assert (told.client, told.changed_by, told.request_id) == (made.client, made.client, "r1")
    assert [
        (one.item, one.location, one.demand_ref, one.ship_date, str(one.quantity), str(one.held))
        for one in told.lines
    ] == [
        ("X", "DC1", "so1/1", day(0), "40 EA", "40 EA"),
        ("X", "DC1", "so1/1", day(1), "20 EA", "0 EA"),
    ]


async def test_a_promise_that_another_replaces_is_told_before_the_other(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    first = await promise(yard, "r1", 10, "so1/1")
    too_much = await promise(yard, "r2", 50, "so1/1", replaces=first.promise_id)
    assert not too_much.is_granted
    again = await promise(yard, "r3", 20, "so1/1", replaces=first.promise_id)

    made, gone, new = await promises_told(yard)
    assert (made.promise_id, made.state) == (first.promise_id, "MADE")
    assert (gone.promise_id, gone.state, gone.version) == (first.promise_id, "REPLACED", 2)
    assert gone.replaced_by == new.promise_id == again.promise_id
    assert new.state == "MADE"


async def test_a_release_is_told_once_with_who_did_it(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    made = await promise(yard, "r1", 10)
    for _ in range(2):
        await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="desk")

    assert await states(yard) == [("MADE", 1, made.client), ("RELEASED", 2, "desk")]


async def test_a_promise_that_lapses_is_told_once_by_the_hub(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    made = await lapsing(yard, "r1", 10)
    await clock.advance(timedelta(seconds=600))
    assert [await yard.hub.kept_promises.lapse_due() for _ in range(2)] == [1, 0]
    await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="desk")

    assert await states(yard) == [("MADE", 1, "shop"), ("LAPSED", 2, "crossdock")]
    assert [one.expires_at for one in await promises_told(yard)] == [made.expires_at] * 2


async def test_a_promise_that_an_order_took_up_never_lapses(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    await lapsing(yard, "r1", 10, "so1/1")
    await yard.hear(ordered("so1", line("so1/1", 10)))
    await clock.advance(timedelta(seconds=600))
    assert await yard.hub.kept_promises.lapse_due() == 0

    assert [state for state, *_ in await states(yard)] == ["MADE", "TAKEN_UP"]


async def test_a_kit_is_told_with_all_that_it_draws_on_and_secured_with_it(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("P", "DC1", 1)
    await yard.hear(kit("K", 1, P=2), kit("P", 1, X=2), committed("po:1", 6, eta=day(1)))
    await together(yard, "r1", ("K", "DC1", 2, "so1/1"))
    await yard.hear(moved("m1", 6, None, shelf()), committed("po:1", 0, 2, eta=day(1)))

    made, secured = await promises_told(yard)
    assert [
        (one.item, one.demand_ref, str(one.quantity), str(one.held), one.made and str(one.made))
        for one in made.lines
    ] == [
        ("K", "so1/1", "2 EA", "0 EA", "2 EA"),
        ("P", "so1/1/P", "1 EA", "1 EA", None),
        ("X", "so1/1/X", "6 EA", "0 EA", None),
    ]
    assert secured.state is PromiseState.SECURED
    assert [(one.item, str(one.held)) for one in secured.lines] == [
        ("K", "0 EA"),
        ("P", "1 EA"),
        ("X", "6 EA"),
    ]


async def test_a_promise_is_secured_once_all_of_it_is_held(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 50, "so1/1")
    await yard.hear(moved("m1", 20, None, shelf()), committed("po:1", 40, 2, eta=day(1)))
    assert await states(yard) == [("MADE", 1, made.client)]
    await yard.hear(moved("m2", 40, None, shelf()), committed("po:1", 0, 3, eta=day(1)))
    await yard.hear(moved("m3", 40, None, shelf()))

    assert await states(yard) == [("MADE", 1, made.client), ("SECURED", 2, "crossdock")]
    assert [str(one.held) for one in (await promises_told(yard))[1].lines] == ["50 EA"]


async def test_a_promise_is_not_secured_while_one_of_its_lines_waits(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(
        committed("po:1", 10, eta=day(1)), committed("po:2", 10, eta=day(1), location="DC2")
    )
    await together(yard, "r1", ("X", "DC1", 10, "so1/1"), ("X", "DC2", 10, "so1/2"))
    await yard.hear(moved("m1", 10, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    assert [state for state, *_ in await states(yard)] == ["MADE"]
    await yard.hear(
        moved("m2", 10, None, shelf("DC2")),
        committed("po:2", 0, 2, eta=day(1), location="DC2"),
    )

    assert [state for state, *_ in await states(yard)] == ["MADE", "SECURED"]


async def test_a_promise_whose_goods_have_left_is_told_as_ended(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 60)
    await promise(yard, "r1", 60, "so1/1")
    await yard.hear(ordered("so1", line("so1/1", 60)))
    await yard.hear(moved("p", 60, shelf(), STAGED, "so1/1"))
    await yard.hear(moved("s", 60, STAGED, None, "so1/1"))

    assert [state for state, *_ in await states(yard)] == ["MADE", "ENDED"]


async def test_a_promise_at_risk_is_told_once_and_once_when_it_is_covered_again(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 10)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 60, "so1/1")
    assert await yard.hub.securing.watch() == 0
    await yard.hear(committed("po:1", 20, 2, eta=day(1)))
    assert [await yard.hub.securing.watch() for _ in range(2)] == [1, 0]
    await yard.hear(committed("po:1", 60, 3, eta=day(1)))
    assert [await yard.hub.securing.watch() for _ in range(2)] == [1, 0]

    first, risk, covered = await promises_told(yard)
    assert (risk.state, risk.version, risk.changed_by) == (PromiseState.AT_RISK, 2, "crossdock")
    assert [
        (one.line_no, one.item, one.location, one.day, str(one.quantity)) for one in risk.short
    ] == [(1, "X", "DC1", day(1), "30 EA")]
    assert (covered.state, covered.version, covered.short) == (PromiseState.COVERED, 3, ())
    assert {one.promise_id for one in (first, risk, covered)} == {made.promise_id}


async def test_what_was_held_and_is_lost_is_at_risk_until_it_is_found(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await promise(yard, "r1", 40, "so1/1")
    await yard.hear(moved("lost", 40, shelf(), None))
    await yard.hub.securing.watch()
    await yard.hear(moved("found", 40, None, shelf()))
    await yard.hub.securing.watch()

    assert [state for state, *_ in await states(yard)] == [
        "MADE",
        "AT_RISK",
        "COVERED",
        "SECURED",
    ]


async def test_a_promise_that_is_over_is_at_no_risk(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 60)
    await yard.hear(committed("po:1", 0, 2, eta=day(1)))
    await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="desk")

    assert await yard.hub.securing.watch() == 0
    assert [state for state, *_ in await states(yard)] == ["MADE", "RELEASED"]
