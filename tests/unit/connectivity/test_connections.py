"""What an operator writes is understood exactly, or refused with its place."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.connections import BEGINNING, OLDEST, moment_of
from crossdock.connectivity.subscriptions import RENEW_EVERY, RETRY_AFTER, Subscription
from tests.conftest import NOON

zones = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(timezones=zones))
def test_a_moment_is_the_same_in_every_zone_or_too_old(moment: datetime) -> None:
    try:
        read = moment_of(moment.isoformat())
    except Invalid as refusal:
        assert refusal.where == "to"  # noqa: PT017 - the sentence after it is for the other case
        assert moment < OLDEST or moment > datetime(9999, 12, 30, tzinfo=UTC)
    else:
        assert read == moment


@given(st.text() | st.datetimes().map(str))
def test_a_text_that_names_no_moment_is_refused_with_its_place(text: str) -> None:
    try:
        moment = moment_of(text)
    except Invalid as refusal:
        assert (refusal.where, bool(refusal.hint)) == ("to", True)  # noqa: PT017 - the sentence after it is for the other case
    else:
        assert (moment is None) == (text == BEGINNING)


@given(st.timedeltas(timedelta(), timedelta(hours=5)), st.sampled_from(["", "refused"]))
def test_a_subscription_is_looked_at_again_sooner_when_it_failed(
    age: timedelta, error: str
) -> None:
    told = Subscription("https://a.example", NOON, error)

    assert told.is_due("https://b.example", NOON)
    pause = RETRY_AFTER if error else RENEW_EVERY
    assert told.is_due("https://a.example", NOON + age) == (age >= pause)
