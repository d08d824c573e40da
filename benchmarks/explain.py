"""A past promise asked again, after a million further events: the same bytes, and how soon.

Promises are made and explained, then the log goes on: further promises on the same items and on
others, movements and counts of both. Each is explained once more and compared byte by byte.
"""

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from benchmarks.report import Figures, Goal, Report, machine
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    ReservationKind,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import Reservation, ReservationLine, ReservationRequest
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.interfaces.api.promise_shapes import promise_shown

SEED = 7
ITEMS = 2_000
PAST = 1_000
BATCH = 1_000
END = "select coalesce(max(position), 0) from event_log where tenant = $1"


async def run(rounds: int = 5, *, quick: bool = False) -> Report:
    """Explain each of the past promises before and after; `rounds` times after."""
    further = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="crossdock-explain-") as name:
        async with Hub.open(Settings(data_dir=Path(name))) as hub:
            numbers = itertools.count(1)
            await _fill(hub, numbers)
            chance = Random(SEED)
            past = await _promise(hub, chance, numbers, PAST)
            first = {one: await _explained(hub, one) for one in past}
            start = await _events(hub)
            while (made := await _events(hub) - start) < further:
                await _promise(hub, chance, numbers, BATCH)
                await _moves(hub, chance, numbers)
                await hub.inventory.upkeep.tell()
            figures = [await _asked_again(hub, number, first) for number in range(1, rounds + 1)]
    return _report(figures, made, further)


async def _fill(hub: Hub, numbers: Iterator[int]) -> None:
    items: list[Payload] = [ItemChanged(sku=f"SKU-{number}") for number in range(ITEMS)]
    await _record(hub, numbers, [*items, LocationChanged(code="DC1")])
    counted = tuple(
        CountedStock(item=f"SKU-{number}", quantity=Quantity.of(100_000))
        for number in range(ITEMS)
    )
    snapshot = StockSnapshotTaken(snapshot_id="S", location="DC1", lines=counted)
    await _record(hub, numbers, [snapshot])


async def _record(hub: Hub, numbers: Iterator[int], payloads: Sequence[Payload]) -> None:
    now = hub.clock.now()
    facts = [
        Fact(
            identity=f"f:{number}", payload=one, occurred_at=now, recorded_at=now, sequence=number
        )
        for one, number in zip(payloads, numbers, strict=False)
    ]
    await hub.record(facts, source="wms")


async def _promise(hub: Hub, chance: Random, numbers: Iterator[int], count: int) -> list[str]:
    """Promise so much that some of it is refused, now and then."""
    requests = [
        ReservationRequest(
            f"R{next(numbers)}",
            (
                ReservationLine(
                    f"SKU-{chance.randrange(ITEMS)}",
                    "DC1",
                    chance.choice([1, 2, 5, 10**6]) * MICROS,
                ),
            ),
            ReservationKind.HARD,
        )
        for _ in range(count)
    ]
    made = await hub.inventory.reserve_many(hub.scope, "bench", requests)
    return [one.reservation_id for one in made if isinstance(one, Reservation)]


async def _moves(hub: Hub, chance: Random, numbers: Iterator[int]) -> None:
    moved = [
        StockMoved(
            movement_id=f"M{next(numbers)}",
            item=f"SKU-{chance.randrange(ITEMS)}",
            quantity=Quantity.of(chance.randint(1, 9)),
            type=MovementType.RECEIPT,
            target_place=Place(location="DC1"),
        )
        for _ in range(100)
    ]
    await _record(hub, numbers, moved)


async def _events(hub: Hub) -> int:
    async with hub.database.transaction(Scope(hub.settings.tenant)) as tx:
        return int(await tx.fetchval(END, tx.tenant))


async def _explained(hub: Hub, reservation_id: str) -> bytes:
    found = await hub.inventory.explain(hub.scope, reservation_id)
    units = {line.item: "EA" for line in found.lines}
    return msgspec.json.encode(promise_shown(found, units))


async def _asked_again(hub: Hub, number: int, first: dict[str, bytes]) -> Figures:
    waits: list[float] = []
    others = 0
    for one, proof in first.items():
        began = time.perf_counter()
        again = await _explained(hub, one)
        waits.append(time.perf_counter() - began)
        others += again != proof
    waits.sort()
    return {
        "round": number,
        "side": "asked again",
        "operations": len(waits),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
        "longest_ms": round(waits[-1] * 1000, 2),
        "other_proofs": others,
        "not_reproduced": sum(b'"is_reproduced":true' not in proof for proof in first.values()),
    }


def _report(figures: Sequence[Figures], made: int, further: int) -> Report:
    longest = max(float(one["longest_ms"]) for one in figures)
    return Report(
        bench="explain",
        goals=[
            Goal("a past promise asked again, the longest wait", longest / 1000, "s", "<= 1"),
            Goal(
                "proofs that are not the same bytes",
                float(sum(int(one["other_proofs"]) for one in figures)),
                "promises",
                "== 0",
            ),
            Goal(
                "promises that the rule does not give once more",
                float(max(int(one["not_reproduced"]) for one in figures)),
                "promises",
                "== 0",
            ),
            Goal("further events", float(made), "events", f">= {further:,}"),
        ],
        rounds=list(figures),
        machine=machine(items=ITEMS, past_promises=PAST, further_events=made),
    )
