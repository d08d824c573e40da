"""Supersession and substitutes: what is offered for whom, and how what is asked is shared out."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import Atp, Kin, Node, Question, Share, Standing
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.offering import (
    asking,
    lacking,
    offer,
    on_time,
    proposed,
)
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import AtpRule, terms_of
from crossdock.capabilities.supply.substitution import (
    Alternative,
    Option,
    SubstitutionKind,
    SubstitutionRule,
    SubstitutionVersion,
    check,
    circle,
    covered,
    needed,
    options,
)

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
ENDS = SubstitutionKind.SUPERSESSION


def version(item: str, *alternatives: Alternative, number: int = 1) -> SubstitutionVersion:
    rule = SubstitutionRule(item=item, alternatives=alternatives, unit="EA")
    return SubstitutionVersion(version=number, put_at=NOW, put_by="x", rule=rule)


def other(item: str, **more: object) -> Alternative:
    return Alternative(item=item, unit="EA", **more)  # type: ignore[arg-type]  # fields by name, as the case has them


def found(
    rules: Iterable[SubstitutionVersion], item: str = "A", customer: str = "", channel: str = ""
) -> list[tuple[str, Fraction, str, int]]:
    return [
        (one.item, one.factor, one.ruled, one.version)
        for one in options(item, rules, TODAY, customer, channel)
    ]


def test_substitutes_come_by_rank_with_their_rule_and_its_version() -> None:
    rule = version("A", other("C", rank=2), other("B", rank=1, numerator=3, denominator=2))
    assert found([rule]) == [("B", Fraction(3, 2), "A", 1), ("C", Fraction(1), "A", 1)]
    assert found([rule], "B") == []


def test_what_goes_both_ways_goes_back_by_the_inverse_factor() -> None:
    rule = version("A", other("B", numerator=3, is_two_way=True), number=4)
    assert found([rule], "B") == [("A", Fraction(1, 3), "A", 4)]


def test_supersession_comes_first_and_goes_on_by_the_factors_on_the_way() -> None:
    rules = [
        version("A", other("S"), other("B", kind=ENDS, numerator=2, valid_from=date(2026, 6, 1))),
        version("B", other("C", kind=ENDS, denominator=3, valid_from=date(2026, 5, 1)), number=7),
    ]
    assert found(rules) == [
        ("B", Fraction(2), "A", 1),
        ("C", Fraction(2, 3), "B", 7),
        ("S", Fraction(1), "A", 1),
    ]
    days = [one.not_before for one in options("A", rules, TODAY, "", "")]
    assert days == [date(2026, 6, 1), date(2026, 6, 1), None]


@pytest.mark.parametrize(
    ("said", "customer", "channel", "is_offered"),
    [
        ({}, "", "", True),
        ({"only_for": ("customer:METRO",)}, "METRO", "", True),
        ({"only_for": ("customer:METRO",)}, "", "", False),
        ({"only_for": ("customer:METRO", "channel:web")}, "", "web", True),
        ({"not_for": ("customer:METRO",)}, "METRO", "web", False),
        ({"not_for": ("customer:METRO",)}, "OTHER", "web", True),
        ({"valid_from": date(2026, 5, 4)}, "", "", True),
        ({"valid_from": date(2026, 5, 5)}, "", "", False),
        ({"valid_to": date(2026, 5, 4)}, "", "", False),
        ({"valid_to": date(2026, 5, 5)}, "", "", True),
    ],
)
def test_who_may_get_an_alternative_and_when(
    said: dict[str, object],
    customer: str,
    channel: str,
    is_offered: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    rule = version("A", other("B", **said))
    assert bool(found([rule], "A", customer, channel)) is is_offered


def test_a_chain_ends_where_it_is_not_allowed_any_more() -> None:
    rules = [
        version("A", other("B", kind=ENDS)),
        version("B", other("C", kind=ENDS, not_for=("channel:web",))),
    ]
    assert [one[0] for one in found(rules, channel="web")] == ["B"]
    assert [one[0] for one in found(rules)] == ["B", "C"]


def test_what_asks_for_approval_by_any_way_asks_for_it() -> None:
    rules = [
        version("Z", other("Y", requires_approval=True)),
        version("Y", other("Z", is_two_way=True)),
    ]

    [one] = options("Z", rules, TODAY, "", "")

    assert (one.item, one.ruled, one.requires_approval) == ("Y", "Y", True)


def test_of_two_ways_to_one_item_the_first_holds_and_never_back_to_itself() -> None:
    rules = [
        version("A", other("B", rank=2), other("C", kind=ENDS)),
        version("B", other("A", rank=5, numerator=7, is_two_way=True)),
        version("C", other("D", kind=ENDS)),
    ]
    assert found(rules) == [
        ("C", Fraction(1), "A", 1),
        ("D", Fraction(1), "C", 1),
        ("B", Fraction(1), "A", 1),
    ]


@pytest.mark.parametrize(
    ("alternatives", "where"),
    [
        ((other("A"),), "/alternatives/0/item"),
        ((other("B"), other("B")), "/alternatives/1/item"),
        ((other("B", numerator=0),), "/alternatives/0/numerator"),
        ((other("B", denominator=1_000_001),), "/alternatives/0/denominator"),
        ((other("B", rank=0),), "/alternatives/0/rank"),
        ((other("B", kind=ENDS, is_two_way=True),), "/alternatives/0/is_two_way"),
        (
            (other("B", valid_from=TODAY, valid_to=TODAY),),
            "/alternatives/0/valid_to",
        ),
        ((other("B", only_for=("METRO",)),), "/alternatives/0/only_for"),
        ((other("B", not_for=("customer: ",)),), "/alternatives/0/not_for"),
        ((other("B", only_for=("channel:a",) * 101),), "/alternatives/0/only_for"),
        ((other("B", kind=ENDS), other("C", kind=ENDS)), "/alternatives"),
        (tuple(other(f"B{n}") for n in range(21)), "/alternatives"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_its_place(
    alternatives: tuple[Alternative, ...], where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        check(SubstitutionRule(item="A", alternatives=alternatives))
    assert refused.value.where == where


def test_a_rule_that_can_be_kept_is_taken() -> None:
    check(SubstitutionRule(item="A", alternatives=(other("B", only_for=("channel:web",)),)))


def test_an_item_is_followed_by_one_at_most() -> None:
    assert version("A", other("S"), other("B", kind=ENDS)).rule.successor == "B"
    assert version("A", other("S")).rule.successor is None


def test_a_circle_of_supersession_is_told_as_it_runs() -> None:
    assert circle("A", {"A": "B", "B": "C", "C": "A"}) == ["A", "B", "C", "A"]
    assert circle("A", {"A": "B", "B": None}) == []


# What is offered, in pieces.


def answer(
    item: str,
    has: int,
    wanted: int | None,
    *,
    by: date | None = None,
    not_before: date | None = None,
) -> Atp:
    terms = terms_of([AtpRule(weekdays="1234567", daily_buckets=5, weekly_buckets=0)])
    node = Node(terms, Standing(has * MICROS, is_known=True))
    micros = None if wanted is None else wanted * MICROS
    question = Question(item, "DC1", "EA", micros, by, not_before=not_before)
    return answered(question, Kin(node), horizon(terms, NOW), NOW)


def option(item: str, rank: int = 1, factor: Fraction = Fraction(1), **more: object) -> Option:
    substitute = SubstitutionKind.SUBSTITUTE
    return Option(item, "EA", substitute, rank, factor, "A", 3)._replace(
        **more  # type: ignore[arg-type]  # fields by name, as the case has them
    )


def test_what_is_lacking_is_asked_of_the_alternative_rounded_up() -> None:
    own = answer("A", 10, 25)
    assert (lacking(own), on_time(own)) == (15 * MICROS, 10 * MICROS)
    asked = asking(Question("A", "DC1", "EA"), own, option("B", factor=Fraction(2, 4)))
    assert (asked.item, asked.micros) == ("B", 8 * MICROS)
    assert lacking(answer("A", 10, 10)) == 0
    assert lacking(answer("A", 10, None)) == 0
    assert lacking(answer("A", 10, 25, by=TODAY)) == 15 * MICROS
    assert lacking(answer("A", 10, 5, by=date(2026, 5, 3))) == 5 * MICROS


def test_an_offer_covers_no_more_than_is_on_time_and_no_more_than_is_lacking() -> None:
    own = answer("A", 10, 25)
    half = offer(own, option("B", factor=Fraction(1, 2)), answer("B", 3, 8))
    assert (half.on_time, half.covers, half.promised_on) == (3 * MICROS, 6 * MICROS, None)
    plenty = offer(own, option("B"), answer("B", 99, 15))
    assert (plenty.on_time, plenty.covers) == (15 * MICROS, 15 * MICROS)
    assert plenty.promised_on == TODAY


def test_what_follows_later_is_not_offered_before_its_day() -> None:
    first = date(2026, 5, 6)
    early = offer(
        answer("A", 0, 5, by=TODAY),
        option("B", not_before=first),
        answer("B", 9, 5, by=TODAY, not_before=first),
    )
    assert (early.covers, early.reason) == (0, "it follows from 2026-05-06 on")
    follows = answer("B", 9, 5, not_before=first)
    late = offer(answer("A", 0, 5), option("B", not_before=first), follows)
    assert (late.covers, late.promised_on) == (5 * MICROS, first)
    [share] = proposed(answer("A", 0, 5), [late], None)
    assert share.on == first


def shares(*given: Share) -> list[tuple[str, int, int, str, int]]:
    return [
        (one.item, one.micros // MICROS, one.covers // MICROS, one.ruled, one.version)
        for one in given
    ]


def offers(own: Atp) -> list[object]:
    """Ten of B, thirty of C, of which two replace one."""
    c = option("C", 2, Fraction(2))
    return [
        offer(own, option("B"), answer("B", 10, lacking(own) // MICROS)),
        offer(own, c, answer("C", 30, 2 * lacking(own) // MICROS)),
    ]


def test_what_is_asked_is_shared_out_by_rank_or_by_what_has_most_on_time() -> None:
    own = answer("A", 5, 22)
    by_rank = SubstitutionRule(item="A")
    most = SubstitutionRule(item="A", chooses=Chooses.MAX_ON_TIME)
    made = offers(own)
    assert shares(*proposed(own, made, by_rank)) == [  # type: ignore[arg-type]  # as many as the case needs
        ("A", 5, 5, "", 0),
        ("B", 10, 10, "A", 3),
        ("C", 14, 7, "A", 3),
    ]
    assert shares(*proposed(own, made, most)) == [  # type: ignore[arg-type]  # as many as the case needs
        ("A", 5, 5, "", 0),
        ("C", 30, 15, "A", 3),
        ("B", 2, 2, "A", 3),
    ]


def test_the_rest_stays_with_the_item_or_with_what_leads() -> None:
    own = answer("A", 0, 40)
    original = SubstitutionRule(item="A", chooses=Chooses.MAX_ON_TIME)
    leading = SubstitutionRule(item="A", chooses=Chooses.MAX_ON_TIME, keeps_rest=KeepsRest.LEADING)
    kept = proposed(own, offers(own), original)  # type: ignore[arg-type]  # as many as the case needs
    assert shares(*kept)[-1] == ("A", 15, 15, "", 0)
    led = proposed(own, offers(own), leading)  # type: ignore[arg-type]  # as many as the case needs
    assert shares(*led)[-1] == ("C", 30, 15, "A", 3)
    assert led[-1].on is None


def test_where_nothing_covers_anything_nothing_is_proposed() -> None:
    own = answer("A", 5, 22)
    assert proposed(own, [offer(own, option("B"), answer("B", 0, 17))], None) == ()


@given(
    st.integers(1, 10**9),
    st.fractions(Fraction(1, 1000), Fraction(1000), max_denominator=1000),
    st.sampled_from([1, 1000, MICROS]),
)
def test_what_is_needed_covers_what_it_replaces_and_no_less_would(
    micros: int, factor: Fraction, step: int
) -> None:
    wanted = needed(micros, factor, step)
    assert wanted >= micros * factor > wanted - step
    back = covered(wanted, factor, 1)
    assert back >= micros
    assert covered(micros, factor, step) * factor <= micros
