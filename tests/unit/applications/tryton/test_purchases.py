"""Tryton's purchases as supply that is still to come, without a Tryton."""

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton import samples
from crossdock.applications.tryton.client import ReadingPages
from crossdock.applications.tryton.mapping import Options, translated
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.applications.tryton.wire import decoded
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence
from crossdock.connectivity.sdk import Translation

PAGE: dict[str, Any] = decoded(samples.PURCHASES.delivery.body)
PIECE, DOZEN = 1, 36
AGREED_ON = date(2027, 3, 1)


def told(
    lines: list[Any] | None = None, options: Options = samples.SAMPLE_OPTIONS, **changes: Any
) -> Translation:
    page = deepcopy(PAGE)
    [row] = page["answer"]["result"]
    row |= changes
    row["lines."] = row["lines."] if lines is None else lines
    return translated(page, options)


def line_of(**changes: Any) -> dict[str, Any]:
    """Give the recorded line of 4 dozen: of its moves 3 wait and 1 is done."""
    [line] = deepcopy(PAGE["answer"]["result"][0]["lines."])
    return {**line, **changes}


def only(translation: Translation) -> SupplyCommitmentChanged:
    assert translation.refused == ()
    [fact] = translation.facts
    assert isinstance(fact.payload, SupplyCommitmentChanged)
    return fact.payload


def said(**changes: Any) -> SupplyCommitmentChanged:
    return only(told(lines=[line_of(**changes)]))


NUMBERS = count(1)


def move(quantity: str, state: str, on: date | None = None, unit: int = DOZEN) -> dict[str, Any]:
    stamp = PAGE["answer"]["result"][0]["last_modified_at"]
    row = {"quantity": Decimal(quantity), "state": state, "planned_date": on}
    return {**row, "id": next(NUMBERS), "unit": unit, "last_modified_at": stamp}


REFUSED = move("1", "cancelled")
# What a line of 4 dozen still has to come, in pieces: its moves, and those of them that were given
# up, or are made again by others.
OPEN = [
    ("nothing is planned yet", [], [], [], "48 EA"),
    ("all of it waits", [move("4", "draft")], [], [], "48 EA"),
    ("one dozen arrived", [move("1", "done"), move("3", "draft")], [], [], "36 EA"),
    ("six pieces came", [move("6", "done", unit=PIECE), move("3.5", "draft")], [], [], "42 EA"),
    ("one dozen was given up", [REFUSED, move("3", "draft")], [REFUSED], [], "36 EA"),
    ("nobody has decided yet", [REFUSED, move("3", "draft")], [], [], "36 EA"),
    ("nobody has decided of anything", [move("4", "cancelled")], [], [], "0 EA"),
    ("made again", [REFUSED, move("3", "draft"), move("1", "draft")], [], [REFUSED], "48 EA"),
    ("all of it arrived", [move("4", "done")], [], [], "0 EA"),
    ("more arrived", [move("5", "done")], [], [], "0 EA"),
]


@pytest.mark.parametrize(
    ("moves", "ignored", "again", "left"), [row[1:] for row in OPEN], ids=[row[0] for row in OPEN]
)
def test_open_is_what_is_ordered_less_what_arrived_and_what_is_not_coming(
    moves: list[Any], ignored: list[Any], again: list[Any], left: str
) -> None:
    decided = {"moves_ignored.": ignored, "moves_recreated.": again}

    assert str(said(**{"moves.": moves, **decided}).open_quantity) == left


def test_two_trytons_do_not_speak_of_each_others_purchases() -> None:
    """Row numbers begin at 1 in each; supply is known by its name in all of a tenant."""

    def reading(installation: str, database: str) -> SupplyCommitmentChanged:
        known = {"base_url": "http://erp", "user": "hub", "password": "secret"}
        named = {"database": database, "installation": installation}
        settings = TrytonSettings.model_validate({**known, **named})
        return only(ReadingPages(settings).translate(samples.PURCHASES.delivery))

    assert reading("", "company").supply_id == "company:purchase:1/1"
    assert reading("", "sister").supply_id == "sister:purchase:1/1"
    assert reading("east", "company").supply_id == "east:purchase:1/1"


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**5), max_size=5))
def test_open_and_arrived_come_to_what_is_ordered_in_pieces(
    dozens: int, pieces: list[int]
) -> None:
    moves = [move(str(arrived), "done", unit=PIECE) for arrived in pieces]

    left = said(quantity=Decimal(dozens), **{"moves.": moves}).open_quantity

    assert left.unit == "EA"
    assert left.value == max(0, 12 * dozens - sum(pieces))


@pytest.mark.parametrize(
    ("state", "evidence", "left"),
    [
        ("draft", SupplyEvidence.ON_HOLD, "36 EA"),
        ("quotation", SupplyEvidence.SENT, "36 EA"),
        ("confirmed", SupplyEvidence.ACKNOWLEDGED, "36 EA"),
        ("processing", SupplyEvidence.ACKNOWLEDGED, "36 EA"),
        ("done", SupplyEvidence.ACKNOWLEDGED, "0 EA"),
        ("cancelled", SupplyEvidence.ON_HOLD, "0 EA"),
        ("a state of tomorrow", SupplyEvidence.ON_HOLD, "36 EA"),
    ],
)
def test_the_state_says_how_far_it_has_come(
    state: str, evidence: SupplyEvidence, left: str
) -> None:
    commitment = only(told(state=state))

    assert (commitment.evidence, str(commitment.open_quantity)) == (evidence, left)


def test_where_confirming_proves_nothing_a_purchase_is_only_sent() -> None:
    options = Options(confirmed_purchase=SupplyEvidence.SENT)

    assert only(told(options=options)).evidence is SupplyEvidence.SENT


EARLY, LATE = date(2027, 1, 4), date(2027, 6, 1)
DRAFT, DONE = "draft", "done"
# The day of a line, by its moves, the day that was entered for it, and that of the purchase.
DAYS = [
    ("planned as a whole", [], None, AGREED_ON, LATE),
    ("cancelled and not made again", [move("4", "cancelled", EARLY)], None, AGREED_ON, LATE),
    ("the last part", [move("1", DRAFT, LATE), move("3", DRAFT, EARLY)], None, None, LATE),
    ("not what arrived", [move("1", DONE, LATE), move("3", DRAFT, EARLY)], None, None, EARLY),
    ("late, as agreed by line", [move("4", DRAFT)], EARLY, AGREED_ON, EARLY),
    ("late, as agreed at all", [move("4", DRAFT)], None, AGREED_ON, AGREED_ON),
    ("a part late", [move("1", DRAFT), move("3", DRAFT, LATE)], None, AGREED_ON, LATE),
    ("a part nobody knows of", [move("1", DRAFT), move("3", DRAFT, LATE)], None, None, None),
    ("the rest not planned yet", [move("1", DONE, EARLY)], None, AGREED_ON, AGREED_ON),
    ("nobody knows", [move("4", DRAFT)], None, None, None),
]


@pytest.mark.parametrize(
    ("moves", "entered", "agreed", "day"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS]
)
def test_a_line_is_there_when_the_last_of_what_is_open_is(
    moves: list[Any], entered: date | None, agreed: date | None, day: date | None
) -> None:
    line = line_of(
        delivery_date=LATE,
        delivery_date_edit=bool(entered),
        delivery_date_store=entered or EARLY,
        **{"moves.": moves},
    )

    commitment = only(told(delivery_date=agreed, lines=[line]))

    assert commitment.eta == day
    assert commitment.eta_source == ("tryton" if day else "")


def test_what_goes_from_the_supplier_to_the_customer_is_no_supply_of_ours() -> None:
    assert str(said(**{"to_location.": {"id": 9, "type": "drop"}}).open_quantity) == "0 EA"
    assert str(said(**{"to_location.": None}).open_quantity) == "36 EA"


@pytest.mark.parametrize("quantity", [None, Decimal("-4.0"), Decimal(0)])
def test_a_line_without_a_quantity_and_a_return_have_nothing_to_come(quantity: object) -> None:
    assert str(said(quantity=quantity, **{"moves.": []}).open_quantity) == "0 EA"


@pytest.mark.parametrize(
    "changes",
    [{"type": "comment"}, {"product.": None}, {"product.": {"id": 1, "type": "service"}}],
)
def test_what_needs_no_stock_is_no_supply(changes: dict[str, Any]) -> None:
    assert told(lines=[line_of(**changes)]) == Translation()


def test_each_line_is_a_commitment_and_they_have_one_stamp() -> None:
    stamp = datetime(2027, 1, 1, tzinfo=UTC)
    lines = [line_of(), line_of(id=2, last_modified_at=stamp)]

    first, second = told(lines=lines).facts

    assert (first.recorded_at, second.recorded_at) == (stamp, stamp)
    assert (first.native_ref, second.native_ref) == ("1", "2")
    assert first.identity != second.identity


def test_a_receipt_that_touches_its_move_alone_is_a_newer_version() -> None:
    [before] = told().facts
    line = line_of()
    [waiting, _] = line["moves."]
    waiting |= {"state": "done"}
    waiting["last_modified_at"] += timedelta(seconds=1)

    [after] = told(lines=[line]).facts

    assert isinstance(after.payload, SupplyCommitmentChanged)
    assert str(after.payload.open_quantity) == "0 EA"
    assert (after.version or 0) - (before.version or 0) == 1_000_000


def test_a_receipt_that_commits_behind_its_purchase_makes_another_fact() -> None:
    """Its transaction began earlier, so the greatest stamp stays what it was."""
    purchase = deepcopy(PAGE["answer"]["result"][0])
    stamp = purchase["last_modified_at"] + timedelta(minutes=5)
    line = line_of()
    [waiting, _] = line["moves."]
    waiting |= {"state": "done"}

    [before] = told(last_modified_at=stamp).facts
    [after] = told(last_modified_at=stamp, lines=[line]).facts

    assert before.version == after.version
    assert before.identity != after.identity


def test_a_purchase_without_a_warehouse_is_shown_to_a_person() -> None:
    for number, shown in (("7", "7"), (None, "1")):
        [refused] = told(warehouse=None, number=number).refused

        assert refused.code == "MD-LOC"
        assert refused.reason == f"purchase {shown} names no warehouse"


def test_a_draft_without_a_number_is_named_by_its_row() -> None:
    assert only(told(number=None)).document_ref == "purchase:1"


def test_a_unit_that_measures_something_else_is_shown_to_a_person() -> None:
    page = deepcopy(PAGE)
    [_, dozen] = page["related"]["units"]
    dozen["category"] = 2

    [refused] = translated(page, samples.SAMPLE_OPTIONS).refused

    assert refused.code == "MD-UOM"
