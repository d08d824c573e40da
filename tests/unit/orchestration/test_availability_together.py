"""Members of one group are shown together no more than their group leaves of them (I3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.inventory.protection import Claim
from crossdock.orchestration.processes.availability_places import fellows
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.availability_together import (
    Together,
    places_of,
    shared_by,
    together,
)

GROUPS = {("t", "a"): "g", ("t", "b"): "g", ("t", "c"): "h"}


def row(*places: str) -> dict[str, object]:
    return {
        "tenant": "t",
        "item": "x",
        "source_locations": list(places),
        "group_of": fellows("t", places, GROUPS),
    }


@given(st.lists(st.integers(0, 20), min_size=2, max_size=5), st.integers(0, 60), st.data())
def test_what_members_have_together_is_all_that_their_groups_promises_can_do_without(
    own: list[int], owed: int, data: st.DataObject
) -> None:
    sold = data.draw(st.integers(2, len(own)))
    left = max(0, sum(own) - owed)
    pools = tuple(Pool(free=min(one, left)) for one in own[:sold])

    found = Together(pools, Pool(free=left))

    # What the members that are not sold from cannot give of what is owed comes from the others.
    missing = max(0, owed - sum(own[sold:]))
    assert found.free == found.there_is == max(0, sum(own[:sold]) - missing)
    assert found.free_to("shop") == found.free


def test_what_is_kept_for_others_at_a_member_goes_off_what_the_group_leaves() -> None:
    claims = {"b2b": Claim(least=5, most=None)}
    group, own = Pool(free=6), (Pool(free=6, claims=claims), Pool(free=2))

    assert Together(own, group).free_to("shop") == 1
    assert Together(own, group).free_to("b2b") == 6
    assert Together(own).free_to("shop") == 3


def test_a_maximum_at_a_member_does_not_keep_it_from_what_others_have() -> None:
    claims = {"shop": Claim(least=0, most=2)}

    found = Together((Pool(free=6, claims=claims), Pool(free=2)), Pool(free=6))

    assert found.free_to("shop") == 4


def test_what_is_too_old_counts_once_as_well() -> None:
    own = Pool(free=3, short_dated=5), Pool(free=2, short_dated=0)

    found = Together(own, Pool(free=3, short_dated=6))

    assert (found.free, found.there_is) == (3, 9)


def test_only_places_of_which_a_fellow_is_sold_from_are_put_side_by_side() -> None:
    pools = {
        ("t", "x", place): Pool(free=free) for place, free in {"a": 6, "c": 4, "g": 6}.items()
    }
    assert together(row("a", "c"), pools) == [
        Together((Pool(free=6),)),
        Together((Pool(free=4),)),
    ]
    assert places_of(row("a", "c")) == ["a", "c"]

    pools["t", "x", "b"] = Pool(free=2)
    assert together(row("a", "b", "c"), pools) == [
        Together((Pool(free=6), Pool(free=2)), Pool(free=6)),
        Together((Pool(free=4),)),
    ]
    assert places_of(row("a", "b", "c")) == ["a", "b", "c", "g"]


@pytest.mark.parametrize(("mode", "left"), [("PERCENT", 3), ("PARTITION", 3), ("POOL", 6)])
def test_a_share_is_of_what_a_member_has_beside_its_part_of_what_the_group_owes(
    mode: str, left: int
) -> None:
    pools = {
        ("t", "x", "a"): Pool(free=6, for_shares=Pool(free=3)),
        ("t", "x", "c"): Pool(free=4),
    }
    of = {**row("a", "c", "d"), "share_mode": mode}

    [one, other] = together(of, shared_by(of, pools))

    assert (one.free, other.free) == (left, 4)
