"""The rule that made a promise, run once more on made-up decisions."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.inventory import Figures, LineProof, granting
from crossdock.capabilities.inventory.granting import Ask, Counter
from crossdock.capabilities.inventory.promise_proof import (
    CHANNEL_RULE,
    GROUP_OWN_RULE,
    MEMBER_RULE,
    OWN_RULE,
    PACK_RULE,
    RULE,
    DecidedLine,
    DecidedStock,
    Decision,
    is_reproduced,
    proofs,
)
from crossdock.capabilities.inventory.proof import UNLIMITED_RULE
from crossdock.capabilities.inventory.protection import Claim
from tests.conftest import NOON

small = st.integers(0, 20)
channels = st.sampled_from(["web", "key", "other"])
guards: st.SearchStrategy[dict[str, Claim]] = st.just({}) | st.dictionaries(
    channels, st.builds(Claim, least=small, most=st.none() | small, used=small), max_size=2
)
figures = st.builds(Figures, nettable=small, hard=small, soft=small, safety=small)


def decision(
    counters: dict[int, Counter], asks: list[Ask], given_out: list[tuple[int, ...]]
) -> Decision:
    """Write down a decision as the hub does: the rows as they are after it."""
    lines = [
        DecidedLine(
            f"rsv_{number}",
            line_no,
            stock_id,
            asked,
            got,
            own,
            channel=ask.channel_of(line_no - 1),
            is_unlimited=line_no in ask.unlimited,
            moved=asked if line_no in ask.too_few else 0,
            pack=ask.packs[line_no] if ask.packs else 0,
        )
        for number, (ask, given) in enumerate(zip(asks, given_out, strict=True))
        for line_no, ((stock_id, asked), got, own) in enumerate(
            zip(ask.lines, given, ask.own, strict=True)
        )
    ]
    taken = dict.fromkeys(counters, 0)
    for line in lines:
        taken[line.stock_id] += 0 if line.own is not None or line.is_unlimited else line.granted
    stock = {
        stock_id: DecidedStock(
            item="X",
            location=f"L{stock_id}",
            version=1,
            figures=replace(one.figures, soft=one.figures.soft + taken[stock_id]),
            group=one.group or 0,
            guards=one.guards,
        )
        for stock_id, one in counters.items()
    }
    return Decision(at=NOON, stock=stock, lines=tuple(lines))


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    """Draw lone rows, or a group (row 1) with its members; some lines have an own order.

    Some rows keep something for channels, or give them no more than so much.
    """
    rows = draw(st.lists(figures, min_size=2, max_size=4))
    is_grouped = draw(st.booleans())
    members = tuple(range(2, len(rows) + 1)) if is_grouped else ()
    counters = {
        number: Counter(
            replace(row, nettable=0) if members and number == 1 else row,
            1 if number in members else None,
            members if number == 1 else (),
            draw(guards),
        )
        for number, row in enumerate(rows, 1)
    }

    def ask() -> Ask:
        lines = draw(
            st.lists(st.tuples(st.sampled_from(sorted(counters)), st.integers(1, 12)), min_size=1,
                     max_size=3)
        )  # fmt: skip
        owns = [
            draw(st.none() | st.integers(0, counters[stock_id].figures.hard))
            for stock_id, _ in lines
        ]
        whose = tuple(draw(channels) for _ in lines)  # an order's line is its channel's
        return Ask(tuple(lines), draw(st.booleans()), tuple(owns), channels=whose)

    asks = [ask() for _ in range(draw(st.integers(1, 5)))]
    return decision(counters, asks, granting.grants(asks, counters))


@given(decisions())
def test_every_decision_is_reproduced_from_what_is_kept_of_it(made: Decision) -> None:
    assert is_reproduced(made)


@given(decisions())
def test_a_promise_of_goods_that_were_not_there_is_told(made: Decision) -> None:
    empty = {
        stock_id: replace(row, figures=replace(row.figures, nettable=0))
        for stock_id, row in made.stock.items()
    }

    is_anything_promised = any(line.granted for line in made.lines)
    assert is_reproduced(replace(made, stock=empty)) != is_anything_promised


@given(decisions())
def test_nobody_got_more_than_was_free_at_his_turn(made: Decision) -> None:
    for reservation_id in {line.reservation_id for line in made.lines}:
        for proof in proofs(made, reservation_id):
            assert 0 <= proof.granted <= proof.free
            assert proof.granted in {0, min(proof.requested, proof.free)}
            assert proof.free == expected_free(proof)


@given(decisions())
def test_a_refusal_shows_at_least_one_line_that_was_short(made: Decision) -> None:
    for reservation_id in {line.reservation_id for line in made.lines}:
        proven = proofs(made, reservation_id)
        if any(proof.granted for proof in proven):
            assert not any(proof.is_denied_for_another for proof in proven if proof.granted)
        else:
            assert any(proof.free < proof.requested for proof in proven)


def expected_free(proof: LineProof) -> int:
    """Work out by hand what the printed rule says."""
    nettable = sum(member.free for member in proof.members) if proof.members else proof.nettable
    room = nettable - proof.claimed - proof.earlier - proof.safety
    rule = proof.rule.removesuffix(CHANNEL_RULE)
    if rule in {OWN_RULE, GROUP_OWN_RULE}:
        assert proof.own is not None
        return min(proof.own, of_the_channel(proof, max(0, room + proof.own)))
    assert proof.own is None
    assert rule == MEMBER_RULE or not proof.kept_for_group
    return of_the_channel(proof, max(0, room) - proof.kept_for_group)


def of_the_channel(proof: LineProof, there: int) -> int:
    assert proof.rule.endswith(CHANNEL_RULE) == bool(proof.channel)
    limits = [there - proof.kept_for_channels]
    if proof.allowance is not None:
        limits.append(proof.allowance)
    return max(0, min(limits))


def test_a_small_promise_by_hand() -> None:
    rows = {7: Counter(Figures(nettable=100, hard=30, soft=10, safety=8))}
    asks = [Ask(((7, 12),), own=(None,)), Ask(((7, 40),), own=(None,))]
    made = decision(rows, asks, [(12,), (40,)])

    [proof] = proofs(made, "rsv_1")
    assert (proof.nettable, proof.claimed, proof.earlier, proof.safety) == (100, 40, 12, 8)
    assert (proof.free, proof.granted, proof.rule) == (40, 40, RULE)


def test_what_had_expired_is_shown_of_a_row_and_of_each_member_of_a_group() -> None:
    rows = {
        1: Counter(Figures(), members=(2, 3)),
        2: Counter(Figures(nettable=10), group=1),
        3: Counter(Figures(nettable=4), group=1),
    }
    asks = [Ask(((1, 12),), own=(None,)), Ask(((3, 1),), own=(None,))]
    made = decision(rows, asks, granting.grants(asks, rows))
    stock = {number: replace(row, expired=number) for number, row in made.stock.items()}
    [group], [member] = (proofs(replace(made, stock=stock), f"rsv_{n}") for n in range(2))

    assert (group.nettable, group.expired) == (14, 5)
    assert [(one.nettable, one.expired) for one in group.members] == [(10, 2), (4, 3)]
    assert (member.nettable, member.expired) == (4, 3)


def test_a_line_that_another_line_took_along_is_told_from_one_that_was_short() -> None:
    rows = {1: Counter(Figures(nettable=10)), 2: Counter(Figures(nettable=3))}
    asks = [Ask(((1, 4), (2, 5)), own=(None, None))]
    made = decision(rows, asks, granting.grants(asks, rows))

    assert [proof.is_denied_for_another for proof in proofs(made, "rsv_0")] == [True, False]


def test_two_lines_on_one_row_show_the_second_one_short() -> None:
    rows = {1: Counter(Figures(nettable=10))}
    asks = [Ask(((1, 6), (1, 6)), own=(None, None))]
    made = decision(rows, asks, granting.grants(asks, rows))

    first, second = proofs(made, "rsv_0")
    assert (first.free, first.is_denied_for_another) == (10, True)
    assert (second.earlier, second.free, second.is_denied_for_another) == (6, 4, False)


def test_who_is_no_part_of_a_decision_has_no_proof_in_it() -> None:
    assert proofs(Decision(at=NOON, stock={}, lines=()), "rsv_0") == ()


def test_what_no_stock_limits_takes_of_its_channels_maximum_and_of_no_stock() -> None:
    guards = {"web": Claim(most=30, used=10)}
    rows = {1: Counter(Figures(nettable=5), guards=guards)}
    web = Ask(((1, 8),), own=(None,), channels=("web",), unlimited=frozenset({0}))
    asks = [
        web,
        replace(web, lines=((1, 4),), own=(4,)),
        replace(web, lines=((1, 20),), allow_partial=True),
        Ask(((1, 5),), own=(None,), channels=("",)),
    ]
    given_out = granting.grants(asks, rows)
    made = decision(rows, asks, given_out)

    assert given_out == [(8,), (4,), (8,), (5,)]
    assert is_reproduced(made)
    [last] = proofs(made, "rsv_2")
    assert (last.rule, last.allowance) == (UNLIMITED_RULE + CHANNEL_RULE, 8)
    [stocked] = proofs(made, "rsv_3")
    assert (stocked.rule, stocked.earlier, stocked.free) == (RULE + CHANNEL_RULE, 0, 5)


def test_what_is_sold_in_packs_was_granted_in_whole_ones_and_less_than_one_not_at_all() -> None:
    rows = {1: Counter(Figures(nettable=35)), 2: Counter(Figures(nettable=20))}
    twelves = Ask(((1, 36), (2, 5)), True, (None, None), packs=(12, 0))
    asks = [
        replace(twelves, lines=((1, 36), (2, 99))),
        replace(twelves, lines=((1, 5), (2, 1)), allow_partial=False, too_few=frozenset({0})),
        replace(twelves, lines=((1, 12), (1, 24)), packs=(12, 12), allow_partial=False),
    ]
    given_out = granting.grants(asks, rows)
    made = decision(rows, asks, given_out)

    assert given_out == [(24, 20), (0, 0), (0, 0)]
    assert is_reproduced(made)
    assert [one.rule for one in proofs(made, "rsv_0")] == [RULE + PACK_RULE, RULE]
    few, _ = proofs(made, "rsv_1")
    assert (few.is_too_few, few.is_denied_for_another) == (True, False)
    _, short = proofs(made, "rsv_2")
    assert (short.earlier, short.is_too_few) == (24, False)  # no pack of it was set aside
