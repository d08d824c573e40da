"""With --json every command prints one JSON value on stdout, and nothing else."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.sourcing import NodeFacts
from crossdock.capabilities.supply import PromiseAsked, Question
from crossdock.connectivity.edi.documents import as_json
from crossdock.connectivity.edi.standards import documents
from crossdock.connectivity.interchanges import Handed
from crossdock.interfaces.cli.entry import COMMANDS
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.docs.generate import commands_of
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import (
    PROCESS,
    as2_message,
    dead_letters,
    open_case,
    parked_instances,
    parked_letter,
    refused_event,
    unknown_items,
    waiting_runs,
)
from tests.processes.counted import dear_counts, told_to_count
from tests.processes.exchanged import OWN, THEIRS, order, x12
from tests.unit.connectivity.as2.parties import pem
from tests.unit.connectivity.edi.edifact.interchanges import interchange as edifact
from tests.unit.connectivity.edi.x12.interchanges import interchange

ROOT = Path(__file__).parents[3]
MICROS = 1_000_000
EDI = (
    ("order.edi", interchange()),
    ("orders.edi", edifact()),
    ("order.jsonl", json.dumps(as_json(next(documents([interchange().encode()]))))),
    ("test.edi", x12(1, order(), usage="T").decode()),
    ("out.edi", x12(40, order(), sender=OWN, receiver=THEIRS).decode()),
)

# In an order in which each finds what it needs; {…} is filled in with what the trouble is called.
ONCE: tuple[str, ...] = (
    "version",
    "edi validate order.edi",
    "edi ack order.edi",
    "edi validate orders.edi",
    "edi ack orders.edi",
    "edi parse order.edi",
    "edi explain orders.edi",
    "edi generate order.jsonl",
    "edi mask orders.edi",
    "edi split order.edi --into parts",
    "edi diff order.edi order.edi",
    "partner put Buyer --role CUSTOMER --owner edi --contact Ann,,ann@example.com",
    "partner put Own --role LEGAL_ENTITY",
    "partner identity Buyer ISA BUYER --qualifier ZZ",
    "partner identity Own ISA SELLER --qualifier ZZ",
    "partner agree Buyer X12 850 IN --ack 997",
    "partner advance Buyer CONNECTED",
    "partner show Buyer",
    "partner list",
    "edi receive test.edi",
    "edi sent out.edi",
    "edi interchanges",
    "edi interchange {interchange}",
    "edi replay",
    "edi gaps",
    "partner set-back Buyer INVITED --because anew",
    "partner rename Own House",
    (
        "as2 wrap order.edi --from dock --to acme --key dock.pem --certificate acme.pem"
        " --out sent.as2 --sent sent.json"
    ),
    "as2 open sent.as2 --key acme.pem --certificate dock.pem --receipt receipt.as2",
    "as2 match receipt.as2 --sent sent.json --certificate acme.pem",
    "as2 certificates acme.pem",
    (
        "as2 put-partner dock acme --url http://127.0.0.1:9/as2 --certificate acme.pem"
        " --sign none --receipt none"
    ),
    "as2 partners",
    "as2 partner dock acme",
    "as2 keys",
    "as2 send dock acme order.edi --request r1 --later",
    "as2 messages",
    "as2 message {as2}",
    "as2 resend {as2}",
    "migrate",
    "doctor",
    "catalog add-item HOSE",
    "catalog add-location DC2 --member DC1",
    "catalog add-party METRO --role CUSTOMER",
    "catalog items",
    "catalog locations",
    "catalog parties",
    "catalog link crossdock 4711 HOSE",
    "catalog link crossdock 17 METRO --party",
    "catalog set-keeper DC1 crossdock",
    "catalog keepers",
    "catalog clear-keeper DC1",
    "connection applications",
    "connection add drop generic_wms_files --file drop.json",
    "connection show drop",
    "connection change drop --rate 5",
    "connection rewind drop --to beginning",
    "connection add spare generic_wms_files --file spare.json",
    "connection remove spare --reason why",
    "connection list",
    "connection check drop",
    "connection pause drop --reason holidays",
    "connection resume drop",
    "channel put drop DC1 --from DC1",
    "channel list",
    "channel show drop DC1",
    "channel budget drop DC1",
    "channel publish drop DC1 --item BOLT",
    "channel end drop DC1",
    "key create board --role reader",
    "key list",
    "key revoke {key}",
    "stock available BOLT DC1",
    "stock on-hand BOLT DC1",
    "stock reserve BOLT DC1 1 --request-id r",
    "stock holds BOLT DC1",
    "stock show {hold}",
    "stock explain {hold}",
    "stock extend {hold} --ttl 60",
    "stock confirm {hold}",
    "stock consume {hold} --consumed {line}",
    "stock transfer {hold} DC1",
    "stock release {hold}",
    "stock safety BOLT DC1 1",
    "stock promise BOLT DC1 1 --request p",
    "stock promises",
    "stock promises --at-risk",
    "stock explain {kept}",
    "stock release-promise {kept}",
    "source put-node DC1 --load 30",
    "source nodes",
    "source put-rules all --max-shipments 2",
    "source rules",
    "source plan --file plan.json",
    "source explain {decision}",
    "stock atp BOLT@DC1 --quantity 1 --by 2026-06-30",
    "stock atp-rule BOLT * --lead-time 9",
    "stock atp-rules",
    "stock calendar DC1 --cutoff 15:30",
    "stock drop-atp-rule BOLT *",
    "stock put-substitutes BOLT --file none.json",
    "stock substitutes",
    "stock supply --closed",
    "stock fill ACME",
    "stock kits",
    "stock lots",
    "stock weights",
    "allocation rules --channel web --strategy WIN",
    "allocation policy --applies NOTHING --four-eyes",
    "allocation protect BOLT DC1 key --from 2098-12-01T00Z --until 2099-01-01T00Z --minimum 1",
    "allocation protections",
    "allocation group online --channel web",
    "allocation groups",
    "allocation lines BOLT DC1",
    "allocation simulate BOLT DC1 --by planner",
    "allocation runs",
    "allocation show {run}",
    "allocation approve {run}",
    "allocation reject {other_run} --remark why",
    "source withdraw-node DC1",
    "msg say said.json",
    "msg proposals",
    "msg list",
    "msg waiting",
    "msg show {entry}",
    "msg replay --dry-run",
    "msg discard {entry} --reason why",
    "msg refused",
    "msg discard-event {position} --reader supply --reason why",
    "msg reapply {position}",
    "dlq list",
    "dlq show a",
    "dlq edit a --change {change} --reason why",
    "dlq replay b --reason why",
    "dlq discard c --reason why",
    "dlq resolve p --happened --reason why",
    "process list",
    "process show {process} shop/web/a",
    "process resume {process}",
    "case list",
    "case show {case}",
    "case close {case} --reason why",
    "reconcile run --against erp.csv --source erp",
    "reconcile between wms=wms.csv erp=erp.csv",
    "reconcile between wms=open.csv erp=open.csv --kind orders",
    "reconcile policy --as-booked C",
    "reconcile rules",
    "reconcile put-rules --percent A=1",
    "reconcile plan",
    "reconcile runs",
    "reconcile list",
    "reconcile show {finding}",
    "reconcile backlog",
    "reconcile cycle-counts",
    "reconcile count-tasks",
    "reconcile refuse-count {count} --because blocked",
    "reconcile ask-count BOLT DC1 --reason SHORT_PICK",
    "reconcile counts",
    "reconcile accuracy",
    "reconcile approve-count {dear} --because counted --by carl",
    "reconcile reject-count {dearer} --because lost --by carl",
    "reconcile close-period P2 --against books.csv --source erp --by ann --ends-at {moment}",
    "reconcile sign-period P1 --source erp --by bob --because agreed --closed-at {closed}",
    "reconcile show-period P1 --source erp",
    "reconcile periods",
    "reconcile heal --against erp --dry-run",
    "reconcile close {finding} --cause COUNT",
)
# The trouble of others is sealed by a key that this one does not have.
ALONE = {"connection rotate-secrets", "as2 put-key dock dock.pem"}
# These go on until they are ended: they say one value at the start, or one for each event.
ENDLESS = {
    "serve --workers 0",
    "worker",
    "sim shop --port 0 --sells 0",
    "sim warehouse --items 1",
    "tail --all",
    "listen --forward-to http://127.0.0.1:9/",
}
# It needs a channel that answers; here it is refused, as below.
REFUSED = ("reconcile", "sample")
ASKED = ("reconcile", "ask")
# Half a minute and more each. Their JSON is read elsewhere: the first one's by
# tests/docs/test_wheel.py, the second one's by tests/interfaces/test_bench.py.
LONG = {"demo", "bench"}

SAID = {
    "source": "wms",
    "events": [
        {
            "type": "inventory.source_heard.v1",
            "identity": "heard:1",
            "occurred_at": "2026-05-04T12:00:00Z",
            "payload": {"source": "wms"},
        }
    ],
}


async def dear_names(hub: Hub) -> list[str]:
    """Let two counts wait for approval."""
    return [one.counted_id for one in await dear_counts(hub, "M1", "M2", item="BOLT")]


async def set_aside(hub: Hub) -> str:
    """Have a test come from somebody who is not known yet."""
    body, handed = x12(2, order("held"), usage="T"), Handed(name="held.edi", by="test")
    [held] = (await hub.gateway.interchanges.receive(hub.scope, [body], handed)).interchanges
    return held.interchange


async def closed_period(hub: Hub, crossdock: CommandLine) -> dict[str, str]:
    """Close a period, which waits to be signed off; give when it ended and was closed."""
    (crossdock.folder / "books.csv").write_text("item,location,quantity\nBOLT,DC1,90\n")
    moment = hub.clock.now().isoformat()
    words = ("close-period", "P1", "--against", "books.csv", "--source", "erp", "--by", "ann")
    await crossdock("reconcile", *words, "--ends-at", moment)
    closed = await hub.periods.one(hub.scope, "P1", "erp")
    return {"moment": moment, "closed": closed.closed_at.isoformat()}


def put_files(folder: Path, *more: tuple[str, str]) -> None:
    """Write the files that commands are given: of EDI, of keys, and more."""
    for name, text in (*EDI, *more):
        (folder / name).write_text(text)
    for name in ("dock", "acme"):
        (folder / f"{name}.pem").write_bytes(pem(name, days=(-9_000, 36_000)))


def dumps(now: datetime) -> list[tuple[str, str]]:
    """Give what two other systems say of stock, and one of open lines."""
    stock = f"item,location,quantity,as_of\nBOLT,DC1,90,{now.isoformat()}\n"
    lines = stock.replace("BOLT", "SO-9/1,BOLT").replace("item", "document,item")
    return [("erp.csv", stock), ("wms.csv", stock), ("open.csv", lines)]


@pytest.fixture
async def filled(hub: Hub, crossdock: CommandLine) -> dict[str, str]:
    """Fill a hub with something for each command; give the names that the hub chose."""
    position = await refused_event(hub, "BOLT", "catalog", "supply")
    run, other_run, _ = await waiting_runs(hub, "NUT", "PIN", "BOLT")
    dear, dearer = await dear_names(hub)
    await dead_letters(hub, "a", "b", "c")
    await parked_letter(hub, "p")
    await unknown_items(hub, "1")
    await hub.waiting_room.retry_due()
    await unknown_items(hub, "2")
    await parked_instances(hub, "shop/web/a")
    lines = (ReservationLine("BOLT", "DC1", 2 * MICROS),)
    hold = await hub.inventory.reserve(hub.scope, "test", ReservationRequest("order-1", lines))
    [entry] = await hub.quarantine.find(hub.scope)
    await hub.order_sourcing.put_node(hub.scope, NodeFacts(node="DC1"), by="test")
    bolt = SourceOrder(
        lines=[SourceLine(item="BOLT", quantity=Quantity.of(1, ""))], request_id="order-7"
    )
    sourced = await hub.order_sourcing.plan(hub.scope, "test", bolt)
    crossdock.write("plan.json", {"lines": [{"item": "BOLT", "quantity": {"value": "1"}}]})
    crossdock.write("none.json", {"alternatives": []})
    crossdock.write("said.json", SAID)
    for name in ("drop", "spare"):
        (crossdock.folder / name).mkdir()
        crossdock.write(
            f"{name}.json", {"folder": str(crossdock.folder / name), "location": "DC1"}
        )
    await crossdock("key", "create", "old", "--role", "reader")
    [key] = await hub.access.keys(hub.scope)
    put_files(crossdock.folder, *dumps(hub.clock.now()))
    await crossdock("reconcile", "run", "--against", "erp.csv", "--source", "books")
    [finding] = await hub.reconciliation.findings(hub.scope)
    [count] = await told_to_count(hub, "BOLT")
    asked = PromiseAsked("by-date", (Question("BOLT", "DC1", "EA", MICROS),), ("",))
    kept = await hub.kept_promises.promise(hub.scope, "test", asked)
    return {
        "as2": await as2_message(hub),
        "kept": kept.promise_id,
        "finding": finding.finding_id,
        **await closed_period(hub, crossdock),
        "count": count.count_id,
        "dear": dear,
        "dearer": dearer,
        "position": str(position),
        "hold": hold.reservation_id,
        "decision": sourced.answer.decided.decision_id,
        "line": f"{hold.lines[0].line_no} 1",
        "entry": str(entry.id),
        "case": await open_case(hub),
        "key": key.key_id,
        "process": PROCESS,
        "change": '{"quantity": "3"}',
        "run": run,
        "other_run": other_run,
        "interchange": await set_aside(hub),
    }


def values(out: str) -> list[Any]:
    """Read one value per line; anything else on stdout is an error."""
    assert out.endswith("\n"), out
    return [json.loads(line) for line in out.splitlines()]


def named(command: str) -> tuple[str, ...]:
    """Give the words that name a command, without its arguments."""
    name, *rest = command.split()
    return (name, *(rest[:1] if ((rest or [""])[0],) in commands_of(name) else ()))


def test_every_command_is_tried() -> None:
    every = {(name, *words) for name in COMMANDS for words in commands_of(name)}
    tried = {named(command) for command in (*ONCE, *ALONE, *ENDLESS)}

    assert every - tried == {(name,) for name in LONG} | {REFUSED, ASKED}


async def test_a_command_with_json_prints_one_value_and_nothing_else(
    crossdock: CommandLine, filled: dict[str, str]
) -> None:
    for command in ONCE:
        words = [word.format(**filled) if word in braced(filled) else word
                 for word in command.split()]  # fmt: skip
        said = await crossdock(*words, "--json")

        assert len(values(said.out)) == 1, (command, said)
        is_unwell = command == "doctor"  # no worker runs here
        assert said.code == (1 if is_unwell else 0), (command, said)


@pytest.mark.parametrize("command", sorted(ALONE))
async def test_a_command_that_needs_no_trouble_prints_one_value_too(
    crossdock: CommandLine, command: str
) -> None:
    put_files(crossdock.folder)

    said = await crossdock(*command.split(), "--json")

    assert (said.code, len(values(said.out))) == (0, 1), said


def braced(names: dict[str, str]) -> set[str]:
    return {f"{{{name}}}" for name in names}


@pytest.mark.parametrize(
    "command",
    ["stock show rsv_0", "dlq show nobody", "msg show 0", "case show x", "process show x y",
     "key revoke x", "connection check x", "msg reapply 1", "channel put x DC1 --from DC1",
     "reconcile show fnd_x", "reconcile run --against nobody", "reconcile run --against x.csv",
     "reconcile sample shop web", "reconcile ask erp DC1 --item BOLT",
     "reconcile between wms=no.csv erp"],
)  # fmt: skip
async def test_an_error_with_json_is_one_value_with_what_to_do_about_it(
    crossdock: CommandLine, command: str
) -> None:
    said = await crossdock(*command.split(), "--json")

    [error] = values(said.out)
    assert (said.code > 0, error.keys()) == (True, {"error", "message", "where", "hint"})


@asynccontextmanager
async def typed(crossdock: CommandLine, command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command that does not end by itself; at the end it is interrupted."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crossdock", *command.split(), "--json",
        cwd=crossdock.folder, env={**crossdock.environment, "CROSSDOCK_PORT": "0"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.communicate(), 20)
        except TimeoutError:  # started with interrupts ignored, as in the background of a shell
            process.kill()
            await process.wait()


@pytest.mark.parametrize("command", sorted(ENDLESS - {"listen --forward-to http://127.0.0.1:9/"}))
async def test_a_command_that_goes_on_says_one_value_a_line(
    crossdock: CommandLine, hub: Hub, command: str
) -> None:
    await hub.put_stock("BOLT", "DC1", 1)

    async with typed(crossdock, command) as process, asyncio.timeout(60):
        assert process.stdout
        first = await process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()

    said = values(first.decode() + rest.decode())
    assert len(said) == 1 or command.startswith("tail")


async def test_listen_forwards_each_event_and_says_what_was_answered(
    crossdock: CommandLine, hub: Hub
) -> None:
    posted: list[dict[str, Any]] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        posted.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = f"listen --forward-to http://127.0.0.1:{port}/hook --events catalog.item*"
    async with server, typed(crossdock, command) as process, asyncio.timeout(60):
        assert process.stdout
        line = asyncio.ensure_future(process.stdout.readline())
        number = 0
        while not line.done():  # until it listens, nobody forwards anything
            await hub.put_stock(f"BOLT-{number}", "DC1", 1)
            number += 1
            await asyncio.wait({line}, timeout=0.5)
        [said] = values(line.result().decode())

    assert (said["type"], said["status"]) == ("catalog.item_changed.v1", 204)
    assert posted[0]["position"] == said["position"]
    assert posted[0]["type"] == "catalog.item_changed.v1"
