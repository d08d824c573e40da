"""A real Tryton is asked for single products: what it takes on the wire is what is declared."""

import pytest

from crossdock.applications.tryton import APPLICATION
from crossdock.canonical.inventory import StockSnapshotTaken
from tests.peers.tryton.conftest import Connect
from tests.peers.tryton.proxy import Fate, proxy
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer


async def test_an_answer_takes_no_more_requests_than_are_declared(
    tryton: TrytonServer, connect: Connect, clerk: Trading, code: str
) -> None:
    assert APPLICATION.stock_question is not None
    products = await clerk.products(*(f"{code}-{number}" for number in range(3)))
    await clerk.stock(*((product, "5") for product in products))
    node = str(await clerk.one("stock.location", "code", "=", "WH"))
    sent: list[bytes] = []

    async def counted(body: bytes) -> Fate:
        sent.append(body)
        return Fate.PASS

    async with proxy(tryton.port, counted) as url, connect(base_url=url) as opened:
        answer = await opened.stock_of(node, [str(product) for product in products])

    [fact] = answer.translation.facts
    assert isinstance(fact.payload, StockSnapshotTaken)
    assert {line.item for line in fact.payload.lines} == {str(product) for product in products}
    assert 0 < len(sent) <= APPLICATION.stock_question.requests
