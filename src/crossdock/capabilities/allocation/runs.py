"""Back-order runs as they are kept, and told: what decided, and each line's change.

A run is never rewritten: only its state goes on, from SIMULATED to what became of it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.errors import NotFound
from crossdock.capabilities.allocation import alternative_store, store, told
from crossdock.capabilities.allocation.figures import Figures
from crossdock.capabilities.allocation.model import (
    Expected,
    Line,
    Protection,
    RunException,
    Why,
)
from crossdock.capabilities.allocation.shapes import Run, RunLine, RunState, Word
from crossdock.foundation.database import Transaction


def digest_of(
    supply: int,
    lines: Sequence[Line],
    protections: Sequence[Protection],
    reach: Mapping[str, int] = MappingProxyType({}),
) -> str:
    """Name all that a run is decided on: if it is the same again, nothing has changed.

    Of what is to come that is what each WIN line can wait for (`reach`), so it is the same after
    midnight, and after a change of what comes behind their days.
    """
    told = sorted(lines, key=lambda line: line.demand_ref)
    waits_for = sorted((ref, micros) for ref, micros in reach.items() if micros)
    decided_on = (supply, told, sorted(protections), waits_for)
    return hashlib.sha256(msgspec.json.encode(decided_on)).hexdigest()


async def save(tx: Transaction, made: Sequence[Run]) -> list[Run]:
    """Keep runs with their lines, one for each item and location, in the order given.

    Each takes the place of the one that waited there, unless that was decided on the same.
    """
    keys = [(run.item, run.location) for run in made]
    rows = await tx.fetch(
        store.WAITING, tx.tenant, [key[0] for key in keys], [key[1] for key in keys]
    )
    waiting = {(row["item"], row["location"], row["digest"]): row["run_id"] for row in rows}
    same = {
        run.run_id: await load(tx, waiting[run.item, run.location, run.digest])
        for run in made
        if (run.item, run.location, run.digest) in waiting
    }
    fresh = [run for run in made if run.run_id not in same]
    if fresh:
        now = fresh[0].made_at
        await supersede(tx, [(run.item, run.location) for run in fresh], now)
        await _add(tx, fresh)
        for run in fresh:
            await told.runs(tx, [run], run.state, Word(run.made_by, run.made_at))
    return [same.get(run.run_id, run) for run in made]


async def _add(tx: Transaction, made: Sequence[Run]) -> None:
    await tx.execute(
        store.ADD_RUNS,
        tx.tenant,
        [run.run_id for run in made],
        [run.item for run in made],
        [run.location for run in made],
        [run.unit for run in made],
        [run.state for run in made],
        [run.reason for run in made],
        [run.supply for run in made],
        [run.owed for run in made],
        [run.gained for run in made],
        [run.lost for run in made],
        [run.stock_version for run in made],
        [run.rules_version for run in made],
        *_seen(made),
        [run.digest for run in made],
        [run.made_by for run in made],
        [run.made_at for run in made],
    )
    lines = [
        (run.run_id, place, line) for run in made for place, line in enumerate(run.lines, start=1)
    ]
    await tx.execute(
        store.ADD_RUN_LINES,
        tx.tenant,
        [run_id for run_id, _, _ in lines],
        [place for _, place, _ in lines],
        [line.demand_ref for _, _, line in lines],
        [line.order_id for _, _, line in lines],
        [line.channel for _, _, line in lines],
        [line.requested for _, _, line in lines],
        [line.picked for _, _, line in lines],
        [line.before for _, _, line in lines],
        [line.after for _, _, line in lines],
        [line.strategy for _, _, line in lines],
        [line.priority for _, _, line in lines],
        [line.since for _, _, line in lines],
        [line.why for _, _, line in lines],
        [line.exception for _, _, line in lines],
        [line.multiple for _, _, line in lines],
        [line.released for _, _, line in lines],
        [line.coming for _, _, line in lines],
        [line.ships_on for _, _, line in lines],
        [line.customer for _, _, line in lines],
        [line.elsewhere for _, _, line in lines],
        [line.counts_for for _, _, line in lines],
    )
    offered = [(run, one) for run in made for one in run.alternatives]
    if offered:
        await alternative_store.add(
            tx,
            [(run.item, run.location) for run, _ in offered],
            {line.demand_ref: (line.channel, line.customer) for _, _, line in lines},
            [one for _, one in offered],
        )


def _seen(made: Sequence[Run]) -> Iterator[list[str]]:
    """Put into columns what runs saw, for their proof."""
    for name in ("protections", "figures", "expected"):
        yield [msgspec.json.encode(getattr(run, name)).decode() for run in made]


async def latest(tx: Transaction, run: Run) -> Run | None:
    """Give the newest run of the same item and location, if it decided on and came to the same."""
    rows = await tx.fetch(store.LATEST, tx.tenant, [run.item], [run.location])
    for row in rows:
        if row["digest"] == run.digest and row["state"] == run.state:
            return await load(tx, row["run_id"])
    return None


async def supersede(
    tx: Transaction, keys: Sequence[tuple[str, str]], now: datetime
) -> list[tuple[str, str]]:
    """End the runs that wait for these (item, location); tell where there was one."""
    rows = await tx.fetch(
        store.SUPERSEDE, tx.tenant, [key[0] for key in keys], [key[1] for key in keys], now
    )
    await told.runs(tx, [run_of(row) for row in rows], RunState.SUPERSEDED, Word(told.HUB, now))
    return [(row["item"], row["location"]) for row in rows]


async def end_refused(tx: Transaction, run_ids: Sequence[str], now: datetime) -> None:
    """End refused runs of which what was owed fits again, and tell."""
    rows = await tx.fetch(store.END_REFUSED, tx.tenant, list(run_ids), now)
    await told.runs(tx, [run_of(row) for row in rows], RunState.SUPERSEDED, Word(told.HUB, now))


async def load(tx: Transaction, run_id: str) -> Run:
    """Give a run with its lines; raise `NotFound` naming it."""
    row = await tx.fetchrow(store.RUN, tx.tenant, run_id)
    if row is None:
        raise NotFound(
            f"no allocation run is called {run_id!r}",
            hint="`crossdock allocation runs` and GET /v1/allocation/runs list them",
        )
    offered = await tx.fetch(alternative_store.OF_RUN, tx.tenant, run_id)
    return replace(
        run_of(row, await tx.fetch(store.RUN_LINES, tx.tenant, run_id)),
        alternatives=tuple(alternative_store.alternative_of(one) for one in offered),
    )


async def decide(tx: Transaction, waiting: Sequence[Run], state: RunState, word: Word) -> bool:
    """Move runs that wait to their end; False if somebody else has just done so with one."""
    ids = [run.run_id for run in waiting]
    rows = await tx.fetch(store.DECIDE_RUNS, tx.tenant, ids, state, *word)
    if len(rows) != len(ids):
        return False
    await told.runs(tx, waiting, state, word)
    return True


def run_of(row: Any, lines: Sequence[Any] = ()) -> Run:
    fields: dict[str, Any] = {name: row[name] for name in store.RUN_COLUMNS}
    fields["state"] = RunState(row["state"])
    fields["protections"] = tuple(msgspec.json.decode(row["protections"], type=list[Protection]))
    fields["figures"] = msgspec.json.decode(row["figures"], type=Figures)
    fields["expected"] = tuple(msgspec.json.decode(row["expected"], type=list[Expected]))
    return Run(**fields, lines=tuple(_line_of(line) for line in lines))


def _line_of(row: Any) -> RunLine:
    fields: dict[str, Any] = {name: row[name] for name in store.RUN_LINE_COLUMNS}
    fields["strategy"] = Strategy(row["strategy"])
    fields["why"] = Why(row["why"])
    fields["exception"] = RunException(row["exception"])
    return RunLine(**fields)
