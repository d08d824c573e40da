"""A fact is refused for what the log could not hold, and for nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.events import EVENTS
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.acceptance import HUBS_OWN, holds_nul, reason_to_refuse, storable
from crossdock.connectivity.raw_messages import kept_headers
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.stored_facts import fact_json, fact_of
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.interfaces.api.said_events import FROM_OUTSIDE
from tests.conftest import NOON
from tests.unit.connectivity.standins import MAIN, moved, with_shop, world

anything = st.text(st.characters(exclude_categories=()), max_size=20)


def counted(location: str, *items: str) -> StockSnapshotTaken:
    lines = tuple(CountedStock(item=item, quantity=Quantity.of(1)) for item in items)
    return StockSnapshotTaken(snapshot_id="S1", location=location, lines=lines)


@given(st.builds(moved, anything, item=anything, native_ref=anything, actor=anything))
def test_any_text_at_all_is_judged_without_an_error(fact: Fact) -> None:
    reason_to_refuse(fact)


@given(text=anything)
def test_nul_is_found_however_it_is_written_and_only_then(text: str) -> None:
    written = text.encode("utf-8", "replace").decode()
    assert holds_nul(msgspec.json.encode(written)) == ("\0" in written)


@given(text=anything)
def test_what_is_storable_can_be_stored(text: str) -> None:
    clean = storable(text, 10)
    assert "\0" not in clean
    assert len(clean) <= 10
    clean.encode()


@given(
    st.builds(
        moved,
        st.text(min_size=1, max_size=20),
        item=st.text(max_size=20),
        sequence=st.none() | st.integers(-(2**62), 2**62),
        version=st.none() | st.integers(0, 2**62),
        replay=st.booleans(),
        stream=st.text(max_size=10),
    )
)
def test_a_stored_fact_comes_back_as_it_was(fact: Fact) -> None:
    assert fact_of(fact_json(fact)) == fact


blank = st.text(st.sampled_from(" \t\n\u00a0\u3000"), max_size=4)
SOME = Quantity.of(1)


@pytest.mark.parametrize(
    ("nameless", "place"),
    [
        (lambda code: ItemChanged(sku=code), "/sku"),
        (lambda code: LocationChanged(code=code), "/code"),
        (lambda code: LocationChanged(code="WEST", members=("DC1", code)), "/members/1"),
        (lambda code: PartyChanged(code=code), "/code"),
        (lambda code: moved("M1", item=code).payload, "/item"),
        (
            lambda code: StockMoved(
                movement_id="M1",
                item="A",
                quantity=SOME,
                type=MovementType.RECEIPT,
                target_place=Place(location=code),
            ),
            "/target_place/location",
        ),
        (lambda code: counted(code, "A"), "/location"),
        (lambda code: counted("DC1", "A", code), "/lines/1/item"),
        (
            lambda code: ChannelLevelHeard(item="A", location=code, quantity=SOME),
            "/location",
        ),
        (lambda code: OrderChanged(order_id=code, lines=()), "/order_id"),
        (
            lambda code: OrderChanged(
                order_id="SO-1",
                lines=(
                    DemandLine(
                        demand_ref="1", item="A", location=code, ordered=SOME, cancelled=SOME
                    ),
                ),
            ),
            "/lines/0/location",
        ),
    ],
)
@given(code=blank)
def test_what_has_no_code_is_refused_with_its_place(
    nameless: Callable[[str], Payload], place: str, code: str
) -> None:
    problem = reason_to_refuse(Fact(identity="x", payload=nameless(code), occurred_at=NOON))

    assert problem
    assert (problem.code, problem.where) == ("EVT-SCHEMA", f"/payload{place}")
    named = Fact(identity="x", payload=nameless("0"), occurred_at=NOON)
    assert reason_to_refuse(named) is None


async def test_a_fact_without_a_code_goes_into_quarantine_and_never_into_the_log(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock))

    facts = [moved("M1", item=" "), moved("M2")]
    verdicts = await hub.inbox.record(MAIN, "shop", facts, b"")

    assert [each.verdict for each in verdicts] == ["QUARANTINED", "NEW"]
    [kept] = await Quarantine(database, clock, hub.inbox, hub.catalogue).find(MAIN)
    assert (kept.place, kept.identity) == ("/payload/item", "movement:M1")
    assert [event.fact.identity for event in await hub.events()] == ["movement:M2"]


def test_nobody_outside_may_speak_for_the_hub() -> None:
    settled = CommandSettled(
        command_id="c1",
        connection="shop",
        role="set_availability",
        subject="sku-1",
        version=1,
        settlement=Settlement.DONE,
    )
    problem = reason_to_refuse(Fact(identity="x", payload=settled, occurred_at=NOON))
    assert problem
    assert "only the hub itself" in problem.reason


def test_what_nobody_may_say_from_outside_only_the_hub_says() -> None:
    assert set(HUBS_OWN) == set(EVENTS.values()) - set(FROM_OUTSIDE)


def test_a_time_without_an_offset_is_refused() -> None:
    naive = datetime(2026, 5, 4, 12, 0)  # noqa: DTZ001 - that is the point
    problem = reason_to_refuse(replace(moved("M1"), occurred_at=naive))
    assert problem
    assert problem.where == "/occurred_at"
    assert reason_to_refuse(replace(moved("M1"), recorded_at=NOON)) is None


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Shopify-Access-Token", "Cookie", "X-Signature", "X-Api-Key"]
)
def test_headers_that_open_doors_are_never_kept(name: str) -> None:
    assert kept_headers({name: "t0ps3cret", "X-Topic": "stock"}) == {"x-topic": "stock"}


async def test_what_is_judged_fit_really_fits_the_database(
    database: Database, clock: VirtualClock
) -> None:
    hub = await with_shop(world(database, clock))
    texts = ["\x01", "\\u0000", "\\\\u0000", "\u2028", "é" * 400, "'; drop table x", "\x7f", "🦉"]
    facts = [moved(f"M{n}{text}", native_ref=text) for n, text in enumerate(texts)]

    verdicts = await hub.inbox.record(MAIN, "shop", facts, b"")

    assert {each.verdict for each in verdicts} == {"NEW"}
