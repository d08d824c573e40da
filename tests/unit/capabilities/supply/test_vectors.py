"""The worked examples of the law (domain.md §3.9), number by number, in whole pieces."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest

from crossdock.canonical.catalog import ItemUnit
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.canonical.units import ItemUnits, Multiple
from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.answer import Atp, Basis, Claim, Kin, Node, Question, Standing
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.outlook import horizon
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import AtpRule, terms_of

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
EVERY_DAY = AtpRule(weekdays="1234567", daily_buckets=8, weekly_buckets=0)


class Example(NamedTuple):
    """Pieces in each bucket; `says` is what the example prints for a mode."""

    name: str
    start: int
    supply: list[int]
    demand: list[int]
    mode: AtpMode
    says: list[int]


CATP, DATP, UNTIL = AtpMode.CUMULATIVE, AtpMode.DISCRETE, AtpMode.UNTIL_NEXT_SUPPLY
A4 = (80, [0, 0, 60, 0, 0, 60, 0, 0], [30, 25, 30, 10, 0, 35, 0, 0])
A5 = (0, [50, 40, 50, 50], [30, 40, 10, 0])
A6 = (40, [0, 0, 100], [0, 35, 20])
A7 = (100, [0, 0, 0], [0, 0, 80])
A8 = (10, [0, 50, 0], [25, 0, 60])
A27 = (100, [0, 0, 50, 0], [0, 20, 0, 60])

EXAMPLES = [
    Example("A4", *A4, CATP, [25, 25, 45, 45, 45, 70, 70, 70]),
    Example("A4", *A4, DATP, [25, 0, 20, 0, 0, 25, 0, 0]),
    Example("A5", *A5, CATP, [20, 20, 60, 110]),
    Example("A5", *A5, DATP, [20, 0, 40, 50]),
    Example("A6", *A6, CATP, [5, 5, 85]),
    Example("A7", *A7, CATP, [20, 20, 20]),
    Example("A8", *A8, CATP, [0, 0, 0]),
    Example("A25: others", 40, [0, 60], [40, 0], CATP, [0, 60]),
    Example("A25: the order itself", 40, [0, 60], [0, 0], CATP, [40, 100]),
    Example("A27", *A27, CATP, [70, 70, 70, 70]),
    Example("A27", *A27, UNTIL, [80, 80, 70, 70]),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.name} {one.mode}")
def test_what_can_be_promised(example: Example) -> None:
    pab = model.projected(example.start, example.supply, example.demand)
    assert model.promisable(example.mode, pab) == example.says


@pytest.mark.parametrize(
    ("name", "example", "pab"), [("A6", A6, [40, 5, 85]), ("A8", A8, [-15, 35, -25])]
)
def test_what_is_projected(
    name: str, example: tuple[int, list[int], list[int]], pab: list[int]
) -> None:
    assert model.projected(*example) == pab, name


A5_DAYS = ("Jan 1", "Feb 10", "Feb 15", "Mar 1")


@pytest.mark.parametrize(
    ("mode", "wanted", "on"),
    [
        (DATP, 10, "Jan 1"),
        (DATP, 30, "Feb 15"),
        (DATP, 100, "lead time"),
        (CATP, 100, "Mar 1"),
    ],
)
def test_a5_the_earliest_date(mode: AtpMode, wanted: int, on: str) -> None:
    atp = model.promisable(mode, model.projected(*A5))
    bucket = model.earliest(atp, wanted)
    assert (A5_DAYS[bucket] if bucket is not None else "lead time") == on


def test_a9_a_promise_in_parts() -> None:
    atp = model.cumulative(model.projected(*A4))
    lines, rest = model.split(CATP, atp, 60)
    assert [(line.micros, f"b{line.bucket + 1}") for line in lines] == [
        (25, "b1"),
        (20, "b3"),
        (15, "b6"),
    ]
    assert rest == 0


# From here on whole answers, on days: day 0 is today.


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def asked(node: Node, wanted: int | None = None, *own: str) -> Atp:
    micros = None if wanted is None else wanted * MICROS
    question = Question("X", "DC1", "EA", micros, None, frozenset(own))
    return answered(question, Kin(node), horizon(node.terms, NOW), NOW)


def promisable(answer: Atp) -> dict[int, int]:
    """Give in whole pieces what can be promised from which day on, where it changes."""
    found: dict[int, int] = {}
    for bucket in answer.buckets:
        if not found or bucket.atp != list(found.values())[-1] * MICROS:
            found[(bucket.day - TODAY).days] = bucket.atp // MICROS
    return found


def standing(nettable: int, hard: int = 0) -> Standing:
    return Standing(nettable * MICROS, hard * MICROS, is_known=True)


def supply(name: str, pieces: int, evidence: SupplyEvidence, eta: int, **more: object) -> Supply:
    kind = SupplyKind.ASN_LINE if evidence is SupplyEvidence.SHIPPED else SupplyKind.PO_SCHEDULE
    made = Supply(name, "erp", kind, "DC1", pieces * MICROS, evidence, day(eta))
    return made._replace(**more)  # type: ignore[arg-type]


TERMS = terms_of([EVERY_DAY])


def test_a7_behind_the_fence_nothing_is_held_back() -> None:
    claims = [Claim("o/1", 80 * MICROS, on=day(2))]
    without = Node(TERMS, standing(100, 80), claims)
    fenced = without._replace(terms=terms_of([AtpRule(fence_days=2), EVERY_DAY]))

    assert promisable(asked(without)) == {0: 20}
    assert promisable(asked(fenced)) == {0: 100}
    assert asked(fenced).evaluated == 2


def test_a8_a_shortage_is_seen_at_once() -> None:
    claims = [Claim("late/1", 60 * MICROS, on=day(2))]
    incoming = supply("asn", 50, SupplyEvidence.SHIPPED, 0)
    answer = asked(Node(TERMS, standing(10, 85), claims, [incoming]))

    assert [bucket.pab // MICROS for bucket in answer.buckets] == [-15, 35, -25]
    assert answer.shortage == 15 * MICROS
    assert promisable(answer) == {0: 0}


def test_a10_each_supply_counts_by_its_class() -> None:
    supplies = [
        supply("asn", 40, SupplyEvidence.SHIPPED, 3),
        supply("ack", 60, SupplyEvidence.ACKNOWLEDGED, 5),
        supply("unack", 50, SupplyEvidence.SENT, 4),
        supply("overdue", 30, SupplyEvidence.ACKNOWLEDGED, -12),
    ]
    answer = asked(Node(TERMS, standing(10), (), supplies))

    counted = {
        one.supply.supply_id: (str(one.confidence), one.micros // MICROS, one.on)
        for one in answer.inbound
    }
    assert counted == {
        "asn": ("B", 40, day(4)),
        "ack": ("C", 54, day(7)),
        "unack": ("D", 0, None),
        "overdue": ("E", 0, None),
    }
    assert promisable(answer) == {0: 10, 4: 50, 7: 104}
    [overdue] = [one.reason for one in answer.inbound if one.supply.supply_id == "overdue"]
    assert overdue == "it is 12 days overdue, the limit is 7"


def test_a11_a_kit_has_what_its_scarcest_component_allows() -> None:
    parts = {"A": 2 * MICROS, "B": MICROS, "C": 4 * MICROS}
    atp = {"A": [50 * MICROS], "B": [33 * MICROS], "C": [100 * MICROS]}
    assert model.kits_by_bucket(parts, atp, [3 * MICROS]) == [28 * MICROS]


def test_a12_what_makes_no_case_is_not_sold_as_one() -> None:
    assert model.whole_packs(100, 12) == (8, 4)
    cased = terms_of([AtpRule(pack=Decimal(12)), EVERY_DAY])
    assert promisable(asked(Node(cased, standing(100)))) == {0: 96}


def test_a25_an_order_does_not_stand_in_its_own_way() -> None:
    node = Node(
        TERMS,
        standing(40, 40),
        [Claim("own/1", 40 * MICROS)],
        [supply("asn", 60, SupplyEvidence.SHIPPED, 0)],
    )
    assert promisable(asked(node)) == {0: 0, 1: 60}
    assert promisable(asked(node, 40, "own/1")) == {0: 40, 1: 100}


def test_a26_an_order_that_is_raised_keeps_what_it_has() -> None:
    node = Node(
        TERMS,
        standing(40, 40),
        [Claim("own/1", 40 * MICROS)],
        [supply("asn", 60, SupplyEvidence.SHIPPED, 0)],
    )
    answer = asked(node, 55, "own/1")
    assert [(part.day, part.micros // MICROS) for part in answer.schedule] == [
        (day(0), 40),
        (day(1), 15),
    ]
    assert (answer.promised_on, answer.basis) == (day(1), Basis.SUPPLY)


def test_a29_what_a_notice_announces_is_not_to_come_a_second_time() -> None:
    purchase = supply("po", 70, SupplyEvidence.ACKNOWLEDGED, 1, announced=50 * MICROS)
    notice = supply("asn", 50, SupplyEvidence.SHIPPED, 1)
    assert purchase.remaining + notice.remaining == 70 * MICROS
    assert purchase.remaining == 20 * MICROS


def test_a30_kits_that_share_a_component_are_not_additive() -> None:
    p, q = {"X": MICROS}, {"X": 2 * MICROS}
    stock = {"X": [5 * MICROS]}
    found = [model.kits_by_bucket(one, stock, [0]) for one in (p, q)]
    assert found == [[5 * MICROS], [2 * MICROS]]
    left = {"X": [5 * MICROS - 2 * p["X"]]}
    assert model.kits_by_bucket(q, left, [0]) == [MICROS]


def test_a31_a_case_is_never_opened() -> None:
    assert model.in_packs(30, 12, up=False) == 24
    assert model.in_packs(30, 12, up=True) == 36
    cased = terms_of([AtpRule(pack=Decimal(12), pack_up=False), EVERY_DAY])
    coming = [supply("asn", 30, SupplyEvidence.SHIPPED, 1)]
    answer = asked(Node(cased, standing(30), (), coming), 70)
    assert promisable(answer) == {0: 24, 2: 60}
    assert [part.micros // MICROS for part in answer.schedule] == [24, 36]
    assert answer.left_over == 0
    units = ItemUnits.of("EA", [ItemUnit(unit="CS", numerator=12)])
    for policy, makes in ((Multiple.DOWN, 24), (Multiple.UP, 36)):
        found = units.in_multiples(Quantity.of(30), Quantity.of(1, "CS"), policy)
        assert found == Quantity.of(makes)


def test_a32_what_crosses_the_dock_is_promised_once() -> None:
    pegged = supply("asn", 50, SupplyEvidence.SHIPPED, 0, pegs=(("cross/1", 30 * MICROS),))
    node = Node(TERMS, standing(0, 30), [Claim("cross/1", 30 * MICROS, on=day(1))], [pegged])
    assert promisable(asked(node)) == {0: 0, 1: 20}
