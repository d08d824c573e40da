"""Every key has its turn to be counted, whether or not a dump says its class (§4.2)."""

from datetime import timedelta
from itertools import count

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ranking import is_due
from tests.conftest import NOON
from tests.processes.test_reconciliation import HEADER, House, house

__all__ = ["house"]


LATER = timedelta(days=20)


def due_as(of: ItemClass, after: timedelta = timedelta()) -> str:
    """Name an item whose turn it is at DC1 then if it is of this class, and of no other."""
    day = (NOON + after).toordinal()
    names = (f"N{number}" for number in count())
    return next(
        name
        for name in names
        if [one for one in ItemClass if is_due("DC1", name, one, day)] == [of]
        and not (after and is_due("DC1", name, of, NOON.toordinal()))
    )


async def listed(house: House, **item_class: str) -> None:
    facts = [own_fact(ItemChanged(sku=sku, item_class=of), NOON) for sku, of in item_class.items()]
    for verdict in await house.hub.record(facts, source=OWN_SOURCE):
        assert not verdict.reason


async def proposed(house: House) -> list[tuple[str, str, str]]:
    found = await house.hub.reconciliation.cycle_counts(house.hub.scope)
    return sorted((one.item, one.of, one.reason) for one in found)


@pytest.mark.parametrize(
    ("catalogued", "of"), [("A", ItemClass.A), ("SERVICE", ItemClass.C), ("", ItemClass.C)]
)
async def test_a_key_that_no_dump_classed_has_its_turn_by_the_catalogue_or_as_c(
    house: House, catalogued: str, of: ItemClass
) -> None:
    sku = due_as(of)
    await listed(house, **{sku: catalogued})
    await house.counted(**{sku: 5})

    await house.dumped(f"{sku},DC1,AVAILABLE,5")

    assert await proposed(house) == [(sku, of, "CLASS_DUE")]


async def test_what_an_earlier_dump_said_stands_before_the_catalogue(house: House) -> None:
    sku = due_as(ItemClass.A, LATER)
    await listed(house, **{sku: "C"})
    await house.counted(**{sku: 5})
    row = f"{sku},DC1,AVAILABLE,5,{house.at.isoformat()},A"
    await house.dumped(row, header=f"{HEADER},class")
    assert await proposed(house) == []

    await house.clock.advance(LATER)
    await house.dumped(f"{sku},DC1,AVAILABLE,5")

    assert await proposed(house) == [(sku, "A", "CLASS_DUE")]


async def test_what_a_full_dump_leaves_out_has_its_turn_where_anything_lies(house: House) -> None:
    sku, gone = due_as(ItemClass.C), "SKU-1"
    await listed(house, **{sku: "", gone: ""})
    await house.counted(**{sku: 5, gone: 0})

    run = await house.dumped("SKU-2,DC1,AVAILABLE,0", full=True)

    assert run.compared == 3
    assert await proposed(house) == [(sku, "C", "CLASS_DUE")]
