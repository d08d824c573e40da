"""One keeper at a time for the stock of a location, told by name, and of each tenant apart."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from crossdock.canonical.errors import Invalid, NotFound, Rejected
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.governance.authority import Authority, Keeper, stock_keepers
from tests.conftest import NOON

MAIN, OTHER = Scope("main"), Scope("other")


@dataclass(frozen=True)
class Known:
    location: str
    kind: str = "DC"


class Neighbours:
    """Knows EAST, WEST and the group NORTH, and that wms and erp have spoken."""

    async def location(self, scope: Scope, location: str) -> Known:
        del scope
        name = location.strip().upper()
        if name not in {"EAST", "WEST", "NORTH"}:
            raise NotFound(f"no location is called {location!r}", code="MD-LOC")
        return Known(name, "GROUP" if name == "NORTH" else "DC")

    async def knows(self, scope: Scope, source: str) -> bool:
        del scope
        return source in {"wms", "erp"}


@pytest.fixture
def authority(database: Database, clock: VirtualClock) -> Authority:
    neighbours = Neighbours()
    return Authority(database, clock, neighbours, neighbours)


async def test_a_location_has_one_keeper_and_the_last_word_stands(
    authority: Authority, clock: VirtualClock
) -> None:
    await authority.set_keeper(MAIN, "east", "erp", by="ann")
    await clock.advance(timedelta(hours=1))
    await authority.set_keeper(MAIN, "EAST", "wms", by="bob")

    later = NOON + timedelta(hours=1)
    assert await authority.keepers(MAIN) == [
        Keeper(location="EAST", source="wms", set_by="bob", set_at=later)
    ]


async def test_keepers_are_found_for_many_locations_at_once(
    authority: Authority, database: Database
) -> None:
    await authority.set_keeper(MAIN, "EAST", "wms", by="ann")
    await authority.set_keeper(MAIN, "WEST", "crossdock", by="ann")

    async with database.transaction(MAIN) as tx:
        found = await stock_keepers(tx, "main", ["EAST", "WEST", "SOUTH"])
    assert found == {"EAST": "wms", "WEST": "crossdock"}
    assert [one.location for one in await authority.keepers(MAIN, ["WEST"])] == ["WEST"]


async def test_a_cleared_location_is_open_to_all_again(authority: Authority) -> None:
    await authority.set_keeper(MAIN, "EAST", "wms", by="ann")
    await authority.clear_keeper(MAIN, "east")

    assert await authority.keepers(MAIN) == []
    await authority.check_stock(MAIN, "EAST", "erp")
    with pytest.raises(NotFound, match="nobody keeps the stock of EAST"):
        await authority.clear_keeper(MAIN, "EAST")


async def test_tenants_have_keepers_of_their_own(authority: Authority) -> None:
    await authority.set_keeper(MAIN, "EAST", "wms", by="ann")
    await authority.set_keeper(OTHER, "EAST", "erp", by="zoe")

    assert [one.source for one in await authority.keepers(MAIN)] == ["wms"]
    assert [one.source for one in await authority.keepers(OTHER)] == ["erp"]


async def test_what_cannot_be_is_refused_with_a_reason(authority: Authority) -> None:
    with pytest.raises(NotFound, match="no location is called 'NOWHERE'"):
        await authority.set_keeper(MAIN, "NOWHERE", "wms", by="ann")
    with pytest.raises(Invalid, match="NORTH is a group"):
        await authority.set_keeper(MAIN, "NORTH", "wms", by="ann")
    with pytest.raises(NotFound, match="no connection is called 'wmz'"):
        await authority.set_keeper(MAIN, "EAST", "wmz", by="ann")


async def test_who_is_not_keeper_is_told_who_is_and_what_to_do(authority: Authority) -> None:
    await authority.set_keeper(MAIN, "EAST", "wms", by="ann")

    await authority.check_stock(MAIN, "EAST", "wms")
    with pytest.raises(Rejected, match="wms keeps the stock of EAST") as refusal:
        await authority.check_stock(MAIN, "EAST", "crossdock")
    assert refusal.value.code == "INV-KEEPER"
    assert "crossdock catalog set-keeper EAST crossdock" in refusal.value.hint
