"""Parties are kept as items are: newest word of each source, many names, one id."""

from dataclasses import replace

import pytest

from crossdock.canonical.errors import NotFound
from crossdock.canonical.identifiers import check_digit
from crossdock.canonical.parties import PartyChanged, PartyKind, PartyRole, PartyStatus
from crossdock.canonical.references import Reference
from crossdock.capabilities.catalog import Confidence, PartyRecord
from crossdock.capabilities.catalog.parties import CODES_OF
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.conftest import execute
from tests.unit.capabilities.catalog.town import MAIN, Town, opened

GLN = "400638133393" + check_digit("400638133393")
METRO = PartyChanged(
    code=" Metro ",
    legal_name="METRO AG",
    roles=(PartyRole.CUSTOMER, PartyRole.THIRD_PARTY_LOGISTICS),
    gln=f" {GLN} ",
    duns="313043317",
    tax_ids=("DE 1, 2", 'NL"3'),
)


@pytest.fixture
async def town(database: Database, clock: VirtualClock) -> Town:
    return await opened(database, clock)


async def test_a_party_is_shown_as_its_source_told_it(town: Town) -> None:
    await town.say(METRO)

    assert await town.catalog.party(MAIN, "metro") == PartyRecord(
        party="METRO",
        code="Metro",
        legal_name="METRO AG",
        kind=PartyKind.ORG,
        roles=("CUSTOMER", "3PL"),
        status="ACTIVE",
        parent="",
        gln=GLN,
        duns="313043317",
        tax_ids=("DE 1, 2", 'NL"3'),
        source="erp",
        changed_at=town.clock.now(),
    )


async def test_a_native_key_and_the_code_both_find_the_party(town: Town) -> None:
    await town.say(METRO, native_ref="17")

    assert await town.party("17") == "METRO"
    assert await town.party(" metro", source="shop") == "METRO"
    assert await town.party("17", source="shop") == "MD-PARTY"


async def test_a_party_is_known_to_many_systems_by_many_names(town: Town) -> None:
    await town.say(METRO, native_ref="17")
    await town.say(replace(METRO, legal_name="Metro Deutschland"), native_ref="9", source="crm")
    await town.catalog.link(MAIN, "shop", Reference.party("gid/4"), "metro", by="jo")

    assert await town.party("gid/4", source="shop") == "METRO"
    assert await town.party("9", source="crm") == "METRO"
    [only] = await town.catalog.parties(MAIN)
    assert (only.party, only.legal_name) == ("METRO", "Metro Deutschland")


@pytest.mark.parametrize("key", ["17", "K100"])
async def test_a_party_linked_by_hand_stays_linked_whatever_its_source_says(
    town: Town, key: str
) -> None:
    await town.say(METRO)
    await town.catalog.link(MAIN, "erp2", Reference.party(key), "METRO", by="jo")

    for version in (1, 2):
        k100 = PartyChanged(code="K100", legal_name=f"Metro {version}")
        await town.say(k100, native_ref="17", source="erp2", version=version)

        assert await town.party("17", source="erp2") == "METRO"
        assert await town.party("K100", source="erp2") == "METRO"
        [only] = await town.catalog.parties(MAIN)
        assert (only.party, only.code, only.legal_name) == ("METRO", "METRO", f"Metro {version}")


async def test_two_systems_may_number_two_parties_alike(town: Town) -> None:
    await town.say(PartyChanged(code="10001", legal_name="Metro"))
    await town.say(PartyChanged(code="10001", legal_name="Edeka"), source="erp2", native_ref="7")
    await town.say(PartyChanged(code="EDEKA"), source="crossdock")
    await town.catalog.link(MAIN, "erp2", Reference.party("7"), "EDEKA", by="jo")

    await town.say(PartyChanged(code="10001"), source="erp2", native_ref="7", version=2)
    await town.say(PartyChanged(code="10001", legal_name="Metro"), version=2)

    assert await town.party("10001") == "10001"
    assert await town.party("10001", source="erp2") == "EDEKA"
    assert (await town.catalog.party(MAIN, "10001")).legal_name == "Metro"


async def test_a_link_by_hand_is_changed_by_hand(town: Town) -> None:
    await town.say(METRO, PartyChanged(code="EDEKA"))
    for party in ("METRO", "EDEKA"):
        await town.catalog.link(MAIN, "erp2", Reference.party("17"), party, by="jo")
        await town.say(PartyChanged(code="K100"), native_ref="17", source="erp2")

        assert await town.party("17", source="erp2") == party
        assert await town.party("K100", source="erp2") == party


async def test_a_proposed_link_holds_until_the_source_speaks(town: Town) -> None:
    await town.say(METRO)
    key = Reference.party("17")
    await town.catalog.link(MAIN, "erp2", key, "METRO", confidence=Confidence.PROVISIONAL)

    await town.say(PartyChanged(code="K100"), native_ref="17", source="erp2")

    assert await town.party("17", source="erp2") == "K100"


async def test_an_older_word_about_a_party_that_comes_late_changes_nothing(town: Town) -> None:
    await town.say(replace(METRO, status=PartyStatus.BLOCKED), version=3)
    await town.say(METRO, version=2)
    assert (await town.catalog.party(MAIN, "METRO")).status == "BLOCKED"

    await town.say(METRO, version=4)
    assert (await town.catalog.party(MAIN, "METRO")).status == "ACTIVE"


async def test_a_party_and_an_item_of_one_code_are_two_things(town: Town) -> None:
    await town.say(METRO, version=5)
    assert await town.item("METRO") == "MD-ITEM-XREF"
    assert await town.place("METRO") == "MD-LOC"


async def test_parties_are_listed_in_pages(town: Town) -> None:
    await town.say(*(PartyChanged(code=f"C-{number}") for number in range(5)))

    first = await town.catalog.parties(MAIN, limit=2)
    rest = await town.catalog.parties(MAIN, after=first[-1].party)

    assert [one.party for one in (*first, *rest)] == [f"C-{number}" for number in range(5)]


async def test_nobody_is_called_by_another_tenants_name(town: Town) -> None:
    await town.say(METRO, tenant="other")

    assert await town.party("METRO") == "MD-PARTY"
    with pytest.raises(NotFound, match="no party is called 'METRO'"):
        await town.catalog.party(MAIN, "METRO")
    with pytest.raises(NotFound):
        await town.catalog.link(MAIN, "shop", Reference.party("1"), "METRO")


async def test_what_may_be_unknown_is_answered_by_its_code(town: Town) -> None:
    asked = Reference.party(" metro", may_be_unknown=True)
    async with town.database.transaction(MAIN) as tx:
        found, unresolved = await town.catalog.resolve(tx, "shop", [asked])

    assert unresolved == {}
    assert found.party(" metro") == "METRO"


async def test_a_proposed_name_of_a_party_is_never_written_by(town: Town) -> None:
    await town.say(METRO)
    key = Reference.party("4")
    await town.catalog.link(MAIN, "shop", key, "METRO", confidence=Confidence.PROVISIONAL)

    async with town.database.transaction(MAIN) as tx:
        named = await town.catalog.native_keys(tx, "shop", [Reference.party("METRO")])

    assert named == {}


@pytest.mark.parametrize("parent", ["K100", "METRO", "k100"])
async def test_a_party_that_names_itself_by_whatever_name_is_the_top_of_a_tree(
    town: Town, parent: str
) -> None:
    await town.say(METRO)
    await town.catalog.link(MAIN, "erp2", Reference.party("17"), "METRO", by="jo")

    await town.say(PartyChanged(code="K100", parent=parent), native_ref="17", source="erp2")

    [only] = await town.catalog.parties(MAIN)
    assert (only.party, only.parent) == ("METRO", "")


@pytest.mark.parametrize("parent", ["4711", "HOLD"])
async def test_a_parent_that_comes_later_is_shown_by_its_id(town: Town, parent: str) -> None:
    await town.say(PartyChanged(code="BRANCH", parent=parent), native_ref="1")
    assert (await town.catalog.party(MAIN, "BRANCH")).parent == parent

    await town.say(PartyChanged(code="HOLD"), native_ref="4711")

    assert (await town.catalog.party(MAIN, "BRANCH")).parent == "HOLD"


async def test_a_parent_is_known_by_its_key_in_the_system_that_named_it(town: Town) -> None:
    await town.say(PartyChanged(code="BRANCH", parent="4711"), native_ref="1")
    await town.say(PartyChanged(code="OTHER"), native_ref="4711", source="crm")
    assert (await town.catalog.party(MAIN, "BRANCH")).parent == "4711"

    await town.say(METRO)
    key = Reference.party("4711")
    await town.catalog.link(MAIN, "erp", key, "METRO", confidence=Confidence.PROVISIONAL)
    assert (await town.catalog.party(MAIN, "BRANCH")).parent == "4711"

    await town.catalog.link(MAIN, "erp", key, "METRO", by="jo")
    assert (await town.catalog.party(MAIN, "BRANCH")).parent == "METRO"


async def test_a_parent_that_turns_out_to_be_the_party_itself_is_none(town: Town) -> None:
    await town.say(PartyChanged(code="BRANCH", parent="4711"), native_ref="1")

    await town.catalog.link(MAIN, "erp", Reference.party("4711"), "BRANCH", by="jo")

    assert (await town.catalog.party(MAIN, "BRANCH")).parent == ""


async def test_the_code_of_a_record_goes_where_its_key_is_linked_to(town: Town) -> None:
    await town.say(METRO)
    await town.say(PartyChanged(code="K100"), native_ref="17", source="erp2")

    await town.catalog.link(MAIN, "erp2", Reference.party("17"), "METRO", by="jo")

    assert await town.party("K100", source="erp2") == "METRO"
    assert await town.catalog.known_as(MAIN, "k100") == ["METRO", "K100", "17"]


async def test_each_record_of_a_system_that_is_one_party_counts_its_own_versions(
    town: Town,
) -> None:
    await town.say(METRO)
    for key in ("17", "18"):
        await town.catalog.link(MAIN, "erp2", Reference.party(key), "METRO", by="jo")

    for code, key, version, shown in (
        ("K100", "17", 9, "K100 v9"),
        ("K200", "18", 2, "K200 v2"),
        ("K200", "18", 1, "K200 v2"),
        ("K100", "17", 8, "K200 v2"),
        ("K100", "17", 10, "K100 v10"),
    ):
        said = PartyChanged(code=code, legal_name=f"{code} v{version}")
        await town.say(said, native_ref=key, source="erp2", version=version)
        assert (await town.catalog.party(MAIN, "METRO")).legal_name == shown

    assert await town.catalog.known_as(MAIN, "K200") == ["METRO", "K200", "17", "18", "K100"]


async def told_apart(town: Town) -> list[object]:
    """Tell what orders and rules of erp2 mean by its keys and codes."""
    names = ("17", "18", "K200", "METRO", "EDEKA")
    meant = [await town.party(name, source="erp2") for name in names]
    return [meant, [await town.catalog.known_as(MAIN, name) for name in names]]


@pytest.mark.parametrize("right", ["K200", "EDEKA"])
async def test_a_link_by_hand_that_was_wrong_is_undone_by_linking_back(
    town: Town, right: str
) -> None:
    await town.say(PartyChanged(code="EDEKA"))
    await town.say(METRO, native_ref="17", source="erp2")
    await town.say(PartyChanged(code="K200"), native_ref="18", source="erp2")
    await town.catalog.link(MAIN, "erp2", Reference.party("18"), right, by="jo")
    before = await told_apart(town)

    await town.catalog.link(MAIN, "erp2", Reference.party("18"), "METRO", by="jo")
    assert await town.party("K200", source="erp2") == "METRO"
    await town.catalog.link(MAIN, "erp2", Reference.party("18"), right, by="jo")

    assert await told_apart(town) == before
    assert await town.party("K200", source="erp2") == right


async def test_a_party_that_was_linked_to_one_with_a_key_of_its_own_gets_its_code_back(
    town: Town,
) -> None:
    await town.say(PartyChanged(code="METRO"), native_ref="1", source="erp2")
    await town.say(PartyChanged(code="EDEKA"), native_ref="2", source="erp2")

    for party in ("EDEKA", "METRO"):
        await town.catalog.link(MAIN, "erp2", Reference.party("1"), party, by="jo")
        assert await town.party("METRO", source="erp2") == party
        assert await town.party("EDEKA", source="erp2") == "EDEKA"


async def test_a_link_by_hand_carries_no_other_records_code(town: Town) -> None:
    await town.say(PartyChanged(code="METRO"), PartyChanged(code="EDEKA"), source="erp2")

    for party in ("METRO", "EDEKA"):
        await town.catalog.link(MAIN, "erp2", Reference.party("17"), party, by="jo")

        assert await town.party("METRO", source="erp2") == "METRO"
        assert await town.party("EDEKA", source="erp2") == "EDEKA"


async def test_a_record_that_is_told_by_its_code_alone_is_linked_and_unlinked_by_it(
    town: Town,
) -> None:
    await town.say(METRO)
    await town.say(PartyChanged(code="K100"), source="erp2")
    before = await town.catalog.known_as(MAIN, "K100")

    await town.catalog.link(MAIN, "erp2", Reference.party("K100"), "METRO", by="jo")
    assert await town.catalog.known_as(MAIN, "K100") == ["METRO", "K100"]
    await town.catalog.link(MAIN, "erp2", Reference.party("K100"), "K100", by="jo")

    assert await town.catalog.known_as(MAIN, "K100") == before


async def test_a_code_that_another_record_took_over_stays_there(town: Town) -> None:
    await town.say(METRO)
    await town.say(PartyChanged(code="K100"), native_ref="17", source="erp2")
    await town.say(PartyChanged(code="K100"), native_ref="18", source="erp2", version=2)

    await town.catalog.link(MAIN, "erp2", Reference.party("17"), "METRO", by="jo")
    assert await town.party("K100", source="erp2") == "K100"

    await town.catalog.link(MAIN, "erp2", Reference.party("18"), "METRO", by="jo")
    assert await town.party("K100", source="erp2") == "METRO"


@pytest.mark.parametrize("linked_to", ["", "METRO"])
async def test_a_late_word_by_an_older_code_of_a_record_changes_nothing(
    town: Town, linked_to: str
) -> None:
    await town.say(METRO)
    if linked_to:
        await town.catalog.link(MAIN, "erp2", Reference.party("17"), linked_to, by="jo")

    for code, version in (("K100", 7), ("K101", 9), ("K100", 8)):
        said = PartyChanged(code=code, legal_name=f"{code} v{version}")
        await town.say(said, native_ref="17", source="erp2", version=version)

    party = linked_to or "K101"
    assert await town.party("17", source="erp2") == party
    assert (await town.catalog.party(MAIN, party)).legal_name == "K101 v9"
    assert (await town.catalog.known_as(MAIN, "17"))[0] == party


async def test_records_that_are_told_by_their_codes_alone_count_their_own_versions(
    town: Town,
) -> None:
    for code, version in (("K100", 9), ("K200", 2), ("K200", 1), ("k100", 8)):
        await town.say(PartyChanged(code=code, legal_name=f"v{version}"), version=version)

    told = [(one.party, one.legal_name) for one in await town.catalog.parties(MAIN)]
    assert told == [("K100", "v9"), ("K200", "v2")]


async def test_the_codes_of_a_record_are_found_by_its_key(database: Database, dsn: str) -> None:
    told = """
        insert into xref (tenant, system, entity_type, native_id, name, qualifier, hub_id, record,
            confidence, asserted_by, valid_from)
        select 'main', 'erp', 'party', 'K' || g, 'K' || g, 'code', 'K' || g, g::text, 'ASSERTED',
            'source', now() from generate_series(1, 3000) g;
        analyze xref;
    """
    await execute(dsn, told)
    async with database.transaction(MAIN) as tx:
        rows = await tx.fetch(f"explain {CODES_OF}", "main", "erp", "17")

    assert any("Index Cond" in row[0] and "record = '17'" in row[0] for row in rows)
