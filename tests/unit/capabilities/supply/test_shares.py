"""What is proposed in place of an item takes nothing twice, and breaks no pack."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import (
    Atp,
    Component,
    Kin,
    Node,
    Offer,
    Question,
    Standing,
)
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.offering import asking, offer, proposed
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import AtpRule, terms_of
from crossdock.capabilities.supply.substitution import (
    Option,
    SubstitutionRule,
)
from tests.unit.capabilities.supply.test_shelf import EVERY_DAY, NOW, TERMS
from tests.unit.capabilities.supply.test_substitution import option

SIX = Fraction(1, 6)


def stocked(pieces: int, pack: int = 0, *, up: bool = True) -> Kin:
    terms = terms_of([AtpRule(pack=Decimal(pack), pack_up=up), EVERY_DAY]) if pack else TERMS
    return Kin(Node(terms, Standing(pieces * MICROS, is_known=True)))


def kit(item: str, per: int, kin: Kin) -> Kin:
    return Kin(Node(TERMS), components=[Component(item, "EA", per * MICROS, kin)])


def of(question: Question, kin: Kin) -> Atp:
    return answered(question, kin, horizon(kin.own.terms, NOW), NOW)


def shares(
    kin: Kin, wanted: int, *others: tuple[Option, Kin], rule: SubstitutionRule | None = None
) -> list[tuple[str, int, int]]:
    """Ask for so many A and share out what others have."""
    question = Question("A", "DC1", "EA", wanted * MICROS)
    short = of(question, kin)
    offers: list[Offer] = [
        offer(short, one, of(asking(question, short, one), other)) for one, other in others
    ]
    return [
        (one.item, one.micros // MICROS, one.covers // MICROS)
        for one in proposed(short, offers, rule)
    ]


def test_kits_of_what_is_asked_are_not_proposed_beside_it() -> None:
    stock = stocked(6)
    made = option("K", factor=SIX), kit("A", 6, stock)
    assert shares(stock, 10, made) == []
    other = option("B", 2), stocked(3)
    assert shares(stock, 10, made, other) == [("A", 6, 6), ("B", 3, 3), ("A", 1, 1)]


def test_what_a_kit_is_made_of_is_not_proposed_beside_it() -> None:
    stock = stocked(12)
    pieces = option("Q", factor=Fraction(6)), stock
    assert shares(kit("Q", 6, stock), 3, pieces) == []
    # Two alternatives that are made of the same: the first has it.
    first, second = option("K"), option("L", 2)
    both = (first, kit("Q", 6, stock)), (second, kit("Q", 4, stock))
    assert shares(stocked(0), 4, *both) == [("K", 2, 2), ("A", 2, 2)]
    most = SubstitutionRule(item="A", chooses=Chooses.MAX_ON_TIME)
    assert shares(stocked(0), 4, *both, rule=most) == [("L", 3, 3), ("A", 1, 1)]


def test_a31_a_share_is_of_whole_packs_of_the_alternative() -> None:
    packed = option("P"), stocked(30, 12)
    assert shares(stocked(0), 4, packed) == [("P", 12, 4)]
    assert shares(stocked(0), 26, packed) == [("P", 24, 24), ("A", 2, 2)]
    before = option("B"), stocked(20)
    behind = option("P", 2), stocked(30, 12)
    assert shares(stocked(0), 26, before, behind) == [("B", 20, 20), ("P", 12, 6)]


def test_a31_fewer_packs_cover_less_where_the_rule_says_so() -> None:
    fewer = option("P", 2), stocked(30, 12, up=False)
    assert shares(stocked(0), 4, fewer) == []
    assert shares(stocked(0), 26, (option("B"), stocked(20)), fewer) == [
        ("B", 20, 20),
        ("A", 6, 6),
    ]


@pytest.mark.parametrize(("up", "last"), [(True, [("P", 12, 6)]), (False, [("A", 6, 6)])])
def test_a31_the_rest_that_the_leading_one_keeps_is_of_whole_packs(
    up: bool,  # noqa: FBT001 (a row of the table)
    last: list[tuple[str, int, int]],
) -> None:
    rule = SubstitutionRule(item="A", keeps_rest=KeepsRest.LEADING)
    packed = option("P"), stocked(24, 12, up=up)
    assert shares(stocked(0), 30, packed, rule=rule) == [("P", 24, 24), *last]


def test_a12_what_is_less_than_a_pack_is_covered_by_another_or_stays_in_the_proposal() -> None:
    # Eight cases of 12, and 4 that are not sold as one.
    cased = stocked(100, 12, up=False)
    question = Question("A", "DC1", "EA", 100 * MICROS)
    short = of(question, cased)
    assert (short.quantity, short.remainder) == (96 * MICROS, 4 * MICROS)
    assert shares(cased, 100, (option("B"), stocked(4))) == [("A", 96, 96), ("B", 4, 4)]
    assert shares(cased, 100, (option("B"), stocked(3))) == [
        ("A", 96, 96),
        ("B", 3, 3),
        ("A", 0, 1),
    ]
    leading = SubstitutionRule(item="A", keeps_rest=KeepsRest.LEADING)
    halves = option("B", factor=Fraction(1, 2)), stocked(7, 4, up=False)
    assert shares(stocked(0, 12, up=False), 29, halves, rule=leading) == [
        ("B", 4, 8),
        ("B", 8, 16),
        ("A", 0, 5),
    ]


packs = st.tuples(st.integers(0, 60), st.sampled_from([0, 5, 12]), st.booleans())


@given(
    packs,
    packs,
    st.integers(1, 80),
    st.sampled_from([Fraction(1), Fraction(3, 2), Fraction(1, 6)]),
    st.sampled_from(list(KeepsRest)),
)
def test_a12_a_proposal_adds_up_to_what_is_asked(
    own: tuple[int, int, bool],
    other: tuple[int, int, bool],
    wanted: int,
    factor: Fraction,
    keeps: KeepsRest,
) -> None:
    (has, pack, up), (has_other, other_pack, other_up) = own, other
    kin = stocked(has, pack, up=up)
    rule = SubstitutionRule(item="A", keeps_rest=keeps)
    beside = option("B", factor=factor), stocked(has_other, other_pack, up=other_up)
    found = shares(kin, wanted, beside, rule=rule)
    asked = of(Question("A", "DC1", "EA", wanted * MICROS), kin).quantity or 0
    if found:
        assert sum(covers for _, _, covers in found) == max(wanted, asked // MICROS)
    for item, amount, _ in found:
        of_pack = pack if item == "A" else other_pack
        assert not of_pack or not amount % of_pack


def test_a31_the_rest_that_the_item_itself_keeps_is_of_whole_packs() -> None:
    assert shares(stocked(12, 12), 36, (option("B"), stocked(5))) == [
        ("A", 12, 12),
        ("B", 5, 5),
        ("A", 24, 19),
    ]
