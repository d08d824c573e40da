"""Who follows the log sees rules change: once each, with who put them and what holds from now."""

import json
from typing import Any

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine


async def tailed(crossdock: CommandLine, events: str) -> list[dict[str, Any]]:
    said = await crossdock("tail", "--once", "--json", "--events", events)
    assert said.code == 0, said
    return [json.loads(line) for line in said.out.splitlines()]


async def test_sourcing_rules_are_told_once_however_often_they_are_put(
    crossdock: CommandLine,
) -> None:
    for _ in range(2):
        await crossdock("source", "put-rules", "channel:web", "--prefer", "COST")
    await crossdock("source", "put-rules", "channel:web", "--prefer", "DISTANCE")

    first, second = await tailed(crossdock, "sourcing.rules_changed.*")
    assert first["identity"] == "sourcing_rules:channel:WEB:1"
    assert first["data"]["changed_by"] == "command-line"
    assert [one["data"]["preferences"] for one in (first, second)] == [["COST"], ["DISTANCE"]]
    assert second["data"]["version"] == 2


async def test_what_may_stand_in_is_told_once_however_often_it_is_put(
    crossdock: CommandLine, hub: Hub
) -> None:
    for item in ("BOLT", "BOLT-2"):
        await hub.put_stock(item, "DC1", 1)
    (crossdock.folder / "rule.json").write_text('{"alternatives": [{"item": "BOLT-2"}]}')
    for _ in range(2):
        put = await crossdock("stock", "put-substitutes", "BOLT", "--file", "rule.json", "--json")
        assert (put.code, put.json["version"]) == (0, 1), put

    [told] = await tailed(crossdock, "supply.substitution_changed.*")
    assert told["identity"] == "substitution:BOLT:1"
    assert (told["data"]["changed_by"], told["data"]["alternatives"]) == (
        "command-line", ["BOLT-2"],
    )  # fmt: skip


async def test_allocation_rules_are_told_once_however_often_they_are_said(
    crossdock: CommandLine,
) -> None:
    for _ in range(2):
        rule = ("--channel", "key", "--strategy", "WIN", "--by", "ada")
        await crossdock("allocation", "rules", *rule)

    [told] = await tailed(crossdock, "allocation.rule_changed.*")
    assert told["data"]["changed_by"] == "ada"
    assert (told["data"]["subject"], told["data"]["strategy"]) == ("key", "WIN")


async def test_rules_by_date_are_told_once_however_often_they_are_said(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)
    for _ in range(2):
        put = await crossdock("stock", "atp-rule", "BOLT", "DC1", "--lead-time", "5", "--json")
        assert put.code == 0, put
    assert (await crossdock("stock", "drop-atp-rule", "BOLT", "DC1")).code == 0

    said, gone = await tailed(crossdock, "supply.atp_rule_changed.*")
    assert said["identity"] == "atp_rule:BOLT:DC1:1"
    assert (said["data"]["changed_by"], said["data"]["lead_time_days"]) == ("command-line", 5)
    assert (gone["data"]["version"], gone["data"]["is_cleared"]) == (2, True)


async def test_a_promise_by_date_is_told_when_it_is_made_and_when_it_is_released(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 9)
    made = await crossdock("stock", "promise", "BOLT", "DC1", "4", "--request", "r1", "--json")
    assert made.code == 0, made
    for _ in range(2):
        await crossdock("stock", "release-promise", made.json["promise_id"])

    told = await tailed(crossdock, "supply.promise_changed.*")
    assert [(one["data"]["state"], one["data"]["version"]) for one in told] == [
        ("MADE", 1), ("RELEASED", 2),
    ]  # fmt: skip
    assert {one["data"]["changed_by"] for one in told} == {"script"}


async def test_nodes_of_sourcing_are_told_once_with_their_version_through_a_withdrawal(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)
    for _ in range(2):
        await crossdock("source", "put-node", "DC1", "--load", "30")
    await crossdock("source", "withdraw-node", "dc1")
    await crossdock("source", "put-node", "DC1", "--load", "40")

    told = await tailed(crossdock, "sourcing.node_changed.*")
    assert [one["identity"] for one in told] == [f"sourcing_node:DC1:{n}" for n in (1, 2, 3)]
    first, gone, last = (one["data"] for one in told)
    assert (first["load_percent"], first["changed_by"]) == (30, "command-line")
    assert (gone["is_withdrawn"], last["is_withdrawn"], last["load_percent"]) == (True, False, 40)
    listed = await crossdock("source", "nodes", "--json")
    assert [one["version"] for one in listed.json["nodes"]] == [3]


async def test_rules_and_policy_of_reconciliation_are_told_once_however_often_they_are_said(
    crossdock: CommandLine,
) -> None:
    for _ in range(2):
        put = await crossdock("reconcile", "put-rules", "--value", "300", "--heal", "REDRIVE")
        assert put.code == 0, put
        said = await crossdock("reconcile", "policy", "--four-eyes")
        assert said.code == 0, said

    [rules] = await tailed(crossdock, "reconciliation.rules_changed.*")
    [policy] = await tailed(crossdock, "reconciliation.policy_changed.*")
    assert rules["identity"] == "reconciliation_rules:1"
    assert (rules["data"]["tolerance_value"], rules["data"]["heals"]) == ("300", ["REDRIVE"])
    assert [rules["data"][f"tolerance_percent_{of}"] for of in "abc"] == ["0.5", "1", "5"]
    assert (policy["data"]["version"], policy["data"]["four_eyes"]) == (1, True)
