"""What a comparison of open lines comes to: its findings, its run, its cases. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import line_rules, open_lines, store
from crossdock.capabilities.reconciliation.causes import Level
from crossdock.capabilities.reconciliation.evidence import SHOWN_MAX, instant
from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.guards import Shape
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.kinds import LABELS, OPEN_LINES
from crossdock.capabilities.reconciliation.model import Before, ItemClass, State
from crossdock.capabilities.reconciliation.money import at_risk
from crossdock.capabilities.reconciliation.open_lines import Compared, Ours, Theirs
from crossdock.capabilities.reconciliation.outcome import About
from crossdock.capabilities.reconciliation.store import FindingRow, RunRow
from crossdock.foundation.ids import derived_uuid, prefixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One comparison, as far as each of its findings says something of it.

    `heard_from` is whose words ours are, or "". `is_own`: a source was asked itself, and ours
    are its own words.
    """

    tenant: str
    about: About
    cut: int
    now: datetime
    policy: Policy
    heard_from: str = ""
    is_own: bool = False


def row_of(one: Compared, seen: Seen, before: Before | None, unit: str) -> FindingRow:
    """Make a finding of a line that differs, as of the cut; it has no price yet."""
    about, at = seen.about, instant(seen.cut)
    said = one.ours or one.theirs
    item, location = (said.item, said.location) if said else ("", "")
    ours, theirs = _micros(one.ours), _micros(one.theirs)
    state = open_lines.state_of(one, before, seen.cut, seen.policy)
    name = derived_uuid("finding", seen.tenant, about.run_id, *one.number)
    return FindingRow(
        finding_id=prefixed("fnd", name),
        system=about.system,
        against=about.against,
        location=location,
        item=item,
        state=state,
        level=Level.TOTAL,
        cause=one.verdict.cause,
        because=one.verdict.because,
        remedy=line_rules.remedy_of(about, one, state),
        unit=unit,
        ours=ours,
        theirs=theirs,
        explained=0,
        unexplained=theirs - ours,
        at_stake=one.at_stake,
        absolute=abs(one.at_stake),
        withheld=0,
        value_at_risk=None,
        class_=ItemClass.A,
        is_in_flight=one.is_in_flight,
        is_gone=False,
        times=1,
        attempts=0,
        run_id=about.run_id,
        evidence=msgspec.json.encode(_evidence(one, seen, unit)).decode(),
        first_cut=at,
        last_cut=at,
        found_at=seen.now,
        confirmed_at=None,
        closed_at=None,
        closed_by="",
        root_cause="",
        note="",
        document=one.number.document,
        line=one.number.line,
    )


def _micros(side: Ours | Theirs | None) -> int:
    return side.micros if side else 0


def _evidence(one: Compared, seen: Seen, unit: str) -> dict[str, Any]:
    """Keep both lines as they were, whose they are and from when on they are read again."""
    source = one.ours.source if one.ours else seen.heard_from or seen.about.against
    since = open_lines.read_again_since(one, seen.cut)
    said_as = "open" if seen.about.kind in OPEN_LINES else "in_all"
    return {
        "is_sellable": True,
        "lines": [
            {
                "side": name,
                "line": side.line,
                "item": side.item,
                "location": side.location,
                said_as: f"{plain(decimal_of(side.micros))} {unit}",
                **({"changed_at": instant(side.changed).isoformat()} if side.changed else {}),
            }
            for name, side in (
                (seen.about.first or "ours", one.ours),
                (seen.about.against, one.theirs),
            )
            if side is not None
        ],
        "source": source,
        "since": instant(since).isoformat(),
        **({"is_unlisted": True} if seen.is_own and one.theirs is None else {}),
    }


def is_of(row: FindingRow, heard_from: str) -> bool:
    """Say whether a finding is of the words of a source; "" is of anybody's."""
    return not heard_from or msgspec.json.decode(row.evidence).get("source", "") == heard_from


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a walk along both sides counted; `different` are lines that are not within a rule.

    `untold` are within one, and more than are kept.
    """

    compared: int = 0
    alike: int = 0
    explained: int = 0
    different: int = 0
    untold: int = 0
    unknown: dict[str, None] = field(default_factory=dict[str, None])

    def note(self, names: Sequence[str]) -> None:
        for name in names[: SHOWN_MAX - len(self.unknown)]:
            self.unknown[name] = None


def run_of(
    about: About,
    shape: Shape,
    cuts: tuple[datetime | None, datetime | None],
    times: tuple[datetime, datetime],
    found: tuple[Tally, Sequence[FindingRow], int, str],
) -> RunRow:
    """Make the run of what was counted: its rows, how many suspicions are gone, the currency."""
    tally, rows, gone, house = found
    worth = at_risk((row for row in rows if row.state != State.TOLERATED), house)
    states = [row.state for row in rows]
    return RunRow(
        run_id=about.run_id,
        system=about.system,
        against=about.against,
        verdict="DONE",
        reason="",
        asked_by=about.by,
        began_at=times[0],
        ended_at=times[1],
        earliest_cut=cuts[0],
        latest_cut=cuts[1],
        row_count=shape.rows,
        zero_count=shape.zeros,
        is_full=shape.is_full,
        compared=tally.compared,
        alike=tally.alike,
        explained=tally.explained,
        tolerated=states.count(State.TOLERATED) + tally.untold,
        suspected=states.count(State.SUSPECTED),
        confirmed=states.count(State.CONFIRMED),
        gone=gone,
        value_at_risk=worth.known,
        unknown_names=tuple(tally.unknown),
        rules_version=about.rules_version,
        other_values=store.money_text(worth.others),
        unpriced=worth.unpriced,
    )


def rejected_case(about: About, name: str, reason: str, shape: Shape) -> OpenCase:
    """Word a dump that is not believed, of the system of this name, as a case (R7)."""
    return OpenCase(
        code="RCN-SNAPSHOT",
        fingerprint=rejected_fingerprint(about, name),
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=1),
        entity=name,
        title=f"what {name} says of {LABELS[about.kind]} is not believed: {reason}",
        evidence={"run": about.run_id, "rows": shape.rows, "zero_rows": shape.zeros},
    )


def rejected_fingerprint(about: About, name: str) -> str:
    return f"reconciliation/{name}/{about.system}/snapshot"
