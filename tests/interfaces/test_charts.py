"""Pictures are drawn from figures, stay in their frame, say what they show; docs' are current."""

import re
import xml.etree.ElementTree as ET  # of our own making
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import NotFound
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation import RunState
from crossdock.capabilities.inventory import budget
from crossdock.capabilities.inventory.budget import Seller
from crossdock.capabilities.sourcing.shown import WaitingShown
from crossdock.interfaces.api import allocation_chart, atp_chart, backlog_chart, sourcing_chart
from crossdock.interfaces.api.budget_chart import FRAME, drawn
from crossdock.interfaces.api.chart import Frame, Scale, fitted, folded
from crossdock.interfaces.api.chart import wide as width_of
from crossdock.orchestration.processes.oversell_shown import BudgetCurve
from tests.docs.generate import (
    BACKLOG,
    DOCS,
    PICTURES,
    Difference,
    atp_of_the_how_to,
    promise_of_the_how_to,
)
from tests.docs.pictures import a_decision, a_run

TEN = Decimal(10)
AXIS_CHARACTERS = 6
"""So much fits between the edge of a picture and its axis: 52 units, of some 9 each."""
SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314  # of our own making


def words(picture: str) -> list[str]:
    return [text.text or "" for text in parsed(picture).iter(f"{SVG}text")]


def wide(label: str) -> float:
    """Count the characters; a sign, a point and a space are half as wide as a digit."""
    return sum(0.5 if one in "-. " else 1 for one in label)


def said(picture: str) -> str:
    [found] = parsed(picture).iter(f"{SVG}desc")
    return found.text or ""


def curve(item: str, per_hour: int) -> BudgetCurve:
    taken = per_hour * MICROS
    seller = Seller(name="shop", peak=taken, taken=taken, squares=taken * MICROS, order_ms=0)
    points = budget.curve([seller], Decimal(1))
    return BudgetCurve(
        item=item,
        oversell_percent=Decimal(1),
        seconds=Decimal(10),
        buffer=Decimal(budget.held_back([seller], 10_000, Decimal(1))) / MICROS,
        points=tuple((Decimal(ms) / 1000, Decimal(held) / MICROS) for ms, held in points),
    )


def test_what_was_measured_and_what_a_file_would_need_are_marked_a16() -> None:
    found = words(drawn(curve("SKU-1", 36)))

    assert "measured: 10 s, 1 held back" in found
    assert "every two hours: 92" in found


def test_a_curve_never_falls_and_stays_in_its_frame() -> None:
    [line] = parsed(drawn(curve("SKU-1", 36))).iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]

    assert points == sorted(points, key=lambda point: (point[0], -point[1]))
    assert all(FRAME.left <= x <= FRAME.end and FRAME.top <= y <= FRAME.floor for x, y in points)


def test_a_name_that_is_no_xml_and_an_item_that_nobody_buys_are_drawn_too() -> None:
    found = words(drawn(curve("<b> & co", 0)))

    assert any("<b> & co" in text for text in found)
    assert "every two hours: 0" in found


@given(st.lists(st.decimals(-(10**9), 10**9, places=3), max_size=5))
def test_a_scale_takes_in_every_amount_and_zero_between_round_lines(
    amounts: list[Decimal],
) -> None:
    frame = Frame()
    scale = Scale.of(frame, amounts)
    ticks = list(scale.ticks())

    assert 2 <= len(ticks) <= 9
    assert Decimal(0) in ticks
    assert all(frame.top <= scale.y(amount) <= frame.floor for amount in [Decimal(0), *amounts])


@given(st.integers(-(10**13), 10**13), st.integers(0, 10**13))
def test_what_is_said_of_pieces_beside_the_axis_fits_and_is_read_back(
    one: int, other: int
) -> None:
    scale = Scale.of(Frame(), [one, other])
    said_there = [scale.said(amount) for amount in scale.ticks()]
    factors = {"": 1, "k": 10**3, "M": 10**6, "bn": 10**9, "tn": 10**12}

    assert max(map(wide, said_there)) <= AXIS_CHARACTERS
    read = [text.partition(" ")[::2] for text in said_there]
    assert [Decimal(amount) * factors[unit] for amount, unit in read] == list(scale.ticks())


def test_large_amounts_beside_the_axis_are_written_short() -> None:
    def last(most: int) -> str:
        scale = Scale.of(Frame(), [most])
        return scale.said(scale.most)

    assert [last(most) for most in (80_000, 200_000, 1_000_000, 4_000_000_000)] == [
        "80000", "200 k", "1 M", "4 bn",
    ]  # fmt: skip


@given(st.text(min_size=1, max_size=20))
def test_whatever_an_item_is_called_its_picture_can_be_read(name: str) -> None:
    parsed(drawn(curve(name, 36)))
    parsed(atp_chart.drawn(replace(atp_of_the_how_to(), item=name)))
    parsed(backlog_chart.drawn([Difference(name, "> 7 d", TEN)]))
    run, decision = a_run(), a_decision()
    lines = tuple(replace(line, demand_ref=name, channel=name) for line in run.lines)
    parsed(allocation_chart.drawn(replace(run, item=name, unit=name, lines=lines)))
    reasons = tuple(replace(reason, node=name, why=name) for reason in decision.reasons)
    parsed(sourcing_chart.drawn(replace(decision, reasons=reasons)))


def test_a_character_that_cannot_be_written_is_replaced() -> None:
    [title] = parsed(
        atp_chart.drawn(replace(atp_of_the_how_to(), item="B\x00O\x1bL\ud800T"))
    ).iter(f"{SVG}title")

    assert (title.text or "").startswith("B\ufffdO\ufffdL\ufffdT at DC1")


def test_the_year_is_said_where_it_changes() -> None:
    answer = atp_of_the_how_to()
    [first, *_] = answer.buckets
    late = [first._replace(day=date(2026, 12, 30)), first._replace(day=date(2027, 1, 3))]
    found = words(atp_chart.drawn(replace(answer, buckets=tuple(late))))

    assert [text for text in found if re.match(r"\d+ \w{3}", text)] == [
        "30 Dec", "31 Dec", "1 Jan 27", "2 Jan", "3 Jan", "4 Jan", "5 Jan",
    ]  # fmt: skip
    assert "day on which it leaves, 2026" in found


def test_an_answer_by_date_is_drawn_and_said_in_words() -> None:
    picture = atp_chart.drawn(atp_of_the_how_to())

    assert {"comes", "due", "balance", "can be promised", "EA", "4 May"} <= set(words(picture))
    assert said(picture).startswith(
        "from 2026-05-04 on 5 EA can be promised (comes 0, due 0, balance 40)"
    )
    assert "on 45 EA" in said(picture)
    assert len(list(bars(picture))) == 3  # two supplies that count, one demand


def test_a_promise_by_date_is_drawn_beside_what_it_was_made_from() -> None:
    kept = promise_of_the_how_to()
    picture = atp_chart.of_promise(kept)

    assert "60 EA of BOLT at DC1: promised, by day" in words(picture)
    assert "promised" in words(picture)
    leaves = "5 EA leave on 2026-05-04; 40 EA leave on 2026-05-07; 15 EA leave on 2026-05-09"
    assert said(picture).startswith(f"{leaves}; from 2026-05-04 on 5 EA can be promised")
    assert picture.count('<rect class="o2"') == 1 + 3  # the legend's, and three parts
    assert "60 EA of BOLT at DC1: promised, by day" in words(
        atp_chart.of_promise(replace(kept, lines=kept.lines[:1]))
    )


def test_a_refused_promise_is_drawn_with_its_reason_and_a_line_that_is_not_there_is_told() -> None:
    kept = promise_of_the_how_to()
    proof = replace(kept.proof, reasons=("not all of it can leave by 2026-05-05",))
    refused = replace(kept, is_granted=False, lines=(), proof=proof)

    picture = atp_chart.of_promise(refused)
    assert "60 EA of BOLT at DC1: not promised" in words(picture)
    assert said(picture).startswith("not all of it can leave by 2026-05-05; from 2026-05-04")
    for_another = replace(refused, proof=replace(proof, reasons=("",)))
    assert said(atp_chart.of_promise(for_another)).startswith("another line of it was refused")
    for number in (0, 2):
        with pytest.raises(NotFound, match=f"prm_019 has no line {number}"):
            atp_chart.of_promise(kept, number)


def test_a_balance_below_zero_is_drawn_below_the_line() -> None:
    answer = atp_of_the_how_to()
    short = [bucket._replace(pab=-30 * MICROS) for bucket in answer.buckets]
    picture = atp_chart.drawn(replace(answer, buckets=tuple(short)))

    heights = [float(y) for y in re.findall(r'class="band" d="M60 ([\d.]+)', picture)]
    assert max(heights) <= atp_chart.FRAME.floor
    assert "-50" in words(picture)


def bars(picture: str) -> Iterator[ET.Element]:
    for one in parsed(picture).iter(f"{SVG}rect"):
        if one.attrib["class"] in {"c0", "o1"} and one.attrib["width"] != "12":
            yield one


def test_differences_are_drawn_by_cause_with_the_most_money_first() -> None:
    picture = backlog_chart.drawn(BACKLOG)
    found = words(picture)

    causes = [text for text in found if text.isupper()]
    assert causes == ["MSG_REJECTED", "UOM", "MSG_DUP", "UNKNOWN", "STATUS_MAP"]
    assert {"2 520", "0-4 h", "> 7 d", "at risk"} <= set(found)
    assert said(picture).startswith("MSG_REJECTED: 3 open, 2520 at risk, 2 of 0-4 h, 1 of 4-24 h")


def test_of_two_ages_the_older_one_is_the_taller_bar() -> None:
    every = [Difference("UOM", age, TEN) for age in backlog_chart.AGES]
    [*marks_and_bars] = parsed(backlog_chart.drawn(every)).iter(f"{SVG}rect")
    high = [int(one.attrib["height"]) for one in marks_and_bars[1:]]

    marks, drawn_bars = high[: len(every)], high[len(every) :]
    assert marks == sorted(set(marks))
    assert drawn_bars == sorted(set(drawn_bars))


def test_an_empty_backlog_is_drawn_too() -> None:
    assert said(backlog_chart.drawn([])) == "no difference is open"


def test_a_value_that_nobody_knows_is_not_drawn_as_nothing() -> None:
    unknown = Difference("UNKNOWN", "> 7 d", None)
    alone = backlog_chart.drawn([unknown])
    with_known = backlog_chart.drawn([unknown, unknown, Difference("UNKNOWN", "> 7 d", TEN)])
    nothing = backlog_chart.drawn([Difference("UNKNOWN", "> 7 d", Decimal(0))])

    assert said(alone) == "UNKNOWN: 1 open, value unknown, 1 of > 7 d"
    assert "unknown" in words(alone)
    assert said(with_known) == ("UNKNOWN: 3 open, 10 at risk and 2 of unknown value, 3 of > 7 d")
    assert "≥ 10" in words(with_known)
    assert (said(nothing), words(nothing).count("0")) == (
        "UNKNOWN: 1 open, 0 at risk, 1 of > 7 d",
        1,
    )


def test_of_more_differences_than_are_drawn_the_most_valuable_are_and_it_is_said() -> None:
    most = backlog_chart.DRAWN_MAX
    many = [Difference("UOM", "1-3 d", TEN)] * most
    cheap, unknown = Difference("COUNT", "1-3 d", Decimal(9)), Difference("NEW", "1-3 d", None)

    for one_more in (cheap, unknown):
        cut = backlog_chart.drawn([one_more, *many])
        assert said(cut).startswith(f"of the {most} of most value: UOM: {most} open")
        assert f"number of open differences, by age, of the {most} of most value" in words(cut)
        assert one_more.cause not in words(cut)
    assert "of most value" not in said(backlog_chart.drawn(many))


def test_a_run_is_drawn_line_by_line_before_and_after_with_strategy_and_reason() -> None:
    picture = allocation_chart.drawn(a_run())
    found = words(picture)

    assert found[0] == "BOLT at DC1: of 40 EA, 20 EA gained and 20 EA lost, simulated"
    assert {"1001/1 of web", "2 → 14 of 16 EA"} <= set(found)
    assert "IMPROVE, priority 500: the rest is kept for others" in found
    assert "LOSE, priority 900: it gives up what it had" in found
    assert said(picture).startswith(
        "run_019: 2001/1 of key 4 → 12 of 12 EA, WIN, priority 1: all of it is confirmed; "
    )


def test_a_refused_run_says_what_is_owed_and_a_run_of_no_lines_is_drawn_too() -> None:
    refused = replace(a_run(), state=RunState.REFUSED, owed=50 * MICROS)
    empty = replace(a_run(), lines=())

    assert (
        words(allocation_chart.drawn(refused))[0]
        == "BOLT at DC1: refused, 50 EA are owed and 40 EA are there"
    )
    assert said(allocation_chart.drawn(empty)) == "run_019: no order line is open there"


def test_of_more_lines_than_are_drawn_those_that_change_are_and_the_rest_is_counted() -> None:
    run = a_run()
    changed, kept = run.lines[0], run.lines[1]
    lines = (*(kept,) * allocation_chart.DRAWN_MAX, changed)
    found = words(allocation_chart.drawn(replace(run, lines=lines)))

    assert "in the order of their turn; 1 more lines are not drawn" in found
    assert found.count("2001/1 of key") == 1


def test_a_decision_is_drawn_with_what_each_node_ships_and_why_the_others_do_not() -> None:
    picture = sourcing_chart.drawn(a_decision())
    found = words(picture)
    lasts = [text for text in found if text.startswith(("taken:", "passed over:", "barred:"))]

    assert lasts == [
        "taken: FEWEST_SHIPMENTS",
        "taken: FEWEST_SHIPMENTS",
        "passed over: FEWEST_SHIPMENTS",
        "barred: CAPABILITY",
    ]
    assert {"line 1: 4 of 12 EA BOLT", "line 1: 8 of 12 EA BOLT"} <= set(found)
    assert {"leaves 2026-05-04, arrives 2026-05-05, costs 4.9, 30 km", "it lacks SHIP"} <= set(
        found
    )
    assert "STORE-7 barred (CAPABILITY): it lacks SHIP" in said(picture)


def test_what_waits_and_what_is_too_much_to_draw_is_said_in_a_decision() -> None:
    decision = a_decision()
    most = sourcing_chart.NODES_DRAWN_MAX
    [first, *_] = decision.shipments
    many = replace(
        decision,
        shipments=(replace(first, parts=first.parts[:1] * 9),),
        waiting=(WaitingShown(line_no=2, item="NUT", quantity=Quantity.of(3), node="DC1"),) * 8,
        reasons=decision.reasons[:1] * (most + 2),
    )
    found = words(sourcing_chart.drawn(many))

    assert "waits at DC1: 3 EA of NUT (line 2)" in found
    assert {"2 more lines wait", "2 more nodes are not drawn"} <= set(found)
    assert "3 more parts are not drawn" in found


@given(st.text(max_size=80), st.integers(20, 400))
def test_words_are_shortened_to_their_room_and_broken_into_no_more_lines_than_asked(
    name: str, room: int
) -> None:
    assert width_of(fitted(name, room)) <= room
    lines = folded(name, room, most=3)
    assert len(lines) <= 3
    assert all(width_of(line) <= room for line in lines)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_a_title_words_for_who_cannot_see_it_and_colours_for_the_dark(
    name: str,
) -> None:
    picture = PICTURES[name]()
    [title] = parsed(picture).iter(f"{SVG}title")

    assert title.text
    assert said(picture)
    assert "prefers-color-scheme:dark" in picture
    assert not re.search(r"(?:href|src|url)\s*[=(]", picture)


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_documentation_are_current(name: str) -> None:
    assert (DOCS / "images" / name).read_text() == PICTURES[name](), "run `make docs`"
