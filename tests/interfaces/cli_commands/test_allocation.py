"""Scarce stock by command: what is shown to people, and what is refused with what to do."""

from datetime import timedelta

import pytest

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import waiting_runs


async def test_a_run_that_owes_more_than_there_is_exits_with_one_and_says_so(
    crossdock: CommandLine, hub: Hub
) -> None:
    await waiting_runs(hub, "BOLT")
    await hub.put_stock("BOLT", "DC1", 0)
    await crossdock("allocation", "rules", "--order", "O", "--strategy", "WIN")

    said = await crossdock("allocation", "simulate", "bolt", "dc1")

    assert said.code == 1
    assert "REFUSED: BOLT at DC1, 1 EA are owed and 0 EA are there" in said.out
    assert "ORD-OVERSOLD" in (await crossdock("case", "list")).out


async def test_a_stale_run_is_refused_with_the_command_that_makes_a_new_one(
    crossdock: CommandLine, hub: Hub
) -> None:
    [run] = await waiting_runs(hub, "BOLT")
    await hub.put_stock("BOLT", "DC1", 3)

    said = await crossdock("allocation", "approve", run, "--json")

    assert (said.code, said.json["error"]) == (1, "stale")
    assert "crossdock allocation simulate BOLT DC1" in said.json["hint"]


async def test_a_run_is_drawn_into_a_file(crossdock: CommandLine, hub: Hub) -> None:
    [run] = await waiting_runs(hub, "BOLT")
    drawn = await crossdock("allocation", "show", run, "--chart", "run.svg")
    quiet = await crossdock("allocation", "show", run, "--chart", "run.svg", "--json")

    assert (drawn.code, "drawn: run.svg" in drawn.out) == (0, True), drawn
    assert quiet.json["run_id"] == run
    assert "IMPROVE, priority 500" in (crossdock.folder / "run.svg").read_text()


async def test_rules_maxima_and_lines_are_shown_taken_back_and_empty(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 3)
    await crossdock("allocation", "rules", "--order", "O", "--strategy", "LOSE")
    assert "order O" in (await crossdock("allocation", "rules")).out
    cleared = await crossdock("allocation", "rules", "--order", "O", "--clear")
    assert "order O" not in cleared.out

    period = ("--from", "2099-05-01T00:00Z", "--until", "2099-06-01T00:00Z")
    kept = await crossdock(
        "allocation", "protect", "BOLT", "DC1", "web", "--maximum", "7", *period
    )
    assert "7 EA" in kept.out
    anew = ("--maximum", "8", *period, "--every", "week")
    kept = await crossdock("allocation", "protect", "BOLT", "DC1", "web", *anew)
    assert "WEEK (UTC)" in kept.out
    gone = await crossdock("allocation", "protect", "BOLT", "DC1", "web", "--clear")
    assert "nothing is kept for web" in gone.out
    assert "nothing is kept" in (await crossdock("allocation", "protections")).out
    assert "no open order line" in (await crossdock("allocation", "lines", "BOLT", "DC1")).out
    assert "no runs" in (await crossdock("allocation", "runs")).out


@pytest.mark.parametrize(
    ("words", "code", "where"),
    [
        ("rules --channel web", 2, "--strategy"),
        ("rules --strategy WIN --priority 0", 2, "/priority"),
        ("protect BOLT DC1 web --minimum 1 --until tomorrow", 2, "--until"),
        ("protect BOLT DC1 web --minimum 1 --until 2099-01-01T00:00", 2, "--until"),
        ("protect BOLT DC1 web --minimum few --until 2099-01-01T00:00Z", 2, "--minimum"),
        ("protect NUT DC1 web --minimum 1 --until 2099-01-01T00:00Z", 2, "/item"),
        ("simulate BOLT DC1", 1, ""),
        ("show run_0", 1, ""),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(
    crossdock: CommandLine, hub: Hub, words: str, code: int, where: str
) -> None:
    await hub.put_stock("BOLT", "DC1", 3)

    said = await crossdock("allocation", *words.split(), "--json")

    assert (said.code, said.json["where"]) == (code, where), said


async def test_a_group_is_made_shares_a_maximum_and_is_ended(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 20)
    assert "no allocation groups" in (await crossdock("allocation", "groups")).out
    members = ("--channel", "web", "--channel", "app", "--customer", "Metro")
    made = await crossdock("allocation", "group", "online", *members)
    assert "app, web" in made.out
    assert "METRO" in made.out
    assert "app, web" in (await crossdock("allocation", "groups")).out
    now = hub.clock.now()
    period = (
        *("--from", f"{now - timedelta(days=1):%Y-%m-%dT%H:%MZ}"),
        *("--until", f"{now + timedelta(days=1):%Y-%m-%dT%H:%MZ}"),
    )
    protect = ("allocation", "protect", "BOLT", "DC1", "--group", "online")
    kept = await crossdock(*protect, "--maximum", "6", *period)
    assert "group online" in kept.out
    reserve = ("stock", "reserve", "BOLT", "DC1", "5", "--allow-partial")

    first = await crossdock(*reserve, "--request-id", "1", "--channel", "app")
    assert first.code == 0, first
    cut = await crossdock(*reserve, "--request-id", "2", "--customer", "metro")
    assert "1 of 5" in cut.out
    explained = await crossdock("stock", "explain", cut.out.split()[0], "--json")
    assert '"channel":"online"' in explained.out
    refused = await crossdock("allocation", "group", "online", "--clear")
    assert (refused.code, "take those back first" in refused.err) == (1, True), refused
    both = await crossdock(
        "allocation", "group", "online", "--clear", "--channel", "web", "--json"
    )
    assert (both.code, both.json["where"]) == (2, "--clear")
    assert "nothing is kept for online" in (await crossdock(*protect, "--clear")).out
    assert "there is no group" in (await crossdock("allocation", "group", "online", "--clear")).out


async def test_what_maxima_and_minima_leave_of_a_promise_is_said_and_explained(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 10)
    now = hub.clock.now()
    period = (
        *("--from", f"{now - timedelta(days=1):%Y-%m-%dT%H:%MZ}"),
        *("--until", f"{now + timedelta(days=1):%Y-%m-%dT%H:%MZ}"),
    )
    for channel, kept in (("key", "--minimum"), ("web", "--maximum")):
        await crossdock("allocation", "protect", "BOLT", "DC1", channel, kept, "3", *period)
    reserve = ("stock", "reserve", "BOLT", "DC1", "9", "--allow-partial")

    cut = await crossdock(*reserve, "--request-id", "1", "--channel", "branch")
    assert cut.code == 1
    assert "7 of 9" in cut.out
    assert "the rest is kept for others" in cut.out
    name = cut.out.split()[0]
    explained = (await crossdock("stock", "explain", name)).out
    assert "for others             3 EA" in explained
    drawn = await crossdock("stock", "explain", name, "--chart", "why.svg")
    refused = await crossdock("stock", "explain", "O-1", "--chart", "order.svg")
    assert (drawn.code, "drawn: why.svg" in drawn.out) == (0, True), drawn
    assert "less kept for others" in (crossdock.folder / "why.svg").read_text()
    assert (refused.code, "draw one of those" in refused.err) == (2, True), refused
    most = await crossdock(*reserve, "--request-id", "2", "--channel", "web")
    assert "that is all its channel may have" not in most.out
    assert "the rest is kept for others" in most.out
    got = await crossdock(*reserve, "--request-id", "3", "--channel", "key")
    assert "3 of 9" in got.out


async def test_a_run_shows_what_lies_elsewhere_for_a_line_that_stays_short(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC2", 9)
    for node in ("DC1", "DC2"):
        await crossdock("source", "put-node", node)
    await hub.put_stock("BOLT", "DC1", 0)
    await waiting_runs(hub, "BOLT")
    await hub.put_stock("BOLT", "DC1", 0)

    said = await crossdock("allocation", "simulate", "BOLT", "DC1")
    shown = await crossdock("allocation", "simulate", "BOLT", "DC1", "--json")

    assert "something elsewhere for 1 of its order lines" in said.out
    assert "BOLT at DC2" in said.out
    [one] = shown.json["alternatives"]
    assert (one["location"], one["state"]) == ("DC2", "PROPOSED")
    assert one["decision_id"].startswith("src_")
    done = await crossdock("allocation", "approve", shown.json["run_id"], "--json")
    [held] = done.json["alternatives"]
    assert held["state"] == "HELD"
    assert (
        held["reservation_id"] in (await crossdock("stock", "holds", "BOLT", "DC2", "--json")).out
    )
    lines = await crossdock("allocation", "lines", "BOLT", "DC1", "--json")
    [line] = lines.json["lines"]
    assert (line["elsewhere"], line["backordered"]["value"]) == (one["covers"], "0")


async def test_an_order_is_explained_by_its_run_with_supply_who_came_before_and_once_more(
    crossdock: CommandLine, hub: Hub
) -> None:
    [run] = await waiting_runs(hub, "BOLT")
    await crossdock("allocation", "approve", run)
    before = await crossdock("stock", "explain", "O", "--json")
    await crossdock("allocation", "rules", "--order", "O", "--strategy", "LOSE")
    await hub.put_stock("BOLT", "DC1", 0)

    said = await crossdock("stock", "explain", "O")
    after = await crossdock("stock", "explain", "O", "--json")

    assert "decided once more: the same" in said.out, said.out
    assert "nettable" in said.out
    [proof] = after.json["runs"]
    assert proof["is_reproduced"] is True
    assert [proof] == before.json["runs"]
    assert {"value": proof["supply"]["value"], "unit": "EA"} == proof["supply"]
    assert proof["stock"]["nettable"]["value"] != "0"
