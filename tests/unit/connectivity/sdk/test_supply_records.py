"""Flat records of supply and of goods mean what domain.md §1.2 and §1.3 say."""

import json
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import CatchWeightChanged, KitChanged, KitComponent, LotChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import (
    ConfidenceClass,
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyPeg,
)
from crossdock.connectivity.sdk.records import Record
from crossdock.connectivity.sdk.stock_records import Vocabulary
from crossdock.connectivity.sdk.supply_records import (
    PARTS_MAX,
    catch_weight_changed,
    kit_changed,
    lot_changed,
    supply_changed,
)

WORDS = Vocabulary(unit="EA")
AT = {"occurred_at": "2026-03-02T08:00Z", "version": 4}
COMING = AT | {"supply_id": "po:1/1", "item": "A", "location": "DC1", "quantity": "60"}
LOT = AT | {"item": "A", "lot": "L7", "expires_on": "2026-09-30"}
WEIGHT = AT | {"item": "A", "quantity": "2.5", "unit": "KGM"}
KIT = AT | {"item": "KIT", "components": "A=4;B=0.5 MTR"}


def supply(**changes: Any) -> SupplyCommitmentChanged:
    payload = supply_changed(Record(fields=COMING | changes), WORDS).payload
    assert isinstance(payload, SupplyCommitmentChanged)
    return payload


def kit(**changes: Any) -> KitChanged:
    payload = kit_changed(Record(fields=KIT | changes), WORDS).payload
    assert isinstance(payload, KitChanged)
    return payload


def lot(**changes: Any) -> Fact:
    return lot_changed(Record(fields=LOT | changes))


def weight(**changes: Any) -> CatchWeightChanged:
    payload = catch_weight_changed(Record(fields=WEIGHT | changes)).payload
    assert isinstance(payload, CatchWeightChanged)
    return payload


def refused(call: Any, **changes: Any) -> tuple[str, str]:
    with pytest.raises(Invalid) as problem:
        call(**changes)
    return problem.value.where, problem.value.message


def test_a_supply_of_which_little_is_said_is_a_purchase_that_nobody_answered() -> None:
    assert supply() == SupplyCommitmentChanged(
        supply_id="po:1/1",
        kind=SupplyKind.PO_SCHEDULE,
        item="A",
        location="DC1",
        open_quantity=Quantity.of(60),
        evidence=SupplyEvidence.SENT,
    )


def test_a_supply_of_which_all_is_said_keeps_all_of_it() -> None:
    fact = supply_changed(
        Record(
            fields=COMING
            | {"kind": "asn_line", "evidence": "Shipped", "eta": "2026-03-04", "unit": "CS"}
            | {"acknowledgment_due": "2026-03-01", "confidence": "b", "eta_source": "carrier"}
            | {"parent_supply_id": "po:9/1", "document": "ASN-7", "pegs": "o:1/1=2;o:1/2=1 EA"}
            | {"supplier": "ACME", "acknowledged": "72", "received": "-3", "cancelled": "6"}
        ),
        WORDS,
    )

    assert fact.payload == SupplyCommitmentChanged(
        supply_id="po:1/1",
        kind=SupplyKind.ASN_LINE,
        item="A",
        location="DC1",
        open_quantity=Quantity.of(60, "CS"),
        evidence=SupplyEvidence.SHIPPED,
        eta=date(2026, 3, 4),
        eta_source="carrier",
        acknowledgment_due=date(2026, 3, 1),
        confidence=ConfidenceClass.B,
        parent_supply_id="po:9/1",
        document_ref="ASN-7",
        pegs=(
            SupplyPeg(demand_ref="o:1/1", quantity=Quantity.of(2, "CS")),
            SupplyPeg(demand_ref="o:1/2", quantity=Quantity.of(1)),
        ),
        supplier="ACME",
        acknowledged=Quantity.of(72, "CS"),
        received=Quantity.of(0, "CS"),
        cancelled=Quantity.of(6, "CS"),
    )
    assert (fact.identity, fact.version) == ("supply:po:1/1@4", 4)
    assert (fact.correlation_id, fact.native_ref) == ("ASN-7", "po:1/1")


def test_what_is_in_is_told_as_zero() -> None:
    assert supply(quantity=0).open_quantity == Quantity.of(0)


@pytest.mark.parametrize("left", ["-2", -2, "-0", "-0.000001"])
def test_where_more_came_than_was_ordered_nothing_is_to_come(left: object) -> None:
    assert str(supply(quantity=left).open_quantity) == "0 EA"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"supply_id": ""}, "/supply_id"),
        ({"quantity": "-x"}, "/quantity"),
        ({"quantity": None}, "/quantity"),
        ({"quantity": 1.5}, "/quantity"),
        ({"kind": "PO SCHEDULE"}, "/kind"),
        ({"evidence": "on its way"}, "/evidence"),
        ({"confidence": "F"}, "/confidence"),
        ({"eta": "04.03.2026"}, "/eta"),
        ({"eta": "2026-03-04T08:00:00"}, "/eta"),
        ({"eta": "2026-03-04T00:00:00Z"}, "/eta"),
        ({"eta": True}, "/eta"),
        ({"acknowledgment_due": "soon"}, "/acknowledgment_due"),
        ({"acknowledged": "all"}, "/acknowledged"),
        ({"received": 1.5}, "/received"),
        ({"cancelled": "many"}, "/cancelled"),
        ({"parent_supply_id": "po:1/1"}, "/parent_supply_id"),
        ({"pegs": "o:1/1=0"}, "/pegs"),
        ({"pegs": "o:1/1"}, "/pegs"),
        ({"pegs": "o:1/1=1;o:1/1=2"}, "/pegs"),
        ({"pegs": "=1"}, "/pegs"),
        ({"pegs": {"o:1/1": 1}}, "/pegs"),
        ({"pegs": "[1"}, ""),
        ({"pegs": [{"demand_ref": "o:1/1"}]}, "/pegs/0/quantity"),
        ({"pegs": [7]}, "/pegs/0"),
    ],
)
def test_a_supply_that_cannot_be_meant_is_refused_with_its_place(
    changes: dict[str, Any], where: str
) -> None:
    found, reason = refused(supply, **changes)

    assert found == where or found.startswith("line ")
    assert reason


def test_a_refused_word_names_those_that_are_known() -> None:
    assert refused(supply, confidence="F") == (
        "/confidence",
        "'F' is not one of A, B, C, D, E, V",
    )


def test_a_day_may_come_with_the_time_of_midnight() -> None:
    for said in ("2026-03-04", "2026-03-04T00:00:00", "2026-03-04 00:00:00"):
        assert supply(eta=said).eta == date(2026, 3, 4)


PARTS = (
    KitComponent(item="A", quantity=Quantity.of(4)),
    KitComponent(item="B", quantity=Quantity.of("0.5", "MTR")),
)


@pytest.mark.parametrize(
    "components",
    [
        "A=4;B=0.5 MTR",
        " A = 4 ; B=0.5 MTR; ",
        [{"item": "A", "quantity": 4}, {"item": "B", "quantity": "0.5", "unit": "MTR"}],
        '[{"item": "A", "quantity": 4}, {"item": "B", "quantity": 0.5, "unit": "MTR"}]',
    ],
)
def test_components_are_written_as_text_or_as_an_array(components: object) -> None:
    assert kit(components=components) == KitChanged(
        item="KIT", quantity=Quantity.of(1), components=PARTS
    )


def test_components_together_may_make_several_kits() -> None:
    assert kit(quantity="10", unit="CS").quantity == Quantity.of(10, "CS")


def test_what_is_a_kit_no_longer_says_so_and_has_no_components() -> None:
    nothings: list[object] = ["", None, [], "[]", " ; "]
    for nothing in nothings:
        assert kit(components=nothing, is_active="no").components == ()
        assert refused(kit, components=nothing)[0] == "/components"
    assert refused(kit, is_active=False)[0] == "/components"


@pytest.mark.parametrize(
    "components",
    ["KIT=1", "A=1;A=2", "A=-1", "A=0", "A=x", "A", "=4", "A=1e99", 7, True, [{"item": "A"}], "{"],
)
def test_a_kit_that_cannot_be_put_together_is_refused(components: object) -> None:
    assert refused(kit, components=components)[0].startswith("/components")


def test_a_kit_of_nothing_is_refused() -> None:
    assert refused(kit, quantity=0)[0] == "/quantity"


def test_a_kit_has_a_thousand_components_at_most() -> None:
    parts = [{"item": f"I-{number}", "quantity": 1} for number in range(PARTS_MAX + 1)]

    assert len(kit(components=parts[:-1]).components) == PARTS_MAX
    assert refused(kit, components=parts) == ("/components/1000/item", "1000 at most")


def test_a_lot_names_its_last_day() -> None:
    fact = lot()

    assert fact.payload == LotChanged(item="A", lot="L7", expires_on=date(2026, 9, 30))
    assert fact.native_ref == "L7"


def test_a_lot_whose_day_is_lacking_is_not_one_that_keeps_for_ever() -> None:
    assert refused(lot, expires_on="")[0] == "/expires_on"
    assert refused(lot, is_active=False)[0] == "/expires_on"
    assert lot(expires_on="", is_active=False).payload == LotChanged(item="A", lot="L7")


@given(st.text("a/:~|", min_size=1, max_size=4), st.text("a/:~|", min_size=1, max_size=4))
def test_lots_of_different_items_are_never_one(item: str, name: str) -> None:
    other = lot(item=f"{item}/{name}", lot="a"), lot(item=item, lot=f"{name}/a")

    assert other[0].identity != other[1].identity


def test_what_a_piece_weighs_is_told_with_its_tolerance() -> None:
    assert weight(low_percent="10", high_percent=8) == CatchWeightChanged(
        item="A", nominal=Quantity.of("2.5", "KGM"), low_percent=10, high_percent=8
    )
    assert weight().low_percent == 0
    assert weight(is_active="false", quantity="", unit="").nominal is None


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"unit": ""}, "/unit"),
        ({"quantity": 0}, "/quantity"),
        ({"quantity": ""}, "/quantity"),
        ({"low_percent": 101}, "/low_percent"),
        ({"high_percent": -1}, "/high_percent"),
    ],
)
def test_a_weight_that_cannot_be_is_refused(changes: dict[str, Any], where: str) -> None:
    assert refused(weight, **changes)[0] == where


items = st.text("ABC-:/= .", min_size=1, max_size=8).filter(lambda text: text == text.strip())
amounts = st.decimals(Decimal("0.000001"), Decimal(10**6), places=6)


@given(st.dictionaries(items, amounts, min_size=1, max_size=5))
def test_components_written_either_way_mean_the_same(parts: dict[str, Decimal]) -> None:
    array = [{"item": item, "quantity": str(amount)} for item, amount in parts.items()]
    text = ";".join(f"{item}={amount:f}" for item, amount in parts.items())

    told = kit(components=array)

    assert {one.item: one.quantity.value for one in told.components} == parts
    assert kit(components=json.dumps(array)) == told
    assert kit(components=text) == told


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.lists(st.one_of(st.none(), st.dictionaries(st.text(max_size=4), st.text(max_size=4)))),
    st.dictionaries(st.text(max_size=4), st.integers()),
)


@given(st.sampled_from(sorted(COMING | KIT | LOT | WEIGHT | {"pegs": 0, "eta": 0})), odd)
def test_hostile_records_are_read_or_refused_and_never_thrown(name: str, value: object) -> None:
    for read, fields in (
        (lambda record: supply_changed(record, WORDS), COMING),
        (lambda record: kit_changed(record, WORDS), KIT),
        (lot_changed, LOT),
        (catch_weight_changed, WEIGHT),
    ):
        with suppress(Invalid):
            fact = read(Record(fields=fields | {name: value}))
            assert fact.identity
            assert fact.version is not None
