"""A question's turn at a connection: it shares the rate that deliveries take theirs from."""

from datetime import timedelta

from crossdock.canonical.errors import Busy, Unavailable
from crossdock.connectivity import claiming
from crossdock.connectivity.claiming import Limits
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Circuit, Entry
from crossdock.connectivity.pacing import next_call_at
from crossdock.foundation.scope import Scope

PLANNED = """
update connection_health set next_call_at = $3 where tenant = $1 and connection = $2
"""


async def take_turn(around: Surroundings, scope: Scope, entry: Entry, requests: int) -> None:
    """Take so many requests out of the connection's rate.

    Raises `Busy` if it is used up just now, `Unavailable` if the connection is paused or down.
    """
    application = around.directory.application_of(entry)
    limits = Limits(application.rate_per_second, application.concurrency, application.batch_max)
    now = around.ports.clock.now()
    async with around.database.transaction(scope) as tx:
        held = await claiming.hold(tx, entry.tenant, entry.name, limits)
        if held is None:
            raise Busy(f"{entry.name} is busy", retry_after=claiming.SOON)
        if held.is_paused or held.health.circuit is not Circuit.CLOSED:
            raise Unavailable(f"{entry.name} is paused or does not answer")
        may_call, next_at = next_call_at(held.next_call_at, now, held.rate_per_second)
        if not may_call:
            raise Busy(f"{entry.name} was asked enough", retry_after=next_at - now)
        until = next_at + timedelta(seconds=(requests - 1) / held.rate_per_second)
        await tx.execute(PLANNED, tx.tenant, entry.name, until)
