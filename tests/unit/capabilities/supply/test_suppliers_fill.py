"""Suppliers' fill on a real hub: by the lines that ended, told and kept with what was promised."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import SupplyKind
from crossdock.capabilities.supply import AtpRule, KeptPromise, PromiseAsked, Question
from crossdock.connectivity.recording import Verdict
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.unit.capabilities.supply.yard import Yard, committed, day, noticed

RULE: dict[str, Any] = {
    "weekdays": "1234567",
    "daily_buckets": 8,
    "weekly_buckets": 0,
    "classes": [{"confidence": "C", "percent": 90, "buffer_days": 0, "by_supplier": True}],
}
BY_SUPPLIER = msgspec.convert(RULE, AtpRule)


async def ended(yard: Yard, *received: int, of: str = "Acme", source: str = "erp") -> None:
    """Tell of lines that ended, of each of which 10 were acknowledged."""
    told = [
        committed(
            f"old:{of}/{number}/{pieces}",
            0,
            supplier=of,
            acknowledged=Quantity.of(10),
            received=Quantity.of(pieces),
        )
        for number, pieces in enumerate(received)
    ]
    await yard.hear(*told, source=source)


async def coming(yard: Yard) -> tuple[int, str]:
    """Give how many pieces of what is to come count, and what is said of it."""
    [inbound] = (await yard.ask()).inbound
    return inbound.micros // MICROS, inbound.reason


async def promised(yard: Yard, request: str, pieces: int) -> KeptPromise:
    question = Question("X", "DC1", "EA", pieces * MICROS, None)
    asked = PromiseAsked(request, (question,), ("",))
    return await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)


async def test_what_is_acknowledged_counts_by_the_tenth_percentile_of_its_supplier(
    yard: Yard,
) -> None:
    await yard.rule(BY_SUPPLIER)
    await yard.hear(committed("po:1", 100, supplier="ACME"))
    await ended(yard, *[10] * 8, 7)
    counts, why = await coming(yard)
    assert counts == 90
    assert why.endswith("90 % count by the rule: its supplier's fill has 9 lines, and needs 10")

    await ended(yard, 12, of="acme ")

    assert await coming(yard) == (
        70,
        "it is acknowledged with a date; 70 % count, the fill of ACME (P10 of his last 10 lines)",
    )
    fill, lines = await yard.hub.supply.fills.of(yard.hub.scope, "acme")
    assert (fill.supplier, fill.percent, fill.lines) == ("ACME", 70, 10)
    assert sorted(one.percent for one in lines) == [70, *[100] * 9]


async def test_a_promise_keeps_the_fill_that_it_was_made_by(yard: Yard) -> None:
    await yard.rule(BY_SUPPLIER)
    await yard.hear(committed("po:1", 100, supplier="ACME"))
    await ended(yard, *[8] * 10)
    made = await promised(yard, "r1", 60)
    assert made.is_granted
    [inbound] = made.proof.answers[0].inbound
    assert inbound.supply.fill is not None
    assert (inbound.micros // MICROS, inbound.supply.fill.percent) == (80, 80)

    await ended(yard, *[0] * 20, source="crm")
    assert (await coming(yard))[0] == 0

    again = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert msgspec.json.encode(again.proof) == msgspec.json.encode(made.proof)
    assert again.proof.is_reproduced


async def test_lines_count_once_ended_lately_and_told_whole(
    yard: Yard, clock: VirtualClock
) -> None:
    ten = Quantity.of(10)
    said: dict[str, Any] = {"supplier": "ACME", "acknowledged": ten, "received": Quantity.of(4)}
    await yard.hear(
        committed("old:open", 6, **said),
        committed("old:ended", 0, **said),
        committed("old:not-received", 0, supplier="ACME", acknowledged=ten),
        committed("old:not-acknowledged", 0, supplier="ACME", received=ten),
        committed("old:nobodys", 0, acknowledged=ten, received=ten),
        committed("old:return", 0, **{**said, "kind": SupplyKind.RMA_EXPECTED}),
        noticed("old:notice", 0, **said),
    )
    # Another source tells of the same line, later: it is believed, and the line counts once.
    later = committed("old:ended", 0, **{**said, "received": Quantity.of(9)})
    await yard.hear(replace(later, occurred_at=NOON + timedelta(seconds=5)), source="wms")

    _, lines = await yard.hub.supply.fills.of(yard.hub.scope, "ACME")
    assert [(one.supply_id, one.source, one.percent) for one in lines] == [
        ("old:ended", "wms", 90)
    ]
    await clock.advance(timedelta(days=181))
    fill, lines = await yard.hub.supply.fills.of(yard.hub.scope, "ACME")
    assert (fill.lines, lines) == (0, [])


async def test_what_the_buyer_cancelled_is_not_the_suppliers_fault_and_what_he_rejected_is(
    yard: Yard,
) -> None:
    said: dict[str, Any] = {"supplier": "ACME", "acknowledged": Quantity.of(10)}
    await yard.hear(
        committed("old:closed", 0, received=Quantity.of(4), cancelled=Quantity.of(6), **said),
        committed("old:part", 0, received=Quantity.of(3), cancelled=Quantity.of(6), **said),
        committed("old:whole", 0, received=Quantity.of(0), cancelled=Quantity.of(10), **said),
        committed("old:rejected", 0, received=Quantity.of(4), **said),
    )

    _, lines = await yard.hub.supply.fills.of(yard.hub.scope, "ACME")

    assert {one.supply_id: one.percent for one in lines} == {
        "old:closed": 100,
        "old:part": 75,
        "old:rejected": 40,
    }


async def test_a_hundred_lines_are_looked_at_however_many_there_were(yard: Yard) -> None:
    await ended(yard, *[10] * 120)
    fill, lines = await yard.hub.supply.fills.of(yard.hub.scope, "ACME")
    assert (fill.percent, fill.lines, len(lines)) == (100, 100, 100)


async def test_without_the_rule_a_suppliers_fill_changes_nothing(yard: Yard) -> None:
    await yard.hear(committed("po:1", 100, supplier="ACME", eta=day(1)))
    await ended(yard, *[0] * 20)
    assert await coming(yard) == (90, "it is acknowledged with a date")


@pytest.mark.parametrize("amount", [Quantity.of(-1), Quantity.of(4, "CS")])
async def test_less_than_nothing_received_or_another_unit_is_set_aside(
    yard: Yard, amount: Quantity
) -> None:
    fact = committed("po:1", 0, supplier="ACME", acknowledged=Quantity.of(1), received=amount)
    [verdict] = await yard.hub.record([fact], source="erp")
    assert verdict.verdict is Verdict.QUARANTINED
    assert "received" in verdict.reason


async def test_a_rule_goes_by_suppliers_for_what_they_acknowledged_alone(yard: Yard) -> None:
    said = [{"confidence": "B", "percent": 90, "buffer_days": 0, "by_supplier": True}]
    with pytest.raises(Invalid) as refused:
        await yard.rule(msgspec.convert({**RULE, "classes": said}, AtpRule))
    assert refused.value.where == "/classes/0/by_supplier"
