"""What back-order runs find elsewhere: sourcing, allocation and stock together, on a whole hub."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.allocation import AllocationRunChanged, Strategy
from crossdock.canonical.catalog import KitChanged, KitComponent
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.sourcing import SourcingDecided
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.capabilities.allocation import (
    AllocationGroup,
    AllocationProtection,
    AllocationRule,
    AlternativeState,
    Applies,
    Lack,
    Offer,
    Run,
    RunState,
    Work,
)
from crossdock.capabilities.allocation.asks import Key, KnowsSupply, Outlook
from crossdock.capabilities.allocation.elsewhere import Elsewhere
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.sourcing import (
    Alternatives,
    NodeFacts,
    Occasion,
    Rules,
    Substitute,
    When,
)
from crossdock.capabilities.supply import Alternative as Substitution
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule, SubstitutionRule
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.orchestration.backorder_sourcing import QUESTIONS_MAX, BackorderSourcing
from tests.processes.calendars import open_every_day

Claims = Mapping[str, tuple[str, str, int]]


def hub_on(database: Database, dsn: str, clock: VirtualClock, tmp_path: Path) -> Hub:
    settings = Settings(tenant="main", data_dir=tmp_path)
    return Hub(settings, dsn, database, Outside(clock=clock, applications={}))


@pytest.fixture
async def hub(database: Database, dsn: str, clock: VirtualClock, tmp_path: Path) -> Hub:
    made = hub_on(database, dsn, clock, tmp_path)
    await made._register()
    return made


async def put(hub: Hub, node: str, stock: Mapping[str, int]) -> None:
    for item, quantity in stock.items():
        await hub.put_stock(item, node, quantity)
    await open_every_day(hub, node)
    await hub.order_sourcing.put_node(hub.scope, NodeFacts(node=node), by="test")


async def order(  # noqa: PLR0913  # all that a version may say
    hub: Hub,
    number: str,
    version: int,
    lines: Claims,
    *,
    channel: str = "web",
    customer: str = "",
    ships_on: date | None = None,
) -> None:
    """Record a version of an order, whose lines are item, location and how much is ordered."""
    said = OrderChanged(
        order_id=number,
        channel=channel,
        customer=customer,
        lines=tuple(
            DemandLine(
                demand_ref=f"{number}/{name}",
                item=item,
                location=location,
                ordered=Quantity.of(quantity),
                cancelled=Quantity.of(0),
                requested_ship_date=ships_on,
            )
            for name, (item, location, quantity) in lines.items()
        ),
    )
    fact = Fact(
        identity=f"order:{number}:{version}",
        payload=said,
        occurred_at=hub.clock.now() + timedelta(minutes=version),
        version=version,
    )
    await hub.record([fact])


async def scarce(
    hub: Hub, *, there: int = 3, elsewhere: int = 9, wanted: int = 8, customer: str = ""
) -> None:
    """Have an order want more of X at DC1 than there is, and some of it lie at DC2."""
    await put(hub, "DC1", {"X": there})
    await put(hub, "DC2", {"X": elsewhere})
    await order(hub, "A", 1, {"1": ("X", "DC1", wanted)}, customer=customer)


async def worked(hub: Hub) -> None:
    """Let the jobs do what there is to do, twice: a second look has nothing to add."""
    for _ in range(2):
        await hub.allocating.work.due()
        await hub.settle()


async def free(hub: Hub, item: str, node: str) -> int:
    return int((await hub.availability(item, node)).available.value)


async def last_run(hub: Hub, item: str = "X", location: str = "DC1") -> Run:
    found = await hub.allocation.runs(hub.scope, item=item, location=location, limit=1)
    return await hub.allocation.run(hub.scope, found[0].run_id)


async def runs_told(hub: Hub) -> list[AllocationRunChanged]:
    async with hub.database.transaction(hub.scope) as tx:
        found, _ = await event_log.read(
            tx, Position(), limit=1000, types=[AllocationRunChanged.TYPE]
        )
    payloads = (one.payload for one in found)
    return [one for one in payloads if isinstance(one, AllocationRunChanged)]


async def confirmed(
    hub: Hub, item: str = "X", location: str = "DC1"
) -> dict[str, tuple[int, int]]:
    """Give by order line what it has here, and elsewhere."""
    found = await hub.allocation.lines(hub.scope, item, location)
    return {one.demand_ref: (one.confirmed // MICROS, one.elsewhere // MICROS) for one in found}


def offered(run: Run) -> list[tuple[str, str, str, int, int]]:
    return [
        (
            one.demand_ref,
            one.offer.item,
            one.offer.location,
            one.offer.micros // MICROS,
            one.offer.covers // MICROS,
        )
        for one in run.alternatives
    ]


async def test_a_run_offers_what_lies_free_elsewhere_and_holds_it_once_it_is_approved(
    hub: Hub,
) -> None:
    await hub.allocation.rulebook.set_policy(
        hub.scope, Applies.NOTHING, four_eyes=False, by="test"
    )
    await scarce(hub)

    run = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")

    assert offered(run) == [("A/1", "X", "DC2", 5, 5)]
    [one] = run.alternatives
    decision = await hub.sourcing.decision(hub.scope, one.offer.decision_id)
    assert decision.decided.occasion is Occasion.BACKORDER_RUN
    assert one.offer.why
    assert await free(hub, "X", "DC2") == 9

    done = await hub.allocation.approve(hub.scope, run.run_id, by="boss")

    assert [one.state for one in done.alternatives] == [AlternativeState.HELD]
    assert await free(hub, "X", "DC2") == 4
    assert await confirmed(hub) == {"A/1": (3, 5)}


async def test_a_run_by_itself_holds_elsewhere_once_and_offers_nothing_again(hub: Hub) -> None:
    await scarce(hub)

    await worked(hub)
    run = await last_run(hub)

    assert run.state is RunState.APPLIED
    assert await free(hub, "X", "DC2") == 4
    await hub.allocating.work.mark_all()
    await worked(hub)
    assert (await last_run(hub)).run_id == run.run_id
    assert await free(hub, "X", "DC2") == 4
    told = await runs_told(hub)
    assert [one.state for one in told] == ["SIMULATED", "APPLIED"]
    for one in told:
        [alternative] = one.alternatives
        assert (alternative.demand_ref, alternative.order_id) == ("A/1", "A")
        assert (alternative.item, alternative.location) == ("X", "DC2")
        assert alternative.quantity == alternative.covers == Quantity.of(5)
        assert alternative.decision_id == run.alternatives[0].offer.decision_id


@pytest.mark.parametrize(
    "knobs",
    [Alternatives(when=When.CREATION), Alternatives(substitute=Substitute.NONE)],
    ids=["creation alone", "nothing"],
)
@pytest.mark.parametrize("holds_for", ["all", "channel:web"])
async def test_what_the_rules_do_not_let_a_run_ask_for_is_never_asked(
    hub: Hub, knobs: Alternatives, holds_for: str
) -> None:
    await hub.sourcing.put_rules(
        hub.scope, Rules(alternatives=knobs), holds_for=holds_for, by="test"
    )
    await scarce(hub)

    await worked(hub)

    assert not (await last_run(hub)).alternatives
    assert await free(hub, "X", "DC2") == 9
    assert not await hub.sourcing.decisions_of(hub.scope, ["A/1", "A"])


async def test_another_item_stands_in_where_the_rules_let_it(hub: Hub) -> None:
    knobs = Alternatives(substitute=Substitute.ITEM)
    await hub.sourcing.put_rules(hub.scope, Rules(alternatives=knobs), by="test")
    await scarce(hub)
    await hub.put_stock("Y", "DC1", 50)
    said = Substitution(item="Y", unit="EA", numerator=3, denominator=1)
    await hub.supply.put_substitution(
        hub.scope, SubstitutionRule(item="X", unit="EA", alternatives=(said,)), by="test"
    )

    await worked(hub)

    assert offered(await last_run(hub)) == [("A/1", "Y", "DC1", 15, 5)]
    assert await free(hub, "Y", "DC1") == 35
    assert await free(hub, "X", "DC2") == 9
    assert await confirmed(hub) == {"A/1": (3, 5)}


async def test_a_run_takes_nothing_elsewhere_that_others_have_or_that_is_kept_for_them(
    hub: Hub,
) -> None:
    await scarce(hub, elsewhere=9)
    await order(hub, "B", 1, {"1": ("X", "DC2", 4)})
    now = hub.clock.now()
    kept = AllocationProtection(
        item="X",
        location="DC2",
        channel="key",
        minimum=3 * MICROS,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
    )
    await hub.allocation.rulebook.protect(hub.scope, kept, by="test")

    await worked(hub)

    assert offered(await last_run(hub)) == [("A/1", "X", "DC2", 2, 2)]
    assert await confirmed(hub, "X", "DC2") == {"B/1": (4, 0)}
    assert await confirmed(hub) == {"A/1": (3, 2)}


async def test_what_is_held_elsewhere_counts_for_the_group_of_the_lines_customer(
    hub: Hub,
) -> None:
    group = AllocationGroup(name="key", customers=("METRO",))
    await hub.allocation.groups.put(hub.scope, group, by="test")
    now = hub.clock.now()
    for whose, channel in (("key", ""), ("", "web")):
        kept = AllocationProtection(
            item="X",
            location="DC2",
            group=whose,
            channel=channel,
            maximum=7 * MICROS,
            starts_at=now - timedelta(days=1),
            ends_at=now + timedelta(days=1),
        )
        await hub.allocation.rulebook.protect(hub.scope, kept, by="test")
    await scarce(hub, elsewhere=30, customer="metro")

    await worked(hub)

    assert offered(await last_run(hub)) == [("A/1", "X", "DC2", 5, 5)]
    left: list[int] = []
    for number, customer in enumerate(("METRO", "")):
        request = ReservationRequest(
            f"r{number}", (ReservationLine("X", "DC2", 20 * MICROS),), ReservationKind.HARD,
            allow_partial=True, channel="web", customer=customer,
        )  # fmt: skip
        made = await hub.inventory.reserve(hub.scope, "shop", request)
        left.append(made.lines[0].granted // MICROS)
    assert left == [2, 7]


async def test_of_two_lines_the_first_by_its_turn_is_offered_what_is_free(hub: Hub) -> None:
    await put(hub, "DC1", {"X": 0})
    await put(hub, "DC2", {"X": 6})
    await order(hub, "A", 1, {"1": ("X", "DC1", 4)})
    await order(hub, "B", 1, {"1": ("X", "DC1", 4)}, channel="key")
    rule = AllocationRule(channel="key", priority=1)
    await hub.allocation.rulebook.set_rule(hub.scope, rule, by="test")

    await worked(hub)

    assert offered(await last_run(hub)) == [
        ("B/1", "X", "DC2", 4, 4),
        ("A/1", "X", "DC2", 2, 2),
    ]
    assert await free(hub, "X", "DC2") == 0


async def test_what_must_be_served_and_lies_elsewhere_is_no_reason_to_refuse_a_run(
    hub: Hub,
) -> None:
    rule = AllocationRule(channel="web", strategy=Strategy.WIN)
    await hub.allocation.rulebook.set_rule(hub.scope, rule, by="test")
    await scarce(hub)

    await worked(hub)

    assert (await last_run(hub)).state is RunState.APPLIED
    assert await confirmed(hub) == {"A/1": (3, 5)}
    assert not await hub.cases.find(hub.scope)


async def test_the_orders_next_version_ends_what_is_held_where_a_line_of_it_claims_now(
    hub: Hub,
) -> None:
    await scarce(hub)
    await worked(hub)

    await order(hub, "A", 2, {"1": ("X", "DC1", 3), "2": ("X", "DC2", 5)})
    await worked(hub)

    assert await confirmed(hub) == {"A/1": (3, 0)}
    assert await confirmed(hub, "X", "DC2") == {"A/2": (5, 0)}
    assert await free(hub, "X", "DC2") == 4


@pytest.mark.parametrize(
    ("lines", "there", "left"),
    [
        ({"1": ("X", "DC2", 8)}, {"A/1": (8, 0)}, 1),
        ({}, {}, 9),
    ],
    ids=["moved", "dropped"],
)
async def test_a_line_that_moves_or_is_dropped_gives_back_what_was_held_for_it(
    hub: Hub, lines: Claims, there: dict[str, tuple[int, int]], left: int
) -> None:
    await scarce(hub)
    await worked(hub)

    await order(hub, "A", 2, lines)
    await worked(hub)

    assert await confirmed(hub, "X", "DC2") == there
    assert await free(hub, "X", "DC2") == left
    assert await free(hub, "X", "DC1") == 3


async def test_a_version_that_says_nothing_new_of_a_line_leaves_what_is_held(hub: Hub) -> None:
    await scarce(hub)
    await worked(hub)

    await order(hub, "A", 2, {"1": ("X", "DC1", 8)})
    await worked(hub)

    assert await confirmed(hub) == {"A/1": (3, 5)}
    assert await free(hub, "X", "DC2") == 4


async def test_goods_that_come_in_are_not_confirmed_a_second_time(
    hub: Hub, clock: VirtualClock
) -> None:
    await scarce(hub)
    await worked(hub)
    await order(hub, "B", 1, {"1": ("X", "DC1", 6)})

    await clock.advance(timedelta(minutes=1))  # a count of a later moment
    await hub.put_stock("X", "DC1", 9)
    await worked(hub)

    assert await confirmed(hub) == {"A/1": (3, 5), "B/1": (6, 0)}


async def test_what_a_person_releases_is_lacking_again(hub: Hub) -> None:
    await scarce(hub)
    await worked(hub)
    [one] = (await last_run(hub)).alternatives

    await hub.inventory.release(hub.scope, one.reservation_id)
    await hub.allocating.work.mark_all()
    await hub.allocating.work.due()

    await hub.allocating.work.due()

    before = await hub.allocation.run(hub.scope, one.run_id)
    assert [each.state for each in before.alternatives] == [AlternativeState.ENDED]
    assert offered(await last_run(hub)) == offered(before)
    assert await confirmed(hub) == {"A/1": (3, 5)}
    assert await free(hub, "X", "DC2") == 4


async def test_what_has_gone_meanwhile_is_denied_and_nothing_is_oversold(hub: Hub) -> None:
    await hub.allocation.rulebook.set_policy(
        hub.scope, Applies.NOTHING, four_eyes=False, by="test"
    )
    await scarce(hub)
    run = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")
    await hub.reserve("X", "DC2", 6, request_id="cart")

    done = await hub.allocation.approve(hub.scope, run.run_id, by="boss")

    assert [one.state for one in done.alternatives] == [AlternativeState.DENIED]
    assert await free(hub, "X", "DC2") == 3
    assert await confirmed(hub) == {"A/1": (3, 0)}


async def test_a_run_that_was_rejected_is_not_proposed_again_until_something_changes(
    hub: Hub, clock: VirtualClock
) -> None:
    await hub.allocation.rulebook.set_policy(
        hub.scope, Applies.NOTHING, four_eyes=False, by="test"
    )
    await scarce(hub)
    await worked(hub)
    run = await last_run(hub)
    await hub.allocation.reject(hub.scope, run.run_id, by="boss", remark="it stays here")

    await hub.allocating.work.mark_all()
    await worked(hub)
    assert (await last_run(hub)).run_id == run.run_id
    assert await free(hub, "X", "DC2") == 9

    await clock.advance(timedelta(minutes=1))  # a count of a later moment
    await hub.put_stock("X", "DC2", 4)
    await hub.allocating.work.mark_all()
    await worked(hub)
    assert offered(await last_run(hub)) == [("A/1", "X", "DC2", 4, 4)]


async def test_a_run_elsewhere_leaves_what_is_held_there(hub: Hub) -> None:
    """No ping-pong: what DC2 holds for a line of DC1 is nobody's at DC2, and is not sent back."""
    await scarce(hub)
    await worked(hub)

    await order(hub, "B", 1, {"1": ("X", "DC2", 9)})
    await worked(hub)

    assert await confirmed(hub, "X", "DC2") == {"B/1": (4, 0)}
    assert await confirmed(hub) == {"A/1": (3, 5)}
    assert not (await last_run(hub, "X", "DC2")).alternatives


async def test_nothing_is_offered_where_nobody_has_counted_the_lines_own_place(hub: Hub) -> None:
    await put(hub, "DC1", {"OTHER": 1})
    await put(hub, "DC2", {"X": 9})
    await order(hub, "A", 1, {"1": ("X", "DC1", 8)})

    await worked(hub)

    assert await free(hub, "X", "DC2") == 9


async def test_two_workers_and_one_that_died_before_it_told_hold_once(
    hub: Hub, dsn: str, clock: VirtualClock, tmp_path: Path
) -> None:
    await scarce(hub)
    other = await Database.open(dsn, pool_size=4)
    second = hub_on(other, dsn, clock, tmp_path)
    run = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")
    # As if the worker died when the run was applied, and before anything was held.
    await hub.allocation._approve(hub.scope, run.run_id, "boss", "")
    assert await free(hub, "X", "DC2") == 9

    await asyncio.gather(*(one.allocating.work.due() for one in (hub, second) * 4))
    await worked(hub)
    await other.close()

    assert await free(hub, "X", "DC2") == 4
    assert len(await hub.inventory.holds.of(hub.scope, "X", "DC2")) == 1
    assert await confirmed(hub) == {"A/1": (3, 5)}


async def test_an_order_that_changes_between_approval_and_hold_is_held_nothing(hub: Hub) -> None:
    await scarce(hub)
    run = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")
    await hub.allocation._approve(hub.scope, run.run_id, "boss", "")
    await order(hub, "A", 2, {"1": ("X", "DC1", 3)})

    await worked(hub)

    assert await free(hub, "X", "DC2") == 9
    assert await confirmed(hub) == {"A/1": (3, 0)}


@pytest.mark.parametrize(("days", "elsewhere"), [(10, 1), (1, 5)])
async def test_what_comes_before_a_line_is_to_leave_is_not_asked_for_elsewhere(
    hub: Hub, days: int, elsewhere: int
) -> None:
    await put(hub, "DC1", {"X": 3})
    await put(hub, "DC2", {"X": 9})
    today = hub.clock.now().date()
    comes = SupplyCommitmentChanged(
        supply_id="po-1",
        kind=SupplyKind.ASN_LINE,
        item="X",
        location="DC1",
        open_quantity=Quantity.of(4),
        evidence=SupplyEvidence.SHIPPED,
        eta=today + timedelta(days=3),
    )
    await hub.record([Fact(identity="po-1", payload=comes, occurred_at=hub.clock.now())])

    ships_on = today + timedelta(days=days)
    await order(hub, "A", 1, {"1": ("X", "DC1", 8)}, ships_on=ships_on)
    await worked(hub)

    assert offered(await last_run(hub)) == [("A/1", "X", "DC2", elsewhere, elsewhere)]


async def unlimited(hub: Hub, item: str, location: str, mode: AtpMode = AtpMode.INFINITE) -> None:
    rule = PlacedRule(item=item, location=location, rule=AtpRule(mode=mode, lead_time_days=0))
    await hub.supply.put_rule(hub.scope, rule, by="test")


async def test_what_no_stock_limits_elsewhere_is_offered_and_granted(hub: Hub) -> None:
    await scarce(hub, elsewhere=0)
    await unlimited(hub, "X", "DC2")

    await worked(hub)

    run = await last_run(hub)
    assert offered(run) == [("A/1", "X", "DC2", 5, 5)]
    assert [one.state for one in run.alternatives] == [AlternativeState.HELD]
    assert await confirmed(hub) == {"A/1": (3, 5)}


async def test_what_a_lead_time_brings_elsewhere_is_not_offered_for_nothing_can_hold_it(
    hub: Hub,
) -> None:
    await scarce(hub, elsewhere=0)
    await unlimited(hub, "X", "DC2", AtpMode.LEAD_TIME)
    await put(hub, "DC3", {"X": 9})

    await worked(hub)

    assert offered(await last_run(hub)) == [("A/1", "X", "DC3", 5, 5)]


class HoldsNothingAt:
    """Denies whatever is asked of a place, as one would who counts otherwise than who plans."""

    def __init__(self, hub: Hub, location: str) -> None:
        self._holder = hub.allocating.around.holder
        self._location = location
        self.let_go_in, self.left_in = self._holder.let_go_in, self._holder.left_in

    async def hold_in(
        self, tx: Transaction, request_id: str, goods: tuple[str, str, int], whose: tuple[str, str]
    ) -> str:
        if goods[1] == self._location:
            return ""
        return await self._holder.hold_in(tx, request_id, goods, whose)


def work_that_holds_nothing_at(hub: Hub, location: str) -> Work:
    around = replace(hub.allocating.around, holder=HoldsNothingAt(hub, location))
    return Work(hub.database, hub.clock, hub.ids, around)


async def looked_at(hub: Hub, clock: VirtualClock, work: Work, *, hours: int) -> list[Run]:
    """Have the line looked at every quarter of an hour; give the runs there were, oldest first."""
    for _ in range(hours * 4):
        await work.mark_all()
        await work.due()
        await clock.advance(timedelta(minutes=15))
    found = await hub.allocation.runs(hub.scope, item="X", location="DC1")
    return [await hub.allocation.run(hub.scope, one.run_id) for one in reversed(found)]


async def test_what_is_denied_each_time_is_asked_for_ever_more_seldom(
    hub: Hub, clock: VirtualClock
) -> None:
    await scarce(hub)
    work = work_that_holds_nothing_at(hub, "DC2")

    every = await looked_at(hub, clock, work, hours=8)

    told = [run.made_at - every[0].made_at for run in every]
    assert [at // timedelta(minutes=15) for at in told] == [0, 1, 3, 7, 15, 31]


async def test_a_place_that_denies_each_time_does_not_keep_others_from_being_asked(
    hub: Hub, clock: VirtualClock
) -> None:
    await scarce(hub)
    await put(hub, "DC3", {"X": 9})
    first = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")
    [denies] = {one.offer.location for one in first.alternatives}
    [other] = {"DC2", "DC3"} - {denies}

    await looked_at(hub, clock, work_that_holds_nothing_at(hub, denies), hours=1)

    assert await confirmed(hub) == {"A/1": (3, 5)}
    assert await free(hub, "X", other) == 4


async def test_an_order_that_says_otherwise_of_its_line_is_no_more_denied_anything(
    hub: Hub, clock: VirtualClock
) -> None:
    await scarce(hub)
    await looked_at(hub, clock, work_that_holds_nothing_at(hub, "DC2"), hours=1)

    await order(hub, "A", 2, {"1": ("X", "DC1", 7)})
    await worked(hub)

    assert await confirmed(hub) == {"A/1": (3, 4)}


async def test_what_an_applied_run_wants_and_nothing_holds_yet_is_offered_to_nobody_else(
    hub: Hub,
) -> None:
    """As in a job with many item-locations: what is wanted is held at the end of it."""
    await scarce(hub)
    await put(hub, "DC3", {"X": 0})
    await order(hub, "B", 1, {"1": ("X", "DC3", 7)})
    first = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")
    await hub.allocation._approve(hub.scope, first.run_id, "boss", "")

    second = await hub.allocation.simulate(hub.scope, "X", "DC3", by="test")

    assert offered(first) == [("A/1", "X", "DC2", 5, 5)]
    assert offered(second) == [("B/1", "X", "DC2", 4, 4)]
    await worked(hub)
    assert await free(hub, "X", "DC2") == 0
    assert await confirmed(hub, "X", "DC3") == {"B/1": (0, 4)}


async def test_a_run_that_waits_for_days_records_no_decision_anew(
    hub: Hub, clock: VirtualClock
) -> None:
    await hub.allocation.rulebook.set_policy(
        hub.scope, Applies.NOTHING, four_eyes=False, by="test"
    )
    await scarce(hub)
    await worked(hub)
    before = await last_run(hub)

    for _ in range(4):
        await clock.advance(timedelta(days=1))
        await hub.allocating.work.mark_all()
        await worked(hub)

    assert (await last_run(hub)).run_id == before.run_id
    async with hub.database.transaction(hub.scope) as tx:
        told, _ = await event_log.read(tx, Position(), limit=1000, types=[SourcingDecided.TYPE])
    assert len(told) == 1


async def test_a_run_of_a_later_day_says_when_its_goods_would_leave_from_then_on(
    hub: Hub, clock: VirtualClock
) -> None:
    await hub.allocation.rulebook.set_policy(
        hub.scope, Applies.NOTHING, four_eyes=False, by="test"
    )
    await scarce(hub)
    first = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")
    await hub.allocation.reject(hub.scope, first.run_id, by="boss", remark="later")

    await clock.advance(timedelta(days=2))
    second = await hub.allocation.simulate(hub.scope, "X", "DC1", by="test")

    [before], [now] = first.alternatives, second.alternatives
    assert now.offer.decision_id == before.offer.decision_id
    assert before.offer.ships_on
    assert now.offer.ships_on == before.offer.ships_on + timedelta(days=2)


@dataclass
class Counted:
    """Supply that says which items' outlook it was asked for, each time."""

    supply: KnowsSupply
    asked: list[list[str]] = field(default_factory=list[list[str]])

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
        self.asked.append([item for item, _ in asked])
        return await self.supply.outlook(tx, asked, now)


async def test_what_comes_in_time_for_lines_of_many_items_is_asked_at_once(hub: Hub) -> None:
    items = "XYZ"
    for node, pieces in (("DC1", 0), ("DC2", 9)):
        await put(hub, node, dict.fromkeys(items, pieces))
    today = hub.clock.now().date()
    days = {"X": today + timedelta(days=2), "Y": today + timedelta(days=3), "Z": None}
    for item, day in days.items():
        await order(hub, item, 1, {"1": (item, "DC1", 4)}, ships_on=day)
    await hub.settle()
    around = hub.allocating.around
    supply = Counted(around.supply)
    elsewhere = Elsewhere(hub.database, hub.clock, replace(around, supply=supply))

    found = await elsewhere.offers(hub.scope, [(one, "DC1") for one in items], hub.clock.now())

    assert supply.asked == [["X", "Y"]]
    assert {ref: offers[0].micros for ref, offers in found.offers.items()} == {
        f"{item}/1": 4 * MICROS for item in items
    }


class Answers(BackorderSourcing):
    """Offers all that is lacked of an item that lies somewhere."""

    async def _offers(
        self,
        scope: Scope,  # noqa: ARG002  # it asks nobody
        lack: Lack,
        taken: Mapping[tuple[str, str], int],  # noqa: ARG002  # there is no end of it
    ) -> tuple[Offer, ...]:
        if lack.item.startswith("NOWHERE"):
            return ()
        return (Offer(lack.item, "DC2", "EA", lack.micros, lack.micros),)


def lack(ref: str, item: str) -> Lack:
    return Lack(ref, "", "web", item, "DC1", "EA", MICROS)


def answers(hub: Hub) -> Answers:
    return Answers(hub.database, hub.inventory, hub.sourcing, hub.order_sourcing)


async def test_hopeless_lines_do_not_keep_others_from_being_asked_for(hub: Hub) -> None:
    lacks = [lack(f"a{number}", "NOWHERE") for number in range(5000)]

    found = await answers(hub).offers(
        hub.scope, [*lacks, lack("z", "PLENTY")], {}, hub.clock.now()
    )

    assert list(found.offers) == ["z"]
    assert not found.unasked


async def test_where_too_much_is_asked_for_in_one_look_the_next_goes_on_and_comes_to_an_end(
    hub: Hub,
) -> None:
    asks = answers(hub)
    lacks = [lack(f"a{number}", f"NOWHERE-{number}") for number in range(QUESTIONS_MAX + 20)]
    lacks.append(lack("z", "PLENTY"))

    first = await asks.offers(hub.scope, lacks, {}, hub.clock.now())
    second = await asks.offers(hub.scope, lacks, {}, hub.clock.now())

    assert not first.offers
    assert ("PLENTY", "DC1") in first.unasked
    assert len(first.unasked) == 21
    assert list(second.offers) == ["z"]
    assert not second.unasked


async def test_a_line_that_one_look_did_not_come_to_is_offered_something_in_the_next(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"NOWHERE": 0, "X": 0})
    await put(hub, "DC2", {"X": 9})
    for number in range(QUESTIONS_MAX + 5):
        lines = {"1": ("NOWHERE", "DC1", 1)}
        await order(hub, f"A{number}", 1, lines, channel=f"shop {number}")
    await order(hub, "B", 1, {"1": ("X", "DC1", 4)})

    await worked(hub)
    before = await confirmed(hub)
    await clock.advance(timedelta(minutes=2))
    await worked(hub)

    assert before == {"B/1": (0, 0)}
    assert await confirmed(hub) == {"B/1": (0, 4)}


async def test_names_and_rules_of_many_waiting_lines_are_read_at_once(hub: Hub) -> None:
    """A customer's rules stand before those of its channel."""
    never = Rules(alternatives=Alternatives(when=When.CREATION))
    await hub.sourcing.put_rules(hub.scope, never, holds_for="channel:web", by="test")
    await hub.sourcing.put_rules(hub.scope, Rules(), holds_for="customer:c-1", by="test")
    asks = BackorderSourcing(hub.database, hub.inventory, hub.sourcing, hub.order_sourcing)
    lacks = [lack("a", "X")._replace(customer=f"c-{number}") for number in range(3)]
    lacks.append(lack("b", "X")._replace(channel="key"))

    lets = await asks._may_ask(hub.scope, lacks, hub.clock.now())

    assert lets == {("c-1", "web"), ("", "key")}


async def test_kits_that_can_be_put_together_elsewhere_are_offered_and_held_with_their_parts(
    hub: Hub,
) -> None:
    await scarce(hub, there=0)
    await put(hub, "DC2", {"P": 1})
    await put(hub, "DC1", {"P": 3})
    part = KitComponent(item="X", quantity=Quantity.of(1))
    kit = KitChanged(item="P", quantity=Quantity.of(1), components=(part,))
    await hub.record([Fact(identity="kit:P", payload=kit, occurred_at=hub.clock.now())])
    await order(hub, "A", 2, {"1": ("P", "DC1", 8)})

    await worked(hub)

    run = await last_run(hub, "P")
    assert offered(run) == [("A/1", "P", "DC2", 5, 5)]
    assert [one.state for one in run.alternatives] == [AlternativeState.HELD]
    assert await free(hub, "P", "DC2") == 0
    assert await free(hub, "X", "DC2") == 5

    await hub.allocating.work.mark_all()
    await worked(hub)
    assert (await last_run(hub, "P")).run_id == run.run_id

    await order(hub, "A", 3, {})
    await worked(hub)

    assert (await free(hub, "P", "DC2"), await free(hub, "X", "DC2")) == (1, 9)
