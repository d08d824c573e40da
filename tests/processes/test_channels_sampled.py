"""What is read back of a channel, when, and how often it is written again: by a stand-in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import Busy, Forbidden
from crossdock.capabilities.reconciliation import Sampler, listing, store
from crossdock.capabilities.reconciliation.planning import planned
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope

A_DAY = 86_400
MINUTE = timedelta(minutes=1)


class Shop(NamedTuple):
    connection: str
    location: str
    listings: int
    keys_a_call: int
    calls_a_day: int


class Level(NamedTuple):
    item: str
    told: int | None
    held: int | None
    is_in_flight: bool
    is_removed: bool = False
    numerator: int = 1
    denominator: int = 1
    unit_margin: int | None = None
    currency: str = ""


@dataclass
class Channels:
    """Listings I000.. of every tenant's shop; `held` is what differs there, None: removed."""

    shop: Shop
    tenant_names: tuple[str, ...] = ("main",)
    held: dict[str, int | None] = field(default_factory=dict[str, int | None])
    removed: set[str] = field(default_factory=set[str])
    flying: set[str] = field(default_factory=set[str])
    refused: dict[str, Exception] = field(default_factory=dict[str, Exception])
    asked: list[list[str]] = field(default_factory=list[list[str]])
    asked_of: list[str] = field(default_factory=list[str])
    written: list[str] = field(default_factory=list[str])

    async def tenants(self) -> Sequence[str]:
        return self.tenant_names

    async def sellers(self, scope: Scope) -> Sequence[Shop]:
        del scope
        return [self.shop]

    async def listed(
        self, scope: Scope, connection: str, location: str, after: str, limit: int
    ) -> list[str]:
        del scope, connection, location
        names = [f"I{number:05}" for number in range(self.shop.listings)]
        return [name for name in names if name > after][:limit]

    async def read_back(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> Sequence[Level]:
        del connection, location
        if scope.tenant in self.refused:
            raise self.refused[scope.tenant]
        assert len(items) <= self.shop.keys_a_call
        self.asked.append(list(items))
        self.asked_of.append(scope.tenant)
        return [
            Level(
                item,
                40,
                None if item in self.removed else self.held.get(item, 40),
                item in self.flying,
                item in self.removed,
            )
            for item in items
        ]

    async def republish(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> int:
        del scope, connection, location
        self.written += items
        return len(items)


@dataclass
class Cases:
    open: dict[str, OpenCase] = field(default_factory=dict[str, OpenCase])

    async def opened(self, tx: Transaction, wanted: Sequence[OpenCase], now: datetime) -> None:
        del tx, now
        self.open |= {one.fingerprint: one for one in wanted}

    async def still_open(self, tx: Transaction, fingerprints: Sequence[str]) -> set[str]:
        del tx
        return self.open.keys() & set(fingerprints)

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None:
        del tx, resolution, now
        for one in fingerprints:
            self.open.pop(one, None)


@dataclass
class Stage:
    clock: VirtualClock
    channels: Channels
    cases: Cases
    sampler: Sampler

    async def ticks(self, count: int, apart: timedelta = 10 * MINUTE) -> None:
        for _ in range(count):
            await self.clock.advance(apart)
            await self.sampler.follow()


def stage(database: Database, clock: VirtualClock, channels: Channels) -> Stage:
    cases = Cases()
    return Stage(clock, channels, cases, Sampler(database, clock, SystemIds(), channels, cases))


async def test_a_tick_of_many_calls_tries_once_and_another_time_when_that_has_settled(
    database: Database, clock: VirtualClock
) -> None:
    """A million listings are nine or ten calls a tick; one of them drifted and stays so."""
    channels = Channels(Shop("shop", "web", 700_000, 100, 10 * A_DAY), held={"I00000": 55})
    channels.listed = first_hundred  # type: ignore[method-assign]  # a stand-in for this one method
    at = stage(database, clock, channels)

    await at.ticks(5)
    assert channels.written == ["I00000"]
    channels.flying = {"I00000"}
    await at.ticks(6)
    assert (channels.written, at.cases.open) == (["I00000"], {})
    channels.flying = set()
    await at.ticks(4)
    assert (channels.written, at.cases.open) == (["I00000"] * 3, {})
    await at.ticks(3)

    assert channels.written == ["I00000"] * 3
    assert [one.code for one in at.cases.open.values()] == ["PUB-STALE"]


async def first_hundred(
    scope: Scope, connection: str, location: str, after: str, limit: int
) -> list[str]:
    del scope, connection, location, after
    return [f"I{number:05}" for number in range(limit)]


@pytest.mark.parametrize("keys_a_call", [1, 3, 10, 100])
async def test_all_is_read_in_time_however_much_is_read_again(
    database: Database, clock: VirtualClock, keys_a_call: int
) -> None:
    shop = Shop("shop", "web", 200, keys_a_call, 10 * A_DAY)
    drifted: dict[str, int | None] = {f"I{number:05}": 55 for number in range(0, 200, 9)}
    at = stage(database, clock, channels := Channels(shop, held=drifted))

    [plan] = await at.sampler.plans(Scope("main"))
    await at.ticks(2 * 8 * plan.calls_a_day, timedelta(days=1) / plan.calls_a_day)

    assert {item for items in channels.asked for item in items} == {
        f"I{number:05}" for number in range(200)
    }


async def test_who_is_never_answered_keeps_nobody_from_being_read_again(
    database: Database, clock: VirtualClock
) -> None:
    """Twenty-two drifted and were removed there; one that drifted too is still mended."""
    shop = Shop("shop", "web", 2_000, 10, 10 * A_DAY)
    held: dict[str, int | None] = {f"I{number:05}": 55 for number in range(23)}
    at = stage(database, clock, channels := Channels(shop, held=held))
    await at.ticks(10, timedelta(hours=1))
    assert "I00022" in {item for items in channels.asked for item in items}
    channels.held = dict.fromkeys(held, None) | {"I00022": 55}
    channels.asked.clear()

    await at.ticks(20, timedelta(hours=1))

    assert sum("I00022" in items for items in channels.asked) >= 2


async def test_a_removed_listing_ends_its_finding_after_two_answers_half_an_hour_apart(
    database: Database, clock: VirtualClock
) -> None:
    shop = Shop("shop", "web", 60, 60, 10 * A_DAY)
    at = stage(database, clock, channels := Channels(shop, held={"I00000": 1}))
    plan = planned("shop", "web", listings=60, keys_a_call=60, quota_calls_a_day=10 * A_DAY)
    channels.flying = {"I00000"}
    await at.sampler.read(Scope("main"), plan, ["I00000"])
    channels.removed = {"I00000"}

    notes: list[str] = []
    for minutes in (10, 29, 1):
        await clock.advance(minutes * MINUTE)
        await at.sampler.read(Scope("main"), plan, ["I00000"])
        async with database.transaction(Scope("main")) as tx:
            [found] = await listing.find(tx, store.Wanted(), 10, clock.now())
        notes.append(f"{found.state} {found.note}".strip())

    listed_no_more = "CLOSED the channel does not list it there any more"
    assert notes == ["SUSPECTED", "SUSPECTED", listed_no_more]
    assert (channels.written, at.cases.open) == ([], {})


async def test_where_much_drifted_nothing_is_written_and_a_person_hears_of_it(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(Shop("shop", "web", 60, 60, 10 * A_DAY), held={"I00000": 1, "I00001": 1})
    at = stage(database, clock, channels)
    await at.ticks(4, timedelta(days=1))

    assert channels.written == []
    [case] = at.cases.open.values()
    assert (case.code, case.entity) == ("PUB-STALE", "shop/web")
    assert "2 of 60 keys would change" in case.title
    channels.held = {"I00000": 1}
    await at.ticks(2, timedelta(days=1))
    assert {*channels.written} == {"I00000"}
    assert at.cases.open == {}


async def test_many_that_drifted_stop_a_large_shop_too_though_one_call_sees_few(
    database: Database, clock: VirtualClock
) -> None:
    shop = Shop("shop", "web", 1_000, 10, 10 * A_DAY)
    held: dict[str, int | None] = {f"I{number:05}": 1 for number in range(1_000)}
    at = stage(database, clock, channels := Channels(shop, held=held))

    await at.ticks(100, timedelta(minutes=97))

    assert len(channels.written) <= 20
    assert "shop/web" in {one.entity for one in at.cases.open.values()}


async def test_one_tenant_whose_token_expired_does_not_keep_the_others_waiting(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(Shop("shop", "web", 10, 10, A_DAY), tenant_names=("a", "b", "c"))
    channels.refused = {
        "a": Forbidden("the token is expired"),
        "b": Busy("busy", retry_after=MINUTE),
    }
    at = stage(database, clock, channels)

    with pytest.raises(Forbidden, match="expired"):
        await at.sampler.follow()

    assert channels.asked_of == ["c"]
    channels.refused = {}
    await at.sampler.follow()
    assert channels.asked_of == ["c", "a", "b"]
