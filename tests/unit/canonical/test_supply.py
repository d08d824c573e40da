"""What a purchase line may say of how its supplier fills it."""

from dataclasses import replace

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import ReferenceKind, Resolution
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyKind


def line(
    acknowledged: Quantity | None, received: Quantity | None, supplier: str = "ACME"
) -> SupplyCommitmentChanged:
    return SupplyCommitmentChanged(
        supply_id="po:1/1",
        kind=SupplyKind.PO_SCHEDULE,
        item="B-1",
        location="DC1",
        open_quantity=Quantity.of(0),
        supplier=supplier,
        acknowledged=acknowledged,
        received=received,
    )


@pytest.mark.parametrize(
    ("said", "where"),
    [
        (line(Quantity.of(-1), None), "/payload/acknowledged"),
        (line(Quantity.of(1, "CS"), None), "/payload/acknowledged"),
        (line(Quantity.of(1), Quantity.of(-1)), "/payload/received"),
        (line(Quantity.of(1), Quantity.of(1, "CS")), "/payload/received"),
        (replace(line(None, None), cancelled=Quantity.of(-1)), "/payload/cancelled"),
    ],
)
def test_what_came_of_a_line_is_zero_or_more_in_the_unit_of_what_is_open(
    said: SupplyCommitmentChanged, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        said.resolved(Resolution())
    assert refused.value.where == where


def test_a_supplier_is_a_party_that_may_be_unknown_and_none_is_no_reference() -> None:
    named = [one for one in line(None, None).references() if one.kind is ReferenceKind.PARTY]
    assert [(one.native_id, one.may_be_unknown) for one in named] == [("ACME", True)]
    nobodys = line(None, None, " ").references()
    assert all(one.kind is not ReferenceKind.PARTY for one in nobodys)
