"""Open orders and purchases are compared from the command line."""

import json
from datetime import timedelta

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.reconciliation import Wanted
from tests.interfaces.cli_commands.conftest import CommandLine

HEADER = "document,line,item,location,quantity,as_of,unit_cost"
RUN = ("reconcile", "run", "--kind", "orders", "--against", "open.csv", "--source", "erp")


async def heard(hub: Hub, order: str, pieces: int, *, hours_ago: int) -> None:
    """Let the shop tell of an order of bolts."""
    await hub.put_stock("BOLT", "DC1", 40)
    line = DemandLine(
        demand_ref=f"{order}/1", item="BOLT", location="DC1", ordered=Quantity.of(pieces),
        cancelled=Quantity.of(0),
    )  # fmt: skip
    at = hub.clock.now() - timedelta(hours=hours_ago)
    fact = Fact(
        identity=order, payload=OrderChanged(order_id=order, lines=(line,)), occurred_at=at
    )
    await hub.record([fact], source="shop")


async def dumped(hub: Hub, crossdock: CommandLine, *rows: str, minutes_ago: int) -> None:
    as_of = (hub.clock.now() - timedelta(minutes=minutes_ago)).isoformat()
    lines = [f"{row},{as_of},2" for row in rows]
    (crossdock.folder / "open.csv").write_text("\n".join([HEADER, *lines]) + "\n")


async def test_an_order_from_the_first_dump_to_its_root_cause(
    crossdock: CommandLine, hub: Hub
) -> None:
    await heard(hub, "SO-1", 10, hours_ago=3)
    await heard(hub, "SO-2", 4, hours_ago=3)
    await heard(hub, "SO-3", 1, hours_ago=0)
    rows = ("SO-1,1,BOLT,DC1,10", "SO-2,1,BOLT,DC1,6")
    await dumped(hub, crossdock, *rows, minutes_ago=90)
    first = await crossdock(*RUN)
    assert "compared 2 lines of open orders with erp: 1 alike" in first.out, first
    await dumped(hub, crossdock, *rows, minutes_ago=10)

    second = await crossdock(*RUN, "--full", "--heard-from", "shop", "--lag", "20")

    assert "0 suspected, 1 confirmed" in second.out, second
    [finding] = await hub.reconciliation.findings(hub.scope)
    listed = await crossdock("reconcile", "list", "--kind", "orders", "--document", "SO-2")
    assert "SO-2 line 1: BOLT at DC1, open orders of erp" in listed.out, listed
    assert "no difference" in (await crossdock("reconcile", "list", "--kind", "stock")).out
    shown = (await crossdock("reconcile", "show", finding.finding_id)).out
    assert "CONFIRMED: SO-2 line 1: BOLT at DC1" in shown
    assert "open=4 EA side=ours" in shown
    assert "withheld" not in shown
    healing = await crossdock("reconcile", "heal", "--against", "erp", "--kind", "orders")
    assert healing.out.strip() == "0 to mend, 0 documents sent again"
    assert "open orders of erp" in (await crossdock("reconcile", "runs")).out
    closed = await crossdock("reconcile", "close", finding.finding_id, "--cause", "MSG_LOST")
    assert closed.out.strip() == f"{finding.finding_id} closed: MSG_LOST"


async def test_what_was_shipped_and_is_not_invoiced_is_found_from_a_file(
    crossdock: CommandLine, hub: Hub
) -> None:
    await heard(hub, "SO-1", 10, hours_ago=50)
    moved = StockMoved(
        movement_id="M-1", item="BOLT", quantity=Quantity.of(8), type=MovementType.SHIP,
        source_place=Place(location="DC1"), demand_ref="SO-1/1",
    )  # fmt: skip
    at = hub.clock.now() - timedelta(hours=49)
    await hub.record([Fact(identity="M-1", payload=moved, occurred_at=at)], source="wms")
    words = ("reconcile", "run", "--kind", "invoices", "--against", "open.csv", "--source", "erp")
    await dumped(hub, crossdock, "SO-1,1,BOLT,DC1,3", minutes_ago=60)
    await crossdock(*words, "--by", "Ann")
    await dumped(hub, crossdock, "SO-1,1,BOLT,DC1,3", minutes_ago=10)
    run = await crossdock(*words, "--by", "Ann")

    assert "compared 1 lines of invoices with erp: 0 alike" in run.out, run
    assert "0 suspected, 1 confirmed" in run.out
    listed = await crossdock("reconcile", "list", "--kind", "invoices")
    assert "SO-1 line 1: BOLT at DC1, invoices of erp" in listed.out, listed
    [finding] = await hub.reconciliation.findings(hub.scope)
    shown = (await crossdock("reconcile", "show", finding.finding_id, "--chart", "one.svg")).out
    assert ("in_all=8 EA" in shown, "in_all=3 EA" in shown) == (True, True)
    assert (crossdock.folder / "one.svg").exists()
    codes = [one.code for one in await hub.cases.find(hub.scope)]
    assert "SHP-NOINV" in codes


async def test_a_dump_of_lines_with_an_object_each_is_read(
    crossdock: CommandLine, hub: Hub
) -> None:
    await heard(hub, "SO-1", 10, hours_ago=3)
    row = {"document": "SO-1/1", "item": "BOLT", "location": "DC1", "quantity": 10}
    (crossdock.folder / "open.jsonl").write_text(json.dumps(row) + "\n")
    as_of = (hub.clock.now() - timedelta(minutes=1)).isoformat()

    run = await crossdock(
        *("reconcile", "run", "--kind", "orders", "--against", "open.jsonl", "--source", "erp"),
        *("--as-of", as_of, "--json"),
    )

    assert (run.json["kind"], run.json["alike"]) == ("orders", 1)


async def test_a_dump_that_is_not_believed_ends_with_one(crossdock: CommandLine, hub: Hub) -> None:
    await dumped(hub, crossdock, "SO-1,1,BOLT,DC1,10", minutes_ago=-60)

    run = await crossdock(*RUN)

    assert (run.code, "dated in the future" in run.out) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*RUN[:-2],), "whose dump is it?"),
        ((*RUN, "--log", "log.csv"), "--log is of stock alone"),
        ((*RUN, "--status", "A=AVAILABLE"), "--status is of stock alone"),
        (("reconcile", "run", "--kind", "orders", "--against", "no.csv"), "there is no file"),
        (
            ("reconcile", "run", "--kind", "invoices", "--against", "erp"),
            "nobody can be asked for invoices",
        ),
        (("reconcile", "run", "--kind", "published", "--against", "shop"), "read back"),
        (
            ("reconcile", "run", "--against", "erp", "--heard-from", "shop"),
            "--heard-from is of documents alone",
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    crossdock: CommandLine, hub: Hub, words: tuple[str, ...], said: str
) -> None:
    await dumped(hub, crossdock, "SO-1,1,BOLT,DC1,10", minutes_ago=1)

    refused = await crossdock(*words)

    assert (refused.code, said in refused.err) == (2, True), refused


@pytest.mark.parametrize("kind", ["orders", "purchases"])
async def test_who_is_not_connected_cannot_be_asked(crossdock: CommandLine, kind: str) -> None:
    refused = await crossdock("reconcile", "run", "--kind", kind, "--against", "erp")

    assert (refused.code, "there is no connection 'erp'" in refused.err) == (1, True), refused


async def test_invoiced_prices_are_compared_from_a_file_within_the_rules_that_are_put(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 40)
    put = await crossdock(
        "reconcile", "put-rules", "--price-percent", "a=1", "--price-value", "20"
    )
    assert "; of prices A 1 %, B 2 %, C 2 % and 20" in put.out, put
    header = "document,line,item,location,invoiced,unit_price,agreed_price"
    rows = ["po:1,1,BOLT,DC1,10,2.5,2", "po:2,1,BOLT,DC1,100,2.01,2"]
    (crossdock.folder / "invoiced.csv").write_text("\n".join([header, *rows]) + "\n")
    words = ("--kind", "supplier_prices", "--against", "invoiced.csv", "--source", "erp")
    at = hub.clock.now() - timedelta(minutes=10)

    run = await crossdock("reconcile", "run", *words, "--as-of", at.isoformat())

    assert "compared 2 lines of supplier prices with erp: 0 alike" in run.out, run
    assert "1 within tolerance, 1 suspected" in run.out
    assert "at risk  5" in run.out
    listed = await crossdock("reconcile", "list", "--kind", "supplier_prices")
    assert "po:1 line 1: BOLT at DC1, supplier prices of erp" in listed.out, listed
    [finding] = await hub.reconciliation.findings(hub.scope, Wanted(states=("SUSPECTED",)))
    shown = await crossdock("reconcile", "show", finding.finding_id)
    assert "  agreed      20 money" in shown.out, shown
    assert "  erp         25 money" in shown.out
    assert "unit_price=2.5" in shown.out
