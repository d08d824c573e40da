"""How often each number of a channel is read back, and what that takes of its quota. Pure."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from crossdock.capabilities.reconciliation.model import MINUTE, ItemClass

ROUND_DAYS = 7
"""All listings are read back in so many days, if the quota allows it."""
SHARE_MILLE = 10
"""And takes at most so many thousandths of the calls that a connection allows in a day."""
CALLS_AT_ONCE = 100
"""What was missed while nobody worked is not made up for at once."""
AGAIN_MAX = 20
"""So many of what differed are read again with a call, at most."""
APART = 30 * MINUTE
"""So long a reading lies behind the one before it, or behind a write, to prove anything."""
ATTEMPTS_MAX = 3
DAY = 24 * 60 * MINUTE
MILLE = 1000
CHANNEL, STOCK = "CHANNEL", "STOCK"
"""What is read: what a channel was told, what a system says lies there. Or ORDERS, PURCHASES."""
READINGS = 2
"""What is open is read once, and once more where that finds something new to suspect."""
PASSES = 4
"""A round over stock is so many passes over its keys."""
STOCK_CALLS_MIN = 24
"""Stock is asked for once an hour, if the share allows it, so that no doubt waits for long."""
EVERY: Mapping[ItemClass, int] = MappingProxyType({ItemClass.A: 1, ItemClass.B: 2, ItemClass.C: 4})
"""In one of so many passes the turn of a class comes, as for its counts: A 4, B 2, C 1 (§4.2)."""


class Seller(Protocol):
    """A channel that can be read back, and what its connection allows."""

    @property
    def connection(self) -> str: ...

    @property
    def location(self) -> str: ...

    @property
    def listings(self) -> int: ...

    @property
    def keys_a_call(self) -> int: ...

    @property
    def calls_a_day(self) -> int: ...


class System(NamedTuple):
    """A system that can be asked for the stock of single keys, at one of its locations.

    `listings` are the keys that the ledger has there.
    """

    connection: str
    location: str
    listings: int
    keys_a_call: int
    calls_a_day: int


def is_turn(location: str, item: str, of: ItemClass, number: int) -> bool:
    """Say whether a key is asked for in a pass; in a round of all passes each is, at least once.

    The keys of a class are spread over the passes as if by chance, alike whoever asks.
    """
    every = EVERY[of]
    return zlib.crc32(f"{location}\0{item}".encode()) % every == number % every


def askings(keys: int, classes: Mapping[str, int]) -> int:
    """Say how often keys are asked for in a round; those that nobody has classed count as A."""
    known = {of: min(keys, classes.get(of, 0)) for of in ItemClass}
    unknown = max(0, keys - sum(known.values()))
    return PASSES * unknown + sum(PASSES // EVERY[of] * count for of, count in known.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is read back of a channel, or asked of a system's stock, and what that takes.

    `kind` is CHANNEL or STOCK; `listings` are then the keys (an item at the location) that the
    ledger has, of which those of class A are asked for four times in a round, B twice, C once; or
    ORDERS or PURCHASES, and they are the open lines that the last reading told, of all locations
    (""): the calls are what two readings take, for what the first suspects is looked at once more.
    `quota_calls_a_day` is how many such calls its connection allows, each of which may be several
    requests. `share_ppm` is what the calls take of it, in millionths, rounded up; all locations of
    a connection share one bound. `days_a_round` is how long it takes until all listings were read;
    what differed is read again along with them, and where that takes their room, a round takes
    longer. `refusal` is why it could not be asked last time, "" if it answered; `set_aside` is how
    many listings of the round it refused to tell, with the last of them and why.
    """

    connection: str
    location: str
    listings: int
    keys_a_call: int
    keys_a_day: int
    calls_a_day: int
    quota_calls_a_day: int
    share_ppm: int
    days_a_round: int
    refusal: str = ""
    refused_at: datetime | None = None
    set_aside: int = 0
    set_aside_because: str = ""
    kind: str = CHANNEL

    @property
    def keys_at_once(self) -> int:
        """Say how many keys one call asks for."""
        return -(-self.keys_a_day // self.calls_a_day) if self.calls_a_day else 0

    @property
    def interval(self) -> int:
        """Say how many microseconds one call stands for, rounded up."""
        return -(-DAY // self.calls_a_day) if self.calls_a_day else 0

    def calls_due(self, since: int | None, now: int) -> int:
        """Say how many calls are due; `since` is up to when they were made, None: never."""
        if not self.calls_a_day:
            return 0
        if since is None:
            return 1
        return min(CALLS_AT_ONCE, max(0, now - since) // self.interval)

    def made(self, since: int | None, now: int) -> int:
        """Say up to when calls are made once one more is: what is left of its time counts on."""
        if since is None:
            return now
        return max(since, now - CALLS_AT_ONCE * self.interval) + self.interval

    def room(self, again: int, calls: int) -> int:
        """Say how many of `again` keys are read with a call, the one after so many calls.

        They have what the listings leave free, and at most half; of an odd one, by turns.
        """
        free = self.keys_a_call - self.keys_at_once
        return min(again, AGAIN_MAX, max(free, (self.keys_a_call + calls % 2) // 2))


def planned(  # noqa: PLR0913 - a quota and what is wanted of it
    connection: str,
    location: str,
    *,
    listings: int,
    keys_a_call: int,
    quota_calls_a_day: int,
    allowed: int | None = None,
    asked: int | None = None,
    kind: str = CHANNEL,
) -> Plan:
    """Share a quota out: all listings in a week, or as many as the share allows (§4.2).

    `allowed` calls a day are this location's part of the connection's share; None: all of it.
    `asked` is how often listings are asked for in a round; None: each once.
    """
    in_a_round = listings if asked is None else asked
    wanted = -(-in_a_round // ROUND_DAYS)
    most = _share(quota_calls_a_day) if allowed is None else allowed
    calls = min(_calls(in_a_round, keys_a_call, kind), most)
    keys = min(wanted, calls * keys_a_call)
    return Plan(
        connection=connection,
        location=location,
        listings=listings,
        keys_a_call=keys_a_call,
        keys_a_day=keys,
        calls_a_day=calls,
        quota_calls_a_day=quota_calls_a_day,
        share_ppm=-(-calls * 1_000_000 // quota_calls_a_day) if quota_calls_a_day else 0,
        days_a_round=-(-in_a_round // keys) if keys else 0,
        kind=kind,
    )


def plans_of(
    sellers: Sequence[Seller], asked: Mapping[tuple[str, str], int] | None = None
) -> list[Plan]:
    """Plan all channels; the locations of a connection share the one quota that it has.

    `asked` is, for systems that are asked for stock, how often keys are asked for in a round, by
    connection and location.
    """
    by_connection: dict[str, list[Seller]] = defaultdict(list)
    for seller in sellers:
        by_connection[seller.connection].append(seller)
    plans: list[Plan] = []
    for group in by_connection.values():
        rounds = [
            one.listings if asked is None else asked[one.connection, one.location] for one in group
        ]
        kind = CHANNEL if asked is None else STOCK
        wanted = [
            _calls(count, one.keys_a_call, kind) for one, count in zip(group, rounds, strict=True)
        ]
        parts = parted(_share(min(one.calls_a_day for one in group)), wanted)
        plans += [
            planned(
                one.connection,
                one.location,
                listings=one.listings,
                keys_a_call=one.keys_a_call,
                quota_calls_a_day=one.calls_a_day,
                allowed=part,
                asked=count,
                kind=kind,
            )
            for one, part, count in zip(group, parts, rounds, strict=True)
        ]
    return plans


def _calls(in_a_round: int, keys_a_call: int, kind: str) -> int:
    """Say how many calls a day ask for so many keys in a week."""
    calls = _upwards(_upwards(in_a_round, ROUND_DAYS), keys_a_call)
    return max(calls, STOCK_CALLS_MIN) if calls and kind == STOCK else calls


def _upwards(whole: int, part: int) -> int:
    return -(-whole // part)


def _share(quota: int) -> int:
    return quota * SHARE_MILLE // MILLE


def parted(allowed: int, wanted: Sequence[int]) -> list[int]:
    """Part what is allowed by what is wanted, to the last whole one; nobody gets more."""
    total = sum(wanted)
    if total <= allowed:
        return list(wanted)
    parts = [allowed * one // total for one in wanted]
    by_rest = sorted(range(len(wanted)), key=lambda n: -(allowed * wanted[n] % total))
    for number in by_rest[: allowed - sum(parts)]:
        parts[number] += 1
    return parts


def turned(items: Sequence[str], after: str) -> list[str]:
    """Give them in order, beginning behind one: who is never answered keeps nobody waiting."""
    ordered = sorted(items)
    return [one for one in ordered if one > after] + [one for one in ordered if one <= after]


def has_settled(tried_at: int | None, now: int, *, is_in_flight: bool) -> bool:
    """Say whether the last write, if any, has had its effect, so that another may be judged."""
    return not is_in_flight and (tried_at is None or now - tried_at >= APART)


def lines_every(every: int, pages: int, quota_calls_a_day: int) -> int:
    """Say how many microseconds lie between two readings of all that is open; 0: there are none.

    `every` is what the house wants, also in microseconds (0: no reading); what would take more
    than the share of the quota is read more seldom. `pages` is how many calls it takes to read all
    kinds of documents that a system lists: they have one share together.
    """
    share = _share(quota_calls_a_day)
    if not every or not share:
        return 0
    return max(every, _upwards(READINGS * max(1, pages) * DAY, share))


def lines_planned(  # noqa: PLR0913 - a quota and what is wanted of it
    connection: str,
    kind: str,
    *,
    lines: int,
    pages: int,
    every: int,
    quota_calls_a_day: int,
    pages_of_others: int = 0,
) -> Plan:
    """Plan the reading of a system's open documents: what it takes of its quota, at most.

    `pages_of_others` is what its documents of other kinds take.
    """
    pages = max(1, pages)
    between = lines_every(every, pages + pages_of_others, quota_calls_a_day)
    calls = _upwards(READINGS * pages * DAY, between) if between else 0
    return Plan(
        connection=connection,
        location="",
        listings=lines,
        keys_a_call=_upwards(lines, pages),
        keys_a_day=_upwards(lines * DAY, between) if between else 0,
        calls_a_day=calls,
        quota_calls_a_day=quota_calls_a_day,
        share_ppm=_upwards(calls * 1_000_000, quota_calls_a_day) if quota_calls_a_day else 0,
        days_a_round=_upwards(between, DAY),
        kind=kind.upper(),
    )


class OpenRound(NamedTuple):
    """When a system was last asked for what is open, and the cut of what it said, in us.

    A new one is `asked` in name only: it has an interval to tell them by itself.
    `is_second`: it was asked again within the interval, which happens once at most. `gets_on`: it
    was broken off, and reads on from there, no page twice.
    """

    asked: int
    read: int | None = None
    is_second: bool = False
    has_failed: bool = False
    gets_on: bool = False

    def is_over(self, now: int, every: int) -> bool:
        """Say whether an interval has gone by since it was asked."""
        return now - self.asked >= every


def lines_due(at: OpenRound, now: int, every: int, *, is_doubted: bool) -> bool:
    """Say whether what is open is to be read now; `every` is as `lines_every` says.

    What a reading suspects is read once more as soon as that proves something, and so is what
    failed: two readings in an interval, and no more. One that is broken off goes on soon.
    """
    if not every or at.is_over(now, every):
        return bool(every)
    is_wanted = at.gets_on or ((at.has_failed or is_doubted) and not at.is_second)
    return is_wanted and now - max(at.asked, at.read or 0) >= APART
