"""The rules of stock as properties: whatever happens, nothing is promised twice."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Invalid, Rejected
from crossdock.canonical.inventory import ReservationKind, ReservationStatus, SourceHeard
from crossdock.capabilities.inventory import granting, model
from crossdock.capabilities.inventory.granting import Ask, Counter
from crossdock.capabilities.inventory.ledger import (
    Bucket,
    Mark,
    Opening,
    contains,
    governing,
    microseconds,
    rank_of,
)
from crossdock.capabilities.inventory.model import (
    Figures,
    PromisedLine,
    Reservation,
    ReservationLine,
    ReservationRequest,
)

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
amounts = st.integers(0, 50)
positive = st.integers(1, 50)
figures = st.builds(Figures, amounts, amounts, amounts, amounts)
asks = st.lists(
    st.builds(
        Ask,
        st.lists(st.tuples(st.integers(0, 2), positive), min_size=1, max_size=4).map(tuple),
        st.booleans(),
    ),
    max_size=12,
)


@given(st.none() | st.dates(), st.none() | st.dates())
def test_a_lot_has_expired_behind_its_last_day_and_not_on_it(
    last: date | None, day: date | None
) -> None:
    assert model.has_expired(last, day) == (
        last is not None and day is not None and (day - last).days >= 1
    )


def test_a_line_asked_for_less_than_a_pack_where_that_is_all_it_requested() -> None:
    whole = line(12)._replace(pack=12)

    assert not whole.is_less_than_pack
    assert not whole._replace(asked=5).is_less_than_pack
    assert whole._replace(requested=5, asked=5).is_less_than_pack


@given(figures)
def test_available_withheld_and_shortage_explain_net(one: Figures) -> None:
    assert one.available + one.withheld - one.shortage == one.net
    assert one.available >= 0
    assert not (one.shortage and (one.available or one.withheld))


@given(st.tuples(figures, figures, figures), asks)
def test_never_more_is_granted_than_was_available(
    stock: tuple[Figures, ...], batch: list[Ask]
) -> None:
    counters = {number: Counter(one) for number, one in enumerate(stock)}
    given_out = granting.grants(batch, counters)

    taken = dict.fromkeys(counters, 0)
    for ask, got in zip(batch, given_out, strict=True):
        free = {number: counters[number].figures.available - taken[number] for number in counters}
        wanted = dict.fromkeys(counters, 0)
        for (number, micros), granted in zip(ask.lines, got, strict=True):
            assert 0 <= granted <= micros
            wanted[number] += micros
            taken[number] += granted
        fits = all(wanted[number] <= free[number] for number in counters)
        assert (got == tuple(micros for _, micros in ask.lines)) == fits
        if not fits and not ask.allow_partial:
            assert not any(got)
    assert all(taken[number] <= counters[number].figures.available for number in counters)


@given(st.lists(figures, min_size=1, max_size=4), figures, st.data())
def test_a_group_and_its_nodes_never_promise_more_than_the_nodes_have(
    nodes: list[Figures], held: Figures, data: st.DataObject
) -> None:
    total = sum(node.available for node in nodes)
    group = Figures(hard=min(held.hard, total), safety=held.safety)
    members = tuple(range(1, len(nodes) + 1))
    counters = {0: Counter(group, members=members)} | {
        number: Counter(node, group=0) for number, node in zip(members, nodes, strict=True)
    }
    wanted = st.lists(st.tuples(st.integers(0, len(nodes)), positive), max_size=12)
    lines = data.draw(wanted)
    given_out = granting.grants([Ask((line,)) for line in lines], counters)

    taken = dict.fromkeys(counters, 0)
    for (number, _), (got,) in zip(lines, given_out, strict=True):
        taken[number] += got
    left = [nodes[number - 1].available - taken[number] for number in members]
    assert all(one >= 0 for one in left)
    assert sum(left) >= group.hard + taken[0]


@given(st.lists(figures, min_size=1, max_size=4), figures, amounts, amounts)
def test_an_order_at_a_group_may_have_what_there_would_be_without_its_claim(
    nodes: list[Figures], held: Figures, own: int, asked: int
) -> None:
    members = tuple(range(1, len(nodes) + 1))
    rest = {number: Counter(node, group=0) for number, node in zip(members, nodes, strict=True)}
    claimed = Figures(hard=held.hard + own, safety=held.safety)
    without = Figures(hard=held.hard, safety=held.safety)

    [(got,)] = granting.grants(
        [Ask(((0, asked),), allow_partial=True, own=(own,))],
        rest | {0: Counter(claimed, members=members)},
    )

    free = granting.free_now(0, rest | {0: Counter(without, members=members)})
    assert got == min(asked, own, free)


@given(amounts, amounts, st.integers(-50, 50))
def test_a_claim_is_never_negative(ordered: int, cancelled: int, picked: int) -> None:
    assert model.overlay(ordered, cancelled, picked) == max(0, ordered - cancelled - picked)


def line(granted: int) -> PromisedLine:
    return PromisedLine(1, "X", "DC1", ReservationStatus.ACTIVE, False, granted, granted)


@given(st.lists(positive, min_size=1, max_size=4), st.lists(st.integers(-30, 30)), st.randoms())
def test_picks_consume_the_same_in_any_order(granted: list[int], picks: list[int], random) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - hypothesis hands in what it draws
    def after(sequence: list[int]) -> list[tuple[int, int, str]]:
        lines = [line(one) for one in granted]
        for micros in sequence:
            lines = model.with_picks(lines, micros)
        return [(one.picked, one.used, one.status) for one in lines]

    shuffled = list(picks)
    random.shuffle(shuffled)
    assert after(picks) == after(shuffled)
    used = [one for _, one, _ in after(picks)]
    assert sum(used) == min(sum(granted), max(0, sum(picks)))
    assert all(one <= most for one, most in zip(used, granted, strict=True))


@given(positive, positive)
def test_consumed_never_exceeds_granted(granted: int, micros: int) -> None:
    if micros > granted:
        with pytest.raises(Rejected):
            model.consumed(line(granted), micros)
    else:
        after = model.consumed(line(granted), micros)
        assert after.remaining == granted - micros
        assert (after.status is ReservationStatus.CONSUMED) == (micros == granted)


@given(positive, st.data())
def test_totals_told_in_any_order_and_any_number_of_times_come_to_the_most(
    granted: int, data: st.DataObject
) -> None:
    totals = data.draw(st.lists(st.integers(0, granted), min_size=1))
    again = data.draw(st.lists(st.sampled_from(totals)))
    told = data.draw(st.permutations(totals + again))

    after = line(granted)
    for total in told:
        after = model.consumed(after, total)
        assert model.consumed(after, total) is after

    assert (after.consumed, after.remaining) == (max(totals), granted - max(totals))


@given(positive, st.lists(positive), st.data())
def test_totals_and_picks_come_to_the_same_in_any_order(
    granted: int, picks: list[int], data: st.DataObject
) -> None:
    totals = data.draw(st.lists(st.integers(0, granted)))
    words = [("total", one) for one in totals] + [("pick", one) for one in picks]

    after = line(granted)
    for kind, micros in data.draw(st.permutations(words)):
        if kind == "total":
            after = model.consumed(after, micros)
        else:
            [after] = model.with_picks([after], micros)

    assert after.used == min(granted, max(sum(picks), *totals, 0))


def test_a_linked_line_holds_nothing_by_itself() -> None:
    linked = model.linked(line(5))
    assert (linked.remaining, linked.hold, linked.is_hard) == (5, 0, True)
    assert model.linked(linked) is linked
    assert model.unlinked(linked).hold == 5
    assert model.unlinked(line(5)) == line(5)


def test_closed_lines_stay_closed() -> None:
    released = model.released(line(5))
    assert model.released(released) is released
    assert released.remaining == 0
    assert model.confirmed(model.confirmed(line(5))).version == 2
    with pytest.raises(Rejected):
        model.extended(model.confirmed(line(5)), NOON)


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ("ACTIVE DENIED", "ACTIVE"),
        ("ACTIVE CONSUMED", "PARTIALLY_CONSUMED"),
        ("CONSUMED CONSUMED", "CONSUMED"),
        ("CONSUMED RELEASED", "CONSUMED"),
        ("RELEASED DENIED", "RELEASED"),
        ("DENIED DENIED", "DENIED"),
        ("EXPIRED", "EXPIRED"),
    ],
)
def test_a_reservations_status_follows_from_its_lines(lines: str, whole: str) -> None:
    statuses = [ReservationStatus(one) for one in lines.split()]
    assert model.reservation_status(statuses) is ReservationStatus(whole)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 14_400))
def test_a_hold_lives_exactly_its_time(now: datetime, ttl: int) -> None:
    asked = ReservationRequest("R", (ReservationLine("X", "DC1", 1),), ttl_seconds=ttl)
    try:
        until = model.Expiry(now, 900).of(asked)
    except OverflowError:  # the end of the calendar
        return
    held = line(1)._replace(expires_at=until)
    assert until == now + timedelta(seconds=ttl)
    assert held.is_lapsed(now + timedelta(seconds=ttl))
    assert not held.is_lapsed(now + timedelta(seconds=ttl) - timedelta(microseconds=1))


def test_a_hard_request_has_no_end_and_an_unnamed_ttl_is_the_settings() -> None:
    expiry = model.Expiry(NOON, 900)
    soft = ReservationRequest("R", (ReservationLine("X", "DC1", 1),))
    assert expiry.of(soft) == NOON + timedelta(seconds=900)
    assert expiry.of(soft._replace(kind=ReservationKind.HARD)) is None


@pytest.mark.parametrize(
    ("status", "owner", "counts"),
    [("AVAILABLE", "", True), ("AVAILABLE", "ACME", False), ("DAMAGED", "", False)],
)
def test_our_own_goods_on_the_shelf_can_be_promised(status: str, owner: str, counts: bool) -> None:  # noqa: FBT001 - a column of the table
    assert Bucket("main", "X", "DC1", status, owner, "", "").counts == counts


@pytest.mark.parametrize(
    ("status", "owner", "is_dock"),
    [("RECEIVING", "", True), ("RECEIVING", "ACME", False), ("AVAILABLE", "", False)],
)
def test_what_will_be_put_away_is_ours_and_in_receiving(
    status: str, owner: str, *, is_dock: bool
) -> None:
    assert Bucket("main", "X", "DC1", status, owner, "", "").is_dock == is_dock


marks = st.builds(Mark, st.integers(0, 2), st.integers(0, 20), st.integers(0, 20))
openings = st.lists(
    st.builds(Opening, marks, amounts, st.booleans(), st.text("ab", min_size=1, max_size=3)),
    max_size=8,
)


@given(openings, st.randoms())
def test_the_governing_snapshot_does_not_depend_on_the_order_heard(found, random) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - hypothesis hands in what it draws
    shuffled = list(found)
    random.shuffle(shuffled)
    first, second = governing(found), governing(shuffled)
    assert (first and (first.mark, first.rank)) == (second and (second.mark, second.rank))


@given(marks, marks)
def test_a_snapshot_contains_what_was_recorded_up_to_it(opening: Mark, movement: Mark) -> None:
    if opening.stream == movement.stream:
        assert contains(opening, movement) == (movement.seq <= opening.seq)
    else:
        assert contains(opening, movement) == (movement.us <= opening.us)


@pytest.mark.parametrize(
    ("version", "sequence", "rank"),
    [(7, 3, 7), (None, 3, 3), (None, None, microseconds(NOON))],
)
def test_versions_are_ordered_by_the_best_the_source_has(
    version: int | None, sequence: int | None, rank: int
) -> None:
    payload = SourceHeard(source="erp")
    fact = Fact(
        identity="x", payload=payload, occurred_at=NOON, version=version, sequence=sequence
    )
    event = Event(
        position=1,
        event_id="e",
        tenant="main",
        source="erp",
        received_at=NOON,
        raw_ref=None,
        fact=fact,
    )
    assert rank_of(event) == rank


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants it naive and adds the zone
def test_microseconds_are_exact(instant: datetime) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert microseconds(instant) == (instant - epoch) // timedelta(microseconds=1)


ONE = ReservationLine("X", "DC1", 1)


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (ReservationRequest("", (ONE,)), "/request_id"),
        (ReservationRequest("R\0", (ONE,)), "/request_id"),
        (ReservationRequest("R", (ONE,), channel="web\0"), "/channel"),
        (ReservationRequest("R", ()), "/lines"),
        (ReservationRequest("R", (ONE,) * (model.LINES_MAX + 1)), "/lines"),
        (ReservationRequest("R", (ONE, ONE._replace(micros=0))), "/lines/1/quantity"),
        (ReservationRequest("R", (ONE._replace(micros=model.MICROS_MAX),)), "/lines/0/quantity"),
        (ReservationRequest("R", (ONE._replace(item="X\0"),)), "/lines/0"),
        (ReservationRequest("R", (ONE._replace(demand_ref="\0"),)), "/lines/0"),
        (ReservationRequest("R", (ONE,), ttl_seconds=0), "/ttl_seconds"),
        (
            ReservationRequest("R", (ONE,), ttl_seconds=model.TTL_SECONDS_MAX + 1),
            "/ttl_seconds",
        ),
    ],
)
def test_what_no_stock_could_grant_is_refused_with_its_place(
    asked: ReservationRequest, where: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        model.check_request(asked)
    assert refusal.value.where == where


@pytest.mark.parametrize(
    ("micros", "says"), [(0, "more than zero"), (model.MICROS_MAX, "less than 10\\^12 base units")]
)
def test_too_little_and_too_much_are_told_apart(micros: int, says: str) -> None:
    asked = ReservationRequest("R", (ONE._replace(micros=micros),))

    with pytest.raises(Invalid, match=says):
        model.check_request(asked)


@given(st.none() | st.integers(1, model.TTL_SECONDS_MAX), positive)
def test_a_sound_request_passes(ttl_seconds: int | None, micros: int) -> None:
    line = ReservationLine("X", "DC1", micros)

    model.check_request(ReservationRequest("R", (line, line), ttl_seconds=ttl_seconds))


@given(figures, positive, amounts)
def test_an_order_line_is_never_short_of_what_it_claims_itself(
    one: Figures, asked: int, own: int
) -> None:
    counted = Figures(one.nettable, one.hard + own, one.soft, one.safety)

    ((got,),) = granting.grants(
        [Ask(((0, asked),), own=(own,), allow_partial=True)], {0: Counter(counted)}
    )

    assert got == min(asked, own, Figures(one.nettable, one.hard, one.soft, one.safety).available)


@given(figures)
def test_one_counter_alone_promises_what_is_available(one: Figures) -> None:
    assert granting.free_now(0, {0: Counter(one)}) == one.available


@given(st.lists(st.tuples(positive, amounts), min_size=1, max_size=4))
def test_a_promise_is_whole_when_no_line_is_short(lines: list[tuple[int, int]]) -> None:
    held = tuple(
        line(requested)._replace(granted=min(requested, granted)) for requested, granted in lines
    )
    promise = Reservation("rsv_1", "shop", "R", NOON, held)

    assert promise.is_granted == (sum(one.short for one in held) == 0)
    assert promise.kind is ReservationKind.SOFT
    assert promise.expires_at is None
    assert promise.status in {ReservationStatus.ACTIVE, ReservationStatus.CONSUMED} or any(
        one.granted == 0 for one in held
    )


def test_a_lapsed_hold_can_come_back_and_a_confirmed_one_stays() -> None:
    soft = line(5)._replace(expires_at=NOON)
    later = NOON + timedelta(minutes=5)

    lapsed = model.expired(soft)
    back = model.revived(lapsed, is_hard=False, expires_at=later)

    assert (lapsed.remaining, back.remaining) == (0, 5)
    assert model.extended(soft, later).expires_at == later
    assert (back.status, back.expires_at) == (ReservationStatus.ACTIVE, later)
    assert Reservation("rsv_1", "shop", "R", NOON, (model.confirmed(back),)).kind is (
        ReservationKind.HARD
    )


@given(
    ordered=st.integers(0, 10**18),
    picked=st.integers(-(10**18), 10**18),
    percent=st.integers(0, 100),
)
@example(ordered=10, picked=11, percent=10)
@example(ordered=0, picked=1, percent=100)
def test_over_picked_is_more_than_ordered_and_the_tolerance_on_it(
    ordered: int, picked: int, percent: int
) -> None:
    most = Fraction(ordered) * (1 + Fraction(percent, 100))

    assert model.is_over_picked(ordered, picked, percent) == (picked > most)
