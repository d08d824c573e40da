"""An ERP that refused bookings: what it lacks is explained, sent again, and in step."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.reconciliation import DifferenceClosed, DifferenceGone, MendingTried
from crossdock.capabilities.reconciliation import (
    Asked,
    Brake,
    ItemClass,
    Line,
    LogLine,
    Parts,
    Policy,
    Reconciliation,
    Rules,
    Run,
    Said,
    Tolerance,
    Wanted,
    instant_of,
)
from crossdock.connectivity.outbox import By
from crossdock.connectivity.outbox import Wanted as Letters
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from tests.processes.books import Office, movement, office

RECEIPT = MovementType.RECEIPT
TOLD_OF_DC1 = {"PostsMovements": ["DC1"]}
HOUR = timedelta(hours=1)


@pytest.fixture
async def at(dsn: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(dsn, tmp_path) as opened:
        await opened.keeps("erp", roles=TOLD_OF_DC1)
        yield opened


async def counted(at: Office, level: int) -> None:
    line = CountedStock(item="BOLT", quantity=Quantity.of(level))
    taken = StockSnapshotTaken(snapshot_id="S", location="DC1", lines=(line,))
    await at.hub.record([Fact(identity="s", payload=taken, occurred_at=at.clock.now())],
                        source="wms")  # fmt: skip
    await at.clock.advance(timedelta(minutes=1))


def bold(
    at: Office, reader: "Rereader | None" = None, *, keys_mille: int = 1000
) -> Reconciliation:
    """Give the hub's reconciliation without a brake, or with another one."""
    careful = at.hub.reconciliation
    policy = Policy(brake=Brake(keys_mille=keys_mille))
    informants = careful._informants
    if reader is not None:
        informants = replace(informants, reader=reader)
    return Reconciliation(at.hub.database, at.clock, at.hub.ids, informants, policy)


async def compared(
    at: Office, level: int, log: list[LogLine] | None = None, *, is_sample: bool = False
) -> Run:
    """Let the ERP say what it has on hand."""
    as_of = instant_of(at.clock.now().isoformat())
    said = Said(
        lines=[Line("DC1", "BOLT", "", "", "", "", level * MICROS, "", as_of)],
        parts=Parts(status=False, owner=False, lot=False, serial=False),
        log=log,
    )
    asked = Asked(against="erp", by="test", said=lambda _: said, is_sample=is_sample)
    return await at.hub.reconciliation.compare(at.hub.scope, asked)


async def told(at: Office) -> list[object]:
    async with at.hub.database.transaction(at.hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000)
    return [event.payload for event in events]


async def receive(at: Office, first: int, *quantities: int) -> None:
    await at.hub.record(
        [
            movement(first + n, RECEIPT, f"{quantity} EA", at=at.clock.now())
            for n, quantity in enumerate(quantities)
        ],
        source="wms",
    )


async def test_what_it_lacks_is_sent_again_and_then_it_agrees(at: Office) -> None:
    scope, careful = at.hub.scope, bold(at, keys_mille=19)
    reconciliation = bold(at)
    await counted(at, 807)
    erp = at.ledgers["erp"]
    erp.refuses = {"BOLT"}
    await receive(at, 1, 25, 15)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)
    [found] = await reconciliation.findings(scope, Wanted(states=["CONFIRMED"]))
    assert (found.cause, found.remedy) == ("MSG_REJECTED", "REDRIVE")

    stopped = await careful.heal(scope, "erp", by="test")
    assert (stopped.sent, stopped.stopped) == (0, "1 of 50 keys would change")
    would = await reconciliation.heal(scope, "erp", by="test", dry_run=True)
    assert (would.findings, would.sent, erp.entries) == ((found.finding_id,), 0, {})
    erp.refuses = set()
    done = await reconciliation.heal(scope, "erp", by="test")
    await at.hub.settle()

    assert (done.sent, done.stopped) == (2, "")
    assert sum(entry.quantity for entry in erp.entries.values()) == 40
    await at.clock.advance(HOUR)
    assert (await compared(at, 847)).gone == 1
    [healed] = await reconciliation.findings(scope)
    assert (healed.is_gone, healed.attempts) == (True, 1)
    await compared(at, 847)
    tried, gone = [one for one in await told(at) if isinstance(one, MendingTried | DifferenceGone)]
    assert isinstance(tried, MendingTried)
    assert (tried.how, tried.attempt, tried.tried_by, tried.outcome) == (
        "SENT_AGAIN",
        1,
        "test",
        "DONE",
    )
    assert (tried.finding_id, gone.finding_id) == (found.finding_id, found.finding_id)
    assert (gone.TYPE, gone.against, gone.item) == (DifferenceGone.TYPE, "erp", "BOLT")
    assert (await reconciliation.heal(scope, "erp", by="test")).findings == ()


async def test_what_was_healed_is_closed_by_the_cause_that_its_documents_prove(
    at: Office,
) -> None:
    scope, reconciliation = at.hub.scope, at.hub.reconciliation
    await lacking(at)
    at.ledgers["erp"].refuses = set()
    await bold(at).heal(scope, "erp", by="test")
    await at.hub.settle()
    await at.clock.advance(HOUR)

    await compared(at, 847)

    [healed] = await reconciliation.findings(scope)
    assert (healed.state, healed.is_gone, healed.priority) == ("CLOSED", True, 0)
    assert (healed.root_cause, healed.closed_by) == ("MSG_REJECTED", "crossdock")
    assert "INV-SUSPECT" not in {one.code for one in await at.hub.cases.find(scope)}
    backlog = await reconciliation.backlog(scope)
    assert (backlog.confirmed, backlog.closed, backlog.burned_percent) == (1, 1, 100)
    assert (sum(one.findings for one in backlog.open), backlog.unnamed) == (0, 0)
    closed = [one for one in await told(at) if isinstance(one, DifferenceClosed)]
    assert [one.root_cause for one in closed] == ["MSG_REJECTED"]


async def test_what_is_within_tolerance_after_it_was_sent_again_is_a_persons(at: Office) -> None:
    await lacking(at)
    at.ledgers["erp"].refuses = set()
    await bold(at).heal(at.hub.scope, "erp", by="test")
    await at.hub.settle()
    await at.clock.advance(HOUR)

    await compared(at, 846)

    [found] = await at.hub.reconciliation.findings(at.hub.scope)
    assert (found.state, found.is_gone) == ("CONFIRMED", True)


async def test_a_key_that_is_sampled_again_and_again_is_one_key_to_the_brake(at: Office) -> None:
    """Of 60 samples of the one key that there is, 1.9 % are not a key that may change."""
    await counted(at, 807)
    at.ledgers["erp"].refuses = {"BOLT"}
    await receive(at, 1, 25, 15)
    for _ in range(60):
        await at.clock.advance(HOUR)
        await compared(at, 807, is_sample=True)

    done = await bold(at, keys_mille=19).heal(at.hub.scope, "erp", by="test")

    assert (len(done.findings), done.sent) == (1, 0)
    assert done.stopped == "1 of 50 keys would change"


async def test_one_key_of_a_small_dump_is_no_runaway(at: Office) -> None:
    await lacking(at)

    done = await at.hub.reconciliation.heal(at.hub.scope, "erp", by="test")

    assert (done.sent, done.stopped) == (1, "")


async def test_what_is_still_refused_after_two_tries_is_left_to_a_person(at: Office) -> None:
    reconciliation, scope = bold(at), at.hub.scope
    await counted(at, 807)
    at.ledgers["erp"].refuses = {"BOLT"}
    await receive(at, 1, 40)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)

    sent = []
    for _ in range(3):
        sent.append((await reconciliation.heal(scope, "erp", by="test")).sent)
        await at.hub.settle()

    assert sent == [1, 1, 0]
    codes = {one.code for one in await at.hub.cases.find(scope)}
    assert codes == {"TGT-REJECT", "INV-SUSPECT"}


async def test_of_a_delivery_in_two_movements_only_the_refused_one_is_missing(at: Office) -> None:
    scope = at.hub.scope
    await counted(at, 807)
    for number, quantity in ((1, 25), (2, 15)):
        told = movement(number, RECEIPT, f"{quantity} EA", at=at.clock.now())
        assert isinstance(told.payload, StockMoved)
        payload = replace(told.payload, document_ref="R-77")
        await at.hub.record([replace(told, payload=payload)], source="wms")
        await at.hub.settle()
        at.ledgers["erp"].refuses = {"BOLT"}
    for _ in range(2):
        await at.clock.advance(6 * HOUR)
        await compared(at, 832)

    [found] = await bold(at).findings(scope)
    figures = [str(n) for n in (found.raw, found.explained, found.unexplained)]
    assert (figures, found.cause) == (["-15", "-15", "0"], "MSG_REJECTED")
    at.ledgers["erp"].refuses = set()
    assert (await bold(at).heal(scope, "erp", by="test")).sent == 1
    await at.hub.settle()
    assert sum(entry.quantity for entry in at.ledgers["erp"].entries.values()) == 40


async def lacking(at: Office) -> None:
    """Let the ERP refuse a receipt of 40, and confirm that it lacks it."""
    await counted(at, 807)
    at.ledgers["erp"].refuses = {"BOLT"}
    await receive(at, 1, 40)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)


async def test_what_was_seen_long_ago_is_compared_again_before_anything_is_sent(
    at: Office,
) -> None:
    await lacking(at)
    await at.clock.advance(5 * HOUR)

    stale = await bold(at).heal(at.hub.scope, "erp", by="test")
    assert (stale.findings, stale.sent) == ((), 0)
    await compared(at, 807)
    assert (await bold(at).heal(at.hub.scope, "erp", by="test")).sent == 1


async def test_what_was_not_sent_is_no_try(at: Office) -> None:
    await lacking(at)

    sent = [(await bold(at).heal(at.hub.scope, "erp", by="test")).sent for _ in range(3)]
    assert sent == [1, 0, 0]
    [found] = await at.hub.reconciliation.findings(at.hub.scope)
    assert found.attempts == 1


async def test_what_was_given_up_explains_nothing_any_more(at: Office) -> None:
    """The receipt of 40 was booked by hand in the ERP, which is 5 too high besides."""
    await lacking(at)
    dead = await at.hub.outbox.find(at.hub.scope, Letters(states=("DEAD",), connection="erp"))
    by = By(actor="ann", reason="booked by hand")
    await at.hub.outbox.discard(at.hub.scope, [one.command_id for one in dead], by)
    await at.hub.settle()
    await at.clock.advance(HOUR)

    await compared(at, 852)

    [found] = await at.hub.reconciliation.findings(at.hub.scope)
    assert [str(n) for n in (found.raw, found.explained, found.unexplained)] == ["5", "0", "5"]


class Rereader:
    """Stands in for the pollers: notes who is read again, and from when."""

    def __init__(self, *, is_polled: bool = True) -> None:
        self.is_polled = is_polled
        self.asked: list[tuple[str, datetime]] = []

    async def read_again(self, scope: Scope, source: str, since: datetime) -> bool:
        assert scope.tenant == "main"
        self.asked.append((source, since))
        return self.is_polled


async def unheard(at: Office, days: int = 0) -> datetime:
    """Let the ERP's log show a receipt that the hub never heard of, twice; say of when it is."""
    await counted(at, 800)
    of = at.clock.now()
    posted = LogLine("DC1", "BOLT", "R-9", 40 * MICROS, instant_of(of.isoformat()))
    await at.clock.advance(timedelta(days=days))
    for _ in range(2):
        await at.clock.advance(6 * HOUR)
        await compared(at, 840, log=[posted])
    return of


async def test_what_the_ledger_lacks_is_read_again_where_it_came_from(at: Office) -> None:
    scope, reader = at.hub.scope, Rereader()
    of = await unheard(at)
    [found] = await at.hub.reconciliation.findings(scope)
    assert (found.cause, found.remedy, found.state) == ("MSG_LOST", "REFETCH", "CONFIRMED")

    would = await bold(at, reader).heal(scope, "erp", by="test", dry_run=True)
    assert (would.findings, would.asked, reader.asked) == ((found.finding_id,), (), [])
    done = await bold(at, reader).heal(scope, "erp", by="test")

    assert (done.asked, done.sent, reader.asked) == (("erp",), 0, [("erp", of - HOUR)])
    [found] = await at.hub.reconciliation.findings(scope)
    assert found.attempts == 1


async def test_unasked_nothing_is_read_again_from_long_ago(at: Office) -> None:
    scope, reader = at.hub.scope, Rereader()
    await at.hub.reconciliation.put_rules(scope, Rules(brake=Brake(keys_mille=1000)), by="ann")
    await unheard(at, days=32)

    await bold(at, reader).heal_by_rules()
    assert reader.asked == []
    await bold(at, reader).heal(scope, "erp", by="ann", dry_run=False)

    assert [source for source, _ in reader.asked] == ["erp"]


async def test_a_source_that_only_tells_is_no_try(at: Office) -> None:
    scope, reader = at.hub.scope, Rereader(is_polled=False)
    await unheard(at)

    done = await bold(at, reader).heal(scope, "erp", by="test")

    assert (done.asked, len(reader.asked)) == ((), 1)
    [found] = await at.hub.reconciliation.findings(scope)
    assert found.attempts == 0
    assert (await bold(at).heal(scope, "erp", by="test")).asked == ()


async def test_what_it_lacks_is_sent_again_without_being_asked_once_a_comparison(
    at: Office,
) -> None:
    scope = at.hub.scope
    await at.hub.reconciliation.put_rules(
        scope, Rules(brake=Brake(keys_mille=1000), attempts=3), by="ann"
    )
    await counted(at, 807)
    erp = at.ledgers["erp"]
    erp.refuses = {"BOLT"}
    await receive(at, 1, 25, 15)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)

    for _ in range(3):
        await at.hub.reconciliation.heal_by_rules()
        await at.hub.settle()
    [found] = await at.hub.reconciliation.findings(scope)
    assert (found.attempts, erp.entries) == (1, {})
    erp.refuses = set()
    await at.clock.advance(HOUR)
    await compared(at, 807)
    await at.hub.reconciliation.heal_by_rules()
    await at.hub.settle()

    assert sum(entry.quantity for entry in erp.entries.values()) == 40
    await at.clock.advance(HOUR)
    assert (await compared(at, 847)).gone == 1


@pytest.mark.parametrize(
    "rules",
    [Rules(heals=(), brake=Brake(keys_mille=1000)), Rules(brake=Brake(keys_mille=19))],
    ids=["nothing heals by itself", "too much would change"],
)
async def test_what_the_rules_do_not_let_heal_is_left_to_a_person(
    at: Office, rules: Rules
) -> None:
    await at.hub.reconciliation.put_rules(at.hub.scope, rules, by="ann")
    await counted(at, 807)
    at.ledgers["erp"].refuses = {"BOLT"}
    await receive(at, 1, 40)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)
    at.ledgers["erp"].refuses = set()

    await at.hub.reconciliation.heal_by_rules()
    await at.hub.settle()

    assert at.ledgers["erp"].entries == {}
    [found] = await at.hub.reconciliation.findings(at.hub.scope)
    assert (found.state, found.attempts) == ("CONFIRMED", 0)


async def test_a_tenant_decides_what_is_let_pass_from_the_next_comparison_on(at: Office) -> None:
    await counted(at, 1000)
    await at.clock.advance(HOUR)
    assert (await compared(at, 980)).suspected == 1
    shares = {ItemClass.A: 20_000, ItemClass.B: 0, ItemClass.C: 0}

    await at.hub.reconciliation.put_rules(
        at.hub.scope, Rules(tolerance=Tolerance(share_ppm=shares)), by="ann"
    )
    await at.clock.advance(HOUR)

    assert (await compared(at, 980)).tolerated == 1
    assert (await compared(at, 979)).suspected == 1


class Down:
    """Stands in for the directory: a system that does not answer."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def is_in_incident(self, scope: Scope, source: str) -> bool:
        del scope
        return source == self.name


@pytest.mark.parametrize(("down", "stopped"), [("erp", True), ("shop", False)])
async def test_nothing_is_mended_while_the_system_does_not_answer(
    at: Office,
    down: str,
    stopped: bool,  # noqa: FBT001 - a column of the table
) -> None:
    scope = at.hub.scope
    await counted(at, 807)
    at.ledgers["erp"].refuses = {"BOLT"}
    await receive(at, 1, 40)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)
    bolder = bold(at)
    informants = replace(bolder._informants, incidents=Down(down))
    policy = Policy(brake=Brake(keys_mille=1000))
    reconciliation = Reconciliation(at.hub.database, at.clock, at.hub.ids, informants, policy)

    done = await reconciliation.heal(scope, "erp", by="test", dry_run=True)

    assert done.stopped == ("the source is in an incident" if stopped else "")


async def test_a_paused_connection_is_in_an_incident_and_a_run_names_its_rules(
    at: Office,
) -> None:
    scope, reconciliation = at.hub.scope, at.hub.reconciliation
    await counted(at, 807)
    first = await compared(at, 807)
    put = await reconciliation.put_rules(scope, Rules(attempts=3), by="ann")
    second = await compared(at, 807)
    assert (first.rules_version, second.rules_version, put.version) == (0, 1, 1)

    incidents = reconciliation._informants.incidents
    assert not await incidents.is_in_incident(scope, "erp")
    assert not await incidents.is_in_incident(scope, "nobody")
    await at.hub.directory.pause(scope, "erp", "holidays")
    assert await incidents.is_in_incident(scope, "erp")


async def test_what_is_in_another_currency_is_a_persons_and_stops_nothing(at: Office) -> None:
    """Half a dollar against a cap in EUR: it is not sent again, and no reason to stop."""
    scope, reconciliation = at.hub.scope, at.hub.reconciliation
    euro = Rules(brake=Brake(keys_mille=1000, currency="EUR"))
    await reconciliation.put_rules(scope, euro, by="ann")
    await counted(at, 807)
    at.ledgers["erp"].refuses = {"BOLT"}
    await receive(at, 1, 25, 15)
    for _ in range(2):
        await at.clock.advance(HOUR)
        await compared(at, 807)
    sent: list[tuple[str, int, int]] = []
    for currency in ("USD", "EUR"):
        async with at.hub.database.transaction(scope) as tx:
            await tx.execute(
                "update reconciliation_finding set value_at_risk = 500000, currency = $2"
                " where tenant = $1",
                *(tx.tenant, currency),
            )
        done = await reconciliation.heal(scope, "erp", by="test")
        sent.append((done.stopped, len(done.findings), done.sent))

    assert sent == [("", 0, 0), ("", 1, 2)]
