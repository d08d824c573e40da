"""Whom a key may promise to that is bound to channels: their orders, and nobody else (§3.6)."""

from collections.abc import Iterable

from crossdock.canonical.errors import Forbidden
from crossdock.governance.roles import Principal
from crossdock.interfaces.api.hub import Hub


def check_customer(caller: Principal, customer: str) -> None:
    """Refuse a customer's maximum and minimum to a key that is bound to those of its channels."""
    if customer and caller.channels:
        raise Forbidden(
            f"key {caller.key_id} speaks for its channels, and may not name customer {customer!r}",
            code="channel_scope",
            hint=f"leave `customer` out: it speaks for {', '.join(sorted(caller.channels))}",
        )


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
