"""What a supply is worth: its class by its evidence, its haircut, its day."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.answer import Node, Question, Standing
from crossdock.capabilities.supply.fill import Fill
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.inbound import (
    BY_EVIDENCE,
    PROMISED,
    Supply,
    classified,
    effective,
    is_past_due,
    with_dock,
)
from crossdock.capabilities.supply.outlook import outlook
from crossdock.capabilities.supply.rules import (
    DAYS_MAX,
    AtpRule,
    AtpTerms,
    ClassTerms,
    terms_of,
)

TODAY = date(2026, 5, 4)
LAST = TODAY + timedelta(days=90)
TERMS = terms_of([AtpRule(weekdays="1234567")])
PURCHASE = Supply("po", "erp", SupplyKind.PO_SCHEDULE, "DC1", 100 * MICROS, eta=TODAY)
A, B, C, D, E, V = ConfidenceClass

supplies = st.builds(
    Supply,
    st.just("s"),
    st.just("erp"),
    st.sampled_from(SupplyKind),
    st.just("DC1"),
    st.integers(0, 10**9),
    st.sampled_from(SupplyEvidence),
    st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
    st.none() | st.dates(date(2026, 4, 1), date(2026, 6, 1)),
    st.none() | st.sampled_from(ConfidenceClass),
    st.integers(0, 10**9),
    st.lists(st.tuples(st.just("o/1"), st.integers(0, 10**9)), max_size=2).map(tuple),
)


def worth(supply: Supply, terms: AtpTerms = TERMS, step: int = MICROS) -> tuple[int, int | None]:
    """Give whole pieces, and the day counted from today."""
    found = effective(supply, TODAY, terms, terms.calendar, step=step, last=LAST)
    return found.micros // MICROS, None if found.on is None else (found.on - TODAY).days


@pytest.mark.parametrize(
    ("kind", "evidence", "more", "found"),
    [
        ("PO_SCHEDULE", "ARRIVED", {}, A),
        ("PO_SCHEDULE", "ARRIVED", {"eta": None}, A),
        ("TRANSFER", "SHIPPED", {}, A),
        ("TRANSFER", "SENT", {}, D),
        ("TRANSFER", "SENT", {"confidence": A}, D),
        ("TRANSFER", "ACKNOWLEDGED", {}, D),
        ("TRANSFER", "ACKNOWLEDGED", {"confidence": A}, D),
        ("TRANSFER", "ON_HOLD", {"confidence": A}, E),
        ("TRANSFER", "ARRIVED", {}, A),
        ("OTHER", "ARRIVED", {}, E),
        ("OTHER", "SHIPPED", {"confidence": A}, E),
        ("ASN_LINE", "SHIPPED", {}, B),
        ("ASN_LINE", "SHIPPED", {"eta": None}, E),
        ("PO_SCHEDULE", "ACKNOWLEDGED", {}, C),
        ("PO_SCHEDULE", "ACKNOWLEDGED", {"eta": None}, E),
        ("PO_SCHEDULE", "SENT", {}, D),
        ("PO_SCHEDULE", "SENT", {"acknowledgment_due": TODAY}, D),
        ("PO_SCHEDULE", "SENT", {"acknowledgment_due": TODAY - timedelta(days=1)}, E),
        ("PO_SCHEDULE", "BACKORDERED", {}, E),
        ("PO_SCHEDULE", "ON_HOLD", {}, E),
        ("PO_SCHEDULE", "OTHER", {}, E),
        ("RMA_EXPECTED", "SHIPPED", {}, D),
        ("VENDOR_STOCK", "ARRIVED", {}, V),
        ("VENDOR_STOCK", "ARRIVED", {"confidence": A}, V),
        ("PO_SCHEDULE", "SENT", {"confidence": A}, D),
        ("PO_SCHEDULE", "SENT", {"confidence": E}, E),
        ("PO_SCHEDULE", "BACKORDERED", {"confidence": D}, E),
        ("PO_SCHEDULE", "ACKNOWLEDGED", {"confidence": A}, C),
        ("PO_SCHEDULE", "SHIPPED", {"confidence": C}, C),
        ("RMA_EXPECTED", "ARRIVED", {"confidence": A}, D),
        ("PO_SCHEDULE", "SHIPPED", {"confidence": E}, E),
        ("PO_SCHEDULE", "ACKNOWLEDGED", {"eta": TODAY - timedelta(days=7)}, C),
        ("PO_SCHEDULE", "ACKNOWLEDGED", {"eta": TODAY - timedelta(days=8)}, E),
    ],
)
def test_the_class_of_a_supply(
    kind: str, evidence: str, more: dict[str, object], found: ConfidenceClass
) -> None:
    supply = PURCHASE._replace(kind=SupplyKind(kind), evidence=SupplyEvidence(evidence))
    supply = supply._replace(**more)  # type: ignore[arg-type]  # fields by name, as the case has them
    assert classified(supply, TODAY, 7)[0] is found


def test_every_evidence_has_a_class() -> None:
    assert BY_EVIDENCE.keys() == set(SupplyEvidence)


@given(supplies)
def test_nothing_is_promised_from_a_class_that_is_none(supply: Supply) -> None:
    """I6: no promise is pegged to D or E, nor to a supplier's own stock."""
    found = effective(supply, TODAY, TERMS, TERMS.calendar, step=MICROS, last=LAST)
    assert found.reason
    assert (found.on is None) <= (found.micros == 0)
    if found.confidence not in PROMISED:
        assert (found.micros, found.on) == (0, None)
    assert 0 <= found.micros <= supply.remaining - supply.pegged
    assert not found.micros % MICROS or supply.pegged


ANY_TERMS = st.lists(
    st.builds(
        AtpRule,
        past_due_supply_days=st.none() | st.integers(0, DAYS_MAX),
        classes=st.lists(
            st.builds(
                ClassTerms,
                confidence=st.sampled_from(ConfidenceClass),
                percent=st.integers(0, 100),
                buffer_days=st.integers(0, 60),
            ),
            max_size=6,
        ).map(tuple),
    ),
    max_size=3,
).map(terms_of)


@given(supplies, ANY_TERMS)
def test_no_source_and_no_rule_makes_a_promise_of_what_its_evidence_does_not_bear(
    supply: Supply, terms: AtpTerms
) -> None:
    """I6: a word of the source takes away from the class by evidence, and never adds to it."""
    by_evidence, _ = classified(
        supply._replace(confidence=None), TODAY, terms.past_due_supply_days
    )
    found = effective(supply, TODAY, terms, terms.calendar, step=MICROS, last=LAST)
    assert found.confidence >= by_evidence
    if by_evidence not in PROMISED:
        assert (found.micros, found.on) == (0, None)


@given(supplies, st.lists(supplies, max_size=3))
def test_supply_and_its_notices_are_what_is_open_and_no_more(
    parent: Supply, children: list[Supply]
) -> None:
    """I9 by A29: the parent shrinks by what its notices hold, down to nothing."""
    announced = sum(child.micros for child in children)
    parent = parent._replace(announced=announced, room=None)
    room = parent.micros
    for child in children:
        left = child._replace(announced=0, room=room).remaining
        assert left == min(child.micros, max(0, room))
        room -= child.micros
        announced -= child.micros - left
    assert parent.remaining + announced == parent.micros


def test_a_notice_is_cut_to_what_its_purchase_has_open() -> None:
    notice = PURCHASE._replace(evidence=SupplyEvidence.SHIPPED)
    for room, left in ((None, 100), (100, 100), (30, 30), (0, 0), (-5, 0)):
        cut = notice._replace(room=None if room is None else room * MICROS)
        assert worth(cut) == (left, 1)
        found = effective(cut, TODAY, TERMS, TERMS.calendar, step=MICROS, last=LAST)
        assert ("cut to what its purchase has open" in found.reason) is (left < 100)


def test_a_haircut_rounds_down_to_what_changes_hands() -> None:
    acknowledged = PURCHASE._replace(evidence=SupplyEvidence.ACKNOWLEDGED, micros=33 * MICROS)
    assert worth(acknowledged) == (29, 2)
    found = effective(acknowledged, TODAY, TERMS, TERMS.calendar, step=MICROS // 1000, last=LAST)
    assert found.micros == 29_700_000


def test_the_way_from_dock_to_stock_is_in_working_days_behind_the_buffer() -> None:
    rule = AtpRule(weekdays="12345", dock_to_stock_days=1)
    friday = PURCHASE._replace(evidence=SupplyEvidence.SHIPPED, eta=TODAY + timedelta(days=4))
    assert worth(friday, terms_of([rule])) == (100, 8)
    arrived = PURCHASE._replace(evidence=SupplyEvidence.ARRIVED, eta=TODAY - timedelta(days=60))
    assert worth(arrived, terms_of([rule])) == (100, 1)


def test_what_is_overdue_does_not_come_before_today_and_its_buffer() -> None:
    overdue = PURCHASE._replace(
        evidence=SupplyEvidence.ACKNOWLEDGED, eta=TODAY - timedelta(days=5)
    )
    assert worth(overdue) == (90, 2)


@pytest.mark.parametrize(
    ("late", "limit", "said"),
    [
        (0, 7, ""),
        (1, 7, ", 1 day late: counted from today, until it is 7 days late"),
        (3, 7, ", 3 days late: counted from today, until it is 7 days late"),
        (7, 7, ", 7 days late: counted from today, until it is 7 days late"),
        (1, 1, ", 1 day late: counted from today, until it is 1 day late"),
    ],
)
def test_what_is_late_and_still_expected_says_so_and_until_when(
    late: int, limit: int, said: str
) -> None:
    terms = terms_of([AtpRule(past_due_supply_days=limit, weekdays="1234567")])
    overdue = PURCHASE._replace(evidence=SupplyEvidence.SHIPPED, eta=TODAY - timedelta(days=late))
    found = effective(overdue, TODAY, terms, terms.calendar, step=MICROS, last=LAST)
    assert (found.on, found.reason) == (
        TODAY + timedelta(days=1),
        f"it is under way, with a ship notice{said}",
    )
    gone = overdue._replace(eta=TODAY - timedelta(days=limit + 1))
    ended = effective(gone, TODAY, terms, terms.calendar, step=MICROS, last=LAST)
    assert (ended.on, ended.micros, ended.confidence) == (None, 0, ConfidenceClass.E)
    assert ended.reason == f"it is {limit + 1} days overdue, the limit is {limit}"


def test_what_is_at_the_dock_is_not_late_whenever_it_was_due() -> None:
    arrived = PURCHASE._replace(evidence=SupplyEvidence.ARRIVED, eta=TODAY - timedelta(days=60))
    found = effective(arrived, TODAY, TERMS, TERMS.calendar, step=MICROS, last=LAST)
    assert found.reason == "it is at the dock"


def test_a_rule_may_trust_a_class_less() -> None:
    rule = AtpRule(
        weekdays="1234567",
        classes=(ClassTerms(confidence=B, percent=50, buffer_days=5),),
    )
    shipped = PURCHASE._replace(evidence=SupplyEvidence.SHIPPED)
    assert worth(shipped, terms_of([rule])) == (50, 5)


BY_SUPPLIER = terms_of(
    [
        AtpRule(
            weekdays="1234567",
            classes=(ClassTerms(confidence=C, percent=90, buffer_days=2, by_supplier=True),),
        )
    ]
)
"""The rule that a class C line counts as far as its supplier's fill says."""
ACKNOWLEDGED = PURCHASE._replace(evidence=SupplyEvidence.ACKNOWLEDGED, supplier="ACME")


@pytest.mark.parametrize(
    ("fill", "terms", "whole", "why"),
    [
        (Fill("ACME", 85, 42), BY_SUPPLIER, 85,
         "; 85 % count, the fill of ACME (P10 of his last 42 lines)"),
        (Fill("ACME", 0, 10), BY_SUPPLIER, 0,
         "; 0 % count, the fill of ACME (P10 of his last 10 lines)"),
        (Fill("ACME", 40, 9), BY_SUPPLIER, 90,
         "; 90 % count by the rule: its supplier's fill has 9 lines, and needs 10"),
        (None, BY_SUPPLIER, 90,
         "; 90 % count by the rule: its supplier's fill has 0 lines, and needs 10"),
        (Fill("ACME", 85, 42), TERMS, 90, ""),
    ],
)  # fmt: skip
def test_what_is_acknowledged_counts_by_its_suppliers_fill_where_a_rule_says_so(
    fill: Fill | None, terms: AtpTerms, whole: int, why: str
) -> None:
    supply = ACKNOWLEDGED._replace(fill=fill)

    assert worth(supply, terms) == (whole, 2)
    found = effective(supply, TODAY, terms, terms.calendar, step=MICROS, last=LAST)
    assert found.reason == f"it is acknowledged with a date{why}"


def test_a_ship_notice_and_what_is_at_the_dock_know_no_fill() -> None:
    poor = Fill("ACME", 10, 42)
    for evidence in (SupplyEvidence.SHIPPED, SupplyEvidence.ARRIVED):
        assert worth(ACKNOWLEDGED._replace(evidence=evidence, fill=poor), BY_SUPPLIER)[0] == 100


@given(
    supplies,
    st.builds(Fill, st.just("ACME"), st.integers(0, 100), st.integers(1, 100)),
    st.sampled_from([1, 1000, MICROS]),
)
def test_no_fill_makes_more_count_than_is_open_nor_less_than_nothing(
    supply: Supply, fill: Fill, step: int
) -> None:
    found = effective(
        supply._replace(fill=fill, supplier="ACME"),
        TODAY,
        BY_SUPPLIER,
        BY_SUPPLIER.calendar,
        step=step,
        last=LAST,
    )
    assert 0 <= found.micros <= supply.remaining
    if not supply.pegs:
        assert found.micros % step == 0


def test_what_comes_after_the_horizon_is_said_and_not_counted() -> None:
    late = PURCHASE._replace(evidence=SupplyEvidence.SHIPPED, eta=date(9999, 12, 31))
    found = effective(late, TODAY, TERMS, TERMS.calendar, step=MICROS, last=LAST)
    assert (found.on, found.reason) == (None, "it comes after the horizon")


def test_demand_is_past_due_from_the_day_after_its_limit() -> None:
    assert not is_past_due(TODAY - timedelta(days=30), TODAY, 30)
    assert is_past_due(TODAY - timedelta(days=31), TODAY, 30)


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3), st.integers(0, 1000))
def test_however_far_a_purchase_has_come_all_of_it_counts_and_no_more(
    parts: list[int], told_twice: int
) -> None:
    """I9: open, at the dock (some of it still told as arrived) and on the shelf are the whole."""
    under_way, docked, shelved = (pieces * MICROS for pieces in parts)
    arrived = min(told_twice * MICROS, docked)
    supplies = [
        PURCHASE._replace(micros=under_way, evidence=SupplyEvidence.SHIPPED),
        PURCHASE._replace(supply_id="asn", micros=arrived, evidence=SupplyEvidence.ARRIVED),
    ]
    told = with_dock(supplies, docked, "DC1", TODAY)
    assert sum(one.remaining for one in told) == under_way + docked

    node = Node(TERMS, Standing(shelved, docked=docked), supplies=told)
    ahead = horizon(TERMS, datetime.combine(TODAY, time(9)))
    future = outlook(Question("X", "DC1", "EA"), node, ahead)
    assert future.pab[-1] == sum(parts) * MICROS


def test_no_rule_says_that_the_dock_counts() -> None:
    assert TERMS.counts_dock
    narrow, wide = AtpRule(counts_dock=False), AtpRule(counts_dock=True)
    assert not terms_of([narrow, wide]).counts_dock


@given(st.integers(0, 60), st.integers(0, 90))
def test_a_purchase_is_of_class_e_behind_the_days_of_its_rule(days: int, age: int) -> None:
    """§5.1: D while its answer may come, E behind; a rule of 0 days waits for none."""
    sent = datetime(2026, 5, 4, 12, tzinfo=UTC) - timedelta(days=age)
    terms = terms_of([AtpRule(weekdays="1234567", acknowledge_days=days)])
    supply = PURCHASE._replace(sent_at=sent)
    found = effective(supply, TODAY, terms, terms.calendar, step=MICROS, last=LAST)
    assert found.confidence is (E if 0 < days < age else D)
