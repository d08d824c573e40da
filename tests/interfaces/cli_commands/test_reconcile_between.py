"""Two other systems are compared with each other, by files, at one instant: the law's examples."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine

HOURS = 3600
STOCK, LOG = "item,location,status,quantity,as_of", "reference,item,location,quantity,recorded_at"
GROUPS = ("--status", "UNAVAILABLE=DAMAGED+QC_HOLD+RECEIVING")


@dataclass(frozen=True, kw_only=True)
class Example:
    """What either system says, by seconds from the cut, and what is to come of it.

    Stock: (status, quantity, as of). Log: (reference, quantity, recorded), or None: it has none.
    """

    wms: list[tuple[str, int, int]]
    erp: list[tuple[str, int, int]]
    wms_log: list[tuple[str, int, int]] | None = None
    erp_log: list[tuple[str, int, int]] | None = None
    counted: dict[str, int] = field(default_factory=dict[str, int])
    finding: dict[str, str] = field(default_factory=dict[str, str])


RECEIVED = ("GR-0", 100, -24 * HOURS)
EXAMPLES = {
    "R1: receipts of 40 sit in the ERP's error queue, +5 are a second problem": Example(
        wms=[("AVAILABLE", 847, 0)],
        erp=[("AVAILABLE", 812, 0)],
        wms_log=[RECEIVED, ("GR-1", 25, -2 * HOURS), ("GR-2", 15, -2 * HOURS)],
        erp_log=[RECEIVED],
        counted={"suspected": 1},
        finding={"raw": "-35", "explained": "-40", "unexplained": "5"},
    ),
    "R2: what was shipped between the two snapshots is no exception": Example(
        wms=[("AVAILABLE", 97, 10)],
        erp=[("AVAILABLE", 100, 0)],
        wms_log=[RECEIVED, ("S-1", -3, 3)],
        counted={"alike": 1},
    ),
    "R2 again, where the ERP's snapshot is the later one": Example(
        wms=[("AVAILABLE", 97, 0)],
        erp=[("AVAILABLE", 100, -10)],
        wms_log=[RECEIVED, ("S-1", -3, -3)],
        erp_log=[RECEIVED],
        counted={"alike": 1},
    ),
    "R4: the ERP's one word for three statuses of the warehouse": Example(
        wms=[("DAMAGED", 8, 0), ("QC_HOLD", 7, 0), ("RECEIVING", 5, 0)],
        erp=[("UNAVAILABLE", 20, 0)],
        counted={"alike": 1},
    ),
    "R6: the ERP's log has a shipment twice": Example(
        wms=[("AVAILABLE", 500, 0)],
        erp=[("AVAILABLE", 440, 0)],
        wms_log=[RECEIVED, ("S1", -60, -2 * HOURS)],
        erp_log=[RECEIVED, ("S1", -60, -2 * HOURS), ("S1", -60, -2 * HOURS)],
        counted={"suspected": 1},
        finding={"cause": "MSG_DUP", "explained": "-60", "unexplained": "0"},
    ),
    "R6 without the warehouse's log": Example(
        wms=[("AVAILABLE", 500, 0)],
        erp=[("AVAILABLE", 440, 0)],
        erp_log=[RECEIVED, ("S1", -60, -2 * HOURS), ("S1", -60, -2 * HOURS)],
        counted={"suspected": 1},
        finding={"cause": "MSG_DUP", "unexplained": "0"},
    ),
}


def written(crossdock: CommandLine, example: Example, cut: datetime) -> list[str]:
    """Write the files; give the options that name the logs."""
    options: list[str] = []
    for name, stock, log in (
        ("wms", example.wms, example.wms_log),
        ("erp", example.erp, example.erp_log),
    ):
        lines = [
            f"BOLT,DC1,{status},{quantity},{(cut + timedelta(seconds=at)).isoformat()}"
            for status, quantity, at in stock
        ]
        (crossdock.folder / f"{name}.csv").write_text("\n".join([STOCK, *lines]) + "\n")
        if log is not None:
            lines = [
                f"{reference},BOLT,DC1,{quantity},{(cut + timedelta(seconds=at)).isoformat()}"
                for reference, quantity, at in log
            ]
            (crossdock.folder / f"{name}-log.csv").write_text("\n".join([LOG, *lines]) + "\n")
            options += ["--log", f"{name}={name}-log.csv"]
    return options


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_two_systems_are_brought_to_one_instant_and_explained(
    crossdock: CommandLine, hub: Hub, example: Example
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)
    logs = written(crossdock, example, hub.clock.now() - timedelta(hours=1))

    ran = await crossdock(
        "reconcile", "between", "wms=wms.csv", "erp=erp.csv", *logs, *GROUPS, "--json"
    )

    assert ran.code == 0, ran.err
    run = json.loads(ran.out)
    assert (run["system"], run["against"], run["compared"]) == ("wms", "erp", 1)
    assert {name: run[name] for name in example.counted} == example.counted
    listed = await crossdock("reconcile", "list", "--against", "wms", "--json")
    found = json.loads(listed.out)
    assert len(found) == bool(example.finding)
    for one in found:
        assert {name: one[name] for name in example.finding} == example.finding


async def test_the_first_of_two_may_be_the_one_that_holds_a_document_twice(
    crossdock: CommandLine, hub: Hub
) -> None:
    example = next(one for name, one in EXAMPLES.items() if name.startswith("R6: "))
    await hub.put_stock("BOLT", "DC1", 1)
    logs = written(crossdock, example, hub.clock.now() - timedelta(hours=1))

    await crossdock("reconcile", "between", "erp=erp.csv", "wms=wms.csv", *logs)

    [found] = await hub.reconciliation.findings(hub.scope)
    assert (found.system, found.against, found.cause) == ("erp", "wms", "MSG_DUP")
    assert (str(found.raw), str(found.unexplained)) == ("60", "0")


async def test_differences_never_offset_each_other_r3(crossdock: CommandLine, hub: Hub) -> None:
    """R3: P 100 against 95, Q 100 against 105: net 0, right 0 of 2, absolute 10."""
    as_of = hub.clock.now().isoformat()
    for name, p, q in (("wms", 100, 100), ("erp", 95, 105)):
        await hub.put_stock("P", "DC1", 1)
        await hub.put_stock("Q", "DC1", 1)
        rows = f"item,location,quantity\nP,DC1,{p}\nQ,DC1,{q}\n"
        (crossdock.folder / f"{name}.csv").write_text(rows)
    instants = ("--as-of", f"wms={as_of}", "--as-of", f"erp={as_of}")

    ran = await crossdock("reconcile", "between", "wms=wms.csv", "erp=erp.csv", *instants)

    assert "compared 2 of wms with erp: 0 alike" in ran.out, ran.err
    found = await hub.reconciliation.findings(hub.scope)
    assert sum(one.raw for one in found) == 0
    assert sum(one.absolute for one in found) == 10


async def test_what_cannot_be_compared_is_refused_in_plain_words(
    crossdock: CommandLine, hub: Hub
) -> None:
    now = hub.clock.now().isoformat()
    (crossdock.folder / "a.csv").write_text(f"item,location,quantity,as_of\nP,DC1,1,{now}\n")
    (crossdock.folder / "b.csv").write_text(f"item,location,quantity,as_of\nP,DC2,1,{now}\n")

    same = await crossdock("reconcile", "between", "a=a.csv", "a=b.csv")
    apart = await crossdock("reconcile", "between", "a=a.csv", "b=b.csv")
    silent = await crossdock("reconcile", "between", "a=a.csv", "b")
    nobody = await crossdock("reconcile", "between", "a=a.csv", "b=b.csv", "--log", "c=c.csv")

    assert (same.code, "compared with itself" in same.err) == (2, True)
    assert (apart.code, "no location in common" in apart.err) == (2, True)
    assert "told of no stock that another system keeps" in silent.err
    assert "does not begin with one of the two names" in nobody.err


async def test_open_orders_of_two_systems_are_compared_from_files(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 40)
    header = "document,line,item,location,quantity"
    for name, pieces in (("wms", 4), ("erp", 6)):
        rows = ["SO-1,1,BOLT,DC1,5", f"SO-2,1,BOLT,DC1,{pieces}"]
        (crossdock.folder / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")
    words = ("reconcile", "between", "wms=wms.csv", "erp=erp.csv", "--kind", "orders", "--full")
    first, then = (
        (hub.clock.now() - timedelta(minutes=minutes)).isoformat() for minutes in (90, 10)
    )
    await crossdock(*words, "--as-of", f"wms={first}", "--as-of", f"erp={first}")
    run = await crossdock(*words, "--as-of", f"wms={then}", "--as-of", f"erp={then}")
    assert "compared 2 lines of open orders of wms with erp: 1 alike" in run.out, run
    assert "0 suspected, 1 confirmed" in run.out
    listed = await crossdock("reconcile", "list", "--kind", "orders", "--against", "wms")
    assert "SO-2 line 1: BOLT at DC1, open orders of wms and erp" in listed.out, listed
    [found] = await hub.reconciliation.findings(hub.scope)
    shown = await crossdock("reconcile", "show", found.finding_id, "--chart", "two.svg")
    assert "  wms         4 EA" in shown.out, shown
    assert "  erp         6 EA" in shown.out
    assert "wms" in (crossdock.folder / "two.svg").read_text()


@pytest.mark.parametrize(
    "more", [["--log", "wms=log.csv"], ["--status", "X=DAMAGED"], ["--ask", "DC1", "--item", "X"]]
)
async def test_what_is_of_stock_alone_is_refused_of_open_lines(
    crossdock: CommandLine, more: list[str]
) -> None:
    words = ("reconcile", "between", "wms=wms.csv", "erp=erp.csv", "--kind", "orders")
    refused = await crossdock(*words, *more)
    assert refused.code == 2, refused
    assert f"{more[0]} is of stock, and these are open lines" in refused.err


async def test_who_is_named_alone_and_lists_no_open_lines_is_told_so(
    crossdock: CommandLine,
) -> None:
    refused = await crossdock("reconcile", "between", "wms", "erp", "--kind", "purchases")
    assert refused.code != 0
    assert "wms" in refused.err
