"""What a group, its members, a kit and its components have of goods that do not keep for ever."""

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import (
    Claim,
    Component,
    Kin,
    Lot,
    Node,
    Standing,
    Through,
)
from crossdock.capabilities.supply.rules import AtpRule, LifeTerms, terms_of
from tests.unit.capabilities.supply.test_shelf import (
    EVERY_DAY,
    TERMS,
    ask,
    coming,
    day,
    lot,
    node,
    promisable,
)

METRO = LifeTerms(customer="METRO", days=30, transit_days=3)
RULED = terms_of([AtpRule(lives=(METRO,)), EVERY_DAY])


def bare(terms: object = TERMS, hard: int = 0, **more: object) -> Node:
    made = Node(TERMS, Standing(0, hard * MICROS), location="DC1")
    return made._replace(terms=terms, **more)  # type: ignore[arg-type]  # fields by name, as the case has them


def test_i8_the_life_that_a_rule_of_a_group_asks_for_holds_at_its_members() -> None:
    members = [node(lot("L1", 50, 5)), node(lot("L2", 8, 90))]
    east = Kin(node(terms=RULED), members=members, is_group=True)
    answer = ask(east, customer="METRO")
    assert (answer.life_days, answer.now) == (30, 8 * MICROS)
    assert [one.is_eligible for part in answer.parts for one in part.lots] == [False, True]
    assert ask(east).now == 58 * MICROS
    assert ask(east, customer="METRO", life_days=0).now == 58 * MICROS


def test_i8_of_the_rules_of_a_group_and_of_its_member_the_stricter_holds() -> None:
    strict = LifeTerms(customer="METRO", days=60, transit_days=1)
    member = node(lot("L1", 5, 34), lot("L2", 7, 62), lot("L3", 9, 63))
    member = member._replace(terms=terms_of([AtpRule(lives=(strict,)), EVERY_DAY]))
    east = Kin(node(terms=RULED), members=[member], is_group=True)
    assert ask(east, customer="METRO").now == 9 * MICROS
    lax = east._replace(own=node())
    assert ask(lax, customer="METRO").now == 16 * MICROS


def test_i8_the_life_that_a_rule_of_a_kit_asks_for_holds_for_its_components() -> None:
    cream = Kin(node(lot("L1", 50, 5), lot("L2", 6, 90)))
    screws = Kin(bare()._replace(standing=Standing(90 * MICROS)))
    parts = [Component("C", "EA", MICROS, cream), Component("S", "EA", MICROS, screws)]
    kit = Kin(bare(RULED), components=parts)
    assert ask(kit, customer="METRO").now == 6 * MICROS
    assert ask(kit).now == 56 * MICROS
    east = Kin(bare(RULED), members=[bare()], is_group=True)
    at_group = [
        part._replace(
            kin=Kin(bare(keeps=part.kin.own.keeps), members=[part.kin.own], is_group=True)
        )
        for part in parts
    ]
    assert ask(east._replace(components=at_group), customer="METRO").now == 6 * MICROS


def test_screws_that_keep_for_ever_are_good_for_whoever_needs_a_life() -> None:
    told_apart = node(lot("", 9, None), keeps=True)
    kit = Kin(bare(RULED), components=[Component("S", "EA", MICROS, Kin(told_apart))])
    assert ask(kit, customer="METRO").now == 9 * MICROS


def at_members(*stocks: int, claimed: tuple[int, ...], group_owes: int = 0) -> Kin:
    """Make a kit of one Q that is asked for at a group; so many of it are claimed at members."""
    pairs = zip(stocks, claimed, strict=True)
    kits = [bare(hard=hard, location=f"DC{number}") for number, (_, hard) in enumerate(pairs)]
    parts = [
        bare(location=f"DC{number}")._replace(standing=Standing(stock * MICROS))
        for number, stock in enumerate(stocks)
    ]
    of_part = Kin(bare(hard=group_owes), members=parts, is_group=True)
    component = Component("Q", "EA", MICROS, of_part)
    return Kin(bare(), members=kits, is_group=True, components=[component])


def test_a_kit_at_a_group_leaves_its_members_what_their_own_orders_for_it_take() -> None:
    assert ask(at_members(6, 4, claimed=(0, 0))).now == 10 * MICROS
    assert ask(at_members(6, 4, claimed=(5, 0))).now == 5 * MICROS
    # What one member owes beyond its own stock takes nothing of the other's.
    assert ask(at_members(6, 4, claimed=(9, 0))).now == 4 * MICROS
    assert ask(at_members(6, 4, claimed=(5, 1), group_owes=3)).now == 1 * MICROS


def test_a_kit_of_lots_at_a_group_leaves_its_members_what_their_own_orders_take() -> None:
    kits = [bare(hard=5), bare()]
    parts = [node(lot("L1", 6, 90)), node(lot("L2", 4, 2))]
    of_part = Kin(node(), members=parts, is_group=True)
    kit = Kin(
        bare(), members=kits, is_group=True, components=[Component("Q", "EA", MICROS, of_part)]
    )
    assert promisable(ask(kit)) == {0: 5, 3: 1}


def test_a_members_later_order_for_a_kit_waits_for_what_comes_by_then() -> None:
    kin = at_members(2, claimed=(2,))
    [kit_at] = kin.members
    later = kit_at._replace(claims=[Claim("k/1", 2 * MICROS, on=day(4))])
    [part_at] = kin.components[0].kin.members
    supplied = part_at._replace(supplies=[coming(2, 3)])
    of_part = kin.components[0].kin._replace(members=[supplied])
    component = kin.components[0]._replace(kin=of_part)
    assert ask(kin._replace(members=[later])).now == 0
    assert ask(kin._replace(members=[later], components=[component])).now == 2 * MICROS


# What a group owes, its members keep for it.


def test_what_other_members_cover_goes_by_the_life_that_claims_need() -> None:
    lives = terms_of([AtpRule(lives=(LifeTerms(days=30),)), EVERY_DAY])
    first, second = node(lot("L1", 100, 120), terms=lives), node(lot("L2", 50, 5), terms=lives)
    group = node(hard=50, terms=lives)
    # The lots of the other are too old for what the group owes, whatever who asks would take.
    assert ask(Kin(first, group, [first, second]), life_days=0).now == 50 * MICROS
    assert ask(Kin(first, group, [first, second])).now == 50 * MICROS
    fresh = second._replace(lots=[lot("L2", 50, 50)])
    assert ask(Kin(first, group, [first, fresh]), life_days=60).now == 100 * MICROS


def test_what_comes_to_others_behind_a_claim_within_its_week_does_not_cover_it() -> None:
    weekly = terms_of([AtpRule(weekdays="1234567", daily_buckets=7, weekly_buckets=2)])
    claims = [Claim("g/1", 20 * MICROS, on=day(8))]
    group = node(hard=20, claims=claims, terms=weekly)
    first = node(lot("L1", 20, 120), terms=weekly)

    def beside(*lots: Lot, supply: int) -> int:
        second = node(*lots, terms=weekly, supplies=[coming(20, supply)])
        return ask(Kin(first, group, [first, second])).now // MICROS

    assert beside(supply=8) == 20
    assert beside(supply=9) == 0
    # Its lot is gone by then, though on each last day of a week it has twenty.
    assert beside(lot("L2", 20, 7), supply=9) == 0
    assert beside(lot("L2", 20, 8), supply=9) == 20


def test_members_that_are_not_told_apart_cover_what_their_group_owes_by_its_day() -> None:
    weekly = terms_of([AtpRule(weekdays="1234567", daily_buckets=7, weekly_buckets=2)])
    first = node(lot("L1", 20, 120), terms=weekly)
    second = bare(weekly, supplies=[coming(20, 6)])

    def beside(*claims: Claim, safety: int = 0) -> int:
        owed = sum(one.hard for one in claims)
        group = bare(weekly, claims=claims)
        group = group._replace(standing=Standing(0, owed, 0, safety * MICROS))
        return ask(Kin(first, group, [first, second])).now // MICROS

    assert beside(Claim("g/1", 20 * MICROS, on=day(6))) == 20
    assert beside(Claim("g/1", 20 * MICROS, on=day(9))) == 20
    assert beside(Claim("g/1", 20 * MICROS, on=day(5))) == 0
    assert beside(safety=5) == 15


# What lies assembled serves the orders for a kit while it keeps.


def through(*lots: Lot, on: int, hard: int = 20, safety: int = 0, **more: object) -> Node:
    """Make twenty C, which kits take whose order is for so many on a day."""
    assembled = sum(one.micros for one in lots)
    standing = Standing(assembled, hard * MICROS, 0, safety * MICROS)
    claims = [Claim("k/1", hard * MICROS, on=day(on))]
    terms = terms_of([AtpRule(**more), EVERY_DAY])  # type: ignore[arg-type]  # whole numbers stand for amounts
    kit = Through(MICROS, standing, claims, lots, terms)
    return Node(TERMS, Standing(20 * MICROS, is_known=True), location="DC1", through=[kit])


def test_kits_that_lie_there_assembled_cover_orders_while_they_keep() -> None:
    assert ask(through(lot("K1", 20, -1), on=0)).now == 0
    assert ask(through(lot("K1", 20, 3), on=3)).now == 20 * MICROS
    assert ask(through(lot("K1", 20, 3), on=4)).now == 0
    assert ask(through(lot("K1", 12, 3), lot("K2", 8, None), on=4)).now == 8 * MICROS
    assert ask(through(lot("K1", 20, 30), on=0, safety=5)).now == 15 * MICROS
    assert ask(through(lot("K1", 20, 30), on=-4)).now == 20 * MICROS
    lives = (LifeTerms(days=30),)
    assert ask(through(lot("K1", 20, 30), on=1, lives=lives)).now == 0
    assert ask(through(lot("K1", 20, 31), on=1, lives=lives)).now == 20 * MICROS


def test_two_orders_of_one_day_share_what_keeps() -> None:
    [kit] = through(lot("K1", 12, 5), on=1).through
    claims = [Claim("k/1", 8 * MICROS, on=day(1)), Claim("k/2", 12 * MICROS, on=day(1))]
    part = through(on=0)._replace(through=[kit._replace(claims=claims)])
    assert ask(part).now == 12 * MICROS
    assert ask(part, own=frozenset({"k/2"})).now == 20 * MICROS


def test_a_member_keeps_nothing_where_its_group_owes_nothing() -> None:
    first, second = node(lot("L1", 20, 9)), node(lot("L2", 5, 9))
    assert ask(Kin(first, node(), [first, second])).now == 20 * MICROS
