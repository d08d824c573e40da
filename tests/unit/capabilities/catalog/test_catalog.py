"""The catalogue takes what sources say, and answers what a native key means."""

from datetime import timedelta

import pytest

from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged, LocationKind
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import ItemInUnit, Reference, ReferenceKind
from crossdock.capabilities.catalog import Confidence, reader, store
from crossdock.foundation import readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.capabilities.catalog.town import MAIN, Town, opened

CASE_GTIN = "10614141000019"


@pytest.fixture
async def town(database: Database, clock: VirtualClock) -> Town:
    return await opened(database, clock)


def each(item: str) -> ItemInUnit:
    return ItemInUnit(item, "EA", 1, 1)


@pytest.mark.parametrize(
    ("sql", "asked", "key"),
    [
        (store.RESOLVE_ITEMS, (["a"], ["A"], [""], ["EA"], NOON), "item"),
        (store.RESOLVE_LOCATIONS, (["dc"], ["DC"]), "location"),
        (store.RESOLVE_PARTIES, (["metro"], ["METRO"]), "party"),
    ],
)
async def test_what_a_source_names_is_looked_up_by_key(
    database: Database, sql: str, asked: tuple[object, ...], key: str
) -> None:
    """Behind the rows' policy a `coalesce` is tested row by row, on all items there are."""
    async with database.transaction(MAIN) as tx:
        rows = await tx.fetch(f"explain {sql}", "main", "wms", *asked)
    conditions = [row[0] for row in rows if "Index Cond" in row[0]]

    assert any(f"({key} = CASE" in condition for condition in conditions)
    assert not any("Seq Scan" in row[0] for row in rows)


async def test_a_native_key_and_the_sku_both_find_the_item(town: Town) -> None:
    await town.say(ItemChanged(sku="Bolt-8 "), native_ref="4711")

    assert await town.item("4711") == each("BOLT-8")
    assert await town.item("bolt-8") == each("BOLT-8")
    assert await town.item(" BOLT-8", source="wms") == each("BOLT-8")
    assert await town.item("4711", source="wms") == "MD-ITEM-XREF"


async def test_the_sources_own_key_counts_before_a_code_that_looks_like_it(town: Town) -> None:
    await town.say(ItemChanged(sku="12"), native_ref="7")
    await town.say(ItemChanged(sku="OTHER"), native_ref="12")

    assert await town.item("12") == each("OTHER")
    assert await town.item("12", source="wms") == each("12")


async def test_a_unit_without_a_conversion_is_said_to_be_one(town: Town) -> None:
    await town.say(
        ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=12),)), native_ref="1"
    )

    assert await town.item("A", "CS") == ItemInUnit("A", "EA", 12, 1)
    assert await town.item("A", "XCS") == ItemInUnit("A", "EA", 12, 1)
    assert await town.item("A", "C62") == each("A")
    assert await town.item("A", "PL") == "MD-UOM"


async def test_an_unknown_location_is_said_to_be_one(town: Town) -> None:
    await town.say(LocationChanged(code="dc-1"), native_ref="15")

    assert await town.place("15") == "DC-1"
    assert await town.place("DC-1", source="wms") == "DC-1"
    assert await town.place("DC-2") == "MD-LOC"


async def test_the_whole_set_is_answered_at_once(town: Town) -> None:
    await town.say(ItemChanged(sku="A"), ItemChanged(sku="B"), LocationChanged(code="DC"))
    asked = [
        Reference.item("A", Quantity.of(1)),
        Reference.item("A", Quantity.of(1)),
        Reference.item("B", Quantity.of(1)),
        Reference.item("C", Quantity.of(1)),
        Reference.location("DC"),
        Reference(ReferenceKind.PARTY, "P"),
    ]

    async with town.database.transaction(MAIN) as tx:
        found, unresolved = await town.catalog.resolve(tx, "erp", asked)

    assert sorted(found.items) == [("A", "EA"), ("B", "EA")]
    assert found.locations == {"DC": "DC"}
    assert sorted(unresolved.values()) == ["MD-ITEM-XREF", "MD-PARTY"]


async def test_an_older_version_that_comes_late_changes_nothing(town: Town) -> None:
    await town.say(ItemChanged(sku="A", description="new"), version=7, native_ref="1")
    await town.say(ItemChanged(sku="A", description="old"), version=6, native_ref="9")

    assert (await town.catalog.item(MAIN, "A")).description == "new"
    assert await town.item("9") == "MD-ITEM-XREF"


async def test_versions_are_counted_for_each_source_apart(town: Town) -> None:
    await town.say(ItemChanged(sku="A", description="erp"), version=700)
    await town.say(ItemChanged(sku="A", description="wms"), version=1, source="wms")

    assert (await town.catalog.item(MAIN, "a")).description == "wms"


async def test_a_source_without_versions_goes_by_its_clock(town: Town) -> None:
    await town.say(ItemChanged(sku="A", description="now"), version=None)
    await town.say(
        ItemChanged(sku="A", description="before"), version=None, at=NOON - timedelta(seconds=1)
    )

    assert (await town.catalog.item(MAIN, "A")).description == "now"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([None], ""),
        ([" a "], "A"),
        (["A", None], "A"),
        (["A", "service"], "SERVICE"),
        (["A", "", None], ""),
    ],
)
async def test_an_item_keeps_its_class_until_somebody_says_another(
    town: Town, said: list[str | None], found: str
) -> None:
    for item_class in said:
        await town.say(ItemChanged(sku="BOLT", item_class=item_class))

    assert (await town.catalog.item(MAIN, "BOLT")).item_class == found
    async with town.database.transaction(MAIN) as tx:
        classes = await town.catalog.item_classes(tx, ["BOLT", "NOBODY"])
    assert classes == ({"BOLT": found} if found else {})


async def test_a_changed_factor_holds_from_its_date_on(town: Town) -> None:
    tomorrow = NOON + timedelta(days=1)
    await town.say(ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=12),)))
    await town.say(
        ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=10),)), version=2, at=tomorrow
    )

    assert await town.item("A", "CS") == ItemInUnit("A", "EA", 12, 1)
    await town.clock.advance(timedelta(days=1))
    assert await town.item("A", "CS") == ItemInUnit("A", "EA", 10, 1)


async def test_the_same_factor_said_otherwise_is_no_change(town: Town) -> None:
    await town.say(ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=12),)))
    await town.say(
        ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=24, denominator=2),)),
        version=2,
        at=NOON + timedelta(days=1),
    )

    await town.clock.advance(timedelta(days=2))
    assert await town.item("A", "CS") == ItemInUnit("A", "EA", 12, 1)


async def test_the_base_unit_never_changes_under_the_stock(town: Town) -> None:
    await town.say(ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=12),)))
    await town.say(
        ItemChanged(sku="A", base_unit="CS", units=(ItemUnit(unit="EA", numerator=1),)), version=2
    )

    assert await town.item("A", "CS") == ItemInUnit("A", "EA", 12, 1)
    assert await town.findings() == [("MD-UOM", "CS")]


async def test_each_packaging_level_has_its_own_number(town: Town) -> None:
    units = (ItemUnit(unit="CS", numerator=12, gtin=CASE_GTIN),)
    await town.say(ItemChanged(sku="A", gtin="0614141000012", units=units))

    numbers = (await town.catalog.item(MAIN, "A")).identifiers
    assert [(number.value, number.unit) for number in numbers] == [
        ("00614141000012", "EA"),
        (CASE_GTIN, "CS"),
    ]


async def test_a_bad_number_is_refused_and_the_item_is_taken(town: Town) -> None:
    await town.say(ItemChanged(sku="A", gtin="0614141000013"))

    assert (await town.catalog.item(MAIN, "A")).identifiers == ()
    assert await town.findings() == [("MD-GTIN", "0614141000013")]


async def test_a_number_stays_with_the_item_that_had_it(town: Town) -> None:
    await town.say(ItemChanged(sku="A", gtin=CASE_GTIN), ItemChanged(sku="B", gtin=CASE_GTIN))
    await town.say(ItemChanged(sku="C", gtin=CASE_GTIN))

    assert (await town.catalog.item(MAIN, "A")).identifiers != ()
    assert (await town.catalog.item(MAIN, "B")).identifiers == ()
    found = await town.catalog.findings(MAIN)
    assert sorted(row["hub_id"] for row in found) == ["B", "C"]


async def test_a_write_back_uses_the_targets_own_key(town: Town) -> None:
    await town.say(ItemChanged(sku="A"), native_ref="gid://shop/1", source="shop")
    await town.say(ItemChanged(sku="B"), source="shop")
    await town.say(ItemChanged(sku="C"), native_ref="3", source="erp")

    assert await town.native("shop", "A", "B", "C", "D") == ["gid://shop/1", "B", None, None]


async def test_a_proposal_is_read_by_and_never_written_by(town: Town) -> None:
    await town.say(ItemChanged(sku="A"))
    native = Reference(ReferenceKind.ITEM, "OLD-9")

    await town.catalog.link(MAIN, "wms", native, "a", confidence=Confidence.PROVISIONAL, by="jo")
    assert await town.item("OLD-9", source="wms") == each("A")
    assert await town.native("wms", "A") == [None]

    await town.catalog.link(MAIN, "wms", native, "A", by="jo")
    assert await town.native("wms", "A") == ["OLD-9"]


async def test_an_asserted_key_does_not_become_a_proposal(town: Town) -> None:
    await town.say(ItemChanged(sku="A"), native_ref="1", source="shop")

    await town.catalog.link(
        MAIN,
        "shop",
        Reference(ReferenceKind.ITEM, "1"),
        "A",
        confidence=Confidence.PROVISIONAL,
        by="jo",
    )

    assert await town.native("shop", "A") == ["1"]


async def test_nothing_is_linked_to_what_does_not_exist(town: Town) -> None:
    with pytest.raises(NotFound):
        await town.catalog.link(MAIN, "wms", Reference(ReferenceKind.ITEM, "1"), "A")
    with pytest.raises(Invalid):
        await town.catalog.link(MAIN, "wms", Reference.recipe("1"), "A")


async def test_a_renamed_record_leaves_its_old_code(town: Town) -> None:
    await town.say(ItemChanged(sku="OLD"), native_ref="7", source="shop")
    await town.say(ItemChanged(sku="NEW"), native_ref="7", source="shop", version=2)

    assert await town.item("7", source="shop") == each("NEW")
    assert await town.native("shop", "OLD", "NEW") == [None, "7"]
    async with town.database.transaction(MAIN) as tx:
        open_ones = await tx.fetchval("select count(*) from xref where valid_to is null")
        kept = await tx.fetchval("select count(*) from xref")
    assert (open_ones, kept) == (2, 4)


async def test_a_group_has_the_members_last_said(town: Town) -> None:
    group = LocationChanged(code="WEB", kind=LocationKind.GROUP, members=("dc-1", "dc-2"))
    await town.say(group)
    await town.say(
        LocationChanged(code="WEB", kind=LocationKind.GROUP, members=("DC-2", "DC-3")), version=2
    )

    assert (await town.catalog.location(MAIN, "web")).members == ("DC-2", "DC-3")


async def test_another_tenants_item_is_unknown_here(town: Town) -> None:
    await town.say(ItemChanged(sku="A"), native_ref="1", tenant="other")

    assert await town.item("A") == "MD-ITEM-XREF"
    assert await town.item("1") == "MD-ITEM-XREF"
    with pytest.raises(NotFound):
        await town.catalog.item(MAIN, "A")


async def test_items_are_listed_in_pages(town: Town) -> None:
    await town.say(*(ItemChanged(sku=f"SKU-{number}") for number in range(5)))

    first = await town.catalog.items(MAIN, limit=2)
    rest = await town.catalog.items(MAIN, after=first[-1].item)

    assert [item.item for item in (*first, *rest)] == [f"SKU-{number}" for number in range(5)]


async def test_a_native_key_means_nothing_across_tenants(town: Town) -> None:
    async with town.database.transaction(Scope.of_workers()) as tx:
        with pytest.raises(Invalid):
            await town.catalog.resolve(tx, "erp", [Reference.location("DC")])


async def test_an_item_without_a_code_is_set_aside_and_the_rest_is_taken(town: Town) -> None:
    await town.say(ItemChanged(sku=" "), ItemChanged(sku="A"))

    assert [item.item for item in await town.catalog.items(MAIN)] == ["A"]
    async with town.database.transaction(MAIN) as tx:
        assert await tx.fetchval("select reader from log_refusal") == "catalog"


async def test_hearing_everything_again_gives_the_same_catalogue(town: Town) -> None:
    await town.say(
        ItemChanged(sku="A", gtin=CASE_GTIN, units=(ItemUnit(unit="CS", numerator=12),)),
        LocationChanged(code="DC"),
        native_ref="1",
    )
    before = await town.catalog.items(MAIN)
    async with town.database.transaction(Scope.of_workers()) as tx:
        await tx.execute("update log_reader set tx = '0', position = 0")

    await readers.catch_up(town.database, reader(town.catalog), town.clock)

    assert await town.catalog.items(MAIN) == before
