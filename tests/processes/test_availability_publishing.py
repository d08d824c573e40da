"""A shop is kept in step with the stock, whatever it does by itself meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.commands import Lane
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import Terms, WhenStale
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.orchestration.processes.channel_terms import Channel
from tests.conftest import NOON
from tests.processes.shop import DatabasePlay, Play, bare, quantities

SECOND = timedelta(seconds=1)


@pytest.fixture(params=["bare", "database"])
async def play(
    request: pytest.FixtureRequest, database: Database, clock: VirtualClock
) -> AsyncIterator[Play]:
    """Play each scenario on the decider alone, and on the real engine."""
    if request.param == "bare":
        yield bare()
    else:
        channel = Channel(connection="shop", location="web", source_locations=("dc1",))
        yield await DatabasePlay.open(database, clock, channel)


async def shows(play: Play, free: int, demand: int = 0) -> None:
    """Begin with a shop that shows all there is."""
    await play.stock(free, demand)
    assert await play.deliver() == 1
    await play.advance(SECOND)


async def test_the_first_write_tells_all_there_is(play: Play) -> None:
    await shows(play, 40)

    assert quantities(play) == [("40", None)]
    assert play.writes[0].lane is Lane.BULK


async def test_unknown_availability_is_never_written_as_zero(play: Play) -> None:
    await shows(play, 40)

    await play.stock(None)
    await play.advance(timedelta(hours=1))

    assert quantities(play) == [("40", None)]


async def test_a_change_back_to_a_number_heard_before_is_found_out(play: Play) -> None:
    """A second change in one second that ends at the same number: its word is the same as before.

    The hub had written in between, and would have believed its own number for a day.
    """
    await shows(play, 40)
    moment = NOON + 5 * SECOND
    await play.advance(5 * SECOND)
    play.shop.sell(2)
    await play.hear(38, moment)
    await play.advance(timedelta(minutes=2))
    assert await play.deliver() == 1
    assert play.shop.holds == 40

    play.shop.sell(2)
    await play.hear(38, moment)
    for _ in range(3):
        await play.advance(timedelta(minutes=2))
        await play.deliver()

    assert play.shop.holds == 40
    writes = len(play.writes)
    await play.advance(timedelta(hours=12))
    assert len(play.writes) == writes


async def test_a_word_that_only_comes_twice_is_not_written_over(play: Play) -> None:
    await shows(play, 40)
    await play.advance(5 * SECOND)
    play.shop.sell(2)
    for _ in range(2):
        await play.hear(38, NOON + 5 * SECOND)
    await play.stock(38, demand=2)
    await play.hear(38, NOON + 5 * SECOND)
    await play.advance(timedelta(hours=12))

    assert quantities(play) == [("40", None)]


async def test_showing_too_much_is_corrected_at_once(play: Play) -> None:
    await shows(play, 40)

    await play.stock(39, demand=1)

    assert quantities(play)[1:] == [("39", "40")]
    assert play.writes[1].lane is Lane.IMMEDIATE


async def test_a_little_more_waits_for_the_flush(play: Play) -> None:
    await shows(play, 40)

    for free in (41, 42, 43):
        await play.stock(free)
    assert len(play.writes) == 1
    await play.advance(timedelta(seconds=59))
    assert len(play.writes) == 1
    await play.advance(SECOND)

    assert quantities(play)[1:] == [("43", "40")]


async def test_versions_rise_and_no_two_writes_share_a_key(play: Play) -> None:
    await shows(play, 5)
    for free in (7, 5, 7, 5):
        await play.stock(free)
        await play.advance(timedelta(seconds=61))
        await play.deliver()

    assert [write.version for write in play.writes] == [1, 2, 3, 4, 5]
    assert len({write.arguments["idempotency_key"] for write in play.writes}) == 5
    assert len({write.command_id for write in play.writes}) == 5


async def test_a_sale_in_flight_is_never_oversold_a24(play: Play) -> None:
    await shows(play, 40)
    play.shop.sell(2)  # its order is on the way

    await play.stock(35)  # five are lost
    await play.deliver()
    assert play.shop.holds == 38  # the comparison refused 35
    await play.deliver()
    assert play.shop.holds == 33
    await play.stock(33, demand=2)  # the order is here
    await play.advance(timedelta(hours=1))

    assert quantities(play)[1:] == [("35", "40"), ("33", "38")]
    assert play.shop.holds == 33


async def test_a_fall_that_no_order_explains_is_undone_after_the_wait(play: Play) -> None:
    await shows(play, 40)

    play.shop.sell(2)
    await play.hear(38, NOON + 2 * SECOND)
    await play.advance(timedelta(seconds=29))
    assert len(play.writes) == 1
    await play.advance(timedelta(seconds=62))

    assert quantities(play)[1:] == [("40", "38")]


async def test_a_sale_heard_before_its_order_is_left_alone(play: Play) -> None:
    await shows(play, 40)

    play.shop.sell(2)
    await play.hear(38, NOON + 2 * SECOND)
    await play.stock(38, demand=2)
    await play.advance(timedelta(hours=1))

    assert len(play.writes) == 1


async def test_an_order_heard_before_the_shops_own_word_is_left_alone(play: Play) -> None:
    await shows(play, 40)

    play.shop.sell(2)
    await play.stock(38, demand=2)  # we write 38 over 40, and hear that it is 38 already
    await play.deliver()
    await play.hear(38, NOON + SECOND)
    await play.advance(timedelta(hours=1))

    assert quantities(play)[1:] == [("38", "40")]
    assert await play.deliver() == 0


async def test_echoes_of_our_own_writes_change_nothing(play: Play) -> None:
    await shows(play, 40)
    await play.stock(30)
    await play.deliver()
    await play.advance(SECOND)

    await play.hear(30, NOON + SECOND)
    await play.hear(40, NOON - SECOND)  # the echo of the first, late
    await play.advance(timedelta(hours=1))

    assert quantities(play) == [("40", None), ("30", "40")]


async def test_a_hand_in_the_shops_admin_is_corrected(play: Play) -> None:
    await shows(play, 40)

    await play.hear(55, NOON + 2 * SECOND)

    assert quantities(play)[1:] == [("40", "55")]


async def test_one_write_is_in_flight_and_the_latest_value_follows(play: Play) -> None:
    await shows(play, 40)
    for free in (30, 20, 10):
        await play.stock(free)
    assert len(play.writes) == 2

    await play.deliver()
    await play.deliver()

    assert quantities(play)[1:] == [("30", "40"), ("10", "30")]


async def test_a_refused_write_opens_one_case_and_is_tried_again(play: Play) -> None:
    await shows(play, 40)
    play.shop.refuses = "location is closed"
    await play.stock(30)
    await play.deliver()

    await play.advance(timedelta(seconds=59))
    assert len(play.writes) == 2
    await play.advance(SECOND)
    await play.deliver()
    assert await play.cases() == ["PUB-FAIL"]

    play.shop.refuses = ""
    await play.advance(timedelta(seconds=61))
    await play.deliver()
    assert play.shop.holds == 30
    assert await play.cases() == ["closed"]


async def test_a_channel_that_is_switched_off_is_nobodys_case_any_more(play: Play) -> None:
    await shows(play, 40)
    play.shop.refuses = "location is closed"
    await play.stock(30)
    await play.deliver()
    assert await play.cases() == ["PUB-FAIL"]

    await play.switch(is_active=False)
    assert await play.cases() == ["closed"]
    await play.advance(timedelta(hours=1))
    assert len(play.writes) == 2

    play.shop.refuses = ""
    await play.switch(is_active=True)
    await play.deliver()
    assert play.shop.holds == 30


async def test_an_outcome_that_comes_after_a_channel_is_switched_off_opens_no_case(
    play: Play,
) -> None:
    await shows(play, 40)
    play.shop.refuses = "location is closed"
    await play.stock(30)

    await play.switch(is_active=False)
    await play.deliver()
    await play.advance(timedelta(hours=1))

    assert await play.cases() == []
    assert len(play.writes) == 2


async def test_a_loop_of_corrections_ends_in_a_case_and_goes_on_later(play: Play) -> None:
    await shows(play, 40)
    for round_ in range(8):
        await play.stock(30 - round_)
        play.shop.sell(-1)  # somebody else writes as fast as we do
        await play.deliver()
    assert await play.cases() == ["PUB-STALE"]
    count = len(play.writes)
    await play.stock(3)
    assert len(play.writes) == count

    await play.advance(timedelta(seconds=61))
    await play.deliver()

    assert play.shop.holds == 3
    assert await play.cases() == ["closed"]


async def test_a_thousand_rises_in_a_minute_are_few_writes() -> None:
    play = bare()
    await shows(play, 100_000)

    for change in range(1000):
        await play.stock(100_000 + change)
        await play.advance(timedelta(milliseconds=60))
        await play.deliver()
    await play.advance(timedelta(seconds=60))

    assert len(play.writes) <= 4
    assert play.writes[-1].arguments["quantity"] == "100999"


async def test_a_thousand_falls_while_the_shop_answers_slowly_are_few_writes() -> None:
    play = bare()
    await shows(play, 5000)

    for change in range(1000):
        await play.stock(5000 - change)
        await play.advance(timedelta(milliseconds=60))
        if change % 17 == 0:  # it takes a second to answer
            await play.deliver()
    while await play.deliver():
        pass

    assert len(play.writes) <= 62
    assert play.shop.holds == 4001


async def test_a_write_that_is_held_up_is_overtaken_by_one_that_shows_less(play: Play) -> None:
    await shows(play, 40)
    await play.stock(30)

    for minute in range(1, 6):  # the shop is down
        await play.stock(30 - minute)
        await play.advance(timedelta(minutes=1))
    assert quantities(play)[2:] == [(str(30 - minute), "40") for minute in range(1, 6)]

    await play.deliver(newest_only=True)  # the outbox had dropped the others
    await play.advance(timedelta(hours=1))
    assert play.shop.holds == 25
    assert len(play.writes) == 7


async def test_a_write_overtaken_after_it_left_is_no_sale(play: Play) -> None:
    await shows(play, 40)
    await play.stock(30)
    await play.stock(20)
    await play.advance(timedelta(seconds=11))
    assert quantities(play)[1:] == [("30", "40"), ("20", "40")]

    await play.deliver()  # the first has landed, the second is refused and followed by a third
    await play.deliver()

    assert quantities(play)[3:] == [("20", "30")]
    assert play.shop.holds == 20


async def test_a_person_hears_of_a_write_without_outcome(play: Play) -> None:
    await shows(play, 40)
    await play.stock(30)

    await play.advance(timedelta(minutes=16))
    assert await play.cases() == ["PUB-FAIL"]

    await play.deliver()
    assert await play.cases() == ["closed"]


async def test_a_write_whose_answer_was_lost_is_asked_about_by_the_next(play: Play) -> None:
    await shows(play, 40)
    play.shop.loses_answers = True
    await play.stock(30)
    await play.deliver()
    await play.stock(40)  # what the shop was believed to hold all the time
    assert await play.cases() == ["PUB-FAIL"]

    play.shop.loses_answers = False
    await play.advance(timedelta(seconds=61))
    await play.deliver()
    await play.deliver()

    assert quantities(play)[1:] == [("30", "40"), ("40", "40"), ("40", "30")]
    assert play.shop.holds == 40
    assert await play.cases() == ["closed"]


async def test_a_shop_that_does_not_tell_what_it_holds_is_asked_a_few_times(play: Play) -> None:
    await shows(play, 40)
    play.shop.sell(2)
    play.shop.is_silent = True
    await play.stock(35)
    for _ in range(10):
        await play.deliver()

    assert quantities(play)[1:] == [("35", "40")] * 8
    assert await play.cases() == ["PUB-STALE"]


async def test_a_write_that_never_left_is_written_anew(play: Play) -> None:
    await shows(play, 40)
    await play.stock(30)

    await play.supersede()
    await play.deliver()

    assert quantities(play)[1:] == [("30", "40"), ("30", "40")]
    assert play.shop.holds == 30


async def test_words_of_one_second_that_differ_are_settled_by_a_write(play: Play) -> None:
    await shows(play, 40)
    play.shop.sell(1)
    await play.hear(39, NOON + 2 * SECOND)
    await play.stock(39, demand=1)

    play.shop.sell(1)
    await play.hear(38, NOON + 2 * SECOND)  # told in whole seconds
    await play.stock(39, demand=1)  # sold one more, received one, picked one
    await play.advance(timedelta(seconds=59))
    assert len(play.writes) == 1
    await play.advance(SECOND)
    await play.deliver()  # it holds 38, for which an order is awaited
    await play.advance(timedelta(minutes=2))
    await play.deliver()

    assert quantities(play)[1:] == [("39", "39"), ("39", "38")]
    assert play.shop.holds == 39


async def test_an_older_word_of_the_same_second_is_as_doubtful(play: Play) -> None:
    await shows(play, 40)
    play.shop.sell(2)
    await play.hear(38, NOON + 2 * SECOND)
    await play.stock(38, demand=2)

    await play.hear(39, NOON + 2 * SECOND - timedelta(milliseconds=400))
    await play.advance(timedelta(seconds=60))
    await play.deliver()
    await play.advance(timedelta(hours=1))

    assert quantities(play)[1:] == [("38", "38")]


async def test_an_order_counted_while_a_write_is_under_way_still_awaits_its_fall(
    play: Play,
) -> None:
    await shows(play, 40)
    await play.stock(45)
    written = play.shop.settle(play.writes[-1])
    play.shop.sell(1)  # and its word is lost
    await play.stock(45, demand=1)  # one more is received

    await play.settle(written)
    await play.advance(timedelta(seconds=30))
    await play.settle(play.shop.settle(play.writes[-1]))
    await play.advance(timedelta(seconds=60))  # the fall is known to be the order's

    assert quantities(play)[2:] == [("45", "45"), ("45", "44")]


async def test_a_reservation_before_a_write_awaits_no_fall(play: Play) -> None:
    await shows(play, 40)
    await play.stock(39, demand=1)
    await play.deliver()
    await play.advance(timedelta(hours=1))

    assert quantities(play)[1:] == [("39", "40")]


async def test_a_word_from_about_the_time_of_our_write_is_not_believed_but_proven(
    play: Play,
) -> None:
    await shows(play, 40)
    await play.stock(30)
    await play.deliver()
    play.shop.sell(2)  # by hand, at a shop whose clock is three seconds slow
    await play.advance(SECOND)

    await play.hear(28, NOON - SECOND)
    for _ in range(3):
        await play.advance(timedelta(seconds=60))
        await play.deliver()

    assert quantities(play)[2:] == [("30", "30"), ("30", "28")]
    assert play.shop.holds == 30


async def test_once_a_day_what_the_shop_holds_is_proven_by_a_write(play: Play) -> None:
    await shows(play, 40)
    play.shop.sell(3)  # nobody ever tells

    await play.advance(timedelta(hours=23))
    assert len(play.writes) == 1
    await play.advance(timedelta(hours=2))
    await play.deliver()
    await play.advance(timedelta(minutes=2))  # for an order first
    await play.deliver()

    assert quantities(play)[1:] == [("40", "40"), ("40", "37")]
    assert [write.lane for write in play.writes[1:]] == [Lane.BULK, Lane.NORMAL]
    assert play.shop.holds == 40
    for day in range(1, 4):
        await play.advance(timedelta(hours=25))
        await play.deliver()
        assert len(play.writes) == 3 + day


@pytest.mark.parametrize(
    ("when_stale", "shown"),
    [(WhenStale.KEEP, ["40"]), (WhenStale.LOWER, ["40", "37"]), (WhenStale.ZERO, ["40", "0"])],
)
async def test_a_shop_shows_what_was_agreed_while_the_source_is_silent(
    when_stale: WhenStale, shown: list[str]
) -> None:
    play = bare(Terms(when_stale=when_stale, stale_buffer=5 * MICROS))
    await shows(play, 40)

    play.facts = replace(play.facts, fresh_until=NOON)
    await play.stock(42)
    await play.deliver()
    await play.advance(timedelta(minutes=2))

    assert [quantity for quantity, _ in quantities(play)] == shown


async def test_a_source_that_is_a_little_late_keeps_what_is_shown_until_it_is_overdue() -> None:
    play = bare(Terms(buffer=5 * MICROS))
    await shows(play, 40)
    overdue = NOON + timedelta(minutes=1)
    play.facts = replace(play.facts, fresh_until=NOON, lowers_at=overdue)
    await play.stock(90)
    await play.deliver()
    assert [quantity for quantity, _ in quantities(play)] == ["35"]

    await play.stock(40)
    await play.advance(timedelta(minutes=2))
    await play.deliver()

    assert [quantity for quantity, _ in quantities(play)] == ["35", "30"]


async def test_a_sale_while_the_source_is_silent_is_taken_off_once() -> None:
    """Forty behind a buffer of five that is held back twice show thirty; two of them are sold."""
    play = bare(Terms(buffer=5 * MICROS))
    await shows(play, 40)
    play.facts = replace(play.facts, fresh_until=NOON)
    await play.stock(40)
    await play.deliver()

    await play.advance(10 * SECOND)
    play.shop.sell(2)
    await play.hear(28, NOON + 11 * SECOND)
    await play.deliver()
    await play.stock(38, 2)
    await play.advance(timedelta(minutes=2))
    await play.deliver()

    assert [quantity for quantity, _ in quantities(play)] == ["35", "30"]
    assert play.shop.holds == 28


async def test_what_the_shop_says_again_changes_nothing(play: Play) -> None:
    await shows(play, 40)
    for moment in (NOON + 2 * SECOND, NOON + 5 * SECOND, NOON + 5 * SECOND):
        await play.hear(40, moment)
        await play.stock(40)
    await play.advance(timedelta(hours=1))

    assert quantities(play) == [("40", None)]


async def test_a_word_from_long_before_our_write_says_nothing_new(play: Play) -> None:
    await shows(play, 40)
    await play.hear(55, NOON - timedelta(hours=1))
    await play.advance(timedelta(hours=1))

    assert quantities(play) == [("40", None)]


async def test_a_person_has_a_level_written_at_once_though_the_channel_shows_it(
    play: Play,
) -> None:
    await shows(play, 40)

    await play.ask()
    await play.deliver()
    await play.advance(timedelta(hours=1))

    assert quantities(play)[1:] == [("40", "40")]
    assert play.writes[1].lane is Lane.IMMEDIATE


async def test_what_would_wait_for_the_flush_does_not_wait_for_a_person(play: Play) -> None:
    await shows(play, 40)
    await play.stock(41)
    assert len(play.writes) == 1

    await play.ask()

    assert quantities(play)[1:] == [("41", "40")]
    assert play.writes[1].lane is Lane.IMMEDIATE


async def test_what_a_person_asked_for_during_a_write_is_written_after_it(play: Play) -> None:
    await play.stock(40)

    await play.ask()
    assert len(play.writes) == 1
    await play.deliver()

    assert quantities(play) == [("40", None), ("40", "40")]


async def test_a_person_need_not_wait_for_a_refused_write_to_be_tried_again(play: Play) -> None:
    await play.stock(40)
    play.shop.refuses = "the shop is closed"
    await play.deliver()
    play.shop.refuses = ""

    await play.advance(SECOND)
    await play.ask()
    await play.deliver()

    assert play.shop.holds == 40
    assert await play.cases() == ["closed"]
