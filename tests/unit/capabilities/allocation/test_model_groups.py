"""Which group or channel a demand counts for, and what each may have then: beside a naive way."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import NO_GROUPS, AllocationGroups
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.allocation.groups import (
    MEMBERS_MAX,
    AllocationGroup,
    by_every_name,
    check,
)
from crossdock.capabilities.inventory import Figures
from crossdock.capabilities.inventory.granting import Ask, Counter, grants
from crossdock.capabilities.inventory.protection import Claim, shown_of

CHANNELS = ("web", "app", "north", "key", "fax")
CUSTOMERS = ("", "METRO", "EDEKA", "REWE")
NAMES = ("key", "online", "branch")


def test_a_demand_counts_for_its_customers_group_then_its_channels_then_its_channel() -> None:
    groups = AllocationGroups({"web": "online", "online": "online"}, {"METRO": "key"})

    assert groups.of("web", "METRO") == "key"
    assert groups.of("fax", "METRO") == "key"
    assert groups.of("web", "EDEKA") == "online"
    assert groups.of("web") == "online"
    assert groups.of("fax", "EDEKA") == "fax"
    assert NO_GROUPS.of("web", "METRO") == "web"


def test_a_channel_that_is_called_as_a_group_is_in_it() -> None:
    groups = AllocationGroups({"web": "online", "online": "online"})

    assert groups.members("online") == {"online", "web"}
    assert groups.members("fax") == {"fax"}
    assert groups.members("web") == frozenset()


def test_a_customer_is_in_the_group_of_each_of_his_names() -> None:
    names = {"METRO": ("P1", "METRO", "K-17"), "EDEKA": ("EDEKA",)}

    found = by_every_name({"METRO": "key", "EDEKA": "branch"}, names)

    assert found == {"P1": "key", "METRO": "key", "K-17": "key", "EDEKA": "branch"}


@pytest.mark.parametrize(
    ("said", "group"),
    [({"P1": "b", "METRO": "a"}, "b"), ({"METRO": "a", "K-17": "b"}, "b"), ({"METRO": "a"}, "a")],
)
def test_of_two_customers_who_turn_out_to_be_one_the_same_group_always_holds(
    said: dict[str, str], group: str
) -> None:
    names = {name: ("P1", name, *({"K-17", "METRO"} - {name})) for name in said}

    assert by_every_name(said, names) == dict.fromkeys(("P1", "K-17", "METRO"), group)


@pytest.mark.parametrize(
    ("group", "where", "why"),
    [
        (AllocationGroup(name=" ", channels=("web",)), "/name", "has a name"),
        (AllocationGroup(name="a\0", channels=("fax",)), "/name", "never holds NUL"),
        (AllocationGroup(name="a", channels=("f\0",)), "/name", "never holds NUL"),
        (AllocationGroup(name="a", customers=("M\0",)), "/name", "never holds NUL"),
        (AllocationGroup(name="online"), "/channels", "neither a channel nor a customer"),
        (AllocationGroup(name="b", channels=("web",)), "/channels", "channel web is in"),
        (AllocationGroup(name="b", channels=("online",)), "/channels", "channel online is in"),
        (AllocationGroup(name="web", channels=("fax",)), "/channels", "channel web is in"),
        (
            AllocationGroup(name="b", customers=tuple(map(str, range(MEMBERS_MAX)))),
            "/customers",
            "1000 members together at most",
        ),
    ],
)
def test_what_would_not_be_certain_is_refused(
    group: AllocationGroup, where: str, why: str
) -> None:
    others = [AllocationGroup(name="online", channels=("web",))]

    with pytest.raises(Invalid, match=why) as refused:
        check(group, others)

    assert refused.value.where == where


def test_groups_that_have_nobody_in_common_may_be() -> None:
    check(
        AllocationGroup(name="b", channels=("fax",), customers=("METRO",)),
        [AllocationGroup(name="online", channels=("web",), customers=("EDEKA",))],
    )


class Said(NamedTuple):
    """A maximum and minimum of a group, or of a channel that is in none."""

    least: int
    most: int | None


class Demand(NamedTuple):
    channel: str
    customer: str
    pieces: int


def naive_of(groups: list[AllocationGroup], channel: str, customer: str) -> str:
    """Look through every group, as the law words it."""
    for group in groups:
        if customer and customer in group.customers:
            return group.name
    for group in groups:
        if channel in group.channels or channel == group.name:
            return group.name
    return channel


def naive_left(pool: int, said: dict[str, Said], had: list[tuple[str, int]], whose: str) -> int:
    """avail(g) = max(0, min(PAL_g - used_g, pool - Σ_{h≠g} max(0, SUP_h - consumed_h)))."""
    used = {name: sum(pieces for of, pieces in had if of == name) for name in said}
    kept = 0
    for name, one in said.items():
        if name != whose:
            kept += max(0, one.least - used[name])
    left = pool - kept
    mine = said.get(whose)
    if mine is not None and mine.most is not None:
        left = min(left, mine.most - used[whose])
    return max(0, left)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[AllocationGroup], dict[str, Said]]:
    """Put each channel and customer into one group or none, and say something of some names."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    free = [one for one in CHANNELS if one not in names]
    of = {one: draw(st.sampled_from([*names, ""])) for one in (*free, *CUSTOMERS[1:])}
    groups = [
        AllocationGroup(
            name=name,
            channels=tuple(one for one in free if of[one] == name),
            customers=tuple(one for one in CUSTOMERS[1:] if of[one] == name),
        )
        for name in names
    ]
    alone = [one for one in free if not of[one]]
    subjects = draw(st.lists(st.sampled_from([*names, *alone]), unique=True))
    amounts = st.tuples(st.integers(0, 30), st.none() | st.integers(0, 40))
    return groups, {one: Said(*draw(amounts)) for one in subjects}


demands = st.builds(
    Demand, st.sampled_from(CHANNELS), st.sampled_from(CUSTOMERS), st.integers(1, 40)
)


@given(worlds(), st.integers(0, 120), st.lists(demands, max_size=8))
def test_each_gets_what_the_naive_way_leaves_its_group(
    world: tuple[list[AllocationGroup], dict[str, Said]], pool: int, asked: list[Demand]
) -> None:
    made, said = world
    of = {customer: one.name for one in made for customer in one.customers}
    channels = {name: one.name for one in made for name in (one.name, *one.channels)}
    groups = AllocationGroups(channels, by_every_name(of, {}))
    guards = {
        name: Claim(least=one.least, most=one.most, channels=groups.members(name))
        for name, one in said.items()
    }
    for channel in CHANNELS:
        whose = naive_of(made, channel, "")
        assert shown_of(pool, channel, guards) == naive_left(pool, said, [], whose)
    asks = [
        Ask(((0, one.pieces),), allow_partial=True, channel=groups.of(one.channel, one.customer))
        for one in asked
    ]

    got = grants(asks, {0: Counter(Figures(nettable=pool), guards=guards)})

    left, had = pool, list[tuple[str, int]]()
    for one, (pieces,) in zip(asked, got, strict=True):
        whose = naive_of(made, one.channel, one.customer)
        assert pieces == min(one.pieces, naive_left(left, said, had, whose))
        left -= pieces
        had.append((whose, pieces))
