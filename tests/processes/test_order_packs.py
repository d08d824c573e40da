"""Plans for orders of what is sold in packs: whole ones, promised as planned (A31, §3.5)."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.sourcing import Alternatives, Decided, Policy, Rules, Substitute
from crossdock.capabilities.supply import Alternative, AtpRule, PlacedRule
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.processes.test_order_sourcing import asked, case_of, decided, order_heard, put
from tests.processes.test_order_substitutes import rule


@pytest.fixture
async def hub(database: Database, dsn: str, clock: VirtualClock, tmp_path: Path) -> Hub:
    settings = Settings(tenant="main", data_dir=tmp_path)
    made = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
    await made._register()
    return made


async def sold_in(
    hub: Hub, clock: VirtualClock, pack: int, item: str = "X", *, up: bool = True, at: str = "*"
) -> None:
    said = AtpRule(pack=Decimal(pack), pack_up=up)
    placed = PlacedRule(item=item, location=at, rule=said)
    await hub.supply.put_rule(hub.scope, placed, by="test")
    await clock.advance(timedelta(seconds=2))


def sent(plan: Decided) -> dict[str, int]:
    """Give what leaves each node."""
    parts = [(one.node, part.quantity.micros) for one in plan.shipments for part in one.parts]
    return {node: sum(micros for at, micros in parts if at == node) // MICROS for node, _ in parts}


def lines(*said: tuple[str, str, int], ref: str = "") -> Iterable[SourceLine]:
    for item, unit, amount in said:
        yield SourceLine(item=item, quantity=Quantity.of(amount, unit), demand_ref=ref)


@pytest.mark.parametrize(("up", "planned"), [(True, 36), (False, 24)])
async def test_a31_an_order_of_30_is_planned_and_promised_as_24_or_36_by_policy(
    hub: Hub, clock: VirtualClock, planned: int, *, up: bool
) -> None:
    await put(hub, "DC1", {"X": 100})
    await sold_in(hub, clock, 12, up=up)
    order = asked(("X", 30), request_id="o1")

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)
    again = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert sent(made.answer.decided) == {"DC1": planned}
    [line] = made.answer.decided.lines
    assert [str(one) for one in (line.asked, line.quantity, line.pack)] == [
        "30 EA",
        f"{planned} EA",
        "12 EA",
    ]
    assert made.reservation
    assert [one.granted // MICROS for one in made.reservation.lines] == [planned]
    assert again.answer.content == made.answer.content
    assert again.reservation == made.reservation._replace(is_repeat=True)


async def test_no_node_sends_a_part_of_a_pack(hub: Hub, clock: VirtualClock) -> None:
    await put(hub, "DC1", {"X": 35})
    await put(hub, "DC2", {"X": 20})
    await sold_in(hub, clock, 12)
    order = SourceOrder(lines=list(lines(("X", "", 50))), policy=Policy.PARTIAL)

    plan = await decided(hub, order)

    assert sent(plan) == {"DC1": 24, "DC2": 12}
    assert [one.quantity.micros // MICROS for one in plan.waiting] == [24]


async def test_cases_stay_whole_beside_packs_and_one_odd_unit_is_packs_alone(
    hub: Hub, clock: VirtualClock
) -> None:
    await case_of(hub, "X", 8)
    await put(hub, "DC1", {"X": 100})
    await sold_in(hub, clock, 12)

    many = await decided(hub, SourceOrder(lines=list(lines(("X", "CS", 2)))))
    one = await decided(hub, SourceOrder(lines=list(lines(("X", "CS", 1)))))

    assert (sent(many), sent(one)) == ({"DC1": 24}, {"DC1": 12})


async def test_an_order_that_is_counted_already_is_planned_no_more_than_it_claims(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"X": 100})
    await sold_in(hub, clock, 12)
    await order_heard(hub, "O1/1", 30)
    order = SourceOrder(lines=list(lines(("X", "", 30), ref="O1/1")), request_id="o1")

    made = await hub.order_sourcing.plan(hub.scope, "shop", order, reserve=True)

    assert sent(made.answer.decided) == {"DC1": 24}
    assert made.reservation
    assert [one.granted // MICROS for one in made.reservation.lines] == [24]


async def test_less_than_a_pack_that_is_rounded_down_is_refused(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"X": 100})
    await sold_in(hub, clock, 12, up=False)

    with pytest.raises(Invalid, match="5 of X is less than a pack of 12") as refused:
        await decided(hub, asked(("X", 5)))

    assert (refused.value.code, refused.value.where) == ("less_than_pack", "/lines/0/quantity")


async def test_where_nodes_sell_in_other_packs_whole_ones_of_all_are_planned(
    hub: Hub, clock: VirtualClock
) -> None:
    for node in ("DC1", "DC2"):
        await put(hub, node, {"X": 100})
    await sold_in(hub, clock, 6, at="DC1")
    await sold_in(hub, clock, 4, at="DC2")

    assert sum(sent(await decided(hub, asked(("X", 13)))).values()) == 24


async def test_what_stands_in_for_a_line_leaves_in_its_own_packs(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"X": 0, "Y": 100})
    rules = Rules(alternatives=Alternatives(substitute=Substitute.ITEM))
    await hub.sourcing.put_rules(hub.scope, rules, by="test")
    await rule(hub, "X", Alternative(item="Y"))
    await sold_in(hub, clock, 10, "Y")

    plan = await decided(hub, asked(("X", 25)))

    assert sent(plan) == {"DC1": 30}


async def test_what_is_sold_by_the_piece_is_planned_as_it_is_asked(
    hub: Hub, clock: VirtualClock
) -> None:
    await put(hub, "DC1", {"X": 100, "Y": 100})
    await sold_in(hub, clock, 12)

    plan = await decided(hub, asked(("Y", 30)))

    assert sent(plan) == {"DC1": 30}
    assert [(one.asked, one.pack) for one in plan.lines] == [(None, None)]
