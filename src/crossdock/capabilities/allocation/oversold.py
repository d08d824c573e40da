"""Who was sold what is not there: accepted beyond supply by a channel that is shown it (§7.2).

Of such a channel every order line is owed what was accepted, whatever its strategy. What comes
before a line is to leave is had; the rest is a person's to tell the customer of.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from crossdock.capabilities.allocation import rulebook
from crossdock.capabilities.allocation.asks import Around, Key, Outlook
from crossdock.capabilities.allocation.model import RunException, Why
from crossdock.capabilities.allocation.shapes import Run, RunLine, Short
from crossdock.foundation.database import Transaction


class Oversold(NamedTuple):
    """Who of an item at a location is short, and what is to be told of the rest."""

    short: tuple[Short, ...]
    outlook: Outlook


NOBODY = Oversold((), Outlook((), None))


async def oversold(
    tx: Transaction, around: Around, runs: Sequence[Run], now: datetime
) -> Mapping[Key, Oversold]:
    """Say who is short by these runs of channels that tell it; who has all is left out.

    Supply is asked once, of all that is lacking of an item at a location together.
    """
    lacking = [(run, line) for run in runs for line in run.lines if _lacks(line, run)]
    if not lacking:
        return {}
    channels = {line.channel for _, line in lacking}
    rules = await rulebook.rules_for(tx, channels, {line.order_id for _, line in lacking})
    shown = await around.channels.shown_stock(tx, sorted(channels))
    waiting: dict[Key, list[RunLine]] = {}
    for run, line in lacking:
        tells = rules.tells_shortage(line.order_id, line.channel)
        if line.channel in shown if tells is None else tells:
            waiting.setdefault((run.item, run.location), []).append(line)
    if not waiting:
        return {}
    by_key = {(run.item, run.location): run for run in runs}
    asked = {
        key: (
            by_key[key].unit,
            sum(line.requested for line in lines),
            frozenset(line.demand_ref for line in lines),
        )
        for key, lines in waiting.items()
    }
    outlooks = await around.supply.outlook(tx, asked, now)
    return {
        key: Oversold(_short(by_key[key], lines, outlooks[key].parts), outlooks[key])
        for key, lines in waiting.items()
    }


def gets_in_time(
    lines: Sequence[RunLine], has: Mapping[str, int], parts: Sequence[tuple[date, int]]
) -> Mapping[str, int]:
    """Say what each of these lines gets by the day it leaves on: what it has, and what comes.

    `parts` are what they could all leave in, beside everybody else. Who leaves first has what
    comes first, also what is too late for him; who names no day cannot wait.
    """
    found: dict[str, int] = {}
    taken = sum(has[line.demand_ref] for line in lines)
    for line in sorted(
        lines, key=lambda one: (one.ships_on or date.min, one.since, one.demand_ref)
    ):
        ref, lacks = line.demand_ref, line.requested - has[line.demand_ref]
        by_then = sum(micros for day, micros in parts if line.ships_on and day <= line.ships_on)
        found[ref] = has[ref] + max(0, min(lacks, by_then - taken))
        taken += lacks
    return found


def _leaves(line: RunLine) -> tuple[date, datetime, str]:
    return (line.ships_on or date.min, line.since, line.demand_ref)


def _lacks(line: RunLine, run: Run) -> int:
    return max(0, line.requested - _has(line, run) - line.coming)


def _has(line: RunLine, run: Run) -> int:
    return line.after if run.is_applied else line.before


def _short(
    run: Run, lines: Sequence[RunLine], parts: Sequence[tuple[date, int]]
) -> tuple[Short, ...]:
    has = {line.demand_ref: _has(line, run) for line in lines}
    gets = gets_in_time(lines, has, parts)
    return tuple(
        Short(
            line.demand_ref,
            RunException.OVERSOLD,
            gets[line.demand_ref],
            line.requested,
            line.why if run.is_applied else Why.NOT_TOUCHED,
            line.picked,
        )
        for line in lines
        if gets[line.demand_ref] < line.requested
    )
