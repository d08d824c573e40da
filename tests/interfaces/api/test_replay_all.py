"""All that match are tried again over HTTP, a page at a time: an answer says if there is more."""

from typing import Any

from crossdock.connectivity import quarantine
from crossdock.connectivity.quarantine import Refusal
from crossdock.connectivity.stored_facts import fact_json
from tests.interfaces.api.conftest import Caller, House, main_scope
from tests.unit.connectivity.standins import command, moved

MANY = 2_500
DIE = "update outbox_command set state = 'DEAD', settled_at = now()"


async def pages(call: Caller, path: str, name: str, said: dict[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = []
    more, place = True, dict[str, Any]()
    while more:
        answer = await call("POST", path, said | place)
        assert answer.status == 200, answer
        found.append([one[name] for one in answer.json["results"]])
        more, place = answer.json["more"], {"after": found[-1][-1]}
    return found


async def test_dead_letters_are_sent_again_in_pages(call: Caller, house: House) -> None:
    async with house.database.transaction(main_scope()) as tx:
        letters = [command(f"l{n:04d}", item=f"sku-{n}", connection="shop") for n in range(MANY)]
        await house.outbox.enqueue(tx, letters)
        await tx.execute(DIE)
    again = ("/v1/dead-letters/replay", "command_id")

    said = {"all": True, "reason": "listed now"}

    trial = await pages(call, *again, said | {"dry_run": True})
    done = await pages(call, *again, said)
    nothing = await call("POST", again[0], said)

    assert [len(page) for page in trial] == [1_000, 1_000, 500]
    assert trial == done
    assert nothing.json == {"more": False, "results": []}


async def test_nothing_is_replayed_where_nobody_said_which(call: Caller, house: House) -> None:
    async with house.database.transaction(main_scope()) as tx:
        await house.outbox.enqueue(tx, [command("l1", connection="shop")])
        await tx.execute(DIE)

    answer = await call("POST", "/v1/dead-letters/replay", {"reason": "listed now"})

    assert (answer.status, "say which commands" in answer.json["detail"]) == (422, True)
    assert len(await house.outbox.find(main_scope())) == 1


async def test_entries_in_quarantine_are_tried_again_in_pages(call: Caller, house: House) -> None:
    facts = [moved(str(number), item="GHOST") for number in range(MANY)]
    aside = [
        Refusal(
            code="EVT-ORPHAN", reason="never came", fact=fact_json(fact), identity=fact.identity
        )
        for fact in facts
    ]
    async with house.database.transaction(main_scope()) as tx:
        await quarantine.add(tx, "main", "wms", aside, house.clock.now())
    again = ("/v1/quarantine/replay", "id")

    trial = await pages(call, *again, {"dry_run": True})
    done = await pages(call, *again, {})
    nothing = await call("POST", again[0], {})

    assert [len(page) for page in trial] == [1_000, 1_000, 500]
    assert trial == done
    assert nothing.json == {"more": False, "results": []}
