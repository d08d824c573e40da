"""Making promises in sets: one statement for the many plain requests, values for the rest."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from crossdock.canonical.errors import Conflict, Unavailable
from crossdock.canonical.inventory import ReservationStatus
from crossdock.capabilities.inventory import (
    asking,
    granting,
    guarding,
    kit_orders,
    kits,
    model,
    store,
)
from crossdock.capabilities.inventory.asking import Around, Look
from crossdock.capabilities.inventory.incoming import Incoming, taken_in
from crossdock.capabilities.inventory.model import (
    PromisedLine,
    Reservation,
    ReservationRequest,
)
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import Key, LineRow, StockIds
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import prefixed
from crossdock.foundation.scope import Scope

ATTEMPTS = 5
ACTIVE, DENIED = ReservationStatus.ACTIVE, ReservationStatus.DENIED


class Promises:
    """Decides batches of requests. One call is one transaction."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ttl_seconds_default: int,
        stock_ids: StockIds,
        around: Around,
    ) -> None:
        self._protections, self._kits, self._unlimited, self._packs = around
        self._database = database
        self._clock = clock
        self._ttl = ttl_seconds_default
        self._stock_ids = stock_ids
        self._is_tight = False  # the last batch asked for more than there was of something
        self._apart: set[int] = set()  # rows of groups and guarded ones, as they were last met

    async def reserve(
        self, scope: Scope, asked: Sequence[tuple[str, ReservationRequest]]
    ) -> list[Reservation | Conflict]:
        """Answer (client, request) pairs in their order.

        A request that came before gets its first answer again, one whose id came with other
        content a `Conflict`.
        """
        now = self._clock.now()
        incoming = taken_in(scope.tenant, asked, model.Expiry(now, self._ttl))
        first = {one.reservation_id: one for one in reversed(incoming)}
        batch = [one for one in incoming if first[one.reservation_id] is one]
        await self._decide(scope, batch, now)
        return [_answer(one, first[one.reservation_id]) for one in incoming]

    async def reserve_in(
        self,
        tx: Transaction,
        client: str,
        request: ReservationRequest,
        *,
        takes_apart: bool = False,
    ) -> Reservation:
        """Decide one request the general way, in the caller's transaction.

        `takes_apart`: of kits it holds the parts of those that do not lie there assembled.
        """
        now = self._clock.now()
        [one] = taken_in(tx.tenant, [(client, request)], model.Expiry(now, self._ttl))
        keys, told = _keys([one]), asking.NO_KITS
        if takes_apart and self._kits is not None:
            told = await self._kits.exploded(tx, tx.tenant, sorted({item for item, _ in keys}))
        every = sorted({*keys, *asking.parts_of(keys, told)})
        found = await self._stock_ids.of(tx, tx.tenant, every)
        look = Look(found, {}, now, kits=told)
        await self._decide_general(tx, await _answer_repeats(tx, [one]), look)
        if isinstance(one.answer, Conflict):
            raise one.answer
        assert one.answer is not None  # noqa: S101  # it is decided
        return one.answer

    async def _decide(self, scope: Scope, batch: list[Incoming], now: datetime) -> None:
        """Take the plain way, which is all that most requests need; then the general one."""
        look = await self._look(scope, batch, now)
        for one in batch:
            if look.is_too_long(one):
                one.answer = _too_long(one)
        batch = [one for one in batch if one.answer is None]
        plain = [one for one in batch if one.is_plain and not self._goes_apart(one, look)]
        is_exact = self._is_tight
        while plain:
            plain = await self._decide_plain(scope, plain, look, is_exact=is_exact)
            is_exact = True
        for _ in range(ATTEMPTS):
            rest = [one for one in batch if one.answer is None]
            if not rest:
                return
            try:
                async with self._database.transaction(scope) as tx:
                    fresh = await _answer_repeats(tx, rest)
                    await self._decide_general(tx, fresh, look)
            except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
                for one in rest:
                    one.answer = None
        raise _contended()

    def _goes_apart(self, one: Incoming, look: Look) -> bool:
        """Say whether the hot statement would leave a plain request to the general way anyhow."""
        key = one.request.lines[0][:2]
        if look.counts(one) or key[0] in look.kits or key in look.unlimited:
            return True
        if look.packs and look.is_moved(one.request.lines[0]):
            return True
        return look.found[key] in self._apart

    async def _look(self, scope: Scope, batch: Sequence[Incoming], now: datetime) -> Look:
        """Find stock rows and quoted orders; most of the time both are known without asking."""
        keys = _keys(batch)
        found, missing = self._stock_ids.known(scope.tenant, keys)
        quoted = asking.quoted(batch)
        items = list({item for item, _ in keys}) if self._kits is not None else []
        if self._kits is None or self._kits.has_none_of(scope.tenant, items):
            items = []
        packs = self._packs.remembered(scope.tenant, keys) if self._packs else {}
        look = Look(found, {}, now, packs=packs or {})
        is_asked = packs is None or self._may_be_unlimited(scope.tenant, keys)
        if missing or quoted or items or is_asked:
            async with self._database.transaction(scope) as tx:
                if items and self._kits is not None:
                    told = await self._kits.exploded(tx, scope.tenant, items)
                    look = look._replace(kits=told)
                    missing = [*missing, *asking.parts_of(keys, told)]
                look = look._replace(unlimited=await self._beside_stock(tx, keys))
                if packs is None and self._packs is not None:
                    look = look._replace(packs=await self._packs.among(tx, scope.tenant, keys))
                found |= (made := await self._stock_ids.of(tx, scope.tenant, missing))
                look = look._replace(demand=await asking.demand(tx, quoted))
            self._stock_ids.remember(scope.tenant, made)
        return look

    def _may_be_unlimited(self, tenant: str, keys: Sequence[Key]) -> bool:
        return self._unlimited is not None and not self._unlimited.has_none_of(tenant, keys)

    async def _beside_stock(self, tx: Transaction, keys: Sequence[Key]) -> frozenset[Key]:
        """Name those of these that no stock limits; from memory where nothing is unlimited."""
        if self._unlimited is None or not self._may_be_unlimited(tx.tenant, keys):
            return frozenset()
        return await self._unlimited.among(tx, tx.tenant, keys)

    async def _decide_plain(
        self, scope: Scope, batch: Sequence[Incoming], look: Look, *, is_exact: bool
    ) -> list[Incoming]:
        """Run the hot statement; give back those it left undecided, to run again and exactly.

        Repeats and groups stay unanswered: the general way has them.
        """
        stock_ids = [look.found[one.request.lines[0][:2]] for one in batch]
        columns = (
            [one.reservation_id for one in batch],
            [one.request.request_id for one in batch],
            [one.content_hash for one in batch],
            stock_ids,
            [one.request.lines[0].micros for one in batch],
            *_uniform(batch),
            sorted(set(stock_ids)),
        )
        rows = await self._reserve(scope, look.now, columns, is_exact=is_exact)
        refused = {row["ord"] - 1: row["verdict"] for row in rows}
        self._apart |= {stock_ids[n] for n, verdict in refused.items() if verdict == "GROUPED"}
        self._is_tight = any(verdict != "GROUPED" for verdict in refused.values())
        undecided: list[Incoming] = []
        for number, (one, stock_id) in enumerate(zip(batch, stock_ids, strict=True)):
            verdict = refused.get(number) if refused else None
            if verdict is None:
                one.answer = _promised(one, stock_id, look.now, ACTIVE)
            elif verdict == "DENIED":
                one.answer = _promised(one, stock_id, look.now, DENIED)
            elif verdict == "UNDECIDED":
                undecided.append(one)
        return undecided

    async def _reserve(
        self, scope: Scope, now: datetime, columns: Sequence[object], *, is_exact: bool
    ) -> Sequence[Any]:
        """Look for repeats only once the primary key has said that there is one."""
        has_repeats = False
        for _ in range(ATTEMPTS):
            try:
                rows = await self._database.call(
                    store.RESERVE,
                    scope.tenant,
                    now,
                    *columns,
                    has_repeats,
                    is_exact or has_repeats,
                    scope.partner,
                )
            except asyncpg.UniqueViolationError:
                has_repeats = True
            except asyncpg.DeadlockDetectedError:
                continue
            else:
                self._database.nudge(store.ANNOUNCED)
                return rows
        raise _contended()

    async def _decide_general(
        self, tx: Transaction, fresh: Sequence[Incoming], look: Look
    ) -> None:
        """Decide groups, several lines, parts, guarded rows, and lines of orders known already."""
        if not fresh:
            return
        keys = _keys(fresh)
        stock_ids = [look.found[key] for key in (*keys, *asking.parts_of(keys, look.kits))]
        # What the hub holds by itself for a kit's order line gives way to who reserves it.
        refs = {line.demand_ref for one in fresh for line in one.request.lines} - {""}
        held = await kit_orders.held(tx, refs) if look.kits and refs else []
        stock_ids += [row.line.stock_id for row in held]
        sheet = await Sheet.locked(tx, tx.tenant, self._stock_ids, stock_ids)
        if held:
            await kit_orders.give_way(tx, sheet, refs)
        self._apart -= {row.stock_id for row in sheet.rows.values() if not row.is_apart}
        await sheet.expire_lapsed(tx, look.now)
        # What is open of the orders that are quoted holds still only now.
        look = await asking.ordered(tx, look, fresh, self._kits)
        beside = await self._beside_stock(
            tx, [(row.item, row.location) for row in sheet.rows.values()]
        )
        look = look._replace(unlimited=frozenset(sheet.with_groups(beside)))
        await sheet.guard(tx, self._protections, look.now, asking.counted(fresh, look))
        everyone = [asking.whose(one, look, sheet) for one in fresh]
        asks = [asking.ask(one, w, look, sheet) for one, w in zip(fresh, everyone, strict=True)]
        given = granting.decided(asks, sheet.counters(), look.drawn)
        for one, whose, ask, got in zip(fresh, everyone, asks, given, strict=True):
            made = [asking.lines((one, got), number, look, sheet) for number in range(len(got))]
            for number, rows in enumerate(made):
                for line, own in rows:
                    is_own = not line.line.into_line
                    had, limit = ask.had_of(number) if is_own else 0, got[number].limit
                    sheet.make(line, own, whose[number], limit, had)
            every = sorted((row for rows in made for row, _ in rows), key=asking.line_no)
            one.answer = reservation_of(every)._replace(cut_by=_cut_by(each.limit for each in got))
        await sheet.save(tx, look.now)


def _cut_by(limits: Iterable[str]) -> str:
    """Name the first thing beside stock that cut a line, if anything did."""
    return next((str(limit) for limit in limits if limit), "")


def _too_long(one: Incoming) -> Conflict:
    return Conflict(
        f"request {one.request.request_id!r} asks for kits of more parts than a reservation has",
        code="too_many_parts",
        hint=f"ask in several requests: {asking.HELD_MAX} lines at most, with those of parts",
    )


def _contended() -> Unavailable:
    return Unavailable("the same requests are being decided elsewhere", code="contended")


def _keys(batch: Sequence[Incoming]) -> list[Key]:
    return [line[:2] for one in batch for line in one.request.lines]


def _uniform(batch: Sequence[Incoming]) -> tuple[object, ...]:
    """Give the columns in which a batch is mostly of one mind: an array only where it differs.

    Columns are client, is_hard, expires_at and demand_ref, then the values that stand for all.
    """
    first = batch[0]
    clients = [one.client for one in batch]
    hard = [one.is_hard for one in batch]
    until = [one.expires_at for one in batch]
    refs = [one.request.lines[0].demand_ref for one in batch]
    return (
        clients if clients.count(first.client) < len(batch) else [],
        hard if hard.count(first.is_hard) < len(batch) else [],
        until if until.count(first.expires_at) < len(batch) else [],
        refs if any(refs) else [],
        first.client,
        first.is_hard,
        None if len(set(until)) > 1 else first.expires_at,
    )


def _promised(
    one: Incoming, stock_id: int, now: datetime, status: ReservationStatus
) -> Reservation:
    item, location, micros, demand_ref = one.request.lines[0]
    promised = PromisedLine(
        1,
        item,
        location,
        status,
        one.expires_at is None,
        micros,
        micros if status is ACTIVE else 0,
        0,
        0,
        False,
        demand_ref,
        one.expires_at,
        1,
        stock_id,
    )
    shown_id = "rsv_" + one.reservation_id.hex
    return Reservation(shown_id, one.client, one.request.request_id, now, (promised,))


async def _answer_repeats(tx: Transaction, batch: Sequence[Incoming]) -> list[Incoming]:
    known: dict[UUID, list[LineRow]] = {}
    for line in await store.lines_of(tx, [one.reservation_id for one in batch]):
        known.setdefault(line.reservation_id, []).append(line)
    kept = await guarding.channels_of(tx, list(known)) if known else {}
    for one in batch:
        if lines := known.get(one.reservation_id):
            is_same = lines[0].request_hash == one.content_hash
            places = [(one.reservation_id, line.line.line_no) for line in lines]
            cut_by = _cut_by(kept[place].cut_by for place in places if place in kept)
            one.answer = (
                reservation_of(lines, is_repeat=True)._replace(cut_by=cut_by)
                if is_same
                else Conflict(
                    f"request {one.request.request_id!r} was made before with other content",
                    code="request_id_reused",
                    hint="use a new request id for a new request",
                )
            )
    return [one for one in batch if one.answer is None]


def reservation_of(lines: Sequence[LineRow], *, is_repeat: bool = False) -> Reservation:
    head = lines[0]
    parts: dict[int, list[PromisedLine]] = {}
    for row in lines:
        if row.line.into_line:
            parts.setdefault(row.line.into_line, []).append(row.line)
    asked = [row.line for row in lines if not row.line.into_line]
    return Reservation(
        reservation_id=prefixed("rsv", head.reservation_id),
        client=head.client,
        request_id=head.request_id,
        created_at=head.created_at,
        lines=tuple(kits.shown(one, parts.get(one.line_no, ())) for one in asked),
        parts=tuple(one for each in parts.values() for one in each),
        part_units={row.line.item: row.unit for row in lines if row.line.into_line},
        is_repeat=is_repeat,
    )


def _answer(one: Incoming, first: Incoming) -> Reservation | Conflict:
    """Answer the second of two equal ids in one batch as what it is: a repeat, or a conflict."""
    answer = first.answer
    assert answer is not None  # noqa: S101  # every request of a batch is decided
    if one is first or isinstance(answer, Conflict):
        return answer
    if one.content_hash != first.content_hash:
        return Conflict(
            f"request {one.request.request_id!r} was made before with other content",
            code="request_id_reused",
        )
    return answer._replace(is_repeat=True)
