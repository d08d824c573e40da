"""Whose orders a key may promise to that is bound to channels: those of its own (§3.6)."""

from collections.abc import Iterable

from crossdock.canonical.errors import Forbidden
from crossdock.governance.roles import Principal
from crossdock.interfaces.api.hub import Hub


async def check_orders(hub: Hub, caller: Principal, demand_refs: Iterable[str]) -> None:
    """Refuse order lines whose order is another channel's; of one not heard of, its word counts.

    A key that is bound to no channel is asked nothing.
    """
    refs = sorted(set(demand_refs) - {""}) if caller.channels else []
    if not refs:
        return
    found = await hub.allocation.channels_of(caller.scope, refs)
    for ref, channel in sorted(found.items()):
        if channel not in caller.channels:
            raise Forbidden(
                f"order line {ref!r} is channel {channel!r}'s, and key {caller.key_id} may not"
                " speak for it",
                code="channel_scope",
                hint=f"it speaks for {', '.join(sorted(caller.channels))}",
            )
