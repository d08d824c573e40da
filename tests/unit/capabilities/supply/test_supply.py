"""Answers by date, from facts in the log to the derivation: on a real hub."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import (
    SupplyEvidence,
)
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.supply import AtpMode, AtpRule, Basis, Question
from crossdock.connectivity.recording import Verdict
from crossdock.foundation.clock import VirtualClock
from tests.unit.capabilities.supply.yard import (
    EVERY_DAY,
    STAGED,
    Yard,
    committed,
    day,
    fact,
    kit,
    line,
    moved,
    noticed,
    ordered,
    shelf,
)


async def test_a_promise_whose_order_nobody_told_yet_does_not_stand_in_its_way(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    for kind, ref, pieces in (
        (ReservationKind.HARD, "cart/1", 30),
        (ReservationKind.SOFT, "cart/2", 6),
    ):
        lines = (ReservationLine("X", "DC1", pieces * MICROS, ref),)
        request = ReservationRequest(ref, lines, kind)
        await yard.hub.inventory.reserve(yard.hub.scope, "shop", request)

    assert await yard.promisable() == {0: 4}
    assert await yard.promisable("cart/1") == {0: 34}
    assert await yard.promisable("cart/2") == {0: 10}
    assert await yard.promisable("cart/1", "cart/2") == {0: 40}


async def test_picks_leave_demand_on_its_day(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 100)
    await yard.hear(ordered("o1", line("o1/1", 30, day(3))))
    assert await yard.promisable() == {0: 70}
    assert (await yard.ask()).buckets[1].demand == 30 * MICROS

    await yard.hear(moved("p1", 10, shelf(), STAGED, "o1/1"))
    answer = await yard.ask()
    assert answer.standing.nettable == 90 * MICROS
    assert answer.buckets[1].demand == 20 * MICROS
    assert await yard.promisable() == {0: 70}

    await yard.hear(moved("s1", 10, STAGED, None, "o1/1"))
    assert await yard.promisable() == {0: 70}


async def test_a_notice_and_its_purchase_shrink_together(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 0)
    await yard.rule(EVERY_DAY)
    await yard.hear(committed("po", 70, evidence=SupplyEvidence.SHIPPED, eta=day(1)))
    assert await yard.promisable() == {0: 0, 2: 70}

    await yard.hear(noticed("asn", 50, parent_supply_id="po", eta=day(1)), source="edi")
    answer = await yard.ask()
    counted = {one.supply.supply_id: one.micros // MICROS for one in answer.inbound}
    assert counted == {"po": 20, "asn": 50}
    assert await yard.promisable() == {0: 0, 2: 70}

    # The notice's goods are in: both shrink, whichever word comes first.
    await yard.hear(noticed("asn", 0, 2, parent_supply_id="po", eta=day(1)), source="edi")
    await yard.hear(committed("po", 20, 2, evidence=SupplyEvidence.SHIPPED, eta=day(1)))
    assert await yard.promisable() == {0: 0, 2: 20}


async def test_i9_notices_come_to_no_more_than_their_purchase_has_open(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 0)
    await yard.hear(
        committed("po", 70, evidence=SupplyEvidence.SHIPPED),
        noticed("asn1", 50, parent_supply_id="po", eta=day(1)),
        noticed("asn2", 40, parent_supply_id="po", eta=day(4)),
        noticed("orphan", 5, parent_supply_id="nobody knows it", eta=day(7)),
    )
    answer = await yard.ask()
    counted = {one.supply.supply_id: one.micros // MICROS for one in answer.inbound}
    assert counted == {"po": 0, "asn1": 30, "asn2": 40, "orphan": 5}
    [cut] = [one.reason for one in answer.inbound if one.supply.supply_id == "asn1"]
    assert cut == "it is under way, with a ship notice, cut to what its purchase has open"

    # The purchase shrinks before its notice does: what is in already does not come again.
    await yard.hear(committed("po", 20, 2, evidence=SupplyEvidence.SHIPPED))
    assert await yard.promisable() == {0: 0, 5: 20, 8: 25}
    await yard.hear(committed("po", 0, 3, evidence=SupplyEvidence.SHIPPED))
    assert await yard.promisable() == {0: 0, 8: 5}


async def test_what_no_supply_reaches_is_promised_by_lead_time_if_it_is_replenished(
    yard: Yard,
) -> None:
    await yard.hub.put_stock("X", "DC1", 20)
    never = await yard.ask(100)
    assert (never.promised_on, never.basis) == (None, Basis.NONE)
    assert never.reason == "stock and supply end, and it is not replenished"
    assert (never.left_over, never.schedule[0].micros) == (80 * MICROS, 20 * MICROS)

    await yard.rule(AtpRule(is_replenishable=True, lead_time_days=21), "X")
    again = await yard.ask(100)
    assert (again.promised_on, again.basis) == (day(21), Basis.LEAD_TIME)


async def test_the_narrowest_rule_that_says_something_holds(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 20)
    await yard.rule(AtpRule(mode=AtpMode.DISCRETE), "X")
    await yard.rule(AtpRule(lead_time_days=5, is_replenishable=True), "*", "DC1")
    await yard.rule(AtpRule(lead_time_days=9), "X", "DC1")

    found = await yard.ask(50)
    assert (found.mode, found.promised_on) == (AtpMode.DISCRETE, day(9))
    listed = await yard.hub.supply.rules(yard.hub.scope)
    assert [(one.item, one.location) for one in listed] == [
        ("*", "*"),
        ("*", "DC1"),
        ("X", "*"),
        ("X", "DC1"),
    ]
    assert await yard.hub.supply.rules(yard.hub.scope, after=("*", "DC1"), limit=1) == listed[2:3]

    await yard.hub.supply.drop_rule(yard.hub.scope, "X", "DC1", by="test")
    assert (await yard.ask(50)).promised_on == day(5)
    with pytest.raises(NotFound, match="no rule"):
        await yard.hub.supply.drop_rule(yard.hub.scope, "X", "DC1", by="test")


async def test_late_repeated_and_reordered_words_end_in_one_state(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 50)
    words = [
        *(committed("po", 10 * n, n, eta=day(n)) for n in range(1, 5)),
        *(noticed("asn", n, n, parent_supply_id="po") for n in range(1, 4)),
        *(ordered("o1", line("o1/1", n, day(n)), version=n) for n in range(1, 4)),
        ordered("o2", line("o2/1", 3, day(5)), line("o2/2", 4, day(6)), version=1),
        ordered("o2", line("o2/2", 4), version=2),
    ]
    said = [*words, *words]
    Random(7).shuffle(said)
    for number in range(0, len(said), 3):
        await yard.hear(*said[number : number + 3])

    answer = await yard.ask()
    assert [
        ((bucket.day - day(0)).days, bucket.supply // MICROS, bucket.demand // MICROS)
        for bucket in answer.buckets
        if bucket.supply or bucket.demand
    ] == [(0, 0, 4), (2, 3, 0), (3, 0, 3), (6, 33, 0)]


async def test_of_two_sources_that_tell_of_one_supply_the_last_to_speak_is_believed(
    yard: Yard,
) -> None:
    await yard.hub.put_stock("X", "DC1", 0)
    early, late = committed("po", 10, eta=day(1)), committed("po", 4, eta=day(1), location="DC2")
    late = replace(late, recorded_at=late.occurred_at + timedelta(seconds=9))
    await yard.hear(late, source="portal")
    await yard.hear(early, source="erp")

    assert await yard.promisable() == {0: 0}
    assert await yard.promisable(location="DC2") == {0: 0, 3: 3}


async def test_a_case_that_is_told_is_twelve_that_come(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 0)
    await yard.hear(noticed("asn", 0, eta=day(0), open_quantity=Quantity.of(2, "CS")))
    assert await yard.promisable() == {0: 0, 1: 24}


async def test_a_commitment_that_makes_no_sense_is_set_aside_with_its_reason(yard: Yard) -> None:
    bad = [
        committed("po", -1),
        committed("po2", 1, parent_supply_id="po2"),
        committed(" ", 1),
        committed("po3", 1, item="NOBODY"),
    ]
    verdicts = await yard.hub.record(bad, source="erp")
    assert [one.verdict for one in verdicts] == [*[Verdict.QUARANTINED] * 3, Verdict.WAITING]
    assert "less than nothing" in verdicts[0].reason


async def test_unknown_stock_is_said_and_promises_nothing_by_itself(yard: Yard) -> None:
    await yard.hear(noticed("asn", 5, eta=day(1)))
    answer = await yard.ask(5)
    assert (answer.is_known, answer.promised_on) == (False, day(2))
    assert answer.now == 0


async def test_a_group_has_what_its_members_can_promise_less_its_own_claims(yard: Yard) -> None:
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await yard.hear(fact("EAST", east))
    await yard.hub.put_stock("X", "DC1", 10)
    await yard.hub.put_stock("X", "DC2", 20)
    await yard.hear(
        ordered("o1", line("o1/1", 15)),
        ordered("o2", line("o2/1", 22, day(3), location="EAST")),
        noticed("asn", 8, eta=day(0), location="DC1"),
    )
    # DC1 is 5 short and gets 8: 3 of it are free. A node keeps covered what the group needs.
    assert await yard.promisable(location="EAST") == {0: 1}
    assert await yard.promisable(location="DC1") == {0: 0, 1: 1}
    assert await yard.promisable(location="DC2") == {0: 1}
    assert await yard.promisable("o2/1", location="EAST") == {0: 20, 1: 23}

    of_group = await yard.ask(location="EAST")
    assert [(part.location, part.buckets[0].atp // MICROS) for part in of_group.parts] == [
        ("DC1", 0),
        ("DC2", 20),
    ]
    assert of_group.parts[0].inbound[0].supply.supply_id == "asn"


async def test_a_kit_has_a_date_when_its_scarcest_component_comes(yard: Yard) -> None:
    await yard.hear(kit("K", 1, A=2, B=1, C=4))
    for item, pieces in (("A", 50), ("B", 33), ("C", 100), ("K", 3)):
        await yard.hub.put_stock(item, "DC1", pieces)
    await yard.hear(noticed("asn", 8, item="C", eta=day(1)), noticed("b", 9, item="B"))

    answer = await yard.of("K", 29)
    assert (answer.now, answer.promised_on) == (28 * MICROS, None)
    assert [(part.item, part.per // MICROS) for part in answer.parts] == [
        ("A", 2),
        ("B", 1),
        ("C", 4),
    ]
    await yard.hear(noticed("a", 4, item="A", eta=day(3)))
    later = await yard.of("K", 29)
    assert (later.promised_on, later.basis) == (day(4), Basis.SUPPLY)


async def test_a_kit_is_what_its_newest_word_says_and_may_be_none_again(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 12)
    await yard.hear(kit("P", 2, X=3), kit("P", 1, X=1))
    assert (await yard.of("P")).now == 4 * MICROS
    await yard.hear(kit("P", 3))
    assert (await yard.of("P")).now == 0
    for wrong in (kit("P", 4, P=1), kit("P", 5, X=0)):
        [verdict] = await yard.hub.record([wrong], source="erp")
        assert verdict.verdict is Verdict.QUARANTINED


async def test_a_kit_at_a_group_is_made_of_what_its_members_have(yard: Yard) -> None:
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await yard.hear(fact("EAST", east), kit("P", 1, X=2))
    await yard.hub.put_stock("X", "DC1", 5)
    await yard.hub.put_stock("X", "DC2", 4)
    await yard.hub.put_stock("P", "DC1", 1)
    assert (await yard.of("P", location="EAST")).now == 5 * MICROS
    assert (await yard.of("P")).now == 3 * MICROS


async def test_what_can_leave_by_a_day_is_told(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 5)
    await yard.hear(noticed("asn", 10, eta=day(1)))
    for by, has in ((day(-1), 0), (day(0), 5), (day(1), 5), (day(2), 15), (day(99), 15)):
        assert (await yard.ask(by=by)).by_then == has * MICROS
        assert (await yard.ask(12, by=by)).by_then == min(12, has) * MICROS


async def test_one_call_answers_many_and_no_more_than_it_may(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 5)
    await yard.hub.put_stock("X", "DC2", 7)
    questions = [Question("X", place, "EA") for place in ("DC2", "DC1", "DC2")]
    answers = await yard.hub.promise_dates(questions)
    assert [answer.now // MICROS for answer in answers] == [7, 5, 7]
    for wrong in ([], questions[:1] * 10_001):
        with pytest.raises(Invalid, match="1 to 10000 questions"):
            await yard.hub.promise_dates(wrong)


async def test_long_overdue_demand_holds_nothing_back_where_a_rule_says_so(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 50)
    await yard.hear(
        ordered("old", line("old/1", 9, day(-40))), ordered("late", line("late/1", 4, day(-3)))
    )
    assert await yard.promisable() == {0: 37}
    await yard.rule(AtpRule(past_due_demand_days=30), "X")
    assert await yard.promisable() == {0: 46}


async def test_a_lapsed_hold_is_nobodys(yard: Yard, clock: VirtualClock) -> None:
    await yard.hub.put_stock("X", "DC1", 5)
    lines = (ReservationLine("X", "DC1", 2 * MICROS, "cart/1"),)
    request = ReservationRequest("r", lines, ReservationKind.SOFT, 60)
    await yard.hub.inventory.reserve(yard.hub.scope, "shop", request)
    assert await yard.promisable() == {0: 3}
    await clock.advance(timedelta(seconds=60))
    assert await yard.promisable() == {0: 5}
    assert await yard.promisable("cart/1") == {0: 5}
