"""The catalogue as typed: groups hold locations that there are, links name systems that spoke."""

from tests.interfaces.cli_commands.conftest import CommandLine


async def test_a_group_cannot_hold_what_is_no_location(crossdock: CommandLine) -> None:
    add = ("catalog", "add-location")
    await crossdock(*add, "DC1")
    await crossdock(*add, "G1", "--member", "DC1")

    unknown = await crossdock(*add, "G2", "--member", "NOPE")
    itself = await crossdock(*add, "G1", "--member", "g1")
    nested = await crossdock(*add, "G2", "--member", "G1")

    assert (unknown.code, "no location is called 'NOPE'" in unknown.err) == (2, True)
    assert (itself.code, "a group cannot hold itself" in itself.err) == (2, True)
    assert (nested.code, "G1 is a group: name its members" in nested.err) == (2, True)


async def test_a_link_names_a_system_that_there_is(crossdock: CommandLine) -> None:
    await crossdock("catalog", "add-item", "SKU-1")

    said = await crossdock("catalog", "link", "nope", "a", "SKU-1")

    assert (said.code, "no connection is called 'nope'" in said.err) == (1, True)
