"""What a Tryton user has today: stock assigned by Tryton itself, one shipment or many in a call.

`crossdock bench peers` sets this beside the hub. Nothing here needs a hub; it needs a running
Tryton (`server.running`) and a session with it.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from crossdock.applications.tryton.session import Session
from crossdock.canonical.errors import Unavailable
from tests.peers.tryton.trading import Trading

ATTEMPTS_MAX = 200


@dataclass(frozen=True)
class Assignments:
    """How it went: seconds of every call that ended well, and how often Tryton said 503."""

    seconds: tuple[float, ...]
    elapsed_seconds: float
    orders: int
    assigned: int
    busy_answers: int

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.elapsed_seconds


async def waiting_shipments(
    session: Session, *, products: int, shipments: int, stock: int, label: str
) -> list[int]:
    """Stock `products` items with `stock` each; answer shipments of one unit that wait for it."""
    clerk = Trading(session)
    items = await clerk.products(*(f"{label}-{number}" for number in range(products)))
    await clerk.stock(*((item, str(stock)) for item in items))
    warehouse = await clerk.one("stock.location", "code", "=", "WH")
    shelf = await clerk.one("stock.location", "code", "=", "STO")
    output = await clerk.one("stock.location", "code", "=", "OUT")
    customer = await clerk.one("stock.location", "code", "=", "CUS")
    party = await clerk.one("party.party", "name", "=", "Corner Shop")
    (address,) = await clerk.create("party.address", {"party": party, "street": label})
    company = await clerk.company()
    currency = await clerk.one("currency.currency", "code", "=", "EUR")
    unit = await clerk.one("product.uom", "symbol", "=", "u")
    move = {
        "unit": unit,
        "quantity": 1,
        "from_location": output,
        "to_location": customer,
        "company": company,
        "currency": currency,
        "unit_price": Decimal(1),
    }
    made = await clerk.create(
        "stock.shipment.out",
        *(
            {
                "customer": party,
                "delivery_address": address,
                "warehouse": warehouse,
                "warehouse_storage": shelf,
                "warehouse_output": output,
                "company": company,
                "outgoing_moves": [["create", [{**move, "product": items[number % products]}]]],
            }
            for number in range(shipments)
        ),
    )
    await clerk.do("stock.shipment.out", "wait", made)
    return made


async def assign_one_by_one(sessions: Sequence[Session], shipments: Sequence[int]) -> Assignments:
    """Let each session take the next shipment as soon as it is free, and repeat on 503."""
    waiting = iter(shipments)
    seconds: list[float] = []
    busy = 0

    async def clerk(session: Session) -> None:
        nonlocal busy
        for shipment in waiting:
            began = time.perf_counter()
            busy += await _assigned(session, [shipment])
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(clerk(session) for session in sessions))
    elapsed = time.perf_counter() - began
    return await _outcome(sessions[0], shipments, seconds, elapsed, busy)


async def assign_in_bulk(session: Session, shipments: Sequence[int], *, batch: int) -> Assignments:
    """Hand over `batch` shipments in one call: one transaction of Tryton's."""
    seconds: list[float] = []
    busy = 0
    began = time.perf_counter()
    for first in range(0, len(shipments), batch):
        call_began = time.perf_counter()
        busy += await _assigned(session, list(shipments[first : first + batch]))
        seconds.append(time.perf_counter() - call_began)
    return await _outcome(session, shipments, seconds, time.perf_counter() - began, busy)


async def _assigned(session: Session, shipments: list[int]) -> int:
    """Call until it is done; answer how often Tryton said that others hold the stock."""
    for busy in range(ATTEMPTS_MAX):
        try:
            await session.change("model.stock.shipment.out.assign_try", shipments)
        except Unavailable:
            continue
        return busy
    raise Unavailable(f"Tryton could not assign {shipments} in {ATTEMPTS_MAX} calls")


async def _outcome(
    session: Session,
    shipments: Sequence[int],
    seconds: list[float],
    elapsed: float,
    busy: int,
) -> Assignments:
    """Read the state again: `assign_try` answers the same whether it worked or not."""
    rows = await Trading(session).rows(
        "stock.shipment.out", [["id", "in", list(shipments)]], "state"
    )
    assigned = sum(row["state"] == "assigned" for row in rows)
    return Assignments(tuple(seconds), elapsed, len(shipments), assigned, busy)
