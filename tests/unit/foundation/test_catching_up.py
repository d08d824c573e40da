"""Many readers come to the end of the log together, and none past what it has to hear."""

import itertools
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Event, Fact, Payload
from crossdock.foundation import catching_up, event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope
from tests.conftest import NOON

MAIN = Scope("main")
_NUMBERS = itertools.count()
CLOCK = VirtualClock(NOON)
ITEMS, PLACES = frozenset({ItemChanged.TYPE}), frozenset({LocationChanged.TYPE})


def entry(payload: Payload) -> Entry:
    name = f"{payload.TYPE}:{payload.key}"
    fact = Fact(identity=name, payload=payload, occurred_at=NOON)
    return Entry(tenant="main", source="erp", received_at=NOON, fact=fact)


def item(sku: str) -> Entry:
    return entry(ItemChanged(sku=sku))


def place(code: str) -> Entry:
    return entry(LocationChanged(code=code))


class Ear:
    """A reader that notes what it hears, and says something new for each item."""

    def __init__(self, name: str, types: frozenset[str] | None, *, shards: int = 1) -> None:
        self.heard: list[str] = []
        self.reader = Reader(name=name, apply=self.apply, types=types, shards=shards)

    async def apply(self, _tx: Transaction, events: Sequence[Event]) -> None:
        self.heard += [event.payload.key for event in events]


class Echo(Ear):
    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        await super().apply(tx, events)
        await event_log.append(tx, [place(event.payload.key) for event in events])


async def known(database: Database, *ears: Ear) -> list[Reader]:
    for one in ears:
        await readers.register(database, one.reader)
    return [one.reader for one in ears]


async def say(database: Database, *entries: Entry) -> None:
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(tx, entries)


async def test_whom_nothing_concerns_is_moved_and_the_others_are_not(database: Database) -> None:
    items, places, every = Ear("items", ITEMS), Ear("places", PLACES), Ear("all", None)
    asked = await known(database, items, places, every)
    await say(database, item("BOLT"))

    assert await catching_up.rest(database, asked, CLOCK) == {"places"}
    for one in asked:
        await readers.catch_up(database, one, CLOCK)
    assert (items.heard, places.heard, every.heard) == (["BOLT"], [], ["BOLT"])
    assert await catching_up.rest(database, asked, CLOCK) == {"items", "places"}


async def test_while_something_is_hidden_nobody_is_moved(database: Database) -> None:
    asked = await known(database, Ear("places", PLACES))
    async with database.transaction(MAIN) as older:
        await event_log.append_once(older, [place("DC1")])
        await say(database, item("BOLT"))
        assert await catching_up.rest(database, asked, CLOCK) == set()
    assert await catching_up.rest(database, asked, CLOCK) == set()  # it has DC1 to hear
    await readers.catch_up(database, asked[0], CLOCK)
    assert await catching_up.rest(database, asked, CLOCK) == {"places"}


async def test_who_is_in_anothers_hand_is_left_to_it(database: Database) -> None:
    asked = await known(database, Ear("places", PLACES, shards=2))
    async with database.transaction(Scope.of_workers()) as tx:
        await tx.fetchrow(readers.CLAIM, "places", 1)
        assert await catching_up.rest(database, asked, CLOCK) == set()
    assert await catching_up.rest(database, asked, CLOCK) == {"places"}


async def test_what_one_reader_says_is_heard_by_those_behind_it(database: Database) -> None:
    echo, places = Echo("echo", ITEMS), Ear("places", PLACES)
    asked = await known(database, echo, places)
    await say(database, item("BOLT"))
    await catching_up.all_catch_up(database, asked, CLOCK)

    assert places.heard == ["BOLT"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(st.lists(st.booleans(), max_size=4), max_size=5), shards=st.sampled_from([1, 4])
)
async def test_each_hears_all_that_concerns_it_once_and_in_order(
    database: Database, said: list[list[bool]], shards: int
) -> None:
    items = Ear(f"items {shards}", ITEMS)
    places = Ear(f"places {shards}", PLACES, shards=shards)
    asked = await known(database, items, places)
    await catching_up.all_catch_up(database, asked, CLOCK)
    items.heard, places.heard = [], []
    told: tuple[list[str], list[str]] = ([], [])
    for page in said:
        for is_item in page:
            name = f"{next(_NUMBERS)}"
            told[not is_item].append(name)
            await say(database, item(name) if is_item else place(name))
        await catching_up.all_catch_up(database, asked, CLOCK)

    assert items.heard == told[0]
    assert sorted(places.heard, key=int) == told[1]
