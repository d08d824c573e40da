"""Lots, owners and catch weights, from facts in the log to the answer, on a real hub."""

from dataclasses import replace
from datetime import date, timedelta

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.inventory import CountedStock, Place, StockSnapshotTaken, StockStatus
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.supply import (
    Alternative,
    AtpRule,
    LifeTerms,
    OwnerTerms,
    PromiseAsked,
    Question,
    SubstitutionRule,
)
from crossdock.capabilities.supply.answer import Basis, Dated
from crossdock.connectivity.recording import Verdict
from tests.unit.capabilities.supply.yard import (
    Yard,
    day,
    expiring,
    fact,
    kit,
    line,
    moved,
    noticed,
    ordered,
    weighing,
)


def counted(location: str = "DC1", **more: tuple[int, str]) -> StockSnapshotTaken:
    """Count of X so many of each lot, and whose they are."""
    lines = tuple(
        CountedStock(item="X", quantity=Quantity.of(pieces), lot=lot, owner=owner)
        for lot, (pieces, owner) in more.items()
    )
    return StockSnapshotTaken(snapshot_id=f"count:{location}", location=location, lines=lines)


async def a13(yard: Yard) -> None:
    await yard.hear(fact("count", counted(L1=(20, ""), L2=(30, ""), L3=(50, ""))), source="wms")
    await yard.hear(expiring("L1", day(25)), expiring("L2", day(33)), expiring("L3", day(120)))


async def test_a13_eligible_are_lots_with_life_enough_at_delivery_and_fefo_picks_first(
    yard: Yard,
) -> None:
    await a13(yard)
    answer = await yard.ask(80, life_days=30, transit_days=3)
    assert answer.now == 80 * MICROS
    assert [(one.lot, one.micros // MICROS) for one in answer.picks] == [("L2", 30), ("L3", 50)]
    assert [one.lot for one in answer.lots if not one.is_eligible] == ["L1"]
    assert {(one.day - day(0)).days: one.atp // MICROS for one in answer.buckets} == {0: 80, 1: 50}


async def test_a13_by_a_rule_of_the_customer(yard: Yard) -> None:
    await a13(yard)
    life = LifeTerms(customer="METRO", days=30, transit_days=3)
    await yard.rule(AtpRule(lives=(life,)), "X")
    assert (await yard.ask(customer="METRO")).now == 80 * MICROS
    assert (await yard.ask(customer="OTHER")).now == 100 * MICROS


async def test_i8_the_life_of_a_groups_or_a_kits_rule_holds_at_members_and_components(
    yard: Yard,
) -> None:
    await a13(yard)
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await yard.hear(fact("EAST", east), kit("P", 1, X=2))
    await yard.hub.put_stock("A", "DC2", 7)
    life = LifeTerms(customer="METRO", days=30, transit_days=3)
    for item in "AXP":
        await yard.rule(AtpRule(lives=(life,)), item, "EAST")
    assert (await yard.ask(customer="METRO", location="EAST")).now == 80 * MICROS
    assert (await yard.ask(location="EAST")).now == 100 * MICROS
    # Of what lies at DC2 nobody told how long it keeps.
    assert (await yard.ask(item="A", customer="METRO", location="EAST")).now == 0
    assert (await yard.ask(item="A", location="EAST")).now == 7 * MICROS
    assert (await yard.ask(item="P", customer="METRO", location="EAST")).now == 40 * MICROS
    await yard.rule(AtpRule(lives=(life,)), "P", "DC1")
    assert (await yard.ask(item="P", customer="METRO")).now == 40 * MICROS
    assert (await yard.ask(item="P")).now == 50 * MICROS


async def test_what_has_expired_is_never_promised_though_nobody_needs_a_life(yard: Yard) -> None:
    await a13(yard)
    assert (await yard.ask()).now == 100 * MICROS
    await yard.hear(expiring("L1", day(-1), version=2))
    assert (await yard.ask()).now == 80 * MICROS
    # What stands in AVAILABLE is what inventory says, and the lot is named with its reason.
    [expired] = [one for one in (await yard.ask()).lots if not one.is_eligible]
    assert (expired.lot, expired.micros) == ("L1", 20 * MICROS)


async def test_the_newest_word_of_a_lot_holds_and_of_two_sources_the_last(yard: Yard) -> None:
    await yard.hear(fact("count", counted(L1=(20, ""))), source="wms")
    await yard.hear(expiring("L1", day(9), version=2), expiring("L1", day(-3), version=1))
    assert (await yard.ask()).now == 20 * MICROS
    await yard.hear(expiring("L1", None, version=3))
    assert (await yard.ask()).now == 20 * MICROS
    assert (await yard.ask(life_days=1)).now == 0


async def test_a_lot_without_a_name_is_set_aside(yard: Yard) -> None:
    [verdict] = await yard.hub.record([expiring(" ", day(1))], source="erp")
    assert (verdict.verdict, verdict.reason) == (Verdict.QUARANTINED, "a lot has a name")


async def test_dated_orders_and_picks_take_lots_as_they_come_due(yard: Yard) -> None:
    await a13(yard)
    await yard.hear(ordered("o1", line("o1/1", 60, day(2))))
    # 50 of the two that expire first and ten of the third are theirs.
    assert (await yard.ask(life_days=60)).now == 40 * MICROS
    picked = moved("p1", 20, Place(location="DC1", lot="L1"), None, "o1/1")
    later = picked.occurred_at + timedelta(seconds=1)
    await yard.hear(replace(picked, occurred_at=later), source="wms")
    assert (await yard.ask(life_days=60)).now == 40 * MICROS
    assert (await yard.ask(60, "o1/1", life_days=60)).now == 50 * MICROS


async def test_a_group_counts_the_lots_of_its_members(yard: Yard) -> None:
    await a13(yard)
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await yard.hear(fact("EAST", east))
    await yard.hear(fact("count2", counted("DC2", L1=(7, ""), L3=(5, ""))), source="wms")
    answer = await yard.ask(location="EAST", life_days=30, transit_days=3)
    assert answer.now == 85 * MICROS
    assert [one.is_eligible for part in answer.parts for one in part.lots] == [
        False,
        True,
        True,
        False,
        True,
    ]


async def test_a_kit_of_lots_is_promised_while_its_parts_keep(yard: Yard) -> None:
    await a13(yard)
    await yard.hear(kit("P", 1, X=2))
    [answer] = [await yard.of("P")]
    assert answer.now == 50 * MICROS
    assert [one.lot for one in answer.parts[0].lots] == ["L1", "L2", "L3"]


async def test_goods_of_another_owner_are_promised_by_rule_alone_and_shown_apart(
    yard: Yard,
) -> None:
    await yard.hear(fact("count", counted(A=(10, ""), B=(6, "ACME"))), source="wms")
    plain = await yard.ask(12)
    assert (plain.now, plain.lots) == (10 * MICROS, ())

    await yard.rule(AtpRule(owners=(OwnerTerms(owner="ACME"),)), "X")
    allowed = await yard.ask(12)
    assert allowed.now == 16 * MICROS
    assert [(one.owner, one.micros // MICROS) for one in allowed.picks] == [("", 10), ("ACME", 2)]
    first = OwnerTerms(owner="ACME", is_first=True)
    await yard.rule(AtpRule(owners=(first,)), "X", "DC1")
    owners = [(one.owner, one.micros // MICROS) for one in (await yard.ask(12)).picks]
    assert owners == [("ACME", 6), ("", 6)]
    await yard.rule(AtpRule(owners=()), "X", "DC1")
    assert (await yard.ask(12)).now == 10 * MICROS


async def test_goods_that_are_not_available_are_in_no_lot_of_an_answer(yard: Yard) -> None:
    await a13(yard)
    hold = moved(
        "q1",
        30,
        Place(location="DC1", lot="L2"),
        Place(location="DC1", lot="L2", status=StockStatus.QC_HOLD),
    )
    later = hold.occurred_at + timedelta(seconds=1)
    await yard.hear(replace(hold, occurred_at=later), source="wms")
    assert [one.lot for one in (await yard.ask()).lots] == ["L1", "L3"]


# Catch weight.


async def test_pieces_are_promised_and_what_one_weighs_is_told(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 4)
    assert (await yard.ask()).weight is None
    await yard.hear(weighing(Quantity.of("2.5", "KG")))
    weight = (await yard.ask(3)).weight
    assert weight is not None
    assert weight == (2_500_000, "KGM", 5, 5)
    await yard.hear(weighing(None, version=2))
    assert (await yard.ask()).weight is None


async def test_a_weight_of_nothing_is_set_aside(yard: Yard) -> None:
    [verdict] = await yard.hub.record([weighing(Quantity.of(0, "KGM"))], source="erp")
    assert (verdict.verdict, verdict.reason) == (Verdict.QUARANTINED, "X cannot weigh so much")


async def test_what_expires_may_be_offered_another_for(yard: Yard) -> None:
    await a13(yard)
    await yard.hub.put_stock("A", "DC1", 50)
    other = Alternative(item="A", unit="EA")
    rule = SubstitutionRule(item="X", alternatives=(other,), unit="EA")
    made = await yard.hub.supply.put_substitution(yard.hub.scope, rule, by="test")
    assert made.version == 1
    # Of A nobody told how long it keeps, which is no good to who needs a life.
    careful = await yard.ask(120, life_days=30, transit_days=3)
    assert [(one.option.item, one.covers) for one in careful.offers] == [("A", 0)]
    assert careful.proposal == ()
    aged = await yard.ask(120, transit_days=30)
    assert [(one.option.item, one.covers // MICROS) for one in aged.offers] == [("A", 40)]
    assert [(one.item, one.micros // MICROS) for one in aged.proposal] == [("X", 80), ("A", 40)]


async def test_kits_that_have_expired_leave_their_orders_to_the_components(yard: Yard) -> None:
    await yard.hear(fact("count", counted(L1=(20, ""))), source="wms")
    await yard.hub.put_stock("C", "DC1", 20)
    await yard.rule(AtpRule(takes_parts=True), "X")
    await yard.hear(kit("X", 1, C=1), expiring("L1", day(3)))
    await yard.hear(ordered("o1", line("o1/1", 20, day(2))))
    assert (await yard.of("C")).now == 20 * MICROS
    await yard.hear(expiring("L1", day(-1), version=2))
    assert (await yard.ask()).now == 0
    assert (await yard.of("C")).now == 0


async def test_lots_that_no_day_has_all_of_are_promised_in_parts(yard: Yard) -> None:
    await yard.hear(fact("count", counted(L=(5, ""))), expiring("L", day(1)))
    await yard.hear(noticed("n", 50, eta=day(1)))
    await yard.rule(AtpRule(is_replenishable=True, lead_time_days=9), "X")
    answer = await yard.ask(52)
    parts = [((one.day - day(0)).days, one.micros // MICROS) for one in answer.schedule]
    assert (parts, answer.left_over) == ([(0, 5), (2, 47)], 0)
    assert (answer.promised_on, answer.basis) == (day(2), Basis.SUPPLY)
    assert await promised(yard, "late", by=day(1)) == f"not all of it can leave by {day(1)}"
    assert await promised(yard, "p") == ""
    # The five that lie there are spoken for.
    assert (await yard.ask(1)).schedule == (Dated(day(2), MICROS),)


async def promised(yard: Yard, request: str, by: date | None = None) -> str:
    """Promise 52 of X in parts, or say why not."""
    question = Question("X", "DC1", "EA", 52 * MICROS, by)
    asked = PromiseAsked(request, (question,), ("o/1",))
    made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)
    return "" if made.is_granted else made.proof.reasons[0]
