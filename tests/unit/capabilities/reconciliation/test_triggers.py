"""What happens in a warehouse that has a shelf counted: which, why, how many a day (§4.2)."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.reconciliation.count_store import Task, TaskStatus
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.capabilities.reconciliation.triggers import (
    TRIGGERS,
    Counting,
    Happened,
    counting_of,
    emptied_at,
    first_asked,
    is_late,
    is_news,
    reason_of,
    shelf_of,
)
from tests.conftest import NOON

DAY_US = 86_400_000_000
DOCK = Place(location="DOCK")
SHELF = Place(location="DC1")
PICK = StockMoved(
    movement_id="M1",
    item="BOLT",
    quantity=Quantity.of(2),
    type=MovementType.PICK,
    source_place=SHELF,
    target_place=DOCK,
)
TASK = Task(
    count_id="cnt_1", location="DC1", item="BOLT", of="A", reason="CLASS_DUE", proposed_at=NOON
)


@dataclass(frozen=True)
class Moved:
    net: int
    us: int = 10 * DAY_US
    type: str = "PICK"

    @property
    def occurred_us(self) -> int:
        return self.us


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (PICK, None),
        (replace(PICK, reason="PICK-SHORT"), CountReason.SHORT_PICK),
        (replace(PICK, reason="short: 2 of 5"), CountReason.SHORT_PICK),
        (replace(PICK, reason="shorthand"), None),
        (replace(PICK, quantity=Quantity.of(0)), CountReason.SHORT_PICK),
        (replace(PICK, type=MovementType.UNPICK, reason="Short"), CountReason.SHORT_PICK),
        (replace(PICK, type=MovementType.UNPICK, quantity=Quantity.of(0)), None),
        (replace(PICK, type=MovementType.SHIP, reason="SHORT"), None),
        (replace(PICK, type=MovementType.RECALL), CountReason.RECALL),
    ],
)
def test_a_recall_and_a_pick_that_says_short_or_nothing_ask_for_a_count(
    moved: StockMoved, expected: CountReason | None
) -> None:
    assert reason_of(moved) == expected


def test_counted_is_the_shelf_that_goods_left_and_not_where_they_went() -> None:
    unpick = replace(PICK, type=MovementType.UNPICK, source_place=DOCK, target_place=SHELF)

    assert shelf_of(PICK) == shelf_of(unpick) == ("DC1", "BOLT")
    assert shelf_of(replace(PICK, source_place=None)) == ("DOCK", "BOLT")
    assert shelf_of(replace(PICK, source_place=None, target_place=None)) is None


def test_a_shelf_is_emptied_by_what_left_it_within_a_day_and_by_no_count() -> None:
    now = datetime(1970, 1, 11, tzinfo=UTC)
    day = timedelta(days=1)
    assert emptied_at([Moved(-2), Moved(5, us=1)], now) == now
    assert emptied_at([], now) is None
    assert emptied_at([Moved(2), Moved(-5, us=1)], now) is None
    assert emptied_at([Moved(-2, type="COUNT_ADJUST")], now) is None
    assert emptied_at([Moved(-2)], now + day - timedelta(microseconds=1)) == now
    assert emptied_at([Moved(-2)], now + day) is None


def test_what_happened_a_day_ago_is_late() -> None:
    assert not is_late(NOON, NOON + timedelta(hours=23))
    assert is_late(NOON, NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("reason", "task", "expected"),
    [
        ("ZERO_BALANCE", None, True),
        ("ZERO_BALANCE", TASK, True),
        ("ZERO_BALANCE", replace(TASK, reason="ZERO_BALANCE"), False),
        ("ZERO_BALANCE", replace(TASK, reason="RECOUNT"), False),
        ("RECALL", replace(TASK, reason="ZERO_BALANCE"), True),
        ("RECALL", replace(TASK, reason="RECALL"), False),
        ("RECALL", replace(TASK, reason="RECOUNT"), False),
    ],
)
def test_what_an_open_task_will_tell_is_no_news_unless_it_may_be_withdrawn_or_is_less_urgent(
    reason: str, task: Task | None, *, expected: bool
) -> None:
    assert is_news(Happened(CountReason(reason), NOON), task, None, NOON) is expected


DONE = replace(TASK, status=TaskStatus.DONE, ended_at=NOON)
HOURS = st.integers(-30, 30).map(lambda n: timedelta(hours=n))


@given(st.sampled_from(TRIGGERS), HOURS, st.none() | HOURS, st.sampled_from([None, DONE]))
def test_a_count_tells_of_what_happened_before_it_and_a_recall_is_counted_whatever_was(
    reason: CountReason, happened: timedelta, counted: timedelta | None, task: Task | None
) -> None:
    last = None if counted is None else NOON + counted
    told = counted is not None and happened <= counted
    found = is_news(Happened(reason, NOON + happened), task, last, NOON)

    assert found == (reason is CountReason.RECALL or not told)


def test_who_refused_to_count_is_not_asked_for_the_same_for_a_day() -> None:
    short, day = Happened(CountReason.SHORT_PICK, NOON), timedelta(days=1)
    refused = replace(TASK, status=TaskStatus.REFUSED, ended_at=NOON, reason="SHORT_PICK")

    assert not is_news(short, refused, None, NOON + day / 2)
    assert is_news(short, refused, None, NOON + day)
    assert is_news(short, replace(refused, reason="CLASS_DUE"), None, NOON)
    recall = replace(refused, reason="RECALL")
    assert is_news(Happened(CountReason.RECALL, NOON), recall, None, NOON)


def test_of_two_reasons_the_more_urgent_is_told_and_the_later_time_holds() -> None:
    later = NOON + timedelta(hours=1)
    short, zero = Happened(CountReason.SHORT_PICK, NOON), Happened(CountReason.ZERO_BALANCE, later)

    assert short.beside(None) == short
    assert short.beside(zero) == zero.beside(short) == (CountReason.SHORT_PICK, later)


KEYS = st.tuples(st.sampled_from(["DC1", "DC2"]), st.text("ab", max_size=3))


@given(
    st.dictionaries(KEYS, st.sampled_from(TRIGGERS)),
    st.dictionaries(KEYS, st.sampled_from(ItemClass)),
    st.dictionaries(st.sampled_from(["DC1", "DC2"]), st.integers(-2, 5)),
)
def test_recalls_are_all_asked_for_and_of_the_rest_what_is_left_and_class_a_first(
    wanted: dict[tuple[str, str], CountReason],
    classes: dict[tuple[str, str], ItemClass],
    left: dict[str, int],
) -> None:
    chosen = first_asked(wanted, classes, left)

    assert len(set(chosen)) == len(chosen)
    capped = {key for key, reason in wanted.items() if reason is not CountReason.RECALL}
    assert wanted.keys() - capped <= set(chosen)
    chosen = [key for key in chosen if key in capped]
    asked = Counter(place for place, _ in chosen)
    for place in ("DC1", "DC2"):
        here = [key for key in capped if key[0] == place]
        assert asked[place] == min(len(here), max(0, left.get(place, 0)))
        of = {key: classes.get(key, ItemClass.A) for key in here}
        worst = max((of[key] for key in chosen if key in of), default=ItemClass.A)
        assert all(of[key] >= worst for key in here if key not in chosen)


def test_rules_of_counting_name_reasons_that_the_hub_finds_and_a_number_that_can_be() -> None:
    said = [CountReason.ZERO_BALANCE, CountReason.RECALL, CountReason.RECALL]
    assert counting_of(0, said) == Counting(
        a_day=0, when=(CountReason.RECALL, CountReason.ZERO_BALANCE)
    )
    with pytest.raises(Invalid, match="EMPTY_SHELF is nothing"):
        counting_of(1, [CountReason.EMPTY_SHELF])
    for number in (-1, 10_001):
        with pytest.raises(Invalid, match="0 to 10000"):
            counting_of(number, [])
