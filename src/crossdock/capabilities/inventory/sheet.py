"""The locked stock rows of one transaction: what promises may be made from them, what changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from crossdock.canonical.allocation import NO_GROUPS, AllocationGroups
from crossdock.capabilities.inventory import granting, guarding, lots, model, store
from crossdock.capabilities.inventory.announcement import Regrant, Seen, announce
from crossdock.capabilities.inventory.granting import UNGUARDED, Ask, Counter, Guards
from crossdock.capabilities.inventory.guarding import ChannelLine, Moved
from crossdock.capabilities.inventory.had import KnowsProtections, OrderLine, Quoted, Whose
from crossdock.capabilities.inventory.model import PromisedLine
from crossdock.capabilities.inventory.store import Key, LineRow, StockIds, StockRow
from crossdock.foundation.database import Transaction

NOBODY = Whose("")


class Sheet:
    """Holds rows that are locked until the transaction ends; `save` writes what changed."""

    def __init__(
        self, rows: Mapping[int, StockRow], groups: Mapping[str, str], tenant: str
    ) -> None:
        self.rows = dict(rows)
        self.tenant = tenant
        self._groups = groups
        self._before = dict(rows)
        self._heard: set[int] = set()
        self._touched: set[int] = set()
        self._told: set[int] = set()
        self._changed: dict[tuple[UUID, int], LineRow] = {}
        self._made: dict[tuple[UUID, int], LineRow] = {}
        self._owns: list[int | None] = []
        self._channels: list[str] = []
        self._had: list[int] = []
        self._guards: Mapping[int, Guards] = {}
        self._orders: Mapping[OrderLine, Whose] = {}
        self._sharing: AllocationGroups = NO_GROUPS
        self._confirmed: Mapping[OrderLine, int] = {}
        self._whose: dict[tuple[UUID, int], ChannelLine] = {}
        self._kept: dict[tuple[UUID, int], ChannelLine] = {}
        self._moved: list[Moved] = []
        self._demand: dict[str, tuple[int, int]] = {}
        self._regrants: list[Regrant] = []

    @classmethod
    async def locked(
        cls, tx: Transaction, tenant: str, ids: StockIds, stock_ids: Iterable[int]
    ) -> "Sheet":
        """Lock these rows, and with a group or a member of one everything it answers for."""
        wanted, groups = await with_kin(tx, tenant, ids, stock_ids)
        return cls(await store.lock_stock(tx, wanted), groups, tenant)

    async def guard(
        self,
        tx: Transaction,
        protections: KnowsProtections | None,
        now: datetime,
        quoted: Sequence[Quoted] = (),
    ) -> None:
        """Learn what maxima and minima hold at these rows; call it once they are locked."""
        if protections is not None:
            rows = self.rows.values()
            found = await guarding.guards_of(tx, protections, rows, now, quoted)
            self._guards, self._orders, self._confirmed, self._sharing = found

    def whose(self, one: Quoted) -> Whose:
        """Say whose an order line is that a request quotes: its order's, if that shows."""
        return self._orders.get(one.line, one.whose)

    def counts_for(self, whose: Whose) -> str:
        """Name the channel, or group of them, whose maximum and minimum a demand counts for."""
        return self._sharing.of(*whose)

    def had(self, stock_id: int, demand_ref: str) -> int:
        """Say what its channel's sum counts of an order line that is still to be picked."""
        return self._confirmed.get((stock_id, demand_ref), 0)

    async def learn_channels(
        self, tx: Transaction, rows: Iterable[LineRow], *, is_move: bool = False
    ) -> None:
        """Learn whose promises these are, where it matters: at guarded rows, and in a move."""
        if is_move or any(row.is_guarded for row in self.rows.values()):
            ids = sorted({row.reservation_id for row in rows})
            self._whose = await guarding.channels_of(tx, ids)

    def whose_is(self, row: LineRow) -> Whose:
        """Say whose a promise is: the channel's it was made for, else its client's."""
        kept = self._whose.get((row.reservation_id, row.line.line_no))
        return kept.whose if kept else Whose(row.client)

    def regrant(self, rows: Sequence[LineRow], asks: Sequence[tuple[int, int]]) -> bool:
        """Grant lines of one old promise so much anew, all or none, and remember what decided.

        One that its order counts already asks within what is open of that order there, if any is.
        """
        places = [stock_id for stock_id, _ in asks]
        owns = [self.own(row, at) for row, at in zip(rows, places, strict=True)]
        had = [
            0 if own is None else self.had(stock_id, row.line.demand_ref)
            for row, stock_id, own in zip(rows, places, owns, strict=True)
        ]
        everyone = [
            self.whose_is(row)
            if own is None
            else self.whose(Quoted(stock_id, row.line.demand_ref, self.whose_is(row)))
            for row, stock_id, own in zip(rows, places, owns, strict=True)
        ]
        channels = [self.counts_for(whose) for whose in everyone]
        ask = Ask(tuple(asks), own=tuple(owns), channels=tuple(channels), had=tuple(had))
        [given] = granting.grants([ask], self.counters())
        if not all(given):
            return False
        for number, (row, (stock_id, micros)) in enumerate(zip(rows, asks, strict=True)):
            place = row.reservation_id, row.line.line_no, stock_id
            own, channel = owns[number], channels[number]
            is_beside = row.line.is_linked and own is None
            self._regrants.append(Regrant(*place, micros, channel, own, had[number], is_beside))
            if self.rows[stock_id].is_guarded:
                self._keep(ChannelLine(*place, everyone[number]))
        return True

    def own(self, row: LineRow, stock_id: int) -> int | None:
        """Say what is open there of the order a promise is for; None if it claims nothing there.

        Known of a promise that is moved (`learn_demand`).
        """
        at, micros = self._demand.get(row.line.demand_ref, (0, 0))
        return micros if at == stock_id else None

    def asked_of(self, row: LineRow, stock_id: int) -> int:
        """Say how much a promise asks for where it is moved to.

        Where its order claims, what is open of that; if its order claims elsewhere what it has,
        it asks only where somebody keeps goods. What no stock limits asks for none.
        """
        if row.line.is_unlimited:
            return 0
        own = self.own(row, stock_id)
        if own is not None:
            return min(own, row.line.remaining)
        is_asked = not row.line.is_linked or self.rows[stock_id].is_guarded
        return row.line.remaining if is_asked else 0

    async def learn_demand(self, tx: Transaction, rows: Iterable[LineRow]) -> list[Quoted]:
        """Learn what is open of the orders that these promises are for, and where."""
        whose = {row.line.demand_ref: self.whose_is(row) for row in rows if row.line.demand_ref}
        if not whose:
            return []
        found = await tx.fetch(store.DEMAND_OF, tx.tenant, sorted(whose))
        self._demand = {row["demand_ref"]: (row["stock_id"], row["open"]) for row in found}
        return [Quoted(at, ref, whose[ref]) for ref, (at, _) in sorted(self._demand.items())]

    def _keep(self, line: ChannelLine) -> None:
        self._kept[line.reservation_id, line.line_no] = line

    def counters(self) -> dict[int, Counter]:
        by_key = {(row.item, row.location): stock_id for stock_id, row in self.rows.items()}
        members: dict[int, list[int]] = {}
        group_of: dict[int, int] = {}
        for (item, location), stock_id in by_key.items():
            group = by_key.get((item, self._groups.get(location, "")))
            if group is not None:
                group_of[stock_id] = group
                members.setdefault(group, []).append(stock_id)
        return {
            stock_id: Counter(
                row.figures,
                group_of.get(stock_id),
                tuple(members.get(stock_id, ())),
                self._guards.get(stock_id, UNGUARDED),
            )
            for stock_id, row in self.rows.items()
        }

    def buildings(self, items: Iterable[str], location: str) -> tuple[Mapping[str, int], ...]:
        """Name the rows of these items at each member of a group; nothing where it is none."""
        at = {(row.item, row.location): stock_id for stock_id, row in self.rows.items()}
        members = sorted(member for member, group in self._groups.items() if group == location)
        return tuple({item: at[item, member] for item in items} for member in members)

    def make(
        self,
        line: LineRow,
        own: int | None,
        whose: Whose = NOBODY,
        cut_by: str = "",
        had: int = 0,
    ) -> None:
        """Lay a new line; `own` is what was open of its order, which `hard` counts already.

        `had` is what was counted of that for its channel.
        """
        self._owns.append(own)
        self._had.append(had)
        self._channels.append(self.counts_for(whose))
        is_other = whose.channel not in {"", line.client} or whose.customer
        if self.rows[line.line.stock_id].is_guarded or is_other:
            place = line.reservation_id, line.line.line_no, line.line.stock_id
            self._keep(ChannelLine(*place, whose, cut_by))
        self._made[line.reservation_id, line.line.line_no] = line
        self._hold(line.line, 1)

    def change(self, row: LineRow, after: PromisedLine) -> LineRow:
        """Put a line's next version in place of the one before; its hold moves with it."""
        if after is row.line:
            return row
        self.lift(row)
        return self.lay(row, after)

    def lift(self, row: LineRow) -> None:
        """Take a line's hold off; `lay` must follow in the same transaction."""
        self._hold(row.line, -1)

    def lay(self, row: LineRow, after: PromisedLine) -> LineRow:
        self._hold(after, 1)
        changed = row._replace(line=after)
        if after.stock_id != row.line.stock_id:
            ends = (self.rows[one.stock_id].is_guarded for one in (row.line, after))
            place = row.reservation_id, after.line_no
            if any(ends) or place in self._whose:
                self._keep(ChannelLine(*place, after.stock_id, self.whose_is(row)))
                left = row.line
                self._moved.append(Moved(*place, left.stock_id, after.stock_id, left.used))
        self._changed[row.reservation_id, after.line_no] = changed
        return changed

    def current(self, rows: Iterable[LineRow]) -> list[LineRow]:
        """Give these lines as they stand by now in this transaction."""
        return [self._changed.get((row.reservation_id, row.line.line_no), row) for row in rows]

    def with_groups(self, keys: Iterable[Key]) -> list[Key]:
        """Add to these (item, location) the group that each is a member of."""
        named = set(keys)
        groups = {(item, self._groups.get(location, "")) for item, location in named}
        return sorted(named | {(item, group) for item, group in groups if group})

    def set_safety(self, stock_id: int, micros: int) -> bool:
        """Keep so much from being promised; say whether that is another amount than before."""
        row = self.rows[stock_id]
        self._put(row, replace(row.figures, safety=micros))
        return row.figures.safety != micros

    async def expire_lapsed(self, tx: Transaction, now: datetime) -> None:
        """End the soft holds on these rows whose time is over."""
        if any(row.figures.soft for row in self.rows.values()):
            for found in await tx.fetch(store.LAPSED_ON, now, sorted(self.rows), tx.tenant):
                row = store.line_of(found)
                self.change(row, model.expired(row.line))

    async def keep_channels(self, tx: Transaction, now: datetime) -> None:
        """Keep whose the new lines are, where that matters; once they are written."""
        await guarding.keep(tx, self._kept.values(), now)

    async def save(self, tx: Transaction, now: datetime) -> None:
        """Write what changed, and leave an announcement of it."""
        rows, lines = await self.write(tx)
        await guarding.keep(tx, self._kept.values(), now)
        await guarding.move(tx, self._moved)
        await store.keep_regrants(tx, {one.reservation_id for one in self._regrants}, now)
        if rows or lines:
            await announce(tx, now, rows, lines, self._seen())

    def _seen(self) -> Seen:
        """Say what decided; a verb that grants nothing, new or anew, decides nothing."""
        if not self._made and not self._regrants:
            return Seen()
        groups = {stock_id: one.group or 0 for stock_id, one in self.counters().items()}
        rows = [self._stored(stock_id) for stock_id in sorted(self.rows)]
        seen = [(row, groups[row.stock_id]) for row in rows]
        return Seen(seen, self._owns, self._channels, self._guards, self._regrants, self._had)

    def _stored(self, stock_id: int) -> StockRow:
        """Give the row as it is stored: one that ends as it was is not written."""
        row, before = self.rows[stock_id], self._before[stock_id]
        return row if _shown(row) != _shown(before) else before

    async def write(self, tx: Transaction) -> tuple[list[StockRow], list[LineRow]]:
        """Write the rows that are other than they were; give them and the lines."""
        rows = [
            self.rows[stock_id]
            for stock_id in sorted(self._touched)
            if stock_id in self._told
            or _shown(self.rows[stock_id]) != _shown(self._before[stock_id])
        ]
        made, changed = list(self._made.values()), list(self._changed.values())
        await store.write_figures(tx, rows)
        await lots.write_expired(
            tx, [row for row in rows if row.expired != self._before[row.stock_id].expired]
        )
        await store.mark_heard(tx, [self.rows[stock_id] for stock_id in sorted(self._heard)])
        await store.write_lines(tx, changed)
        if made:
            await store.insert_lines(tx, made)
        return rows, made + changed

    def add(self, stock_id: int, *, nettable: int = 0, hard: int = 0, expired: int = 0) -> None:
        """Move physical stock or order demand."""
        if nettable or hard or expired:
            row = self.rows[stock_id]
            figures = row.figures
            self._put(
                row._replace(expired=row.expired + expired),
                replace(figures, nettable=figures.nettable + nettable, hard=figures.hard + hard),
            )

    def tell(self, stock_id: int) -> None:
        """Have it told what stands, be the figures as they were: it is of other lots, or whose."""
        row = self.rows[stock_id]
        self._told.add(stock_id)
        self._put(row, row.figures)

    def hear(self, stock_id: int, sources: frozenset[str], unit: str) -> None:
        """Note that somebody said what lies there, and in which unit it is counted."""
        row = self.rows[stock_id]
        heard = row._replace(
            is_known=True, unit=unit, sources=tuple(sorted(sources | set(row.sources)))
        )
        if heard != row:
            self.rows[stock_id] = heard
            self._heard.add(stock_id)
            if not row.is_known:
                self._put(heard, heard.figures)

    def _hold(self, line: PromisedLine, sign: int) -> None:
        if not line.hold:
            return
        row = self.rows[line.stock_id]
        figures = row.figures
        if line.is_hard:
            self._put(row, replace(figures, hard=figures.hard + sign * line.hold))
        else:
            self._put(row, replace(figures, soft=figures.soft + sign * line.hold))

    def _put(self, row: StockRow, figures: model.Figures) -> None:
        """Change the figures; the version rises once per transaction."""
        version = row.version if row.stock_id in self._touched else row.version + 1
        self._touched.add(row.stock_id)
        self.rows[row.stock_id] = row._replace(figures=figures, version=version)


async def with_kin(
    tx: Transaction, tenant: str, ids: StockIds, stock_ids: Iterable[int]
) -> tuple[set[int], dict[str, str]]:
    """Add to these rows all that a group or a member of one answers for, and name the groups."""
    wanted = set(stock_ids)
    found = await tx.fetch(store.STOCK_OF, list(wanted), tenant)
    seen = [store.stock_of(row) for row in found]
    grouped = [row for row in seen if row.is_grouped]
    groups: dict[str, str] = {}
    if grouped:
        rows = await tx.fetch(store.GROUPS_OF, tenant, sorted({row.location for row in grouped}))
        groups = {row["member"]: row["location"] for row in rows}
        kin = {key for row in grouped for key in _kin(row, groups)}
        wanted |= set((await ids.of(tx, tenant, kin)).values())
    return wanted, groups


def _shown(row: StockRow) -> tuple[model.Figures, bool, int]:
    return (row.figures, row.is_known, row.expired)


def _kin(row: StockRow, groups: Mapping[str, str]) -> list[Key]:
    """List the same item at the row's group and at every member of it."""
    group = groups.get(row.location, row.location)
    members = [member for member, of in groups.items() if of == group]
    return [(row.item, location) for location in (group, *members)]
