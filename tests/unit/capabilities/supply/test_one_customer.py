"""A customer is one, whatever each system and each rule calls him, once his party is known."""

from dataclasses import replace

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.envelope import Fact
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.references import Reference
from crossdock.capabilities.allocation import AllocatedLine, AllocationRule
from crossdock.capabilities.supply import (
    AtpRule,
    PromiseAsked,
    Question,
)
from crossdock.capabilities.supply.substitution import Alternative, SubstitutionRule
from tests.unit.capabilities.supply.test_lives_of_orders import METRO, bought, two_lots
from tests.unit.capabilities.supply.yard import Yard, fact

NAMES = ("METRO", " metro", "gid/9", "Gid/9 ")
BY_CODE = replace(METRO, customer=" GID/9")


def shop_order(version: int = 1) -> Fact:
    return bought("gid/9", version=version)


async def linked(yard: Yard, system: str = "shop", key: str = "gid/9") -> None:
    await yard.hear(fact("party:METRO", PartyChanged(code="METRO")))
    await yard.hub.catalog.link(yard.hub.scope, system, Reference.party(key), "METRO", by="jo")


async def says(yard: Yard, customer: str, strategy: Strategy = Strategy.WIN) -> None:
    rule = AllocationRule(customer=customer, strategy=strategy, priority=1)
    await yard.hub.allocation.rulebook.set_rule(yard.hub.scope, rule, by="planner")


async def only_line(yard: Yard) -> AllocatedLine:
    [found] = await yard.hub.allocation.lines(yard.hub.scope, "X", "DC1")
    return found


async def looked_at(yard: Yard) -> list[str]:
    """Say why item-locations are to be looked at again."""
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        rows = await tx.fetch("select reason from allocation_due where tenant = $1", "main")
    return [row["reason"] for row in rows]


@pytest.mark.parametrize("name", NAMES)
async def test_rules_hold_by_the_code_and_by_the_party_once_both_are_one(
    yard: Yard, name: str
) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(replace(METRO, customer=name),)), "X")
    await says(yard, name)
    await linked(yard)

    await yard.hear(shop_order(), source="shop")

    found = await only_line(yard)
    assert (found.customer, found.strategy) == ("METRO", Strategy.WIN)
    assert (await yard.ask(life_days=30)).now == 0


async def test_a_rule_by_the_code_holds_before_and_after_the_link(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(BY_CODE,)), "X")
    await says(yard, "gid/9")
    await yard.hear(shop_order(), source="shop")
    assert (await only_line(yard)).strategy is Strategy.WIN

    await linked(yard)
    for version in (1, 2):
        await yard.hear(shop_order(version), source="shop")
        assert (await only_line(yard)).strategy is Strategy.WIN
        assert (await yard.ask(life_days=30)).now == 0


async def test_a_rule_by_the_party_holds_for_an_order_from_before_the_link(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await says(yard, "METRO")
    await yard.hear(shop_order(), source="shop")
    assert (await yard.ask(life_days=30)).now == 50 * MICROS

    await linked(yard)

    found = await only_line(yard)
    assert (found.customer, found.strategy) == ("GID/9", Strategy.WIN)
    assert (await yard.ask(life_days=30)).now == 0


async def test_the_partys_own_rule_comes_before_one_by_another_name(yard: Yard) -> None:
    await linked(yard)
    await two_lots(yard)
    await says(yard, "gid/9", Strategy.LOSE)
    await says(yard, "METRO")
    await yard.hear(shop_order(), source="shop")

    assert (await only_line(yard)).strategy is Strategy.WIN


@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("ruled", ["METRO", "gid/9"])
async def test_a_question_and_a_promise_are_answered_whatever_they_call_the_customer(
    yard: Yard, asked: str, ruled: str
) -> None:
    await linked(yard)
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(replace(METRO, customer=ruled),)), "X")

    assert (await yard.ask(customer=asked)).now == 50 * MICROS

    question = Question("X", "DC1", "EA", 50 * MICROS, customer=asked)
    wanted = PromiseAsked("r1", (question,), ("",))
    made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", wanted)
    assert [one.life_days for one in made.lines] == [30]


@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("ruled", ["METRO", "gid/9"])
async def test_what_stands_in_for_a_customer_does_whatever_he_is_called(
    yard: Yard, asked: str, ruled: str
) -> None:
    await linked(yard)
    may = Alternative(item="K", only_for=(f"customer:{ruled}",), unit="EA")
    rule = SubstitutionRule(item="X", alternatives=(may,))
    await yard.hub.supply.put_substitution(yard.hub.scope, rule, by="jo")

    found = await yard.hub.supply.substitutes(yard.hub.scope, ["X"], customer=asked, channel="")

    assert [one.item for one in found["X"]] == ["K"]


async def test_a_code_that_is_two_parties_is_nobodys(yard: Yard) -> None:
    await linked(yard)
    await yard.hear(fact("party:EDEKA", PartyChanged(code="EDEKA")))
    key = Reference.party("GID/9")
    await yard.hub.catalog.link(yard.hub.scope, "crm", key, "EDEKA", by="jo")
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(BY_CODE,)), "X")
    await says(yard, "gid/9")

    await yard.hear(shop_order(), source="shop")

    assert (await only_line(yard)).strategy is Strategy.IMPROVE
    assert (await yard.ask(customer="METRO")).now == 50 * MICROS
    assert (await yard.ask(life_days=30)).now == 50 * MICROS


async def test_a_rule_by_the_code_has_the_partys_lines_looked_at_again(yard: Yard) -> None:
    await linked(yard)
    await two_lots(yard)
    await yard.hear(shop_order(), source="shop")
    await yard.hub.allocating.work.due()

    await says(yard, "gid/9")

    assert await looked_at(yard) == ["RULES"]


@pytest.mark.parametrize("customer", ["gid/9", "17", "K100", "METRO"])
async def test_a_link_has_the_lines_of_either_customer_looked_at_again(
    yard: Yard, customer: str
) -> None:
    await yard.hear(fact("party:METRO", PartyChanged(code="METRO")))
    await yard.hub.catalog.link(yard.hub.scope, "crm", Reference.party("gid/9"), "METRO")
    said = replace(fact("party:17", PartyChanged(code="K100")), native_ref="17")
    await yard.hear(said, source="erp2")
    await two_lots(yard)
    await yard.hear(bought(customer), source="shop")
    await yard.hub.allocating.work.due()

    for reasons in (["RULES"], []):  # said again, it is no news
        await linked(yard, "erp2", "17")
        assert await looked_at(yard) == reasons
        await yard.hub.allocating.work.due()


async def test_a_link_that_is_undone_leaves_no_order_at_the_wrong_customer(yard: Yard) -> None:
    for key, code in (("17", "METRO"), ("18", "K200")):
        party = replace(fact(f"party:{key}", PartyChanged(code=code)), native_ref=key)
        await yard.hear(party, source="erp2")
    await two_lots(yard)
    await says(yard, "METRO")
    held: list[tuple[str, Strategy]] = []
    marked: list[list[str]] = []

    for version, name in enumerate(("METRO", "K200"), start=1):
        await yard.hub.catalog.link(yard.hub.scope, "erp2", Reference.party("18"), name, by="jo")
        marked.append(await looked_at(yard))
        await yard.hear(bought("K200", version=version), source="erp2")
        line = await only_line(yard)
        held.append((line.customer, line.strategy))
        await yard.hub.allocating.work.due()

    assert held == [("METRO", Strategy.WIN), ("K200", Strategy.IMPROVE)]
    assert marked == [[], ["RULES"]]


@pytest.mark.parametrize("customer", ["EDEKA", ""])
async def test_a_link_has_nobody_elses_lines_looked_at_again(yard: Yard, customer: str) -> None:
    await two_lots(yard)
    await yard.hear(bought(customer), source="shop")
    await yard.hub.allocating.work.due()

    await linked(yard)

    assert await looked_at(yard) == []


async def test_a_rule_by_what_was_a_party_before_a_merger_holds_for_the_one_it_became(
    yard: Yard,
) -> None:
    def erp2(version: int) -> Fact:
        said = replace(fact(f"party:17@{version}", PartyChanged(code="K100")), native_ref="17")
        return replace(said, version=version)

    await two_lots(yard)
    await yard.rule(AtpRule(lives=(replace(METRO, customer="K100"),)), "X")
    await says(yard, "K100")
    await yard.hear(erp2(1), source="erp2")
    await yard.hear(bought("K100"), source="erp2")
    assert (await only_line(yard)).strategy is Strategy.WIN

    await linked(yard, "erp2", "17")
    await yard.hear(erp2(2), source="erp2")
    await yard.hear(bought("17", version=2), source="erp2")

    found = await only_line(yard)
    assert (found.customer, found.strategy) == ("METRO", Strategy.WIN)
    assert (await yard.ask(life_days=30)).now == 0
