"""Commands that were refused, or whose outcome nobody knows, are mended from the command line."""

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import dead_letters, parked_letter


async def state(hub: Hub, command: str) -> str:
    return (await hub.outbox.show(hub.scope, command)).command.state


async def test_dead_letters_are_listed_by_connection_and_code(
    crossdock: CommandLine, hub: Hub
) -> None:
    assert "no dead letters" in (await crossdock("dlq", "list")).out
    await dead_letters(hub, "a")

    said = await crossdock("dlq", "list", "--connection", "refusing", "--code", "no_item")

    assert "DEAD" in said.out
    assert "no dead letters" in (await crossdock("dlq", "list", "--code", "other")).out


async def test_letters_are_paged_though_the_last_one_shown_was_discarded(
    crossdock: CommandLine, hub: Hub
) -> None:
    await dead_letters(hub, "a", "b", "c")

    first = (await crossdock("dlq", "list", "--limit", "2", "--json")).json
    last = first[-1]["command_id"]
    await crossdock("dlq", "discard", last, "--reason", "listed it")
    rest = (await crossdock("dlq", "list", "--after", last, "--json")).json

    assert [one["command_id"] for one in first + rest] == ["a", "b", "c"]
    assert (await crossdock("dlq", "list", "--after", "nobody")).code == 1


async def test_a_letter_is_shown_with_every_attempt(crossdock: CommandLine, hub: Hub) -> None:
    await dead_letters(hub, "a")

    said = await crossdock("dlq", "show", "a")

    assert "a set_availability on refusing: DEAD" in said.out
    assert "REFUSED" in said.out
    assert (await crossdock("dlq", "show", "nobody")).code == 1


async def test_a_letter_is_edited_after_a_dry_run(crossdock: CommandLine, hub: Hub) -> None:
    await dead_letters(hub, "a")
    edit = ("dlq", "edit", "a", "--change", '{"quantity": "3"}', "--reason", "typing error")

    trial = await crossdock(*edit, "--dry-run")
    assert (trial.code, await state(hub, "a")) == (0, "DEAD")
    done = await crossdock(*edit)

    letter = await hub.outbox.show(hub.scope, "a")
    assert (done.out, letter.command.state) == ("a SENT\n", "PENDING")
    assert '"quantity":"3"' in letter.command.arguments.replace(" ", "")
    assert [(one.actor, one.reason) for one in letter.revisions] == [
        ("command-line", "typing error")
    ]


async def test_a_change_that_is_no_object_is_refused(crossdock: CommandLine) -> None:
    said = await crossdock("dlq", "edit", "a", "--change", "[3]", "--reason", "why", "--json")

    assert (said.code, said.json["where"]) == (2, "--change")


async def test_letters_are_replayed_by_code_after_a_dry_run(
    crossdock: CommandLine, hub: Hub
) -> None:
    await dead_letters(hub, "a", "b")
    replay = ("dlq", "replay", "--code", "no_item", "--reason", "listed now")

    trial = await crossdock(*replay, "--dry-run", "--json")
    assert (trial.json["dry_run"], await state(hub, "a")) == (True, "DEAD")
    done = await crossdock(*replay)
    again = await crossdock(*replay)

    assert [one["result"] for one in trial.json["results"]] == ["SENT", "SENT"]
    assert (done.code, await state(hub, "a"), await state(hub, "b")) == (0, "PENDING", "PENDING")
    assert (again.code, "nothing matches" in again.out) == (1, True)


async def test_a_letter_is_replayed_by_its_id_alone(crossdock: CommandLine, hub: Hub) -> None:
    await dead_letters(hub, "a", "b")

    assert (await crossdock("dlq", "replay", "b", "--reason", "listed now")).code == 0

    assert (await state(hub, "a"), await state(hub, "b")) == ("DEAD", "PENDING")


async def test_a_replay_needs_a_reason_and_a_word_on_what_is_meant(
    crossdock: CommandLine, hub: Hub
) -> None:
    await dead_letters(hub, "a")

    silent = await crossdock("dlq", "replay", "--all")
    vague = await crossdock("dlq", "replay", "--reason", "listed now", "--json")

    assert (silent.code, vague.code, vague.json["message"]) == (2, 2, "say which commands")
    assert await state(hub, "a") == "DEAD"


async def test_what_is_in_doubt_is_sent_again_only_by_its_id(
    crossdock: CommandLine, hub: Hub
) -> None:
    await parked_letter(hub, "a")

    swept = await crossdock("dlq", "replay", "--all", "--reason", "listed now")
    assert (swept.code, await state(hub, "a")) == (1, "PARKED")
    named = await crossdock("dlq", "replay", "a", "--reason", "it knows keys")

    assert (named.code, await state(hub, "a")) == (0, "PENDING")


async def test_letters_are_given_up_with_a_reason(crossdock: CommandLine, hub: Hub) -> None:
    await dead_letters(hub, "a", "b")

    silent = await crossdock("dlq", "discard", "a", "b")
    said = await crossdock("dlq", "discard", "a", "b", "--reason", "not for this shop")

    assert silent.code == 2
    assert said.out == "2 discarded\n"
    assert "not for this shop" in (await hub.outbox.show(hub.scope, "a")).command.detail


async def test_the_question_of_a_parked_letter_is_answered(
    crossdock: CommandLine, hub: Hub
) -> None:
    await parked_letter(hub, "a")
    assert await state(hub, "a") == "PARKED"

    said = await crossdock("dlq", "resolve", "a", "--happened", "--reason", "found in the ERP")
    again = await crossdock("dlq", "resolve", "a", "--happened", "--reason", "found in the ERP")

    assert (said.out, await state(hub, "a")) == ("a resolved\n", "DONE")
    assert again.code == 1


async def test_what_did_not_happen_is_sent(crossdock: CommandLine, hub: Hub) -> None:
    await parked_letter(hub, "a")

    said = await crossdock("dlq", "resolve", "a", "--did-not-happen", "--reason", "not there")

    assert (said.code, await state(hub, "a")) == (0, "PENDING")
