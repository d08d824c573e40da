"""Tenants are looked at one by one: who fails keeps no other from it, an outage ends the look."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Unavailable
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import FAILURES_MOST, each, halving


class Looking:
    def __init__(self, fails: dict[str, Exception]) -> None:
        self.fails, self.seen = fails, list[str]()

    async def look(self, scope: Scope) -> None:
        self.seen.append(scope.tenant)
        if scope.tenant in self.fails:
            raise self.fails[scope.tenant]


async def test_who_cannot_be_looked_at_keeps_no_other_and_the_first_error_is_raised() -> None:
    looking = Looking({"a": ValueError("of a"), "b": ValueError("of b")})
    with pytest.raises(ValueError, match="of a"):
        await each(["c", "b", "a"], looking.look)
    assert looking.seen == ["a", "b", "c"]


async def test_an_outage_of_the_database_ends_the_look() -> None:
    looking = Looking({"a": Unavailable("the database is gone", code="gone")})
    with pytest.raises(Unavailable):
        await each(["a", "b"], looking.look)
    assert looking.seen == ["a"]


@given(st.integers(0, 60), st.sets(st.integers(0, 59)))
async def test_what_fails_is_found_by_halves_and_keeps_nothing_else_from_being_looked_at(
    count: int, failing: set[int]
) -> None:
    seen, looks, fails = list[int](), 0, sorted(failing & set(range(count)))

    async def look(some: Sequence[int]) -> None:
        nonlocal looks
        looks += 1
        if failing & set(some):
            raise ValueError(min(failing & set(some)))
        seen.extend(some)

    errors = await halving(range(count), look)

    found = fails[:FAILURES_MOST]
    assert [error.args[0] for error in errors] == found
    end = found[-1] if len(found) == FAILURES_MOST else count
    assert seen == [one for one in range(end) if one not in failing]
    assert looks <= 1 + 2 * 6 * len(found)  # 60 are halved six times


async def test_an_outage_ends_a_look_by_halves() -> None:
    async def look(some: Sequence[int]) -> None:
        raise Unavailable(f"gone at {some[0]}", code="gone")

    with pytest.raises(Unavailable, match="gone at 0"):
        await halving([0, 1], look)
