"""When places work, said as whoever plans what leaves them is told."""

from crossdock.assembly import Hub
from crossdock.capabilities.supply import AtpRule, PlacedRule

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


async def open_every_day(hub: Hub, location: str, *, cutoff: str = "") -> None:
    rule = AtpRule(weekdays="".join(map(str, EVERY_DAY)), cutoff=cutoff)
    await hub.supply.put_rule(hub.scope, PlacedRule(location=location, rule=rule), by="test")
