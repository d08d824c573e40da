"""The drift of the demo's day: an ERP refuses one receipt; found, explained, healed by evening."""

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from crossdock.canonical.quantities import plain
from crossdock.connectivity.transports.http import checked
from crossdock.interfaces.cli.demo_world import ERP, WEST, World

HOUR = 3600.0
RECEIPTS = tuple((HOUR * (1.5 + n), f"PART-{7 * n + 3:02}", 24 + 6 * n) for n in range(5))
"""When the trucks come to the second warehouse, with what, and how much of it."""
CLOSED_FROM, CLOSED_UNTIL = 3 * HOUR, 4 * HOUR
"""For an hour before noon the ERP's period is closed: what comes then is not entered there."""
UNIT_COST = Decimal("12.50")
APART = timedelta(minutes=31)
"""A difference counts once it is still there in a later dump (§4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What the evening found. Amounts are pieces; `value` is money, in the functional currency.

    `document` is the booking that the ERP refused; `resent` says how many were sent again, and
    `agrees` whether the ERP's dump after that is the hub's ledger.
    """

    item: str
    location: str
    ours: Decimal
    theirs: Decimal
    explained: Decimal
    unexplained: Decimal
    cause: str
    because: str
    document: str
    value: Decimal
    compared: int
    suspected: int
    resent: int
    theirs_after: Decimal
    agrees: bool


def trouble_of(drift: Drift | None) -> str:
    """Say what of the evening did not go as it has to; empty: all of it did."""
    if drift is None:
        return "the ERP lacks a receipt, and comparing its stock report did not find it"
    if not drift.resent:
        return f"{drift.item} at {drift.location} was found, and nothing could be sent again"
    if not drift.agrees:
        return f"{drift.item} at {drift.location} was sent again, and the ERP still differs"
    return ""


@dataclass(slots=True)
class Trucks:
    """Brings goods to the second warehouse, and closes the ERP's period for an hour."""

    came: int = 0

    @property
    def due_at(self) -> float:
        return RECEIPTS[self.came][0] if self.came < len(RECEIPTS) else float("inf")

    async def play(self, world: World, end: float) -> bool:
        world.erp.books.is_closed = CLOSED_FROM <= end < CLOSED_UNTIL
        begun = self.came
        while self.due_at <= end:
            _, item, pieces = RECEIPTS[self.came]
            world.west.receive(item, pieces)
            self.came += 1
        await world.west.work()
        return self.came > begun


async def evening(world: World) -> Drift | None:
    """Compare the ERP's dump with the ledger, twice; send again what it lacks; compare once more.

    All of it by the hub's own API, as somebody at the company would.
    """
    await _compared(world)
    await world.clock.advance(APART)
    run = await _compared(world)
    listed = await _asked(world, "GET", "/v1/reconciliations/findings?state=CONFIRMED")
    if not listed["findings"]:
        return None
    one = listed["findings"][0]
    healed = await _asked(world, "POST", "/v1/reconciliations/heal", {"against": ERP})
    await world.hub.settle()
    await world.clock.advance(APART)
    after = await _compared(world)
    documents = one["evidence"]["documents"]
    return Drift(
        item=one["item"],
        location=one["location"],
        ours=Decimal(one["ours"]),
        theirs=Decimal(one["theirs"]),
        explained=Decimal(one["explained"]),
        unexplained=Decimal(one["unexplained"]),
        cause=one["cause"],
        because=one["because"],
        document=documents[0]["reference"] if documents else "",
        value=Decimal(one["value_at_risk"]),
        compared=run["compared"],
        suspected=run["suspected"] + run["confirmed"],
        resent=healed["sent"],
        theirs_after=Decimal(plain(world.erp.books.on_hand()[one["item"]])),
        agrees=0 < after["compared"] == after["alike"],
    )


async def _compared(world: World) -> dict[str, Any]:
    """Hand in what the ERP's own stock report says now."""
    lines = [
        {"item": item, "location": WEST, "quantity": plain(held), "unit_cost": str(UNIT_COST)}
        for item, held in world.erp.books.on_hand().items()
    ]
    said = {
        "against": ERP,
        "lines": lines,
        "as_of": world.clock.now().isoformat(),
        "is_full": True,
    }
    return await _asked(world, "POST", "/v1/reconciliations", said)


async def _asked(
    world: World, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {world.owner_key}", "content-type": "application/json"}
    response = await world.api.request(
        method, path, headers=headers, body=b"" if body is None else json.dumps(body).encode()
    )
    answer: dict[str, Any] = json.loads(checked(response).body)
    return answer
