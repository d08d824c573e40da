"""A fact is refused for what the log could not hold, and for nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.events import EVENTS
from crossdock.canonical.identifiers import check_digit
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
from crossdock.connectivity.acceptance import (
    HUBS_OWN,
    holds_nul,
    is_numbered,
    reason_to_refuse,
    sound,
    storable,
)
from crossdock.connectivity.raw_messages import kept_headers
from crossdock.connectivity.replaying import Quarantine
from crossdock.connectivity.sdk.facts import Translation, Untranslatable
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


LONG = "x" * 501


@pytest.mark.parametrize(
    ("wrong", "where", "says"),
    [
        ({"identity": ""}, "/identity", "1 to 500"),
        ({"identity": LONG}, "/identity", "1 to 500"),
        ({"identity": "a\0"}, "/identity", "NUL"),
        ({"native_ref": "\ud800"}, "/native_ref", "surrogate"),
        ({"correlation_id": LONG}, "/correlation_id", "longer than 500"),
        ({"occurred_at": NOON.replace(tzinfo=None)}, "/occurred_at", "offset"),
        ({"recorded_at": NOON.replace(tzinfo=None)}, "/recorded_at", "offset"),
        ({"sequence": 2**63}, "/sequence", "64 bits"),
        ({"version": -(2**63)}, "/version", "64 bits"),
        ({"payload": PartyChanged(code=LONG)}, "/payload", "its key longer"),
        ({"payload": PartyChanged(code="\ud800")}, "/payload", "as JSON"),
        ({"payload": PartyChanged(code="C", legal_name="a\0")}, "/payload", "NUL"),
        ({"payload": PartyChanged(code="C", legal_name="x" * 2**22)}, "/payload", "larger than"),
    ],
)
def test_what_the_log_could_not_hold_is_refused_with_its_place(
    wrong: dict[str, Any], where: str, says: str
) -> None:
    fact = replace(party(""), **wrong)

    problem = reason_to_refuse(fact)

    assert problem
    assert (problem.code, problem.where) == ("EVT-SCHEMA", where)
    assert says in problem.reason


def test_an_application_says_only_what_it_declares() -> None:
    assert reason_to_refuse(party(""), [PartyChanged]) is None
    problem = reason_to_refuse(party(""), [ItemChanged])

    assert problem
    assert problem.reason.startswith("its application does not declare partners.party_changed.v1")


@pytest.mark.parametrize(
    ("said", "is_kept"),
    [
        ({}, False),
        ({"sequence": 7}, True),
        ({"sequence": 7, "identity": ""}, True),  # whatever else may be wrong
        ({"sequence": 2**63}, False),
        ({"sequence": 7, "stream": "a\0"}, False),
    ],
)
def test_the_number_of_a_fact_that_is_refused_is_kept_where_it_can_be(
    said: dict[str, Any], *, is_kept: bool
) -> None:
    assert is_numbered(replace(party(""), **said)) is is_kept


def party(gln: str) -> Fact:
    return Fact(identity="C-1", payload=PartyChanged(code="C-1", gln=gln), occurred_at=NOON)


@pytest.mark.parametrize("gln", ["", "0614141000012", "9501101020016", " 0614141000012 "])
def test_a_party_may_have_no_gln_or_one_that_proves_itself(gln: str) -> None:
    assert reason_to_refuse(party(gln)) is None


@pytest.mark.parametrize(
    ("gln", "says"),
    [
        ("0614141000013", "its check digit is 3, not 2"),
        ("614141000012", "it has 13 digits"),
        ("10614141000415", "it has 13 digits"),
        ("061414100001X", "it has 13 digits"),
        ("\u0660614141000012", "it has 13 digits"),
    ],
)
def test_a_gln_that_does_not_prove_itself_is_refused_with_its_place(gln: str, says: str) -> None:
    problem = reason_to_refuse(party(gln))

    assert problem
    assert (problem.code, problem.where) == ("MD-GTIN", "/payload/gln")
    assert says in problem.reason


@given(st.integers(0, 10**12 - 1), st.integers(0, 9))
def test_of_ten_last_digits_one_makes_a_gln(body: int, last: int) -> None:
    text = f"{body:012}"

    assert (reason_to_refuse(party(f"{text}{last}")) is None) == (str(last) == check_digit(text))


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


def test_what_is_no_fact_is_refused_with_its_place_and_the_facts_beside_it_stay() -> None:
    one, other = moved("M1"), moved("M2")
    strange: Any = (one, None, other, {"sku": "B"})
    before = Untranslatable(code="MD-UOM", where="/unit", reason="unknown")

    told = sound(Translation(strange, (before,)))

    assert told.facts == (one, other)
    assert told.refused[0] == before
    assert [(each.code, each.where) for each in told.refused[1:]] == [
        ("EVT-SCHEMA", "/facts/1"),
        ("EVT-SCHEMA", "/facts/3"),
    ]
    assert told.refused[1].reason.startswith("is NoneType, and no fact")


def test_a_translation_of_facts_alone_is_handed_on_as_it_is() -> None:
    said = Translation((moved("M1"),))

    assert sound(said) is said
