"""What an answer was derived from is kept, and gives the same answer once more. Pure."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.answer import (
    Atp,
    Claim,
    Component,
    Kin,
    Lot,
    Node,
    Question,
    Through,
    Weight,
)
from crossdock.capabilities.supply.derivation import Seen, derived, is_reproduced, kept_of
from crossdock.capabilities.supply.fill import Fill
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.kept import PromiseProof
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.rules import AtpRule, ClassTerms, LifeTerms, terms_of
from tests.unit.capabilities.supply.test_promise import EVERY_DAY, NOW, TERMS, X, day, standing

pieces = st.integers(0, 60)
days = st.integers(-3, 12)
REFS = ("a", "b", "c", "d")
BY_FILL = ClassTerms(confidence=ConfidenceClass.C, percent=80, buffer_days=1, by_supplier=True)
METRO = LifeTerms(customer="Metro", channel="", days=4, transit_days=1)
RULED = terms_of([AtpRule(classes=(BY_FILL,), lives=(METRO,)), EVERY_DAY])
PACKED = terms_of([AtpRule(pack=Decimal(6), mode=AtpMode.DISCRETE), EVERY_DAY])
CLAIMS = st.builds(
    Claim,
    demand_ref=st.sampled_from(REFS),
    hard=pieces.map(lambda one: one * MICROS),
    soft=pieces.map(lambda one: one * MICROS),
    on=st.none() | days.map(day),
    promised=pieces.map(lambda one: one * MICROS),
    life_days=st.sampled_from((None, None, 3)),
)
SUPPLIES = st.builds(
    Supply,
    supply_id=st.sampled_from(("s1", "s2", "s3")),
    source=st.just("erp"),
    kind=st.just(SupplyKind.PO_SCHEDULE),
    location=st.just("DC1"),
    micros=pieces.map(lambda one: one * MICROS),
    evidence=st.sampled_from(SupplyEvidence),
    eta=days.map(day),
    pegs=st.lists(st.tuples(st.sampled_from(REFS), st.integers(1, 9 * MICROS)), max_size=2).map(
        tuple
    ),
    fill=st.none() | st.just(Fill("acme", 70, 40)),
)
LOTS = st.lists(
    st.builds(
        Lot,
        lot=st.sampled_from(("L1", "L2")),
        owner=st.just(""),
        micros=pieces.map(lambda one: one * MICROS),
        expires_on=st.none() | days.map(day),
    ),
    max_size=3,
)


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    claims = draw(st.lists(CLAIMS, max_size=5))
    hard = sum(one.hard for one in claims) // MICROS
    soft = sum(one.soft for one in claims) // MICROS
    made = Node(
        draw(st.sampled_from((TERMS, RULED, PACKED))),
        standing(draw(pieces), hard + draw(pieces), soft, draw(pieces)),
        claims,
        draw(st.lists(SUPPLIES, max_size=3)),
        "DC1",
        draw(st.none() | LOTS),
    )
    if draw(st.booleans()):
        kit = Through(2 * MICROS, standing(draw(pieces), 9), draw(st.lists(CLAIMS, max_size=2)))
        made = made._replace(through=[kit])
    return made


@st.composite
def kins(draw: st.DrawFn) -> Kin:
    own, shape = draw(nodes()), draw(st.integers(0, 3))
    if shape == 1:
        return Kin(own, members=draw(st.lists(nodes(), min_size=1, max_size=2)), is_group=True)
    if shape == 2:  # a kit
        return Kin(own, components=[Component("P", "EA", 2 * MICROS, Kin(draw(nodes())))])
    if shape == 3:  # a member
        group = draw(nodes())
        return Kin(own, group=group, members=[own, draw(nodes())])
    return Kin(own)


QUESTIONS = st.builds(
    Question,
    item=st.just("X"),
    location=st.just("DC1"),
    unit=st.just("EA"),
    micros=st.integers(1, 80).map(lambda one: one * MICROS),
    by=st.none() | days.map(day),
    own=st.frozensets(st.sampled_from(REFS), max_size=2),
    keeping=st.lists(st.tuples(st.sampled_from(REFS), st.integers(0, 9 * MICROS)), max_size=1).map(
        tuple
    ),
    life_days=st.none() | st.just(5),
    customer=st.sampled_from(("", "metro")),
    draws=st.booleans(),
    is_dropship=st.booleans(),
    transit_days=st.integers(0, 365),
    channel=st.sampled_from(("", "web")),
    ruled=st.none() | st.builds(LifeTerms, days=days.map(abs), transit_days=days.map(abs)),
    not_before=st.none() | days.map(day),
    before=st.none() | days.map(day),
)


def stored(*seen: Seen) -> str:
    return msgspec.json.encode(seen, order="deterministic").decode()


@given(kins(), QUESTIONS)
def test_every_answer_is_reproduced_from_what_is_kept_of_it(kin: Kin, question: Question) -> None:
    seen = Seen(question, kin, NOW, Weight(MICROS, "KG", 5, 5))
    answer = derived(seen, NOW)
    assert is_reproduced([answer], stored(kept_of(seen)))


def answered() -> tuple[Atp, Seen]:
    seen = Seen(X._replace(micros=5 * MICROS), Kin(Node(TERMS, standing(9))), NOW)
    return derived(seen, NOW), seen


def test_another_answer_is_not_reproduced() -> None:
    answer, seen = answered()
    proof = PromiseProof(reasons=("",), answers=(answer,), rules=(), seen=stored(seen))
    assert proof.is_reproduced
    assert not is_reproduced([replace(answer, left_over=1)], stored(seen))


@pytest.mark.parametrize("number", [0, 2])
def test_an_answer_without_what_was_seen_of_it_is_not_reproduced(number: int) -> None:
    answer, seen = answered()
    assert not is_reproduced([answer], stored(*[seen] * number))


def test_the_claims_of_a_thousand_others_are_kept_as_one_a_day() -> None:
    claims = [Claim(f"o/{number}", MICROS, on=day(number % 2)) for number in range(1000)]
    kin = Kin(Node(TERMS, standing(2000, 1000), claims))
    seen = Seen(X._replace(own=frozenset({"o/7"})), kin, NOW)
    assert len(kept_of(seen).kin.own.claims) == 3
