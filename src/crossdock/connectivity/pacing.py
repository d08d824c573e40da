"""When to call, how soon again, and whose turn it is: the arithmetic of deliveries. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from crossdock.canonical.commands import Lane
from crossdock.connectivity.directory import Circuit

BACK_OFF_FIRST = timedelta(seconds=1)
BACK_OFF_MAX = timedelta(minutes=5)
BURST_SECONDS = 1.0
"""An idle connection may use what it left of its rate in the last second."""

FAILURES_TO_OPEN = 5
PROBE_FIRST = timedelta(seconds=5)
PROBE_MAX = timedelta(minutes=2)

LANES: tuple[Lane, ...] = (Lane.IMMEDIATE, Lane.NORMAL, Lane.BULK)

# Ten turns: six, three and one. Shares and not ranks, so that nothing waits for ever.
TURNS: tuple[Lane, ...] = tuple(
    {"I": Lane.IMMEDIATE, "N": Lane.NORMAL, "B": Lane.BULK}[letter] for letter in "INIINIBINI"
)


def back_off(attempts: int, random: Random, first: timedelta = BACK_OFF_FIRST) -> timedelta:
    """Wait twice as long after each failure, up to a limit, half of it by chance.

    Chance keeps commands that failed together from coming back together.
    """
    doublings = min(max(attempts - 1, 0), 20)
    whole: timedelta = min(first * (1 << doublings), BACK_OFF_MAX)
    return whole / 2 + whole / 2 * random.random()


def turns(waiting: Mapping[Lane, int], room: int, turn: int) -> dict[Lane, int]:
    """Share `room` places among the lanes, beginning with `turn`; say how many each gets.

    A lane whose turn it is and that has nothing gives its place to the most urgent that has.
    """
    left = {lane: waiting.get(lane, 0) for lane in LANES}
    given = dict.fromkeys(LANES, 0)
    for place in range(min(room, sum(left.values()))):
        own = TURNS[(turn + place) % len(TURNS)]
        lane = own if left[own] else next(each for each in LANES if left[each])
        left[lane] -= 1
        given[lane] += 1
    return given


def next_call_at(
    planned: datetime | None, now: datetime, rate_per_second: float
) -> tuple[bool, datetime]:
    """Say whether a call may leave now, and when the next one may after it (or when this one may).

    `planned` is the time up to which the rate is used up. One timestamp is a whole token bucket,
    and any number of processes can share it.
    """
    interval = timedelta(seconds=1 / rate_per_second)
    earliest = now - timedelta(seconds=BURST_SECONDS) + interval
    start = max(planned or earliest, min(earliest, now))
    if start > now:
        return False, start
    return True, start + interval


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection is doing: closed when calls get through, open when they do not."""

    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    probe_at: datetime | None = None
    probe_seconds: float = 0.0
    opened_at: datetime | None = None

    def after_success(self) -> "Health":
        return Health()

    def after_failure(self, now: datetime, random: Random) -> "Health":
        """Count a call that did not get through; open when there were too many in a row."""
        failures = self.failures + 1
        if self.circuit is Circuit.CLOSED and failures < FAILURES_TO_OPEN:
            return replace(self, failures=failures)
        return self._opened(failures, now, random)

    def probed(self, now: datetime, random: Random, *, is_reached: bool) -> "Health":
        """Note the answer of a probe: the next call is let through, or the next probe is later."""
        if is_reached:
            return replace(self, circuit=Circuit.HALF_OPEN, probe_at=None)
        return self._opened(self.failures + 1, now, random)

    def _opened(self, failures: int, now: datetime, random: Random) -> "Health":
        seconds = self.probe_seconds * 2 if self.probe_seconds else PROBE_FIRST.total_seconds()
        seconds = min(seconds, PROBE_MAX.total_seconds())
        jittered = timedelta(seconds=seconds * (1 - random.random() / 4))
        return Health(Circuit.OPEN, failures, now + jittered, seconds, self.opened_at or now)
