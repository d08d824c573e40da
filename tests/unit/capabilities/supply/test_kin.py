"""What a group, its members, a kit and its components have of goods that do not keep for ever."""

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import Component, Kin, Node, Standing
from crossdock.capabilities.supply.rules import AtpRule, LifeTerms, terms_of
from tests.unit.capabilities.supply.test_shelf import EVERY_DAY, TERMS, ask, lot, node

METRO = LifeTerms(customer="METRO", days=30, transit_days=3)
RULED = terms_of([AtpRule(lives=(METRO,)), EVERY_DAY])


def bare(terms: object = TERMS, hard: int = 0, **more: object) -> Node:
    made = Node(TERMS, Standing(0, hard * MICROS), location="DC1")
    return made._replace(terms=terms, **more)  # type: ignore[arg-type]


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
