"""Open orders of two other systems, compared with each other by the same rules as with the hub."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.reconciliation import DifferenceConfirmed, SnapshotRejected
from crossdock.capabilities.reconciliation import (
    Kind,
    OpenAsked,
    OpenDump,
    OpenSaid,
    Run,
    Spelled,
    Wanted,
)
from tests.processes.test_open_lines import HEADER, HOUR, House, house_at, micros

PRICED = f"{HEADER},unit_cost"
ASKED = OpenAsked(kind=Kind.ORDERS, first="wms", against="erp", by="test")
OPEN, CLOSED = "SO-1,1,BOLT,DC1,4", "SO-1,1,BOLT,DC1,0"


@pytest.fixture
async def house(dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house_at(dsn, tmp_path) as (opened, _):
        yield opened


async def between(  # noqa: PLR0913 - two dumps have that many sides
    house: House,
    wms: list[str],
    erp: list[str],
    *,
    header: str = HEADER,
    full: bool = False,
    first_full: bool | None = None,
    apart: timedelta = timedelta(),
    lag: int | None = None,
) -> Run:
    """Compare what both files say, as of now, or the first's as of `apart` before."""

    def dump(
        name: str, rows: list[str], ago: timedelta, *, is_full: bool
    ) -> Callable[[Spelled], OpenSaid]:
        file = house.folder / f"{name}.csv"
        file.write_text("\n".join([header, *rows]) + "\n")
        as_of = micros(house.now - ago)
        return lambda spelled: OpenSaid(
            rows=OpenDump(file, as_of, spelled).rows(), is_full=is_full
        )

    first = dump("wms", wms, apart, is_full=full if first_full is None else first_full)
    second = dump("erp", erp, timedelta(), is_full=full)
    asked = replace(ASKED, lag_minutes=lag, first_said=first, said=second)
    return await house.hub.open_lines.compare(house.hub.scope, asked)


async def test_a_line_that_two_systems_differ_on_is_confirmed_and_both_are_named(
    house: House,
) -> None:
    wms, erp = ["SO-1,1,BOLT,DC1,4,2", "SO-2,1,BOLT,DC1,5,2"], ["SO-1,1,BOLT,DC1,6,2"]
    erp.append("SO-2,1,BOLT,DC1,5,2")
    first = await between(house, wms, erp, header=PRICED)
    assert (first.compared, first.alike, first.suspected) == (2, 1, 1)
    await house.at.clock.advance(HOUR)

    second = await between(house, wms, erp, header=PRICED)

    assert (second.system, second.against, second.kind) == ("orders:wms", "erp", Kind.ORDERS)
    assert (second.confirmed, second.value_at_risk) == (1, Decimal(4))
    [found] = await house.findings("CONFIRMED")
    assert (found.document, found.ours, found.theirs) == ("SO-1", Decimal(4), Decimal(6))
    assert (found.system, found.against, found.remedy) == ("orders:wms", "erp", "REDRIVE")
    assert [one["side"] for one in found.evidence["lines"]] == ["wms", "erp"]
    [case] = await house.hub.cases.find(house.hub.scope)
    assert case.title.startswith("erp says 2 EA more than wms of SO-1 line 1: ")
    assert case.owner_role == "Order desk"
    [told] = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    assert (told.system, told.against, told.document) == ("orders:wms", "erp", "SO-1")
    # Either name finds it, and the hub's own comparisons are others.
    for name in ("wms", "erp"):
        assert len(await house.hub.reconciliation.runs(house.hub.scope, against=name)) == 2
        wanted = Wanted(against=name, kind=Kind.ORDERS)
        assert len(await house.hub.reconciliation.findings(house.hub.scope, wanted)) == 1
    assert (await house.said("SO-1,1,BOLT,DC1,6")).gone == 0
    healed = await house.hub.reconciliation.heal(
        house.hub.scope, "erp", kind=Kind.ORDERS, by="test", dry_run=True
    )
    assert healed.findings == ()

    await house.at.clock.advance(HOUR)
    gone = await between(house, erp, erp, header=PRICED)
    assert (gone.alike, gone.gone) == (2, 1)


@pytest.mark.parametrize(
    ("wms", "erp", "cause", "because"),
    [
        ("", OPEN, "MSG_LOST", "it is open at erp, and not among the open lines at wms"),
        (OPEN, "", "MSG_LOST", "it is open at wms, and not among the open lines at erp"),
        (OPEN, CLOSED, "STATUS_MAP", "it is closed at erp, and open at wms"),
        (CLOSED, OPEN, "STATUS_MAP", "it is closed at wms, and open at erp"),
        (OPEN, "SO-1,1,NUT,DC1,4", "XREF", "at erp it is of item NUT"),
        (OPEN, "SO-1,9,BOLT,DC1,4", "XREF", "the line is called 9 at erp"),
        (OPEN, "SO-1,1,BOLT,DC1,9", "UNKNOWN", ""),
    ],
)
async def test_the_cause_says_which_of_the_two_has_what(
    house: House, wms: str, erp: str, cause: str, because: str
) -> None:
    rows = [["SO-0,1,BOLT,DC1,1", *filter(None, [row])] for row in (wms, erp)]
    await between(house, *rows, full=True)
    await house.at.clock.advance(HOUR)
    run = await between(house, *rows, full=True)
    assert run.confirmed == 1
    [found] = await house.findings("CONFIRMED")
    assert (found.cause, found.because) == (cause, because)
    expected = {"STATUS_MAP": "MAP_STATUS", "XREF": "MASTER_DATA"}.get(cause, "REDRIVE")
    assert found.remedy == expected


async def test_the_last_change_of_one_that_the_other_lacks_is_named(house: House) -> None:
    header = f"{HEADER},changed_at"
    early, late = ((house.now - hours * HOUR).isoformat() for hours in (9, 5))
    for _ in range(2):
        await house.at.clock.advance(HOUR)
        await between(
            house,
            [f"SO-1,1,BOLT,DC1,4,{late}", f"SO-2,1,BOLT,DC1,4,{early}"],
            [f"SO-1,1,BOLT,DC1,6,{early}", f"SO-2,1,BOLT,DC1,6,{late}"],
            header=header,
        )
    found = {one.document: one.because for one in await house.findings("CONFIRMED")}
    assert found == {
        "SO-1": "the last change of it at wms is not at erp",
        "SO-2": "the last change of it at erp is not at wms",
    }


async def test_what_one_leaves_out_is_closed_there_only_if_it_says_all_of_the_place(
    house: House,
) -> None:
    both = ["SO-0,1,BOLT,DC1,1"]
    partial = await between(house, both, [*both, "SO-1,1,BOLT,DC1,4"])
    assert (partial.compared, partial.alike, partial.suspected) == (1, 1, 0)
    # The first names no DC2: what the second has open there is not compared.
    elsewhere = await between(house, both, [*both, "SO-1,1,BOLT,DC2,4"], full=True)
    assert (elsewhere.compared, elsewhere.suspected) == (1, 0)
    full = await between(house, [*both, "SO-2,1,BOLT,DC1,3"], [*both, OPEN], full=True)
    assert (full.compared, full.suspected) == (3, 2)
    assert {one.document for one in await house.findings("SUSPECTED")} == {"SO-1", "SO-2"}
    # A dump that says nothing of the line leaves what was found of it as it is.
    await house.at.clock.advance(HOUR)
    silent = await between(house, both, [*both, "SO-1,1,BOLT,DC1,4"])
    assert (silent.gone, len(await house.findings("SUSPECTED"))) == (0, 2)


async def test_names_and_units_that_nobody_knows_on_either_side_are_told_and_not_compared(
    house: House,
) -> None:
    header = f"{HEADER},unit"
    run = await between(
        house,
        [
            "SO-1,1,GHOST,DC1,4,",
            "SO-2,1,BOLT,DC1,4,XYZ",
            "SO-3,1,BOLT,DC1,4,",
            "SO-3,1,NUT,DC1,2,",
            "SO-4,1,BOLT,DC1,4,",
        ],
        [f"SO-{number},1,BOLT,DC1,7," for number in (1, 2, 3)] + ["SO-4,1,GHOST,DC1,4,"],
        header=header,
        full=True,
    )
    assert (run.compared, run.suspected) == (0, 0)
    assert set(run.unknown_names) == {"GHOST", "BOLT in XYZ", "SO-3/1"}


async def test_nothing_is_confirmed_of_a_document_that_goods_are_picked_for(house: House) -> None:
    await house.order("SO-1", L1=6)
    wms, erp = ["SO-1,L1,BOLT,DC1,4"], ["SO-1,L1,BOLT,DC1,6"]
    await between(house, wms, erp)
    await house.later()
    await house.pick("SO-1/L1", 2)
    run = await between(house, wms, erp)
    assert (run.confirmed, run.suspected) == (0, 1)
    await house.later(2 * HOUR)
    assert (await between(house, wms, erp)).confirmed == 1


async def test_both_are_as_of_the_earlier_cut(house: House) -> None:
    """What was changed shortly before it, or since, is not confirmed."""
    header = f"{HEADER},changed_at"
    step = timedelta(minutes=10)
    wms, erp = ["SO-1,1,BOLT,DC1,4,"], "SO-1,1,BOLT,DC1,6,"
    await between(house, wms, [erp], header=header, apart=step)
    await house.at.clock.advance(HOUR)
    lately = (house.now - 2 * step).isoformat()
    run = await between(house, wms, [f"{erp}{lately}"], header=header, apart=step)
    assert (run.confirmed, run.suspected) == (0, 1)
    assert run.earliest_cut == house.now - step
    await house.at.clock.advance(HOUR)
    assert (
        await between(house, wms, [f"{erp}{lately}"], header=header, apart=step)
    ).confirmed == 1


async def test_two_dumps_that_are_far_apart_prove_nothing_unless_booking_takes_as_long(
    house: House,
) -> None:
    wms, erp = ["SO-1,1,BOLT,DC1,4"], ["SO-1,1,BOLT,DC1,6"]
    for _ in range(3):
        run = await between(house, wms, erp, apart=2 * HOUR)
        assert (run.confirmed, run.suspected) == (0, 1)
        await house.at.clock.advance(HOUR)
    assert (await between(house, wms, erp, apart=2 * HOUR, lag=120)).confirmed == 1


async def test_a_dump_of_either_that_cannot_be_is_rejected_by_its_name(house: House) -> None:
    line = ["SO-1,1,BOLT,DC1,4"]
    for wms, erp, name in (([], line, "wms"), (line, [], "erp")):
        run = await between(house, wms, erp)
        assert (run.verdict, run.reason) == ("REJECTED", f"{name}: it has no rows")
        last = [one for one in await house.told() if isinstance(one, SnapshotRejected)][-1]
        assert last.against == name
    cases = await house.hub.cases.find(house.hub.scope)
    said = "says of open orders is not believed: it has no rows"
    assert {case.title for case in cases} == {f"what {name} {said}" for name in ("wms", "erp")}
    assert (await between(house, line, line)).alike == 1
    assert await house.hub.cases.find(house.hub.scope) == []


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        (replace(ASKED, against="wms"), "/against"),
        (replace(ASKED, kind=Kind.INVOICES), "/kind"),
        (replace(ASKED, believe="rcn_1"), "/first"),
        (replace(ASKED, heard_from="shop"), "/first"),
    ],
)
async def test_two_systems_that_cannot_be_compared_are_refused(
    house: House, asked: OpenAsked, where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await house.hub.open_lines.compare(house.hub.scope, asked)
    assert refused.value.where == where


@pytest.mark.parametrize(
    ("wms", "is_full"),
    [
        ("SO-0,1,BOLT,DC1,1,", False),
        ("SO-1,1,BOLT,DC1,4,CRATE", True),
        ("SO-0,1,BOLT,DC2,1,", True),
    ],
)
async def test_what_the_first_of_two_says_nothing_of_stays_as_it_was_found(
    house: House, wms: str, *, is_full: bool
) -> None:
    header, erp = f"{HEADER},unit", ["SO-0,1,BOLT,DC1,1,"]
    for _ in range(2):
        await between(house, [*erp, "SO-1,1,BOLT,DC1,4,"], erp, header=header, full=True)
        await house.at.clock.advance(HOUR)
    assert len(await house.findings("CONFIRMED")) == 1

    run = await between(house, [wms], erp, header=header, full=True, first_full=is_full)

    assert run.gone == 0
    assert len(await house.findings("CONFIRMED")) == 1
