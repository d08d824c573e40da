"""What stopped is seen from the command line, and mended there."""

from datetime import timedelta

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import (
    PROCESS,
    nameless_item,
    open_case,
    parked_instances,
    refused_event,
)


async def test_a_refused_event_is_listed_with_the_reader_and_the_reason(
    crossdock: CommandLine, hub: Hub
) -> None:
    assert "no event is refused" in (await crossdock("msg", "refused")).out
    await refused_event(hub, "BOLT")

    said = await crossdock("msg", "refused", "--reader", "catalog")

    assert "KeyError('unit')" in said.out
    assert "catalog.item_changed.v1" in said.out


async def test_a_refused_event_is_applied_again_once(crossdock: CommandLine, hub: Hub) -> None:
    position = await refused_event(hub, "BOLT")

    done = await crossdock("msg", "reapply", str(position))
    again = await crossdock("msg", "reapply", str(position), "--json")

    assert (done.code, "applied" in done.out) == (0, True)
    assert await hub.refusals.count(hub.scope) == 0
    assert (again.code, again.json["error"]) == (1, "not_found")
    assert "crossdock msg refused" in again.json["hint"]


async def test_an_event_that_is_refused_again_says_why_and_how_to_give_it_up(
    crossdock: CommandLine, hub: Hub
) -> None:
    position = await nameless_item(hub)

    again = await crossdock("msg", "reapply", str(position))
    given_up = await crossdock("msg", "discard-event", str(position), "--reason", "a typing error")

    assert again.code == 1
    assert "without a code names nothing" in again.out
    assert "Traceback" not in again.out + again.err
    assert (given_up.code, "1 discarded" in given_up.out) == (0, True)
    assert await hub.refusals.count(hub.scope) == 0


async def test_parked_instances_are_listed_and_no_others(crossdock: CommandLine, hub: Hub) -> None:
    assert "no instance is parked" in (await crossdock("process", "list")).out
    await parked_instances(hub, "shop/web/a")

    said = await crossdock("process", "list", "--process", PROCESS)

    assert "shop/web/a" in said.out
    assert "KeyError('pack')" in said.out


async def test_all_instances_are_listed_if_asked(crossdock: CommandLine, hub: Hub) -> None:
    await parked_instances(hub, "shop/web/a")
    await hub.instances.resume(hub.scope, PROCESS)

    assert (await crossdock("process", "list", "--json")).json == []
    every = await crossdock("process", "list", "--all", "--json")

    assert [one["instance"] for one in every.json] == ["shop/web/a"]


async def test_an_instance_is_shown_with_why_it_is_parked(
    crossdock: CommandLine, hub: Hub
) -> None:
    await parked_instances(hub, "shop/web/a")

    said = await crossdock("process", "show", PROCESS, "shop/web/a")

    assert "reason  KeyError('pack')" in said.out
    assert "nothing decided yet" in said.out


async def test_one_instance_is_resumed_and_then_the_rest(crossdock: CommandLine, hub: Hub) -> None:
    await parked_instances(hub, "shop/web/a", "shop/web/b", "shop/web/c")

    one = await crossdock("process", "resume", PROCESS, "shop/web/a")
    rest = await crossdock("process", "resume", PROCESS, "--json")
    none = await crossdock("process", "resume", PROCESS)

    assert (one.code, one.out) == (0, "1 resumed\n")
    assert rest.json == {"count": 2, "first": ["shop/web/b", "shop/web/c"]}
    assert (none.code, none.out) == (1, "0 resumed\n")
    assert await hub.instances.count_parked(hub.scope) == 0


async def test_instances_and_cases_are_listed_a_page_at_a_time(
    crossdock: CommandLine, hub: Hub
) -> None:
    await parked_instances(hub, "shop/web/a", "shop/web/b")
    case = await open_case(hub)

    page = await crossdock("process", "list", "--after", f"{PROCESS}/shop/web/a", "--json")
    rest = await crossdock("case", "list", "--after", case, "--json")

    assert [one["instance"] for one in page.json] == ["shop/web/b"]
    assert rest.json == []
    assert (await crossdock("process", "list", "--after", "shop")).code == 2


async def test_a_process_that_is_none_is_answered_with_those_that_are(
    crossdock: CommandLine,
) -> None:
    said = await crossdock("process", "resume", "publishing")

    assert said.code == 1
    assert "no process is called 'publishing'" in said.err
    assert PROCESS in said.err


async def test_cases_are_listed_with_owner_and_deadline(crossdock: CommandLine, hub: Hub) -> None:
    assert "no case is open" in (await crossdock("case", "list")).out
    case = await open_case(hub)
    [kept] = await hub.cases.find(hub.scope)

    said = await crossdock("case", "list", "--owner", "eCommerce", "--code", "PUB-FAIL")

    for word in (case, "eCommerce", f"{kept.due_at:%m-%d %H:%M}", "the shop refuses"):
        assert word in said.out
    assert "no case is open" in (await crossdock("case", "list", "--owner", "Finance")).out


async def test_a_case_is_shown_with_its_evidence(crossdock: CommandLine, hub: Hub) -> None:
    case = await open_case(hub)

    said = await crossdock("case", "show", case)

    assert "owner    eCommerce" in said.out
    assert "evidence {}" in said.out


async def test_a_case_is_closed_with_a_reason_and_leaves_the_list(
    crossdock: CommandLine, hub: Hub
) -> None:
    case = await open_case(hub)

    silent = await crossdock("case", "close", case)
    closed = await crossdock("case", "close", case, "--reason", "listed the item")
    again = await crossdock("case", "close", case, "--reason", "listed the item")

    assert silent.code == 2
    assert (closed.code, closed.out) == (0, f"{case} closed\n")
    assert (again.code, "crossdock case list" in again.err) == (1, True)
    assert (await crossdock("case", "list", "--json")).json == []
    [kept] = (await crossdock("case", "list", "--all", "--json")).json
    assert (kept["state"], kept["resolution"]) == ("CLOSED", "listed the item")


async def test_a_case_long_open_keeps_its_deadline(crossdock: CommandLine, hub: Hub) -> None:
    await open_case(hub, age=timedelta(hours=3))

    [case] = (await crossdock("case", "list", "--json")).json

    assert case["due_at"] < f"{hub.clock.now():%Y-%m-%dT%H:%M:%S}"
