"""A period is closed with both figures at its end, signed off, and what comes late is shown."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged
from crossdock.canonical.errors import Conflict, Forbidden, Invalid, NotFound
from crossdock.canonical.inventory import MovementType
from crossdock.canonical.reconciliation import PeriodChanged
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.reconciliation import (
    ClosedPeriod,
    Dump,
    Figure,
    HousePolicy,
    PeriodAsked,
    Reading,
    Said,
    SignOff,
    Spelled,
    instant_of,
)
from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.model import MONEY_MAX
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from tests.conftest import NOON
from tests.processes.test_reconciliation import HOUR, House

HEADER = "item,location,quantity"
FEBRUARY = "2026-02"


class Closing(House):
    async def close(
        self,
        *rows: str,
        ends_at: datetime,
        header: str = HEADER,
        by: str = "ann",
        period: str = FEBRUARY,
        against: str = "erp",
    ) -> ClosedPeriod:
        file = self.folder / "books.csv"
        file.write_text("\n".join([header, *rows]) + "\n")

        def read(spelled: Spelled) -> Said:
            dump = Dump(file, Reading(as_of=instant_of(ends_at.isoformat())), spelled)
            return Said(lines=dump.lines(), parts=dump.parts, is_full=True)

        asked = PeriodAsked(period=period, against=against, ends_at=ends_at, by=by, said=read)
        return await self.hub.periods.close(self.hub.scope, asked)

    async def figures(
        self, *, differing: bool = False, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[Figure]:
        return await self.hub.periods.figures(
            self.hub.scope, FEBRUARY, "erp", differing=differing, after=after, limit=limit
        )

    async def sign(
        self,
        by: str = "bob",
        because: str = "as agreed",
        *,
        seen: ClosedPeriod | None = None,
        despite_unknown: bool = False,
    ) -> ClosedPeriod:
        periods, scope = self.hub.periods, self.hub.scope
        looked_at = seen or await periods.one(scope, FEBRUARY, "erp")
        asked = SignOff(
            period=FEBRUARY,
            against="erp",
            closed_at=looked_at.closed_at,
            because=because,
            by=by,
            despite_unknown=despite_unknown,
        )
        return await periods.sign(scope, asked)


@pytest.fixture
async def house(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Closing]:
    configured = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(configured, Outside(clock=clock, applications={})) as hub:
        case = (ItemUnit(unit="CS", numerator=12),)
        facts = [own_fact(ItemChanged(sku=f"SKU-{n}", units=case), NOON) for n in (1, 2, 3)]
        facts.append(own_fact(LocationChanged(code="DC1"), NOON))
        await hub.record(facts, source=OWN_SOURCE)
        opened = Closing(hub, clock, tmp_path)
        await opened.counted(SKU_1=100, SKU_2=50)
        await clock.advance(HOUR)
        yield opened


def said(one: Figure) -> tuple[str, int, int, int]:
    assert one.theirs is not None
    return one.item, int(one.ours), int(one.theirs), int(one.late)


def since_signed(one: Figure) -> tuple[str, int, int, int]:
    return one.item, int(one.late), int(one.late_since_signed), one.postings_since_signed


async def test_both_figures_are_as_of_the_end_and_kept(house: Closing) -> None:
    await house.moved("SKU-1", -10, MovementType.SHIP)
    end = house.at + HOUR
    await house.clock.advance(2 * HOUR)
    await house.moved("SKU-1", -30, MovementType.SHIP)  # of the next period

    done = await house.close("SKU-1,DC1,90", "SKU-2,DC1,48", "SKU-3,DC1,5", ends_at=end)

    assert (done.state, done.figures, done.differing, done.closed_by) == ("CLOSED", 3, 2, "ann")
    assert [said(one) for one in await house.figures()] == [
        ("SKU-1", 90, 90, 0), ("SKU-2", 50, 48, 0), ("SKU-3", 0, 5, 0)
    ]  # fmt: skip
    assert [one.item for one in await house.figures(differing=True)] == ["SKU-2", "SKU-3"]
    [told] = [one for one in await house.told() if isinstance(one, PeriodChanged)]
    assert (told.state, told.figures, told.differing, told.changed_by) == ("CLOSED", 3, 2, "ann")


async def test_what_is_posted_late_is_shown_beside_the_figure_and_changes_none(
    house: Closing,
) -> None:
    """R8: it happened before the end and was written down after it, so it is not inside."""
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,100", "SKU-2,DC1,50", ends_at=end)

    await house.moved("SKU-1", -7, MovementType.SHIP, occurred_at=end - timedelta(minutes=30))
    await house.moved("SKU-1", 2, MovementType.RECEIPT, occurred_at=end - timedelta(minutes=20))
    await house.moved("SKU-2", -1, MovementType.SHIP)  # of the next period

    found = await house.figures()
    assert [said(one) for one in found] == [("SKU-1", 100, 100, -5), ("SKU-2", 50, 50, 0)]
    assert [one.late_postings for one in found] == [2, 0]


async def test_what_is_posted_behind_the_sign_off_is_told_apart_and_changes_nothing(
    house: Closing,
) -> None:
    end = house.at
    late = end - timedelta(minutes=30)
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,100", "SKU-2,DC1,50", ends_at=end)
    await house.moved("SKU-1", -7, MovementType.SHIP, occurred_at=late)
    await house.moved("SKU-2", 4, MovementType.RECEIPT, occurred_at=late)
    assert [since_signed(one) for one in await house.figures()] == [
        ("SKU-1", -7, 0, 0), ("SKU-2", 4, 0, 0)
    ]  # fmt: skip
    signed = await house.sign()
    assert {one.postings_since_signed for one in await house.figures()} == {0}

    await house.clock.advance(HOUR)
    await house.moved("SKU-1", -2, MovementType.SHIP, occurred_at=late)
    await house.moved("SKU-1", -1, MovementType.SHIP, occurred_at=late)
    await house.moved("SKU-3", 5, MovementType.RECEIPT, occurred_at=late)
    await house.moved("SKU-3", 9, MovementType.RECEIPT)  # of the next period

    found = await house.figures(differing=True)
    assert [since_signed(one) for one in found] == [
        ("SKU-1", -10, -3, 2), ("SKU-2", 4, 0, 0), ("SKU-3", 5, 5, 1)
    ]  # fmt: skip
    assert [said(one)[:3] for one in found] == [
        ("SKU-1", 100, 100), ("SKU-2", 50, 50), ("SKU-3", 0, 0)
    ]  # fmt: skip
    assert await house.hub.periods.one(house.hub.scope, FEBRUARY, "erp") == signed


async def test_what_is_posted_late_of_what_lay_nowhere_is_listed_with_figures_of_zero(
    house: Closing,
) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,100", "SKU-2,DC1,49", ends_at=end)
    late = end - timedelta(minutes=30)

    await house.moved("SKU-3", 500, MovementType.RECEIPT, occurred_at=late)
    await house.moved("SKU-1", 2, MovementType.RECEIPT, occurred_at=late)

    listed = [
        ("SKU-1", 100, 100, 2), ("SKU-2", 50, 49, 0), ("SKU-3", 0, 0, 500)
    ]  # fmt: skip
    found = await house.figures()
    assert [said(one) for one in found] == listed
    assert [(one.unit, one.late_postings) for one in found] == [("EA", 1), ("EA", 0), ("EA", 1)]
    assert [said(one) for one in await house.figures(differing=True)] == listed


async def test_late_postings_are_listed_where_no_figure_is_left_and_page_by_page(
    house: Closing,
) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-2,DC1,50", "SKU-1,DC1,100", ends_at=end)
    for item in ("SKU-3", "SKU-1"):
        at = end - timedelta(minutes=30)
        await house.moved(item, 5, MovementType.RECEIPT, occurred_at=at)

    for differing, items in ((False, ["SKU-1", "SKU-2", "SKU-3"]), (True, ["SKU-1", "SKU-3"])):
        paged: list[str] = []
        while page := await house.figures(
            differing=differing, after=("DC1", paged[-1]) if paged else ("", ""), limit=1
        ):
            paged += [one.item for one in page]
        assert paged == items


async def test_what_the_books_leave_out_is_zero_there_and_units_and_money_are_theirs(
    house: Closing,
) -> None:
    end = house.at
    await house.clock.advance(HOUR)

    await house.close(
        "SKU-1,DC1,8,CS,2.5,EUR", header=f"{HEADER},unit,unit_cost,currency", ends_at=end
    )

    one, other = await house.figures()
    assert (said(one), one.value, one.currency) == (("SKU-1", 100, 96, 0), Decimal(-10), "EUR")
    assert (said(other), other.value) == (("SKU-2", 50, 0, 0), None)


async def test_a_figure_of_what_was_counted_since_is_uncertain(house: Closing) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    await house.counted(SKU_1=90, SKU_2=50)

    await house.close("SKU-1,DC1,100", "SKU-2,DC1,50", ends_at=end)

    assert {one.is_certain for one in await house.figures()} == {False}


async def test_a_period_is_closed_anew_until_somebody_signs_it_off(house: Closing) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,99", "SKU-3,DC1,1", ends_at=end)
    await house.clock.advance(HOUR)
    again = await house.close("SKU-1,DC1,100", "SKU-2,DC1,50", ends_at=end)
    assert (again.figures, again.differing) == (2, 0)

    signed = await house.sign()

    assert (signed.state, signed.signed_by, signed.because) == ("SIGNED", "bob", "as agreed")
    with pytest.raises(Conflict, match="was signed off by bob"):
        await house.close("SKU-1,DC1,1", ends_at=end)
    with pytest.raises(Conflict, match="was signed off by bob"):
        await house.sign("carl")
    assert len(await house.figures()) == 2
    told = [one for one in await house.told() if isinstance(one, PeriodChanged)]
    assert [(one.state, one.changed_by) for one in told] == [
        ("CLOSED", "ann"), ("CLOSED", "ann"), ("SIGNED", "bob")
    ]  # fmt: skip
    assert [one.period for one in await house.hub.periods.listed(house.hub.scope)] == [FEBRUARY]


async def test_with_four_eyes_another_one_than_closed_it_signs_it_off(house: Closing) -> None:
    await house.hub.reconciliation.set_policy(
        house.hub.scope, HousePolicy(four_eyes=True), by="ann"
    )
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,100", ends_at=end)

    with pytest.raises(Forbidden, match="another one has to sign it off"):
        await house.sign(" ANN ")
    assert (await house.sign("bob")).state == "SIGNED"


async def test_what_was_closed_anew_since_somebody_looked_is_not_signed_off(
    house: Closing,
) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    seen = await house.close("SKU-1,DC1,100", ends_at=end)
    anew = await house.close("SKU-1,DC1,1", ends_at=end)  # at the same moment of the clock

    with pytest.raises(Conflict, match="was closed anew"):
        await house.sign(seen=seen)
    assert (await house.sign(seen=anew)).state == "SIGNED"


async def test_only_a_named_person_signs_off_what_was_closed_and_says_why(house: Closing) -> None:
    with pytest.raises(NotFound):
        await house.sign()
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,100", ends_at=end)
    for by, because in ((" ", "why"), ("bob", " ")):
        with pytest.raises(Invalid, match="say who"):
            await house.sign(by, because)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"ends_at": timedelta(hours=9)}, "a period|ends"),
        ({"ends_at": timedelta(days=-400)}, "ends"),
        ({"period": " "}, "a period's name"),
        ({"period": "x" * 41}, "a period's name"),
        ({"against": "crossdock"}, "whose books"),
        ({"against": " "}, "whose books"),
        ({"by": ""}, "say who closes it"),
        ({"by": " "}, "say who closes it"),
    ],
)
async def test_what_is_no_period_is_refused(
    house: Closing, change: dict[str, object], match: str
) -> None:
    wanted: dict[str, object] = {"ends_at": house.at, **change}
    if isinstance(moment := wanted["ends_at"], timedelta):
        wanted["ends_at"] = house.at + moment
    with pytest.raises(Invalid, match=match):
        await house.close("SKU-1,DC1,100", **wanted)  # type: ignore[arg-type]  # as drawn above


async def test_books_as_of_another_moment_or_of_nothing_are_refused(house: Closing) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    early = (end - timedelta(seconds=1)).isoformat()
    with pytest.raises(Invalid, match="is not as of"):
        await house.close(f"SKU-1,DC1,100,{early}", header=f"{HEADER},as_of", ends_at=end)
    with pytest.raises(Invalid, match="name nothing"):
        await house.close(ends_at=end)
    done = await house.close("NOBODY,DC1,1", "SKU-1,DC1,100", "SKU-2,DC1,50", ends_at=end)
    assert (done.differing, done.unknown_names) == (0, ("NOBODY",))


async def test_what_the_books_say_in_a_strange_unit_or_of_nobody_is_not_known_and_never_zero(
    house: Closing,
) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    nobody = [f"NO-{n:02},DC1,1,EA" for n in range(30)]
    header = f"{HEADER},unit"
    done = await house.close(
        "SKU-1,DC1,8,PAL", "SKU-2,DC1,50,EA", *nobody, header=header, ends_at=end
    )

    assert (done.differing, done.unknown, len(done.unknown_names)) == (0, 31, 20)
    found = {one.item: one for one in await house.figures(differing=True)}
    one = found["SKU-1"]
    assert (one.ours, one.theirs, one.difference, one.value) == (Decimal(100), None, None, None)
    assert (found["NO-29"].ours, found["NO-29"].theirs) == (Decimal(0), None)
    with pytest.raises(Conflict, match="31 figures that nobody knows"):
        await house.sign()
    assert (await house.sign(despite_unknown=True)).state == "SIGNED"


async def test_a_difference_worth_more_than_can_be_kept_is_kept_as_the_most(
    house: Closing,
) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    await house.close(
        "SKU-1,DC1,1000000000,10000", "SKU-2,DC1,-1000000000,10000",
        header=f"{HEADER},unit_cost", ends_at=end,
    )  # fmt: skip
    most = decimal_of(MONEY_MAX)
    assert [one.value for one in await house.figures()] == [most, -most]


async def test_books_with_more_of_an_item_than_can_be_kept_are_refused(house: Closing) -> None:
    end = house.at
    await house.clock.advance(HOUR)
    with pytest.raises(Invalid, match="the quantities of SKU-1 at DC1 are beyond"):
        await house.close(*["SKU-1,DC1,999999999999"] * 10, ends_at=end)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans(), st.booleans()), max_size=6))
async def test_what_lay_there_and_what_came_late_are_all_that_happened_before_the_end(
    house: Closing, moves: list[tuple[int, bool, bool]]
) -> None:
    """Ours is what was recorded by the end; with what is late it is all that happened by then."""
    end = house.at
    await house.clock.advance(HOUR)
    await house.close("SKU-1,DC1,0", ends_at=end)
    [before] = [one for one in await house.figures() if one.item == "SKU-1"]

    happened = 0
    for pieces, is_late, is_receipt in moves:
        if not pieces:
            continue
        kind = MovementType.RECEIPT if is_receipt and pieces > 0 else MovementType.ADJUST
        at = end - timedelta(minutes=5) if is_late else None
        await house.moved("SKU-1", pieces, kind, occurred_at=at)
        happened += pieces if is_late else 0

    [after] = [one for one in await house.figures() if one.item == "SKU-1"]
    assert (after.ours, after.late - before.late) == (before.ours, Decimal(happened))
    await house.clock.advance(HOUR)
