"""A past promise asked again, after a million further events: the same bytes, and how soon.

Reservations and promises by date are made and explained, then the log goes on: further promises on
the same items and on others, movements of both, other rules for what is promised by date. Each is
explained once more as `GET /v1/promises/{id}` does, and compared byte by byte.
"""

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import msgspec

from benchmarks.report import Figures, Goal, Report, Stopwatch, machine, postmaster_of
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
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.capabilities.inventory import Reservation, ReservationLine, ReservationRequest
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule, PromiseAsked, Question
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import SettingsAlone
from crossdock.interfaces.api.kept_promises import kept_shown
from crossdock.interfaces.api.promise_shapes import promise_shown

SEED = 7
ITEMS = 2_000
PAST = 1_000
PAST_BY_DATE = 200
BATCH = 1_000
END = "select coalesce(max(position), 0) from event_log where tenant = $1"


async def run(rounds: int = 5, *, quick: bool = False) -> Report:
    """Explain each of the past promises before and after; `rounds` times after."""
    further = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="crossdock-explain-") as name:
        async with Hub.open(SettingsAlone(data_dir=Path(name))) as hub:
            numbers = itertools.count(1)
            await _fill(hub, numbers)
            chance = Random(SEED)
            past = await _promise(hub, chance, numbers, PAST)
            past += await _promise_by_date(hub, chance, numbers)
            first = {one: await _explained(hub, one) for one in past}
            start = await _events(hub)
            while (made := await _events(hub) - start) < further:
                await _promise(hub, chance, numbers, BATCH)
                await _moves(hub, chance, numbers)
                await hub.inventory.upkeep.tell()
            await _rule_otherwise(hub)
            postmaster = postmaster_of(Path(name))
            figures = [
                {"round": number, **await _asked_again(hub, postmaster, first)}
                for number in range(1, rounds + 1)
            ]
    return _report(figures, made, further)


async def _fill(hub: Hub, numbers: Iterator[int]) -> None:
    items: list[Payload] = [ItemChanged(sku=f"SKU-{number}") for number in range(ITEMS)]
    await _record(hub, numbers, [*items, LocationChanged(code="DC1")])
    counted = tuple(
        CountedStock(item=f"SKU-{number}", quantity=Quantity.of(100_000))
        for number in range(ITEMS)
    )
    snapshot = StockSnapshotTaken(snapshot_id="S", location="DC1", lines=counted)
    today = hub.clock.now().date()
    inbound = [
        SupplyCommitmentChanged(
            supply_id=f"asn:{number}",
            kind=SupplyKind.ASN_LINE,
            item=f"SKU-{number}",
            location="DC1",
            open_quantity=Quantity.of(100_000),
            evidence=SupplyEvidence.SHIPPED,
            eta=today + timedelta(days=1 + number % 30),
        )
        for number in range(ITEMS)
    ]
    await _record(hub, numbers, [snapshot, *inbound])


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


async def _promise_by_date(hub: Hub, chance: Random, numbers: Iterator[int]) -> list[str]:
    """Promise more than lies there, so that each counts on what is on its way."""
    made: list[str] = []
    for _ in range(PAST_BY_DATE):
        question = Question(f"SKU-{chance.randrange(ITEMS)}", "DC1", "EA", 100_001 * MICROS)
        asked = PromiseAsked(f"P{next(numbers)}", (question,), ("",))
        made.append((await hub.kept_promises.promise(hub.scope, "bench", asked)).promise_id)
    return made


async def _rule_otherwise(hub: Hub) -> None:
    rule = AtpRule(mode=AtpMode.DISCRETE, daily_buckets=5, weekly_buckets=0)
    await hub.supply.put_rule(hub.scope, PlacedRule(rule=rule), by="bench")


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


async def _explained(hub: Hub, promise_id: str) -> bytes:
    if promise_id.startswith("prm_"):
        kept = await hub.kept_promises.get(hub.scope, promise_id)
        shown = kept_shown(kept)  # what its lines hold by now is no part of why
        return msgspec.json.encode([shown.is_granted, shown.reasons, shown.answers, shown.rules])
    found = await hub.inventory.explain(hub.scope, promise_id)
    units = {line.item: "EA" for line in found.lines}
    return msgspec.json.encode(promise_shown(found, units))


async def _asked_again(hub: Hub, postmaster: int, first: dict[str, bytes]) -> Figures:
    waits: list[float] = []
    watch = Stopwatch(postmaster)
    others = 0
    for one, proof in first.items():
        began = time.perf_counter()
        again = await _explained(hub, one)
        waits.append(time.perf_counter() - began)
        others += again != proof
    figures = watch.figures(len(waits))
    waits.sort()
    return {
        "side": "asked again",
        **figures,
        "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
        "longest_ms": round(waits[-1] * 1000, 2),
        "other_proofs": others,
        "not_reproduced": sum(
            b'"is_reproduced":true' not in proof
            for one, proof in first.items()
            if not one.startswith("prm_")
        ),
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
                "reservations that the rule does not give once more",
                float(max(int(one["not_reproduced"]) for one in figures)),
                "promises",
                "== 0",
            ),
            Goal("further events", float(made), "events", f">= {further:,}"),
        ],
        rounds=list(figures),
        machine=machine(
            items=ITEMS, reservations=PAST, promises_by_date=PAST_BY_DATE, further_events=made
        ),
    )
