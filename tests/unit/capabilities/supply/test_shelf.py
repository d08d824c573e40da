"""Lots and remaining shelf life: the law's example, and random cases beside brute force."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import model, shelf
from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Claim,
    Component,
    Kin,
    Lot,
    Node,
    Question,
    Standing,
)
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.model import Limits, ScheduleLine
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import AtpRule, LifeTerms, OwnerTerms, terms_of
from crossdock.capabilities.supply.sharing import FOREVER, Goods
from crossdock.capabilities.supply.shelf import Kept, Life, Shelf, When

TODAY = date(2026, 5, 4)
NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
EVERY_DAY = AtpRule(weekdays="1234567", daily_buckets=8, weekly_buckets=0)
TERMS = terms_of([EVERY_DAY])
X = Question("X", "DC1", "EA")


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def lot(name: str, pieces: int, days_left: int | None, owner: str = "") -> Lot:
    return Lot(name, owner, pieces * MICROS, None if days_left is None else day(days_left))


def node(*lots: Lot, hard: int = 0, safety: int = 0, **more: object) -> Node:
    ours = sum(one.micros for one in lots if not one.owner)
    standing = Standing(ours, hard * MICROS, 0, safety * MICROS, is_known=True)
    made = Node(TERMS, standing, (), (), "DC1", lots, keeps=False)
    return made._replace(**more)  # type: ignore[arg-type]  # fields by name, as the case has them


def coming(pieces: int, number: int) -> Supply:
    kind, evidence = SupplyKind.TRANSFER, SupplyEvidence.SHIPPED
    return Supply("s", "erp", kind, "DC1", pieces * MICROS, evidence, day(number))


def ask(kin: Node | Kin, wanted: int | None = None, **more: object) -> Atp:
    kin = Kin(kin) if isinstance(kin, Node) else kin
    micros = None if wanted is None else wanted * MICROS
    question = X._replace(micros=micros, **more)  # type: ignore[arg-type]  # fields by name, as the case has them
    return answered(question, kin, horizon(kin.own.terms, NOW), NOW)


def promisable(answer: Atp) -> dict[int, int]:
    """Give in whole pieces what can leave from which day on, where it changes."""
    return {(one.day - TODAY).days: one.atp // MICROS for one in answer.buckets}


def picked(answer: Atp) -> list[tuple[int, str | None, int]]:
    return [((one.day - TODAY).days, one.lot, one.micros // MICROS) for one in answer.picks]


A13 = (lot("L1", 20, 25), lot("L2", 30, 33), lot("L3", 50, 120))
NEEDS = {"life_days": 30, "transit_days": 3}


def test_a13_lots_meet_the_life_that_the_customer_needs_at_delivery() -> None:
    answer = ask(node(*A13), 80, **NEEDS)
    assert answer.now == 80 * MICROS
    assert (answer.promised_on, answer.basis) == (day(0), Basis.SUPPLY)
    assert picked(answer) == [(0, "L2", 30), (0, "L3", 50)]
    assert [(one.lot, one.is_eligible, one.until, one.reason) for one in answer.lots] == [
        ("L1", False, None, "it has 22 days left on 2026-05-07, and 30 are needed"),
        ("L2", True, day(0), "it can leave until 2026-05-04"),
        ("L3", True, day(87), "it can leave until 2026-07-30"),
    ]
    assert (answer.life_days, answer.transit_days) == (30, 3)


def test_a13_a_day_later_the_second_lot_is_too_old_as_well() -> None:
    answer = ask(node(*A13), 81, **NEEDS)
    assert promisable(answer) == {0: 80, 1: 50}
    assert (answer.promised_on, answer.left_over) == (None, 1 * MICROS)


def test_what_expires_is_promised_until_its_last_day_and_never_behind_it() -> None:
    answer = ask(node(lot("L1", 20, -1), lot("L2", 30, 0), lot("L3", 50, 3)))
    assert promisable(answer) == {0: 80, 1: 50, 4: 0}
    assert answer.buckets[0].pab == 80 * MICROS
    expired = answer.lots[0]
    assert (expired.is_eligible, expired.reason) == (
        False,
        "it expires on 2026-05-03, before it could leave",
    )


def test_what_nobody_told_the_life_of_is_no_good_where_a_life_is_needed() -> None:
    unknown = node(lot("", 5, None), lot("L9", 7, None), lot("L3", 50, 120))
    careful = ask(unknown, 51, life_days=0)
    assert promisable(careful) == {0: 50}
    assert [one.reason for one in careful.lots if not one.is_eligible] == [
        "nobody told how long it keeps"
    ] * 2
    assert promisable(ask(unknown, 51)) == {0: 62}
    assert promisable(ask(unknown, 51, transit_days=200)) == {0: 12}


def test_a_lot_that_is_said_to_keep_for_ever_is_good_for_who_needs_a_life() -> None:
    salt = node(Lot("S", "", 5 * MICROS, date.max))
    answer = ask(salt, 5, life_days=3650, transit_days=365)
    assert (answer.now, answer.lots[0].is_eligible) == (5 * MICROS, True)


def test_goods_to_come_keep_as_long_as_the_rule_says_and_unknown_is_said() -> None:
    bare = node(lot("L3", 5, 120), supplies=[coming(6, 2)])
    unknown = ask(bare, 11, **NEEDS)
    assert promisable(unknown) == {0: 5, 2: 5}
    assert unknown.inbound[0].reason.endswith("; how long it will keep nobody told")

    told = bare._replace(terms=terms_of([AtpRule(receipt_life_days=34), EVERY_DAY]))
    known = ask(told, 11, **NEEDS)
    assert promisable(known) == {0: 5, 2: 11, 4: 5}
    assert known.promised_on == day(2)
    assert picked(known) == [(0, "L3", 5), (2, None, 6)]
    assert "nobody told" not in known.inbound[0].reason


def test_what_comes_behind_the_horizon_is_not_promised() -> None:
    late = terms_of([AtpRule(dock_to_stock_days=2), EVERY_DAY])
    behind = node(lot("L3", 5, 120), supplies=[coming(6, 7)], terms=late)
    assert promisable(ask(behind)) == {0: 5}


def test_the_rules_say_the_life_by_customer_and_channel() -> None:
    lives = (
        LifeTerms(days=1),
        LifeTerms(customer="METRO", days=30, transit_days=3),
        LifeTerms(channel="web", days=26),
        LifeTerms(customer="METRO", channel="web", days=100),
    )
    ruled = node(*A13, terms=terms_of([AtpRule(lives=lives), EVERY_DAY]))
    assert ask(ruled).now == 100 * MICROS
    assert ask(ruled, customer="METRO").now == 80 * MICROS
    assert ask(ruled, channel="web").now == 80 * MICROS
    assert ask(ruled, customer="METRO", channel="web").now == 50 * MICROS
    assert ask(ruled, customer="METRO", life_days=0).now == 100 * MICROS
    assert ask(ruled, customer="METRO", transit_days=4).now == 50 * MICROS


def test_what_others_are_owed_takes_the_lots_that_expire_first() -> None:
    claims = [Claim("o/1", 20 * MICROS, on=day(2))]
    owed = node(lot("L1", 20, 3), lot("L3", 50, 120), hard=20, claims=claims)
    assert promisable(ask(owed)) == {0: 50, 2: 50}
    assert ask(owed, life_days=30).now == 50 * MICROS
    # The first lot is gone before that order leaves: it may have what is left today.
    late = owed._replace(claims=[Claim("o/1", 20 * MICROS, on=day(6))])
    assert promisable(ask(late)) == {0: 50, 4: 30, 6: 30}
    assert ask(late, life_days=30).now == 30 * MICROS


def test_who_needs_no_life_leaves_dated_lots_to_who_needs_one() -> None:
    claims = [Claim("o/1", 50 * MICROS, on=day(0))]
    owed = node(lot("L3", 50, 120), lot("", 50, None), hard=50, claims=claims)
    answer = ask(owed, 50, **NEEDS)
    assert (answer.now, answer.promised_on) == (50 * MICROS, day(0))
    assert picked(answer) == [(0, "L3", 50)]
    # As long as nobody needs a life, what expires first goes first.
    assert picked(ask(owed, 50)) == [(0, "", 50)]
    # Of two orders the one that waits may have to move over to goods that are still to come.
    claims = [Claim("o/1", 30 * MICROS, on=day(0)), Claim("o/2", 20 * MICROS, on=day(2))]
    moved = node(lot("L3", 50, 120), hard=50, claims=claims, supplies=[coming(25, 2)])
    assert ask(moved, **NEEDS).now == 20 * MICROS


def test_a_shortage_and_safety_are_kept_of_goods_that_can_leave() -> None:
    short = ask(node(lot("L1", 20, -1), lot("L3", 10, 90), hard=12))
    assert (short.now, short.shortage) == (0, 2 * MICROS)
    assert ask(node(lot("L1", 20, 1), lot("L3", 10, 90), safety=4)).now == 26 * MICROS


def test_a_promise_in_parts_takes_on_each_day_what_can_leave_then() -> None:
    supplied = node(lot("L1", 20, 0), lot("L3", 5, 120), supplies=[coming(12, 1)])
    answer = ask(supplied, 30, by=day(0))
    assert [(one.day, one.micros // MICROS) for one in answer.schedule] == [
        (day(0), 25),
        (day(1), 5),
    ]
    assert answer.by_then == 25 * MICROS
    assert (answer.promised_on, answer.left_over) == (day(1), 0)
    assert answer.reason == "no day has all of it, so it leaves in parts"
    found = [ask(supplied, by=day(number)).by_then for number in (-1, 0, 1)]
    assert found == [0, 25 * MICROS, 37 * MICROS]
    fewer = terms_of([AtpRule(split_lines_max=1), EVERY_DAY])
    [line] = ask(supplied._replace(terms=fewer), 17).schedule
    assert (line.day, line.micros) == (day(0), 17 * MICROS)
    cased = terms_of([AtpRule(pack=12), EVERY_DAY])  # type: ignore[arg-type]  # whole numbers stand for amounts
    assert [one.micros // MICROS for one in ask(supplied._replace(terms=cased), 36).schedule] == [
        24,
        12,
    ]


# Whose goods they are.


def test_goods_of_others_are_not_promised_unless_a_rule_says_so() -> None:
    lots = (lot("", 10, None), lot("", 6, None, "ACME"), lot("", 4, None, "BETA"))
    answer = ask(node(*lots), 12)
    assert (answer.now, answer.promised_on) == (10 * MICROS, None)
    assert [one.reason for one in answer.lots if not one.is_eligible] == [
        "it belongs to ACME, and no rule has it promised",
        "it belongs to BETA, and no rule has it promised",
    ]


@pytest.mark.parametrize(
    ("is_first", "taken"),
    [(False, [("", 10), ("ACME", 2)]), (True, [("ACME", 6), ("", 6)])],
)
def test_goods_of_others_are_taken_last_or_first_as_the_rule_says(
    is_first: bool,  # noqa: FBT001 (a row of the table)
    taken: list[tuple[str, int]],
) -> None:
    lots = (lot("", 10, None), lot("", 6, None, "ACME"), lot("", 4, None, "BETA"))
    rule = AtpRule(owners=(OwnerTerms(owner="ACME", is_first=is_first),))
    answer = ask(node(*lots, terms=terms_of([rule, EVERY_DAY])), 12)
    assert (answer.now, answer.promised_on) == (16 * MICROS, day(0))
    assert [(one.owner, one.micros // MICROS) for one in answer.picks] == taken
    assert answer.buckets[0].pab == 16 * MICROS


def test_our_own_goods_are_never_more_than_is_nettable() -> None:
    less = node(lot("L1", 6, 9), lot("L2", 6, 90))._replace(
        standing=Standing(8 * MICROS, is_known=True)
    )
    assert promisable(ask(less)) == {0: 8}
    more = less._replace(standing=Standing(15 * MICROS, is_known=True))
    assert promisable(ask(more)) == {0: 15}


# Groups and kits.


def test_a_group_and_its_members_keep_what_the_group_owes() -> None:
    first = node(lot("L1", 10, 0), lot("L2", 5, 90))
    second = node(lot("L3", 8, 90))
    group = node(hard=6)._replace(claims=[Claim("g", 6 * MICROS, on=day(1))])
    of_group = ask(Kin(group, members=[first, second], is_group=True), 17)
    assert promisable(of_group) == {0: 17, 1: 7}
    assert [one.lot for part in of_group.parts for one in part.lots] == ["L1", "L2", "L3"]
    assert of_group.picks == ()
    assert of_group.promised_on == day(0)
    assert ask(Kin(group, members=[first, second], is_group=True), 23, by=day(1)).by_then == (
        17 * MICROS
    )
    # The other has eight on the day of the claim, which is enough for all six.
    assert ask(Kin(first, group, [first, second])).now == 15 * MICROS
    # Of five the first has to keep one.
    assert ask(Kin(second, group, [first, second])).now == 7 * MICROS


def test_a_kit_is_as_fresh_as_its_components_and_screws_keep_for_ever() -> None:
    cream = Kin(node(lot("L1", 4, 2), lot("L2", 2, 90)))
    screws = Kin(Node(TERMS, Standing(9 * MICROS, is_known=True), location="DC1"))
    kit = Kin(
        Node(TERMS, Standing(0, 1 * MICROS), location="DC1"),
        components=[
            Component("cream", "EA", MICROS, cream),
            Component("screw", "EA", MICROS, screws),
        ],
    )
    assert promisable(ask(kit)) == {0: 5, 3: 1}
    assert ask(kit, life_days=30).now == 1 * MICROS
    at_group = [
        component._replace(kin=Kin(node(), members=[component.kin.own], is_group=True))
        for component in kit.components
    ]
    bare = Node(TERMS, Standing(), location="EAST")
    of_group = Kin(bare, members=[bare], is_group=True, components=at_group)
    assert ask(of_group).now == 6 * MICROS


# Random cases beside brute force, in pieces; day 0 is today.


class Case(NamedTuple):
    goods: list[Goods]
    demand: list[int]
    life: Life


DAYS = [day(number) for number in range(4)]
WHEN = When(DAYS, DAYS, lambda leaving: leaving)


def case(random: Random) -> Case:
    goods = [
        Goods(
            DAYS[random.choice((0, 0, 1, 2))].toordinal(),
            random.choice((FOREVER, day(random.randint(0, 6)).toordinal())),
            random.randint(0, 3),
        )
        for _ in range(random.randint(1, 3))
    ]
    demand = [random.choice((0, 0, 1, 2)) for _ in DAYS]
    return Case(goods, demand, Life(random.choice((None, 0, 2)), random.choice((0, 1))))


def laid_out(one: Case) -> Shelf:
    return shelf.shelf(one.goods, zip(DAYS, one.demand, strict=True), 0, WHEN, (Life(), one.life))


def brute(one: Case, needs: Sequence[tuple[int, bool]]) -> tuple[int, ...] | None:
    """Try every way to serve all these needs (day, whether who asks wants it), or say none."""

    @cache
    def tried(number: int, left: tuple[int, ...]) -> bool:
        if number == len(needs):
            return True
        at, is_asked = needs[number]
        life = one.life if is_asked else Life()
        for index, goods in enumerate(one.goods):
            keeps = goods.last >= DAYS[at].toordinal() + life.offset
            is_told = goods.last != FOREVER or life.days is None
            if left[index] and goods.begin <= DAYS[at].toordinal() and keeps and is_told:
                rest = (*left[:index], left[index] - 1, *left[index + 1 :])
                if tried(number + 1, rest):
                    return True
        return False

    found = tried(0, tuple(goods.micros for goods in one.goods))
    return () if found else None


def owed_by(laid: Shelf) -> list[tuple[int, bool]]:
    return [
        (need.day - TODAY.toordinal(), False) for need in laid.needs for _ in range(need.micros)
    ]


@pytest.mark.parametrize("careful", [False, True])
def test_what_can_leave_is_all_that_leaves_nobody_short(careful: bool) -> None:  # noqa: FBT001 - a column of the table
    random = Random(f"shelf {careful}")
    for _ in range(400):
        one = case(random)
        if (one.life.days is not None) != careful:
            continue
        laid = laid_out(one)
        for bucket, has in enumerate(shelf.promisable(laid)):
            wanted = owed_by(laid)
            assert brute(one, [*wanted, *[(bucket, True)] * has]) is not None, one
            more = [*wanted, *[(bucket, True)] * (has + 1)]
            assert brute(one, more) is None, (one, bucket)


def test_parts_of_a_promise_and_its_picks_can_all_be_served() -> None:
    random = Random("parts")
    for _ in range(300):
        one = case(random)
        laid = laid_out(one)
        lines, rest = shelf.split(laid, 5, Limits(), 0, range(len(DAYS)))
        asked = [(line.bucket, True) for line in lines for _ in range(line.micros)]
        assert len(asked) + rest == 5
        assert brute(one, [*owed_by(laid), *asked]) is not None, one
        assert sum(pick.micros for pick in shelf.picks(laid, lines)) == len(asked)
        assert 5 - rest == min(5, shelf.until(laid, range(len(DAYS)), 0))


pieces = st.integers(0, 30)


@given(pieces, st.lists(pieces, min_size=4, max_size=4), st.lists(pieces, min_size=4, max_size=4))
def test_goods_that_keep_for_ever_are_promised_as_without_lots(
    start: int, supply: list[int], demand: list[int]
) -> None:
    goods = [Goods(0, FOREVER, start)]
    goods += [
        Goods(on.toordinal(), FOREVER, micros) for on, micros in zip(DAYS, supply, strict=True)
    ]
    laid = laid_out(Case(goods, demand, Life()))
    assert shelf.promisable(laid) == model.cumulative(model.projected(start, supply, demand))


@given(
    st.lists(st.tuples(pieces, st.integers(-2, 60)), max_size=5),
    st.integers(0, 40),
    st.integers(0, 5),
    st.integers(1, 60),
)
def test_i8_what_is_picked_keeps_as_long_as_is_needed_at_delivery(
    lots: list[tuple[int, int]], life: int, transit: int, wanted: int
) -> None:
    shelved = [lot(f"L{number}", *one) for number, one in enumerate(lots)]
    by_name = {one.lot: one for one in shelved}
    answer = ask(node(*shelved), wanted, life_days=life, transit_days=transit)
    for pick in answer.picks:
        expires_on = by_name[pick.lot or ""].expires_on
        assert expires_on is not None
        assert expires_on - (pick.day + timedelta(days=transit)) >= timedelta(days=life)
    assert sum(pick.micros for pick in answer.picks) == sum(one.micros for one in answer.schedule)
    ages = [by_name[pick.lot or ""].expires_on or TODAY for pick in answer.picks]
    assert ages == sorted(ages) or len(answer.schedule) > 1


@given(
    st.lists(st.tuples(pieces, st.integers(-2, 6)), max_size=4),
    st.lists(pieces, min_size=4, max_size=4),
    st.integers(0, 3),
    st.integers(1, 20),
    st.integers(0, 3),
)
def test_i10_by_later_days_there_is_no_less_and_what_is_granted_takes_no_more_than_itself(
    lots: list[tuple[int, int]], demand: list[int], life: int, wanted: int, at: int
) -> None:
    goods = [
        Goods(DAYS[number % 2].toordinal(), day(keeps).toordinal(), has)
        for number, (has, keeps) in enumerate(lots)
    ]
    laid = laid_out(Case(goods, demand, Life(life)))
    in_all = [shelf.until(laid, range(last + 1), 0) for last in range(4)]
    assert in_all == sorted(in_all)
    granted = min(wanted, shelf.room(laid, at))
    lines = [ScheduleLine(at, granted)] if granted else []
    for bucket in range(4):
        before, after = shelf.room(laid, bucket), shelf.room(laid, bucket, lines)
        assert before - granted <= after <= before
    assert shelf.room(laid, at, lines) == shelf.room(laid, at) - granted


class Wish(NamedTuple):
    """So many pieces by a day, with so many days left."""

    at: int
    pieces: int
    life: Life


wishes = st.lists(
    st.builds(
        Wish,
        st.integers(0, 3),
        st.integers(1, 3),
        st.builds(Life, st.sampled_from([None, 0, 1, 3]), st.integers(0, 1)),
    ),
    min_size=1,
    max_size=4,
)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.none() | st.integers(0, 7), st.integers(0, 3)),
        min_size=1,
        max_size=3,
    ),
    wishes,
)
def test_i8_promises_that_are_kept_with_their_lives_can_all_be_served_together(
    told: list[tuple[int, int | None, int]], asked: list[Wish]
) -> None:
    """Each is granted what there is room for beside those before it; all are served of that."""
    goods = [
        Goods(
            DAYS[begin].toordinal(),
            FOREVER if keeps is None else day(keeps).toordinal(),
            micros,
        )
        for begin, keeps, micros in told
    ]
    kept: list[Kept] = []
    for wish in asked:
        laid = shelf.shelf(goods, [], 0, WHEN, (Life(), wish.life), kept=kept)
        if granted := min(wish.pieces, shelf.room(laid, wish.at)):
            kept.append(Kept(DAYS[wish.at], granted, wish.life))
        laid = shelf.shelf(goods, [], 0, WHEN, (Life(), Life()), kept=kept)
        assert sum(need.micros for need in laid.needs) == sum(one.micros for one in kept)
        assert laid.owed[-1] == 0
    owed = [(one.day, one.life) for one in kept for _ in range(one.micros)]
    assert _brute(goods, owed)
    laid = shelf.shelf(goods, [], 0, WHEN, (Life(), asked[0].life), kept=kept)
    for on, has in zip(DAYS, shelf.promisable(laid), strict=True):
        more = [(on, asked[0].life)] * (has + 1)
        assert _brute(goods, [*owed, *more[1:]])
        assert not _brute(goods, [*owed, *more])


def test_a_thousand_promises_with_a_life_cost_no_more_than_one_a_day() -> None:
    """They are summed by day, life and the day they leave; the shares between them are kept."""
    days = [day(number) for number in range(90)]
    when = WHEN._replace(ends=days, days=days)
    goods = [Goods(0, day(20 + 3 * number).toordinal(), 80) for number in range(20)]
    each = [Kept(day(number % 90), 1, Life(30, 3)) for number in range(1000)]
    by_day = [Kept(on, sum(one.day == on for one in each), Life(30, 3)) for on in days]

    laid = shelf.shelf(goods, [], 0, when, (Life(), Life()), kept=each)
    summed = shelf.shelf(goods, [], 0, when, (Life(), Life()), kept=by_day)

    assert len(laid.needs) <= len(days)
    assert (laid.needs, laid.owed) == (summed.needs, summed.owed)
    assert shelf.promisable(laid) == shelf.promisable(summed)
    assert laid.owed[-1] > 0


def _brute(goods: Sequence[Goods], needs: Sequence[tuple[date, Life]]) -> bool:
    """Try every way to serve all these needs."""

    @cache
    def tried(number: int, left: tuple[int, ...]) -> bool:
        if number == len(needs):
            return True
        on, life = needs[number]
        for index, one in enumerate(goods):
            is_told = one.last != FOREVER or life.days is None
            keeps = one.last >= on.toordinal() + life.offset
            fits = one.begin <= on.toordinal() and keeps and is_told
            rest = (*left[:index], left[index] - 1, *left[index + 1 :])
            if left[index] and fits and tried(number + 1, rest):
                return True
        return False

    return tried(0, tuple(one.micros for one in goods))


def test_a_claim_with_a_life_of_its_own_is_served_with_goods_that_keep_so_long() -> None:
    fresh = Claim("m/1", 40 * MICROS, on=day(2), life_days=30, transit_days=3)
    owed = node(lot("L1", 50, 15), lot("L3", 50, 120), hard=40, claims=[fresh])
    assert ask(owed, life_days=30).now == 10 * MICROS
    assert ask(owed).now == 60 * MICROS
    # Held now, it leaves when L1 would be too old for it.
    held = fresh._replace(on=None, life_days=10, transit_days=0, leaves=day(9))
    assert ask(owed._replace(claims=[held]), life_days=30).now == 10 * MICROS
    # More than keeps so long is owed, and takes nothing that would not serve it.
    more = fresh._replace(hard=70 * MICROS)
    short = node(lot("L1", 50, 15), lot("L3", 50, 120), hard=70, claims=[more])
    assert ask(short).now == 50 * MICROS
    gone = node(lot("L1", 50, 15), hard=40, claims=[fresh])
    assert ask(gone).now == 50 * MICROS
    # Where nothing of an item expires a life asks for nothing.
    assert ask(owed._replace(keeps=True), life_days=0).now == 60 * MICROS
