"""Stock is compared, and differences are looked after, from the command line."""

import json
from datetime import timedelta

import pytest

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine

HEADER = "item,location,quantity,as_of,unit_cost,class"


async def dumped(hub: Hub, crossdock: CommandLine, *rows: str, minutes_ago: int = 0) -> None:
    """Write what the ERP says."""
    as_of = (hub.clock.now() - timedelta(minutes=minutes_ago)).isoformat()
    lines = [",".join([*row.split(",")[:3], as_of, *row.split(",")[3:]]) for row in rows]
    (crossdock.folder / "erp.csv").write_text("\n".join([HEADER, *lines]) + "\n")


RUN = ("reconcile", "run", "--against", "erp.csv", "--source", "erp")


async def test_a_difference_from_the_first_dump_to_its_root_cause(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 10)
    await hub.put_stock("NUT", "DC1", 6)
    rows = ("BOLT,DC1,10,1,A", "NUT,DC1,9,25,A", "NOBODY,DC1,1,1,A")
    await dumped(hub, crossdock, *rows, minutes_ago=40)
    first = await crossdock(*RUN)
    assert "1 suspected, 0 confirmed" in first.out, first
    assert "nobody knows NOBODY" in first.out
    await dumped(hub, crossdock, *rows)

    second = await crossdock(*RUN)

    assert "0 suspected, 1 confirmed" in second.out, second
    assert "at risk  75" in second.out
    [finding] = await hub.reconciliation.findings(hub.scope)
    listed = await crossdock("reconcile", "list", "--state", "CONFIRMED", "--cause", "UNKNOWN")
    assert finding.finding_id in listed.out
    await says_buckets(crossdock, finding.finding_id)
    await says_doubt(crossdock, finding.finding_id)
    counts = await crossdock("reconcile", "cycle-counts", "--location", "DC1")
    assert "DIFFERENCE" in counts.out
    healing = await crossdock("reconcile", "heal", "--against", "erp")
    assert healing.out.strip() == "0 to mend, 0 documents sent again"
    nonsense = await crossdock("reconcile", "close", finding.finding_id, "--cause", "UNKNOWN")
    assert (nonsense.code, "no root cause" in nonsense.err) == (2, True)
    closed = await crossdock("reconcile", "close", finding.finding_id, "--cause", "COUNT")
    assert closed.out.strip() == f"{finding.finding_id} closed: COUNT"
    assert "no difference is open" in (await crossdock("reconcile", "list")).out
    backlog = (await crossdock("reconcile", "backlog")).out
    assert "closed 1 of 1 confirmed, 100 %" in backlog
    assert "100 %  COUNT (1)" in backlog
    assert (await crossdock("reconcile", "runs")).out.count("rcn_") == 2


async def says_buckets(crossdock: CommandLine, finding_id: str) -> None:
    shown = await crossdock("reconcile", "show", finding_id)
    assert "safe        6 EA, the lower of both" in shown.out
    assert "buckets" in shown.out


async def says_doubt(crossdock: CommandLine, finding_id: str) -> None:
    how = f"crossdock reconcile show {finding_id}"
    doubt = f"suspect: erp says 3 EA more (confirmed; {how})"
    for asked in (("available", "NUT", "DC1"), ("atp", "NUT@DC1")):
        said = (await crossdock("stock", *asked)).out
        assert ("NUT at DC1: 6" in said, doubt in said) == (True, True), said
    assert "suspect" not in (await crossdock("stock", "available", "BOLT", "DC1")).out


async def test_a_hub_that_compared_nothing_says_so(crossdock: CommandLine) -> None:
    assert "nothing was compared yet" in (await crossdock("reconcile", "runs")).out
    assert "no difference is open" in (await crossdock("reconcile", "list")).out
    assert "closed 0 of 0 confirmed" in (await crossdock("reconcile", "backlog")).out


async def test_the_backlog_is_drawn_into_a_file(crossdock: CommandLine, hub: Hub) -> None:
    await hub.put_stock("BOLT", "DC1", 10)
    await dumped(hub, crossdock, "BOLT,DC1,7,2,A")
    assert "1 suspected" in (await crossdock(*RUN)).out
    drawn = await crossdock("reconcile", "backlog", "--chart", "backlog.svg")
    nowhere = await crossdock("reconcile", "backlog", "--chart", "no/such/folder.svg")

    assert (drawn.code, "drawn: backlog.svg" in drawn.out) == (0, True), drawn
    picture = (crossdock.folder / "backlog.svg").read_text()
    assert picture.startswith("<svg ")
    assert "1 open, 6 at risk" in picture
    assert (nowhere.code, "cannot be written" in nowhere.err) == (2, True), nowhere

    [found] = json.loads((await crossdock("reconcile", "list", "--json")).out)
    shown = await crossdock("reconcile", "show", found["finding_id"], "--chart", "why.svg")
    assert (shown.code, "drawn: why.svg" in shown.out) == (0, True), shown
    assert "not explained: -3" in (crossdock.folder / "why.svg").read_text()
    right = await crossdock("reconcile", "accuracy", "--chart", "right.svg")
    assert (right.code, "drawn: right.svg" in right.out) == (0, True), right
    assert "How right the books were" in (crossdock.folder / "right.svg").read_text()


async def test_a_dump_that_cannot_be_is_rejected_with_exit_code_one(
    crossdock: CommandLine, hub: Hub
) -> None:
    await hub.put_stock("BOLT", "DC1", 10)
    await dumped(hub, crossdock, "BOLT,DC1,10,1,A", minutes_ago=-10)

    said = await crossdock(*RUN)

    assert (said.code, "rejected: it is dated in the future" in said.out) == (1, True), said
    assert "REJECTED" in (await crossdock("reconcile", "runs")).out
    healing = await crossdock("reconcile", "heal", "--against", "erp")
    assert (healing.code, healing.out.strip()) == (
        1,
        "nothing is sent: the source is in an incident",
    )


async def test_a_log_and_words_for_statuses_are_taken(crossdock: CommandLine, hub: Hub) -> None:
    await hub.put_stock("BOLT", "DC1", 10)
    (crossdock.folder / "erp.csv").write_text("item,location,status,quantity\nBOLT,DC1,FREE,10\n")
    (crossdock.folder / "log.csv").write_text("reference,item,location,quantity,recorded_at\n")
    as_of = hub.clock.now().isoformat()

    said = await crossdock(
        *RUN, "--log", "log.csv", "--as-of", as_of, "--status", "FREE=AVAILABLE", "--full"
    )

    assert "compared 1 with erp: 1 alike" in said.out, said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--against", "erp.csv"), "whose dump is it?"),
        (("--against", "nothing.csv", "--source", "erp"), "there is no file nothing.csv"),
        (("--against", "erp"), "has told of no stock"),
        (("--against", "erp.csv", "--source", "erp", "--as-of", "noon"), "no instant"),
        (("--against", "erp.csv", "--source", "erp", "--status", "BAD"), "is no status"),
        (("--against", "erp.csv", "--source", "erp", "--status", "BAD=X"), "no status of the hub"),
    ],
)
async def test_what_is_said_wrongly_is_named(
    crossdock: CommandLine, words: tuple[str, ...], said: str
) -> None:
    (crossdock.folder / "erp.csv").write_text(f"{HEADER}\n")

    answer = await crossdock("reconcile", "run", *words)

    assert answer.code > 0
    assert said in answer.err


async def test_rules_are_put_and_what_is_not_said_stays(crossdock: CommandLine) -> None:
    first = await crossdock(
        "reconcile", "put-rules", "--percent", "a=1.5", "--heal", "redrive", "--attempts", "3"
    )
    assert first.out.splitlines() == [
        "version 1: tolerates A 1.5 %, B 1 %, C 5 % or 0",
        "heals by itself: REDRIVE",
        "has counted: RECALL SHORT_PICK ZERO_BALANCE, 50 a day at most",
    ]

    second = await crossdock("reconcile", "put-rules", "--heal", "NONE", "--value", "99")

    assert second.out.splitlines() == [
        "version 2: tolerates A 1.5 %, B 1 %, C 5 % or 0",
        "heals by itself: nothing",
        "has counted: RECALL SHORT_PICK ZERO_BALANCE, 50 a day at most",
    ]
    listed = (await crossdock("reconcile", "rules")).out
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["2", "1", "0"]
    assert "built in" in listed
    for strange in ("A", "D=1", "A=many"):
        refused = await crossdock("reconcile", "put-rules", "--percent", strange)
        assert refused.code == 2, refused


async def test_money_is_shown_currency_by_currency_and_what_has_no_price_says_so(
    crossdock: CommandLine, hub: Hub
) -> None:
    for item in ("BOLT", "NUT", "PIN"):
        await hub.put_stock(item, "DC1", 10)
    header = f"{HEADER},currency\n"
    for minutes_ago in (40, 0):
        as_of = (hub.clock.now() - timedelta(minutes=minutes_ago)).isoformat()
        rows = [f"BOLT,DC1,9,{as_of},5,C,EUR", f"NUT,DC1,8,{as_of},3,C,usd"]
        rows.append(f"PIN,DC1,7,{as_of},,C,")
        (crossdock.folder / "erp.csv").write_text(header + "\n".join(rows) + "\n")
        put = ("reconcile", "put-rules", "--currency", "eur", "--most-unpriced", "5")
        await crossdock(*put)
        await crossdock(*RUN)

    done = await crossdock(*RUN)
    assert "at risk  5; 6 USD; 1 without a price" in done.out, done
    listed = (await crossdock("reconcile", "list")).out
    assert listed.index("BOLT") < listed.index("NUT") < listed.index("PIN")
    assert "no price" in listed
    assert "5; 6 USD; 1 without a price" in (await crossdock("reconcile", "backlog")).out
    rules = (await crossdock("reconcile", "rules", "--limit", "1")).out
    assert "EUR" in rules
    assert "without a price" in " ".join(rules.split())
    wrong = await crossdock("reconcile", "put-rules", "--currency", "XXX")
    assert (wrong.code, "is not a currency of ISO 4217" in wrong.err) == (2, True)
    bad = (crossdock.folder / "erp.csv").read_text().replace("usd", "dollars")
    (crossdock.folder / "erp.csv").write_text(bad)
    refused = await crossdock(*RUN)
    assert (refused.code, "erp.csv:3 currency" in refused.err) == (2, True)
