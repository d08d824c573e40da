"""Hard promises that keep stock for no order: a case until they are released (RSV-LEAK, §7.2).

Whoever promises hard says that an order is accepted. Where none that is open has been heard of two
days later, the promise or the order was lost on its way, and nobody can have the goods.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.holding import CLIENT as BY_DATE
from crossdock.capabilities.inventory.holding_elsewhere import CLIENT as BY_RUN
from crossdock.capabilities.inventory.holds import Hold, hold_of
from crossdock.capabilities.inventory.kits import BY_ORDER
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import TellingDesk, each, tenants

EVERY = timedelta(hours=1)
PATIENCE = timedelta(days=2)
"""So long an order may take to be heard of, over a week-end feed or a nightly file."""
FINGERPRINT = "stock/RSV-LEAK"
SHOWN = 20
LEAKS_MAX = 10_000
"""So many are told together; the rest when these are gone."""

TENANTS = WorkersSql("select distinct tenant from inventory_source order by tenant")
# By the index of hard promises that are open: they are as many as accepted orders. What is held of
# a kit's parts is needed as long as the kit's order is. Promises by date, and what runs hold
# elsewhere, have an end of their own, and a list.
LEAKED = f"""
select {store.LINE} from inventory_reservation v {store.STOCK_OF_LINE}
where v.tenant = $1 and v.is_hard and {store.HOLDS} and v.client <> all($2::text[])
    and v.created_at <= $3 and not exists (
        select from inventory_demand d where d.tenant = $1
            and d.demand_ref = case when v.into_line = 0 then v.demand_ref else (
                select k.demand_ref from inventory_reservation k where k.tenant = $1 and
                    k.reservation_id = v.reservation_id and k.line_no = v.into_line limit 1) end
            and d.order_id <> '' and d.ordered - d.cancelled - d.picked > 0)
order by v.created_at, v.reservation_id, v.line_no limit {LEAKS_MAX}
"""  # noqa: S608  # the constants above


class LeakedHolds:
    """Looks once an hour for hard promises that no order needs."""

    def __init__(self, database: Database, clock: Clock, desk: TellingDesk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk

    @property
    def job(self) -> Job:
        return Job(name="watch leaked holds", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open and close the case of every tenant; a second look changes nothing."""
        await each(await tenants(self._database, TENANTS), self._watch)

    async def _watch(self, scope: Scope) -> None:
        async with self._database.transaction(scope) as tx:
            await self._look(tx)

    async def _look(self, tx: Transaction) -> None:
        now = self._clock.now()
        rows = await tx.fetch(LEAKED, tx.tenant, [BY_DATE, BY_RUN, BY_ORDER], now - PATIENCE)
        told = await self._desk.told(tx, FINGERPRINT)
        if rows:
            case = leak_case([hold_of(store.line_of(row)) for row in rows])
            if told.get("digest") != case.evidence["digest"]:
                await self._desk.opened(tx, [case], now)
        elif told:
            resolution = "every hard promise has an order, or is given back"
            await self._desk.closed(tx, [FINGERPRINT], resolution, now)


def leak_case(holds: Sequence[Hold]) -> OpenCase:
    """Word the case of these holds, the oldest first; who promised them is whose fault to find."""
    count = f"{len(holds)} or more" if len(holds) >= LEAKS_MAX else str(len(holds))
    by = Counter(one.client for one in holds)
    said = repr([(one.hold_id, one.micros) for one in holds])
    return OpenCase(
        code="RSV-LEAK",
        fingerprint=FINGERPRINT,
        severity="S3",
        owner_role="Integration",
        within=timedelta(days=1),
        entity=holds[0].reservation_id,
        title=f"Hard promises that keep stock for no open order: {count}",
        evidence={
            "digest": sha256(said.encode()).hexdigest(),
            "holds": len(holds),
            "by_client": dict(sorted(by.items())),
            "oldest": [
                {
                    "reservation_id": one.reservation_id,
                    "line_no": one.line_no,
                    "client": one.client,
                    "request_id": one.request_id,
                    "demand_ref": one.demand_ref,
                    "item": one.item,
                    "location": one.location,
                    "in_base_unit": str(Quantity.from_micros(one.micros).value),
                    "since": one.created_at.isoformat(),
                }
                for one in holds[:SHOWN]
            ],
        },
    )
