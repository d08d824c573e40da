"""Whose a difference is, how urgent, by when: by what it is and is worth (§4.3, §7.2)."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.calendars import Calendar, Hours, WorkingTime
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import responsible
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.kinds import FOLLOWING, PRICES, Kind, check_healed
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.store import FindingRow
from tests.conftest import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CAP = 10_000
ALWAYS = WorkingTime(Calendar(), UTC)
BRAKE = Brake(value=CAP)
ROW = FindingRow(
    finding_id="fnd_1", system="crossdock", against="erp", location="DC1", item="BOLT",
    state="CONFIRMED", level="TOTAL", cause="UNKNOWN", because="", remedy="COUNT", unit="EA",
    ours=5, theirs=0, explained=0, unexplained=-5, at_stake=-5, absolute=5, withheld=5,
    value_at_risk=1, class_="C", is_in_flight=False, is_gone=False, times=2, attempts=0,
    run_id="rcn_1", evidence="{}", first_cut=NOON, last_cut=NOON, found_at=NOON,
    confirmed_at=NOON, closed_at=None, closed_by="", root_cause="", note="",
)  # fmt: skip


def row(cause: Cause, remedy: Remedy, kind: Kind = Kind.STOCK, of: str = "C") -> FindingRow:
    system = "crossdock" if kind is Kind.STOCK else kind
    return replace(ROW, cause=cause, remedy=remedy, system=system, class_=of)


@pytest.mark.parametrize(
    ("found", "code", "owner", "above", "within"),
    [
        (row(Cause.UNKNOWN, Remedy.COUNT), "INV-SUSPECT", "Inventory control",
         "Inventory control", 8),
        (row(Cause.MSG_LOST, Remedy.REDRIVE), "INV-SUSPECT", "Integration",
         "Inventory control", 8),
        (row(Cause.MSG_ORDER, Remedy.REFETCH), "INV-SUSPECT", "Integration",
         "Inventory control", 8),
        (row(Cause.SHRINK, Remedy.FINANCE_TASK), "INV-SUSPECT", "Finance",
         "Inventory control", 8),
        (row(Cause.MSG_DUP, Remedy.FINANCE_TASK), "INV-SUSPECT", "Finance", "Finance", 8),
        (row(Cause.NEG_STOCK, Remedy.COUNT), "INV-NEG", "Inventory control",
         "Inventory control", 4),
        (row(Cause.UOM, Remedy.MASTER_DATA), "MD-UOM", "Master data", "Master data", 4),
        (row(Cause.XREF, Remedy.MASTER_DATA), "MD-ITEM-XREF", "Master data", "Master data", 4),
        (row(Cause.MSG_LOST, Remedy.REFETCH, Kind.ORDERS), "INV-SUSPECT", "Order desk",
         "Order desk", 8),
        (row(Cause.MSG_DUP, Remedy.COUNT, Kind.ORDERS), "ORD-DUP", "Order desk",
         "Order desk", 2),
        (row(Cause.MSG_DUP, Remedy.COUNT, Kind.PURCHASES), "PO-DUP", "Buyer", "Buyer", 4),
        (row(Cause.MSG_LOST, Remedy.FINANCE_TASK, Kind.INVOICES), "SHP-NOINV", "Finance AR",
         "Finance AR", 24),
        (replace(row(Cause.UNKNOWN, Remedy.FINANCE_TASK, Kind.INVOICES), theirs=9),
         "ORD-LEDGER", "Finance AR", "Finance AR", 1),
        (row(Cause.MSG_LOST, Remedy.ASK_CARRIER, Kind.DELIVERIES), "SHP-LATE", "Transport",
         "Transport", 4),
        (row(Cause.MSG_LOST, Remedy.FINANCE_TASK, Kind.SUPPLIER_INVOICES), "INVM-QTY", "AP",
         "AP", 48),
        (replace(row(Cause.MSG_LOST, Remedy.FINANCE_TASK, Kind.SUPPLIER_INVOICES), theirs=9),
         "INVM-NORCPT", "AP", "AP", 48),
        (replace(row(Cause.MSG_DUP, Remedy.FINANCE_TASK, Kind.SUPPLIER_INVOICES), theirs=10),
         "INVM-DUP", "AP", "AP", 4),
        (row(Cause.UOM, Remedy.MASTER_DATA, Kind.INVOICES), "MD-UOM", "Master data",
         "Master data", 4),
    ],
)  # fmt: skip
def test_above_the_cap_stock_is_inventory_controls_with_the_time_of_its_code(
    found: FindingRow, code: str, owner: str, above: str, within: int
) -> None:
    dear = replace(found, value_at_risk=CAP + 1)

    assert responsible.code_of(found) == code
    assert responsible.owner_of(found, BRAKE) == owner
    assert responsible.severity_of(found, BRAKE) == "S3"
    assert responsible.within(found, BRAKE) == 3 * DAY
    assert responsible.owner_of(dear, BRAKE) == above
    assert responsible.severity_of(dear, BRAKE) == "S2"
    assert responsible.within(dear, BRAKE) == within * HOUR


@pytest.mark.parametrize("kind", [Kind.PUBLISHED, *FOLLOWING, *PRICES])
def test_what_no_document_mends_is_not_sent_or_read_again(kind: Kind) -> None:
    with pytest.raises(Invalid, match=r"mended by documents|sent or read again"):
        check_healed(kind)
    check_healed(Kind.ORDERS)


@given(
    st.one_of(st.none(), st.integers(0, 3 * CAP)),
    st.sampled_from(Cause),
    st.sampled_from(ItemClass),
    st.sampled_from([None, NOON]),
)
def test_nothing_is_less_urgent_for_more_money_nor_for_having_been_above(
    value: int | None, cause: Cause, of: ItemClass, since: datetime | None
) -> None:
    now = replace(ROW, value_at_risk=value, cause=cause, class_=of)
    was_above = replace(now, escalated_at=since)
    dearer = replace(was_above, value_at_risk=(value or 0) + 3 * CAP)

    for one in (was_above, dearer):
        assert responsible.severity_of(one, BRAKE) <= responsible.severity_of(now, BRAKE)
        assert responsible.within(one, BRAKE) <= responsible.within(now, BRAKE)
        assert responsible.due_at(one, ALWAYS) <= responsible.due_at(now, ALWAYS)


def test_of_what_has_no_price_nobody_knows_whether_it_is_above() -> None:
    unpriced = replace(ROW, value_at_risk=None)
    assert not responsible.is_above(unpriced, Brake(value=0))
    assert responsible.severity_of(unpriced, Brake(value=0)) == "S3"


def test_the_time_is_of_its_class_since_it_was_found_or_of_its_code_since_it_escalated() -> None:
    assert responsible.due_at(ROW, ALWAYS) == NOON + 3 * DAY
    assert responsible.due_at(replace(ROW, class_="A"), ALWAYS) == NOON + 8 * HOUR
    assert (
        responsible.due_at(replace(ROW, escalated_at=NOON + DAY), ALWAYS) == NOON + DAY + 8 * HOUR
    )
    late = replace(ROW, escalated_at=NOON + 9 * DAY)
    assert responsible.due_at(late, ALWAYS) == NOON + 3 * DAY


def test_hours_are_working_hours_and_days_working_days_of_its_place() -> None:
    """Found on Friday at four, where work is from Monday to Friday, eight to five."""
    week = Calendar(frozenset(range(1, 6)), hours=Hours(time(8), time(17)))
    place, friday = WorkingTime(week, UTC), datetime(2026, 5, 8, 16, tzinfo=UTC)
    found = replace(ROW, found_at=friday)

    a_item = responsible.due_at(replace(found, class_="A"), place)
    assert a_item == datetime(2026, 5, 11, 15, tzinfo=UTC)
    assert responsible.due_at(found, place) == datetime(2026, 5, 13, 16, tzinfo=UTC)
    escalated = replace(found, escalated_at=friday + 2 * HOUR)
    assert responsible.due_at(escalated, place) == datetime(2026, 5, 11, 16, tzinfo=UTC)
