"""Whole answers: what was asked, what it stands on, and the figures it was made from."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Claim,
    Component,
    Heard,
    Kin,
    Lot,
    Node,
    Question,
    Standing,
    Through,
)
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.model import BESIDE_STOCK, AtpMode, Limits
from crossdock.capabilities.supply.promise import answered, nodes_of
from crossdock.capabilities.supply.rules import AtpRule, terms_of

OF_STOCK = [mode for mode in AtpMode if mode not in BESIDE_STOCK]

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
EVERY_DAY = AtpRule(weekdays="1234567", daily_buckets=8, weekly_buckets=0)
TERMS = terms_of([EVERY_DAY])
X = Question("X", "DC1", "EA")


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def standing(nettable: int, hard: int = 0, soft: int = 0, safety: int = 0) -> Standing:
    return Standing(
        nettable * MICROS, hard * MICROS, soft * MICROS, safety * MICROS, version=7, is_known=True
    )


def shipped(pieces: int, number: int, *pegs: tuple[str, int]) -> Supply:
    kind, evidence = SupplyKind.TRANSFER, SupplyEvidence.SHIPPED
    supply = Supply("s", "erp", kind, "DC1", pieces * MICROS, evidence, day(number))
    return supply._replace(pegs=tuple((ref, taken * MICROS) for ref, taken in pegs))


def ask(kin: Kin, question: Question = X) -> Atp:
    return answered(question, kin, horizon(kin.own.terms, NOW), NOW)


def wanted(pieces: int, **more: object) -> Question:
    return X._replace(micros=pieces * MICROS, **more)  # type: ignore[arg-type]  # fields by name, as the case has them


def test_safety_is_kept_now_and_later_and_a_shortage_is_not_it() -> None:
    answer = ask(Kin(Node(TERMS, standing(10, 4, 3, 5), (), [shipped(6, 2)])))
    assert [bucket.pab // MICROS for bucket in answer.buckets] == [-2, 4]
    assert answer.shortage == 0
    assert answer.version == 7
    assert (answer.now, answer.promised_on, answer.quantity) == (0, None, None)


def test_demand_behind_the_horizon_or_long_past_due_holds_nothing_back() -> None:
    limited = terms_of([AtpRule(past_due_demand_days=30), EVERY_DAY])
    claims = [Claim("far", 5 * MICROS, on=day(8)), Claim("old", 7 * MICROS, on=day(-31))]
    assert ask(Kin(Node(limited, standing(20, 13), claims))).now == 19 * MICROS


@pytest.mark.parametrize(("pack_up", "quantity"), [(True, 36), (False, 24)])
def test_what_is_asked_is_moved_to_whole_packs(pack_up: bool, quantity: int) -> None:  # noqa: FBT001 - a column of the table
    rule = AtpRule(pack=Decimal(12), pack_up=pack_up)
    node = Node(terms_of([rule, EVERY_DAY]), standing(100))
    assert ask(Kin(node), wanted(30)).quantity == quantity * MICROS


@pytest.mark.parametrize("mode", OF_STOCK)
def test_every_amount_that_is_promised_is_of_whole_packs(mode: AtpMode) -> None:
    rule = AtpRule(pack=Decimal(12), split_min=Decimal(5), mode=mode)
    node = Node(terms_of([rule, EVERY_DAY]), standing(30), (), [shipped(31, 2), shipped(20, 4)])
    for pieces in (12, 30, 60, 90):
        answer = ask(Kin(node), wanted(pieces, by=day(2)))
        amounts = [part.micros for part in answer.schedule]
        amounts += [bucket.atp for bucket in answer.buckets]
        amounts += [answer.now, answer.left_over, answer.by_then or 0]
        assert not [one for one in amounts if one % (12 * MICROS)], amounts


def test_less_than_one_pack_is_nothing() -> None:
    rule = AtpRule(pack=Decimal(12), pack_up=False)
    answer = ask(Kin(Node(terms_of([rule, EVERY_DAY]), standing(100))), wanted(11))
    assert (answer.quantity, answer.basis, answer.reason) == (
        0,
        Basis.NONE,
        "it is less than one pack",
    )


@pytest.mark.parametrize(
    ("rule", "basis", "on", "reason"),
    [
        (AtpRule(), Basis.NONE, None, "stock and supply end, and it is not replenished"),
        (
            AtpRule(is_replenishable=True),
            Basis.NONE,
            None,
            "stock and supply end, and it has no lead time",
        ),
        (
            AtpRule(mode=AtpMode.DISCRETE),
            Basis.NONE,
            None,
            "no supply has so much, and it is not replenished",
        ),
        (
            AtpRule(is_replenishable=True, lead_time_days=5, weekdays="12345"),
            Basis.LEAD_TIME,
            day(7),
            "stock and supply end; it can be had anew in 5 days",
        ),
    ],
)
def test_what_nothing_reaches_has_a_date_only_by_lead_time(
    rule: AtpRule, basis: Basis, on: date | None, reason: str
) -> None:
    answer = ask(Kin(Node(terms_of([rule, EVERY_DAY]), standing(5))), wanted(9))
    assert (answer.basis, answer.promised_on, answer.reason) == (basis, on, reason)
    assert answer.left_over == 4 * MICROS


def test_a_promise_says_whether_it_waits_for_supply() -> None:
    kin = Kin(Node(TERMS, standing(5), (), [shipped(6, 2)]))
    assert ask(kin, wanted(5)).reason == "it is there"
    later = ask(kin, wanted(9))
    assert (later.promised_on, later.reason) == (day(2), "supply has come by then")


def test_what_can_leave_by_a_day_is_part_of_what_is_asked_or_all_there_is() -> None:
    kin = Kin(Node(TERMS, standing(5), (), [shipped(6, 2)]))
    found = [ask(kin, wanted(9, by=day(n))).by_then for n in (-1, 0, 2, 50)]
    assert found == [0, 5 * MICROS, 9 * MICROS, 9 * MICROS]
    assert ask(kin, X._replace(by=day(3))).by_then == 11 * MICROS


def test_pegs_take_what_comes_and_not_more() -> None:
    claims = [Claim("a", 4 * MICROS, on=day(3)), Claim("b", 4 * MICROS)]
    coming = shipped(6, 2, ("a", 4), ("b", 4))
    answer = ask(Kin(Node(TERMS, standing(10, 8), claims, [coming])))
    # Of b only two are pegged; the other two are due now.
    assert [bucket.demand // MICROS for bucket in answer.buckets] == [2]
    assert answer.now == 8 * MICROS


def test_a_peg_relieves_a_claim_in_parts_once_and_of_what_leaves_last() -> None:
    """20 tomorrow and 30 on day 4, of which 30 are pegged to what comes: 20 are kept here."""
    parts = [Claim("so/1", 20 * MICROS, on=day(1)), Claim("so/1", 30 * MICROS, on=day(4))]
    for claims in (parts, parts[::-1]):
        node = Node(TERMS, standing(100, 50), claims, [shipped(30, 4, ("so/1", 30))])
        pabs = [(one.day, one.pab // MICROS) for one in ask(Kin(node)).buckets]
        assert pabs == [(day(0), 100), (day(1), 80)]


def test_pegs_of_what_is_not_promised_free_nobody() -> None:
    unanswered = shipped(6, 2, ("a", 4))._replace(evidence=SupplyEvidence.SENT)
    answer = ask(Kin(Node(TERMS, standing(10, 4), [Claim("a", 4 * MICROS)], [unanswered])))
    assert answer.now == 6 * MICROS


def test_an_order_that_is_asked_about_again_has_its_pegs_and_not_those_of_others() -> None:
    coming = shipped(6, 2, ("a", 3), ("b", 2))
    node = Node(TERMS, standing(0, 5), [Claim("a", 3 * MICROS), Claim("b", 2 * MICROS)], [coming])
    assert ask(Kin(node), wanted(1)).buckets[-1].atp == 1 * MICROS
    again = ask(Kin(node), wanted(4, own=frozenset({"a"})))
    assert again.buckets[-1].atp == 4 * MICROS
    assert again.promised_on == day(2)


def test_who_keeps_what_was_promised_to_him_keeps_it_once() -> None:
    """What is set aside for him is used up first, day by day; the pegs stay his (A32)."""
    own = frozenset({"a", "b"})
    promised = [
        Claim("a", 3 * MICROS, 0, day(1), 3 * MICROS),
        Claim("a", 2 * MICROS, 0, day(2), 2 * MICROS),
        Claim("b", 4 * MICROS, 0, day(2), 4 * MICROS),
    ]
    node = Node(TERMS, standing(10, 9), promised, [shipped(6, 3, ("b", 2))])

    def left(*keeping: tuple[str, int]) -> int:
        kept = tuple((ref, has * MICROS) for ref, has in keeping)
        return ask(Kin(node), wanted(1, own=own, keeping=kept)).buckets[-1].atp // MICROS

    assert left() == 16
    assert left(("a", 0)) == 11
    assert left(("a", 4)) == 15
    assert left(("a", 9)) == 16
    assert left(("b", 0)) == 12


def test_a_member_keeps_its_groups_claims_covered() -> None:
    first, second = Node(TERMS, standing(10)), Node(TERMS, standing(3), (), [shipped(4, 2)])
    group = Node(TERMS, standing(0, 8), [Claim("g", 8 * MICROS, on=day(1))])
    of_group = ask(Kin(group, members=[first, second], is_group=True))
    assert [bucket.atp // MICROS for bucket in of_group.buckets] == [5, 5, 9]
    assert of_group.is_known
    assert ask(Kin(first, group, [first, second])).now == 5 * MICROS
    assert ask(Kin(second, group, [first, second])).now == 3 * MICROS


def test_a_member_does_not_promise_later_goods_that_its_group_needs_of_it_now() -> None:
    first, second = Node(TERMS, standing(5)), Node(TERMS, standing(0), (), [shipped(10, 2)])
    group = Node(TERMS, standing(0, 5), [Claim("g", 5 * MICROS)])
    assert [one.atp for one in ask(Kin(first, group, [first, second])).buckets] == [0]
    of_second = ask(Kin(second, group, [first, second])).buckets
    assert [one.atp // MICROS for one in of_second] == [0, 10]


def test_a_fence_leaves_at_least_now() -> None:
    fenced = terms_of([AtpRule(fence_days=1), EVERY_DAY])
    assert ask(Kin(Node(fenced, standing(5)))).evaluated == 1


def test_a_week_is_promised_on_its_last_day_or_the_working_day_behind() -> None:
    rule = AtpRule(weekdays="12345", daily_buckets=6, weekly_buckets=3)
    node = Node(terms_of([rule]), standing(0), (), [shipped(5, 8)])
    assert ask(Kin(node), wanted(5)).promised_on == day(18 - 4)


def test_groups_are_told_from_members_and_from_the_rest() -> None:
    groups = {"DC2": "EAST", "DC1": "EAST"}
    assert nodes_of("EAST", groups) == ("EAST", ["DC1", "DC2"])
    assert nodes_of("DC1", groups) == ("EAST", ["DC1", "DC2"])
    assert nodes_of("DC3", groups) == (None, [])


def test_orders_for_a_kit_take_its_components_where_a_rule_says_so() -> None:
    claims = [Claim("o/1", 3 * MICROS, on=day(2)), Claim("o/2", 2 * MICROS, on=day(4))]
    kit = Through(4 * MICROS, standing(2, 6), claims)
    screws = Node(TERMS, standing(40), (), [shipped(10, 3)], through=[kit])
    # One of the six is claimed now and lies there assembled, with one of the three.
    answer = ask(Kin(screws))
    assert [(one.day, one.demand // MICROS) for one in answer.buckets if one.demand] == [
        (day(2), 8),
        (day(4), 8),
    ]
    assert answer.now == 32 * MICROS
    assert ask(Kin(screws), wanted(1, own=frozenset({"o/1"}))).now == 40 * MICROS
    half = Through(MICROS // 3, standing(0, 1))
    assert ask(Kin(screws._replace(through=[half]))).buckets[0].demand == 333_333
    old = [Claim("o/1", 3 * MICROS, on=day(-40)), Claim("o/2", MICROS, on=day(99))]
    past = screws._replace(
        terms=terms_of([AtpRule(past_due_demand_days=30), EVERY_DAY]),
        through=[Through(MICROS, standing(0, 4), old)],
    )
    assert ask(Kin(past)).now == 40 * MICROS


def test_a_question_may_be_stricter_than_the_rules_in_how_it_is_split() -> None:
    rule = AtpRule(split_min=Decimal(2), split_lines_max=3)
    node = Node(terms_of([rule, EVERY_DAY]), standing(5), (), [shipped(6, 2), shipped(9, 4)])

    def parts(least: int = 0, most: int = 0, mode: AtpMode | None = None) -> list[int]:
        asked = wanted(15, limits=Limits(least * MICROS, most), mode=mode)
        return [part.micros // MICROS for part in ask(Kin(node), asked).schedule]

    assert parts() == [5, 6, 4]
    assert parts(most=1) == [15]
    assert parts(most=9) == [5, 6, 4]
    assert parts(least=6) == [11 - 2, 6]
    assert ask(Kin(node), wanted(15, mode=AtpMode.DISCRETE)).mode is AtpMode.DISCRETE
    unsplit = Node(TERMS, standing(5), (), [shipped(6, 2)])
    assert len(ask(Kin(unsplit), wanted(9, limits=Limits(0, 1))).schedule) == 1


# Calendars of members, weeks, starved calendars, silent sources.


def test_a_group_names_no_day_on_which_the_member_that_has_the_goods_is_closed() -> None:
    weekdays = terms_of([AtpRule(weekdays="12345", daily_buckets=8, weekly_buckets=1)])
    closed = terms_of([AtpRule(weekdays="35", daily_buckets=8, weekly_buckets=1)])
    open_now = Node(weekdays, standing(4), opens=day(0))
    wednesday = Node(closed, standing(10), (), [shipped(6, 3)], opens=day(2))
    group = Node(weekdays, standing(0))
    kin = Kin(group, members=[open_now, wednesday], is_group=True)
    assert ask(kin, wanted(4)).promised_on == day(0)
    assert ask(kin, wanted(5)).promised_on == day(2)
    # The six that come on Thursday can leave there on Friday.
    assert ask(kin, wanted(20)).promised_on == day(4)
    found = {(one.day - TODAY).days: one.atp // MICROS for one in ask(kin).buckets}
    assert found == {0: 4, 2: 14, 4: 20}


def test_a_kit_at_a_group_leaves_when_the_building_of_its_parts_is_open() -> None:
    late = Node(TERMS, standing(6), opens=day(3))
    none = Node(TERMS, standing(0))
    of = [component("screw", 2, none, members=[late], is_group=True)]
    group = Kin(none, members=[none], is_group=True, components=of)
    assert ask(group, wanted(3)).promised_on == day(3)


def test_lots_of_a_member_leave_on_the_days_on_which_it_is_open() -> None:
    shelved = Node(
        terms_of([AtpRule(weekdays="24", daily_buckets=8, weekly_buckets=0)]),
        standing(5),
        lots=[Lot("L1", "", 5 * MICROS, day(2))],
        opens=day(1),
    )
    group = Kin(Node(TERMS, standing(0)), members=[shelved], is_group=True)
    found = {(one.day - TODAY).days: one.atp // MICROS for one in ask(group).buckets}
    assert found == {0: 0, 1: 5, 2: 0}


def test_a_shortage_that_ends_within_its_week_is_seen() -> None:
    terms = terms_of([AtpRule(weekdays="1234567", daily_buckets=3, weekly_buckets=2)])
    claims = [Claim("o/1", 30 * MICROS, on=day(4)), Claim("o/2", 1 * MICROS, on=day(11))]
    node = Node(terms, standing(40, 31), claims, [shipped(50, 6), shipped(9, 12)])
    # At the end of its first week there are 60; in the middle of it there are ten.
    found = {(one.day - TODAY).days: (one.pab, one.atp) for one in ask(Kin(node)).buckets}
    assert {at: (pab // MICROS, atp // MICROS) for at, (pab, atp) in found.items()} == {
        0: (40, 10),
        9: (60, 59),
        16: (68, 68),
    }
    late = node._replace(supplies=[shipped(50, 3)])
    assert ask(Kin(late)).now == 40 * MICROS


def test_a_calendar_without_a_working_day_is_told() -> None:
    holidays = tuple(day(number) for number in range(-1, 400))
    starved = terms_of([AtpRule(holidays=holidays)])
    with pytest.raises(Invalid, match="no working day in the year from 2026-05-04 on"):
        horizon(starved, NOW)


def test_an_answer_says_when_its_sources_last_spoke_and_whether_that_is_too_long_ago() -> None:
    fresh = Heard("wms", NOW - timedelta(seconds=899), 900)
    silent = Heard("erp", NOW - timedelta(seconds=900), 900)
    never = Heard("csv", None, 900)
    assert not ask(Kin(Node(TERMS, sources=[fresh]))).is_stale
    stale = ask(Kin(Node(TERMS, sources=[fresh, silent])))
    assert (stale.is_stale, stale.sources) == (True, (fresh, silent))
    assert ask(Kin(Node(TERMS, sources=[never]))).is_stale
    of = [component("screw", 2, Node(TERMS, sources=[silent]))]
    assert ask(Kin(Node(TERMS, sources=[fresh]), components=of)).sources == (silent, fresh)
    group = Kin(Node(TERMS), members=[Node(TERMS, sources=[fresh])] * 2, is_group=True)
    assert ask(group).sources == (fresh,)


pieces = st.integers(0, 50)
claims = st.lists(st.tuples(pieces, st.integers(-3, 9)), max_size=5)
supplies = st.lists(st.tuples(pieces, st.integers(-3, 9)), max_size=5)


@given(pieces, claims, supplies, st.integers(1, 80), st.sampled_from(OF_STOCK))
def test_an_answer_never_promises_more_than_its_buckets_have(
    nettable: int,
    due: list[tuple[int, int]],
    coming: list[tuple[int, int]],
    asked: int,
    mode: AtpMode,
) -> None:
    terms = terms_of([AtpRule(mode=mode), EVERY_DAY])
    held = [
        Claim(str(n), taken * MICROS, on=day(on)) for n, (taken, on) in enumerate(due) if taken
    ]
    hard = sum(claim.hard for claim in held) // MICROS
    node = Node(terms, standing(nettable, hard), held, [shipped(*one) for one in coming])

    answer = ask(Kin(node), wanted(asked))

    assert sum(part.micros for part in answer.schedule) + answer.left_over == asked * MICROS
    assert answer.buckets[-1].pab <= (nettable + sum(one for one, _ in coming)) * MICROS
    if answer.basis is Basis.SUPPLY:
        by_then = [one.atp for one in answer.buckets if one.day <= (answer.promised_on or TODAY)]
        assert max(by_then) >= asked * MICROS
    assert [part.day for part in answer.schedule] == sorted(part.day for part in answer.schedule)


def component(item: str, per: int, node: Node, **kin: object) -> Component:
    return Component(item, "EA", per * MICROS, Kin(node, **kin))  # type: ignore[arg-type]  # fields by name, as the case has them


def test_a_kit_is_put_together_as_its_components_come_and_own_claims_are_kept() -> None:
    screws = Node(TERMS, standing(9), (), [shipped(8, 2)], "DC1")
    plates = Node(TERMS, standing(5), [Claim("o/1", 2 * MICROS, on=day(3))], (), "DC1")
    kit = Node(TERMS, standing(1, 2))
    of = [component("screw", 4, screws), component("plate", 1, plates)]

    answer = ask(Kin(kit, components=of), wanted(2))

    # Two kits' worth of screws now and four in two days; one lies there, two are claimed.
    assert [(bucket.day, bucket.atp // MICROS) for bucket in answer.buckets] == [
        (day(0), 1),
        (day(2), 3),
    ]
    assert answer.promised_on == day(2)
    assert [(part.item, part.location, part.per // MICROS) for part in answer.parts] == [
        ("screw", "DC1", 4),
        ("plate", "DC1", 1),
    ]
    assert [bucket.atp // MICROS for bucket in answer.parts[0].buckets] == [9, 17]
    assert answer.parts[0].inbound[0].micros == 8 * MICROS


def test_a_kit_keeps_its_groups_claims_covered_by_what_is_put_together() -> None:
    part = Node(TERMS, standing(10))
    kit, group = Node(TERMS, standing(0)), Node(TERMS, standing(0, 3))
    of = [component("screw", 2, part)]
    assert ask(Kin(kit, group, [kit], components=of)).now == 2 * MICROS
    whole = component("screw", 2, Node(TERMS), members=[part, part], is_group=True)
    of_group = Kin(group, members=[kit, kit], is_group=True, components=[whole])
    assert ask(of_group).now == 7 * MICROS


def test_a_kit_at_a_group_is_made_of_parts_that_lie_in_one_building() -> None:
    none, ten, four = (Node(TERMS, standing(pieces)) for pieces in (0, 10, 4))
    claimed = Node(TERMS, standing(0, 13))

    def kits(screws: list[Node], plates: list[Node], of_group: Node = none) -> int:
        of = [
            component("screw", 1, of_group, members=screws, is_group=True),
            component("plate", 1, none, members=plates, is_group=True),
        ]
        group = Kin(none, members=[none] * len(screws), is_group=True, components=of)
        return ask(group).now // MICROS

    assert kits([ten, none], [none, ten]) == 0
    assert kits([ten, four], [four, ten]) == 8
    # Thirteen screws are claimed at the group, so only one is left for a kit.
    assert kits([ten, four], [four, ten], claimed) == 1


def test_what_is_due_today_and_not_in_is_not_said_to_be_there() -> None:
    kin = Kin(Node(TERMS, standing(5), (), [shipped(6, 0)]))
    assert ask(kin, wanted(5)).reason == "it is there"
    answer = ask(kin, wanted(9))
    assert (answer.promised_on, answer.reason) == (
        day(0),
        "supply is due by then, and not in yet",
    )
    of = [component("screw", 2, kin.own)]
    assert ask(Kin(Node(TERMS), components=of), wanted(5)).reason == answer.reason


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 90)), min_size=1, max_size=4))
def test_a_kit_never_takes_more_of_a_component_than_there_is(
    recipe: list[tuple[int, int]],
) -> None:
    of = [
        component(f"part {number}", per, Node(TERMS, standing(has)))
        for number, (per, has) in enumerate(recipe)
    ]
    kits = ask(Kin(Node(TERMS), components=of)).now // MICROS
    assert all(kits * per <= has for per, has in recipe)
    assert any((kits + 1) * per > has for per, has in recipe)


def test_a_reason_names_supply_only_where_some_comes() -> None:
    here, tomorrow = Node(TERMS, standing(4), (), location="DC1", opens=day(0)), standing(10)
    there = Node(TERMS, tomorrow, (), location="DC2", opens=day(1))
    group = Kin(Node(TERMS), members=[here, there], is_group=True)
    assert ask(group, wanted(4)).reason == "it is there"
    answer = ask(group, wanted(9))
    closed = "it is there, and whoever has it ships on no day before"
    assert (answer.promised_on, answer.reason) == (day(1), closed)
    supplied = there._replace(supplies=[shipped(6, 0)])
    comes = group._replace(members=[here, supplied])
    # What comes where nothing ships today is not what leaves today.
    assert ask(comes, wanted(4)).reason == "it is there"
    assert ask(comes, wanted(18)).reason == "supply has come by then"
    own = Kin(Node(TERMS, standing(0), (), [shipped(6, 2)]), members=[here, there], is_group=True)
    assert ask(own, wanted(19)).reason == "supply has come by then"
