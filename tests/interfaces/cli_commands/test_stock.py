"""What can be promised, and what becomes of a promise, from the command line."""

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from tests.interfaces.cli_commands.conftest import CommandLine

MICROS = 1_000_000


@pytest.fixture
async def stocked(hub: Hub) -> Hub:
    """Ten bolts and five nuts in DC1, three bolts in DC2."""
    await hub.put_stock("BOLT", "DC1", 10)
    await hub.put_stock("NUT", "DC1", 5)
    await hub.put_stock("BOLT", "DC2", 3)
    return hub


async def held(hub: Hub, quantity: int = 4, *, items: tuple[str, ...] = ("BOLT",)) -> str:
    """Hold so much of each item, softly."""
    lines = tuple(ReservationLine(item, "DC1", quantity * MICROS) for item in items)
    request = ReservationRequest("order-1", lines, ReservationKind.SOFT)
    return (await hub.inventory.reserve(hub.scope, "test", request)).reservation_id


async def free(hub: Hub, item: str, location: str = "DC1") -> str:
    return str((await hub.availability(item, location)).available)


async def test_several_lines_are_promised_together_or_not_at_all(
    crossdock: CommandLine, stocked: Hub
) -> None:
    order = ("stock", "reserve", "BOLT", "DC1", "4", "--also", "NUT DC1 6 order-1/2")

    refused = await crossdock(*order, "--request-id", "order-1")
    partly = await crossdock(*order, "--request-id", "order-2", "--allow-partial")

    assert (refused.code, "DENIED" in refused.out) == (1, True)
    assert partly.code == 1  # there was not enough
    assert [" until " in said.out for said in (refused, partly)] == [False, True]
    assert "BOLT at DC1: 4 of 4" in partly.out
    assert "NUT at DC1: 5 of 6" in partly.out
    assert (await free(stocked, "BOLT"), await free(stocked, "NUT")) == ("6 EA", "0 EA")


async def test_each_line_names_the_demand_it_is_for(crossdock: CommandLine, stocked: Hub) -> None:
    said = await crossdock(
        "stock", "reserve", "bolt", "dc1", "1", "--demand-ref", "o/1", "--also", "nut dc1 2 o/2",
        "--request-id", "order-1", "--json",
    )  # fmt: skip

    assert said.code == 0, said
    [kept] = [one for one in said.out.split('"') if one.startswith("rsv_")][:1]
    lines = (await stocked.inventory.get(stocked.scope, kept)).lines
    assert [(line.item, line.demand_ref) for line in lines] == [("BOLT", "o/1"), ("NUT", "o/2")]


@pytest.mark.parametrize("text", ["NUT DC1", "NUT DC1 1 2 3", "", 'NUT "DC1 1'])
async def test_a_line_that_is_none_is_refused_with_the_form_of_one(
    crossdock: CommandLine, text: str
) -> None:
    said = await crossdock(
        "stock", "reserve", "BOLT", "DC1", "1", "--request-id", "a", "--also", text, "--json"
    )

    assert said.code == 2
    assert said.json["where"] == "--also"
    assert said.json["hint"] == '--also "ITEM LOCATION QUANTITY [DEMAND_REF]"'


async def test_many_are_asked_for_at_once_in_the_order_asked(
    crossdock: CommandLine, stocked: Hub
) -> None:
    words = ("stock", "available", "BOLT", "DC1", "--also", "nut dc1", "--also", "BOLT DC2")
    assert stocked.settings.tenant == "main"

    said = await crossdock(*words)
    many = (await crossdock(*words, "--json")).json["availability"]

    assert [line for line in said.out.splitlines() if " at " in line] == [
        "BOLT at DC1: 10 EA", "NUT at DC1: 5 EA", "BOLT at DC2: 3 EA",
    ]  # fmt: skip
    assert [(one["item"], one["location"]) for one in many] == [
        ("BOLT", "DC1"), ("NUT", "DC1"), ("BOLT", "DC2"),
    ]  # fmt: skip


async def test_one_is_answered_by_itself(crossdock: CommandLine, stocked: Hub) -> None:
    assert stocked.settings.tenant == "main"

    assert (await crossdock("stock", "available", "BOLT", "DC1", "--json")).json["item"] == "BOLT"


async def test_a_hold_is_confirmed(crossdock: CommandLine, stocked: Hub) -> None:
    kept = await held(stocked)

    said = await crossdock("stock", "confirm", kept)

    assert (said.code, "ACTIVE HARD" in said.out) == (0, True)
    assert (await stocked.inventory.get(stocked.scope, kept)).kind == "HARD"


async def test_a_hold_lives_longer_when_it_is_extended(
    crossdock: CommandLine, stocked: Hub
) -> None:
    kept = await held(stocked)
    before = (await stocked.inventory.get(stocked.scope, kept)).expires_at

    said = await crossdock("stock", "extend", kept, "--ttl", "3600")

    after = (await stocked.inventory.get(stocked.scope, kept)).expires_at
    assert before
    assert after
    assert (said.code, after > before) == (0, True)
    assert (await crossdock("stock", "extend", kept, "--ttl", "0")).code == 2


async def test_what_is_held_is_given_back(crossdock: CommandLine, stocked: Hub) -> None:
    kept = await held(stocked)
    assert await free(stocked, "BOLT") == "6 EA"

    said = await crossdock("stock", "release", kept)

    assert (said.code, "RELEASED" in said.out) == (0, True)
    assert await free(stocked, "BOLT") == "10 EA"


async def test_what_went_out_is_consumed_of_one_line_and_then_of_all(
    crossdock: CommandLine, stocked: Hub
) -> None:
    kept = await held(stocked, items=("BOLT", "NUT"))
    [first, second] = (await stocked.inventory.get(stocked.scope, kept)).lines

    part = await crossdock("stock", "consume", kept, "--consumed", f"{second.line_no} 1.5")
    lines = (await stocked.inventory.get(stocked.scope, kept)).lines
    whole = await crossdock("stock", "consume", kept)

    assert (part.code, whole.code) == (0, 0)
    assert [line.used for line in lines] == [0, 1_500_000]
    assert [line.used for line in (await stocked.inventory.get(stocked.scope, kept)).lines] == [
        first.granted, second.granted,
    ]  # fmt: skip


async def test_a_total_that_is_told_again_counts_once(
    crossdock: CommandLine, stocked: Hub
) -> None:
    kept = await held(stocked)

    for total in ("1.5", "1.5", "1"):
        assert (await crossdock("stock", "consume", kept, "--consumed", f"1 {total}")).code == 0

    [line] = (await stocked.inventory.get(stocked.scope, kept)).lines
    assert line.used == 1_500_000


async def test_a_line_is_consumed_by_number_and_named_once(
    crossdock: CommandLine, stocked: Hub
) -> None:
    kept = await held(stocked)

    consume = ("stock", "consume", kept, "--json", "--consumed")
    twice = await crossdock(*consume, "1 1", "--consumed", "1 1")
    unknown = await crossdock(*consume, "9 1")

    assert (twice.code, twice.json["message"]) == (2, "1 is no line, or named twice")
    assert (unknown.code, unknown.json["error"]) == (1, "reservation_closed")


async def test_a_hold_moves_to_another_location(crossdock: CommandLine, stocked: Hub) -> None:
    kept = await held(stocked, 3)

    said = await crossdock("stock", "transfer", kept, "DC2")
    nowhere = await crossdock("stock", "transfer", kept, "DC9", "--json")

    assert (said.code, "BOLT at DC2: 3 of 3" in said.out) == (0, True)
    assert (await free(stocked, "BOLT"), await free(stocked, "BOLT", "DC2")) == ("10 EA", "0 EA")
    assert (nowhere.code, nowhere.json["error"]) == (1, "MD-LOC")


async def test_safety_stock_is_not_promised(crossdock: CommandLine, stocked: Hub) -> None:
    said = await crossdock("stock", "safety", "BOLT", "DC1", "8")

    assert (said.code, said.out) == (0, "safety of BOLT: 8\n")
    assert await free(stocked, "BOLT") == "2 EA"
    order = ("stock", "reserve", "BOLT", "DC1", "3", "--request-id", "order-1")
    assert (await crossdock(*order)).code == 1


async def test_a_reservation_is_shown(crossdock: CommandLine, stocked: Hub) -> None:
    kept = await held(stocked)

    assert f"{kept} ACTIVE SOFT until" in (await crossdock("stock", "show", kept)).out
    assert (await crossdock("stock", "show", "rsv_" + "0" * 32)).code == 1


async def test_what_lies_where_is_listed(crossdock: CommandLine, stocked: Hub) -> None:
    assert stocked.settings.tenant == "main"

    assert "10 EA" in (await crossdock("stock", "on-hand", "BOLT", "DC1")).out
    assert "nobody has said anything" in (await crossdock("stock", "on-hand", "NUT", "DC2")).out


@pytest.mark.parametrize(
    ("item", "location", "says"),
    [
        ("TYPO", "DC1", "no item is called 'TYPO'"),
        ("", "DC1", "no item is called ''"),
        ("BOLT", "DC9", "no location is called 'DC9'"),
    ],
)
async def test_a_mistyped_name_is_refused_whoever_asks_and_no_zero(
    crossdock: CommandLine, stocked: Hub, item: str, location: str, says: str
) -> None:
    with pytest.raises(Invalid, match=says):
        await stocked.availability(item, location)
    with pytest.raises(Invalid, match=says):
        await stocked.reserve(item, location, 1, request_id="order-1")
    for words in (
        ("available", item, location),
        ("available", "BOLT", "DC1", "--also", f"{item or 'TYPO'} {location}"),
        ("on-hand", item, location),
        ("reserve", item, location, "1", "--request-id", "order-2"),
    ):
        said = await crossdock("stock", *words)

        assert (said.code, says.partition("called")[0] in said.err) == (2, True), (words, said)
    made = [("script", "order-1"), ("command-line", "order-2")]
    assert not any([await stocked.inventory.is_made(stocked.scope, *one) for one in made])


async def test_a_promise_is_explained_line_by_line(crossdock: CommandLine, stocked: Hub) -> None:
    lines = (
        ReservationLine("BOLT", "DC1", 4 * MICROS, "order-7/1"),
        ReservationLine("NUT", "DC1", 6 * MICROS, "order-7/2"),
    )
    request = ReservationRequest("order-7", lines, ReservationKind.HARD, allow_partial=True)
    made = await stocked.inventory.reserve(stocked.scope, "test", request)

    told = await crossdock("stock", "explain", made.reservation_id)
    of_order = await crossdock("stock", "explain", "order-7")
    nobody = await crossdock("stock", "explain", "order-8")

    assert told.code == 0, told
    assert "BOLT at DC1: 4 asked, 10 free: granted" in told.out
    assert "NUT at DC1: 6 asked, 5 free: 5 granted, as part was welcome" in told.out
    assert "decided once more: the same" in told.out
    assert of_order.out == told.out
    assert nobody.code == 1
    assert "nothing was promised to 'order-8'" in nobody.err


async def test_a_group_says_whose_stock_its_figure_leaves_out(
    crossdock: CommandLine, stocked: Hub
) -> None:
    await crossdock("catalog", "add-location", "DC3")
    await crossdock("catalog", "add-location", "EAST", "--member", "DC1", "--member", "DC3")
    await stocked.settle()

    group = await crossdock("stock", "available", "BOLT", "EAST")
    member = await crossdock("stock", "available", "BOLT", "DC1")

    assert "BOLT at EAST: 10 EA" in group.out
    assert "left out, for nobody said what lies there: DC3" in group.out
    assert "left out" not in member.out


async def test_a_group_is_explained_by_its_members(crossdock: CommandLine, stocked: Hub) -> None:
    await crossdock("catalog", "add-location", "EAST", "--member", "DC1", "--member", "DC2")
    await stocked.settle()
    request = ReservationRequest("r", (ReservationLine("BOLT", "EAST", 12 * MICROS),))
    made = await stocked.inventory.reserve(stocked.scope, "test", request)

    told = await crossdock("stock", "explain", made.reservation_id)

    assert "BOLT at EAST: 12 asked, 13 free: granted" in told.out
    assert "DC2: 3 nettable, 0 claimed, 0 safety, 3 free" in told.out


async def test_what_holds_an_item_is_listed_by_order_line_or_by_who_asked(
    crossdock: CommandLine, stocked: Hub
) -> None:
    soft = await held(stocked)
    await crossdock(
        *("stock", "reserve", "BOLT", "DC2", "1", "--request-id", "r"),
        *("--hard", "--demand-ref", "so1/1"),
    )

    said = await crossdock("stock", "holds", "bolt")
    at = await crossdock("stock", "holds", "BOLT", "dc1", "--after", f"{soft}/1")

    assert (said.code, at.code) == (0, 0)
    [first, second] = [line for line in said.out.splitlines() if line.startswith("rsv_")]
    assert first.split()[:6] == [f"{soft}/1", "test:", "order-1", "DC1", "4", "EA"]
    assert second.split()[1:5] == ["so1/1", "DC2", "1", "EA"]
    assert second.split()[-1] == "released"
    assert "no reservation holds BOLT" in at.out
