"""A process killed while it answers or sends by AS2: the same receipt, one effect."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.messages import MessageState
from crossdock.connectivity.as2.posting import LEASE
from tests.interfaces.api.as2_sides import ACME, MAIN, Sides, bring
from tests.interfaces.api.test_as2_refused import RECEIVED

ROOT = Path(__file__).parents[3]


async def killed(dsn: str, what: str, tenant: str, named: str) -> None:
    """Run a hub process until it has killed itself."""
    words = ("-m", "tests.simulation.as2_process", dsn, what, tenant, named)
    process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT)
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("what", "kept"), [("before it is kept", 0), ("before it is answered", 1)]
)
async def test_killed_before_the_answer_the_same_message_again_has_one_effect(
    sides: Sides, dsn: str, tmp_path: Path, what: str, kept: int
) -> None:
    await sides.agree()
    sent = await sides.intend()
    file = tmp_path / "message.as2"
    file.write_bytes(await sides.raw_of(sent.message))

    await killed(dsn, what, "acme", str(file))

    before = await sides.taken()
    assert len(before) == kept
    receipts = {(await bring(sides.acmes, file.read_bytes())).body for _ in range(2)}
    [taken] = await sides.taken()
    stored = (await sides.as2.messages.show(ACME, taken.message)).receipt
    assert receipts == {mime.read(stored or b"").body}
    assert [one.message for one in before] in ([], [taken.message])
    assert len(await sides.events(ACME, RECEIVED)) == 1


@pytest.mark.parametrize(
    ("what", "arrived"),
    [("before the call", 0), ("before it is settled", 1), ("behind it", 1)],
)
async def test_killed_while_it_sends_the_same_message_goes_again_and_is_proven_once(
    sides: Sides, dsn: str, what: str, arrived: int
) -> None:
    await sides.agree()
    sent = await sides.intend()

    await killed(dsn, what, "main", sent.message)

    assert len(await sides.taken()) == arrived
    await sides.clock.advance(LEASE)
    await sides.as2.posting.post_due()
    found = (await sides.as2.messages.show(MAIN, sent.message)).kept
    assert (found.state, found.message_id) == (MessageState.PROVEN, sent.message_id)
    assert [one.state for one in await sides.taken()] == [MessageState.TAKEN]
    assert len(await sides.events(ACME, RECEIVED)) == 1
