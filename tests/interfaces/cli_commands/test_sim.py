"""The stand-ins of outside systems, as typed."""

from tests.interfaces.cli_commands.conftest import CommandLine


async def test_settings_that_cannot_be_written_are_told_with_their_place(
    crossdock: CommandLine,
) -> None:
    for which in ("shop", "warehouse"):
        said = await crossdock("sim", which, "--file", "nowhere/x.json", *PORT[which])

        assert (said.code, "nowhere/x.json cannot be written" in said.err) == (2, True), said


PORT = {"shop": ("--port", "0"), "warehouse": ()}
