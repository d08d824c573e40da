"""Figures that pictures of the documentation are drawn from: a run and a sourcing decision."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import Figures, Protection, Run, RunLine, RunState, model
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale
from crossdock.capabilities.reconciliation import AccuracyReport, Finding, Kind
from crossdock.capabilities.reconciliation.accuracy import CountSums, report
from crossdock.capabilities.sourcing import (
    Asked,
    Candidate,
    Decided,
    Line,
    Order,
    Rules,
    RuleVersion,
    planned,
)
from crossdock.capabilities.sourcing.document import decided
from crossdock.interfaces.api import (
    accuracy_chart,
    allocation_chart,
    channel_chart,
    finding_chart,
    proof_chart,
    sourcing_chart,
)
from crossdock.interfaces.api.promise_shapes import LineProofShown, PromiseShown
from crossdock.interfaces.api.stock_shapes import amount
from crossdock.orchestration.processes.availability_exposure import ChannelExposure, ItemExposure

MONDAY = datetime(2026, 5, 4, 9, tzinfo=UTC)


class Waits(NamedTuple):
    """An order line: its reference, channel, strategy and priority, pieces open and confirmed.

    It counts for its channel, unless for an allocation group.
    """

    ref: str
    channel: str
    strategy: Strategy
    priority: int
    requested: int
    confirmed: int
    group: str = ""


WAITING = (
    Waits("2001/1", "key", Strategy.WIN, 1, 12, 4),
    Waits("1004/1", "web", Strategy.GAIN, 500, 8, 8),
    Waits("1001/1", "web", Strategy.IMPROVE, 500, 16, 2),
    Waits("1002/1", "web", Strategy.REDISTRIBUTE, 500, 10, 10),
    Waits("1003/1", "branch", Strategy.FILL, 700, 6, 6),
    Waits("0907/2", "branch", Strategy.LOSE, 900, 4, 4),
)


WAITING_IN_THE_HOW_TO = (
    Waits("2001/1", "key", Strategy.WIN, 1, 8, 0),
    Waits("1001/1", "web", Strategy.IMPROVE, 500, 8, 0),
)


WAITING_IN_GROUPS = (
    Waits("1001/1", "web", Strategy.IMPROVE, 500, 8, 0, "online"),
    Waits("3001/1", "app", Strategy.IMPROVE, 500, 8, 0, "online"),
    Waits("3002/1", "app", Strategy.IMPROVE, 500, 9, 0, "key"),
    Waits("4001/1", "fax", Strategy.IMPROVE, 500, 9, 0),
)


def run_of_groups() -> Run:
    """Share 30 out: ten at most for `online`, twelve kept for the key accounts' group."""
    kept = (
        Protection("online", maximum=10 * MICROS),
        Protection("key", minimum=12 * MICROS),
    )
    return _run(WAITING_IN_GROUPS, 30, kept, RunState.SIMULATED)


def a_run() -> Run:
    """Share 40 pieces out; of 18 kept for key accounts their order gets 12, so 6 are kept on."""
    return _run(WAITING, 40, (Protection("key", minimum=18 * MICROS),), RunState.SIMULATED)


def run_of_the_how_to() -> Run:
    """Share ten out as `docs/how-to/share-out-scarce-stock.md` does: eight for the key account."""
    return _run(WAITING_IN_THE_HOW_TO, 10, (), RunState.APPLIED)


def _run(
    waiting: Sequence[Waits], pieces: int, kept: tuple[Protection, ...], state: RunState
) -> Run:
    lines = [
        model.Line(
            one.ref, one.group or one.channel, one.requested * MICROS, one.confirmed * MICROS,
            one.strategy, one.priority, MONDAY + timedelta(minutes=number),
        )
        for number, one in enumerate(waiting)
    ]  # fmt: skip
    outcome = model.run(pieces * MICROS, lines, kept)
    channels = {one.ref: one.channel for one in waiting}
    return Run(
        run_id="run_019",
        item="BOLT",
        location="DC1",
        unit="EA",
        state=state,
        reason="RECEIPT",
        supply=pieces * MICROS,
        owed=outcome.owed,
        gained=outcome.gained,
        lost=outcome.lost,
        stock_version=7,
        rules_version=3,
        protections=kept,
        figures=Figures(pieces * MICROS, sum(line.requested for line in lines), 0, 0),
        digest="",
        made_by="crossdock",
        made_at=MONDAY,
        lines=tuple(
            RunLine(
                demand_ref=grant.line.demand_ref,
                order_id=grant.line.demand_ref.partition("/")[0],
                channel=channels[grant.line.demand_ref],
                counts_for=grant.line.group,
                requested=grant.line.requested,
                picked=0,
                before=grant.line.confirmed,
                after=grant.after,
                strategy=grant.line.strategy,
                priority=grant.line.priority,
                since=grant.line.since,
                why=grant.why,
                exception=grant.exception,
            )
            for grant in outcome.grants
        ),
    )


class Stands(NamedTuple):
    """A node: its bolts and nuts, tenths of a unit of cost, kilometres and days to the ship-to."""

    node: str
    bolts: int
    nuts: int
    cost: int
    km: int
    days: int
    capability: str = "SHIP"


def a_decision() -> Decided:
    """Split 12 bolts and 6 nuts: no warehouse has all, one lacks the capability to ship."""
    nodes = [
        Stands("DC1", 4, 9, 49, 30, 1),
        Stands("DC2", 10, 2, 59, 420, 2),
        Stands("DC3", 6, 0, 65, 510, 2),
        Stands("STORE-7", 20, 20, 30, 5, 1, "PICKUP"),
    ]
    return _decided(12, nodes, version=2)


def decision_of_the_how_to() -> Decided:
    """Decide what `docs/how-to/choose-warehouses.md` asks: one warehouse has all of it."""
    nodes = [
        Stands("DC1", 4, 9, 49, 30, 1),
        Stands("DC2", 10, 10, 59, 420, 2),
        Stands("DC3", 6, 0, 59, 510, 2),
    ]
    return _decided(8, nodes, version=0)


def _decided(bolts: int, stands: Sequence[Stands], *, version: int) -> Decided:
    order = Order(
        lines=(
            Line(line_no=1, item="BOLT", micros=bolts * MICROS),
            Line(line_no=2, item="NUT", micros=6 * MICROS),
        )
    )
    nodes = [
        Candidate(
            node=one.node,
            available={"BOLT": one.bolts * MICROS, "NUT": one.nuts * MICROS},
            capabilities=(one.capability,),
            ships_on=MONDAY.date(),
            arrives_on=MONDAY.date() + timedelta(days=one.days),
            cost=one.cost * MICROS // 10,
            distance_km=one.km,
        )
        for one in stands
    ]
    rules = Rules()
    asked = Asked(order=order, units={"BOLT": "EA", "NUT": "EA"})
    put = RuleVersion(
        scope="all", version=version, valid_from=MONDAY, put_at=MONDAY, put_by="ops", rules=rules
    )
    return decided(asked, ("src_019", MONDAY), put, nodes, planned(order, nodes, rules))


def allocation_picture() -> str:
    """Draw what a run that simulates a receipt would change."""
    return allocation_chart.drawn(a_run())


def groups_picture() -> str:
    """Draw the run in which two channels share a maximum, and a customer has his own group."""
    return allocation_chart.drawn(run_of_groups())


def sourcing_picture() -> str:
    """Draw why two warehouses serve an order, and why two others do not."""
    return sourcing_chart.drawn(a_decision())


def share_out_picture() -> str:
    """Draw the run of the how-to that serves the key account in full."""
    return allocation_chart.drawn(run_of_the_how_to())


def choose_picture() -> str:
    """Draw the decision of the how-to: the nearest warehouse does not send, and why."""
    return sourcing_chart.drawn(decision_of_the_how_to())


def publishing_picture() -> str:
    """Draw why a shop is shown 30 of 100: 40 are kept for key accounts, and the WMS is silent."""
    bolt = ItemExposure(
        item="BOLT",
        pool=Decimal(100),
        kept_for_others=Decimal(40),
        allowance=None,
        share=Decimal(60),
        buffer=Decimal(7),
        cap=Decimal(50),
        pack=Decimal(5),
        exposed=Decimal(30),
        shown=Decimal(30),
        together=Decimal(30),
        beyond=Decimal(0),
        silent=("wms",),
        low_threshold=Decimal(5),
        levels=(Decimal(20), Decimal(80)),
    )
    shop = ChannelExposure(
        connection="shop",
        location="WEB",
        share_mode=ShareMode.PROTECTED,
        when_stale=WhenStale.LOWER,
        stale_buffer=Decimal(20),
        low_threshold=Decimal(5),
        levels=(Decimal(20), Decimal(80)),
        others={"key/WEB": ShareMode.PROTECTED},
        items=(bolt,),
    )
    return channel_chart.drawn(shop, bolt)


def _finding(item: str, ours: int, theirs: int, explained: int = 0, **said: Any) -> Finding:
    """Make a confirmed finding between the hub and the ERP at DC1."""
    left = theirs - ours - explained
    figures = {
        "ours": ours,
        "theirs": theirs,
        "raw": theirs - ours,
        "explained": explained,
        "unexplained": left,
        "absolute": abs(left),
        "safe": min(ours, theirs),
        "withheld": 0,
    }
    facts: dict[str, Any] = {
        "finding_id": "fnd_019",
        "system": "crossdock",
        "against": "erp",
        "location": "DC1",
        "item": item,
        "state": "CONFIRMED",
        "level": "TOTAL",
        "cause": "UNKNOWN",
        "because": "",
        "remedy": "COUNT",
        "unit": "EA",
        **{name: Decimal(amount) for name, amount in figures.items()},
        "value_at_risk": None,
        "currency": "",
        "item_class": "A",
        "age": "0-4 h",
        "priority": 0,
        "due_at": MONDAY,
        "is_in_flight": False,
        "is_gone": False,
        "times": 2,
        "attempts": 0,
        "run_id": "rcn_019",
        "evidence": {},
        "first_cut": MONDAY,
        "last_cut": MONDAY,
        "found_at": MONDAY,
        "confirmed_at": MONDAY,
        "closed_at": None,
        "closed_by": "",
        "root_cause": "",
        "note": "",
    }
    return Finding(**(facts | said))


def difference_explained() -> Finding:
    """Find 5 too many in the ERP, which 40 of receipts that it has not booked hid."""
    receipts = [("RCV-0815", 25), ("RCV-0816", 15)]
    documents = [
        {"reference": name, "fate": "NOT_POSTED", "ours": str(pieces), "theirs": "0"}
        for name, pieces in receipts
    ]
    return _finding("BOLT", 847, 812, -40, evidence={"documents": documents})


def difference_of_the_how_to() -> Finding:
    """Find what `docs/how-to/reconcile-stock.md` finds twice: three nuts more in the ERP."""
    return _finding("NUT", 6, 9)


def open_line_of_the_how_to() -> Finding:
    """Find what `docs/how-to/reconcile-orders.md` finds twice: two more open in the ERP."""
    return _finding(
        "BOLT", 4, 6, kind=Kind.ORDERS, document="shop:1002", line="1", remedy="REDRIVE"
    )


def explained_picture() -> str:
    """Draw why two numbers differ by 35 and what is wrong is 5."""
    return finding_chart.drawn(difference_explained())


def difference_picture() -> str:
    """Draw the difference of the how-to."""
    return finding_chart.drawn(difference_of_the_how_to())


def open_line_picture() -> str:
    """Draw the open line of the how-to."""
    return finding_chart.drawn(open_line_of_the_how_to())


def _proof_line(
    number: int, goods: tuple[str, str], there: int, asked: int, **off: int
) -> LineProofShown:
    """Prove a line of so many asked, of `there` less what is taken off it."""
    names = ("claimed", "earlier", "safety", "kept_for_group", "kept_for_channels", "expired")
    free = there - sum(off.values())
    granted = min(asked, free)
    part = "granted" if granted == asked else f"{granted} granted, as part was welcome"
    figures = {name: amount(off.get(name, 0) * MICROS, "EA") for name in names}
    return LineProofShown(
        line_no=number,
        item=goods[0],
        location=goods[1],
        demand_ref="",
        requested=amount(asked * MICROS, "EA"),
        granted=amount(granted * MICROS, "EA"),
        because=f"{asked} asked, {free} free: {part}",
        nettable=amount(there * MICROS, "EA"),
        own=None,
        free=amount(free * MICROS, "EA"),
        rule="",
        members=[],
        version=7,
        sources=[],
        channel="",
        allowance=None,
        **figures,
    )


def _promise(*lines: LineProofShown) -> PromiseShown:
    return PromiseShown(
        reservation_id="rsv_019",
        request_id="order-7",
        client="shop",
        decided_at=MONDAY,
        decided_together=1,
        is_reproduced=True,
        lines=[*lines],
        regrants=[],
    )


def a_promise() -> PromiseShown:
    """Grant four of four, and six of eight, as ten lay there, two were promised and two kept."""
    nuts = _proof_line(2, ("NUT", "DC1"), 10, 8, claimed=2, safety=2)
    return _promise(_proof_line(1, ("BOLT", "DC1"), 10, 4), nuts)


def available_copied() -> PromiseShown:
    """Ask for 50 of 100 of which 30 are allocated, where the hub hears either number."""
    heard = _proof_line(1, ("BOLT", "EAST, on hand heard"), 100, 50, claimed=30)
    copied = _proof_line(2, ("BOLT", "EAST, available copied"), 70, 50, claimed=30)
    return _promise(heard, copied)


def promise_proof_picture() -> str:
    """Draw why a reservation got all of one line and part of another."""
    return proof_chart.drawn(a_promise())


def counted_accuracy() -> AccuracyReport:
    """Sum up five counts of 100/100, 500/503, 200/205, 40/38 and 10/10 (A, A, B, C, C)."""

    def counts(of: str, counted: int, within: int, *pieces: int) -> CountSums:
        booked, found, off = (one * MICROS for one in pieces)
        return CountSums("DC1", of, "EA", counted, within, booked, found, off)

    sums = [
        counts("A", 2, 1, 600, 603, 3),
        counts("B", 1, 0, 200, 205, 5),
        counts("C", 2, 2, 50, 48, 2),
    ]
    return report(sums, MONDAY - timedelta(days=30), MONDAY)


def accuracy_picture() -> str:
    """Draw how right the books were by five counts."""
    return accuracy_chart.drawn(counted_accuracy())


def available_picture() -> str:
    """Draw what a promise would lose if a product's own available were taken for stock."""
    return proof_chart.drawn(available_copied())
