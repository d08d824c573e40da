"""A clock that is wrong is told from one whose answers are merely cut to the second, or old."""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation import skew
from crossdock.foundation.health import State, check_others_clocks
from crossdock.foundation.skew import GRAIN, ahead
from tests.conftest import NOON

MOMENTS = st.timedeltas(timedelta(), timedelta(days=9999)).map(NOON.__add__)
SHORT = st.timedeltas(timedelta(), timedelta(seconds=30))
SKEWS = st.timedeltas(timedelta(days=-400), timedelta(days=400))


@given(MOMENTS, SHORT, SHORT, SKEWS)
def test_a_clock_is_never_said_to_be_further_off_than_it_is(
    sent: datetime, there: timedelta, back: timedelta, off: timedelta
) -> None:
    """Whenever between the two moments it was asked, and however its answer was cut."""
    said = (sent + there + off).replace(microsecond=0)

    found = ahead(said, sent, sent + there + back)

    assert abs(found) <= abs(off)
    assert abs(off - found) <= there + back + GRAIN


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Mon, 04 May 2026 12:00:00 -0000",
        "Mon, 04 May 99999 12:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2300",
        "Mon, 04 May 2026 12:00:00 +9999",
        "\x00",
    ],
)
def test_a_date_that_cannot_be_read_says_nothing(date: str) -> None:
    with skew.listening() as heard:
        skew.hear({"date": date}, NOON, NOON)

    assert heard == []


@given(st.text())
def test_no_date_stops_an_answer(date: str) -> None:
    with skew.listening():
        skew.hear({"date": date}, NOON, NOON)


def test_what_a_cache_kept_says_nothing_and_nobody_listens_outside_the_block() -> None:
    date = format_datetime(NOON - timedelta(hours=1), usegmt=True)
    with skew.listening() as heard:
        skew.hear({"date": date, "age": "3600"}, NOON, NOON)
        assert heard == []
        skew.hear({"date": date}, NOON, NOON)
        assert heard == [GRAIN - timedelta(hours=1)]
    skew.hear({"date": date}, NOON, NOON)

    assert len(heard) == 1


def test_where_all_are_apart_it_is_we_and_where_some_are_it_may_be_they() -> None:
    hour, well = timedelta(hours=1), timedelta()

    [all_apart] = check_others_clocks({"a": [hour], "b": [hour + well, hour], "silent": []})
    [some_apart] = check_others_clocks({"a": [hour], "b": [well]})
    [one_alone] = check_others_clocks({"a": [hour]})
    [at_odds] = check_others_clocks({"a": [hour], "b": [-hour]})

    assert (all_apart.state, some_apart.state) == (State.FAIL, State.WARN)
    assert all_apart.detail == (
        "a is 3600 s ahead of this machine, b is 3600 s ahead of this machine"
    )
    assert some_apart.detail == "a is 3600 s ahead of this machine"
    assert (one_alone.state, at_odds.state) == (State.WARN, State.WARN)
    assert at_odds.detail.endswith("b is 3600 s behind this machine")
    assert "cannot be told" in one_alone.fix
    assert check_others_clocks({"a": [hour, well]})[0].state is State.OK
    assert check_others_clocks({"silent": []}) == []
    assert check_others_clocks({"a": [well]})[0].state is State.OK


def test_the_kernel_says_whether_it_is_kept_or_nothing() -> None:
    assert skew.is_kept() in {True, False, None}
