"""What is still to come, and a line that must be served on its day: acknowledgements trigger."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict
from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyPeg,
)
from crossdock.capabilities.supply import PromiseAsked, Question
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_runs import changes, of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place

WIN, GAIN, IMPROVE, REDISTRIBUTE, FILL, LOSE, SKIP = Strategy
ACKNOWLEDGED, SENT = SupplyEvidence.ACKNOWLEDGED, SupplyEvidence.SENT


def day(number: int) -> date:
    return NOON.date() + timedelta(days=number)


def bought(
    version: int,
    quantity: int,
    eta: int = 7,
    evidence: SupplyEvidence = ACKNOWLEDGED,
    *,
    location: str = "DC1",
) -> Fact:
    payload = SupplyCommitmentChanged(
        supply_id="po:1/1/1", kind=SupplyKind.PO_SCHEDULE, item="X", location=location,
        open_quantity=Quantity.of(quantity), evidence=evidence, eta=day(eta),
    )  # fmt: skip
    return Fact(identity=f"supply:1:{version}", payload=payload, occurred_at=NOON, version=version)


def dated(ref: str, quantity: int, number: int, *, location: str = "DC1") -> DemandLine:
    return replace(demand(ref, quantity, location=location), requested_ship_date=day(number))


async def waiting(floor: Floor, ships_in: int = 28) -> None:
    """Let 10 lie there, and a key account that must be served want 25 on a day."""
    await floor.rule("key", WIN)
    await floor.hear(counted(1, count(10)), of("key", "K", 1, dated("K/1", 25, ships_in)))
    await floor.work()
    assert (await floor.runs())[-1] == ("REFUSED", "ORDER", 0, 0)
    assert len(await floor.open_cases()) == 1


async def coming(floor: Floor) -> dict[str, int]:
    """Give what the last run says is still to come of each line."""
    [newest] = await floor.allocation.runs(MAIN, limit=1)
    run = await floor.allocation.run(MAIN, newest.run_id)
    return {one.demand_ref: one.coming // MICROS for one in run.lines}


async def test_an_acknowledgement_serves_who_must_be_served_on_his_day(floor: Floor) -> None:
    await waiting(floor)
    await floor.hear(bought(1, 20))

    assert await floor.work() == {"K/1": 10}
    assert (await floor.runs())[-1] == ("APPLIED", "SUPPLY", 10, 0)
    assert await coming(floor) == {"K/1": 15}
    assert await floor.open_cases() == []


@pytest.mark.parametrize(
    "said",
    [
        bought(2, 10),
        bought(2, 20, eta=40),
        bought(2, 20, evidence=SupplyEvidence.BACKORDERED),
        bought(2, 0),
    ],
    ids=["a cut", "a date behind the order's", "back-ordered", "nothing"],
)
async def test_a_word_of_the_supplier_by_which_the_day_is_missed_refuses_and_is_told(
    floor: Floor, clock: VirtualClock, said: Fact
) -> None:
    await waiting(floor)
    await floor.hear(bought(1, 20))
    await floor.work()
    await clock.advance(timedelta(seconds=1))
    await floor.hear(said)

    assert await floor.work() == {"K/1": 10}
    assert (await floor.runs())[-1] == ("REFUSED", "SUPPLY", 0, 0)
    assert [case.code for case in await floor.open_cases()] == ["ORD-OVERSOLD"]


async def test_what_is_refused_again_on_the_same_facts_is_told_again(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(10)), of("key", "K", 1, dated("K/1", 10, 28)))
    await floor.work()
    await floor.rule("key", WIN)
    await floor.hear(of("key", "K", 2, dated("K/1", 25, 28), minute=1))
    for version, quantity, is_refused in ((1, 0, True), (2, 20, False), (3, 0, True)):
        await clock.advance(timedelta(seconds=1))
        await floor.hear(bought(version, quantity))
        assert await floor.work() == {"K/1": 10}
        assert len(await floor.open_cases()) == is_refused

    assert [state for state, *_ in await floor.runs()] == ["APPLIED", "SUPERSEDED", "REFUSED"]


async def test_midnight_and_what_comes_behind_their_days_change_nothing_of_a_refused_run(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(bought(1, 10))
    await waiting(floor)
    for said in ((), (bought(2, 10, eta=5),)):
        await clock.advance(timedelta(days=1))
        await floor.hear(*said)
        await floor.allocating.work.mark_all()
        await floor.work()

    assert await floor.runs() == [("REFUSED", "ORDER", 0, 0)]
    assert len(await floor.open_cases()) == 1

    await clock.advance(timedelta(seconds=1))
    await floor.hear(bought(3, 12))
    await floor.work()
    assert [state for state, *_ in await floor.runs()] == ["REFUSED", "REFUSED"]


async def test_what_nobody_acknowledged_serves_nobody(floor: Floor) -> None:
    await waiting(floor)
    await floor.hear(bought(1, 200, evidence=SENT))
    await floor.work()

    assert {state for state, *_ in await floor.runs()} == {"REFUSED"}


async def test_a_line_without_a_day_is_to_be_served_at_once(floor: Floor) -> None:
    await floor.rule("key", WIN)
    await floor.hear(counted(1, count(10)), bought(1, 200), of("key", "K", 1, demand("K/1", 25)))
    await floor.work()

    assert await floor.runs() == [("REFUSED", "ORDER", 0, 0)]


async def test_what_comes_for_the_claims_of_a_group_serves_no_line_of_a_member(
    floor: Floor,
) -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1",))
    await floor.hear(
        Fact(identity="location:EAST:1", payload=group, occurred_at=NOON, version=1),
        of("web", "W", 1, dated("W/1", 10, 28, location="EAST")),
    )
    await waiting(floor)
    await floor.hear(bought(1, 20))
    await floor.work()
    assert {state for state, *_ in await floor.runs()} == {"REFUSED"}

    await floor.hear(bought(2, 40))
    assert await floor.work() == {"K/1": 10}
    assert await coming(floor) == {"K/1": 15}


async def test_what_comes_to_a_member_serves_who_must_be_served_at_its_group(
    floor: Floor,
) -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1",))
    await floor.rule("key", WIN)
    await floor.hear(
        Fact(identity="location:EAST:1", payload=group, occurred_at=NOON, version=1),
        counted(1, count(10)),
        of("key", "K", 1, dated("K/1", 25, 28, location="EAST")),
    )
    await floor.work()
    await floor.hear(bought(1, 20))
    await floor.work()

    assert await floor.confirmed(location="EAST") == {"K/1": 10}
    assert await floor.runs() == [("REFUSED", "ORDER", 0, 0), ("APPLIED", "SUPPLY", 10, 0)]


def landed(version: int, quantity: int) -> Fact:
    """Say that goods are at the dock, so that they count in full."""
    return bought(version, quantity, 0, SupplyEvidence.ARRIVED)


def pegged(quantity: int, ref: str, pieces: int) -> Fact:
    said = landed(1, quantity)
    assert isinstance(said.payload, SupplyCommitmentChanged)
    peg = SupplyPeg(demand_ref=ref, quantity=Quantity.of(pieces))
    return replace(said, payload=replace(said.payload, pegs=(peg,)))


async def test_what_is_pegged_to_another_line_serves_nobody_else(floor: Floor) -> None:
    await floor.rule("key", WIN)
    await floor.hear(
        pegged(50, "W/1", 30),
        counted(1, count(0)),
        of("web", "W", 1, demand("W/1", 30)),
        of("key", "K", 1, dated("K/1", 21, 28)),
    )
    await floor.work()
    assert (await floor.runs())[-1][0] == "REFUSED"

    await floor.hear(of("key", "K", 2, dated("K/1", 20, 28), minute=1))
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    assert {one.demand_ref: one.coming // MICROS for one in run.lines} == {"K/1": 20, "W/1": 0}


async def test_what_is_pegged_to_who_must_be_served_serves_him(floor: Floor) -> None:
    await floor.rule("key", WIN)
    await floor.hear(
        pegged(30, "K/1", 30), counted(1, count(0)), of("key", "K", 1, dated("K/1", 30, 28))
    )
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert [(one.coming // MICROS, one.why) for one in run.lines] == [(30, "ON_TIME")]


async def promised(floor: Floor, ref: str, quantity: int, by: int) -> None:
    asked = Question("X", "DC1", "EA", quantity * MICROS, by=day(by))
    kept = await floor.promises.promise(MAIN, "shop", PromiseAsked(f"r:{ref}", (asked,), (ref,)))
    assert kept.is_granted, kept.proof.reasons


async def test_what_was_promised_by_date_serves_nobody_else(floor: Floor) -> None:
    await floor.rule("key", WIN)
    await floor.hear(counted(1, count(0)), landed(1, 30), of("web", "W", 1, dated("W/1", 30, 28)))
    await promised(floor, "W/1", 30, 28)
    await floor.hear(of("key", "K", 1, dated("K/1", 30, 28)))
    await floor.work()
    assert (await floor.runs())[-1][0] == "REFUSED"

    await floor.hear(landed(2, 60))
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    assert {one.demand_ref: one.coming // MICROS for one in run.lines} == {"K/1": 30, "W/1": 0}


@pytest.mark.parametrize("is_released", [True, False], ids=["released", "confirmed of GAIN"])
async def test_what_is_set_aside_for_a_promise_is_not_kept_again_of_what_comes(
    floor: Floor, *, is_released: bool
) -> None:
    await floor.rule("key", WIN)
    await floor.rule("web", IMPROVE if is_released else GAIN)
    await floor.hear(counted(1, count(30)), of("web", "W", 1, dated("W/1", 30, 5)))
    await promised(floor, "W/1", 30, 5)
    await floor.work()
    if is_released:
        line = replace(dated("W/1", 30, 5), released=Quantity.of(30))
        await floor.hear(of("web", "W", 2, line, minute=1))
    await floor.hear(landed(1, 30), of("key", "K", 1, dated("K/1", 30, 28)))
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert {one.demand_ref: (one.after // MICROS, one.coming // MICROS) for one in run.lines} == {
        "K/1": (0, 30), "W/1": (30, 0),
    }  # fmt: skip


async def test_who_must_be_served_has_his_own_promise_by_date(floor: Floor) -> None:
    await floor.rule("key", WIN)
    await floor.hear(counted(1, count(0)), landed(1, 30), of("key", "K", 1, dated("K/1", 30, 28)))
    await promised(floor, "K/1", 30, 28)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert [one.coming // MICROS for one in run.lines] == [30]


async def test_a_run_on_supply_that_is_cut_meanwhile_is_stale(floor: Floor) -> None:
    await waiting(floor)
    await floor.hear(bought(1, 20))
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    assert changes(run) == {"K/1": (0, 10)}
    await floor.hear(bought(2, 18))

    with pytest.raises(Conflict, match="has changed") as refused:
        await floor.allocation.approve(MAIN, run.run_id, by="boss")
    assert refused.value.code == "stale"


async def test_supply_marks_where_somebody_waits_and_history_marks_nothing(floor: Floor) -> None:
    await floor.hear(bought(1, 20, location="DC3"))
    await floor.hear(counted(1, count(10)), of("web", "W", 1, demand("W/1", 25)))
    await floor.work()
    await floor.hear(replace(bought(2, 30), replay=True), bought(3, 30, location="DC2"))
    assert await floor.left("allocation_due") == 0

    await floor.hear(bought(4, 30))
    assert await floor.left("allocation_due where reason = 'SUPPLY'") == 1
    assert await floor.work() == {"W/1": 10}
    assert len(await floor.runs()) == 1


@pytest.mark.parametrize("place", ["DC1", "EAST"], ids=["at a place", "at its group"])
async def test_supply_that_is_moved_is_missed_where_it_was_expected(
    floor: Floor, clock: VirtualClock, place: str
) -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1",))
    await floor.rule("key", WIN)
    await floor.hear(
        Fact(identity="location:EAST:1", payload=group, occurred_at=NOON, version=1),
        counted(1, count(10)),
        bought(1, 20),
        of("key", "K", 1, dated("K/1", 25, 28, location=place)),
    )
    await floor.work()
    assert await floor.runs() == [("APPLIED", "ORDER", 10, 0)]
    await clock.advance(timedelta(seconds=1))
    await floor.hear(bought(2, 20, location="DC2"))
    await floor.work()

    assert (await floor.runs())[-1] == ("REFUSED", "SUPPLY", 0, 0)
    assert [case.code for case in await floor.open_cases()] == ["ORD-OVERSOLD"]


async def test_a_receipt_at_the_dock_serves_whom_the_shrunk_purchase_left_out(
    floor: Floor, clock: VirtualClock
) -> None:
    """No figure has changed: only what is promised by date has."""
    await waiting(floor)
    await floor.hear(bought(1, 20))
    await floor.work()
    await clock.advance(timedelta(seconds=1))
    await floor.hear(bought(2, 0))
    await floor.work()
    assert (await floor.runs())[-1][0] == "REFUSED"

    await floor.hear(moved(2, 20, None, place(status=StockStatus.RECEIVING)))
    await floor.work()
    assert (await floor.runs())[-1][0] != "REFUSED"
    assert await floor.open_cases() == []


async def test_nobody_looks_before_supply_has_heard_the_word(floor: Floor) -> None:
    await waiting(floor)
    await floor.record(bought(1, 20))
    for reader in (floor.reader, floor.allocating.reader):
        await readers.catch_up(floor.database, reader, floor.clock)
    assert await floor.allocating.work.due() == 0
    assert await floor.left("allocation_due") == 1

    await floor.fold()
    assert await floor.work() == {"K/1": 10}
