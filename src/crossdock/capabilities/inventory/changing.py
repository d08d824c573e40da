"""What becomes of a promise: confirm, extend, release, consume, transfer. Each one transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from crossdock.canonical.errors import Conflict, Invalid, NotFound, Rejected
from crossdock.canonical.inventory import ReservationStatus
from crossdock.capabilities.inventory import kits, model, store
from crossdock.capabilities.inventory.had import KnowsProtections
from crossdock.capabilities.inventory.model import COUNTING, LIVE, TTL_SECONDS_MAX, Reservation
from crossdock.capabilities.inventory.reserving import reservation_of
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import LineRow, StockIds
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

Change = Callable[[Sheet, list[LineRow], datetime], None]

# What was asked and granted never changes for whoever explains it.
GIVEN_BACK = """
update inventory_reservation set given_back = given_back + $3
where tenant = $1 and reservation_id = $2
"""


class Changes:
    """The verbs on a reservation that exists. Repeating one that is done changes nothing."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        stock_ids: StockIds,
        protections: KnowsProtections | None,
    ) -> None:
        self._protections = protections
        self._database = database
        self._clock = clock
        self._stock_ids = stock_ids

    async def confirm(self, scope: Scope, reservation_id: str) -> Reservation:
        """Make a soft hold hard; a lapsed one is granted anew if there is stock (RSV-EXPIRED)."""
        return await self._change(scope, reservation_id, _confirm)

    async def extend(self, scope: Scope, reservation_id: str, ttl_seconds: int) -> Reservation:
        """Let a soft hold live `ttl_seconds` from now."""
        if not 1 <= ttl_seconds <= TTL_SECONDS_MAX:
            raise Invalid(
                f"a soft hold lives 1 to {TTL_SECONDS_MAX} seconds, not {ttl_seconds}",
                where="/ttl_seconds",
            )

        def extend(sheet: Sheet, rows: list[LineRow], now: datetime) -> None:
            until = now + timedelta(seconds=ttl_seconds)
            rows = _alive_again(sheet, rows, expires_at=until)
            _must_be_open(rows)
            for row in _living(rows):
                sheet.change(row, model.extended(row.line, until))

        return await self._change(scope, reservation_id, extend)

    async def release(self, scope: Scope, reservation_id: str) -> Reservation:
        """Give back what has not been consumed."""
        return await self._change(scope, reservation_id, _release)

    async def consume(
        self, scope: Scope, reservation_id: str, consumed_by_line: Mapping[int, int] | None = None
    ) -> Reservation:
        """Note how much of each line has gone out in all so far (None: all that was granted).

        For sources whose movements do not quote the order line; those that do consume by
        themselves, in the transaction of the movement (A28).
        """

        def consume(sheet: Sheet, rows: list[LineRow], _now: datetime) -> None:
            totals = consumed_by_line
            if totals is None:
                _must_be_open(rows, or_is=ReservationStatus.CONSUMED)
                living = (row.line for row in _living(rows) if not row.line.into_line)
                totals = {one.line_no: one.granted + one.made for one in living}
            by_line = {row.line.line_no: row for row in rows}
            for line_no, micros in totals.items():
                row = by_line.get(line_no)
                if row is None or (row.line.status not in COUNTING and micros > row.line.consumed):
                    raise Conflict(f"line {line_no} holds nothing", code="reservation_closed")
                _consume(
                    sheet, row, [one for one in rows if one.line.into_line == line_no], micros
                )
            _settle(sheet, rows)

        return await self._change(scope, reservation_id, consume)

    async def transfer(self, scope: Scope, reservation_id: str, location: str) -> Reservation:
        """Move what is left of a hold to another location, without a moment in between."""

        async def targets(tx: Transaction, rows: list[LineRow]) -> list[int]:
            keys = {(row.line.item, location) for row in rows}
            return list((await self._stock_ids.of(tx, scope.tenant, keys)).values())

        def transfer(sheet: Sheet, rows: list[LineRow], _now: datetime) -> None:
            _must_be_open(rows)
            living = [row for row in _living(rows) if row.line.location != location]
            at = {
                row.item: row.stock_id for row in sheet.rows.values() if row.location == location
            }
            for row in living:
                sheet.lift(row)
            wanted = [(row, at[row.line.item]) for row in living]
            asked = [
                (row, (stock_id, micros))
                for row, stock_id in wanted
                if (micros := sheet.asked_of(row, stock_id))
            ]
            if asked and not sheet.regrant([row for row, _ in asked], [ask for _, ask in asked]):
                raise Rejected(
                    f"{location} has not enough to take {reservation_id} over",
                    code="insufficient_stock",
                    hint="ask for its availability, or reserve there in part",
                )
            for row in living:
                stock_id = at[row.line.item]
                after = row.line.changed(stock_id=stock_id, location=location)
                is_counted = sheet.own(row, stock_id) is not None  # by its order, there
                sheet.lay(row, model.linked(after) if is_counted else after)

        return await self._change(scope, reservation_id, transfer, targets)

    async def get(self, scope: Scope, reservation_id: str) -> Reservation:
        """Show a reservation as it stands now, a lapsed hold as expired."""
        async with self._database.transaction(scope) as tx:
            rows = await _lines_of(tx, reservation_id)
        now = self._clock.now()
        return reservation_of([_as_shown(row, now) for row in rows])

    async def _change(
        self,
        scope: Scope,
        reservation_id: str,
        change: Change,
        also: Callable[[Transaction, list[LineRow]], Awaitable[list[int]]] | None = None,
    ) -> Reservation:
        async with self._database.transaction(scope) as tx:
            return await self._change_in(tx, reservation_id, change, also)

    async def release_in(self, tx: Transaction, reservation_id: str) -> Reservation:
        """Give back what has not been consumed, in the caller's transaction."""
        return await self._change_in(tx, reservation_id, _release, None)

    async def give_back_in(self, tx: Transaction, reservation_id: str, micros: int) -> None:
        """Give back so much of a reservation of one line, and remember what was granted."""
        [row] = await _lines_of(tx, reservation_id)
        if micros >= row.line.remaining:
            await self.release_in(tx, reservation_id)
            return

        def less(sheet: Sheet, rows: list[LineRow], _now: datetime) -> None:
            [now] = rows
            sheet.change(now, now.line.changed(granted=now.line.granted - micros))

        await self._change_in(tx, reservation_id, less, None)
        await tx.execute(GIVEN_BACK, tx.tenant, row.reservation_id, micros)

    async def _change_in(
        self,
        tx: Transaction,
        reservation_id: str,
        change: Change,
        also: Callable[[Transaction, list[LineRow]], Awaitable[list[int]]] | None,
    ) -> Reservation:
        rows = await _lines_of(tx, reservation_id)
        stock_ids = [row.line.stock_id for row in rows]
        if also:
            stock_ids += await also(tx, rows)
        sheet = await Sheet.locked(tx, tx.tenant, self._stock_ids, stock_ids)
        rows = await _lines_of(tx, reservation_id)  # as they are under the lock
        if any(row.line.stock_id not in sheet.rows for row in rows):
            raise Conflict("the reservation was moved just now", code="contended")
        now = self._clock.now()
        await sheet.expire_lapsed(tx, now)
        await sheet.learn_channels(tx, rows, is_move=also is not None)
        quoted = await sheet.learn_demand(tx, rows) if also else ()
        await sheet.guard(tx, self._protections, now, quoted)
        change(sheet, sheet.current(rows), now)
        await sheet.save(tx, now)
        after = sheet.current(rows)
        left = {
            (row.line.item, row.line.location)
            for row, one in zip(rows, after, strict=True)
            if row.line.stock_id != one.line.stock_id
        }
        if left and self._protections is not None:  # who waits where it lay may have it now
            keys = sheet.with_groups(left)
            await self._protections.look_again(tx, keys, "TRANSFER", now)
        return reservation_of(after)


async def _lines_of(tx: Transaction, reservation_id: str) -> list[LineRow]:
    rows = await store.lines_of(tx, [parsed(reservation_id)])
    if not rows:
        raise NotFound(f"there is no reservation {reservation_id}")
    return rows


def _as_shown(row: LineRow, now: datetime) -> LineRow:
    if not row.line.is_lapsed(now):
        return row
    return row._replace(line=row.line._replace(status=ReservationStatus.EXPIRED))


def parsed(reservation_id: str) -> UUID:
    prefix, _, digits = reservation_id.partition("_")
    try:
        if prefix == "rsv":
            return UUID(hex=digits)
    except ValueError:
        pass
    raise NotFound(f"{reservation_id!r} is no reservation id: they look like rsv_0190…")


def _living(rows: Sequence[LineRow]) -> list[LineRow]:
    return [row for row in rows if row.line.status in LIVE]


def _must_be_open(rows: Sequence[LineRow], *, or_is: ReservationStatus | None = None) -> None:
    """Refuse what is over; a status that the verb itself leads to is a repeat, not an error."""
    statuses = {row.line.status for row in rows}
    if not _living(rows) and or_is not in statuses:
        status = model.reservation_status(statuses)
        raise Conflict(
            f"the reservation is {status}",
            code="reservation_closed",
            hint="make a new reservation",
        )


def _consume(sheet: Sheet, row: LineRow, parts: Sequence[LineRow], micros: int) -> None:
    """Note what has gone out of a line in all: kits beyond those assembled take their parts."""
    if not parts:
        sheet.change(row, model.consumed(row.line, micros))
        return
    parts = sheet.current(parts)
    line, after = kits.consumed(row.line, [one.line for one in parts], micros)
    sheet.change(row, line)
    for part, one in zip(parts, after, strict=True):
        sheet.change(part, one)


def _settle(sheet: Sheet, rows: Sequence[LineRow]) -> None:
    """Let kits of which all has gone out be over."""
    now = sheet.current(rows)
    for row in now:
        parts = [one.line for one in now if one.line.into_line == row.line.line_no]
        if parts and row.line.status in COUNTING:
            sheet.change(row, kits.ended(row.line, parts))


def _confirm(sheet: Sheet, rows: list[LineRow], _now: datetime) -> None:
    rows = _alive_again(sheet, rows, expires_at=None)
    _must_be_open(rows, or_is=ReservationStatus.CONSUMED)
    for row in _living(rows):
        sheet.change(row, model.confirmed(row.line))


def _release(sheet: Sheet, rows: list[LineRow], _now: datetime) -> None:
    for row in rows:
        sheet.change(row, model.released(row.line))


def _alive_again(
    sheet: Sheet, rows: list[LineRow], *, expires_at: datetime | None
) -> list[LineRow]:
    """Grant lapsed lines anew, all or none; refuse with RSV-EXPIRED when their stock is gone."""
    lapsed = [row for row in rows if row.line.status is ReservationStatus.EXPIRED]
    if not lapsed:
        return rows
    holding = [
        row for row in lapsed if row.line.granted > row.line.used and not row.line.is_unlimited
    ]
    asks = tuple((row.line.stock_id, row.line.granted - row.line.used) for row in holding)
    if asks and not sheet.regrant(holding, asks):
        raise Rejected(
            "the hold has expired and its stock is promised to others now",
            code="RSV-EXPIRED",
            hint="make a new reservation for what is available",
        )
    for row in lapsed:
        is_hard = expires_at is None
        sheet.change(row, model.revived(row.line, is_hard=is_hard, expires_at=expires_at))
    return sheet.current(rows)
