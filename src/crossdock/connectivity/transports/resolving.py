"""Where a name leads: looked up once, and none of it dialled unless all of it may be called."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from crossdock.canonical.errors import Unavailable
from crossdock.connectivity.transports.addresses import is_callable_address

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver for every address of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def callable_addresses(
    host: str,
    port: int,
    *,
    resolver: Resolver,
    allow_private_addresses: bool,
    seconds_max: float | None,
) -> Sequence[str]:
    """Look a name up and check every answer; the caller dials these, and not the name."""
    try:
        async with asyncio.timeout(seconds_max):
            addresses = await resolver(host, port)
    except (OSError, UnicodeError) as problem:
        said = str(problem) or type(problem).__name__
        raise Unavailable(f"{host} cannot be resolved: {said}") from problem
    if not addresses:
        raise Unavailable(f"{host} has no address")
    for address in addresses:
        # One bad address among good ones is how a name is turned round between two look-ups.
        if not is_callable_address(address, allow_private_addresses=allow_private_addresses):
            raise Unavailable(
                f"{host} is at {address}, which is not a public address",
                code="address_refused",
                hint="If the system is yours, set CROSSDOCK_ALLOW_PRIVATE_ADDRESSES=true; "
                "it holds for every connection.",
            )
    return addresses
