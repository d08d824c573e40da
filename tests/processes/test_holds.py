"""What holds stock is listed, and hard promises that no order needs are somebody's (RSV-LEAK)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import Hold, ReservationLine, ReservationRequest
from crossdock.capabilities.inventory.leaks import PATIENCE, SHOWN, leak_case
from crossdock.capabilities.supply import PromiseAsked, Question
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.cases import Case

JOB = "watch leaked holds"
HARD, SOFT = ReservationKind.HARD, ReservationKind.SOFT
HOUR = timedelta(hours=1)


class Desk:
    """Somebody who promises bolts, hears of orders, and looks at who holds what."""

    def __init__(self, hub: Hub, clock: VirtualClock) -> None:
        self.hub, self.clock = hub, clock
        self._told = 0

    async def hear(self, said: Payload) -> None:
        self._told += 1
        fact = Fact(
            identity=f"f{self._told}",
            payload=said,
            occurred_at=self.clock.now(),
            version=self._told,
        )
        await self.hub.record([fact], source="erp")

    async def order(self, ref: str, pieces: int, *, cancelled: int = 0) -> None:
        line = DemandLine(
            demand_ref=ref,
            item="BOLT",
            location="DC1",
            ordered=Quantity.of(pieces),
            cancelled=Quantity.of(cancelled),
        )
        await self.hear(OrderChanged(order_id=ref.partition("/")[0], lines=(line,)))

    async def reserve(
        self,
        name: str,
        pieces: int = 1,
        kind: ReservationKind = HARD,
        *,
        location: str = "DC1",
        ref: str = "",
    ) -> str:
        line = ReservationLine("BOLT", location, pieces * MICROS, ref)
        request = ReservationRequest(name, (line,), kind)
        made = await self.hub.inventory.reserve(self.hub.scope, "web", request)
        assert made.is_granted, made
        return made.reservation_id

    async def held(self, location: str = "DC1") -> dict[str, int]:
        found = await self.hub.inventory.holds.of(self.hub.scope, "BOLT", location)
        return {one.request_id: one.micros // MICROS for one in found}

    async def after(self, step: timedelta) -> list[Case]:
        """Let so much time pass and the job run; give the open cases of leaked holds."""
        await self.clock.advance(step)
        assert JOB in await self.hub.jobs.run_due()
        found = await self.hub.cases.find(self.hub.scope)
        return [one for one in found if one.code == "RSV-LEAK"]


@pytest.fixture
async def desk(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Desk]:
    settings = Settings(data_dir=tmp_path, dsn=SecretStr(dsn))
    async with Hub.open(settings, Outside(clock=clock)) as hub:
        await hub.put_stock("BOLT", "DC1", 100)
        yield Desk(hub, clock)


async def test_what_holds_an_item_now_is_listed_with_what_is_left_of_it(desk: Desk) -> None:
    inventory, scope = desk.hub.inventory, desk.hub.scope
    partly = await desk.reserve("partly", 5)
    over = await desk.reserve("over", 7)
    await desk.reserve("cart", 2, SOFT)
    given_back = await desk.reserve("given back", 3, SOFT)
    await inventory.consume(scope, partly, {1: 2 * MICROS})
    await inventory.consume(scope, over)
    await inventory.release(scope, given_back)

    assert await desk.held() == {"partly": 3, "cart": 2}
    found = await inventory.holds.of(scope, "BOLT", "DC1")
    assert {(one.client, one.kind, one.unit, one.expires_at is None) for one in found} == {
        ("web", HARD, "EA", True),
        ("web", SOFT, "EA", False),
    }

    await desk.clock.advance(HOUR)  # the cart has lapsed, swept or not
    assert await desk.held() == {"partly": 3}


async def test_what_an_order_claims_by_itself_is_not_listed_beside_it(desk: Desk) -> None:
    await desk.order("so1/1", 4)
    await desk.reserve("so1", 4, ref="so1/1")
    await desk.reserve("so2", 1, ref="so2/1")

    assert await desk.held() == {"so2": 1}
    await desk.order("so1/1", 4, cancelled=4)
    assert await desk.held() == {"so2": 1}  # nobody holds what nobody needs any more
    [answer] = await desk.hub.inventory.availability(desk.hub.scope, [("BOLT", "DC1")])
    assert answer.available.micros == 99 * MICROS


async def test_a_group_is_listed_with_its_members_and_an_item_everywhere(desk: Desk) -> None:
    await desk.hub.put_stock("BOLT", "DC2", 10)
    await desk.hub.put_stock("BOLT", "DC3", 10)
    await desk.hear(LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2")))
    for place in ("DC1", "DC2", "DC3", "EAST"):
        await desk.reserve(place, location=place)
        await desk.clock.advance(timedelta(seconds=1))

    assert list(await desk.held("EAST")) == ["DC1", "DC2", "EAST"]
    assert list(await desk.held("DC1")) == ["DC1"]
    assert list(await desk.held("")) == ["DC1", "DC2", "DC3", "EAST"]


async def test_pages_show_each_hold_once_also_those_of_one_moment_and_one_request(
    desk: Desk,
) -> None:
    lines = tuple(ReservationLine("BOLT", "DC1", MICROS) for _ in range(3))
    await desk.hub.inventory.reserve(
        desk.hub.scope, "web", ReservationRequest("many", lines, HARD)
    )
    for number in range(4):
        await desk.reserve(f"one {number}", kind=SOFT if number % 2 else HARD)
    holds, scope = desk.hub.inventory.holds, desk.hub.scope
    everything = [one.hold_id for one in await holds.of(scope, "BOLT")]

    seen: list[str] = []
    while page := await holds.of(scope, "BOLT", after=seen[-1] if seen else "", limit=2):
        seen += [one.hold_id for one in page]

    assert len(everything) == 7
    assert seen == everything


@pytest.mark.parametrize(
    "text", ["rsv_00", "rsv_00/", "rsv_00/x", "rsv_00/99999", "/", "rsv_00/²"]
)
async def test_a_page_after_what_names_no_hold_is_refused_with_the_form_of_one(
    desk: Desk, text: str
) -> None:
    with pytest.raises(Invalid, match="names no hold: rsv_…/1 does"):
        await desk.hub.inventory.holds.of(desk.hub.scope, "BOLT", after=text)


async def test_a_page_after_a_hold_that_never_was_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFound, match="there is no hold"):
        await desk.hub.inventory.holds.of(desk.hub.scope, "BOLT", after=f"rsv_{'0' * 32}/1")


async def test_a_hard_promise_without_an_order_is_a_case_until_it_is_released(desk: Desk) -> None:
    lost = await desk.reserve("lost", 4, ref="so9/1")
    assert await desk.after(PATIENCE - HOUR) == []

    [case] = await desk.after(HOUR)

    assert (case.severity, case.owner_role, case.entity) == ("S3", "Integration", lost)
    assert case.title == "Hard promises that keep stock for no open order: 1"
    assert case.evidence["by_client"] == {"web": 1}
    assert case.evidence["oldest"][0]["demand_ref"] == "so9/1"
    [same] = await desk.after(HOUR)
    assert same.count == 1  # it says nothing new

    await desk.hub.inventory.release(desk.hub.scope, lost)
    assert await desk.after(HOUR) == []


async def test_a_leaked_promise_is_none_any_more_once_its_order_is_heard_of(desk: Desk) -> None:
    await desk.reserve("late", 4, ref="so9/1")
    assert len(await desk.after(PATIENCE)) == 1

    await desk.order("so9/1", 4)

    assert await desk.after(HOUR) == []


async def test_a_case_closed_by_hand_comes_back_while_stock_leaks(desk: Desk) -> None:
    await desk.reserve("lost", 4)
    [case] = await desk.after(PATIENCE)
    await desk.hub.cases.close(desk.hub.scope, case.case_id, reason="asked the shop")

    assert len(await desk.after(HOUR)) == 1


async def test_soft_holds_orders_and_promises_by_date_leak_nothing(desk: Desk) -> None:
    cart = await desk.reserve("cart", 2, SOFT)
    await desk.order("so1/1", 4)
    await desk.reserve("so1", 4, ref="so1/1")
    asked = PromiseAsked("quote", (Question("BOLT", "DC1", "EA", MICROS),), ("",))
    await desk.hub.kept_promises.promise(desk.hub.scope, "web", asked)
    assert any(name.startswith("prm_") for name in await desk.held())
    for _ in range(14):
        await desk.hub.inventory.extend(desk.hub.scope, cart, 14_400)
        await desk.clock.advance(timedelta(hours=3, minutes=30))

    assert await desk.after(HOUR) == []


holds = st.builds(
    Hold,
    hold_id=st.uuids().map(lambda one: f"rsv_{one.hex}/1"),
    reservation_id=st.just("rsv_1"),
    line_no=st.just(1),
    item=st.text(max_size=5),
    location=st.text(max_size=5),
    client=st.sampled_from(["web", "b2b"]),
    request_id=st.text(max_size=5),
    kind=st.just(HARD),
    micros=st.integers(1, 10**12),
    unit=st.just("EA"),
    demand_ref=st.text(max_size=5),
    created_at=st.datetimes(),
    expires_at=st.none(),
)


@given(st.lists(holds, min_size=1, max_size=60, unique_by=lambda one: one.hold_id))
def test_the_case_counts_all_leaks_and_changes_with_any_of_them(leaks: list[Hold]) -> None:
    case = leak_case(leaks)

    assert case.evidence["holds"] == sum(case.evidence["by_client"].values()) == len(leaks)
    assert len(case.evidence["oldest"]) == min(SHOWN, len(leaks))
    less = [*leaks[:-1], leaks[-1]._replace(micros=leaks[-1].micros + 1)]
    assert leak_case(less).evidence["digest"] != case.evidence["digest"]
