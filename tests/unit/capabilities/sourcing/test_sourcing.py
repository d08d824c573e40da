"""Rules, nodes and decisions as the database keeps them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from crossdock.canonical.errors import Conflict, Invalid, NotFound, Unavailable
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.sourcing import SourcingDecided
from crossdock.capabilities.sourcing import (
    Answer,
    Asked,
    Candidate,
    Lane,
    NodeFacts,
    Policy,
    Preference,
    Rules,
    Sourcing,
    planned,
)
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.capabilities.sourcing.orders import line, node, order

MAIN = Scope("main")
SAID = b"what was asked"
NODES = [node("DC1", {"X": 4, "Y": 9}), node("DC2", {"X": 10, "Y": 10}, cost=5_500_000)]
ASKED = Asked(
    order=order(line(1, "X", 8), line(2, "Y", 6)),
    units={"X": "EA", "Y": "EA"},
    demand_refs={2: "order-7/2"},
    said=SAID,
)
NAMED = replace(ASKED, request_id="r1")
CHEAP = Rules(preferences=(Preference.COST,))


@pytest.fixture
async def sourcing(database: Database, clock: VirtualClock) -> Sourcing:
    return Sourcing(database, clock)


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[Any]:
    connection: Any = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def decided(sourcing: Sourcing, asked: Asked, nodes: Sequence[Candidate]) -> Answer:
    now = sourcing._clock.now()
    return await sourcing.decide(MAIN, "shop", asked, lambda: nodes, now)


async def told(database: Database) -> list[SourcingDecided]:
    async with database.transaction(MAIN) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000)
    payloads = [event.payload for event in events]
    return [one for one in payloads if isinstance(one, SourcingDecided)]


async def test_a_decision_is_told_again_byte_for_byte_after_the_rules_have_changed(
    sourcing: Sourcing, clock: VirtualClock
) -> None:
    made = await decided(sourcing, NAMED, NODES)
    await clock.advance(timedelta(days=200))
    await sourcing.put_rules(MAIN, CHEAP, by="ada")
    await sourcing.put_node(MAIN, NodeFacts(node="DC2", load_percent=99), by="ada")
    other = await decided(sourcing, ASKED, NODES)

    again = await sourcing.decision(MAIN, made.decided.decision_id)

    assert again.content == made.content
    assert again.decided == made.decided
    assert [one.node for one in again.decided.shipments] == ["DC2"]
    assert again.decided.rules.version == 0
    assert other.decided.rules.version == 1


async def test_a_decision_can_be_derived_again_from_what_was_recorded(
    sourcing: Sourcing,
) -> None:
    made = await decided(sourcing, NAMED, NODES[::-1])

    inputs = await sourcing.inputs(MAIN, made.decided.decision_id)

    derived = planned(inputs.order, inputs.candidates, inputs.rules, inputs.substitutes)
    assert derived == planned(ASKED.order, NODES, Rules())
    assert [one.why for one in derived.reasons] == [one.why for one in made.decided.reasons]


async def test_a_decision_is_told_to_the_log_with_it(
    sourcing: Sourcing, database: Database
) -> None:
    made = await decided(sourcing, NAMED, NODES)

    [event] = await told(database)

    assert event == made.decided.event
    assert (event.decision_id, event.decided_by) == (made.decided.decision_id, "SINGLE_NODE")
    [shipment] = event.shipments
    assert (shipment.node, shipment.ships_on, shipment.arrives_on) == (
        "DC2", "2026-05-04", "2026-05-05",
    )  # fmt: skip
    assert [(one.item, str(one.quantity), one.demand_ref) for one in shipment.lines] == [
        ("X", "8 EA", ""), ("Y", "6 EA", "order-7/2"),
    ]  # fmt: skip


async def test_one_request_is_decided_once_and_told_once(
    sourcing: Sourcing, database: Database
) -> None:
    named = NAMED
    made = await decided(sourcing, named, NODES)

    again = await decided(sourcing, named, [node("DC1", {"X": 99, "Y": 99})])
    found = await sourcing.known(MAIN, "shop", "r1", SAID)

    assert again.content == made.content
    assert (made.is_repeat, again.is_repeat) == (False, True)
    assert found == again
    assert await sourcing.known(MAIN, "another", "r1", SAID) is None
    assert await sourcing.known(MAIN, "shop", "", SAID) is None
    assert len(await told(database)) == 1
    with pytest.raises(Conflict, match="other content"):
        await decided(sourcing, replace(named, said=b"other"), NODES)


async def test_the_same_request_asked_many_times_at_once_is_decided_once(
    sourcing: Sourcing, database: Database
) -> None:
    named = NAMED

    made = await asyncio.gather(*(decided(sourcing, named, NODES) for _ in range(8)))

    assert len({one.content for one in made}) == 1
    assert sum(not one.is_repeat for one in made) == 1
    assert len(await told(database)) == 1


async def test_a_large_question_is_answered_as_a_small_one_is(sourcing: Sourcing) -> None:
    lines = [line(number, "X", 1) for number in range(1, 41)]
    nodes = [node(f"N{number}", {"X": 20}) for number in range(4)]
    asked = Asked(order=order(*lines), units={"X": "EA"})

    made = await decided(sourcing, asked, nodes)

    assert [one.node for one in made.decided.shipments] == ["N0", "N1"]
    assert made.decided.is_complete


async def test_without_a_request_id_a_question_is_answered_and_not_kept(
    sourcing: Sourcing, database: Database, owner: Any
) -> None:
    asked = await decided(sourcing, ASKED, NODES)
    kept = await decided(sourcing, NAMED, NODES)

    assert (asked.decided.decision_id, asked.decided.request_id) == ("", "")
    assert asked.decided.reasons == kept.decided.reasons
    assert [one.decision_id for one in await told(database)] == [kept.decided.decision_id]
    assert await owner.fetchval("select count(*) from sourcing_decision") == 1
    with pytest.raises(NotFound):
        await sourcing.decision(MAIN, "")


async def test_a_plan_in_more_parts_than_can_be_reserved_is_refused_and_not_kept(
    sourcing: Sourcing, owner: Any
) -> None:
    lines = [line(number, f"I{number}", 6) for number in range(1, 201)]
    nodes = [node(f"N{name}", {one.item: 1 for one in lines}) for name in range(6)]
    units = {one.item: "EA" for one in lines}
    asked = Asked(order=order(*lines), units=units, request_id="r1")

    with pytest.raises(Invalid, match="1200 parts") as refused:
        await decided(sourcing, asked, nodes)

    assert refused.value.where == "/lines"
    assert await owner.fetchval("select count(*) from sourcing_decision") == 0


async def test_a_question_is_thought_over_beside_all_others(sourcing: Sourcing) -> None:
    """In a thread: what takes a processor's time never stops the loop."""
    seen: list[int] = []

    def candidates() -> list[Candidate]:
        seen.append(threading.get_ident())
        return NODES

    await sourcing.decide(MAIN, "shop", ASKED, candidates, NOON)

    assert len(seen) == 1
    assert seen[0] != threading.get_ident()


async def test_the_narrowest_rules_in_force_decide(
    sourcing: Sourcing, clock: VirtualClock
) -> None:
    await sourcing.put_rules(MAIN, Rules(max_shipments=1), by="ada")
    await sourcing.put_rules(MAIN, Rules(max_shipments=2), holds_for="channel: web", by="ada")
    await sourcing.put_rules(MAIN, Rules(max_shipments=3), holds_for="customer:c1", by="ada")
    later = NOON + timedelta(days=1)
    await sourcing.put_rules(MAIN, CHEAP, holds_for="customer:C1", valid_from=later, by="bob")

    async def used(**more: Any) -> tuple[str, int]:
        customer = more.pop("customer", "")
        asked = replace(ASKED, order=replace(ASKED.order, customer=customer), **more)
        made = (await decided(sourcing, asked, NODES)).decided
        return made.rules.scope, made.rules.version

    assert await used() == ("all", 1)
    assert await used(channel="POS") == ("all", 1)
    assert await used(channel="WEB") == ("channel:WEB", 1)
    assert await used(channel="WEB", customer="C1") == ("customer:C1", 1)
    await clock.advance(timedelta(days=1))
    assert await used(channel="WEB", customer="C1") == ("customer:C1", 2)


async def test_of_two_versions_the_one_that_came_into_force_last_decides(
    sourcing: Sourcing, clock: VirtualClock
) -> None:
    later = NOON + timedelta(days=1)
    await sourcing.put_rules(MAIN, CHEAP, valid_from=later, by="ada")
    await sourcing.put_rules(MAIN, Rules(policy=Policy.COMPLETE_LINE), by="ada")

    before = await decided(sourcing, ASKED, NODES)
    await clock.advance(timedelta(days=1))
    after = await decided(sourcing, ASKED, NODES)

    assert (before.decided.rules.version, after.decided.rules.version) == (2, 1)
    assert before.decided.policy is Policy.COMPLETE_LINE


async def test_rules_are_versions_that_nobody_can_change(
    sourcing: Sourcing, clock: VirtualClock, database: Database
) -> None:
    first = await sourcing.put_rules(MAIN, Rules(), by="ada")
    await clock.advance(timedelta(hours=1))
    repeated = await sourcing.put_rules(MAIN, Rules(), by="bob")
    second = await sourcing.put_rules(MAIN, CHEAP, by="bob")
    back = await sourcing.put_rules(MAIN, Rules(), holds_for="ALL", by="ada")

    assert repeated == first
    assert [one.version for one in (first, second, back)] == [1, 2, 3]
    assert await sourcing.rules(MAIN) == [first, second, back]
    assert await sourcing.rules(MAIN, after="all/1", limit=1) == [second]
    assert await sourcing.rules(MAIN, holds_for="channel:web") == []
    for verb in ("update sourcing_rules set put_by = 'x'", "delete from sourcing_decision"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(MAIN) as tx:
                await tx.execute(f"{verb} where tenant = 'main'")


async def test_rules_that_hold_for_nobody_or_held_before_are_refused(
    sourcing: Sourcing,
) -> None:
    for nobody in ("", "web", "channel:", "region:west", "all:x", "channel:" + "x" * 201):
        with pytest.raises(Invalid) as refused:
            await sourcing.put_rules(MAIN, Rules(), holds_for=nobody, by="ada")
        assert refused.value.where == "/holds_for"
    with pytest.raises(Invalid, match="from now on"):
        await sourcing.put_rules(MAIN, Rules(), valid_from=NOON - timedelta(seconds=1), by="ada")
    for place in ("all", "all/x", "/1", "all/99999999999"):
        with pytest.raises(Invalid, match="no place"):
            await sourcing.rules(MAIN, after=place)


async def test_rules_put_at_the_same_time_are_versions_of_their_own(
    sourcing: Sourcing,
) -> None:
    rules = [Rules(max_shipments=number) for number in range(1, 9)]

    async def put(one: Rules) -> int:
        """Put them as a caller does who is told that others were at it: once more."""
        for _ in rules:
            try:
                return (await sourcing.put_rules(MAIN, one, by="ada")).version
            except Unavailable:
                continue
        raise AssertionError("others went first eight times")

    versions = await asyncio.gather(*(put(one) for one in rules))

    kept = await sourcing.rules(MAIN)
    assert [one.version for one in kept] == list(range(1, 9))
    assert {one.version: one.rules for one in kept} == dict(zip(versions, rules, strict=True))


async def test_the_facts_of_a_node_are_replaced_and_listed(
    sourcing: Sourcing, clock: VirtualClock
) -> None:
    lane = Lane(country="DE", transit_days=2, cost=5 * MICROS, distance_km=40)
    await sourcing.put_node(MAIN, NodeFacts(node="dc2"), by="ada")
    await sourcing.put_node(MAIN, NodeFacts(node="DC1"), by="ada")
    await clock.advance(timedelta(hours=1))
    put = await sourcing.put_node(MAIN, NodeFacts(node="DC2", lanes=(lane,)), by="bob")

    first, second = await sourcing.nodes(MAIN)

    assert (first.facts.node, first.put_by) == ("DC1", "ada")
    assert second == put
    assert await sourcing.nodes(MAIN, after="dc1", limit=5) == [put]


async def test_a_decision_that_nobody_made_is_not_found(sourcing: Sourcing) -> None:
    for name in ("src_" + "0" * 32, "src_x", "rsv_" + "0" * 32, "", "src_" + "é" * 32):
        with pytest.raises(NotFound):
            await sourcing.decision(MAIN, name)
        with pytest.raises(NotFound):
            await sourcing.inputs(MAIN, name)


async def test_one_houses_decisions_are_not_anothers(sourcing: Sourcing, owner: Any) -> None:
    made = await decided(sourcing, NAMED, NODES)

    with pytest.raises(NotFound):
        await sourcing.decision(Scope("other"), made.decided.decision_id)
    assert await sourcing.rules(Scope("other")) == []
    assert await owner.fetchval("select count(*) from sourcing_decision") == 1
