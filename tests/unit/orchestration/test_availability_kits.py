"""Publishing asks what kits are made of where there are kits, and nothing where there are none."""

from collections.abc import Iterable, Mapping, Sequence

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.supply.kitting import Book, Figures
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.processes.availability_kits import KitPool, kept_from, left_beside
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.availability_sellers import look_at_kits
from crossdock.orchestration.processes.channel_terms import Channel
from tests.conftest import NOON
from tests.processes.shop import DatabasePlay

SHOP = Channel(connection="shop", location="web", source_locations=("dc1",))
SIX_X = Figures(6 * MICROS, 0, 0, is_known=True)


class NeverAsked:
    """Stands in for who knows kits, and may not be asked."""

    async def pools(
        self, _tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], Pool]:
        raise AssertionError(keys)

    async def groups(
        self, _tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        raise AssertionError(places)

    async def kin(
        self, _tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        raise AssertionError(places)

    async def owed(
        self, _tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> frozenset[tuple[str, str, str]]:
        raise AssertionError(keys)

    async def concerned(
        self, _tx: Transaction, tenant: str, items: Iterable[str]
    ) -> Mapping[str, set[str]]:
        raise AssertionError(tenant, items)


class PairsOfEverything:
    """Says of each item that it goes into a pair of it; there are three pairs of each."""

    async def pools(
        self, _tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], Pool]:
        return {key: Pool(free=3 * MICROS) for key in keys}

    async def groups(
        self, _tx: Transaction, _places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return {}

    async def kin(
        self, _tx: Transaction, _places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return {}

    async def owed(
        self, _tx: Transaction, _keys: Sequence[tuple[str, str, str]]
    ) -> frozenset[tuple[str, str, str]]:
        return frozenset()

    async def concerned(
        self, _tx: Transaction, _tenant: str, items: Iterable[str]
    ) -> Mapping[str, set[str]]:
        return {item: {f"pair-{item}"} for item in items if not item.startswith("pair")}


async def test_who_has_no_kits_is_shown_as_ever_and_nobody_is_asked_for_kits(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP, kits=NeverAsked())
    async with database.transaction(Scope("other")) as tx:
        await look_at_kits(tx, [("other", "sku-1")], NOON, PairsOfEverything())

    await play.stock(40)

    assert [write.arguments["quantity"] for write in play.writes] == ["40"]


async def test_a_tenant_that_was_told_of_a_kit_has_its_listings_looked_at_as_kits(
    database: Database, clock: VirtualClock
) -> None:
    play = await DatabasePlay.open(database, clock, SHOP, kits=PairsOfEverything())
    async with database.transaction(Scope.of_workers()) as tx:
        await look_at_kits(tx, [("main", "pair-sku-9")], NOON, PairsOfEverything())
    await play.stage.engine.catch_up()
    assert [write.subject for write in play.writes] == ["shop/web/pair-sku-9"]

    await play.stock(40)

    written = {write.subject: write.arguments["quantity"] for write in play.writes}
    assert written == dict.fromkeys(
        ("shop/web/pair-sku-9", "shop/web/sku-1", "shop/web/pair-sku-1"), "3"
    )


def test_what_a_channel_may_not_have_of_a_component_is_not_put_together_for_it() -> None:
    book = Book({"Q": [("X", 2 * MICROS, "EA")]}, {("X", "dc1"): SIX_X}, {})
    stock = book.stock("Q", "dc1")
    assert stock is not None
    key = {"key": Claim(least=3 * MICROS)}
    kit = KitPool(stock, {("X", "dc1"): (6 * MICROS, key)})

    assert (kit.free_to("web"), kit.free_to("key")) == (MICROS, 3 * MICROS)
    assert kit.components == ("X",)
    assert [count.made for count in kit.counts("web")] == [MICROS]
    assert kept_from("web", [kit])("X", "dc1") == 3 * MICROS
    assert kept_from("web", [kit])("X", "dc2") == 0
    pool = Pool(free=stock.free(), kit=kit)
    assert (pool.kept_from("web"), pool.kept_from("key")) == (2 * MICROS, 0)


def test_parts_of_other_channels_leave_as_many_kits_as_fit_beside_them() -> None:
    book = Book({"Q": [("X", 2 * MICROS, "EA")]}, {("X", "dc1"): SIX_X}, {})
    stock = book.stock("Q", "dc1")
    assert stock is not None
    kit = KitPool(stock)

    assert left_beside("web", [kit], {"X": MICROS}, 3 * MICROS) == 2 * MICROS
    assert left_beside("web", [kit], {"X": 0}, 3 * MICROS) == 3 * MICROS
    # A minimum of the kit goes off besides; a maximum is one of what is left in the end.
    assert left_beside("web", [kit], {"X": MICROS}, 2 * MICROS, MICROS) == MICROS
    assert left_beside("web", [kit], {"X": MICROS}, MICROS, 0) == MICROS
    assert left_beside("web", [], {"X": MICROS}, 3 * MICROS) == 3 * MICROS
