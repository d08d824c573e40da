"""What tells a repeat from another request that came with the same id."""

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
)


@given(requests, requests)
def test_two_requests_are_one_exactly_when_they_ask_for_the_same(
    one: ReservationRequest, other: ReservationRequest
) -> None:
    assert (content_of(one) == content_of(other)) == (one == other)
