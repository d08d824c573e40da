"""What becomes of a command after an attempt, by how the attempt ended. Pure (ARCHITECTURE D5)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from crossdock.connectivity.pacing import back_off
from crossdock.connectivity.sdk.roles import RepeatSafety

TRIES_MAX = 12
UNKNOWN_TRIES_MAX = 10
SUSPICIONS_MAX = 5
SUSPICIONS_ALONE = 2
"""A command under this much suspicion is sent alone, so that it harms nobody but itself."""

UNREACHED_WAIT_MAX = timedelta(seconds=30)


class Fate(StrEnum):
    """How one attempt ended for one command.

    DONE, STALE and REFUSED are the target's words. RETRY: it failed for a passing reason.
    UNREACHED, THROTTLED: nothing happened, the target is not to blame the command for it.
    UNKNOWN: it may have happened. BROKEN: the application's own code failed. CRASHED: the process
    ended in the middle. SHARED: a batch was refused and nobody knows because of which of it.
    FORBIDDEN: the credentials no longer work.
    """

    DONE = "DONE"
    STALE = "STALE"
    REFUSED = "REFUSED"
    RETRY = "RETRY"
    UNREACHED = "UNREACHED"
    THROTTLED = "THROTTLED"
    UNKNOWN = "UNKNOWN"
    BROKEN = "BROKEN"
    CRASHED = "CRASHED"
    SHARED = "SHARED"
    FORBIDDEN = "FORBIDDEN"


_FINAL = {Fate.DONE: "DONE", Fate.STALE: "STALE", Fate.REFUSED: "DEAD"}
# Nothing reached the target, so the attempt does not count against the command.
_UNCOUNTED = frozenset({Fate.UNREACHED, Fate.THROTTLED, Fate.FORBIDDEN})
_SUSPICIOUS = frozenset({Fate.BROKEN, Fate.CRASHED})


@dataclass(frozen=True, slots=True)
class Tries:
    """How often it was tried, this time included, and how often suspiciously before."""

    attempts: int
    suspicions: int = 0
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    state: str
    due_at: datetime
    attempts: int
    suspicions: int = 0
    is_unknown: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When it is, how harmless a repeat would be, and how long the target wants to be left alone.

    `pause` is what a throttling target asked for, or the connection's own back-off.
    """

    now: datetime
    random: Random
    safety: RepeatSafety
    pause: timedelta = timedelta()


def next_of(fate: Fate, tries: Tries, given: Circumstances) -> Next:
    """Decide whether to send again, when, or whom to ask."""
    if fate in _FINAL:
        return Next(_FINAL[fate], given.now, tries.attempts, tries.suspicions)
    if fate in _UNCOUNTED:
        # An earlier attempt that may have worked is still in doubt.
        return _pending(tries, given.now + given.pause, attempts=tries.attempts - 1)
    if fate is Fate.SHARED:
        return _pending(replace(tries, suspicions=SUSPICIONS_ALONE), given.now)
    if fate is Fate.RETRY:
        return _tried_again(tries, TRIES_MAX, given)
    return _after_doubt(fate, tries, given)


def _after_doubt(fate: Fate, tries: Tries, given: Circumstances) -> Next:
    """Send what may have had its effect again only where a repeat is harmless."""
    suspicions = tries.suspicions + (fate in _SUSPICIOUS)
    doubtful = Tries(tries.attempts, suspicions, is_unknown=True)
    if given.safety is RepeatSafety.NONE:
        return _parked(doubtful, given.now, "outcome_unknown")
    if suspicions >= SUSPICIONS_MAX:
        return _parked(doubtful, given.now, "poison")
    return _tried_again(doubtful, UNKNOWN_TRIES_MAX, given)


def _tried_again(tries: Tries, tries_max: int, given: Circumstances) -> Next:
    if tries.attempts >= tries_max:
        return _parked(tries, given.now, "tries_used_up")
    return _pending(tries, given.now + back_off(tries.attempts, given.random))


def _pending(tries: Tries, due_at: datetime, attempts: int | None = None) -> Next:
    counted = tries.attempts if attempts is None else attempts
    return Next("PENDING", due_at, counted, tries.suspicions, tries.is_unknown)


def _parked(tries: Tries, now: datetime, code: str) -> Next:
    return Next("PARKED", now, tries.attempts, tries.suspicions, tries.is_unknown, code)
