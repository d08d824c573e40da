"""What a connected product means by available is said where the connection is shown."""

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine


async def test_a_connection_shows_what_its_own_number_means_and_what_is_taken(
    crossdock: CommandLine, hub: Hub
) -> None:
    (crossdock.folder / "in").mkdir()
    crossdock.write("drop.json", {"folder": str(crossdock.folder / "in"), "location": "DC1"})
    await crossdock("connection", "add", "drop", "generic_wms_files", "--file", "drop.json")

    told = (await crossdock("connection", "show", "drop", "--json")).json["stock"]
    shown = (await crossdock("connection", "show", "drop")).out

    assert told["equation"] == "what `available_is` of a connection says; without it nobody knows"
    assert [(one["field"], one["becomes"]) for one in told["taken"]] == [
        ("quantity", "inventory.snapshot_taken.v1"),
        ("quantity", "inventory.stock_moved.v1"),
    ]
    assert told["not_taken"] == ["available", "allocated", "held"]
    standing = await hub.connections.show(hub.scope, "drop")
    assert standing.stock
    assert not standing.stock.is_declared
    assert f"not said: {standing.stock.equation}" in shown
    assert "available, allocated, held" in shown


async def test_a_connection_that_names_its_equation_shows_it_and_its_check_says_it(
    crossdock: CommandLine, hub: Hub
) -> None:
    (crossdock.folder / "in").mkdir()
    said = {"folder": str(crossdock.folder / "in"), "available_is": "LESS_ALLOCATED"}
    crossdock.write("drop.json", said)
    await crossdock("connection", "add", "drop", "generic_wms_files", "--file", "drop.json")

    standing = await hub.connections.show(hub.scope, "drop")
    checked = (await crossdock("connection", "check", "drop")).out

    assert standing.stock
    assert standing.stock.is_declared
    assert standing.stock.equation == "available = good stock - allocated"
    assert "available = good stock - allocated" in checked.replace("\n", " ")


async def test_a_check_warns_of_a_number_that_nobody_has_said_the_meaning_of(
    crossdock: CommandLine,
) -> None:
    (crossdock.folder / "in").mkdir()
    crossdock.write("drop.json", {"folder": str(crossdock.folder / "in")})
    await crossdock("connection", "add", "drop", "generic_wms_files", "--file", "drop.json")
    checked = await crossdock("connection", "check", "drop", "--json")
    assert checked.json["warning"] == "nobody has said what its own number of available stock is"
    assert "available_is: ON_HAND" in checked.json["hint"]

    crossdock.write("said.json", {"available_is": "NOT_TOLD"})
    await crossdock("connection", "change", "drop", "--file", "said.json")
    checked = await crossdock("connection", "check", "drop", "--json")
    assert not checked.json["warning"]
    assert "it tells no number of its own" in checked.json["answer"]
