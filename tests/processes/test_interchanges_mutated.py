"""Whatever a file of a partner has become on its way, it is kept or refused, and never half.

`CROSSDOCK_MUTATED` says how many files to try (a tenth of it, 200 by default).
"""

import os
from collections import Counter

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.partners import Identity, IdentityKind
from crossdock.connectivity.interchanges import Handed, Outcome
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.processes.exchanged import Traders
from tests.unit.connectivity.edi.mutating import mutated

CASES = int(os.environ.get("CROSSDOCK_MUTATED", "2000")) // 10  # noqa: TID251  # how much to test
STRIDE = 7
ORPHANS = """
select count(*) from edi_interchange_part p where tenant = $1 and not exists (
    select from edi_interchange i where i.tenant = $1 and i.interchange = p.interchange)
"""
SIZES = """
select count(*) from edi_interchange i where tenant = $1 and size <> (
    select sum(length(body)) from edi_interchange_part p
    where p.tenant = $1 and p.interchange = i.interchange)
"""


@pytest.fixture
async def traders(database: Database, clock: VirtualClock) -> Traders:
    """Give a house whose partner is live by X12 and by EDIFACT."""
    made = Traders(database, clock, Scope("main"))
    await made.live()
    for whose, value in (("Buyer", "BUYER"), ("Own House", "SELLER")):
        identity = Identity(IdentityKind.UNB, value, "14")
        await made.gateway.partners.identify(made.scope, whose, identity, by="Eve")
    return made


async def taken(traders: Traders, body: bytes, size: int) -> list[Outcome]:
    handed = Handed(name="f", by="test")
    chunks = (body[at : at + size] for at in range(0, len(body), size))
    try:
        told = await traders.gateway.interchanges.receive(traders.scope, chunks, handed)
    except Invalid as error:
        if error.code != "no_interchange":
            raise
        return []
    return told.interchanges


async def test_a_spoilt_file_is_kept_whole_or_refused_and_its_repeat_has_no_effect(
    traders: Traders,
) -> None:
    states = Counter[str]()
    for number in range(0, CASES * STRIDE, STRIDE):
        body, size = mutated(number)

        first = await taken(traders, body, max(size, 16))
        again = await taken(traders, body, 1 << 16)

        states.update(one.state for one in first)
        assert {one.state for one in again} <= {"REPEATED"}, number
        assert [one.interchange for one in again] == [one.interchange for one in first], number
        assert [one.answer for one in again] == [one.answer for one in first], number
    async with traders.database.transaction(traders.scope) as tx:
        assert await tx.fetchval(ORPHANS, tx.tenant) == 0
        assert await tx.fetchval(SIZES, tx.tenant) == 0
    assert states.keys() >= {"TAKEN", "REFUSED", "QUARANTINED"}, states
