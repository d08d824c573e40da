"""`crossdock stock available` and `channel show` of a kit, as a person reads them."""

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, KitChanged, KitComponent
from crossdock.canonical.quantities import Quantity
from crossdock.orchestration.processes.channel_terms import Channel
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.test_stock_atp import fact


@pytest.fixture
async def bags(hub: Hub) -> Hub:
    """Nine bolts in DC1 and a bag; a bag takes four bolts and a nut, of which nobody told."""
    components = tuple(
        KitComponent(item=item, quantity=Quantity.of(pieces))
        for item, pieces in (("BOLT", 4), ("NUT", 1))
    )
    await hub.record([fact("nut", ItemChanged(sku="NUT"))], source="erp")
    await hub.put_stock("BOLT", "DC1", 9)
    await hub.put_stock("BAG", "DC1", 1)
    kit = KitChanged(item="BAG", quantity=Quantity.of(1), components=components)
    await hub.record([fact("kit", kit)], source="erp")
    return hub


@pytest.mark.usefixtures("bags")
async def test_what_a_kit_is_put_together_from_is_told_with_what_limits_it(
    crossdock: CommandLine,
) -> None:
    said = (await crossdock("stock", "available", "bag", "dc1")).out

    assert "BAG at DC1: 1 EA" in said
    assert "as a kit 1, with those that can be put together" in said
    assert "DC1: 1 assembled, 0 to put together; limited by NUT" in said
    assert "BOLT: 4 EA into one, 9 there" in said
    assert "NUT: 1 EA into one, 0 there, of which nobody told" in said


async def test_a_kit_of_which_nobody_told_assembled_is_told_all_the_same(
    crossdock: CommandLine, bags: Hub
) -> None:
    await bags.put_stock("NUT", "DC1", 5)
    await bags.put_stock("BOLT", "DC2", 8)

    here = await crossdock("stock", "available", "BAG", "DC1", "--json")
    there = (await crossdock("stock", "available", "BAG", "DC2")).out
    nowhere = (await crossdock("stock", "available", "BAG", "DC3")).err

    assert here.json["kit"]["available"]["value"] == "3"
    assert "unknown" in there
    assert "as a kit unknown" in there
    assert "no location is called 'DC3'" in nowhere


async def test_a_channel_says_what_limits_a_kit(crossdock: CommandLine, bags: Hub) -> None:
    channel = Channel(connection="shop", location="WEB", source_locations=("DC1",))
    await bags.channels.put(bags.scope, channel, by="test")

    said = (await crossdock("channel", "show", "shop", "WEB", "--item", "BAG", "--json")).json
    told = (await crossdock("channel", "show", "shop", "WEB", "--item", "BAG")).out

    [item] = said["items"]
    [kit] = item["kits"]
    assert (item["exposed"], kit["limited_by"]) == ("1", ["NUT"])
    words = " ".join(told.split())
    assert "limited by" in words


async def test_a_reserved_kit_says_what_is_held_for_it(crossdock: CommandLine, bags: Hub) -> None:
    await bags.put_stock("NUT", "DC1", 5)

    said = (await crossdock("stock", "reserve", "BAG", "DC1", "3", "--request-id", "r1")).out
    again = await crossdock("stock", "reserve", "BAG", "DC1", "3", "--request-id", "r1", "--json")
    why = (await crossdock("stock", "explain", again.json["reservation_id"])).out

    assert "BAG at DC1: 3 of 3, 2 to be put together" in said
    assert "BOLT: 8 of 8 held" in said
    assert "NUT: 2 of 2 held" in said
    [line] = again.json["lines"]
    assert (line["granted"]["value"], line["put_together"]["value"]) == ("3", "2")
    assert [(one["line_no"], one["item"]) for one in line["parts"]] == [(2, "BOLT"), (3, "NUT")]
    assert "3 asked, 1 assembled: 3 granted, 2 of its parts" in why
    assert "decided once more: the same" in why
