"""Cases of allocation: one for each item at a location, as its runs leave it (§3.6, §7.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import (
    OpenShortage,
    Outlook,
    Run,
    RunException,
    RunState,
    Short,
    Why,
    digest_of_short,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from crossdock.orchestration.decision import CloseCase

Key = tuple[str, str]
WITHIN = timedelta(hours=1)
NAMED = 3
"""So many lines that are short stand in a title."""
SHOWN = 20
"""So many stand in the evidence, beside all that lost something: what they lost is known by it."""
MORE_NAMED = 1_000
"""So many of the others are named, so that nobody else tells of them, too."""


@dataclass(frozen=True, slots=True)
class OrderDesk:
    """Cases, in the words of allocation: one for each item at a location."""

    clock: Clock

    async def open(
        self,
        tx: Transaction,
        tenant: str,
        run: Run,
        short: Sequence[Short] = (),
        outlook: Outlook | None = None,
    ) -> None:
        is_urgent = outlook is not None or run.state is RunState.REFUSED
        rest_on = None if outlook is None else outlook.rest_on
        said = [
            one
            for place, one in enumerate(short)
            if place < SHOWN or one.exception is RunException.GAIN_LOST
        ]
        case = OpenCase(
            code="ORD-OVERSOLD" if run.waits or outlook else _code(short),
            fingerprint=allocation_name((run.item, run.location)),
            severity="S1" if is_urgent else "S2",
            owner_role="Order desk",
            within=WITHIN,
            entity=f"{run.item}/{run.location}",
            title=_title(run, short, rest_on),
            evidence={
                "run": run.run_id,
                "state": run.state,
                "reason": run.reason,
                "supply": _amount(run.supply, run),
                "owed": _amount(run.owed, run),
                "gained": _amount(run.gained, run),
                "lost": _amount(run.lost, run),
                "losers": [line.demand_ref for line in run.lines if line.after < line.before],
                "short": [_said(one, run) for one in said],
                "more": _more(short, said),
                "lines": len(short),
                "digest": digest_of_short(short),
                "rest_on": None if rest_on is None else str(rest_on),
                "instead": [] if outlook is None else list(outlook.instead),
            },
        )
        await cases.record(tx, [Said(tenant, run.run_id, case)], self.clock.now())

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, OpenShortage]:
        by_name = {allocation_name(key): key for key in keys}
        found = await cases.going_on(tx, tenant, list(by_name))
        return {by_name[name]: _open_shortage(*said) for name, said in found.items()}

    async def close(self, tx: Transaction, tenant: str, key: Key, resolution: str) -> None:
        case = CloseCase(fingerprint=allocation_name(key), resolution=resolution)
        await cases.record(tx, [Said(tenant, "", case)], self.clock.now())


def _code(short: Sequence[Short]) -> str:
    is_won = any(one.exception is RunException.WIN_SHORT for one in short)
    return "ORD-WIN-SHORT" if is_won else "ORD-GAIN-LOST"


def _title(run: Run, short: Sequence[Short], rest_on: date | None) -> str:
    if run.state is RunState.REFUSED:
        return f"{_amount(run.owed, run)} are owed, and {_amount(run.supply, run)} are there"
    waits = [f"a run that takes {_amount(run.lost, run)} away waits for approval"]
    if run.waits:
        short = [one for one in short if one.exception is RunException.OVERSOLD]
    who = [
        f"{one.demand_ref} {'keeps' if one.exception is RunException.GAIN_LOST else 'gets'} "
        f"{_amount(one.gets, run)} of {_amount(one.of, run)}: {one.why}"
        for one in short[:NAMED]
    ]
    more = [f"and {len(short) - NAMED} more"] if len(short) > NAMED else []
    rest = [] if rest_on is None else [f"the rest can leave on {rest_on}"]
    return "; ".join([*(waits if run.waits else ()), *who, *more, *rest])


def _more(short: Sequence[Short], said: Sequence[Short]) -> list[str]:
    shown = {one.demand_ref for one in said}
    return [one.demand_ref for one in short if one.demand_ref not in shown][:MORE_NAMED]


def _said(one: Short, run: Run) -> Mapping[str, str]:
    return {
        "line": one.demand_ref,
        "exception": one.exception,
        "gets": _amount(one.gets, run),
        "of": _amount(one.of, run),
        "why": one.why,
        "picked": _amount(one.picked, run),
    }


def _open_shortage(evidence: Mapping[str, Any], state: str) -> OpenShortage:
    """Read back what a case was opened with, or last met with."""
    short = tuple(
        Short(
            one["line"],
            RunException(one["exception"]),
            _micros(one["gets"]),
            _micros(one["of"]),
            Why(one["why"]),
            _micros(one["picked"]),
        )
        for one in evidence["short"]
    )
    rest_on = evidence["rest_on"]
    return OpenShortage(
        RunState(evidence["state"]),
        short,
        is_open=state == "OPEN",
        rest_on=None if rest_on is None else date.fromisoformat(rest_on),
        digest=evidence.get("digest", ""),
    )


def _amount(micros: int, run: Run) -> str:
    return str(Quantity.from_micros(micros, run.unit))


def _micros(amount: str) -> int:
    return Quantity.of(amount.split(maxsplit=1)[0]).micros


def allocation_name(key: Key) -> str:
    """Name the cause of the case of an item at a location."""
    return f"allocation/{key[0]}/{key[1]}"
