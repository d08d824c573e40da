"""Contracts are what the code does, are written down, and break nobody who relies on them."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import (
    AllocationRuleChanged,
    AllocationRunChanged,
    ConfirmationChanged,
    Every,
    Strategy,
)
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    ItemUnit,
    KitChanged,
    KitComponent,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.channels import (
    ChannelLevelHeard,
    ChannelSafeModeChanged,
    ChannelTermsChanged,
    OversellBudgetChanged,
)
from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.envelope import Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.events import EVENTS
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    CountedStock,
    MovementType,
    OrderLineOverPicked,
    Place,
    ReservationChanged,
    ReservationKind,
    ReservationStatus,
    SafetyStockChanged,
    SerialOvercounted,
    ShelfEmptied,
    SourceHeard,
    StockCounted,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
    StockWentNegative,
)
from crossdock.canonical.messages import MessageReceived, MessageSettled
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged, PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    DocumentCount,
    IdentityKind,
    InterchangeAcknowledged,
    InterchangeReceived,
    InterchangeWritten,
    OnboardingState,
    PartnerAgreementChanged,
    PartnerChanged,
    PartnerIdentityChanged,
    Standard,
)
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import (
    CountDecided,
    CountTaskChanged,
    DifferenceClosed,
    DifferenceConfirmed,
    DifferenceGone,
    MendingTried,
    PeriodChanged,
    ReconciliationPolicyChanged,
    ReconciliationRulesChanged,
    SnapshotBelieved,
    SnapshotRejected,
    WithholdingChanged,
)
from crossdock.canonical.sourcing import (
    SourcedLine,
    SourcedShipment,
    SourcingAlternatives,
    SourcingDecided,
    SourcingLane,
    SourcingNodeChanged,
    SourcingRulesChanged,
)
from crossdock.canonical.supply import (
    AtpRuleChanged,
    PromiseByDateChanged,
    PromisedPart,
    PromiseState,
    ShortPart,
    SubstitutionChanged,
    SupplyCommitmentChanged,
    SupplyKind,
    SupplyPeg,
)
from crossdock.governance.contracts import (
    RELEASED,
    Schema,
    breaking_changes,
    contract_files,
    contracts,
    read_contracts,
    read_payload,
    release_contracts,
    schema_of,
    write_contracts,
)
from tests.conftest import NOON

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "events"
FOUR = Quantity.of("4.5", "CS")

REAL: list[Payload] = [
    ItemChanged(sku="B-1", units=(ItemUnit(unit="CS", numerator=12, gtin="00012345678905"),)),
    LocationChanged(code="DC1", members=("A", "B")),
    StockMoved(
        movement_id="M-1",
        item="B-1",
        quantity=FOUR,
        type=MovementType.PICK,
        source_place=Place(location="DC1", lot="L1"),
        target_place=Place(location="DC1", status=StockStatus.STAGED_OUT),
        base=Quantity.of(54),
    ),
    StockSnapshotTaken(
        snapshot_id="S-1", location="DC1", lines=(CountedStock(item="B-1", quantity=FOUR),)
    ),
    SourceHeard(source="wms"),
    ChannelLevelHeard(item="B-1", location="DC1", quantity=FOUR),
    AvailabilityChanged(
        item="B-1", location="DC1", version=7, nettable=FOUR, hard=FOUR, soft=FOUR, safety=-FOUR
    ),
    ReservationChanged(
        reservation_id="rsv_1",
        line_no=1,
        status=ReservationStatus.ACTIVE,
        kind=ReservationKind.SOFT,
        item="B-1",
        location="DC1",
        requested=FOUR,
        granted=FOUR,
        consumed=FOUR,
        expires_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    ),
    SafetyStockChanged(
        item="B-1", location="DC1", version=8, changed_by="ann", before=FOUR, safety=FOUR
    ),
    StockWentNegative(item="B-1", place=Place(location="DC1"), quantity=-FOUR),
    StockCounted(
        item="B-1",
        place=Place(location="DC1"),
        counted_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        book=FOUR,
        counted=FOUR,
        count_ref="M-1",
        told_by="wms",
        counted_by="ann",
    ),
    ShelfEmptied(item="B-1", location="DC1"),
    SerialOvercounted(item="B-1", place=Place(location="DC1", serial="S1"), quantity=FOUR),
    OrderLineOverPicked(
        order_id="1001",
        demand_ref="shop:1001/1",
        item="B-1",
        location="DC1",
        ordered=FOUR,
        picked=FOUR,
    ),
    OrderChanged(
        order_id="1001",
        lines=(
            DemandLine(
                demand_ref="shop:1001/1", item="B-1", location="DC1", ordered=FOUR, cancelled=FOUR
            ),
        ),
    ),
    KitChanged(
        item="B-1",
        quantity=FOUR,
        components=(KitComponent(item="C-1", quantity=FOUR),),
    ),
    LotChanged(item="B-1", lot="L1", expires_on=date(2026, 5, 6)),
    CatchWeightChanged(item="B-1", nominal=FOUR, low_percent=5, high_percent=10),
    SupplyCommitmentChanged(
        supply_id="po:1/1",
        kind=SupplyKind.PO_SCHEDULE,
        item="B-1",
        location="DC1",
        open_quantity=FOUR,
        eta=date(2026, 5, 6),
        pegs=(SupplyPeg(demand_ref="shop:1001/1", quantity=FOUR),),
        supplier="ACME",
        acknowledged=FOUR,
        received=FOUR,
        cancelled=FOUR,
    ),
    PartyChanged(code="C-1", roles=(PartyRole.CUSTOMER, PartyRole.THIRD_PARTY_LOGISTICS)),
    CommandSettled(
        command_id="c",
        connection="shop",
        role="set_availability",
        subject="B-1@DC1",
        version=1,
        settlement=Settlement.STALE,
        observed=Decimal("4.5"),
    ),
    ConfirmationChanged(
        run_id="run_1",
        demand_ref="shop:1001/1",
        order_id="1001",
        channel="shop",
        item="B-1",
        location="DC1",
        strategy=Strategy.WIN,
        requested=FOUR,
        before=FOUR,
        confirmed=FOUR,
    ),
    SourcingDecided(
        decision_id="src_1",
        rule_scope="channel:WEB",
        rule_version=4,
        policy="PARTIAL",
        decided_by="SINGLE_NODE",
        method="EXACT",
        shipments=(
            SourcedShipment(
                node="DC1",
                lines=(SourcedLine(line_no=1, item="B-1", quantity=FOUR, demand_ref="1/1"),),
                ships_on="2026-05-04",
            ),
        ),
        waiting=(SourcedLine(line_no=2, item="B-2", quantity=FOUR),),
    ),
    SourcingRulesChanged(
        scope="channel:WEB",
        version=2,
        valid_from=datetime(2026, 5, 4, 9, tzinfo=UTC),
        changed_by="key ops",
        policy="PARTIAL",
        filters=("ACTIVE",),
        preferences=("COST",),
        min_line_split_qty=Decimal("1.5"),
        alternatives=SourcingAlternatives(
            substitute="ITEM", chooses="RANK", keeps_rest="LEADING", when="ALWAYS"
        ),
    ),
    SubstitutionChanged(item="B-1", version=3, changed_by="key ops", alternatives=("B-2",)),
    AtpRuleChanged(
        item="B-1",
        location="*",
        version=2,
        changed_by="key ops",
        says=("mode", "pack"),
        mode="DISCRETE",
        pack=Decimal("4.5"),
    ),
    PromiseByDateChanged(
        promise_id="prm_1",
        state=PromiseState.AT_RISK,
        version=3,
        changed_by="crossdock",
        client="key web",
        request_id="r1",
        lines=(
            PromisedPart(
                line_no=1,
                item="B-1",
                location="DC1",
                demand_ref="shop:1/1",
                ship_date=date(2026, 5, 6),
                quantity=FOUR,
                held=FOUR,
            ),
        ),
        short=(
            ShortPart(line_no=1, item="B-1", location="DC1", day=date(2026, 5, 6), quantity=FOUR),
        ),
    ),
    ChannelTermsChanged(
        connection="shop",
        location="web",
        version=2,
        changed_by="key ops",
        is_active=True,
        source_locations=("DC1", "DC2"),
        share_mode="PROTECTED",
        share_percent=Decimal("99.5"),
        share_fixed=Decimal(0),
        share_min=Decimal(10),
        period="DAY",
        buffer=Decimal(3),
        low_threshold=Decimal(0),
        coalesce_seconds=60,
        when_stale="KEEP",
        stale_buffer=Decimal(0),
        oversell_percent=Decimal("0.0001"),
        unit_margin=Decimal("4.5"),
        currency="EUR",
        levels=(Decimal(10), Decimal("0.5")),
        items=2,
        items_changed=1,
    ),
    OversellBudgetChanged(
        connection="shop",
        location="web",
        item="B-1",
        version=2,
        changed_by="crossdock",
        before=Decimal(4),
        held_back=Decimal("4.5"),
        oversell_percent=Decimal(1),
    ),
    DifferenceGone(
        finding_id="dif_1",
        against="erp",
        item="B-1",
        location="DC1",
        last_seen=datetime(2026, 5, 4, 9, tzinfo=UTC),
        system="orders",
        document="S-1",
        line="2",
    ),
    MendingTried(
        finding_id="dif_1",
        against="erp",
        item="B-1",
        location="DC1",
        how="RECORDED",
        attempt=2,
        tried_by="crossdock",
        outcome="REFUSED",
        because="its token expired",
    ),
    ReconciliationRulesChanged(
        version=3,
        changed_by="key ops",
        tolerance_absolute=Decimal("0.5"),
        tolerance_percent_a=Decimal("0.5"),
        tolerance_percent_b=Decimal(1),
        tolerance_percent_c=Decimal(5),
        tolerance_value=Decimal(250),
        tolerance_documents_percent=Decimal(0),
        heals=("REDRIVE", "REFETCH"),
        attempts=2,
        most_percent=Decimal("2.5"),
        most_value=Decimal(10_000),
    ),
    ReconciliationPolicyChanged(
        version=2, changed_by="key ops", four_eyes=True, as_booked=("B", "C")
    ),
    SourcingNodeChanged(
        node="DC1",
        version=2,
        changed_by="key ops",
        is_withdrawn=False,
        capabilities=("PICKUP", "SHIP"),
        lanes=(SourcingLane(country="DE", runs_on=(1, 3), cost=Decimal("4.5"), distance_km=80),),
        load_percent=40,
    ),
    ChannelSafeModeChanged(
        connection="shop",
        location="web",
        source="erp",
        is_safe=False,
        when_stale="ZERO",
        since=datetime(2026, 5, 4, 9, 15, tzinfo=UTC),
        heard_at=datetime(2026, 5, 4, 9, tzinfo=UTC),
    ),
    AllocationRuleChanged(
        kind="PROTECTION",
        version=4,
        changed_by="key ops",
        subject="web",
        item="B-1",
        location="DC1",
        maximum=Decimal("4.5"),
        minimum=Decimal(0),
        starts_at=datetime(2026, 5, 4, 9, tzinfo=UTC),
        ends_at=datetime(2026, 5, 5, 9, tzinfo=UTC),
        every=Every.MONTH,
        timezone="Europe/Berlin",
    ),
    AllocationRunChanged(
        run_id="run_1",
        item="B-1",
        location="DC1",
        state="APPLIED",
        reason="RECEIPT",
        supply=FOUR,
        owed=FOUR,
        gained=FOUR,
        lost=FOUR,
        rules_version=4,
        changed_by="crossdock",
    ),
    DifferenceConfirmed(
        finding_id="fnd_1",
        against="erp",
        item="B-1",
        location="DC1",
        cut=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        ours=FOUR,
        theirs=-FOUR,
        explained=FOUR,
        unexplained=-FOUR,
        cause="MSG_LOST",
        remedy="REDRIVE",
        value_at_risk=Decimal("12.5"),
    ),
    DifferenceClosed(
        finding_id="fnd_1",
        against="erp",
        item="B-1",
        location="DC1",
        root_cause="COUNT",
        closed_by="a clerk",
    ),
    PeriodChanged(
        period="2026-02",
        against="erp",
        ends_at=NOON,
        state="SIGNED",
        figures=2,
        differing=1,
        changed_by="ann",
        because="the rest is late",
    ),
    PartnerChanged(
        partner="prt_1",
        name="Buyer",
        state=OnboardingState.TESTED,
        version=3,
        changed_by="ann",
        roles=(PartyRole.CUSTOMER,),
        owner="EDI desk",
        contacts=(Contact(name="Bob", role="EDI", email="bob@example.com", phone="1"),),
        because="anew",
    ),
    PartnerIdentityChanged(
        partner="prt_1",
        kind=IdentityKind.ISA,
        value="BUYER",
        qualifier="ZZ",
        version=4,
        changed_by="ann",
        is_cleared=True,
    ),
    PartnerAgreementChanged(
        partner="prt_1",
        agreement=Agreement(
            standard=Standard.X12,
            document="850",
            direction=Direction.OUT,
            version="004010",
            guide="3",
            acknowledgment=Acknowledgment.X997,
            within_minutes=60,
        ),
        version=5,
        changed_by="ann",
        is_cleared=True,
    ),
    InterchangeReceived(
        interchange="ixc_1",
        partner="prt_1",
        standard=Standard.X12,
        sender="ZZ:BUYER",
        receiver="ZZ:SELLER",
        control="000000001",
        state="TAKEN",
        is_test=True,
        documents=(DocumentCount("850", 1),),
        repeated=1,
        rejected=1,
    ),
    InterchangeWritten(
        interchange="ixc_2",
        partner="prt_1",
        standard=Standard.X12,
        sender="ZZ:SELLER",
        receiver="ZZ:BUYER",
        control="000000001",
        documents=(DocumentCount("997", 1),),
        answers="ixc_1",
        is_sent=True,
    ),
    InterchangeAcknowledged(
        interchange="ixc_3",
        partner="prt_1",
        control="000000040",
        by="ixc_4",
        accepted=2,
        rejected=1,
    ),
    SnapshotBelieved(run_id="rcn_1", against="erp", believed_by="bob", asked_by="ann"),
    SnapshotRejected(run_id="rcn_1", against="erp", reason="it has no rows"),
    CountDecided(
        counted_id="ctd_1",
        item="B-1",
        location="DC1",
        count_ref="M-1",
        told_by="wms",
        adjusts=-FOUR,
        value=Decimal(12000),
        decision="APPROVED",
        decided_by="ann",
        because="the pallet fell",
    ),
    CountTaskChanged(
        count_id="cnt_1",
        item="B-1",
        location="DC1",
        item_class="A",
        reason="CLASS_DUE",
        status="DONE",
    ),
    WithholdingChanged(against="erp", item="B-1", location="DC1", withheld=Quantity.of(3)),
    MessageReceived(
        document_id="msg_1",
        transport="AS2",
        sender="acme",
        receiver="dock",
        message_id="1@acme",
        content_type="application/edi-x12",
        size_bytes=124,
        sha256="00" * 32,
        is_signed=True,
    ),
    MessageSettled(
        document_id="msg_2",
        transport="AS2",
        sender="dock",
        receiver="acme",
        message_id="1@dock",
        outcome="REFUSED",
        because="processed/error: decryption-failed",
    ),
]


def test_the_written_contracts_are_those_of_the_code() -> None:
    written = {
        path.name: path.read_text(encoding="utf-8")
        for path in REFERENCE.iterdir()
        if path.is_file()
    }
    assert written == contract_files(), "write_contracts(docs/reference/events) brings them up"


def kept() -> dict[str, Schema]:
    """Read what the last release froze; without it the comparison would compare nothing."""
    found = read_contracts(REFERENCE / RELEASED)
    assert found, "no contracts are frozen: run `make freeze`"
    return found


def test_the_released_contracts_still_hold() -> None:
    assert breaking_changes(kept(), contracts()) == []


@pytest.mark.parametrize("type_name", sorted(kept()))
def test_no_released_field_can_go_and_a_new_one_may_come(type_name: str) -> None:
    proposed = contracts()
    fields = proposed[type_name]["properties"]
    fields["truck"] = {"type": "string", "default": ""}
    assert breaking_changes(kept(), proposed) == []

    for name in kept()[type_name]["properties"]:
        rest = {other: field for other, field in fields.items() if other != name}
        broken = {**proposed, type_name: {**proposed[type_name], "properties": rest}}
        assert [change.field for change in breaking_changes(kept(), broken)] == [name]


@pytest.mark.parametrize("type_name", sorted(EVENTS))
def test_every_event_says_what_it_means(type_name: str) -> None:
    schema = schema_of(EVENTS[type_name])
    assert schema["description"]
    assert f"`{type_name}`" in contract_files()["index.md"]
    assert "domain.md" not in json.dumps(schema)


@pytest.mark.parametrize("type_name", sorted(EVENTS))
def test_every_contract_is_valid_json_schema(type_name: str) -> None:
    jsonschema_rs.meta.validate(schema_of(EVENTS[type_name]))


def test_every_event_is_tried_for_real() -> None:
    assert {payload.TYPE for payload in REAL} == EVENTS.keys(), "add a sample to REAL"


@pytest.mark.parametrize("payload", REAL, ids=lambda payload: payload.TYPE)
def test_what_the_code_writes_fulfils_its_contract(payload: Payload) -> None:
    encoded = msgspec.json.encode(payload)
    assert read_payload(payload.TYPE, encoded) == payload
    assert payload.key


@pytest.mark.parametrize("payload", REAL, ids=lambda payload: payload.TYPE)
def test_a_contract_names_every_field_that_is_written(payload: Payload) -> None:
    assert schema_of(type(payload))["properties"].keys() == msgspec.to_builtins(payload).keys()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value="-1e11", max_value="1e11"))
def test_every_amount_that_can_be_made_can_be_written(value: Decimal) -> None:
    try:
        quantity = Quantity.of(value)
    except Invalid:
        return
    payload = ChannelLevelHeard(item="B-1", location="DC1", quantity=quantity)
    assert read_payload(payload.TYPE, msgspec.json.encode(payload)) == payload


MOVED: dict[str, Any] = msgspec.to_builtins(REAL[2])


@pytest.mark.parametrize(
    ("where", "changed"),
    [
        ("", MOVED | {"item": None} | {"movement_id": 1}),
        ("/item", MOVED | {"item": 7}),
        ("/item", MOVED | {"item": None}),
        ("/quantity", MOVED | {"quantity": "4"}),
        ("/quantity", MOVED | {"quantity": {"unit": "EA"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": 4.5}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "NaN"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "1e5"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "Infinity"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": " 4"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "\u0664"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "4\n"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "1234567890123"}}),
        ("/quantity/value", MOVED | {"quantity": {"value": "0.1234567"}}),
        ("/source_place", MOVED | {"source_place": {"location": "DC1", "status": "SHINY"}}),
        ("", {name: value for name, value in MOVED.items() if name != "item"}),
        ("", []),
    ],
)
def test_a_breach_is_named_with_its_place(where: str, changed: Any) -> None:
    with pytest.raises(Invalid) as caught:
        read_payload(StockMoved.TYPE, json.dumps(changed).encode())
    assert caught.value.code == "EVT-SCHEMA"
    assert caught.value.where.startswith(where)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'"\xff"', b"nul", b"[" * 100_000])
def test_what_is_not_json_is_refused(content: bytes) -> None:
    with pytest.raises(Invalid):
        read_payload(StockMoved.TYPE, content)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with pytest.raises(Invalid):
        read_payload(StockMoved.TYPE, content)


def test_what_a_schema_cannot_say_is_still_refused() -> None:
    """To JSON Schema `1.0` is an integer and a date is a date; the code is stricter."""
    content = msgspec.to_builtins(REAL[7]) | {"expires_at": "2026-01-02T03:04:05"}
    with pytest.raises(Invalid):
        read_payload(ReservationChanged.TYPE, json.dumps(content).encode())
    content = msgspec.to_builtins(REAL[7]) | {"line_no": 1.0}
    with pytest.raises(Invalid):
        read_payload(ReservationChanged.TYPE, json.dumps(content).encode())


@pytest.mark.parametrize(
    "changed",
    [
        MOVED | {"item": "a\0b"},
        MOVED | {"later": [{"a\0": 1}]},
        MOVED | {"source_place": {"location": "\0"}},
    ],
)
def test_a_nul_character_never_comes_in(changed: Any) -> None:
    with pytest.raises(Invalid, match="NUL"):
        read_payload(StockMoved.TYPE, json.dumps(changed).encode())


def test_a_backslash_before_zeros_is_no_nul_character() -> None:
    payload = read_payload(StockMoved.TYPE, json.dumps(MOVED | {"item": "\\u0000"}).encode())
    assert payload.key == "\\u0000"


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(Invalid):
        read_payload(StockMoved.TYPE, json.dumps(MOVED | {"item": "\ud800"}).encode())


def test_an_unknown_code_of_an_open_list_reads_as_other() -> None:
    content = json.dumps(MOVED | {"type": "TELEPORT", "later_field": 1}).encode()
    payload = read_payload(StockMoved.TYPE, content)
    assert isinstance(payload, StockMoved)
    assert payload.type is MovementType.OTHER


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(Invalid):
        read_payload("inventory.stock_moved.v99", b"{}")


def test_a_kind_without_a_place_in_json_is_refused() -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Weighed:
        TYPE: ClassVar[str] = "inventory.weighed.v1"

        kilograms: float

        @property
        def key(self) -> str:
            return ""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Paired:
        TYPE: ClassVar[str] = "inventory.paired.v1"

        pair: tuple[str, int]

        @property
        def key(self) -> str:
            return ""

    for kind in (Weighed, Paired):
        with pytest.raises(TypeError):
            schema_of(kind)


# --- released contracts -----------------------------------------------------------------------

EVENT = StockMoved.TYPE


def _property(schema: Schema, name: str, **changed: object) -> None:
    schema["properties"][name] = schema["properties"][name] | changed


def _codes(schema: Schema, name: str) -> Schema:
    definition: Schema = schema["$defs"][name]
    return definition


def _removed_code(schema: Schema) -> None:
    _codes(schema, "MovementType")["x-known-values"].remove("PICK")


def _closed(schema: Schema) -> None:
    codes = _codes(schema, "MovementType")
    codes["enum"] = codes.pop("x-known-values")


PLANTED: list[tuple[str, str, Callable[[Schema], object]]] = [
    ("reason", "removed", lambda s: s["properties"].pop("reason")),
    ("reason", "required", lambda s: s["required"].append("reason")),
    ("later", "required", lambda s: s["required"].append("later")),
    ("item", "type", lambda s: _property(s, "item", type="integer")),
    ("item", "pattern", lambda s: _property(s, "item", pattern="^[A-Z]+$")),
    ("reason", "absent", lambda s: _property(s, "reason", default="none")),
    ("base", "kind", lambda s: s["properties"].update(base={"$ref": "#/$defs/Quantity"})),
    ("base", "kind", lambda s: s["properties"]["base"]["anyOf"].pop()),
    ("quantity.value", "pattern", lambda s: _codes(s, "Quantity")["properties"]["value"].update(
        pattern="^[0-9]+$")),
    ("quantity.unit", "removed", lambda s: _codes(s, "Quantity")["properties"].pop("unit")),
    ("source_place.lot", "required", lambda s: _codes(s, "Place")["required"].append("lot")),
    ("source_place.status", "SHINY", lambda s: _codes(s, "StockStatus")["enum"].append("SHINY")),
    ("source_place.status", "DAMAGED", lambda s: _codes(s, "StockStatus")["enum"].remove(
        "DAMAGED")),
    ("type", "PICK", _removed_code),
    ("type", "closed", _closed),
]  # fmt: skip


@pytest.mark.parametrize(("field", "why", "plant"), PLANTED)
def test_a_breaking_change_is_found_and_named(
    field: str, why: str, plant: Callable[[Schema], object]
) -> None:
    released = contracts()
    proposed = copy.deepcopy(released)
    plant(proposed[EVENT])
    found = breaking_changes(released, proposed)
    assert {change.event for change in found} == {EVENT}
    assert any(change.field == field and why in change.why for change in found), found
    assert all(EVENT in str(change) for change in found)


def test_a_breaking_change_inside_a_list_is_found() -> None:
    released = contracts()
    proposed = copy.deepcopy(released)
    proposed[OrderChanged.TYPE]["$defs"]["DemandLine"]["properties"].pop("cancelled")
    (found,) = breaking_changes(released, proposed)
    assert str(found) == "orders.order_changed.v1: lines[].cancelled was removed"


def test_an_event_that_is_gone_is_a_breach() -> None:
    proposed = contracts()
    del proposed[EVENT]
    (found,) = breaking_changes(contracts(), proposed)
    assert str(found) == f"{EVENT}: the event was released and is gone"


def test_growing_is_no_breach() -> None:
    proposed = contracts()
    proposed["inventory.stock_weighed.v1"] = {"type": "object", "properties": {}, "required": []}
    proposed[EVENT]["properties"]["carrier"] = {"type": "string", "default": ""}
    _codes(proposed[EVENT], "MovementType")["x-known-values"].append("TELEPORT")
    proposed[EVENT]["description"] = "Said better."
    assert breaking_changes(contracts(), proposed) == []


def test_nothing_released_binds_nobody(tmp_path: Path) -> None:
    assert breaking_changes(read_contracts(tmp_path / "nowhere"), contracts()) == []


def test_writing_removes_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "inventory.forgotten.v1.json").write_text("{}")
    write_contracts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == contract_files().keys()
    assert read_contracts(tmp_path) == contracts()


def test_a_release_keeps_its_contracts_and_refuses_to_break_them(tmp_path: Path) -> None:
    assert release_contracts(tmp_path) == []
    assert read_contracts(tmp_path / RELEASED) == contracts()
    kept = tmp_path / RELEASED / f"{EVENT}.json"
    older = json.loads(kept.read_text())
    older["properties"]["truck"] = {"type": "string"}
    kept.write_text(json.dumps(older))
    assert [change.field for change in release_contracts(tmp_path)] == ["truck"]
    assert json.loads(kept.read_text()) == older
