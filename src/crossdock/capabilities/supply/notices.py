"""Ship notices against what was received of them: short and over are a case each (§5.3).

What came is what the notice's own source says (`received`). A notice is short once nothing of it
is to come any more, and over as soon as more came than it announced.
"""

from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.supply.late import KnowsClasses, terms_of_keys
from crossdock.capabilities.supply.overdue import (
    EVERY,
    LINES_SHOWN,
    Named,
    Overdue,
    Owner,
    tell,
)
from crossdock.capabilities.supply.store import LAST_WORD
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

PREFIX = "notice/"
NAMED = Named(PREFIX, "what was received of it is what it announces")
_WITHIN = timedelta(days=1)
SHORT = Owner("RCV-SHORT", "Receiving", "S3", _WITHIN, "less received than announced")
OVER = Owner("RCV-OVER", "Receiving", "S3", _WITHIN, "more received than announced")

# As the index has it, so that what came as announced costs nothing.
_UNLIKE = "kind = 'ASN_LINE' and (received > announced or micros = 0 and received < announced)"
TENANTS = WorkersSql(f"""
select distinct tenant from supply_commitment where {_UNLIKE}
union select distinct tenant from supply_overdue where fingerprint like 'notice/%'
""")  # noqa: S608  # the parts above
UNLIKE = f"""
select split_part(s.supply_id, '/', 1) as document, s.supply_id, s.source, s.item, s.location,
    s.supplier, s.parent_supply_id, s.announced, s.received, s.announced_unit
from supply_commitment s
where s.tenant = $1 and s.{_UNLIKE} and {LAST_WORD}
order by document, s.supply_id
"""  # noqa: S608  # the parts above


class ReceivedLine(NamedTuple):
    """A line of a notice that came unlike it was announced; micros of `unit`."""

    document: str
    supply_id: str
    source: str
    item: str
    location: str
    supplier: str
    parent_supply_id: str
    announced: int
    received: int
    unit: str


class NoticeReceipts:
    """Looks once an hour at what came of ship notices."""

    def __init__(
        self, database: Database, clock: Clock, desk: Desk, classes: KnowsClasses
    ) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk
        self._classes = classes

    @property
    def job(self) -> Job:
        return Job(name="watch ship notices", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open, refresh and close the cases of every tenant; a second look changes nothing."""
        await each(await tenants(self._database, TENANTS), self._look)

    async def _look(self, scope: Scope) -> None:
        async with self._database.transaction(scope) as tx:
            found = discrepancies(await self._beyond(tx))
            await tell(tx, self._desk, NAMED, found, self._clock.now())

    async def _beyond(self, tx: Transaction) -> list[ReceivedLine]:
        lines = [ReceivedLine(*row) for row in await tx.fetch(UNLIKE, tx.tenant)]
        keys = {(one.item, one.location) for one in lines}
        terms = await terms_of_keys(tx, keys, self._classes) if keys else {}
        return [
            one
            for one in lines
            if is_beyond(
                one.announced, one.received, terms[one.item, one.location].receipt_percent
            )
        ]


def is_beyond(announced: int, received: int, percent: int) -> bool:
    """Say whether what came differs by more than so many percent of what was announced."""
    return abs(received - announced) * 100 > announced * percent


def discrepancies(lines: Iterable[ReceivedLine]) -> list[Overdue]:
    """Make a case of what is short of each document, and one of what is over."""
    ordered = sorted(lines, key=lambda one: (one.document, _owner(one).code, one.supply_id))
    return [
        _case(document, list(these))
        for (document, _), these in groupby(
            ordered, key=lambda one: (one.document, _owner(one).code)
        )
    ]


def _case(document: str, lines: list[ReceivedLine]) -> Overdue:
    owner = _owner(lines[0])
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    return Overdue(
        code=owner.code,
        fingerprint=f"{PREFIX}{document}/{owner.code}",
        severity=owner.severity,
        owner_role=owner.owner_role,
        within=owner.within,
        entity=document,
        location=lines[0].location if len({one.location for one in lines}) == 1 else "",
        title=f"{owner.what}: {count} of {document}",
        evidence={
            "document": document,
            "lines": len(lines),
            "differences": [_shown(one) for one in lines[:LINES_SHOWN]],
        },
        digest=sha256(repr(lines).encode()).hexdigest(),
    )


def _owner(line: ReceivedLine) -> Owner:
    return OVER if line.received > line.announced else SHORT


def _shown(line: ReceivedLine) -> dict[str, object]:
    return {
        "supply_id": line.supply_id,
        "source": line.source,
        "supplier": line.supplier,
        "purchase": line.parent_supply_id,
        "item": line.item,
        "location": line.location,
        "unit": line.unit,
        "announced": _amount(line.announced),
        "received": _amount(line.received),
        "difference": _amount(line.received - line.announced),
    }


def _amount(micros: int) -> str:
    return plain(Quantity.from_micros(micros).value)
