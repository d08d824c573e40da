"""A distributor's stock twice: in the hub's ledger, and as an ERP with planted mistakes has it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.quantities import MICROS, Quantity

LOCATIONS = 10
CASE = 12
KINDS = {
    "MANUAL_ADJ": (MovementType.ADJUST, MovementType.ADJUST),
    "COUNT": (MovementType.COUNT_ADJUST, MovementType.COUNT_ADJUST),
    "RETURN_UNPOSTED": (MovementType.RETURN_RECEIPT, MovementType.RETURN_RECEIPT),
    "TRANSFER_STUCK": (MovementType.TRANSFER_SHIP, MovementType.TRANSFER_RECEIVE),
}
"""Which movement the ERP lacks, by cause: one that took away, one that brought."""
COSTLY = 600
HEADER = "item,location,status,owner,lot,quantity,as_of,unit_cost\n"

# A bucket of each item, as if counted long ago, with what is promised of it and what it is.
FILL = """
with numbers as (select g from generate_series($1::bigint, $2::bigint) g), goods as (
    insert into item (tenant, item, sku, description, base_unit, status, tracking, source,
        changed_at)
    select 'main', 'SKU-' || g, 'SKU-' || g, '', 'EA', 'ACTIVE', 'NONE', 'erp', now()
    from numbers
), cases as (
    insert into item_unit (tenant, item, unit, effective_from, numerator, denominator)
    select 'main', 'SKU-' || g, 'CS', '-infinity', 12, 1 from numbers
), stock as (
    insert into inventory_stock (tenant, item, location, nettable, is_known, sources)
    select 'main', 'SKU-' || g, 'DC' || g % 10, (1200 + g % 97 * 12) * 1000000, true, '{wms}'
    from numbers)
insert into inventory_position (tenant, item, location, status, micros)
select 'main', 'SKU-' || g, 'DC' || g % 10, 'AVAILABLE', (1200 + g % 97 * 12) * 1000000
from numbers
"""
PART = """
insert into inventory_position (tenant, item, location, status, owner, lot, micros)
values ('main', $1, $2, $3, $4, $5, $6)
"""
SET = """
update inventory_position set micros = $3
where tenant = 'main' and location = $2 and item = $1 and status = 'AVAILABLE' and lot = ''
    and owner = ''
"""


def base_of(number: int) -> int:
    return 1200 + number % 97 * CASE


def item_of(number: int) -> str:
    return f"SKU-{number}"


def place_of(number: int) -> str:
    return f"DC{number % LOCATIONS}"


@dataclass
class World:
    """`planted` is the cause of each difference by item number; rows are made as they are asked.

    Movements are recorded at `times` (by the warehouse's clock): long before the first dump, and
    between the two. What is late is not yet in the ERP when it dumps.
    """

    size: int
    differences: int
    first: datetime
    second: datetime
    random: Random = field(default_factory=lambda: Random(11))
    planted: dict[int, str] = field(default_factory=dict[int, str])
    moved: dict[int, list[tuple[datetime, int]]] = field(
        default_factory=lambda: defaultdict(list[tuple[datetime, int]])
    )
    late: dict[tuple[datetime, int], int] = field(default_factory=dict[tuple[datetime, int], int])
    shift: dict[int, int] = field(default_factory=dict[int, int])
    facts: list[Fact] = field(default_factory=list[Fact])

    def plan(self) -> None:
        numbers = self.random.sample(range(1, self.size + 1), self.differences * 3)
        causes = (
            *("MSG_LOST", "MSG_DUP", "UOM", "XREF", "STATUS_MAP", "LOT_SERIAL", "NEG_STOCK"),
            *("CUTOFF", "MANUAL_ADJ", "CONSIGNMENT_OWNER", "ROUNDING", "UNKNOWN"),
            *("COUNT", "RETURN_UNPOSTED", "TRANSFER_STUCK"),
        )
        for place in range(self.differences):
            self.planted[numbers[place]] = causes[place % len(causes)]
        self._pair([n for n, cause in self.planted.items() if cause == "XREF"])
        for number, cause in self.planted.items():
            self._plant(number, cause)
        quiet = numbers[self.differences :]
        for number in quiet[: self.differences]:
            between = self.first + timedelta(minutes=self.random.randint(1, 20))
            self._move(number, -self.random.randint(1, 90), between)
        for place, number in enumerate(quiet[self.differences :]):
            dumped = self.second if place % 2 else self.first
            amount = -self.random.randint(20, 90)
            self._move(number, amount, dumped - timedelta(minutes=3))
            self.late[dumped, number] = amount

    def _pair(self, numbers: list[int]) -> None:
        """Swap between items of one location; one that is left over is of no known cause."""
        by_place: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            by_place[place_of(number)].append(number)
        for group in by_place.values():
            for one, other in zip(group[::2], group[1::2], strict=False):
                self.shift[one] = self.random.randint(100, 900)
                self.shift[other] = -self.shift[one]
            if len(group) % 2:
                self.planted[group[-1]] = "UNKNOWN"

    def _plant(self, number: int, cause: str) -> None:
        before = self.first - timedelta(hours=self.random.randint(5, 30), minutes=7)
        amount = self.random.choice([-1, 1]) * self.random.randint(100, 900)
        if cause == "RETURN_UNPOSTED":
            amount = abs(amount)
        if cause in {"MSG_LOST", "CUTOFF"} or cause in KINDS:
            self._move(number, amount, before, cause)
            self.shift[number] = -amount
        elif cause == "MSG_DUP":
            self._move(number, amount, before, cause)
            self.shift[number] = amount
        elif cause == "UNKNOWN":
            self.shift[number] = amount

    def _move(self, number: int, amount: int, at: datetime, cause: str = "") -> None:
        kind = MovementType.RECEIPT if amount > 0 else MovementType.SHIP
        self.moved[number].append((at, amount))
        self.facts.append(
            movement(
                f"P-{len(self.facts)}",
                number,
                amount,
                KINDS[cause][amount > 0] if cause in KINDS else kind,
                recorded_at=at,
                occurred_at=at - timedelta(days=1) if cause == "CUTOFF" else at,
            )
        )

    def parts(self) -> Iterator[tuple[Any, ...]]:
        """Give more buckets of items that have several: PART's arguments."""
        for number, cause in self.planted.items():
            name = (item_of(number), place_of(number))
            if cause == "STATUS_MAP":
                yield (*name, "DAMAGED", "", "", 50 * MICROS)
            elif cause == "LOT_SERIAL":
                yield (*name, "AVAILABLE", "", "L1", 50 * MICROS)
                yield (*name, "AVAILABLE", "", "L2", 70 * MICROS)
            elif cause == "CONSIGNMENT_OWNER":
                yield (*name, "AVAILABLE", "SUPPLIER", "", 60 * MICROS)

    def negatives(self) -> Iterator[tuple[str, str, int]]:
        for number, cause in self.planted.items():
            if cause == "NEG_STOCK":
                yield item_of(number), place_of(number), -7 * MICROS

    def dump(self, path: Path, at: datetime) -> None:
        """Write what the ERP says, all of it, as of this instant."""
        said = at.isoformat()
        with path.open("w") as file:
            file.write(HEADER)
            for number in range(1, self.size + 1):
                item, place = item_of(number), place_of(number)
                for status, owner, lot, quantity, cost in self._rows(number, at):
                    file.write(f"{item},{place},{status},{owner},{lot},{quantity},{said},{cost}\n")

    def _rows(self, number: int, at: datetime) -> list[tuple[str, str, str, object, object]]:
        level = base_of(number) + self.shift.get(number, 0)
        level += sum(amount for when, amount in self.moved.get(number, ()) if when <= at)
        level -= self.late.get((at, number), 0)
        cause, shelf = self.planted.get(number, ""), "AVAILABLE"
        if not cause:
            return [(shelf, "", "", level, 1)]
        odd: dict[str, list[tuple[str, str, str, object, object]]] = {
            "UOM": [(shelf, "", "", level // CASE, 1)],
            "NEG_STOCK": [(shelf, "", "", 0, 1)],
            "ROUNDING": [(shelf, "", "", f"{level}.5", COSTLY)],
            "STATUS_MAP": [(shelf, "", "", level + 50, 1)],
            "LOT_SERIAL": [(shelf, "", "", level, 1), (shelf, "", "L1", 120, 1)],
            "CONSIGNMENT_OWNER": [(shelf, "", "", level + 60, 1)],
        }
        return odd.get(cause) or [(shelf, "", "", level, 1)]


def movement(
    name: str,
    number: int,
    amount: int,
    kind: MovementType,
    *,
    recorded_at: datetime,
    occurred_at: datetime,
) -> Fact:
    shelf = Place(location=place_of(number))
    moved = StockMoved(
        movement_id=name,
        item=item_of(number),
        quantity=Quantity.of(abs(amount)),
        type=kind,
        source_place=shelf if amount < 0 else None,
        target_place=shelf if amount > 0 else None,
    )
    return Fact(
        identity=f"movement:{name}",
        payload=moved,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        stream="moves",
    )


@dataclass(frozen=True)
class Judgement:
    """`amiss` shows, item by item, what was planted and what was found instead."""

    planted: int
    found: int
    false: int
    right: int
    amiss: Mapping[str, str]


def judged(planted: Mapping[int, str], findings: Sequence[Mapping[str, Any]]) -> Judgement:
    """Compare what was found with what was planted."""
    expected = {(item_of(n), place_of(n)): cause for n, cause in planted.items()}
    found = {(one["item"], one["location"]): one["cause"] for one in findings}
    return Judgement(
        planted=len(expected),
        found=len(expected.keys() & found.keys()),
        false=len(found.keys() - expected.keys()),
        right=sum(found.get(key) == cause for key, cause in expected.items()),
        amiss={
            key[0]: f"{expected.get(key, 'nothing')}, found {found.get(key, 'nothing')}"
            for key in sorted(expected.keys() | found.keys())
            if expected.get(key) != found.get(key)
        },
    )
