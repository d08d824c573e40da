"""Partners and their interchanges at the command line; a process that is killed half-way."""

import asyncio
import os
import signal
import sys

from crossdock.assembly import Hub
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import Identity, IdentityKind, OnboardingState
from crossdock.connectivity.interchanges import Wanted
from crossdock.connectivity.interchanges.store import IN_TURNS
from crossdock.foundation.clock import VirtualClock
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.processes.exchanged import THEIRS, Traders, order, x12

WAITS = """
select count(*) from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())
"""
ORPHANS = """
select count(*) from edi_interchange_part p where tenant = $1 and not exists (
    select from edi_interchange i where i.tenant = $1 and i.interchange = p.interchange)
"""
OTHER = ("12", "5551234")


async def connected(hub: Hub) -> Traders:
    """Give a house with a buyer who may send tests, from two addresses."""
    traders = Traders(hub.database, VirtualClock(hub.clock.now()), hub.scope)
    await traders.own()
    one = await traders.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
    other = Identity(IdentityKind.ISA, OTHER[1], OTHER[0])
    await hub.gateway.partners.identify(hub.scope, one.partner, other, by="Eve")
    await traders.agree(one)
    await traders.advance(one, OnboardingState.CONNECTED)
    return traders


def trial(number: str, control: int, sender: tuple[str, str] = THEIRS) -> bytes:
    return x12(control, order(number), sender=sender, usage="T")


async def test_a_file_whose_reader_is_killed_half_way_is_taken_in_once(
    crossdock: CommandLine, hub: Hub
) -> None:
    await connected(hub)
    file = trial("a", 1) + trial("b", 2, OTHER) + trial("c", 3)
    (crossdock.folder / "all.edi").write_bytes(file)
    async with hub.database.transaction(hub.scope) as tx:
        # It has taken the first one in, and waits for its turn with the second.
        await tx.execute(IN_TURNS, tx.tenant, "12:5551234/ZZ:SELLER")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock", "edi", "receive", "all.edi"),
            cwd=crossdock.folder,
            env={**os.environ, **crossdock.environment},  # noqa: TID251  # a child needs a PATH
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            while not await tx.fetchval(WAITS):
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    exchanged = hub.gateway.exchanged
    [first] = await exchanged.find(hub.scope, Wanted(direction="IN"))
    assert first.control == "000000001"

    again = await crossdock("edi", "receive", "all.edi")

    assert again.code == 0, again
    assert [line.split()[0] for line in again.out.splitlines()] == ["REPEATED", "TAKEN", "TAKEN"]
    assert len(await exchanged.find(hub.scope, Wanted(direction="IN"))) == 3
    assert len(await exchanged.find(hub.scope, Wanted(direction="OUT"))) == 3
    async with hub.database.transaction(hub.scope) as tx:
        assert await tx.fetchval(ORPHANS, tx.tenant) == 0


async def test_a_file_that_is_none_keeps_no_other_from_being_taken_in(
    crossdock: CommandLine, hub: Hub
) -> None:
    await connected(hub)
    (crossdock.folder / "good.edi").write_bytes(trial("a", 1))
    (crossdock.folder / "bad.edi").write_text("hello")

    said = await crossdock("edi", "receive", "bad.edi", "none.edi", "good.edi")

    assert said.code == 1
    assert said.out.startswith("TAKEN ")
    assert "bad.edi: the file holds no interchange" in said.err
    assert "none.edi cannot be read" in said.err
    as_json = (await crossdock("edi", "receive", "bad.edi", "good.edi", "--json")).json
    assert [one["state"] for one in as_json["interchanges"]] == ["REPEATED"]
    assert [(one["file"], one["error"]) for one in as_json["refused"]] == [
        ("bad.edi", "no_interchange")
    ]


async def test_what_came_is_listed_shown_and_written_out_again(
    crossdock: CommandLine, hub: Hub
) -> None:
    await connected(hub)
    body = trial("a", 1) + trial("b", 3)
    (crossdock.folder / "f.edi").write_bytes(body)
    await crossdock("edi", "receive", "f.edi", "--by", "Ann")
    [second, first] = await hub.gateway.exchanged.find(hub.scope, Wanted(direction="IN"))

    listed = await crossdock("edi", "interchanges", "--partner", "buyer", "--control", "3")
    shown = await crossdock("edi", "interchange", second.interchange)
    raw = await crossdock("edi", "interchange", first.interchange, "--raw")

    assert second.interchange in listed.out
    assert first.interchange not in listed.out
    assert "by Ann" in shown.out
    assert "850" in shown.out
    assert raw.out.encode() == trial("a", 1)
    assert "2" in (await crossdock("edi", "gaps")).out.split()
    assert "nothing is set aside" in (await crossdock("edi", "replay")).out


async def test_a_partner_is_entered_listed_and_shown(crossdock: CommandLine, hub: Hub) -> None:
    contact = ("--contact", "Ann, EDI, ann@example.com", "--contact", "Bob")
    put = await crossdock("partner", "put", "Metro", "--role", "CUSTOMER", *contact)
    await crossdock("partner", "identity", "metro", "GLN", "4012345000009")
    agreed = ("EDIFACT", "ORDRSP", "OUT", "--ack", "CONTRL", "--within", "30", "--guide", "2.1")
    await crossdock("partner", "agree", "METRO", *agreed)

    listed, shown = await crossdock("partner", "list"), await crossdock("partner", "show", "Metro")

    assert put.out.startswith("Metro prt_")
    assert "GLN 4012345000009" in listed.out
    lines = [line.strip() for line in shown.out.splitlines()]
    assert "contact  Ann, EDI, ann@example.com" in lines
    assert "agreed   EDIFACT ORDRSP to them, guide 2.1, CONTRL within 30 minutes" in lines
    assert "missing  before CONNECTED: nobody owns the partner" in lines
    late = await crossdock("partner", "advance", "Metro", "CONNECTED")
    assert (late.code, "nobody owns the partner" in late.err) == (1, True)
    wrong = await crossdock("partner", "put", "Metro", "--contact", ",x")
    assert (wrong.code, "is no contact" in wrong.err) == (2, True)
    partner = (await hub.gateway.partners.show(hub.scope, "Metro")).partner
    assert [one.name for one in partner.contacts] == ["Ann", "Bob"]
