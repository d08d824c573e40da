"""Dialling a PostgreSQL: one address after the other, and at each every line that it may be."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg

from crossdock.canonical.errors import Unavailable

Ways = Sequence[Mapping[str, Any]]
"""Over what one address is spoken to, in turn, as arguments of the driver."""
Connect = Callable[..., Awaitable[Any]]

# In the driver's words; only this says of a server that it has no TLS.
_WITHOUT_TLS = "rejected SSL upgrade"


async def dial(places: Sequence[Ways], connect: Connect, seconds_max: float) -> Any:
    """Connect to the first that answers, each within its time; who refuses the login ends it."""
    problem: Exception = Unavailable("there is no address to dial")
    for ways in places:
        try:
            async with asyncio.timeout(seconds_max):
                return await _over_any(ways, connect)
        except (OSError, asyncpg.TargetServerAttributeNotMatched) as error:
            problem = error
    raise problem


async def _over_any(ways: Ways, connect: Connect) -> Any:
    *before, last = ways
    broken: Exception | None = None
    for way in before:
        try:
            return await connect(**way)
        except (TimeoutError, asyncpg.InvalidPasswordError):
            raise  # whoever delays a line is not spoken to plainly, nor who refused the login
        except (OSError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            broken = error
    try:
        return await connect(**last)
    except asyncpg.InvalidPasswordError:
        raise
    except asyncpg.InvalidAuthorizationSpecificationError:
        # A server that takes one line alone refuses the other: what failed is the first.
        if broken is None or _WITHOUT_TLS in str(broken):
            raise
        raise broken from None
