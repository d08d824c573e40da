"""A distributor's stock twice: in the hub's ledger, and as an ERP with planted mistakes has it.

Every root-cause class of §4.4 is planted. The ERP shows a log of what it booked that goes back for
half a day, so what is newer is known by document, and what is older by hint.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from crossdock.canonical.catalog import KitChanged, KitComponent
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.quantities import MICROS, Quantity

LOCATIONS = 10
CASE = 12
CAUSES = (
    *("TIMING", "MSG_LOST", "MSG_DUP", "MSG_REJECTED", "MSG_ORDER", "UOM", "XREF", "STATUS_MAP"),
    *("LOT_SERIAL", "KIT_EXPLOSION", "MANUAL_ADJ", "COUNT", "SHRINK", "RETURN_UNPOSTED"),
    *("TRANSFER_STUCK", "CUTOFF", "ROUNDING", "CONSIGNMENT_OWNER", "NEG_STOCK", "UNKNOWN"),
)
KINDS = {
    "MANUAL_ADJ": (MovementType.ADJUST, MovementType.ADJUST),
    "COUNT": (MovementType.COUNT_ADJUST, MovementType.COUNT_ADJUST),
    "SHRINK": (MovementType.COUNT_ADJUST, MovementType.COUNT_ADJUST),
    "RETURN_UNPOSTED": (MovementType.RETURN_RECEIPT, MovementType.RETURN_RECEIPT),
    "TRANSFER_STUCK": (MovementType.TRANSFER_SHIP, MovementType.TRANSFER_RECEIVE),
}
"""Which movement the ERP lacks, by cause: one that took away, one that brought."""
LOST = {"MSG_LOST", "MSG_REJECTED", "CUTOFF", *KINDS}
"""Causes by which the ERP lacks a movement of ours."""
GAINS, LOSSES = {"RETURN_UNPOSTED", "COUNT"}, {"SHRINK"}
TAKES = (2, 3)
"""What a kit takes of each of its components."""
ALTERED = 37
COSTLY = 600
HEADER = "item,location,status,owner,lot,quantity,as_of,unit_cost\n"
LOG_HEADER = "reference,item,location,quantity,recorded_at\n"
LOG_LASTS = timedelta(hours=14)

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
# What the ERP was told to book, and refused.
REFUSED = """
insert into movement_booking (tenant, instance, booking, settlement)
values ('main', 'erp/wms/movement%3A' || $1::text, jsonb_build_object('item', $2::text,
    'source', 'wms', 'identity', 'movement:' || $1::text), 'REFUSED')
"""


def base_of(number: int) -> int:
    return 1200 + number % 97 * CASE


def item_of(number: int) -> str:
    return f"SKU-{number}"


def place_of(number: int) -> str:
    return f"DC{number % LOCATIONS}"


class Logged(NamedTuple):
    """A line of the ERP's log."""

    reference: str
    number: int
    amount: int
    at: datetime


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
    log: list[Logged] = field(default_factory=list[Logged])
    refused: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    facts: list[Fact] = field(default_factory=list[Fact])
    _used: set[int] = field(default_factory=set[int])

    def plan(self) -> None:
        numbers = self.random.sample(range(1, self.size + 1), self.differences * 3)
        self._used = set(numbers)
        for place in range(self.differences):
            self.planted[numbers[place]] = CAUSES[place % len(CAUSES)]
        self._pair([n for n, cause in self.planted.items() if cause == "XREF"])
        self._explode([n for n, cause in self.planted.items() if cause == "KIT_EXPLOSION"])
        for number, cause in self.planted.items():
            self._plant(number, cause)
        quiet = numbers[self.differences :]
        for number in quiet[: self.differences]:
            between = self.first + timedelta(minutes=self.random.randint(1, 20))
            amount = -self.random.randint(1, 90)
            self._book(self._move(number, amount, between), number, amount, between)
        for place, number in enumerate(quiet[self.differences :]):
            dumped = self.second if place % 2 else self.first
            amount = -self.random.randint(20, 90)
            name = self._move(number, amount, dumped - timedelta(minutes=3))
            self._book(name, number, amount, dumped + timedelta(minutes=1))
            self.late[dumped, number] = amount

    def _beside(self, number: int) -> int:
        """Give the next item of the same location that nothing else is planted at."""
        other = number
        while other in self._used:
            other = (other + LOCATIONS - 1) % self.size + 1
        self._used.add(other)
        return other

    def _pair(self, numbers: list[int]) -> None:
        """Swap between items of one location; one that is left over is of no known cause."""
        for one, replaced in zip(numbers[::2], numbers[1::2], strict=False):
            del self.planted[replaced]
            other = self._beside(one)
            self.planted[other] = "XREF"
            self.shift[one] = self.random.randint(100, 900)
            self.shift[other] = -self.shift[one]
        if len(numbers) % 2:
            self.planted[numbers[-1]] = "UNKNOWN"

    def _explode(self, numbers: list[int]) -> None:
        """Ship kits whole, where the ERP books their components; what is left over is unknown."""
        size = 1 + len(TAKES)
        for begin in range(0, len(numbers) - size + 1, size):
            kit = numbers[begin]
            for replaced in numbers[begin + 1 : begin + size]:
                del self.planted[replaced]
            parts = {self._beside(kit): takes for takes in TAKES}
            self.planted |= dict.fromkeys(parts, "KIT_EXPLOSION")
            self._ship_kit(kit, parts)
        for number in numbers[len(numbers) // size * size :]:
            self.planted[number] = "UNKNOWN"

    def _ship_kit(self, kit: int, parts: Mapping[int, int]) -> None:
        amount, at = -self.random.randint(20, 60), self._long_ago()
        name = self._move(kit, amount, at)
        self.shift[kit] = -amount
        for part, takes in parts.items():
            self.shift[part] = amount * takes
            self._book(name, part, amount * takes, at)
        components = tuple(
            KitComponent(item=item_of(part), quantity=Quantity.of(takes))
            for part, takes in parts.items()
        )
        made = KitChanged(item=item_of(kit), quantity=Quantity.of(1), components=components)
        self.facts.append(Fact(identity=f"kit:{kit}", payload=made, occurred_at=at))

    def _long_ago(self, most: int = 30) -> datetime:
        return self.first - timedelta(hours=self.random.randint(5, most), minutes=7)

    def _plant(self, number: int, cause: str) -> None:
        amount = self.random.choice([-1, 1]) * self.random.randint(100, 900)
        if cause in GAINS | LOSSES:
            amount = abs(amount) if cause in GAINS else -abs(amount)
        if cause in LOST:
            name = self._move(number, amount, self._long_ago(), cause)
            self.shift[number] = -amount
            if cause == "MSG_REJECTED":
                self.refused.append((name, item_of(number)))
        elif cause == "MSG_DUP":
            at = self._long_ago()
            name = self._move(number, amount, at)
            self.shift[number] = amount
            self._book(name, number, amount, at)
            self._book(name, number, amount, at)
        elif cause == "MSG_ORDER":
            at = self._long_ago(LOG_LASTS // timedelta(hours=1) - 1)
            name = self._move(number, amount, at)
            self.shift[number] = ALTERED if amount > 0 else -ALTERED
            self._book(name, number, amount + self.shift[number], at)
        elif cause == "TIMING":
            name = self._move(number, amount, self.first - LOG_LASTS - timedelta(hours=6))
            self._book(name, number, amount, self.first + timedelta(minutes=10))
            self.late[self.first, number] = amount
        elif cause == "UNKNOWN":
            self.shift[number] = amount

    def _book(self, name: str, number: int, amount: int, at: datetime) -> None:
        """Write it into the ERP's log, if that goes back so far."""
        if at >= self.first - LOG_LASTS:
            self.log.append(Logged(name, number, amount, at))

    def _move(self, number: int, amount: int, at: datetime, cause: str = "") -> str:
        kind = MovementType.RECEIPT if amount > 0 else MovementType.SHIP
        name = f"P-{len(self.facts)}"
        self.moved[number].append((at, amount))
        self.facts.append(
            movement(
                name,
                number,
                amount,
                KINDS[cause][amount > 0] if cause in KINDS else kind,
                recorded_at=at,
                occurred_at=at - timedelta(days=1) if cause == "CUTOFF" else at,
            )
        )
        return name

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

    def dump_log(self, path: Path, at: datetime) -> None:
        """Write what the ERP has booked by this instant, as far back as its log goes."""
        with path.open("w") as file:
            file.write(LOG_HEADER)
            for line in self.log:
                if line.at <= at:
                    key = f"{item_of(line.number)},{place_of(line.number)}"
                    file.write(f"{line.reference},{key},{line.amount},{line.at.isoformat()}\n")

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


def judged(
    planted: Mapping[int, str],
    findings: Sequence[Mapping[str, Any]],
    passed: Sequence[Mapping[str, Any]],
) -> Judgement:
    """Compare what was confirmed, and what passed by itself, with what was planted.

    What was only on its way is found where it was suspected, and closed as that.
    """
    expected = {(item_of(n), place_of(n)): cause for n, cause in planted.items()}
    found = {
        (one["item"], one["location"]): one["root_cause"]
        for one in passed
        if expected.get((one["item"], one["location"])) == "TIMING"
    }
    found |= {(one["item"], one["location"]): one["cause"] for one in findings}
    is_proven = {
        (one["item"], one["location"]): expected.get((one["item"], one["location"]))
        for one in findings
    }
    return Judgement(
        planted=len(expected),
        found=len(expected.keys() & found.keys()),
        false=sum(cause in {None, "TIMING"} for cause in is_proven.values()),
        right=sum(found.get(key) == cause for key, cause in expected.items()),
        amiss={
            key[0]: f"{expected.get(key, 'nothing')}, found {found.get(key, 'nothing')}"
            for key in sorted(expected.keys() | found.keys())
            if expected.get(key) != found.get(key)
        },
    )
