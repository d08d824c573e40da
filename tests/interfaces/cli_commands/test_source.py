"""Which warehouses an order leaves from, from the command line."""

import json

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.catalog import KitChanged, KitComponent
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from tests.interfaces.cli_commands.conftest import CommandLine

ORDER = ("source", "plan", "--line", "X 8", "--line", "Y 6", "--country", "DE")


@pytest.fixture
async def a21(hub: Hub, crossdock: CommandLine) -> Hub:
    for name, x, y in (("DC1", 4, 9), ("DC2", 10, 10), ("DC3", 6, 0)):
        await hub.put_stock("X", name, x)
        await hub.put_stock("Y", name, y)
        said = await crossdock("source", "put-node", name.lower())
        assert (said.code, said.out) == (0, f"{name} takes part in sourcing\n")
    return hub


@pytest.mark.usefixtures("a21")
async def test_a_plan_says_from_where_and_why_and_can_be_asked_again(
    crossdock: CommandLine,
) -> None:
    said = await crossdock(*ORDER, "--request-id", "order-7")

    first, shipment, *reasons = said.out.splitlines()
    assert said.code == 0, said
    assert "rules for all, version 0, decided by SINGLE_NODE" in first
    assert shipment.startswith("  from DC2: 8 of X, 6 of Y, leaves ")
    assert [line.split()[:3] for line in reasons] == [
        ["DC1", "passed", "over"], ["DC2", "taken", "SINGLE_NODE"], ["DC3", "passed", "over"],
    ]  # fmt: skip
    decision = first.split()[0]
    assert (await crossdock("source", "explain", decision)).out == said.out
    told = await crossdock("source", "explain", decision, "--json")
    assert (told.code, told.json["decision_id"]) == (0, decision)


@pytest.mark.usefixtures("a21")
async def test_a31_a_plan_says_what_was_rounded_to_packs(crossdock: CommandLine) -> None:
    await crossdock("stock", "atp-rule", "X", "*", "--pack", "5")

    said = (await crossdock(*ORDER)).out

    assert "X is sold in packs of 5: 8 asked, 10 planned" in said
    assert "from DC2: 10 of X, 6 of Y" in said


@pytest.mark.usefixtures("a21")
async def test_a_plan_is_drawn_into_a_file_and_so_is_its_explanation(
    crossdock: CommandLine,
) -> None:
    asked = (*ORDER, "--request-id", "order-7", "--chart")
    planned = await crossdock(*asked, "plan.svg")
    explain = ("source", "explain", planned.out.split()[0], "--chart")
    told = await crossdock(*explain, "why.svg")
    nowhere = await crossdock(*explain, "no/such/folder.svg")

    assert "drawn: plan.svg" in planned.out
    assert "drawn: why.svg" in told.out
    picture = (crossdock.folder / "why.svg").read_text()
    assert picture == (crossdock.folder / "plan.svg").read_text()
    assert "DC2 taken ships line 1: 8 of 8 EA X, line 2: 6 of 6 EA Y" in picture
    assert (nowhere.code, "cannot be written" in nowhere.err) == (2, True), nowhere


async def test_what_is_reserved_is_promised_once_and_explained_by_the_same_bytes(
    crossdock: CommandLine, a21: Hub
) -> None:
    order = (*ORDER, "--request-id", "order-7", "--reserve", "--json")

    first, second = [await crossdock(*order) for _ in range(2)]

    held = first.json["reservation"]
    assert (first.code, held["status"], held["is_repeat"]) == (0, "ACTIVE", False)
    assert second.json == {**first.json, "reservation": {**held, "is_repeat": True}}
    assert str((await a21.availability("X", "DC2")).available) == "2 EA"
    told = await crossdock("source", "explain", first.json["decision"]["decision_id"], "--json")
    assert told.out.strip() in first.out
    shown = await crossdock(*order[:-1])
    assert f"{held['reservation_id']} ACTIVE HARD" in shown.out


@pytest.mark.usefixtures("a21")
async def test_a_question_without_an_id_is_answered_and_not_kept(crossdock: CommandLine) -> None:
    said = await crossdock(*ORDER)

    assert (said.code, said.out.split("  ")[0]) == (0, "not kept")


@pytest.mark.usefixtures("a21")
async def test_a_node_is_withdrawn(crossdock: CommandLine) -> None:
    said = await crossdock("source", "withdraw-node", "dc2")

    assert (said.code, said.out) == (0, "DC2 takes no part in sourcing any more\n")
    assert "DC2" not in (await crossdock("source", "nodes")).out
    assert (await crossdock("source", "withdraw-node", "DC2")).code == 1


@pytest.mark.usefixtures("a21")
async def test_what_waits_is_told_with_exit_code_one(crossdock: CommandLine) -> None:
    said = await crossdock("source", "plan", "--line", "X 25", "--max-shipments", "2")

    assert said.code == 1, said
    assert "waits at DC2: 9 of X" in said.out


@pytest.mark.usefixtures("a21")
async def test_rules_are_put_and_listed_version_by_version(crossdock: CommandLine) -> None:
    assert "those built in decide" in (await crossdock("source", "rules")).out
    prefer = ("--prefer", "COST", "--prefer", "FEWEST_SHIPMENTS")
    first = await crossdock("source", "put-rules", "channel:web", *prefer)
    file = crossdock.write("rules.json", {"filters": ["ACTIVE"], "min_line_split_qty": "2"})
    second = await crossdock(
        "source", "put-rules", "channel:web", "--file", file, "--policy", "COMPLETE_LINE"
    )

    assert first.out == "version 1 of the rules for channel:WEB\n"
    assert second.out == "version 2 of the rules for channel:WEB\n"
    listed = (await crossdock("source", "rules", "--json")).json["rules"]
    assert [one["rules"]["preferences"][0] for one in listed] == ["COST", "SINGLE_NODE"]
    assert (listed[1]["rules"]["policy"], listed[1]["put_by"]) == ("COMPLETE_LINE", "command-line")
    assert "COMPLETE_LINE" in (await crossdock("source", "rules")).out


@pytest.mark.usefixtures("a21")
async def test_a_node_is_put_with_its_lanes(crossdock: CommandLine) -> None:
    lanes = ("--lane", "* 5", "--lane", "DE-BY/80 1 5.90 40")

    said = await crossdock(
        "source", "put-node", "DC1", "--capability", "PICKUP",
        "--capability", "SHIP", "--load", "30", *lanes, "--json",
    )  # fmt: skip

    assert said.code == 0, said
    assert said.json["capabilities"] == ["PICKUP", "SHIP"]
    assert said.json["load_percent"] == 30
    anywhere, near = said.json["lanes"]
    assert (anywhere["country"], anywhere["transit_days"], anywhere["cost"]) == ("", 5, None)
    assert near == {
        "country": "DE", "region": "BY", "postal_prefix": "80", "transit_days": 1,
        "runs_on": [1, 2, 3, 4, 5], "cost": "5.9", "distance_km": 40,
    }  # fmt: skip
    assert "30 %" in (await crossdock("source", "nodes")).out


@pytest.mark.usefixtures("a21")
@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("plan",), "/lines"),
        (("plan", "--line", "X"), "--line"),
        (("plan", "--line", "X eight"), "/lines/0/quantity/value"),
        (("plan", "--line", "Q 8"), "/lines/0/item"),
        (("plan", "--line", "X 8", "--reserve"), "/request_id"),
        (("plan", "--line", "X 8", "--max-shipments", "0"), "/max_shipments"),
        (("plan", "--line", "X 8 tomorrow"), "/lines/0/needed_by"),
        (("put-node", "DC1", "--lane", "DE soon"), "--lane"),
        (("put-node", "DC1", "--lane", "'"), "--lane"),
        (("put-rules", "nobody"), "/holds_for"),
        (("put-rules", "all", "--prefer", "LUCK"), "/preferences/0"),
    ],
)
async def test_what_is_said_wrong_is_refused_with_its_place(
    crossdock: CommandLine, words: tuple[str, ...], where: str
) -> None:
    said = await crossdock("source", *words, "--json")

    assert (said.code, json.loads(said.out)["where"]) == (2, where), said


@pytest.mark.usefixtures("a21")
async def test_a_plan_says_what_of_a_kit_is_put_together_and_what_its_parts_are_short_of(
    crossdock: CommandLine, a21: Hub
) -> None:
    await a21.put_stock("SET", "DC2", 1)
    part = KitComponent(item="X", quantity=Quantity.of(2))
    kit = KitChanged(item="SET", quantity=Quantity.of(1), components=(part,))
    await a21.record([Fact(identity="kit:SET", payload=kit, occurred_at=a21.clock.now())])

    said = await crossdock("source", "plan", "--line", "SET 9", "--max-shipments", "1")

    assert "from DC2: 6 of SET (5 put together)" in said.out, said
    assert "6 of SET (line 1, 1 assembled, 5 put together); too little X for more SET" in said.out
