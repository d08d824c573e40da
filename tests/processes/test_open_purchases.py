"""Purchases that a system lists are compared by themselves; what it lists no more is no supply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.reconciliation import MendingTried
from crossdock.canonical.supply import (
    PromiseByDateChanged,
    PromiseState,
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyListing,
)
from crossdock.capabilities.reconciliation import (
    Finding,
    Kind,
    OpenAsked,
    OpenRounds,
    OpenSaid,
    Rules,
    Run,
)
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.supply import PromiseAsked, Question
from crossdock.connectivity.open_reading import OpenReader
from crossdock.connectivity.sdk import OpenKind, OpenLine, OpenPage, Poll
from crossdock.orchestration.case_desk import CaseDesk
from tests.conftest import NOON
from tests.processes.end_to_end.world import connected
from tests.processes.test_open_lines import House, Sales, house_at, micros, polled
from tests.processes.test_open_rounds import HALF, HOURS, Company

BOTH = (OpenKind.ORDERS, OpenKind.PURCHASES)


@dataclass
class Buying(Sales):
    """An ERP that sells and buys; a purchase that is deleted there is told by nothing."""

    bought: dict[str, tuple[datetime, dict[str, int]]] = field(
        default_factory=dict[str, tuple[datetime, dict[str, int]]]
    )
    unreadable: tuple[str, ...] = ()
    down: bool = False
    refuses: str = ""
    place: str = "DC1"
    pages: list[str] = field(default_factory=list[str])

    def buy(self, purchase: str, **lines: int) -> None:
        self.bought[purchase] = (self.clock.now(), lines)

    async def poll(self, cursor: str) -> Poll:
        page = await super().poll(cursor)
        since = datetime.fromisoformat(cursor) if cursor else NOON
        facts = [
            self._told(purchase, line, pieces, changed)
            for purchase, (changed, lines) in self.bought.items()
            for line, pieces in lines.items()
            if changed >= since
        ]
        told = replace(page.translation, facts=(*page.translation.facts, *facts))
        return replace(page, translation=told)

    def _told(self, purchase: str, line: str, pieces: int, at: datetime) -> Fact:
        payload = SupplyCommitmentChanged(
            supply_id=f"{purchase}/{line}",
            kind=SupplyKind.PO_SCHEDULE,
            item="BOLT",
            location=self.place,
            open_quantity=Quantity.of(pieces),
            evidence=SupplyEvidence.ACKNOWLEDGED,
            eta=(at + timedelta(days=2)).date(),
        )
        version = micros(at)
        identity = f"{purchase}/{line}@{version}"
        return Fact(
            identity=identity, payload=payload, occurred_at=at, recorded_at=at, version=version
        )

    async def open_lines(self, kind: OpenKind, after: str) -> OpenPage:
        """Tell them a purchase a page."""
        if kind is OpenKind.ORDERS:
            return await super().open_lines(kind, after)
        self.pages.append(after)
        if self.refuses:
            raise Rejected("its settings say so", code=self.refuses)
        if self.down and after:
            raise Unavailable("it is being backed up")
        names = sorted(name for name in self.bought if name > after)
        if not names:
            return OpenPage(lines=())
        changed, lines = self.bought[names[0]]
        told = tuple(
            OpenLine(
                document=names[0],
                line=line,
                item="BOLT",
                location=self.place,
                quantity=Quantity.of(pieces),
                changed_at=changed,
            )
            for line, pieces in lines.items()
        )
        if names[0] in self.unreadable:
            return OpenPage(lines=(), after=names[0], unread=(names[0],))
        return OpenPage(lines=told, after=names[0])


@asynccontextmanager
async def buying(dsn: str, folder: Path) -> AsyncIterator[tuple[Company, Buying]]:
    async with house_at(dsn, folder, Buying, lists_open=BOTH) as (house, erp):
        assert isinstance(erp, Buying)
        await connected(house.hub, "sales", "sales", {"company": "one"})
        company = Company(house, erp)
        erp.buy("PO-1", L1=100)
        erp.buy("PO-2", L1=40)
        erp.sell("SO-1", L1=1)
        await company.after(timedelta())
        yield company, erp


@pytest.fixture
async def bought(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[Company, Buying]]:
    async with buying(dsn, tmp_path) as opened:
        yield opened


async def to_come(house: House) -> dict[str, int]:
    known = await house.hub.supply.known.commitments(house.hub.scope, item="BOLT")
    return {one.supply_id: one.micros // MICROS for one in known}


async def runs(company: Company, step: timedelta) -> Run:
    """Let time pass; give the newest comparison of purchases."""
    found = [one for one in await company.after(step) if one.kind == Kind.PURCHASES]
    return found[-1]


async def confirmed(company: Company) -> Finding:
    """Bring the hub to where it has seen twice that a purchase is not listed."""
    await runs(company, HOURS)
    await runs(company, HALF)
    [found] = await company.house.findings("CONFIRMED", kind=Kind.PURCHASES)
    return found


async def healed(house: House) -> None:
    await house.hub.reconciliation.heal_by_rules()
    await house.hub.settle()


async def test_a_purchase_that_was_deleted_is_confirmed_by_itself_and_is_no_supply_any_more(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    house = company.house
    assert await to_come(house) == {"PO-1/L1": 100, "PO-2/L1": 40}
    await company.after(HOURS)
    del erp.bought["PO-1"]

    first = await runs(company, HOURS)
    assert (first.compared, first.suspected, first.confirmed) == (2, 1, 0)
    await healed(house)
    assert await to_come(house) == {"PO-1/L1": 100, "PO-2/L1": 40}
    second = await runs(company, HALF)
    assert (second.suspected, second.confirmed) == (0, 1)
    [found] = await house.findings("CONFIRMED", kind=Kind.PURCHASES)
    assert (found.document, found.cause, found.remedy) == ("PO-1", "MSG_LOST", "REFETCH")
    await healed(house)
    await healed(house)

    assert await to_come(house) == {"PO-2/L1": 40}
    third = await runs(company, HOURS)
    assert (third.gone, third.confirmed) == (1, 0)
    assert await house.findings("CONFIRMED", kind=Kind.PURCHASES) == []
    [found] = await house.findings("CLOSED", kind=Kind.PURCHASES)
    assert (found.is_gone, found.attempts) == (True, 1)
    tried = [one for one in await house.told() if isinstance(one, MendingTried)]
    assert [(one.how, one.document, one.outcome) for one in tried] == [
        ("RECORDED", "PO-1", "DONE")
    ]


async def test_who_was_promised_from_a_purchase_that_was_deleted_hears_of_it(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    hub = company.house.hub
    by = (company.house.now + timedelta(days=9)).date()
    asked = PromiseAsked("r1", (Question("BOLT", "DC1", "EA", 125 * MICROS, by=by),), ("",))
    made = await hub.kept_promises.promise(hub.scope, "web", asked)
    assert made.is_granted
    del erp.bought["PO-1"]
    await confirmed(company)

    await healed(company.house)
    assert await hub.securing.watch() == 1

    told = [one for one in await company.house.told() if isinstance(one, PromiseByDateChanged)]
    assert [one.state for one in told] == [PromiseState.MADE, PromiseState.AT_RISK]
    assert [str(one.quantity) for one in told[-1].short] == ["90 EA"]


async def test_a_list_of_nothing_where_few_lines_were_usual_takes_nothing_off_by_itself(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    await runs(company, HOURS)
    erp.bought.clear()
    await company.house.hub.reconciliation.put_rules(
        company.house.hub.scope, Rules(brake=Brake(keys_mille=100)), by="ann"
    )
    for step in (HOURS, HALF, HOURS):
        run = await runs(company, step)
        assert (run.verdict, run.reason) == ("REJECTED", "it has 0 rows, usually 2")
        await healed(company.house)

    assert await to_come(company.house) == {"PO-1/L1": 100, "PO-2/L1": 40}


async def test_what_is_told_after_the_reading_stands_over_it(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    del erp.bought["PO-1"]
    await confirmed(company)
    await company.house.at.clock.advance(timedelta(minutes=5))
    erp.buy("PO-1", L1=70)
    await polled(company.house)

    await healed(company.house)

    assert await to_come(company.house) == {"PO-1/L1": 70, "PO-2/L1": 40}


async def test_what_is_told_anew_of_a_purchase_that_was_taken_off_is_supply_again(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    del erp.bought["PO-1"]
    await confirmed(company)
    await healed(company.house)
    assert await to_come(company.house) == {"PO-2/L1": 40}
    await company.house.at.clock.advance(timedelta(minutes=5))
    erp.buy("PO-1", L1=70)

    await polled(company.house)

    assert await to_come(company.house) == {"PO-1/L1": 70, "PO-2/L1": 40}


async def test_what_is_listed_again_unchanged_is_supply_again(
    bought: tuple[Company, Buying],
) -> None:
    """A right was taken away and given back: the source has nothing newer to tell of it."""
    company, erp = bought
    hidden = erp.bought.pop("PO-1")
    await confirmed(company)
    await healed(company.house)
    assert await to_come(company.house) == {"PO-2/L1": 40}
    erp.bought["PO-1"] = hidden

    await runs(company, HOURS)
    await company.house.hub.settle()
    assert await to_come(company.house) == {"PO-1/L1": 100, "PO-2/L1": 40}
    run = await runs(company, HOURS)

    assert (run.alike, run.suspected, run.confirmed) == (2, 0, 0)
    said = [one for one in await company.house.told() if isinstance(one, SupplyCommitmentChanged)]
    assert [(one.listing, str(one.open_quantity)) for one in said[-2:]] == [
        ("UNLISTED", "0 EA"),
        ("RELISTED", "100 EA"),
    ]


async def listed_again(company: Company, erp: Buying, **lines: int) -> dict[str, int]:
    """Have PO-1 listed no more and taken off, and then listed with these lines; no poll tells."""
    changed, _ = erp.bought.pop("PO-1")
    await confirmed(company)
    await healed(company.house)
    assert await to_come(company.house) == {"PO-2/L1": 40}
    erp.bought["PO-1"] = (changed, lines)
    await runs(company, HOURS)
    await company.house.hub.settle()
    return await to_come(company.house)


@pytest.mark.parametrize("pieces", [60, 150])
async def test_what_is_listed_again_is_supply_as_it_is_listed(
    bought: tuple[Company, Buying], pieces: int
) -> None:
    """Hidden from us while forty of it were received, or while more was ordered."""
    company, erp = bought
    come = await listed_again(company, erp, L1=pieces)
    assert come == {"PO-1/L1": pieces, "PO-2/L1": 40}

    run = await runs(company, HOURS)
    assert (run.alike, run.suspected, run.confirmed) == (2, 0, 0)


async def test_left_out_and_listed_again_at_once_it_is_supply_as_it_is_listed(
    bought: tuple[Company, Buying],
) -> None:
    """A reader that was behind hears both in one page."""
    company, erp = bought
    hub, now = company.house.hub, company.house.now
    version = micros(erp.bought["PO-1"][0])
    told = erp._told("PO-1", "L1", 0, now)
    assert isinstance(told.payload, SupplyCommitmentChanged)
    marks = [
        replace(
            told,
            identity=f"{listing}:PO-1/L1",
            version=version,
            payload=replace(told.payload, open_quantity=Quantity.of(pieces), listing=listing),
        )
        for listing, pieces in ((SupplyListing.UNLISTED, 0), (SupplyListing.RELISTED, 60))
    ]
    await hub.record(marks, source="sales")
    await hub.settle()

    assert await to_come(company.house) == {"PO-1/L1": 60, "PO-2/L1": 40}


async def test_what_is_listed_again_with_nothing_open_or_elsewhere_stays_off(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    assert await listed_again(company, erp, L1=0) == {"PO-2/L1": 40}
    erp.place = "DC9"
    changed, _ = erp.bought["PO-1"]
    erp.bought["PO-1"] = (changed, {"L1": 60})
    await runs(company, HOURS)
    await company.house.hub.settle()
    assert "PO-1/L1" not in await to_come(company.house)


async def test_where_rules_let_nothing_be_read_again_a_deleted_purchase_is_for_a_person(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    hub = company.house.hub
    await hub.reconciliation.put_rules(hub.scope, Rules(heals=()), by="ann")
    del erp.bought["PO-1"]
    await confirmed(company)
    await healed(company.house)
    assert await to_come(company.house) == {"PO-1/L1": 100, "PO-2/L1": 40}
    assert [case.code for case in await hub.cases.find(hub.scope)] == ["INV-SUSPECT"]

    done = await hub.reconciliation.heal(hub.scope, "sales", by="ann", kind=Kind.PURCHASES)
    await hub.settle()

    assert (done.unlisted, done.asked, done.sent) == (1, (), 0)
    assert await to_come(company.house) == {"PO-2/L1": 40}


async def test_where_more_is_gone_than_the_brake_allows_nothing_is_taken_off(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    for number in range(3, 7):
        erp.buy(f"PO-{number}", L1=1)
    await runs(company, HOURS)
    del erp.bought["PO-1"], erp.bought["PO-2"]
    await runs(company, HOURS)
    await runs(company, HALF)

    done = await company.house.hub.reconciliation.heal(
        company.house.hub.scope, "sales", by="ann", kind=Kind.PURCHASES
    )

    assert done.stopped == "2 of 50 keys would change"
    assert await to_come(company.house) | {"PO-1/L1": 100, "PO-2/L1": 40} == await to_come(
        company.house
    )


async def test_of_a_purchase_that_cannot_be_read_nothing_is_said_to_be_gone(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    erp.unreadable = ("PO-1",)
    for step in (HOURS, HALF, HOURS):
        run = await runs(company, step)
        assert (run.alike, run.suspected, run.confirmed) == (1, 0, 0)


async def dumped(house: House) -> Run:
    """Let a person give a dump that leaves PO-1 out."""
    await house.at.clock.advance(HOURS)
    await polled(house)
    as_of = micros(house.now - HALF)
    rows = [OpenRow("PO-2", "L1", "DC1", "BOLT", 40 * MICROS, "", as_of)]
    asked = OpenAsked(
        kind=Kind.PURCHASES,
        against="sales",
        by="test",
        said=lambda _: OpenSaid(rows=rows, is_full=True),
        heard_from="sales",
    )
    return await house.hub.open_lines.compare(house.hub.scope, asked)


async def test_a_dump_of_a_person_takes_nothing_off(bought: tuple[Company, Buying]) -> None:
    company, _ = bought
    house = company.house
    assert (await dumped(house)).suspected == 1
    assert (await dumped(house)).confirmed == 1

    done = await house.hub.reconciliation.heal(
        house.hub.scope, "sales", by="ann", kind=Kind.PURCHASES
    )

    assert (done.unlisted, done.asked) == (0, ("sales",))
    assert await to_come(house) == {"PO-1/L1": 100, "PO-2/L1": 40}


async def test_who_dies_over_it_takes_it_off_once(
    bought: tuple[Company, Buying],
) -> None:
    """The word was recorded, and the process died before it counted that it was."""
    company, erp = bought
    hub = company.house.hub
    del erp.bought["PO-1"]
    await confirmed(company)
    await healed(company.house)
    async with hub.database.transaction(hub.scope) as tx:
        forget = (
            "update reconciliation_finding set attempts = 0, tried_at = null where tenant = $1"
        )
        await tx.execute(forget, tx.tenant)

    await healed(company.house)

    said = [one for one in await company.house.told() if isinstance(one, SupplyCommitmentChanged)]
    assert [one.supply_id for one in said if not one.open_quantity.value] == ["PO-1/L1"]
    assert await to_come(company.house) == {"PO-2/L1": 40}


async def test_a_hub_that_is_started_anew_half_way_reads_from_the_first_page_and_finds_it(
    dsn: str, tmp_path: Path
) -> None:
    async with buying(dsn, tmp_path) as (company, erp):
        del erp.bought["PO-1"]
        erp.down = True
        await company.after(HOURS)
        assert erp.pages == ["", "PO-2"]
        hub = company.house.hub
        anew = OpenReader(lambda: hub._around)
        desk = CaseDesk()
        company.rounds = OpenRounds(
            hub.database, company.house.at.clock, (anew, hub.open_lines, desk), every=HOURS
        )
        erp.down = False

        first = await runs(company, HALF)
        assert (erp.pages[2:], first.suspected) == (["", "PO-2"], 1)
        second = await runs(company, HOURS)

        assert second.confirmed == 1
        await healed(company.house)
        assert await to_come(company.house) == {"PO-2/L1": 40}


async def test_a_reading_of_purchases_goes_on_from_where_it_was_broken_off(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    erp.down = True
    assert [one.kind for one in await company.after(HOURS)] == [Kind.ORDERS]
    erp.down = False

    run = await runs(company, HALF)

    assert erp.pages == ["", "PO-1", "PO-1", "PO-2"]  # no page is read twice
    assert (run.compared, run.alike) == (2, 2)


async def test_whose_settings_keep_it_from_telling_purchases_is_nobodys_case(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    hub, erp.refuses = company.house.hub, "not_listed"
    for step in (HOURS, HALF, HALF):
        await company.after(step)
    assert await hub.cases.find(hub.scope) == []
    plans = {one.kind: one for one in await company.rounds.plans(hub.scope)}
    assert (plans["PURCHASES"].refusal, plans["ORDERS"].refusal) == ("its settings say so", "")

    erp.refuses = "rejected"
    for step in (HOURS, HALF):
        await company.after(step)
    [case] = await hub.cases.find(hub.scope)
    assert case.title == "open purchases are not compared with sales: its settings say so"


async def test_orders_and_purchases_share_a_hundredth_of_a_quota(
    bought: tuple[Company, Buying],
) -> None:
    company, erp = bought
    for number in range(5):
        erp.sell(f"SO-1{number}", L1=1)
    await company.after(HOURS)

    plans = await company.rounds.plans(company.house.hub.scope)

    assert {(one.kind, one.listings, one.calls_a_day) for one in plans} == {
        ("ORDERS", 6, 2 * 4 * 7),
        ("PURCHASES", 2, 2 * 4 * 3),
    }
