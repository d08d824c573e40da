"""Promises by date are watched tenant by tenant, and told what is so when it is told."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.errors import Unavailable
from crossdock.capabilities.supply import Atp, Question, Securing
from crossdock.foundation.database import Transaction
from crossdock.foundation.settings import Settings
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, promise
from tests.unit.capabilities.supply.test_promises_together import together
from tests.unit.capabilities.supply.test_told import promises_told, states
from tests.unit.capabilities.supply.yard import (
    Yard,
    committed,
    day,
    fact,
    line,
    moved,
    ordered,
    shelf,
)


class Oracle:
    """Answers as the hub does, unless it is told to fail, and does something behind an answer."""

    def __init__(self, yard: Yard) -> None:
        self._hub = yard.hub
        self.asked: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.behind: Callable[[], Awaitable[object]] | None = None

    async def __call__(
        self, tx: Transaction, questions: Sequence[Question], now: datetime
    ) -> Sequence[Atp]:
        self.asked.append(tx.tenant)
        if tx.tenant in self.fails:
            raise self.fails[tx.tenant]
        answers = await self._hub.supply.answers_in(tx, questions, now)
        if self.behind is not None:
            act, self.behind = self.behind, None
            await act()
        return answers


@pytest.fixture
def oracle(yard: Yard) -> Oracle:
    return Oracle(yard)


@pytest.fixture
def securing(yard: Yard, oracle: Oracle) -> Securing:
    hub = yard.hub
    around = (hub.inventory.holding, hub.inventory.standings, oracle)
    return Securing(hub.database, hub.clock, hub.ids, around)


async def yard_of(tenant: str, yard: Yard, folder: Path) -> Yard:
    """Open a yard of another tenant in the same database."""
    settings = Settings(tenant=tenant, data_dir=folder)
    outside = Outside(clock=yard.hub.clock, applications={})
    opened = Yard(Hub(settings, yard.hub.dsn, yard.hub.database, outside))
    await opened.hear(fact("X", ItemChanged(sku="X")), fact("DC1", LocationChanged(code="DC1")))
    return opened


async def losing(yard: Yard) -> None:
    """Promise 40 that lie there, and lose them."""
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await promise(yard, "r1", 40, "so1/1")
    await yard.hear(moved("lost", 40, shelf(), None))


async def risks(yard: Yard) -> int:
    return sum(one.state == "AT_RISK" for one in await promises_told(yard))


async def test_a_tenant_that_cannot_be_looked_at_keeps_no_other_from_it(
    yard: Yard, securing: Securing, oracle: Oracle, tmp_path: Path
) -> None:
    for one in (yard, await yard_of("aaa", yard, tmp_path), await yard_of("zzz", yard, tmp_path)):
        await losing(one)
    oracle.fails = {"aaa": ValueError("no such answer")}

    for _ in range(2):
        with pytest.raises(ValueError, match="no such answer"):
            await securing.watch()

    assert await risks(yard) == 2
    oracle.fails = {}
    assert await securing.watch() == 1


async def test_a_look_begins_behind_the_tenant_that_was_looked_at_last(
    yard: Yard, securing: Securing, oracle: Oracle, tmp_path: Path
) -> None:
    """Each look is cut off by an outage at the first tenant of it."""
    for one in (yard, await yard_of("aaa", yard, tmp_path)):
        await losing(one)
    down = Unavailable("the database is gone", code="gone")
    oracle.fails = {"aaa": down, "main": down}
    for _ in range(3):
        with pytest.raises(Unavailable):
            await securing.watch()

    assert oracle.asked == ["aaa", "main", "aaa"]


async def test_a_risk_that_is_over_when_it_would_be_told_is_not_told(
    yard: Yard, securing: Securing, oracle: Oracle
) -> None:
    await losing(yard)
    oracle.behind = lambda: yard.hear(moved("found", 40, None, shelf()))

    assert await securing.watch() == 0

    assert [state for state, *_ in await states(yard)] == ["MADE"]


async def test_a_promise_is_secured_when_what_it_waits_for_is_wanted_no_more(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 10, item="A", eta=day(1)))
    await together(yard, "r1", ("X", "DC1", 40, "so1/1"), ("A", "DC1", 10, "so2/1"))
    for version, pieces in ((1, 10), (2, 0)):
        wanted = replace(line("so2/1", pieces), item="A")
        await yard.hear(ordered("so2", wanted, version=version))

    assert [state for state, *_ in await states(yard)] == ["MADE", "SECURED"]


async def test_a_promise_that_is_covered_again_is_secured_again_once(yard: Yard) -> None:
    await losing(yard)
    await yard.hub.securing.watch()
    await yard.hear(moved("found", 40, None, shelf()))
    for _ in range(2):
        await yard.hub.securing.watch()

    assert await states(yard) == [
        ("MADE", 1, "shop"),
        ("AT_RISK", 2, "crossdock"),
        ("COVERED", 3, "crossdock"),
        ("SECURED", 4, "crossdock"),
    ]
