"""Statements keep tenants apart alone: here row-level security is off for every table."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.allocation import Strategy
from crossdock.canonical.cases import OpenCase
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    KitChanged,
    KitComponent,
    LotChanged,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import CrossdockError
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.references import Reference
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyPeg,
)
from crossdock.capabilities import reconciliation
from crossdock.capabilities.allocation import (
    Allocation,
    AllocationGroup,
    AllocationProtection,
    AllocationRule,
    Applies,
    GroupBook,
    Rulebook,
)
from crossdock.capabilities.catalog import Catalog
from crossdock.capabilities.inventory import Inventory, ReservationLine, ReservationRequest
from crossdock.capabilities.inventory.upkeep import Upkeep
from crossdock.capabilities.reconciliation import (
    CountTasks,
    OpenLines,
    OpenRounds,
    Periods,
    Reconciliation,
    Sampler,
    StockSampler,
)
from crossdock.capabilities.sourcing import (
    Alternatives,
    Asked,
    Candidate,
    Line,
    NodeFacts,
    Order,
    Rules,
    Sourcing,
    Substitute,
)
from crossdock.capabilities.supply import (
    Alternative,
    AtpRule,
    KnownSupply,
    PlacedRule,
    PromiseAsked,
    Question,
    SubstitutionRule,
    Supply,
)
from crossdock.connectivity.as2.answering import Answering
from crossdock.connectivity.as2.messages import Messages
from crossdock.connectivity.as2.partners import PartnerBook
from crossdock.connectivity.as2.posting import Posting
from crossdock.connectivity.connections import Changes, Connections
from crossdock.connectivity.directory import Directory, Entry
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.outbox import By, Outbox, Wanted
from crossdock.connectivity.proposals import Proposals
from crossdock.connectivity.quarantine import Quarantined
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.sdk import PublishesAvailability
from crossdock.connectivity.waiting_room import WaitingRoom
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.refusals import Refusals
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from crossdock.governance.access import Access, NewKey
from crossdock.governance.authority import Authority
from crossdock.governance.roles import ROLES, Principal
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Cases, Said
from crossdock.orchestration.engine import journal
from crossdock.orchestration.engine.instances import Instances
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.engine.work import park
from crossdock.orchestration.order_sourcing import OrderSourcing
from crossdock.orchestration.processes.availability_asking import Requests
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_exposure import Exposures
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import Budgets, ItemsWanted
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.conftest import NOON
from tests.processes import as2_apart
from tests.processes.counted import dear_counts, told_to_count
from tests.processes.sampled import SAMPLED
from tests.unit.connectivity.standins import command, levelled, webhook, world

EACH = Quantity.of(1)
MAIN, OTHER, NOBODY = Scope("main"), Scope("other"), Scope("nobody")
OWNER = Principal(tenant="main", verbs=ROLES["owner"], key_id="owner")
STRANGER = Principal(tenant="other", verbs=ROLES["owner"], key_id="stranger")
BY = By("a stranger", "to see what happens")
SHOP = Channel(connection="shop", location="web", source_locations=("dc1",))
ATP = Question("SKU-1", "DC1", "EA", MICROS, life_days=0)
BY_DATE = PromiseAsked("by-date", (ATP,), ("order-1/9",))
SUBSTITUTE = SubstitutionRule(
    item="SKU-1", alternatives=(Alternative(item="SKU-2", is_two_way=True, unit="EA"),), unit="EA"
)
RULE = PlacedRule(item="SKU-1", location="DC1", rule=AtpRule(fence_days=1))
ENTRY = Entry(tenant="main", name="shop", application="stand_in", settings={"address": "shop"})
AS_OF = int(NOON.timestamp()) * 1_000_000
COMPARED = reconciliation.Asked(
    against="erp",
    by="a person",
    said=lambda _: reconciliation.Said(
        lines=[
            reconciliation.Line("DC1", "SKU-1", "AVAILABLE", "", "", "", 9 * MICROS, "", AS_OF)
        ],
        parts=reconciliation.Parts(),
    ),
)
OPEN = reconciliation.OpenAsked(
    kind=reconciliation.Kind.ORDERS,
    against="erp",
    by="a person",
    said=lambda _: reconciliation.OpenSaid(
        rows=[reconciliation.OpenRow("order-9", "1", "DC1", "SKU-1", 5 * MICROS, "", AS_OF)],
        is_full=True,
    ),
)
SIGN_OFF = reconciliation.SignOff(
    period="2026-02", against="erp", closed_at=NOON, because="x", by="x"
)
PERIOD = reconciliation.PeriodAsked(
    period="2026-02",
    against="erp",
    ends_at=NOON,
    by="a person",
    said=lambda _: reconciliation.Said(
        lines=[
            reconciliation.Line("DC1", "SKU-1", "AVAILABLE", "", "", "", 9 * MICROS, "", AS_OF)
        ],
        parts=reconciliation.Parts(),
        is_full=True,
    ),
)
KEPT = AllocationProtection(
    item="SKU-1", location="DC1", channel="web", minimum=MICROS, starts_at=NOON,
    ends_at=NOON + timedelta(days=1),
)  # fmt: skip
TRADE = AllocationGroup(name="trade", channels=("depot",), customers=("ACME",))
SERVICES = (
    *(Answering, Messages, PartnerBook, Posting),
    *(
        Access,
        Allocation,
        Authority,
        Rulebook,
        GroupBook,
        Budgets,
        Cases,
        Catalog,
        Channels,
        Connections,
        CountTasks,
        Directory,
        Exposures,
    ),
    *(
        Inbox,
        Instances,
        Inventory,
        KnownSupply,
        OpenLines,
        OpenRounds,
        OrderSourcing,
        Outbox,
        Periods,
        Proposals,
        Quarantine,
    ),
    Refusals,
    *(Reconciliation, Requests, Sampler, Sourcing, StockSampler, Supply, Upkeep, WaitingRoom),
)
WANTED = SourceOrder(lines=[SourceLine(item="SKU-1", quantity=EACH)], request_id="s1")
ASKED = Asked(
    order=Order(lines=(Line(line_no=1, item="SKU-1", micros=MICROS),)),
    request_id="s1",
    units={"SKU-1": "EA"},
)


_LINE = DemandLine(
    demand_ref="o1/1", item="SKU-1", location="DC1", ordered=EACH, cancelled=Quantity.of(0),
    requested_ship_date=NOON.date() + timedelta(days=9),
)  # fmt: skip
_COMING = SupplyCommitmentChanged(
    supply_id="po:1", kind=SupplyKind.ASN_LINE, item="SKU-1", location="DC1", open_quantity=EACH,
    evidence=SupplyEvidence.SHIPPED, eta=NOON.date(),
    pegs=(SupplyPeg(demand_ref="o1/1", quantity=EACH),),
)  # fmt: skip
_KIT = KitChanged(
    item="SET", quantity=EACH, components=(KitComponent(item="SKU-1", quantity=EACH),)
)
_SET = Fact(identity="set", payload=ItemChanged(sku="SET"), occurred_at=NOON, version=1)
_LOT = LotChanged(item="SKU-1", lot="L1", expires_on=NOON.date())
_WEIGHT = CatchWeightChanged(item="SKU-1", nominal=Quantity.of(2, "KGM"))
DATED = [
    Fact(identity="o1", payload=OrderChanged(order_id="o1", lines=(_LINE,)), occurred_at=NOON),
    Fact(identity="po:1", payload=_COMING, occurred_at=NOON),
    Fact(identity="kit", payload=_KIT, occurred_at=NOON),
    Fact(identity="lot", payload=_LOT, occurred_at=NOON),
    Fact(identity="weight", payload=_WEIGHT, occurred_at=NOON),
]


@dataclass(frozen=True)
class Full:
    """A hub whose tenant `main` has something of everything; `other` has the same names, empty."""

    hub: Hub
    owner: Any
    reservation_id: str
    kept_id: str
    key_id: str
    case_id: str
    quarantined: Quarantined
    raw_ref: int
    decision_id: str
    run_id: str
    finding_id: str
    count_id: str
    counted_id: str
    allocation_run_id: str

    async def rows(self) -> Mapping[str, list[str]]:
        """Show every row of the tenant, in every table that has one."""
        tables = await self.owner.fetch(
            "select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
            " and a.attname = 'tenant' and not c.relispartition"
        )
        return {
            table["name"]: await self.owner.fetchval(
                f"select array_agg(t::text order by t::text) from {table['name']} t"
                " where tenant = 'main'"
            )
            or []
            for table in tables
        }


@pytest.fixture
async def full(
    unguarded: Database, dsn: str, clock: VirtualClock, tmp_path: Path
) -> AsyncIterator[Full]:
    applications = world(unguarded, clock).directory.applications
    settings = Settings(tenant="main", data_dir=tmp_path)
    hub = Hub(settings, dsn, unguarded, Outside(clock=clock, applications=applications))
    await hub._register()
    owner: Any = await asyncpg.connect(dsn)
    await as2_apart.filled(hub, MAIN)
    yield await filled(hub, owner)
    await owner.close()


async def filled(hub: Hub, owner: Any) -> Full:
    await hub.connect(ENTRY)
    await hub.put_stock("SKU-1", "DC1", 40)
    await hub.record([_SET], source="erp")
    await hub.catalog.link(MAIN, "shop", Reference.item("77", EACH), "SKU-1", by="a person")
    promised = await hub.reserve("SKU-1", "DC1", 4, request_id="r1")
    await hub.inventory.reserve(MAIN, "script", asking("lapsing", kind=ReservationKind.SOFT))
    await hub.settle()
    said = webhook(moves=[{"number": "m1", "item": "NEW"}], bad=["broken"])
    raw_ref = (await hub.inbox.receive(MAIN, "shop", said)).raw_ref
    key = await hub.access.create(OWNER, NewKey(name="main's", verbs=ROLES["reader"]))
    await hub.channels.put(MAIN, SHOP, by="test")
    either = Alternatives(substitute=Substitute.LOCATION_AND_ITEM)
    rules = Rules(max_shipments=2, alternatives=either)
    await hub.sourcing.put_rules(MAIN, rules, by="main's")
    await hub.order_sourcing.put_node(MAIN, NodeFacts(node="DC1"), by="main's")
    sourced = await hub.order_sourcing.plan(MAIN, "script", WANTED)
    await hub.supply.put_rule(MAIN, PlacedRule(item="SKU-1", location="DC1"), by="x")
    await hub.supply.put_substitution(MAIN, SUBSTITUTE, by="main's")
    await hub.record(DATED, source="erp")
    kept = await hub.kept_promises.promise(MAIN, "script", BY_DATE)
    async with hub.database.transaction(MAIN) as tx:
        await hub.outbox.enqueue(tx, [command("letter", connection="gone")])
        await mark_keys(tx, "publishing", [Key("main", "shop/web/a")], NOON)
        await park(tx, "publishing", Key("main", "shop/web/a"), NOON, ValueError("no"))
        case = OpenCase(
            code="PUB-STALE", fingerprint="stale", severity="S2", owner_role="eCommerce",
            within=timedelta(minutes=15), entity="shop/web/a", title="it met another amount",
        )  # fmt: skip
        await cases.record(tx, [Said("main", "order-1", case)], NOON)
        case_id = (await cases.listed(tx))[0].case_id
    await owner.execute(
        "insert into process_journal (tenant, process, instance, step, decided_at, worker,"
        " correlation_id, causation_id, note, commands) values"
        " ('main', 'publishing', 'shop/web/a', 1, now(), 'w1', 'order-1', '', 'a note', '[]')"
    )
    allocation_run_id = await ordered(hub)
    run = await hub.reconciliation.compare(MAIN, COMPARED)
    return Full(
        hub=hub,
        owner=owner,
        reservation_id=promised.reservation_id,
        kept_id=kept.promise_id,
        key_id=key.key_id,
        case_id=case_id,
        quarantined=(await hub.quarantine.find(MAIN))[0],
        raw_ref=raw_ref or 0,
        decision_id=sourced.answer.decided.decision_id,
        run_id=run.run_id,
        allocation_run_id=allocation_run_id,
        count_id=(await told_to_count(hub, "SKU-1"))[0].count_id,
        counted_id=(await dear_counts(hub, "dear", item="SKU-1"))[0].counted_id,
        finding_id=(await hub.reconciliation.findings(MAIN))[0].finding_id,
    )


async def ordered(hub: Hub) -> str:
    """Have an order wait for goods that others could have, by rules; give the run that waits."""
    line = DemandLine(demand_ref="order-9/1", item="SKU-1", location="DC1", ordered=EACH,
                      cancelled=EACH - EACH)  # fmt: skip
    order = OrderChanged(order_id="order-9", lines=(line,), channel="web")
    await hub.record([Fact(identity="order:9", payload=order, occurred_at=NOON)], source="shop")
    book = hub.allocation.rulebook
    await hub.allocation.groups.put(MAIN, TRADE, by="planner")
    await book.set_rule(MAIN, AllocationRule(channel="web", strategy=Strategy.WIN), by="main's")
    await book.set_policy(MAIN, Applies.NOTHING, four_eyes=True, by="main's")
    await book.protect(MAIN, KEPT, by="main's")
    await hub.periods.close(MAIN, PERIOD)
    return (await hub.allocation.simulate(MAIN, "SKU-1", "DC1", by="main's")).run_id


def asking(request_id: str, kind: ReservationKind = ReservationKind.HARD) -> ReservationRequest:
    line = ReservationLine("SKU-1", "DC1", MICROS, "order-7/1")
    return ReservationRequest(request_id, (line,), kind)


async def within(full: Full, ask: Callable[..., Awaitable[Any]], *given: Any) -> Any:
    async with full.hub.database.transaction(OTHER) as tx:
        return await ask(tx, *given)


async def read(full: Full) -> Any:
    events, _ = await within(full, lambda tx: event_log.read(tx, Position(), limit=1000))
    return events


async def said_for_another(full: Full) -> Any:
    fact = levelled("l2", "SKU-1", "4")
    entry = event_log.Entry(tenant="main", source="shop", received_at=NOON, fact=fact)
    return await within(full, event_log.append_once, [entry])


async def substitutes_for_another(full: Full) -> Any:
    found = await full.hub.supply.substitutes(OTHER, ["SKU-1"], customer="", channel="")
    return found["SKU-1"]


async def _other_names(full: Full, party: str) -> list[str]:
    """Give what else somebody is called; the name of one whom nobody knows stands for itself."""
    return [name for name in await full.hub.catalog.known_as(OTHER, party) if name != party]


Ask = Callable[[Full], Awaitable[Any]]
KEYS = [("SKU-1", "DC1")]
INSTANCE = ("publishing", "shop/web/a")
REFERENCES = [Reference.item("77", EACH), Reference.item("SKU-1", EACH), Reference.location("DC1")]

# Each asks as a stranger for what is another's, by its very name. The answer must be nothing,
# a refusal, or the same as for a tenant of whom nobody ever heard.
SHOWS: Mapping[str, Ask] = {
    "Allocation.approve": lambda full: full.hub.allocation.approve(
        OTHER, full.allocation_run_id, by="x"
    ),
    "Allocation.confirmed_by": lambda full: full.hub.allocation.confirmed_by(OTHER, ["order-1/1"]),
    "Allocation.lines": lambda full: full.hub.allocation.lines(OTHER, "SKU-1", "DC1"),
    "Allocation.reject": lambda full: full.hub.allocation.reject(
        OTHER, full.allocation_run_id, by="x", remark="x"
    ),
    "Allocation.run": lambda full: full.hub.allocation.run(OTHER, full.allocation_run_id),
    "Allocation.runs": lambda full: full.hub.allocation.runs(OTHER),
    "Allocation.simulate": lambda full: full.hub.allocation.simulate(
        OTHER, "SKU-1", "DC1", by="x"
    ),
    "Rulebook.protections": lambda full: full.hub.allocation.rulebook.protections(OTHER),
    "GroupBook.listed": lambda full: full.hub.allocation.groups.listed(OTHER),
    "Reconciliation.close": lambda full: full.hub.reconciliation.close(
        OTHER, full.finding_id, "COUNT", "", by="a stranger"
    ),
    "CountTasks.listed": lambda full: full.hub.count_tasks.listed(OTHER),
    "CountTasks.ask": lambda full: full.hub.count_tasks.ask(
        OTHER, "SKU-1", "DC1", reconciliation.CountReason.RECALL
    ),
    "CountTasks.refuse": lambda full: full.hub.count_tasks.refuse(
        OTHER, full.count_id, "x", by="a stranger"
    ),
    "Periods.figures": lambda full: full.hub.periods.figures(OTHER, "2026-02", "erp"),
    "Periods.listed": lambda full: full.hub.periods.listed(OTHER),
    "Periods.one": lambda full: full.hub.periods.one(OTHER, "2026-02", "erp"),
    "Periods.sign": lambda full: full.hub.periods.sign(OTHER, SIGN_OFF),
    "Counts.listed": lambda full: full.hub.counts.listed(OTHER),
    "Counts.approve": lambda full: full.hub.counts.approve(OTHER, full.counted_id, "x", by="x"),
    "Counts.refuse": lambda full: full.hub.counts.refuse(OTHER, full.counted_id, "x", by="x"),
    "Reconciliation.cycle_counts": lambda full: full.hub.reconciliation.cycle_counts(OTHER),
    "Reconciliation.finding": lambda full: full.hub.reconciliation.finding(OTHER, full.finding_id),
    "Reconciliation.findings": lambda full: full.hub.reconciliation.findings(OTHER),
    "Sampler.plans": lambda full: full.hub.sampler.plans(OTHER),
    **SAMPLED,
    **as2_apart.shows(OTHER),
    "Sampler.sample": lambda full: full.hub.sampler.sample(OTHER, "shop", "web", by="x"),
    "Reconciliation.run": lambda full: full.hub.reconciliation.run(OTHER, full.run_id),
    "Reconciliation.runs": lambda full: full.hub.reconciliation.runs(OTHER),
    "Proposals.snapshots": lambda full: full.hub.proposals.snapshots(OTHER, "shop"),
    "Access.keys": lambda full: full.hub.access.keys(OTHER),
    "Access.revoke": lambda full: full.hub.access.revoke(OTHER, full.key_id, by="x"),
    "Budgets.curve": lambda full: full.hub.publishing.budgets.curve(OTHER, "shop", "web", "SKU-1"),
    "Budgets.show": lambda full: full.hub.publishing.budgets.show(
        OTHER, "shop", "web", ItemsWanted()
    ),
    "Catalog.findings": lambda full: full.hub.catalog.findings(OTHER),
    "Catalog.known_as": lambda full: _other_names(full, "METRO"),
    "Catalog.item": lambda full: full.hub.catalog.item(OTHER, "SKU-1"),
    "Catalog.items": lambda full: full.hub.catalog.items(OTHER),
    "Catalog.location": lambda full: full.hub.catalog.location(OTHER, "DC1"),
    "Catalog.locations": lambda full: full.hub.catalog.locations(OTHER),
    "Catalog.parties": lambda full: full.hub.catalog.parties(OTHER),
    "Catalog.party": lambda full: full.hub.catalog.party(OTHER, "METRO"),
    "Catalog.link": lambda full: full.hub.catalog.link(
        OTHER, "shop", Reference.item("78", EACH), "SKU-1", by="x"
    ),
    "Channels.listed": lambda full: full.hub.channels.listed(OTHER),
    "Directory.add": lambda full: full.hub.directory.add(OTHER, ENTRY),
    "Directory.change": lambda full: full.hub.directory.change(OTHER, "shop", concurrency=1),
    "Directory.entries": lambda full: full.hub.directory.entries(OTHER),
    "Directory.get": lambda full: full.hub.directory.get(OTHER, "shop"),
    "Directory.pause": lambda full: full.hub.directory.pause(OTHER, "shop", "x"),
    "Directory.resume": lambda full: full.hub.directory.resume(OTHER, "shop"),
    "Directory.rotate_secrets": lambda full: full.hub.directory.rotate_secrets(OTHER),
    "Directory.who_plays": lambda full: full.hub.directory.who_plays(OTHER, PublishesAvailability),
    "Exposures.show": lambda full: full.hub.publishing.exposures.show(
        OTHER, "shop", "web", ItemsWanted()
    ),
    "Inbox.receive": lambda full: full.hub.inbox.receive(OTHER, "shop", webhook()),
    "Inventory.confirm": lambda full: full.hub.inventory.confirm(OTHER, full.reservation_id),
    "Inventory.consume": lambda full: full.hub.inventory.consume(OTHER, full.reservation_id),
    "Inventory.explain": lambda full: full.hub.inventory.explain(OTHER, full.reservation_id),
    "Inventory.held_for_kits": lambda full: full.hub.inventory.held_for_kits(OTHER, "order-7"),
    "Inventory.explain_order": lambda full: full.hub.inventory.explain_order(OTHER, "order-7"),
    "Inventory.lines_of": lambda full: full.hub.inventory.lines_of(OTHER, "order-1"),
    "Inventory.extend": lambda full: full.hub.inventory.extend(OTHER, full.reservation_id, 60),
    "Inventory.get": lambda full: full.hub.inventory.get(OTHER, full.reservation_id),
    "Inventory.is_made": lambda full: full.hub.inventory.is_made(OTHER, "script", "r1"),
    "Inventory.on_hand": lambda full: full.hub.inventory.on_hand(OTHER, KEYS),
    "Inventory.open_demand": lambda full: full.hub.inventory.open_demand(OTHER, ["order-7/1"]),
    "Inventory.release": lambda full: full.hub.inventory.release(OTHER, full.reservation_id),
    "Inventory.transfer": lambda full: full.hub.inventory.transfer(
        OTHER, full.reservation_id, "DC2"
    ),
    "OrderSourcing.plan": lambda full: full.hub.order_sourcing.plan(OTHER, "script", WANTED),
    "OrderSourcing.plan_of_stock": lambda full: full.hub.order_sourcing.plan_of_stock(
        OTHER, "script", WANTED, {}
    ),
    "OrderSourcing.put_node": lambda full: full.hub.order_sourcing.put_node(
        OTHER, NodeFacts(node="DC1"), by="a stranger"
    ),
    "Sourcing.decision": lambda full: full.hub.sourcing.decision(OTHER, full.decision_id),
    "Sourcing.decisions_of": lambda full: full.hub.sourcing.decisions_of(OTHER, ["order-1"]),
    "Sourcing.inputs": lambda full: full.hub.sourcing.inputs(OTHER, full.decision_id),
    "Sourcing.known": lambda full: full.hub.sourcing.known(OTHER, "script", "s1", b""),
    "Sourcing.nodes": lambda full: full.hub.sourcing.nodes(OTHER),
    "Sourcing.rules": lambda full: full.hub.sourcing.rules(OTHER),
    "Allocation.channels_of": lambda full: full.hub.allocation.channels_of(OTHER, ["o1/1"]),
    "Sourcing.takes_substitutes": lambda full: full.hub.sourcing.takes_substitutes(
        OTHER, Asked(order=Order(lines=())), NOON
    ),
    "Supply.substitutes": substitutes_for_another,
    "Sourcing.stored_nodes": lambda full: full.hub.sourcing.stored_nodes(OTHER),
    "Sourcing.withdraw_node": lambda full: full.hub.sourcing.withdraw_node(
        OTHER, "DC1", by="test"
    ),
    "Outbox.depths": lambda full: full.hub.outbox.depths(OTHER),
    "Outbox.discard": lambda full: full.hub.outbox.discard(OTHER, ["letter"], BY),
    "Outbox.edit": lambda full: full.hub.outbox.edit(OTHER, "letter", {"quantity": "1"}, BY),
    "Outbox.find": lambda full: full.hub.outbox.find(OTHER, Wanted(ids=("letter",))),
    "Outbox.replay": lambda full: full.hub.outbox.replay(OTHER, Wanted(), BY),
    "Outbox.resolve": lambda full: full.hub.outbox.resolve(OTHER, "letter", BY, happened=True),
    "Outbox.show": lambda full: full.hub.outbox.show(OTHER, "letter"),
    "Quarantine.discard": lambda full: full.hub.quarantine.discard(
        OTHER, [full.quarantined.id], reason="x"
    ),
    "Channels.end": lambda full: full.hub.channels.end(OTHER, "shop", "DC1", by="test"),
    "Catalog.native_keys_in": lambda full: full.hub.catalog.native_keys_in(
        OTHER, "shop", REFERENCES
    ),
    "Authority.check_source": lambda full: full.hub.authority.check_source(OTHER, "crossdock"),
    "Catalog.check_group": lambda full: full.hub.catalog.check_group(OTHER, "EAST", []),
    "Authority.check_stock": lambda full: full.hub.authority.check_stock(OTHER, "DC1", "shop"),
    "Authority.clear_keeper": lambda full: full.hub.authority.clear_keeper(OTHER, "DC1"),
    "Authority.keepers": lambda full: full.hub.authority.keepers(OTHER),
    "Authority.set_keeper": lambda full: full.hub.authority.set_keeper(
        OTHER, "DC1", "shop", by="a stranger"
    ),
    "Cases.close": lambda full: full.hub.cases.close(OTHER, full.case_id, "x"),
    "Cases.count_overdue": lambda full: full.hub.cases.count_overdue(OTHER),
    "Cases.find": lambda full: full.hub.cases.find(OTHER),
    "Cases.show": lambda full: full.hub.cases.show(OTHER, full.case_id),
    "Connections.add": lambda full: full.hub.connections.add(OTHER, ENTRY),
    "Connections.change": lambda full: full.hub.connections.change(
        OTHER, "shop", Changes(limits={"freshness_seconds": 60})
    ),
    "Connections.check": lambda full: full.hub.connections.check(OTHER, "shop"),
    "Connections.remove": lambda full: full.hub.connections.remove(
        OTHER, "shop", BY, discard=True
    ),
    "Connections.rewind": lambda full: full.hub.connections.rewind(OTHER, "shop", NOON),
    "Connections.rotate_secrets": lambda full: full.hub.connections.rotate_secrets(OTHER),
    "Connections.show": lambda full: full.hub.connections.show(OTHER, "shop"),
    "Instances.count_parked": lambda full: full.hub.instances.count_parked(OTHER),
    "Instances.find": lambda full: full.hub.instances.find(OTHER),
    "Instances.resume": lambda full: full.hub.instances.resume(OTHER, *INSTANCE),
    "Instances.show": lambda full: full.hub.instances.show(OTHER, *INSTANCE),
    "Proposals.find": lambda full: full.hub.proposals.find(OTHER),
    "Quarantine.count_open": lambda full: full.hub.quarantine.count_open(OTHER),
    "Quarantine.find": lambda full: full.hub.quarantine.find(OTHER, ids=[full.quarantined.id]),
    "Quarantine.show": lambda full: full.hub.quarantine.show(OTHER, full.quarantined.id),
    "Refusals.count": lambda full: full.hub.refusals.count(OTHER),
    "Refusals.discard": lambda full: full.hub.refusals.discard(OTHER, 1, reason="why"),
    "Refusals.find": lambda full: full.hub.refusals.find(OTHER),
    "Refusals.reapply": lambda full: full.hub.refusals.reapply(OTHER, 1),
    "Requests.publish": lambda full: full.hub.publishing.requests.publish(OTHER, "shop", "web"),
    "Supply.drop_rule": lambda full: full.hub.supply.drop_rule(OTHER, "SKU-1", "DC1", by="x"),
    "KeptPromises.get": lambda full: full.hub.kept_promises.get(OTHER, full.kept_id),
    "KeptPromises.listed": lambda full: full.hub.kept_promises.listed(OTHER),
    "KeptPromises.of_order": lambda full: full.hub.kept_promises.of_order(OTHER, "order-1"),
    "KeptPromises.release": lambda full: full.hub.kept_promises.release(
        OTHER, full.kept_id, by="x"
    ),
    "KnownSupply.commitments": lambda full: full.hub.supply.known.commitments(
        OTHER, with_closed=True
    ),
    "KnownSupply.kits": lambda full: full.hub.supply.known.kits(OTHER),
    "KnownSupply.lots": lambda full: full.hub.supply.known.lots(OTHER),
    "KnownSupply.weights": lambda full: full.hub.supply.known.weights(OTHER),
    "Supply.rules": lambda full: full.hub.supply.rules(OTHER),
    "Supply.substitutions": lambda full: full.hub.supply.substitutions(OTHER),
    "Upkeep.silent_sources": lambda full: full.hub.inventory.upkeep.silent_sources(OTHER),
    "WaitingRoom.count_since": lambda full: full.hub.waiting_room.count_since(OTHER, NOON),
    "WaitingRoom.waiting": lambda full: full.hub.waiting_room.waiting(OTHER),
    "cases.close": lambda full: within(full, cases.close, full.case_id, "x", NOON),
    "cases.listed": lambda full: within(full, cases.listed),
    "event_log.append_once": said_for_another,
    "event_log.read": read,
    "journal.of_instance": lambda full: within(full, journal.of_instance, *INSTANCE),
    "journal.of_thread": lambda full: within(full, journal.of_thread, "order-1"),
    "journal.parked": lambda full: within(full, journal.parked),
    "journal.resume": lambda full: within(full, journal.resume, *INSTANCE, NOON),
    "journal.standing": lambda full: within(full, journal.standing, *INSTANCE),
    "Inbox.translated": lambda full: within(full, full.hub.inbox.translated, "shop", full.raw_ref),
    "Outbox.enqueue": lambda full: within(full, full.hub.outbox.enqueue, [command("theirs")]),
}
# Each writes or counts under names that another has too, and must leave the other's alone.
DOES: Mapping[str, Ask] = {
    **as2_apart.does(OTHER),
    "Rulebook.clear_rule": lambda full: full.hub.allocation.rulebook.clear_rule(
        OTHER, AllocationRule(channel="web"), by="x"
    ),
    "GroupBook.clear": lambda full: full.hub.allocation.groups.clear(OTHER, "trade", by="x"),
    "GroupBook.put": lambda full: full.hub.allocation.groups.put(OTHER, TRADE, by="x"),
    "Rulebook.policy": lambda full: full.hub.allocation.rulebook.policy(OTHER),
    "Rulebook.protect": lambda full: full.hub.allocation.rulebook.protect(OTHER, KEPT, by="x"),
    "Rulebook.rules": lambda full: full.hub.allocation.rulebook.rules(OTHER),
    "Rulebook.set_policy": lambda full: full.hub.allocation.rulebook.set_policy(
        OTHER, Applies.EVERYTHING, four_eyes=False, by="x"
    ),
    "Rulebook.set_rule": lambda full: full.hub.allocation.rulebook.set_rule(
        OTHER, AllocationRule(channel="web", strategy=Strategy.LOSE), by="x"
    ),
    "Rulebook.unprotect": lambda full: full.hub.allocation.rulebook.unprotect(
        OTHER, "SKU-1", "DC1", "web", by="x"
    ),
    "Reconciliation.policy": lambda full: full.hub.reconciliation.policy(OTHER),
    "Reconciliation.set_policy": lambda full: full.hub.reconciliation.set_policy(
        OTHER, reconciliation.HousePolicy(four_eyes=True), by="x"
    ),
    "Reconciliation.rules": lambda full: full.hub.reconciliation.rules(OTHER),
    "Reconciliation.put_rules": lambda full: full.hub.reconciliation.put_rules(
        OTHER, reconciliation.Rules(attempts=5), by="x"
    ),
    "Periods.close": lambda full: full.hub.periods.close(OTHER, PERIOD),
    "Counts.accuracy": lambda full: full.hub.counts.accuracy(OTHER),
    "Reconciliation.backlog": lambda full: full.hub.reconciliation.backlog(OTHER),
    "Reconciliation.heal": lambda full: full.hub.reconciliation.heal(OTHER, "erp", by="x"),
    "Reconciliation.compare": lambda full: full.hub.reconciliation.compare(OTHER, COMPARED),
    "OpenLines.compare": lambda full: full.hub.open_lines.compare(OTHER, OPEN),
    "Access.create": lambda full: full.hub.access.create(
        STRANGER, NewKey(name="main's", verbs=ROLES["reader"])
    ),
    "Catalog.names": lambda full: full.hub.catalog.names(OTHER, ["SKU-1"], ["DC1"]),
    "Catalog.resolve_in": lambda full: full.hub.catalog.resolve_in(OTHER, "shop", REFERENCES),
    "Channels.publish": lambda full: full.hub.channels.publish(OTHER, SHOP, ["a"]),
    "Channels.put": lambda full: full.hub.channels.put(OTHER, SHOP, by="test"),
    "Inbox.record": lambda full: full.hub.inbox.record(
        OTHER, "shop", [levelled("l1", "SKU-1", "4")], b"raw"
    ),
    "Inventory.availability": lambda full: full.hub.inventory.availability(OTHER, KEYS),
    "Inventory.packs": lambda full: full.hub.inventory.packs(OTHER, KEYS),
    "Inventory.picked": lambda full: full.hub.inventory.picked(OTHER, ["order-7/1"]),
    "Inventory.reserve": lambda full: full.hub.inventory.reserve(OTHER, "script", asking("r1")),
    "Inventory.reserving": lambda full: full.hub.inventory.reserving(
        OTHER, "script", asking("r1")
    ),
    "Inventory.channel_shares": lambda full: full.hub.inventory.channel_shares(
        OTHER, ("web", ""), KEYS, {"order-7/1": KEYS[0]}
    ),
    "Inventory.reserve_many": lambda full: full.hub.inventory.reserve_many(
        OTHER, "script", [asking("r1"), asking("lapsing")]
    ),
    "Sourcing.decide": lambda full: full.hub.sourcing.decide(
        OTHER, "script", ASKED, list[Candidate], NOON
    ),
    "Sourcing.put_node": lambda full: full.hub.sourcing.put_node(
        OTHER, NodeFacts(node="DC1", load_percent=9), by="a stranger"
    ),
    "Sourcing.put_rules": lambda full: full.hub.sourcing.put_rules(
        OTHER, Rules(), by="a stranger"
    ),
    "Quarantine.replay": lambda full: full.hub.quarantine.replay(OTHER, [full.quarantined]),
    "Securing.at_risk": lambda full: full.hub.securing.at_risk(OTHER),
    "Securing.secure": lambda full: full.hub.securing.secure(OTHER, [("BOLT", "DC1")]),
    "KeptPromises.promise": lambda full: full.hub.kept_promises.promise(OTHER, "script", BY_DATE),
    "Supply.promise_dates": lambda full: full.hub.supply.promise_dates(OTHER, [ATP]),
    "Supply.put_rule": lambda full: full.hub.supply.put_rule(OTHER, RULE, by="x"),
    "Supply.put_substitution": lambda full: full.hub.supply.put_substitution(
        OTHER, SUBSTITUTE, by="x"
    ),
    "Upkeep.replayed_hash": lambda full: full.hub.inventory.upkeep.replayed_hash(OTHER),
    "Upkeep.set_freshness": lambda full: full.hub.inventory.upkeep.set_freshness(
        OTHER, "shop", 60
    ),
    "Upkeep.set_safety": lambda full: full.hub.inventory.upkeep.set_safety(
        OTHER, "SKU-1", "DC1", 40 * MICROS, by="test"
    ),
    "Upkeep.state_hash": lambda full: full.hub.inventory.upkeep.state_hash(OTHER),
}


async def test_a_stranger_is_shown_nothing_and_changes_nothing_without_the_second_layer(
    full: Full,
) -> None:
    before = await full.rows()
    assert sum(map(bool, before.values())) >= 20
    known = full.hub.supply.known
    for told in (known.commitments, known.kits, known.lots, known.weights):
        assert await told(MAIN), told.__name__
    for name, ask in SHOWS.items():
        try:
            answer = await ask(full)
        except CrossdockError:
            continue
        assert not answer, (name, answer)
    assert await full.rows() == before


async def test_what_a_stranger_does_leaves_the_other_alone_without_the_second_layer(
    full: Full,
) -> None:
    before = await full.rows()
    for name, ask in DOES.items():
        answer = await ask(full)
        assert await full.rows() == before, name
        assert full.reservation_id not in repr(answer), name

    nothing = await full.hub.inventory.upkeep.replayed_hash(NOBODY)
    assert await full.hub.inventory.upkeep.replayed_hash(OTHER) == nothing
    for scope in (OTHER, NOBODY):
        [stock] = await full.hub.inventory.availability(scope, KEYS)
        assert not stock.is_known
        assert (stock.on_hand.micros, stock.figures.nettable, stock.figures.hard) == (0, 0, 0)
        [atp] = await full.hub.supply.promise_dates(scope, [ATP])
        assert (atp.now, atp.inbound, atp.standing[:3]) == (0, (), (0, 0, 0))
        assert [(one.supply, one.demand) for one in atp.buckets] == [(0, 0)]
    units, places = await full.hub.catalog.names(OTHER, ["SKU-1"], ["DC1"])
    assert (units, places) == ({}, set())


async def test_workers_serve_both_without_the_second_layer(
    full: Full, clock: VirtualClock
) -> None:
    """Expiry, announcements, folding and retries go over all tenants and mix up none."""
    await full.hub.inventory.upkeep.set_safety(OTHER, "SKU-1", "DC1", 0, by="test")
    await clock.advance(timedelta(hours=1))

    await full.hub.inventory.upkeep.sweep()
    await full.hub.settle()
    await full.hub.allocating.work.mark_all()
    assert await full.hub.allocating.work.due() == 1

    stock = await full.hub.availability("SKU-1", "DC1")
    assert (stock.figures.soft, stock.figures.hard) == (0, 6 * MICROS)
    runs = await full.hub.allocation.runs(MAIN)
    assert full.allocation_run_id in {run.run_id for run in runs}
    assert not await full.hub.allocation.runs(OTHER)
    async with full.hub.database.transaction(MAIN) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000)
    assert {event.tenant for event in events} == {"main"}
    hashes = [full.hub.inventory.upkeep.state_hash, full.hub.inventory.upkeep.replayed_hash]
    assert len({await ask(MAIN) for ask in hashes}) == 1


def test_every_service_that_takes_a_scope_is_asked() -> None:
    asked = {
        f"{service.__name__}.{name}"
        for service in SERVICES
        for name, method in inspect.getmembers(service, inspect.isfunction)
        if not name.startswith("_")
        and {"scope", "by"} & {*list(inspect.signature(method).parameters)[1:2]}
    }

    assert asked <= SHOWS.keys() | DOES.keys()
