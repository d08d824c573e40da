"""An order that holds a kit in parts is not short of it when it is asked about again (A25)."""

import pytest

from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.supply import Atp, PromiseAsked, Question
from tests.unit.capabilities.supply.yard import Yard, kit

KIT = Question("K", "DC1", "EA", 5 * MICROS)


async def ask(yard: Yard, *own: str) -> Atp:
    [answer] = await yard.hub.promise_dates([KIT._replace(own=frozenset(own))])
    return answer


@pytest.fixture
async def parts(yard: Yard) -> Yard:
    """Five A and ten X lie there, which is five kits."""
    await yard.hear(kit("K", 1, A=1, X=2))
    await yard.hub.put_stock("A", "DC1", 5)
    await yard.hub.put_stock("X", "DC1", 10)
    return yard


async def test_a25_asked_again_about_its_own_promise(parts: Yard) -> None:
    asked = PromiseAsked("p", (KIT,), ("o/1",))
    assert (await parts.hub.kept_promises.promise(parts.hub.scope, "shop", asked)).is_granted
    assert (await ask(parts)).now == (await ask(parts, "o/2")).now == 0
    assert (await ask(parts, "o/1", "o/1/A", "o/1/X")).now == 5 * MICROS
    assert (await ask(parts, "o/1")).now == 5 * MICROS


async def test_a25_asked_again_about_its_own_reservation(parts: Yard) -> None:
    lines = (ReservationLine("K", "DC1", 5 * MICROS, "o/1"),)
    request = ReservationRequest("r", lines, ReservationKind.HARD)
    await parts.hub.inventory.reserve(parts.hub.scope, "shop", request)
    assert (await ask(parts, "o/1")).now == 5 * MICROS


async def test_what_its_reservation_holds_of_parts_is_not_held_twice(parts: Yard) -> None:
    lines = (ReservationLine("K", "DC1", 5 * MICROS, "o/1"),)
    request = ReservationRequest("r", lines, ReservationKind.HARD)
    await parts.hub.inventory.reserve(parts.hub.scope, "shop", request)
    asked = PromiseAsked("p", (KIT,), ("o/1",))
    made = await parts.hub.kept_promises.promise(parts.hub.scope, "shop", asked)
    assert made.is_granted
