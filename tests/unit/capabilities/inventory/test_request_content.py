"""What tells a repeat from another request that came with the same id."""

from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest, model
from crossdock.capabilities.inventory.incoming import content_of

keys = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=3)
requests = st.builds(
    ReservationRequest,
    st.just("R"),
    st.lists(
        st.builds(ReservationLine, keys, keys, st.integers(1, model.MICROS_MAX - 1), keys),
        min_size=1,
        max_size=3,
    ).map(tuple),
    st.sampled_from(ReservationKind),
    st.none() | st.integers(1, model.TTL_SECONDS_MAX),
    st.booleans(),
    keys,
)


@given(requests, requests)
def test_two_requests_are_one_exactly_when_they_ask_for_the_same(
    one: ReservationRequest, other: ReservationRequest
) -> None:
    assert (content_of(one, "shop") == content_of(other, "shop")) == (one == other)


def test_what_names_no_channel_is_written_as_before_there_were_any() -> None:
    line = ReservationLine("X", "DC1", 4_000_000, "W/1")
    asked = ReservationRequest("R-1", (line,), ReservationKind.HARD, None, allow_partial=False)

    assert content_of(asked, "shop") == b'["R-1",[["X","DC1",4000000,"W/1"]],"HARD",null,false]'
    assert blake2b(content_of(asked, "shop"), digest_size=8).hexdigest() == "39cc97495bf0142e"
    named = content_of(asked._replace(channel="web"), "shop")
    assert named == b'["R-1",[["X","DC1",4000000,"W/1"]],"HARD",null,false,"web"]'
