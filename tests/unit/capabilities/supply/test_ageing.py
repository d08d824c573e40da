"""What ages by real days: from its arrival on, and within the weeks behind the days."""

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence
from crossdock.capabilities.supply.rules import AtpRule, terms_of
from tests.unit.capabilities.supply.test_shelf import (
    EVERY_DAY,
    NEEDS,
    ask,
    coming,
    day,
    node,
    promisable,
)

SLOW = terms_of([AtpRule(receipt_life_days=34, dock_to_stock_days=5), EVERY_DAY])


def test_goods_to_come_age_from_their_arrival_and_not_from_when_they_are_put_away() -> None:
    bare = node(supplies=[coming(6, 1)], terms=SLOW)
    # In on day 1 they expire on day 35; on day 6 they have 26 days left at delivery.
    assert promisable(ask(bare, **NEEDS)) == {0: 0, 6: 0}
    assert promisable(ask(bare, life_days=26, transit_days=3)) == {0: 0, 6: 6, 7: 0}


@pytest.mark.parametrize(
    ("evidence", "eta", "life", "has"),
    [
        # Overdue and not in yet: it cannot come before today.
        (SupplyEvidence.SHIPPED, -3, 29, 6),
        (SupplyEvidence.SHIPPED, -3, 30, 0),
        # At the dock since its day, or, where that is still to come, since today.
        (SupplyEvidence.ARRIVED, -3, 26, 6),
        (SupplyEvidence.ARRIVED, -3, 27, 0),
        (SupplyEvidence.ARRIVED, 3, 29, 6),
        (SupplyEvidence.ARRIVED, 3, 30, 0),
        (SupplyEvidence.ARRIVED, None, 29, 6),
    ],
)
def test_what_is_late_or_at_the_dock_ages_from_today_or_its_day(
    evidence: SupplyEvidence, eta: int | None, life: int, has: int
) -> None:
    on = None if eta is None else day(eta)
    supply = coming(6, 0)._replace(evidence=evidence, eta=on)
    answer = ask(node(supplies=[supply], terms=SLOW), life_days=life)
    assert max(one.atp for one in answer.buckets) == has * MICROS
