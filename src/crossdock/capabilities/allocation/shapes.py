"""Back-order runs as people see them: what decided, and each line's change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation.alternatives import Alternative
from crossdock.capabilities.allocation.figures import Figures
from crossdock.capabilities.allocation.model import Expected, Protection, RunException, Why


class RunState(StrEnum):
    """SIMULATED waits for approval. REFUSED: more is owed than there is, so nobody may apply it.

    SUPERSEDED: something it was decided on has changed, and a newer look was taken (§3.6).
    """

    SIMULATED = "SIMULATED"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    REFUSED = "REFUSED"
    SUPERSEDED = "SUPERSEDED"


class Word(NamedTuple):
    """Who decides on a run, when, and what is said of it."""

    by: str
    at: datetime
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """An order line in a run, in micros of the base unit: before, after, and why.

    `released`, of both, is in the warehouse's hands. `coming` is what supply that is still to
    come covers of the rest by `ships_on`, the day it is to leave on. `elsewhere` was held for the
    line at other places by then, beside what is `requested` here. It counts for the maximum and
    minimum of the channel or group `counts_for`.
    """

    demand_ref: str
    order_id: str
    channel: str
    requested: int
    picked: int
    before: int
    after: int
    strategy: Strategy
    priority: int
    since: datetime
    why: Why
    exception: RunException
    multiple: int = 1
    released: int = 0
    coming: int = 0
    ships_on: date | None = None
    customer: str = ""
    elsewhere: int = 0
    counts_for: str = ""


class Short(NamedTuple):
    """What an order line has, with what comes for it, of what its strategy owes it, in micros.

    Both are what is still to leave of it, beside what is `picked`.
    """

    demand_ref: str
    exception: RunException
    gets: int
    of: int
    why: Why
    picked: int = 0


def digest_of_short(short: Sequence[Short]) -> str:
    """Give what changes with anything of who is short."""
    return sha256(repr(short).encode()).hexdigest()


class OpenShortage(NamedTuple):
    """What a case says whose cause goes on: the state of its run, and who was short.

    It is not open where a person has closed it: it is known of whoever lost what he lost. Of what
    was oversold the rest could leave on `rest_on`. A case shows some of who is short, and whoever
    lost something; `digest` is of all.
    """

    state: RunState
    short: tuple[Short, ...]
    is_open: bool = True
    rest_on: date | None = None
    digest: str = ""

    def says(self, state: RunState, short: Sequence[Short], rest_on: date | None) -> bool:
        """Say whether it is open, and says this."""
        said = (self.is_open, self.state, self.rest_on, self.digest)
        return said == (True, state, rest_on, digest_of_short(short))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run for an item at a location. `owed` is what WIN requests and GAIN has.

    `rules_version` names the newest rule there was; `stock_version` the stock row it saw, which
    had these `figures`. `expected` is what a line that waits could count on by each day.
    """

    run_id: str
    item: str
    location: str
    unit: str
    state: RunState
    reason: str
    supply: int
    owed: int
    gained: int
    lost: int
    stock_version: int
    rules_version: int
    protections: tuple[Protection, ...]
    figures: Figures
    digest: str
    made_by: str
    made_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    remark: str = ""
    lines: tuple[RunLine, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    expected: tuple[Expected, ...] = ()

    @property
    def is_applied(self) -> bool:
        return self.state is RunState.APPLIED

    @property
    def waits(self) -> bool:
        """Say whether it is for a person to do something about it."""
        return self.state in {RunState.SIMULATED, RunState.REFUSED}

    @property
    def is_change(self) -> bool:
        return bool(self.gained or self.lost or self.alternatives)

    def offered(self, demand_ref: str) -> int:
        """Say how much of what a line lacks here the run gives it elsewhere."""
        found = (one for one in self.alternatives if one.demand_ref == demand_ref)
        return sum(one.offer.covers for one in found)

    def short(self, before: Iterable[Short] = (), *, is_applied: bool) -> tuple[Short, ...]:
        """Name the order lines that have not what their strategy owes them, as it is now.

        What a GAIN line lost it is owed until it has it again, or wants no more, less what was
        picked of it since: `before` is who was short by then. Where the run is not applied,
        everybody has what he had.
        """
        lost = {one.demand_ref: one for one in before if one.exception is RunException.GAIN_LOST}
        found = [
            _short(line, lost.get(line.demand_ref), self.has(line, is_applied=is_applied))
            for line in self.lines
        ]
        return tuple(one for one in found if one is not None and one.gets < one.of)

    def has(self, line: RunLine, *, is_applied: bool) -> int:
        """Say what a line has: here, and once the run is applied where it was offered the rest."""
        return line.after + self.offered(line.demand_ref) if is_applied else line.before

    @property
    def is_worse(self) -> bool:
        """Say whether somebody loses, or is owed more than there is."""
        return bool(self.lost) or self.state is RunState.REFUSED


def _short(line: RunLine, before: Short | None, has: int) -> Short | None:
    if line.strategy is Strategy.GAIN:
        lost = 0 if before is None else before.of + before.picked - line.picked
        why = before.why if before and not line.exception else line.why
        owed = min(max(lost, line.before), line.requested)
        return Short(line.demand_ref, RunException.GAIN_LOST, has, owed, why, line.picked)
    if line.strategy is Strategy.WIN:  # by what it has: where a run was rejected, nothing changed
        why = line.why if line.exception else Why.NOT_TOUCHED
        gets = has + line.coming
        wants = line.requested
        return Short(line.demand_ref, RunException.WIN_SHORT, gets, wants, why, line.picked)
    return None
