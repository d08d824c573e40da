"""Events have their class, their key and their references; errors their branch."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from inspect import getattr_static
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import AllocationRuleChanged, AllocationRunChanged
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
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
from crossdock.canonical.envelope import Event, Fact, Payload
from crossdock.canonical.errors import (
    Ambiguous,
    CrossdockError,
    Forbidden,
    Invalid,
    Missing,
    NotFound,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.canonical.events import EVENTS, payload_type
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
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.partners import (
    Agreement,
    Direction,
    IdentityKind,
    InterchangeAcknowledged,
    InterchangeReceived,
    InterchangeWritten,
    KnownPartner,
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
from crossdock.canonical.references import ANY_UNIT, ItemInUnit, Reference, Refers, Resolution
from crossdock.canonical.sourcing import (
    SourcingDecided,
    SourcingNodeChanged,
    SourcingRulesChanged,
)
from crossdock.canonical.supply import (
    AtpRuleChanged,
    PromiseByDateChanged,
    PromiseState,
    SubstitutionChanged,
    SupplyCommitmentChanged,
    SupplyKind,
    SupplyPeg,
)
from tests.conftest import NOON

FOUR = Quantity.of(4, "CS")
AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
KNOWN = Resolution(
    {
        ("B-1", "CS"): ItemInUnit("itm_1", "EA", 12, 1),
        ("B-1", "EA"): ItemInUnit("itm_1", "EA", 1, 1),
        ("C-1", "FOT"): ItemInUnit("itm_2", "MTR", 381, 1250),
        ("C-1", "THIRD"): ItemInUnit("itm_2", "MTR", 1, 3),
    },
    {"DC1": "loc_1", "DC2": "loc_2"},
)
MOVED = StockMoved(
    movement_id="M-1",
    item="B-1",
    quantity=FOUR,
    type=MovementType.TRANSFER_SHIP,
    source_place=Place(location="DC1"),
    target_place=Place(location="DC2", status=StockStatus.IN_TRANSIT),
)
LINE = DemandLine(
    demand_ref="shop:1/1", item="B-1", location="DC1", ordered=FOUR, cancelled=Quantity.of(0, "CS")
)


COMING = SupplyCommitmentChanged(
    supply_id="po:1/1",
    kind=SupplyKind.PO_SCHEDULE,
    item="B-1",
    location="DC1",
    open_quantity=FOUR,
    pegs=(SupplyPeg(demand_ref="shop:1/1", quantity=Quantity.of(3)),),
)


KIT = KitChanged(
    item="B-1",
    quantity=FOUR,
    components=(KitComponent(item="C-1", quantity=Quantity.of(1000, "FOT")),),
)


LOT = LotChanged(item="B-1", lot="L1", expires_on=date(2026, 5, 6))
WEIGHT = CatchWeightChanged(item="B-1", nominal=FOUR, low_percent=5, high_percent=10)


ORDERS = Agreement(standard=Standard.EDIFACT, document="ORDERS", direction=Direction.IN)
RECEIVED = InterchangeReceived(
    interchange="ixc_1",
    partner="prt_1",
    standard=Standard.X12,
    sender="ZZ:BUYER",
    receiver="ZZ:SELLER",
    control="1",
    state="TAKEN",
)


def test_what_is_agreed_on_is_of_one_document_in_one_direction() -> None:
    known = KnownPartner(
        partner="prt_1", name="Buyer", state=OnboardingState.LIVE, agreements=(ORDERS,)
    )

    assert known.agreed(Standard.EDIFACT, "ORDERS", Direction.IN) is ORDERS
    assert known.agreed(Standard.EDIFACT, "ORDERS", Direction.OUT) is None


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_is_named_by_capability_past_tense_and_version(name: str) -> None:
    payload = payload_type(name)
    assert name == payload.TYPE
    capability, event, version = name.split(".")
    assert capability.isalpha()
    assert event.replace("_", "").isalpha()
    assert version.removeprefix("v").isdigit()
    assert isinstance(getattr_static(payload, "key"), property)


def test_an_event_of_another_version_is_refused() -> None:
    with pytest.raises(Invalid, match=r"stock_moved\.v2") as caught:
        payload_type("inventory.stock_moved.v2")
    assert caught.value.code == "EVT-SCHEMA"


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (ItemChanged(sku="B-1"), "B-1"),
        (LocationChanged(code="DC1"), "DC1"),
        (MOVED, "B-1"),
        (StockSnapshotTaken(snapshot_id="S", location="DC1", lines=()), "DC1"),
        (SourceHeard(source="wms"), "wms"),
        (ChannelLevelHeard(item="B-1", location="DC1", quantity=FOUR), "B-1"),
        (OrderChanged(order_id="1001", lines=()), "1001"),
        (COMING, "po:1/1"),
        (KIT, "B-1"),
        (LOT, "B-1"),
        (WEIGHT, "B-1"),
        (PartyChanged(code="C-1"), "C-1"),
        (
            PartnerChanged(
                partner="prt_1",
                name="Buyer",
                state=OnboardingState.LIVE,
                version=1,
                changed_by="ann",
            ),
            "prt_1",
        ),
        (
            PartnerIdentityChanged(
                partner="prt_1",
                kind=IdentityKind.AS2,
                value="BUYER",
                version=1,
                changed_by="ann",
            ),
            "prt_1",
        ),
        (
            PartnerAgreementChanged(
                partner="prt_1", agreement=ORDERS, version=1, changed_by="ann"
            ),
            "prt_1",
        ),
        (RECEIVED, "prt_1"),
        (replace(RECEIVED, partner=""), "ZZ:BUYER"),
        (
            InterchangeWritten(
                interchange="ixc_2",
                partner="prt_1",
                standard=Standard.X12,
                sender="ZZ:SELLER",
                receiver="ZZ:BUYER",
                control="1",
            ),
            "prt_1",
        ),
        (
            InterchangeAcknowledged(
                interchange="ixc_3",
                partner="prt_1",
                control="4",
                by="ixc_4",
                accepted=2,
                rejected=1,
            ),
            "prt_1",
        ),
        (
            CommandSettled(
                command_id="c",
                connection="shop",
                role="set_availability",
                subject="B-1@DC1",
                version=1,
                settlement=Settlement.DONE,
            ),
            "B-1@DC1",
        ),
        (
            SourcingDecided(
                decision_id="src_1",
                rule_scope="all",
                rule_version=0,
                policy="PARTIAL",
                decided_by="ONLY",
                method="EXACT",
            ),
            "src_1",
        ),
        (
            SourcingRulesChanged(
                scope="channel:WEB", version=2, valid_from=AT, changed_by="ops", policy="PARTIAL"
            ),
            "channel:WEB",
        ),
        (SubstitutionChanged(item="B-1", version=3, changed_by="ops"), "B-1"),
        (AtpRuleChanged(item="*", location="DC1", version=1, changed_by="ops"), "*"),
        (
            PromiseByDateChanged(
                promise_id="prm_1",
                state=PromiseState.MADE,
                version=1,
                changed_by="web",
                client="web",
                request_id="r1",
                lines=(),
            ),
            "prm_1",
        ),
        (
            ChannelTermsChanged(
                connection="shop",
                location="web",
                version=1,
                changed_by="ops",
                is_active=True,
                source_locations=("DC1",),
                share_mode="POOL",
                share_percent=Decimal(100),
                share_fixed=Decimal(0),
                share_min=Decimal(0),
                period="DAY",
                buffer=Decimal(3),
                low_threshold=Decimal(0),
                coalesce_seconds=60,
                when_stale="KEEP",
                stale_buffer=Decimal(0),
            ),
            "shop",
        ),
        (
            OversellBudgetChanged(
                connection="shop",
                location="web",
                item="B-1",
                version=1,
                changed_by="crossdock",
                before=Decimal(0),
                held_back=Decimal(4),
            ),
            "B-1",
        ),
        (
            ChannelSafeModeChanged(
                connection="shop",
                location="web",
                source="erp",
                is_safe=True,
                when_stale="LOWER",
                since=datetime(2026, 5, 4, 9, tzinfo=UTC),
            ),
            "shop",
        ),
        (
            DifferenceGone(
                finding_id="dif_1",
                against="erp",
                item="B-1",
                location="DC1",
                last_seen=datetime(2026, 5, 4, 9, tzinfo=UTC),
            ),
            "B-1",
        ),
        (
            MendingTried(
                finding_id="dif_1",
                against="erp",
                item="B-1",
                location="DC1",
                how="SENT_AGAIN",
                attempt=1,
                tried_by="ops",
            ),
            "B-1",
        ),
        (
            ReconciliationRulesChanged(
                version=1,
                changed_by="ops",
                tolerance_absolute=Decimal(1),
                tolerance_percent_a=Decimal("0.5"),
                tolerance_percent_b=Decimal(1),
                tolerance_percent_c=Decimal(5),
                tolerance_value=Decimal(250),
                tolerance_documents_percent=Decimal(0),
                heals=("REDRIVE",),
                attempts=2,
                most_percent=Decimal(2),
                most_value=Decimal(10_000),
            ),
            "rules",
        ),
        (ReconciliationPolicyChanged(version=1, changed_by="o", four_eyes=True), "policy"),
        (SourcingNodeChanged(node="DC1", version=1, changed_by="o", is_withdrawn=True), "DC1"),
        (AllocationRuleChanged(kind="POLICY", version=1, changed_by="ops"), "POLICY"),
        (AllocationRuleChanged(kind="CHANNEL", version=1, changed_by="o", subject="web"), "web"),
        (
            AllocationRuleChanged(
                kind="PROTECTION", version=1, changed_by="o", subject="web", item="B-1"
            ),
            "B-1",
        ),
        (
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
                rules_version=1,
                changed_by="ops",
            ),
            "B-1",
        ),
        (
            DifferenceConfirmed(
                finding_id="fnd_1",
                against="erp",
                item="B-1",
                location="DC1",
                cut=datetime(2026, 5, 4, tzinfo=UTC),
                ours=FOUR,
                theirs=FOUR,
                explained=FOUR,
                unexplained=FOUR,
                cause="UNKNOWN",
                remedy="COUNT",
            ),
            "B-1",
        ),
        (
            DifferenceClosed(
                finding_id="fnd_1",
                against="erp",
                item="B-1",
                location="DC1",
                root_cause="COUNT",
                closed_by="a clerk",
            ),
            "B-1",
        ),
        (
            PeriodChanged(
                period="2026-02",
                against="erp",
                ends_at=NOON,
                state="CLOSED",
                figures=2,
                differing=1,
                changed_by="ann",
            ),
            "2026-02",
        ),
        (
            SnapshotBelieved(run_id="rcn_1", against="erp", believed_by="bob", asked_by="ann"),
            "erp",
        ),
        (SnapshotRejected(run_id="rcn_1", against="erp", reason="it has no rows"), "erp"),
        (
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
            "B-1",
        ),
        (
            CountTaskChanged(
                count_id="cnt_1",
                item="B-1",
                location="DC1",
                item_class="A",
                reason="DIFFERENCE",
                status="PROPOSED",
            ),
            "B-1",
        ),
        (
            SafetyStockChanged(
                item="B-1", location="DC1", version=8, changed_by="ann", before=FOUR, safety=FOUR
            ),
            "B-1",
        ),
        (StockWentNegative(item="B-1", place=Place(location="DC1"), quantity=-FOUR), "B-1"),
        (
            StockCounted(
                item="B-1",
                place=Place(location="DC1"),
                counted_at=AT,
                book=FOUR,
                counted=FOUR,
                count_ref="M-1",
                told_by="wms",
            ),
            "B-1",
        ),
        (ShelfEmptied(item="B-1", location="DC1"), "B-1"),
        (SerialOvercounted(item="B-1", place=Place(location="DC1"), quantity=FOUR), "B-1"),
        (
            OrderLineOverPicked(
                order_id="1001",
                demand_ref="shop:1001/1",
                item="B-1",
                location="DC1",
                ordered=FOUR,
                picked=FOUR,
            ),
            "1001",
        ),
        (
            AvailabilityChanged(
                item="B-1",
                location="DC1",
                version=1,
                nettable=FOUR,
                hard=FOUR,
                soft=FOUR,
                safety=FOUR,
            ),
            "B-1",
        ),
        (
            ReservationChanged(
                reservation_id="rsv_1",
                line_no=1,
                status=ReservationStatus.ACTIVE,
                kind=ReservationKind.HARD,
                item="B-1",
                location="DC1",
                requested=FOUR,
                granted=FOUR,
                consumed=FOUR,
            ),
            "B-1",
        ),
        (
            WithholdingChanged(against="wms", item="B-1", location="DC1", withheld=FOUR),
            "B-1",
        ),
    ],
)
def test_the_key_is_what_the_order_of_events_matters_for(payload: Payload, key: str) -> None:
    assert payload.key == key
    assert isinstance(payload, Payload)
    assert not hasattr(payload, "__dict__")


def test_a_movement_refers_to_its_item_and_both_ends() -> None:
    assert isinstance(MOVED, Refers)
    assert MOVED.references() == (
        Reference.item("B-1", FOUR),
        Reference.location("DC1"),
        Reference.location("DC2"),
    )
    resolved = MOVED.resolved(KNOWN)
    assert (resolved.item, resolved.quantity, resolved.base) == ("itm_1", FOUR, Quantity.of(48))
    assert resolved.source_place == Place(location="loc_1")
    assert resolved.target_place == Place(location="loc_2", status=StockStatus.IN_TRANSIT)


def test_a_movement_may_have_one_end_outside_the_house() -> None:
    received = StockMoved(
        movement_id="M-2",
        item="B-1",
        quantity=FOUR,
        type=MovementType.RECEIPT,
        target_place=Place(location="DC1"),
    )
    assert len(received.references()) == 2
    assert received.resolved(KNOWN).source_place is None


def test_a_snapshot_is_resolved_line_by_line() -> None:
    snapshot = StockSnapshotTaken(
        snapshot_id="S-1",
        location="DC1",
        lines=(
            CountedStock(item="B-1", quantity=FOUR),
            CountedStock(item="B-1", quantity=Quantity.of(3), status=StockStatus.DAMAGED),
        ),
    )
    assert snapshot.references()[0] == Reference.location("DC1")
    resolved = snapshot.resolved(KNOWN)
    assert resolved.location == "loc_1"
    assert [line.base for line in resolved.lines] == [Quantity.of(48), Quantity.of(3)]
    assert {line.item for line in resolved.lines} == {"itm_1"}


def test_a_supply_is_resolved_with_its_pegs() -> None:
    assert isinstance(COMING, Refers)
    assert COMING.references() == (
        Reference.item("B-1", FOUR),
        Reference.item("B-1", Quantity.of(3)),
        Reference.location("DC1"),
    )
    resolved = COMING.resolved(KNOWN)
    assert (resolved.item, resolved.location, resolved.base_open) == (
        "itm_1",
        "loc_1",
        Quantity.of(48),
    )
    assert [peg.base for peg in resolved.pegs] == [Quantity.of(3)]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"supply_id": " "}, "/payload/supply_id"),
        ({"parent_supply_id": "po:1/1"}, "/payload/supply_id"),
        ({"open_quantity": -FOUR}, "/payload/open_quantity"),
        (
            {"pegs": (SupplyPeg(demand_ref="o/1", quantity=-FOUR),)},
            "/payload/open_quantity",
        ),
    ],
)
def test_a_supply_that_makes_no_sense_is_refused(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        replace(COMING, **wrong).resolved(KNOWN)
    assert refused.value.where == where


def test_a_kit_says_what_one_of_it_takes() -> None:
    assert isinstance(KIT, Refers)
    assert KIT.references() == (
        Reference.item("B-1", FOUR),
        Reference.item("C-1", Quantity.of(1000, "FOT")),
        Reference.recipe("C-1"),
    )
    resolved = KIT.resolved(KNOWN)
    assert (resolved.item, resolved.base) == ("itm_1", Quantity.of(48))
    # 1000 feet are 304.8 metres, for 48 pieces.
    assert resolved.parts() == {"itm_2": (6_350_000, "MTR")}
    assert replace(KIT, components=()).resolved(KNOWN).parts() == {}


@pytest.mark.parametrize(
    ("makes", "takes", "item"),
    [
        (1, 0, "C-1"),
        (1, -1, "C-1"),
        (0, 1, "C-1"),
        (1, 1, "B-1"),
        (3, 1, "C-1"),
    ],
)
def test_a_kit_that_cannot_be_put_together_is_refused(makes: int, takes: int, item: str) -> None:
    component = KitComponent(item=item, quantity=Quantity.of(takes))
    wrong = KitChanged(item="B-1", quantity=Quantity.of(makes), components=(component,))
    with pytest.raises(Invalid, match="cannot be so much") as refused:
        wrong.parts()
    assert refused.value.where == "/payload/components/0"


def test_a_kit_that_would_be_put_together_from_itself_is_refused_with_the_way() -> None:
    resolution = replace(
        KNOWN, recipes={"itm_2": ("itm_3", "itm_4"), "itm_3": ("itm_4",), "itm_4": ("itm_1",)}
    )
    with pytest.raises(Invalid, match="itm_1 > itm_2 > itm_4 > itm_1") as refused:
        KIT.resolved(resolution)
    assert (refused.value.code, refused.value.where) == ("MD-KIT-CIRCLE", "/payload/components")
    with pytest.raises(Missing, match="itm_4 > itm_1, unless a recipe on its way") as waits:
        KIT.resolved(replace(resolution, is_behind=True))
    assert waits.value.code == "MD-KIT-CIRCLE"
    known = replace(KNOWN, recipes={"itm_2": ("itm_3",), "itm_9": ("itm_1",)})
    assert KIT.resolved(known).item == "itm_1"
    # Told in one set, the next is judged behind it.
    assert known.circle("itm_3", ("itm_1",)) == ["itm_3", "itm_1", "itm_2", "itm_3"]


@pytest.mark.parametrize("said", [LOT, WEIGHT])
def test_what_is_said_of_an_item_alone_is_resolved_whatever_it_is_counted_in(
    said: LotChanged | CatchWeightChanged,
) -> None:
    assert said.references() == (Reference.item_alone("B-1"),)
    known = Resolution({("B-1", ANY_UNIT): ItemInUnit("itm_1", "EA", 1, 1)}, {})
    assert said.resolved(known) == replace(said, item="itm_1")


def test_a_lot_without_a_name_is_refused() -> None:
    with pytest.raises(Invalid, match="a lot has a name") as refused:
        replace(LOT, lot=" ").resolved(KNOWN)
    assert refused.value.where == "/payload/lot"


@pytest.mark.parametrize(
    ("nominal", "low", "high"), [("0", 0, 0), ("-1", 0, 0), ("1", 101, 0), ("1", 0, -1)]
)
def test_a_piece_weighs_something_within_a_tolerance(nominal: str, low: int, high: int) -> None:
    said = CatchWeightChanged(
        item="B-1", nominal=Quantity.of(nominal, "KGM"), low_percent=low, high_percent=high
    )
    with pytest.raises(Invalid, match="cannot weigh so much"):
        said.resolved(KNOWN)
    none = CatchWeightChanged(item="B-1")
    known = Resolution({("B-1", ANY_UNIT): ItemInUnit("i", "EA", 1, 1)}, {})
    assert none.resolved(known).item == "i"


def test_a_component_is_named_once() -> None:
    with pytest.raises(Invalid, match="cannot be so much"):
        replace(KIT, components=KIT.components * 2).parts()


def test_an_order_is_resolved_line_by_line() -> None:
    order = OrderChanged(order_id="1001", lines=(LINE,))
    assert order.references() == (Reference.item("B-1", FOUR), Reference.location("DC1"))
    assert order.resolved(KNOWN).customer == ""
    bought = replace(order, customer=" Metro")
    assert bought.references()[-1] == Reference.party(" Metro", may_be_unknown=True)
    assert bought.resolved(KNOWN).customer == "METRO"
    assert bought.resolved(replace(KNOWN, parties={" Metro": "C-17"})).customer == "C-17"
    (line,) = order.resolved(KNOWN).lines
    assert (line.item, line.location) == ("itm_1", "loc_1")
    assert (line.base_ordered, line.base_cancelled) == (Quantity.of(48), Quantity.of(0))


def test_a_channels_level_is_resolved_into_the_base_unit() -> None:
    heard = ChannelLevelHeard(item="B-1", location="DC1", quantity=FOUR)
    assert len(heard.references()) == 2
    assert heard.resolved(KNOWN) == ChannelLevelHeard(
        item="itm_1", location="loc_1", quantity=Quantity.of(48)
    )


def test_conversion_to_the_base_unit_rounds_once_to_a_millionth() -> None:
    assert KNOWN.base("C-1", Quantity.of(10, "FOT")) == Quantity.of("3.048", "MTR")
    assert KNOWN.base("C-1", Quantity.of(1, "THIRD")) == Quantity.of("0.333333", "MTR")
    assert KNOWN.base("C-1", Quantity.of(-2, "THIRD")) == Quantity.of("-0.666667", "MTR")


@given(st.integers(-(10**12), 10**12), st.integers(1, 1000), st.integers(1, 1000))
def test_a_base_amount_is_the_nearest_millionth(
    micros: int, numerator: int, denominator: int
) -> None:
    answers = Resolution({("B", "U"): ItemInUnit("itm", "EA", numerator, denominator)})
    base = answers.base("B", Quantity.from_micros(micros, "U"))
    assert 2 * abs(base.micros * denominator - micros * numerator) <= denominator


def test_what_is_not_resolved_is_missing_under_its_code() -> None:
    for ask, code in (
        (lambda: KNOWN.item("X"), "MD-ITEM-XREF"),
        (lambda: KNOWN.location("X"), "MD-LOC"),
        (lambda: KNOWN.base("B-1", Quantity.of(1, "PL")), "MD-UOM"),
    ):
        with pytest.raises(Missing) as caught:
            ask()
        assert caught.value.code == code


def test_resolutions_compare_by_their_answers() -> None:
    assert Resolution() == Resolution({}, {})
    assert "itm_1" in repr(KNOWN)


def test_an_event_hands_out_the_facts_payload() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    fact = Fact(identity="movement:M-1:1", payload=MOVED, occurred_at=now)
    event = Event(
        position=1,
        event_id="e",
        tenant="t",
        source="wms",
        received_at=now,
        raw_ref=None,
        fact=fact,
    )
    assert event.payload is MOVED


def test_an_open_list_reads_an_unknown_code_as_other() -> None:
    assert MovementType("TELEPORT") is MovementType.OTHER
    with pytest.raises(ValueError, match="7"):
        MovementType(7)  # type: ignore[arg-type]  # what a broken message holds
    with pytest.raises(ValueError, match="SHINY"):
        StockStatus("SHINY")


def test_an_error_has_a_code_a_sentence_and_a_hint() -> None:
    plain = Rejected("No.")
    assert (plain.code, plain.message, plain.hint, str(plain)) == ("rejected", "No.", "", "No.")
    exact = Invalid("No.", where="/item", code="EVT-SCHEMA", hint="Look.")
    assert (exact.code, exact.where, exact.hint) == ("EVT-SCHEMA", "/item", "Look.")
    throttled = Throttled("Later.", retry_after=timedelta(seconds=3), hint="Wait.")
    assert (throttled.code, throttled.retry_after) == ("throttled", timedelta(seconds=3))


@pytest.mark.parametrize(
    ("kind", "branch"),
    [
        (Invalid, Rejected), (NotFound, Rejected), (Forbidden, Rejected), (Throttled, Unavailable),
        (Ambiguous, Unavailable), (Missing, CrossdockError),
    ],
)  # fmt: skip
def test_the_branch_says_what_to_do_next(
    kind: type[CrossdockError], branch: type[CrossdockError]
) -> None:
    assert issubclass(kind, branch)
    assert sum(issubclass(kind, top) for top in (Rejected, Missing, Unavailable)) == 1


def test_amounts_are_never_floats() -> None:
    assert isinstance(MOVED.resolved(KNOWN).quantity.value, Decimal)
