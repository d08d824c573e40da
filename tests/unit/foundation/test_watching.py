"""Tenants are looked at one by one: who fails keeps no other from it, an outage ends the look."""

import pytest

from crossdock.canonical.errors import Unavailable
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import each


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
