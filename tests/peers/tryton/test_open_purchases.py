"""A real Tryton is asked for all purchases that are open; one that was deleted is missed."""

import pytest

from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.capabilities.reconciliation import Kind, OpenAsked, Wanted
from crossdock.connectivity.sdk import OpenKind, OpenLine
from tests.peers.tryton.conftest import Connect, Read, round_of
from tests.peers.tryton.reading import ERP, Reading
from tests.peers.tryton.test_purchases import bought
from tests.peers.tryton.trading import Trading
from tests.processes.end_to_end.town import eventually

pytestmark = pytest.mark.peer


async def listed(connection: TrytonConnection) -> list[OpenLine]:
    """Read all pages, to the last."""
    lines: list[OpenLine] = []
    after = ""
    while True:
        page = await connection.open_lines(OpenKind.PURCHASES, after)
        assert page.unread == ()
        lines += page.lines
        if not page.after:
            return lines
        after = page.after


async def test_what_is_listed_is_what_was_told(
    connect: Connect, clerk: Trading, code: str
) -> None:
    """A page of two purchases at a time; what is done or cancelled is not among them."""
    await bought(clerk, f"{code}-A", "1")
    await bought(clerk, f"{code}-B", "2", "quote")
    await bought(clerk, f"{code}-C", "3", "quote", "confirm", "process")
    _, partly = await bought(clerk, f"{code}-D", "4", "quote", "confirm", "process")
    await clerk.receive(partly, "1")
    product, _ = await bought(clerk, f"{code}-E", "5", "quote", "cancel")

    async with connect(page_rows=2) as connection:
        facts, _ = await round_of(connection)
        lines = await listed(connection)

    told = {
        fact.payload.supply_id: (fact.payload.item, fact.payload.open_quantity)
        for fact in facts
        if isinstance(fact.payload, SupplyCommitmentChanged)
    }
    is_open = {name: said for name, said in told.items() if said[1].value}
    found = {f"{line.document}/{line.line}": (line.item, line.quantity) for line in lines}
    assert {name: said for name, said in found.items() if said[1].value} == is_open
    assert str(product) not in {line.item for line in lines}


async def names_heard(erp: Reading) -> set[str]:
    """Poll once more, and name the purchases of which the hub knows what is to come."""
    await erp.round()
    await erp.hub.settle()
    known = await erp.hub.supply.known.commitments(erp.hub.scope)
    return {one.supply_id.partition("/")[0].rpartition(":")[2] for one in known}


async def test_a_purchase_that_is_deleted_is_told_by_nothing_and_missed(
    read: Read, clerk: Trading, code: str
) -> None:
    async with read() as erp:
        hub = erp.hub
        every = [(await bought(clerk, f"{code}-{no}", "4", "quote"))[1] for no in range(4)]
        names = {str(one) for one in every}  # for one of few that is gone no list is believed
        await eventually(lambda: names_heard(erp), lambda heard: names <= heard)
        purchase = every[-1]
        asked = OpenAsked(kind=Kind.PURCHASES, against=ERP, by="test")
        before = await hub.open_lines.compare(hub.scope, asked)
        assert (before.verdict, before.suspected) == ("DONE", 0)

        await clerk.do("purchase.purchase", "draft", [purchase])
        await clerk.do("purchase.purchase", "cancel", [purchase])
        await clerk.do("purchase.purchase", "delete", [purchase])
        await erp.round()
        await hub.settle()

        after = await hub.open_lines.compare(hub.scope, asked)
        assert (after.compared, after.suspected) == (before.compared, 1)
        wanted = Wanted(kind=Kind.PURCHASES)
        [found] = await hub.reconciliation.findings(hub.scope, wanted)
        assert found.document.endswith(f":purchase:{purchase}")
