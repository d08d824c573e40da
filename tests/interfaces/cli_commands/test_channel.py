"""What is agreed with a channel, what it holds back and what it shows, from the command line."""

import asyncio
from datetime import timedelta

from crossdock.assembly import Hub
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import Work
from crossdock.capabilities.allocation.oversold import PATIENCE
from crossdock.capabilities.supply import AtpRule, LifeTerms, PlacedRule
from crossdock.foundation.clock import VirtualClock
from tests.interfaces.cli_commands.conftest import CommandLine

SHOP = {
    "shop_domain": "example.myshopify.com",
    "access_token": "shpat_none",
    "webhook_secret": "none",
}


def order(number: int) -> OrderChanged:
    line = DemandLine(
        demand_ref=f"{number}/1",
        item="BOLT",
        location="DC1",
        ordered=Quantity.of(1),
        cancelled=Quantity.of(0),
    )
    return OrderChanged(order_id=str(number), lines=(line,), channel="drop")


async def trade(hub: Hub, crossdock: CommandLine) -> None:
    """Agree on a target, count a hundred bolts, and sell 36 within the last minutes."""
    await hub.put_stock("BOLT", "DC1", 136)
    (crossdock.folder / "in").mkdir()
    crossdock.write("drop.json", {"folder": str(crossdock.folder / "in"), "location": "DC1"})
    await crossdock("connection", "add", "drop", "generic_wms_files", "--file", "drop.json")
    terms = {"source_locations": ["DC1"], "unit_margin": "2", "currency": "EUR"}
    crossdock.write("terms.json", terms)
    agreed = await crossdock(
        "channel", "put", "drop", "DC1", "--oversell", "1", "--file", "terms.json", "--json"
    )
    assert agreed.json["oversell_percent"] == "1", agreed
    at = hub.clock.now() - timedelta(seconds=1)
    orders = [
        Fact(identity=f"order:{number}", payload=order(number), occurred_at=at, version=1)
        for number in range(36)
    ]
    await hub.record(orders, source="desk")


async def test_a_job_computes_the_budget_and_the_channel_shows_so_much_less(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)
    before = (await crossdock("channel", "show", "drop", "dc1", "--json")).json["items"][0]

    assert "oversell budgets" in await hub.jobs.run_due()
    await hub.settle()

    [budget] = (await crossdock("channel", "budget", "drop", "DC1", "--json")).json["items"]
    [after] = (await crossdock("channel", "show", "drop", "DC1", "--json")).json["items"]
    assert (before["pool"], before["buffer"], before["exposed"]) == ("100", "0", "100")
    assert (budget["rates"][0]["seller"], budget["rates"][0]["per_hour"]) == ("drop", "36")
    assert (budget["buffer"], budget["held_money"]) == ("3", "6.00")
    assert (budget["batch_buffer"], budget["batch_money"]) == ("92", "184.00")
    assert (after["buffer"], after["exposed"]) == ("3", "97")


async def test_figures_are_tables_for_people_and_a_chart_is_of_one_item(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)

    budget = await crossdock("channel", "budget", "drop", "DC1", "--item", "bolt",
                             "--chart", "bolt.svg")  # fmt: skip
    shown = await crossdock("channel", "show", "drop", "DC1")
    published = await crossdock("channel", "publish", "drop", "DC1")
    refused = await crossdock("channel", "budget", "drop", "DC1", "--chart", "bolt.svg")
    nowhere = await crossdock("channel", "budget", "drop", "DC1", "--item", "bolt",
                              "--chart", "no/where.svg")  # fmt: skip

    assert "BOLT" in budget.out
    assert "3 (6.00 EUR)" in budget.out
    assert "92 (184.00 EUR)" in budget.out
    assert (crossdock.folder / "bolt.svg").read_text().startswith("<svg")
    assert "drop at DC1 (POOL) sells from one pool with nobody else" in shown.out
    assert "its stock is told by crossdock; none of them is silent" in shown.out
    assert published.out == "1 to be written\n"
    assert (refused.code, nowhere.code) == (2, 2)
    assert "a chart is of one item" in refused.err
    assert "cannot be written" in nowhere.err


async def test_a_channel_that_nobody_agreed_on_is_not_found(
    hub: Hub, crossdock: CommandLine
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)

    for words in (("show",), ("budget",), ("publish",), ("end",)):
        said = await crossdock("channel", *words, "drop", "DC1")
        assert (said.code, "no terms are agreed with drop/DC1" in said.err) == (1, True), said


async def test_a_channel_is_agreed_and_published_by_what_its_shop_knows(
    hub: Hub, crossdock: CommandLine
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)
    crossdock.write("shop.json", SHOP)
    await crossdock("connection", "add", "shop", "shopify", "--file", "shop.json")
    put = ("channel", "put", "shop", "DC1", "--from", "DC1", "--json")
    publish = ("channel", "publish", "shop", "DC1", "--json", "--item")

    not_there = await crossdock(*put)
    await crossdock("catalog", "link", "shop", "gid://shopify/Location/7", "DC1", "--location")
    assert (await crossdock(*put)).code == 0
    unknown = await crossdock(*publish, "NOPE")
    not_listed = await crossdock(*publish, "BOLT")
    await crossdock("catalog", "link", "shop", "4711", "BOLT")

    assert (not_there.code, not_there.json["error"]) == (2, "MD-LOC")
    assert not_there.json["message"] == "shop has no key for location 'DC1'"
    assert "catalog link shop KEY DC1 --location" in not_there.json["hint"]
    assert (unknown.code, unknown.json["message"]) == (2, "no item is called 'NOPE'")
    assert (not_listed.json["error"], not_listed.json["where"]) == ("MD-ITEM-XREF", "items")
    assert (await crossdock(*publish, "bolt")).json == {"listings": 1}


async def test_a_channel_is_ended_and_its_terms_stay(hub: Hub, crossdock: CommandLine) -> None:
    await trade(hub, crossdock)

    said = await crossdock("channel", "end", "drop", "dc1")
    again = await crossdock("channel", "end", "drop", "DC1", "--json")
    listed = (await crossdock("channel", "list", "--json")).json

    assert said.out == "drop sells no more at DC1\n"
    assert again.json["is_active"] is False
    assert [(one["is_active"], one["oversell_percent"]) for one in listed] == [(False, "1")]


async def test_levels_a_jump_and_the_safe_mode_are_options_and_keep_what_a_file_says(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)

    put = ("channel", "put", "drop", "DC1", "--file", "terms.json", "--json")
    plain = await crossdock(*put)
    agreed = await crossdock(*put, "--level", "5", "--level", "50", "--jump", "20",
                             "--when-stale", "zero", "--stale-buffer", "7")  # fmt: skip

    names = ("levels", "jump_percent", "when_stale", "stale_buffer", "unit_margin")
    assert [plain.json[name] for name in names] == [[], 10, "LOWER", None, "2"]
    assert [agreed.json[name] for name in names] == [["5", "50"], 20, "ZERO", "7", "2"]
    refused = await crossdock(*put, "--when-stale", "never")
    assert (refused.code, "never" in refused.err) == (2, True)


async def count(hub: Hub, source: str) -> None:
    """Let a source count 136 bolts, and what it says be taken in."""
    line = CountedStock(item="BOLT", quantity=Quantity.of(136))
    counted = StockSnapshotTaken(snapshot_id=source, location="DC1", lines=(line,))
    fact = Fact(identity=f"count:{source}", payload=counted, occurred_at=hub.clock.now())
    await hub.record([fact], source=source)
    await hub.settle()


async def fall_silent(hub: Hub, source: str) -> None:
    await hub.inventory.upkeep.set_freshness(hub.scope, source, 1)
    while not await hub.inventory.upkeep.silent_sources(hub.scope):
        await asyncio.sleep(0.1)


async def test_what_the_hub_keeps_itself_is_never_silent(hub: Hub, crossdock: CommandLine) -> None:
    await trade(hub, crossdock)
    await hub.settle()
    await fall_silent(hub, "crossdock")

    shown = await crossdock("channel", "show", "drop", "DC1", "--json")

    assert (shown.json["feeds"]["sources"], shown.json["feeds"]["silent"]) == (["crossdock"], [])
    assert shown.json["items"][0]["silent"] == []
    assert await hub.publishing.safe_mode.watch() == 0


async def test_a_connection_that_was_removed_is_no_source_of_a_channel_any_more(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)
    (crossdock.folder / "old").mkdir()
    crossdock.write("old.json", {"folder": str(crossdock.folder / "old"), "location": "DC1"})
    await crossdock("connection", "add", "old", "generic_wms_files", "--file", "old.json")
    await count(hub, "old")
    await fall_silent(hub, "old")
    silent = await crossdock("channel", "show", "drop", "DC1", "--json")

    removed = await crossdock("connection", "remove", "old", "--reason", "switched off")
    shown = await crossdock("channel", "show", "drop", "DC1", "--json")

    assert silent.json["items"][0]["silent"] == ["old"]
    assert removed.code == 0, removed
    assert (shown.json["feeds"]["sources"], shown.json["feeds"]["silent"]) == (["crossdock"], [])
    assert shown.json["items"][0]["silent"] == []


async def test_show_says_that_a_channel_is_in_safe_mode_and_draws_why_it_shows_so_much(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)
    await count(hub, "wms")
    before = await crossdock("channel", "show", "drop", "DC1", "--item", "bolt",
                             "--chart", "why.svg")  # fmt: skip
    await fall_silent(hub, "wms")

    after = await crossdock("channel", "show", "drop", "DC1")
    told = await crossdock("channel", "show", "drop", "DC1", "--json")
    refused = await crossdock("channel", "show", "drop", "DC1", "--chart", "why.svg")

    assert "drawn: why.svg" in before.out
    assert "BOLT in drop at DC1: 100 to show" in (crossdock.folder / "why.svg").read_text()
    assert "safe mode since" in after.out
    assert "wms spoke last at" in after.out
    assert told.json["feeds"]["silent"][0]["source"] == "wms"
    assert told.json["items"][0]["silent"] == ["wms"]
    assert (refused.code, "a chart is of one item" in refused.err) == (2, True)


async def test_show_says_what_is_too_old_for_what_the_channels_rule_asks(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)
    life = LifeTerms(channel="drop", days=30, transit_days=3)
    placed = PlacedRule(item="BOLT", rule=AtpRule(lives=(life,)))
    await hub.supply.put_rule(hub.scope, placed, by="test")

    shown = await crossdock("channel", "show", "drop", "DC1", "--item", "bolt", "--chart", "y.svg")
    told = await crossdock("channel", "show", "drop", "DC1", "--item", "bolt", "--json")

    [one] = told.json["items"]
    assert (one["pool"], one["short_dated"], one["exposed"]) == ("100", "100", "0")
    assert one["lives"] == [{"location": "DC1", "days": 30, "transit_days": 3}]
    assert "100 short-dated" in " ".join(shown.out.split())
    assert "less 100 short-dated: 30 days at delivery" in (crossdock.folder / "y.svg").read_text()


async def test_a_channel_of_whose_stock_nobody_told_says_so(crossdock: CommandLine) -> None:
    (crossdock.folder / "in").mkdir()
    await crossdock("catalog", "add-location", "DC7")
    crossdock.write("drop.json", {"folder": str(crossdock.folder / "in"), "location": "DC7"})
    await crossdock("connection", "add", "drop", "generic_wms_files", "--file", "drop.json")
    await crossdock("channel", "put", "drop", "DC7", "--from", "DC7")

    shown = await crossdock("channel", "show", "drop", "DC7")
    item = await crossdock("channel", "show", "drop", "DC7", "--item", "BOLT")

    assert "nobody is known to tell of its stock: what nobody told of is not written" in shown.out
    assert "nobody told of DC7" in item.out


async def test_a_budget_says_how_often_the_last_of_an_item_was_sold_and_how_often_more(
    hub: Hub, crossdock: CommandLine
) -> None:
    await trade(hub, crossdock)
    await hub.put_stock("BOLT", "DC1", 30)
    await hub.allocating.work.due()
    later = VirtualClock(hub.clock.now() + PATIENCE)
    await Work(hub.database, later, hub.ids, hub.allocating.around).due()

    said = await crossdock("channel", "budget", "drop", "DC1")
    shown = (await crossdock("channel", "budget", "drop", "DC1", "--json")).json

    words = " ".join(said.out.split())
    assert "took the last of an item 1 times, and more 1 times (100 %), by 6 orders" in words
    [day] = shown["days"]
    assert (day["sold_out"], day["oversold"], day["orders"]) == (1, 1, 6)
    assert shown["oversold_percent"] == "100.0000"
