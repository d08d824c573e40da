"""Open lines of several sources: none clears another's findings, nor is confirmed too early."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyKind
from crossdock.capabilities.reconciliation import Kind
from tests.processes.test_open_lines import HEADER, HOUR, House, house_at

FULL = ("E-1,L1,BOLT,DC1,10", "SO-HEARD,L1,BOLT,DC1,1", "W-HEARD,L1,BOLT,DC1,1")


@pytest.fixture
async def house(dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_at(dsn, tmp_path) as (opened, _):
        yield opened


async def both_heard(house: House) -> None:
    """Let an hour pass; the ERP and the shop are heard with orders that are no matter here."""
    await house.later()
    await house.order("W-HEARD", "shop", L1=1)


async def found(house: House, *states: str) -> list[tuple[str, str, int]]:
    rows = await house.findings(*states)
    return sorted((one.document, one.state, one.times) for one in rows)


async def test_a_run_for_one_source_says_nothing_of_another_sources_findings(
    house: House,
) -> None:
    """The ERP lacks W-1 of the shop; it is compared with all words, and with its own, by turns."""
    await house.order("E-1", "erp", L1=10)
    await house.order("W-1", "shop", L1=3)
    await both_heard(house)
    assert (await house.said(*FULL, full=True)).suspected == 1
    await both_heard(house)

    own = await house.said(FULL[0], FULL[1], full=True, heard_from="erp")

    assert (own.gone, await found(house)) == (0, [("W-1", "SUSPECTED", 1)])
    await both_heard(house)
    assert (await house.said(*FULL, full=True)).confirmed == 1
    await both_heard(house)
    assert (await house.said(*FULL[:2], full=True, heard_from="erp")).gone == 0
    await both_heard(house)
    everything = await house.said(*FULL, "W-1,L1,BOLT,DC1,3", full=True)
    assert everything.gone == 1


async def test_a_run_for_a_source_clears_its_own_findings(house: House) -> None:
    await house.order("E-1", "erp", L1=10)
    await house.order("E-2", "erp", L1=3)
    await both_heard(house)
    rows = FULL[:2]
    assert (await house.said(*rows, full=True)).suspected == 2  # W-HEARD is not there, either
    await both_heard(house)

    gone = await house.said(*rows, "E-2,L1,BOLT,DC1,3", full=True, heard_from="erp")
    assert (gone.gone, await found(house, "SUSPECTED")) == (1, [("W-HEARD", "SUSPECTED", 1)])
    await both_heard(house)
    assert (await house.said("X-1,L1,BOLT,DC1,7")).suspected == 1  # nobody told it to the hub
    await both_heard(house)
    await house.order("X-1", "shop", L1=7)
    await both_heard(house)
    assert (await house.said("X-1,L1,BOLT,DC1,7", heard_from="shop")).gone == 1


async def test_an_order_that_nobody_told_waits_for_whoever_may_still_tell_it(
    house: House,
) -> None:
    """The shop is down while the ERP is alive, and the ERP's dump has the shop's new order."""
    await house.order("W-1", "shop", L1=3)
    runs: list[tuple[int, int]] = []
    for is_shop_heard in (False, False, True, True):
        await house.later()
        if is_shop_heard:
            await house.order("W-HEARD", "shop", L1=1)
        run = await house.said("W-9,L1,BOLT,DC1,5")
        runs.append((run.suspected, run.confirmed))

    assert runs == [(1, 0), (1, 0), (0, 1), (0, 1)]


async def test_nobody_waits_for_a_source_that_has_told_nothing_for_a_week(house: House) -> None:
    await house.order("W-1", "shop", L1=3)
    await house.later(timedelta(days=8))
    await house.said("W-9,L1,BOLT,DC1,5")
    await house.later()

    assert (await house.said("W-9,L1,BOLT,DC1,5")).confirmed == 1


async def test_who_tells_purchases_is_heard_when_his_word_is_received(house: House) -> None:
    """The shop tells of purchases alone, each a day after it was changed there."""
    number = 0

    async def told(supply_id: str) -> None:
        nonlocal number
        number += 1
        at = house.now - timedelta(days=1)
        payload = SupplyCommitmentChanged(
            supply_id=supply_id,
            kind=SupplyKind.PO_SCHEDULE,
            item="BOLT",
            location="DC1",
            open_quantity=Quantity.of(number),
        )
        fact = Fact(identity=f"late:{number}", payload=payload, occurred_at=at, recorded_at=at)
        await house.hear(fact, "shop")

    await told("po:1/1")
    runs: list[tuple[int, int]] = []
    for _ in range(3):
        await house.at.clock.advance(HOUR)
        cut = house.now
        await house.at.clock.advance(timedelta(minutes=5))
        await told("po:2/1")
        run = await house.said("po:1,1,BOLT,DC1,9", kind=Kind.PURCHASES, at=cut)
        runs.append((run.suspected, run.confirmed))

    assert runs == [(1, 0), (0, 1), (0, 1)]


async def test_a_notice_that_is_named_under_its_order_is_no_line_of_it(house: House) -> None:
    await house.purchase("po:1/1", 10)
    notice = SupplyKind.ASN_LINE
    await house.purchase("po:1/1/asn", 10, kind=notice, parent="po:1/1")
    await house.later()

    run = await house.said("po:1,1,BOLT,DC1,10", kind=Kind.PURCHASES, full=True)

    assert (run.compared, run.alike, run.suspected) == (1, 1, 0)


async def test_what_is_lacking_since_the_year_dot_is_not_read_again_by_hand(house: House) -> None:
    header = f"{HEADER},changed_at"
    rows = [
        f"SO-{n},L1,BOLT,DC1,5,{(house.now - timedelta(days=days)).isoformat()}"
        for n, days in ((1, 3), (2, 40), (3, 20_000))
    ]
    for _ in range(2):
        await house.later()
        await house.said(*rows, header=header)
    heal, scope = house.hub.reconciliation.heal, house.hub.scope
    names = {one.finding_id: one.document for one in await house.findings("CONFIRMED")}

    would = await heal(scope, "erp", by="ann", dry_run=True, kind=Kind.ORDERS)

    assert sorted(names[one] for one in would.findings) == ["SO-1", "SO-2"]
    with pytest.raises(Invalid, match="not mended by documents"):
        await heal(scope, "erp", by="ann", kind=Kind.PUBLISHED)


async def test_a_dump_that_names_one_document_for_all_rows_is_refused(house: House) -> None:
    rows = [f"open.csv,{n},BOLT,DC1,1" for n in range(20_001)]
    with pytest.raises(Invalid, match=r"'open.csv' has more than 20000 rows"):
        await house.said(*rows)
    assert (await house.said(*rows[:9_000])).suspected == 9_000
