"""What is late by its age, and whose answer is late: by a rule's days, never before them."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.late import UNDATED_DAYS, LateLine, Waiting, late_of
from crossdock.capabilities.supply.rules import AtpRule, terms_of

DAY = timedelta(days=1)
SINCE = date(2026, 5, 4)
WEEK = "1234567"
KINDS = [SupplyKind.PO_SCHEDULE, SupplyKind.ASN_LINE, SupplyKind.TRANSFER]


def waiting(kind: SupplyKind, evidence: SupplyEvidence, *, has_date: bool = False) -> Waiting:
    line = LateLine("po:1", "po:1/1", "erp", kind, evidence, "X", "DC1", 1, date.min)
    return Waiting(line, has_date, None, SINCE, SINCE, SINCE)


@given(st.sampled_from(KINDS), st.integers(0, 400), st.integers(0, 400))
def test_goods_under_way_without_a_date_are_late_behind_their_lead_time(
    kind: SupplyKind, lead: int, age: int
) -> None:
    terms = terms_of([AtpRule(weekdays=WEEK, lead_time_days=lead)])
    found = late_of(waiting(kind, SupplyEvidence.SHIPPED), terms, SINCE + age * DAY)
    assert bool(found) is (age > (lead or UNDATED_DAYS))
    assert not late_of(
        waiting(kind, SupplyEvidence.SHIPPED, has_date=True), terms, SINCE + age * DAY
    )


@given(st.integers(0, 60), st.integers(0, 90))
def test_an_answer_is_late_behind_the_days_of_its_rule(days: int, age: int) -> None:
    terms = terms_of([AtpRule(weekdays=WEEK, acknowledge_days=days)])
    found = late_of(waiting(SupplyKind.PO_SCHEDULE, SupplyEvidence.SENT), terms, SINCE + age * DAY)
    assert bool(found) is (days > 0 and age > days)
    assert all(one.is_unanswered and one.eta == SINCE + days * DAY for one in found)


def test_nobody_waits_for_the_answer_to_what_is_no_purchase() -> None:
    sent = waiting(SupplyKind.TRANSFER, SupplyEvidence.SENT)
    assert late_of(sent, terms_of([]), SINCE + 90 * DAY) == []
