"""Makes one call to an open connection, and says for each command how it ended."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import structlog

from crossdock.canonical.errors import (
    Ambiguous,
    CrossdockError,
    Forbidden,
    Missing,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.aftermath import Fate
from crossdock.connectivity.operations import Operation
from crossdock.connectivity.sdk.application import Connection
from crossdock.connectivity.sdk.roles import Outcome, RepeatSafety, Verdict

log = structlog.get_logger(__name__)

CALL_SECONDS_MAX = 240.0

_FATES = {
    Verdict.DONE: Fate.DONE,
    Verdict.STALE: Fate.STALE,
    Verdict.REFUSED: Fate.REFUSED,
    Verdict.RETRY: Fate.RETRY,
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended for one command."""

    fate: Fate
    code: str = ""
    detail: str = ""
    observed: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended: for each command, and for the connection as a whole.

    `is_reached`: the target gave an answer at all. `pause` is how long it wants none of us.
    """

    ended: Mapping[str, Ended] = field(default_factory=dict[str, Ended])
    is_reached: bool = True
    pause: timedelta = timedelta()
    error: str = ""
    is_forbidden: bool = False


async def call(
    connection: Connection,
    operation: Operation[Any],
    changes: Sequence[Any],
    safety: RepeatSafety,
    doubtful: frozenset[str],
) -> Answer:
    """Read back what is in doubt, where the target can be asked; make the rest of the changes."""
    ids = [change.command_id for change in changes]
    known: dict[str, Ended] = {}
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            if operation.read_back and safety is RepeatSafety.COMPARE_AND_SET:
                asked = [change for change in changes if change.command_id in doubtful]
                known = await _read_back(connection, operation, asked)
    except Exception as error:  # noqa: BLE001 - an application is a stranger's code
        # Only a question was asked, so whatever went wrong, nothing more has happened.
        return _failed(ids, _question_failed(error))
    rest = [change for change in changes if change.command_id not in known]
    if not rest:
        return Answer(known)
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            outcomes = await operation.call(connection, rest)
    except Exception as error:  # noqa: BLE001 - an application is a stranger's code
        answer = _failed([change.command_id for change in rest], error)
        ended = {**answer.ended, **known}
        return Answer(ended, answer.is_reached, answer.pause, answer.error, answer.is_forbidden)
    return Answer(known | ended_of(rest, outcomes))


async def _read_back(
    connection: Connection, operation: Operation[Any], changes: Sequence[Any]
) -> dict[str, Ended]:
    if not changes or operation.read_back is None:
        return {}
    outcomes = await operation.read_back(connection, changes)
    return {each.command_id: _ended(each) for each in outcomes}


def ended_of(changes: Iterable[Any], outcomes: Sequence[Outcome]) -> dict[str, Ended]:
    """Match outcomes to commands; one that is not answered may have happened."""
    by_id = {each.command_id: _ended(each) for each in outcomes}
    unanswered = Ended(Fate.UNKNOWN, "unanswered", "the application answered without this command")
    return {change.command_id: by_id.get(change.command_id, unanswered) for change in changes}


def unreached(ids: Sequence[str], error: Exception) -> Answer:
    """Describe a connection that could not even be opened: nothing happened."""
    return _failed(ids, _question_failed(error))


def _ended(outcome: Outcome) -> Ended:
    return Ended(
        _FATES[outcome.verdict],
        storable(outcome.code, 100),
        storable(outcome.detail),
        outcome.observed,
    )


def _question_failed(error: Exception) -> Exception:
    """Turn the failure of a mere question into "nothing happened", but keep who is to blame."""
    if isinstance(error, Throttled | Forbidden):
        return error
    return Unavailable(storable(f"{type(error).__name__}: {error}", 500))


def _failed(ids: Sequence[str], error: Exception) -> Answer:
    fate = _fate_of(error, is_alone=len(ids) == 1)
    if fate is Fate.BROKEN:
        log.error("application failed", error=repr(error), exc_info=error)
    code = error.code if isinstance(error, CrossdockError) else type(error).__name__
    detail = storable(str(error) or type(error).__name__)
    return Answer(
        {command_id: Ended(fate, storable(code, 100), detail) for command_id in ids},
        is_reached=fate not in {Fate.UNREACHED, Fate.UNKNOWN},
        pause=error.retry_after if isinstance(error, Throttled) else timedelta(),
        error=detail,
        is_forbidden=fate is Fate.FORBIDDEN,
    )


def _fate_of(error: Exception, *, is_alone: bool) -> Fate:
    for kind, fate in (
        (Throttled, Fate.THROTTLED),
        (Ambiguous, Fate.UNKNOWN),
        (Unavailable, Fate.UNREACHED),
        (Forbidden, Fate.FORBIDDEN),
        (Rejected, Fate.REFUSED if is_alone else Fate.SHARED),
        (Missing, Fate.RETRY),
        (TimeoutError, Fate.UNKNOWN),
    ):
        if isinstance(error, kind):
            return fate
    return Fate.BROKEN
