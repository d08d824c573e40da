"""`crossdock stock reserve` of what is sold in packs, as a person reads it (A31)."""

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine


async def test_a31_what_was_rounded_is_said_with_why(crossdock: CommandLine, hub: Hub) -> None:
    await hub.put_stock("BOLT", "DC1", 100)
    await crossdock("stock", "atp-rule", "BOLT", "*", "--pack", "12")

    said = (await crossdock("stock", "reserve", "BOLT", "DC1", "30", "--request-id", "r1")).out
    again = await crossdock(
        "stock", "reserve", "BOLT", "DC1", "30", "--request-id", "r1", "--json"
    )
    why = (await crossdock("stock", "explain", again.json["reservation_id"])).out

    assert "BOLT at DC1: 36 of 30" in said
    assert "sold in packs of 12 EA: 30 became 36" in said
    assert again.json["lines"][0]["packs"]["quantity"]["value"] == "36"
    assert "30 in packs of 12 is 36" in " ".join(why.split())
