"""What a promise by date and its order line claim together: each unit once (§3.3, A19, A26)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import kept, refusals
from crossdock.capabilities.supply.answer import (
    Atp,
    Bucket,
    Claim,
    Component,
    Kin,
    Lot,
    Node,
    Question,
    Standing,
)
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.kept import DatedLine, Held, PromiseAsked, Told
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.refusals import Had
from tests.unit.capabilities.supply.test_promise import NOW, TERMS, shipped, standing

DAY = date(2026, 5, 4)
PLACE = ("X", "DC1")


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def lines(*parts: tuple[int, int], used: int = 0, said: int | None = None) -> list[DatedLine]:
    """Give the parts of a promise: day, micros."""
    return [DatedLine(1, *PLACE, "so1/1", day(on), micros, 0, used, said) for on, micros in parts]


def told(said: int, used: int = 0, place: tuple[str, str] = PLACE) -> Told:
    return Told(True, said, place, used, max(0, said - used))


def claimed(promise: list[DatedLine], held: Claim, known: Told) -> list[tuple[int | None, int]]:
    found = kept.claims(promise, held, known)
    days = [
        (None if one.on is None else (one.on - DAY).days, one.hard + one.soft) for one in found
    ]
    return sorted(days, key=str)


NOBODY = Claim("so1/1", 0)
FOUR_AND_TWO = ((0, 40), (2, 20))


@pytest.mark.parametrize(
    ("promise", "held", "known", "expected"),
    [
        (lines(*FOUR_AND_TWO), NOBODY, Told(), [(0, 40), (2, 20)]),
        (lines(*FOUR_AND_TWO), Claim("so1/1", 45), Told(), [(2, 15), (None, 0)]),
        (lines(*FOUR_AND_TWO, said=80), Claim("so1/1", 80), told(80), [
            (0, 40), (2, 20), (None, 0),
        ]),
        # Of what the order claims, what left of the promise is promised no more.
        (lines(*FOUR_AND_TWO, said=80), Claim("so1/1", 30), told(80, 50), [(0, 0), (2, 10)]),
        # The order has spoken since: its own claim is no promise any more.
        (lines(*FOUR_AND_TWO), Claim("so1/1", 60), told(60), [(0, 0), (2, 0)]),
    ],
)  # fmt: skip
def test_a_claim_says_how_much_of_it_a_promise_still_says(
    promise: list[DatedLine], held: Claim, known: Told, expected: list[tuple[int | None, int]]
) -> None:
    found = kept.marked(kept.claims(promise, held, known), promise, known)
    days = [(None if one.on is None else (one.on - DAY).days, one.promised) for one in found]

    assert sorted(days, key=str) == expected


@pytest.mark.parametrize(
    ("promise", "held", "known", "expected"),
    [
        # Nothing is held and no order is known: it claims on its days.
        (lines(*FOUR_AND_TWO), NOBODY, Told(), [(0, 40), (2, 20)]),
        # What is held is held of what leaves first, and of nothing twice.
        (lines(*FOUR_AND_TWO), Claim("so1/1", 45), Told(), [(2, 15), (None, 45)]),
        (lines(*FOUR_AND_TWO), Claim("so1/1", 30, 40), Told(), [(None, 70)]),
        # What left before an order was known, left first.
        (lines(*FOUR_AND_TWO), NOBODY, Told(used=50), [(2, 10)]),
        # The order came after the promise: it alone counts, on the promise's days.
        (lines(*FOUR_AND_TWO), Claim("so1/1", 60), told(60), [(0, 40), (2, 20)]),
        (lines(*FOUR_AND_TWO), Claim("so1/1", 15), told(15), [(2, 15)]),
        (lines(*FOUR_AND_TWO), Claim("so1/1", 70), told(70), [(0, 40), (2, 20), (None, 10)]),
        (lines(*FOUR_AND_TWO), NOBODY, told(0), []),
        # A26: the promise came after the order, and counts until the order speaks again.
        (lines(*FOUR_AND_TWO, said=40), Claim("so1/1", 40), told(40), [(0, 40), (2, 20)]),
        (lines(*FOUR_AND_TWO, said=40), Claim("so1/1", 30), told(30), [(0, 10), (2, 20)]),
        # The rest of an order of which sixty had left.
        (lines((2, 40), used=60, said=100), Claim("so1/1", 40), told(100, 60), [(2, 40)]),
        # Its order counts it at another place.
        (lines(*FOUR_AND_TWO), NOBODY, told(60, place=("X", "DC2")), []),
    ],
)
def test_a19_a26_each_unit_is_claimed_once(
    promise: list[DatedLine], held: Claim, known: Told, expected: list[tuple[int | None, int]]
) -> None:
    assert claimed(promise, held, known) == expected


PARTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 50)),
    min_size=1,
    max_size=4,
    unique_by=lambda p: p[0],
)


@given(PARTS, st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_i9_without_an_order_the_greater_of_what_is_held_and_what_is_left_counts(
    parts: list[tuple[int, int]], hard: int, soft: int, used: int
) -> None:
    promise = lines(*parts)
    found = kept.claims(promise, Claim("so1/1", hard, soft), Told(used=used))
    left = max(0, sum(micros for _, micros in parts) - used)
    assert sum(one.hard + one.soft for one in found) == max(hard + soft, left)


@given(parts=PARTS, used=st.integers(0, 99), said=st.integers(0, 250), is_since=st.booleans())
def test_i10_on_each_day_no_more_is_claimed_by_then_than_promised_and_ordered(
    parts: list[tuple[int, int]], used: int, said: int, *, is_since: bool
) -> None:
    promise = lines(*parts, said=None if is_since else said)
    known = told(said, used)
    found = kept.claims(promise, Claim("so1/1", known.open), known)
    dated = [one for one in found if one.on is not None]
    for on in range(10):
        by_then = sum(one.hard for one in dated if one.on is not None and one.on <= day(on))
        assert by_then <= sum(micros for at, micros in parts if at <= on)
    total = sum(one.hard for one in found)
    left = max(0, sum(micros for _, micros in parts) - used)
    assert total == (known.open if is_since else max(known.open, left))


@given(PARTS, st.integers(0, 99), st.integers(0, 99))
def test_what_is_unheld_is_what_is_left_and_its_first_day_is_the_first_that_is_not_covered(
    parts: list[tuple[int, int]], had: int, used: int
) -> None:
    promise, known = lines(*parts), Told(used=used)
    found = kept.unheld(promise, Claim("so1/1", had), known)
    gone = used + had
    uncovered: list[tuple[int, int]] = []
    for on, micros in sorted(parts):
        uncovered += [(on, micros - min(gone, micros))] if gone < micros else []
        gone = max(0, gone - micros)
    if uncovered:
        assert found == (day(uncovered[0][0]), sum(micros for _, micros in uncovered))
    else:
        assert found is None
    assert kept.unheld(promise, Claim("so1/1", had), told(1)) is None


@given(PARTS, st.integers(0, 250))
def test_what_is_held_is_spread_over_what_leaves_first(
    parts: list[tuple[int, int]], held: int
) -> None:
    found = kept.spread(lines(*parts), held)
    assert sum(one.held for one in found) == min(held, sum(micros for _, micros in parts))
    full = [one.held == one.micros for one in found]
    assert full == sorted(full, reverse=True)


@given(PARTS, st.integers(0, 250), st.integers(0, 250))
def test_a_promise_is_held_when_all_that_has_not_left_is(
    parts: list[tuple[int, int]], held: int, used: int
) -> None:
    promise, whole = kept.spread(lines(*parts), held), sum(micros for _, micros in parts)
    assert kept.is_held(promise, Told(used=used)) == (min(held, whole) + used >= whole)


@pytest.mark.parametrize(("held", "is_held"), [(0, False), (9, False), (10, True)])
def test_what_of_a_kit_is_put_together_is_held_of_its_parts(held: int, *, is_held: bool) -> None:
    assembled_and_made = [one._replace(made=20) for one in lines((1, 30))]
    assert kept.is_held(kept.spread(assembled_and_made, held), Told()) is is_held


@pytest.mark.parametrize(
    ("promise", "known", "is_over"),
    [
        (lines(*FOUR_AND_TWO), Told(), False),
        (lines(*FOUR_AND_TWO), Told(used=60), True),
        (lines(*FOUR_AND_TWO), told(60), False),
        (lines(*FOUR_AND_TWO), told(60, 60), True),
        (lines(*FOUR_AND_TWO), told(0), True),
        (lines(*FOUR_AND_TWO), told(60, place=("X", "DC2")), True),
        (lines(*FOUR_AND_TWO, said=40), told(40), False),
        (lines(*FOUR_AND_TWO, said=40, used=40), told(40, 40), False),
        (lines(*FOUR_AND_TWO, said=40, used=40), told(40, 100), True),
    ],
)
def test_it_is_over_once_nothing_is_to_leave(
    promise: list[DatedLine], known: Told, *, is_over: bool
) -> None:
    assert kept.is_over(promise, known) == is_over


def test_what_has_left_is_what_was_picked_or_what_reservations_consumed() -> None:
    rows: list[Held] = [
        ("o/1", "X", "DC1", 5, 0, True, 7, 12, "", "WEB"),
        ("o/1", "X", "DC1", 3, 0, False, 9, 0, "", ""),
        ("o/2", "", "", 0, 0, False, 4, 0, "", ""),
        ("o/3", "X", "DC1", 2, 0, False, 1, 0, "", ""),
    ]
    assert kept.told_of(rows) == {
        "o/1": Told(True, 12, ("X", "DC1"), 9, 5),
        "o/2": Told(False, 0, ("", ""), 4, 0),
        "o/3": Told(used=1),
    }


def answer(kin: Kin, question: Question) -> Atp:
    return answered(question, kin, horizon(kin.own.terms, NOW), NOW)


STOCKED = Node(TERMS, standing(10), (), [shipped(5, 2)])
TEN = Question("X", "DC1", "EA", 10 * MICROS)


@pytest.mark.parametrize(
    ("kin", "question", "known", "reason"),
    [
        (Kin(STOCKED), TEN, Told(), ""),
        (Kin(STOCKED), TEN, told(10 * MICROS), ""),
        (
            Kin(STOCKED),
            TEN,
            told(10 * MICROS, MICROS // 2),
            "its order claims 9.5 of it: change the order first",
        ),
        (Kin(STOCKED), TEN, told(0), "its order claims 0 of it"),
        (Kin(STOCKED), TEN, told(10, place=("X", "DC2")), "its order counts it at DC2"),
        (Kin(STOCKED), TEN._replace(micros=99 * MICROS), Told(), "stock and supply end"),
        (
            Kin(STOCKED),
            TEN._replace(micros=15 * MICROS, by=day(1)),
            Told(),
            f"not all of it can leave by {day(1)}",
        ),
        (Kin(STOCKED), TEN._replace(micros=15 * MICROS, by=day(2)), Told(), ""),
        (
            Kin(
                Node(TERMS, Standing(), ()),
                components=[Component("A", "EA", MICROS, Kin(STOCKED))],
            ),
            TEN,
            Told(),
            "a kit of a group or of lots is not held",
        ),
    ],
)
def test_i6_what_is_kept_rests_on_stock_and_sure_supply_alone(
    kin: Kin, question: Question, known: Told, reason: str
) -> None:
    found = refusals.refusal(answer(kin, question), known)
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


LOTTED = Node(TERMS, standing(10), lots=[Lot("L1", "", 10 * MICROS, day(90))])
DEEP = Kin(
    Node(TERMS, Standing(), ()),
    components=[
        Component("S", "EA", MICROS, Kin(Node(TERMS, standing(0))), 1, (("X", MICROS),)),
        Component("A", "EA", MICROS, Kin(STOCKED), 2, (("S", MICROS),)),
    ],
)


@pytest.mark.parametrize("kin", [Kin(STOCKED), Kin(LOTTED), DEEP])
@pytest.mark.parametrize("mode", [None, *AtpMode])
def test_a_mode_that_was_asked_for_is_kept_or_refused(kin: Kin, mode: AtpMode | None) -> None:
    found = answer(kin, TEN._replace(mode=mode, draws=True))
    reason = refusals.refusal(found, Told(), mode)
    is_kept = mode in {None, AtpMode.CUMULATIVE} or kin != DEEP
    assert bool(reason) is not is_kept
    if not is_kept:
        assert (found.promised_on, found.reason) == (None, reason)
        assert f"are not promised {mode}: leave out the mode, and it is CUMULATIVE" in reason


@given(
    pieces=st.integers(1, 40),
    stock=st.integers(0, 20),
    coming=st.integers(1, 20),
    evidence=st.sampled_from(SupplyEvidence),
)
def test_i6_no_more_is_kept_than_stock_and_what_counts_by_class(
    pieces: int, stock: int, coming: int, evidence: SupplyEvidence
) -> None:
    supply = shipped(coming, 2)._replace(evidence=evidence, kind=SupplyKind.PO_SCHEDULE)
    found = answer(
        Kin(Node(TERMS, standing(stock), (), [supply])), TEN._replace(micros=pieces * MICROS)
    )
    sure = {SupplyEvidence.ACKNOWLEDGED, SupplyEvidence.SHIPPED, SupplyEvidence.ARRIVED}
    if not refusals.refusal(found, Told()):
        assert pieces <= stock + (coming if evidence in sure else 0)
        assert sum(part.micros for part in found.schedule) == pieces * MICROS


def test_what_channels_keep_is_named() -> None:
    [found] = kept.lines_of(answer(Kin(STOCKED), TEN), 1, "so1/1", {})
    assert refusals.cut(found, Had(4 * MICROS)) == ""
    assert refusals.cut(found, Had(10 * MICROS, "", is_shared=True)) == ""
    least = Had(4 * MICROS, "MINIMUM", is_shared=True)
    assert refusals.cut(found, least) == "a minimum of channels leaves 4 of it (DC1)"
    to_come = refusals.cut(found, Had(4 * MICROS, "", is_shared=True))
    assert to_come.startswith("4 of it can be held (DC1); maxima or minima of channels hold there")


def test_of_a_kit_all_that_it_draws_on_is_promised() -> None:
    parts = [
        Component("S", "EA", MICROS, Kin(Node(TERMS, standing(1))), 1, (("X", MICROS),)),
        Component(
            "A",
            "EA",
            2 * MICROS,
            Kin(Node(TERMS, standing(3), (), [shipped(4, 2)])),
            2,
            (("X", MICROS), ("S", MICROS)),
        ),
    ]
    found = answer(
        Kin(Node(TERMS, standing(1)), components=parts),
        TEN._replace(micros=4 * MICROS, draws=True),
    )
    known = {"so1/1": Told(is_ordered=True, said=4 * MICROS, open=4 * MICROS)}
    known["so1/1/A"] = Told(used=MICROS)
    by_item = kept.lines_of(found, 7, "so1/1", known)
    assert [
        (one.item, one.demand_ref, one.ship_date, one.micros // MICROS, one.made // MICROS)
        for lines in by_item
        for one in lines
    ] == [
        ("X", "so1/1", day(0), 3, 2),
        ("X", "so1/1", day(2), 1, 1),
        ("S", "so1/1/S", day(0), 1, 0),
        ("A", "so1/1/A", day(0), 3, 0),
        ("A", "so1/1/A", day(2), 2, 0),
    ]
    assert [lines[0].used for lines in by_item] == [0, 0, MICROS]
    of_kit = by_item[0]
    # Its order claims four; of those one that lies there, and three that are held as parts.
    claimed = kept.claims(of_kit, Claim("so1/1", 4 * MICROS), known["so1/1"])
    assert [(one.on, one.hard // MICROS) for one in claimed] == [(day(0), 1)]
    assert kept.spread(of_kit, 9 * MICROS)[0].held == MICROS
    assert kept.unheld(of_kit, Claim("so1/1", 0), Told()) == (day(0), MICROS)
    assert [one.hard for one in kept.dated(of_kit, NOBODY, Told())] == [MICROS]


ASKED = PromiseAsked("r", (Question("X", "DC1", "EA", 1),), ("so1/1",))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (ASKED._replace(request_id=""), "has an id"),
        (ASKED._replace(questions=()), "1 to 20 lines"),
        (ASKED._replace(questions=ASKED.questions * 21), "1 to 20 lines"),
        (ASKED._replace(questions=(Question("X", "DC1", "EA", None),)), "more than zero"),
        (ASKED._replace(questions=(Question("X", "DC1", "EA", -1),)), "more than zero"),
        (ASKED._replace(questions=ASKED.questions * 2, refs=("a", "a")), "one order line"),
        (ASKED._replace(ttl_seconds=0), "1 to 2678400 seconds"),
        (ASKED._replace(ttl_seconds=31 * 24 * 3600 + 1), "1 to 2678400 seconds"),
        (
            ASKED._replace(
                questions=(Question("X", "DC1", "EA", 1, mode=AtpMode.UNTIL_NEXT_SUPPLY),)
            ),
            "by a rule alone",
        ),
    ],
)
def test_what_could_not_be_promised_is_refused(asked: PromiseAsked, message: str) -> None:
    refusals.check(ASKED)
    refusals.check(ASKED._replace(questions=ASKED.questions * 2, refs=("", "")))
    with pytest.raises(Invalid, match=message):
        refusals.check(asked)


def test_lines_are_sorted_by_their_order_line() -> None:
    first, second = lines((0, 1), (1, 2))
    other = first._replace(demand_ref="a")
    assert kept.by_ref([first, other, second]) == {"a": [other], "so1/1": [first, second]}


def balances(*pabs: int) -> list[Bucket]:
    return [Bucket(day(number), 0, 0, pab, max(0, pab)) for number, pab in enumerate(pabs)]


@pytest.mark.parametrize(
    ("pabs", "expected"),
    [
        ((5, 0, 0), None),
        ((-60, 0, 0), (day(0), 40)),
        ((-5, 0, 0), (day(0), 5)),
        ((5, -90, -15), (day(2), 15)),
        ((-1, 0, -60), (day(0), 60)),
        ((5,), None),
    ],
)
def test_it_is_at_risk_where_the_balance_that_counts_it_is_below_zero(
    pabs: tuple[int, ...], expected: tuple[date, int] | None
) -> None:
    for held in (NOBODY, Claim("so1/1", 60)):
        claimed = kept.dated(lines(*FOUR_AND_TWO), held, Told())
        assert kept.risk(claimed, balances(*pabs)) == expected
    claimed = kept.dated(lines(*FOUR_AND_TWO), Claim("so1/1", 70), told(70))
    assert kept.risk(claimed, balances(*pabs)) == expected
    assert kept.risk([Claim("so1/1", 60)], balances(*pabs)) is None


@pytest.mark.parametrize(("life", "transit"), [(30, None), (0, None), (None, 3)])
def test_who_asks_for_goods_that_keep_is_at_risk_where_none_that_do_serve_him(
    life: int | None, transit: int | None
) -> None:
    """Enough lies there on each day, and on the fifth twenty-five of it do not keep."""
    buckets = [Bucket(day(0), 0, 0, 5, 5), Bucket(day(4), 0, 0, 5, 5, 25)]
    plain = lines(*FOUR_AND_TWO)
    asking = [one._replace(life_days=life, transit_days=transit) for one in plain]
    assert kept.risk(kept.dated(asking, NOBODY, Told()), buckets) == (day(2), 25)
    assert kept.risk(kept.dated(plain, NOBODY, Told()), buckets) is None


def test_what_is_held_with_a_life_keeps_until_each_part_leaves() -> None:
    made = [one._replace(life_days=30, transit_days=3) for one in lines((0, 20), (4, 30))]
    found = kept.claims(made, Claim("so1/1", 35, 5), Told())
    assert [(one.hard, one.soft, one.on, one.leaves) for one in found] == [
        (20, 0, None, day(0)),
        (15, 5, None, day(4)),
        (10, 0, day(4), None),
    ]
    assert {(one.life_days, one.transit_days) for one in found} == {(30, 3)}
    some = kept.claims(made, Claim("so1/1", 15), Told())
    assert [(one.hard, one.on) for one in some] == [(15, None), (30, day(4)), (5, day(0))]


def test_what_is_held_is_held_of_the_parts_that_have_not_left() -> None:
    """Of 20 today and 30 on day 9 the 20 left: what is held still leaves on day 9."""
    made = [one._replace(life_days=10) for one in lines((0, 20), (9, 30))]
    [found] = kept.claims(made, Claim("so1/1", 30), Told(used=20))
    assert (found.hard, found.on, found.leaves) == (30, None, day(9))
    # What an order claims beyond the promise goes with what is left of it.
    *_, beyond = kept.claims(made, Claim("so1/1", 60), told(80, 20))
    assert (beyond.hard, beyond.on, beyond.leaves) == (10, None, day(9))


@given(PARTS, st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))
def test_i8_by_each_day_no_more_of_what_is_held_leaves_than_is_still_to_leave(
    parts: list[tuple[int, int]], hard: int, soft: int, used: int
) -> None:
    made = [one._replace(transit_days=5) for one in lines(*parts)]
    found = kept.claims(made, Claim("so1/1", hard, soft), Told(used=used))
    held = [one for one in found if one.on is None]
    assert sum(one.hard + one.soft for one in held) == hard + soft
    last = max(on for on, _ in parts)
    for on in range(last):
        by_then = sum(one.hard + one.soft for one in held if one.leaves and one.leaves <= day(on))
        assert by_then <= max(0, sum(micros for at, micros in parts if at <= on) - used)
