"""While a difference is open, channels are shown the lower number; what is gone comes back new."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged, LocationKind
from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.canonical.inventory import MovementType
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.reconciliation import SnapshotBelieved, WithholdingChanged
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.reconciliation import (
    Asked,
    HousePolicy,
    Line,
    Parts,
    Run,
    Said,
    Wanted,
    instant_of,
)
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.settings import Settings
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import ItemsWanted
from tests.conftest import NOON
from tests.processes.books import ON_SHELF, movement
from tests.processes.desk import Desk

HOUR = timedelta(hours=1)


class Town:
    """A hub that has 100 bolts at DC1 and shows them to a shop; an ERP tells its own number."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub = hub
        self.clock = clock

    async def compared(self, *levels: int, of: str = "A") -> list[Run]:
        """Let the ERP say these, an hour apart."""
        runs: list[Run] = []
        for level in levels:
            await self.clock.advance(HOUR)
            lines = [self.line(level, of)]
            said = Said(
                lines=lines, parts=Parts(status=False, owner=False, lot=False, serial=False)
            )
            asked = Asked(against="erp", by="ann", said=lambda _, said=said: said)  # type: ignore[misc]  # bound to the one of this turn
            runs.append(await self.hub.reconciliation.compare(self.hub.scope, asked))
            await self.hub.settle()
        return runs

    def line(self, level: int, of: str = "") -> Line:
        as_of = instant_of(self.clock.now().isoformat())
        return Line("DC1", "BOLT", "", "", "", "", level * MICROS, "", as_of, of)

    async def shown(self, channel: str = "shop") -> Decimal | None:
        """Tell what the channel may show."""
        shown = await self.hub.publishing.exposures.show(
            self.hub.scope, channel, "WEB", ItemsWanted(items=["BOLT"])
        )
        return shown.items[0].exposed

    async def finding_id(self) -> str:
        states = ["SUSPECTED", "CONFIRMED"]
        found = await self.hub.reconciliation.findings(self.hub.scope, Wanted(states=states))
        return found[0].finding_id


TOLD = """
select payload -> 'withheld' ->> 'value' as withheld from event_log
where tenant = $1 and type = 'reconciliation.withholding_changed.v1' order by position
"""


@pytest.fixture
async def town(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Town]:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        facts = [
            own_fact(ItemChanged(sku="BOLT"), NOON),
            own_fact(LocationChanged(code="DC1"), NOON),
        ]
        await hub.record(facts, source=OWN_SOURCE)
        channel = Channel(connection="shop", location="WEB", source_locations=("DC1",))
        await hub.channels.put(hub.scope, channel, by="test")
        await hub.put_stock("BOLT", "DC1", 100)
        yield Town(hub, clock)


@pytest.mark.parametrize(
    ("theirs", "shown"),
    [(90, 90), (110, 100), (100, 100), (0, 0)],
    ids=["they say less", "they say more", "alike", "they say none"],
)
async def test_a_channel_is_shown_the_lower_number_while_it_is_suspect(
    town: Town, theirs: int, shown: int
) -> None:
    await town.compared(theirs)

    assert await town.shown() == shown


async def test_what_moves_meanwhile_moves_the_lower_number(town: Town) -> None:
    await town.compared(90)

    await town.hub.reserve("BOLT", "DC1", 30, request_id="r1")

    assert await town.shown() == 60


async def test_a_channel_is_told_when_more_or_less_is_withheld(
    database: Database, clock: VirtualClock
) -> None:
    channel = Channel(
        connection="shop", location="web", source_locations=("dc1",), coalesce_seconds=0
    )
    desk = await Desk.open(database, clock, channel)
    await desk.play.stock(100)
    await desk.play.deliver()

    for free in (90, 100):
        desk.play.pools.known["main", "sku-1", "dc1"] = Pool(free=free * MICROS)
        withheld = Quantity.of(100 - free)
        await desk.say(
            WithholdingChanged(against="erp", item="sku-1", location="dc1", withheld=withheld),
            source="crossdock",
        )
        await desk.play.stage.engine.catch_up()
        await desk.play.deliver()

    assert [write.arguments["quantity"] for write in desk.play.writes] == ["100", "90", "100"]


async def test_closing_a_difference_shows_all_of_the_stock_again(town: Town) -> None:
    await town.compared(90, 90)
    assert await town.shown() == 90

    await town.hub.reconciliation.close(
        town.hub.scope, await town.finding_id(), "COUNT", "", by="ann"
    )

    assert await town.shown() == 100


async def test_a_difference_that_is_gone_withholds_nothing(town: Town) -> None:
    await town.compared(90, 90, 100)

    assert await town.shown() == 100


async def test_a_tenant_may_show_a_class_as_it_is_booked(town: Town) -> None:
    reconciliation, scope = town.hub.reconciliation, town.hub.scope
    await town.compared(50, of="C")
    assert await town.shown() == 50

    policy = await reconciliation.set_policy(scope, HousePolicy(as_booked=("C",)), by="ann")
    await town.hub.settle()

    assert (policy, await town.shown()) == (HousePolicy(as_booked=("C",)), Decimal(100))
    await reconciliation.set_policy(scope, HousePolicy(), by="ann")
    assert await town.shown() == 50
    with pytest.raises(Invalid, match="no class"):
        await reconciliation.set_policy(scope, HousePolicy(as_booked=("D",)), by="ann")


async def test_what_is_told_is_what_is_withheld_by_the_classes_that_are_booked(
    town: Town,
) -> None:
    reconciliation, scope = town.hub.reconciliation, town.hub.scope
    await town.compared(50, of="C")

    for classes in (("B",), ("C",), ("A", "B")):
        await reconciliation.set_policy(scope, HousePolicy(as_booked=classes), by="ann")

    async with town.hub.database.transaction(scope) as tx:
        rows = await tx.fetch(TOLD, scope.tenant)
    assert [row["withheld"] for row in rows] == ["50", "0", "50"]


async def test_a_confirmed_difference_that_was_gone_is_confirmed_in_two_passes_again(
    town: Town,
) -> None:
    *_, gone, back, again = await town.compared(90, 90, 100, 90, 90)

    assert (gone.gone, back.suspected, back.confirmed, again.confirmed) == (1, 1, 0, 1)


async def test_what_was_confirmed_once_is_closed_by_a_person_also_if_it_goes_again(
    town: Town,
) -> None:
    await town.compared(90, 90, 100, 90, 100)

    [found] = await town.hub.reconciliation.findings(town.hub.scope)
    assert (found.state != "CLOSED", found.is_gone, await town.shown()) == (
        True,
        True,
        Decimal(100),
    )


async def test_a_suspicion_that_nothing_looks_at_again_lapses_with_a_note(town: Town) -> None:
    await town.compared(90)
    await town.clock.advance(timedelta(days=14, minutes=1))

    await town.hub.reconciliation.follow()
    await town.hub.settle()

    [found] = await town.hub.reconciliation.findings(town.hub.scope)
    assert (found.state, found.root_cause) == ("CLOSED", "")
    assert (await town.hub.reconciliation.backlog(town.hub.scope)).causes == ()
    assert found.note == "no comparison has looked at it for 14 days"
    assert await town.shown() == 100


async def test_a_rejected_dump_is_believed_by_hand_and_if_so_decided_by_another(
    town: Town,
) -> None:
    reconciliation, scope = town.hub.reconciliation, town.hub.scope
    parts = Parts(status=False, owner=False, lot=False, serial=False)

    async def dumped(by: str, rows: int, believe: str = "") -> Run:
        lines = [town.line(100)] + [
            Line("DC1", f"I{n}", "", "", "", "", 0, "", town.line(0).as_of) for n in range(rows)
        ]
        said = Said(lines=lines, parts=parts, is_full=True)
        asked = Asked(against="erp", by=by, said=lambda _: said, believe=believe)
        return await reconciliation.compare(scope, asked)

    await reconciliation.set_policy(scope, HousePolicy(four_eyes=True), by="ann")
    assert (await dumped("ann", 100)).verdict == "DONE"
    rejected = await dumped("ann", 200)
    assert rejected.verdict == "REJECTED"

    with pytest.raises(Invalid, match="did not reject this dump"):
        await dumped("bob", 201, believe=rejected.run_id)
    with pytest.raises(Forbidden, match="another one has to believe it"):
        await dumped("ann", 200, believe=rejected.run_id)
    assert (await dumped("bob", 200, believe=rejected.run_id)).verdict == "DONE"
    async with town.hub.database.transaction(scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000)
    [told] = [one.payload for one in events if isinstance(one.payload, SnapshotBelieved)]
    assert (told.run_id, told.asked_by, told.believed_by) == (rejected.run_id, "ann", "bob")
    assert (await dumped("ann", 200)).verdict == "DONE"


async def test_sites_that_dump_by_turns_under_one_name_are_not_held_against_each_other(
    town: Town,
) -> None:
    parts = Parts(status=False, owner=False, lot=False, serial=False)
    verdicts: list[str] = []
    for _ in range(2):
        for place, rows in (("DC1", 10), ("DC2", 500)):
            as_of = town.line(0).as_of
            lines = [Line(place, f"I{n}", "", "", "", "", 0, "", as_of) for n in range(rows)]
            said = Said(lines=lines, parts=parts, is_full=True)
            asked = Asked(against="erp", by="ann", said=lambda _, said=said: said)  # type: ignore[misc]  # bound to the one of this turn
            run = await town.hub.reconciliation.compare(town.hub.scope, asked)
            verdicts.append(run.verdict)

    assert verdicts == ["DONE"] * 4


async def test_a_part_dump_says_nothing_of_the_statuses_that_it_leaves_out(town: Town) -> None:
    parts = Parts(status=True, owner=False, lot=False, serial=False)
    line = town.line(0)._replace(status="DAMAGED", micros=0)
    said = Said(lines=[line], parts=parts)

    run = await town.hub.reconciliation.compare(
        town.hub.scope, Asked(against="erp", by="ann", said=lambda _: said)
    )

    assert (run.compared, run.alike) == (1, 1)


@pytest.mark.parametrize(
    ("late", "shown"),
    [(-10, 90), (-4, 90), (6, 90), (-30, 70)],
    ids=["all of it", "some", "the other way", "more than they said"],
)
async def test_a_message_that_came_late_is_not_counted_twice(
    town: Town, late: int, shown: int
) -> None:
    """They say 90 of 100; then the ledger hears of what was recorded before that."""
    moved_at = town.clock.now() + timedelta(minutes=30)
    await town.compared(90)
    assert await town.shown() == 90

    ends = (ON_SHELF, None) if late < 0 else (None, ON_SHELF)
    kind = MovementType.COUNT_ADJUST
    fact = movement(9, kind, f"{abs(late)} EA", ends=ends, at=moved_at, recorded_at=moved_at)
    await town.hub.record([fact], source=OWN_SOURCE)
    await town.hub.settle()

    assert await town.shown() == shown


async def test_a_group_of_locations_has_the_doubts_of_its_members(town: Town) -> None:
    grouped = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1",))
    await town.hub.record([own_fact(grouped, town.clock.now())], source=OWN_SOURCE)
    keys = [("BOLT", "EAST"), ("BOLT", "DC1"), ("BOLT", "DC2"), ("NUT", "DC1")]
    assert await town.hub.doubts.of(town.hub.scope, keys) == {}
    await town.compared(90)

    doubts = await town.hub.doubts.of(town.hub.scope, keys)

    assert set(doubts) == {("BOLT", "EAST"), ("BOLT", "DC1")}
    for [doubt] in doubts.values():
        assert (doubt.state, doubt.difference) == ("SUSPECTED", Quantity.of(-10))
    await town.compared(100)
    assert await town.hub.doubts.of(town.hub.scope, keys) == {}


@pytest.mark.parametrize(
    ("available", "damaged", "doubted", "shown"),
    [(70, 30, -30, 70), (60, 20, -40, 60), (100, 5, 0, 100)],
    ids=["statuses alone", "statuses and less", "only what cannot be sold"],
)
async def test_a_doubt_says_how_much_less_can_be_sold(
    town: Town, available: int, damaged: int, doubted: int, shown: int
) -> None:
    parts = Parts(status=True, owner=False, lot=False, serial=False)
    lines = [town.line(available), town.line(damaged)._replace(status="DAMAGED")]
    lines[0] = lines[0]._replace(status="AVAILABLE")
    said = Said(lines=lines, parts=parts)
    await town.hub.reconciliation.compare(
        town.hub.scope, Asked(against="erp", by="ann", said=lambda _: said)
    )

    [[doubt]] = (await town.hub.doubts.of(town.hub.scope, [("BOLT", "DC1")])).values()
    [found] = await town.hub.reconciliation.findings(town.hub.scope)

    assert doubt.difference == Quantity.of(doubted)
    assert [int(n) for n in (found.safe, found.safe + found.withheld)] == [shown, 100]
    assert await town.shown() == shown
