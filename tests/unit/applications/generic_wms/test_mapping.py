"""A warehouse's messages mean what domain.md §1.3 says, and faults are named with their place."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from crossdock.applications.generic_wms.client import Receiving, ReceivingFiles
from crossdock.applications.generic_wms.mapping import kept, translated
from crossdock.applications.generic_wms.samples import FILE_SAMPLES, SAMPLE_FILE_SETTINGS
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.canonical.errors import Forbidden
from crossdock.canonical.inventory import (
    MovementType,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.connectivity.sdk import Delivery, Sample, Translation
from crossdock.connectivity.sdk.stock_records import ENDS, SIGNED

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLAIN = GenericWmsSettings(secrets=(SecretStr(SECRET),))
FILES = GenericWmsFilesSettings(folder=Path("drop"))
PICK = {
    "type": "movement",
    "movement_id": "M-1",
    "location": "DC1",
    "reason": "PICK",
    "item": "SKU-1",
    "quantity": "4",
    "occurred_at": "2026-03-02T08:00:00Z",
}


def sent(message: Any, settings: GenericWmsSettings = PLAIN) -> Translation:
    return translated(Delivery(body=json.dumps(message).encode()), settings)


def dropped(name: str, text: str, settings: GenericWmsFilesSettings = FILES) -> Translation:
    return translated(Delivery(body=text.encode(), headers={":file": name}), settings)


def moved(message: Any, settings: GenericWmsSettings = PLAIN) -> StockMoved:
    translation = sent(message, settings)
    assert not translation.refused
    (fact,) = translation.facts
    assert isinstance(fact.payload, StockMoved)
    return fact.payload


def fault(translation: Translation) -> tuple[str, str]:
    assert not translation.facts
    (refused,) = translation.refused
    return refused.where, refused.reason


@pytest.mark.parametrize("kind", sorted(set(ENDS) - {MovementType.TRANSFER_SHIP}))
def test_a_reason_alone_says_where_goods_went(kind: MovementType) -> None:
    movement = moved(PICK | {"reason": kind})

    source, target = ENDS[kind]
    assert movement.type is kind
    assert (movement.source_place and movement.source_place.status) == source
    assert (movement.target_place and movement.target_place.status) == target


def test_of_what_an_event_store_answers_each_event_is_read_or_refused_alone() -> None:
    answer = sent({"events": [PICK, 7, PICK | {"quantity": "many"}]})

    assert answer.facts == sent(PICK).facts
    assert [one.where for one in answer.refused] == ["/events/1", "/events/2/quantity"]


@pytest.mark.parametrize("kind", sorted(SIGNED - {MovementType.OTHER}))
def test_the_sign_of_an_adjustment_says_whether_goods_were_found_or_lost(kind: str) -> None:
    found, lost = moved(PICK | {"reason": kind}), moved(PICK | {"reason": kind, "quantity": "-4"})

    assert (found.source_place, lost.target_place) == (None, None)
    assert found.target_place == lost.source_place
    assert found.quantity == lost.quantity


def test_a_reversal_goes_the_other_way_and_names_what_it_undoes() -> None:
    movement = moved(PICK | {"movement_id": "M-9", "reverses": "M-1"})

    assert movement.reverses_id == "M-1:1"
    assert movement.source_place
    assert movement.source_place.status is StockStatus.STAGED_OUT


def test_an_unpick_that_names_its_pick_is_already_the_way_back() -> None:
    plain = moved(PICK | {"reason": "UNPICK"})
    naming = moved(PICK | {"reason": "UNPICK", "reverses": "M-1"})

    assert (plain.source_place, plain.target_place) == (naming.source_place, naming.target_place)


def test_an_unknown_reason_is_kept_as_the_warehouse_wrote_it() -> None:
    movement = moved(PICK | {"reason": "zz-top", "from_status": "AVAILABLE"})

    assert movement.type is MovementType.OTHER
    assert movement.reason == "zz-top"
    assert movement.source_place
    assert movement.target_place is None


@pytest.mark.parametrize("quantity", [4, -4])
def test_an_unknown_reason_moves_nothing_unless_the_record_says_from_where_to_where(
    quantity: int,
) -> None:
    where, reason = fault(sent(PICK | {"reason": "PCK", "quantity": quantity}))

    assert where == "/reason"
    assert "'PCK'" in reason
    assert "reasons" in reason


def test_an_unknown_status_is_refused_because_it_decides_what_can_be_sold() -> None:
    where, reason = fault(sent(PICK | {"to_status": "ROUND"}))

    assert where == "/to_status"
    assert "'ROUND'" in reason


def test_one_column_is_the_name_of_one_thing_alone() -> None:
    with pytest.raises(ValidationError, match="'QTY' is the column of location and of quantity"):
        GenericWmsSettings.model_validate(
            {"secrets": [SECRET], "columns": {"quantity": "QTY", "location": "QTY"}}
        )


def test_codes_and_columns_of_the_warehouse_come_from_the_settings() -> None:
    settings = GenericWmsSettings(
        secrets=(SecretStr(SECRET),),
        columns={"movement_id": "MovementNo", "quantity": "QTY"},
        reasons={"PK": MovementType.PICK},
        statuses={"A1": StockStatus.BLOCKED},
        location="DC7",
        timezone="Europe/Berlin",
    )
    message = {
        "type": "movement",
        "MovementNo": 7,
        "QTY": 1.5,
        "reason": "PK",
        "item": "SKU-1",
        "from_status": "A1",
        "occurred_at": "2026-03-02 09:00",
    }

    translation = sent(message, settings)

    (fact,) = translation.facts
    assert fact.identity == "movement:7:1"
    assert fact.occurred_at.isoformat() == "2026-03-02T08:00:00+00:00"
    assert isinstance(fact.payload, StockMoved)
    assert str(fact.payload.quantity) == "1.5 EA"
    assert fact.payload.source_place
    assert fact.payload.source_place.status is StockStatus.BLOCKED
    assert fact.payload.source_place.location == "DC7"


def test_owners_and_lots_of_both_ends_are_kept_apart() -> None:
    movement = moved(
        PICK | {"reason": "OWNER_CHANGE", "from_owner": "ACME", "to_owner": "US", "lot": "L1"}
    )

    assert movement.source_place
    assert movement.target_place
    assert (movement.source_place.owner, movement.target_place.owner) == ("ACME", "US")
    assert movement.source_place.lot == movement.target_place.lot == "L1"


def test_a_transfer_lies_in_transit_where_it_goes_to() -> None:
    message = PICK | {"reason": "TRANSFER_SHIP"}
    shipped = moved(message | {"to_location": "DC2"})

    assert shipped.target_place
    assert (shipped.target_place.location, shipped.target_place.status) == ("DC2", "IN_TRANSIT")
    assert fault(sent(message))[0] == "/to_location"


def test_a_pick_of_nothing_keeps_its_place_in_the_sequence() -> None:
    (fact,) = sent(PICK | {"quantity": 0, "sequence": 7}).facts

    assert isinstance(fact.payload, SourceHeard)
    assert (fact.stream, fact.sequence) == ("DC1", 7)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"quantity": "-4"}, "/quantity"),
        ({"quantity": "four"}, "/quantity"),
        ({"quantity": True}, "/quantity"),
        ({"quantity": "0.0000001"}, "/quantity"),
        ({"occurred_at": "2026-03-02T08:00:00"}, "/occurred_at"),
        ({"occurred_at": "2026-03-02"}, "/occurred_at"),
        ({"occurred_at": "0001-01-01T00:00+14:00"}, "/occurred_at"),
        ({"item": ""}, "/item"),
        ({"item": "\0"}, "/item"),
        ({"item": {"a": 1}}, "/item"),
        ({"sequence": -1}, "/sequence"),
        ({"sequence": 2**63}, "/sequence"),
        ({"sequence": "9" * 400}, "/sequence"),
        ({"type": "pick"}, "/type"),
        ({"movement_id": "x" * 201}, "/movement_id"),
        ({"reason": "RECEIPT", "from_location": "SUP"}, "/from_status"),
    ],
)
def test_a_fault_is_named_with_its_place(change: dict[str, Any], where: str) -> None:
    assert fault(sent(PICK | change))[0] == where


def test_one_bad_line_does_not_stop_the_others() -> None:
    lines = [{"movement_id": f"M-{n}", "quantity": n - 1 or "x"} for n in range(3)]
    message = {key: PICK[key] for key in PICK if key not in {"movement_id", "quantity"}}

    translation = sent(message | {"lines": lines, "reason": "ADJUST"})

    assert [fact.identity for fact in translation.facts] == ["movement:M-0:1", "movement:M-2:1"]
    assert [refused.where for refused in translation.refused] == ["/lines/1/quantity"]
    assert json.loads(translation.refused[0].record)["movement_id"] == "M-1"


def test_lines_of_a_file_are_counted_as_an_editor_does() -> None:
    text = (
        "movement_id,location,reason,item,quantity,occurred_at,document\r\n"
        'M-1,DC1,PICK,SKU-1,1,2026-03-02T08:00Z,"two\nlines"\r\n'
        "\r\n"
        "M-2,DC1,PICK,SKU-1,x,2026-03-02T08:00Z,\r\n"
        "M-3,DC1,PICK,SKU-1\r\n"
    )

    translation = dropped("movements.csv", text)

    assert len(translation.facts) == 1
    assert [refused.where for refused in translation.refused] == [
        "line 5, column quantity",
        "line 6",
    ]


@pytest.mark.parametrize("header", ["", ",,", "item,item"])
def test_a_header_without_or_with_double_names_is_refused(header: str) -> None:
    assert fault(dropped("movements.csv", f"{header}\n1,2\n"))[0] == "line 1"


@pytest.mark.parametrize(
    ("name", "text", "lacking"),
    [
        ("snapshots-1.csv", "S-1,B,7,true,2026-05-04T12:00:00Z\n", "snapshot_id"),
        ("movements-1.csv", "M-2,PICK,BOLT,1,2026-05-04T12:00:00Z\n", "movement_id"),
        ("items-1.csv", "BOLT,Bolt,EA\n", "item"),
        ("supplies-1.csv", "po:7/1,BOLT,60\n", "supply_id"),
        ("heartbeats-1.csv", "DC1,12\n", "occurred_at"),
        ("locations-1.csv", "DC1,Main\n", "occurred_at"),
        ("all-1.csv", "movement,M-2,PICK\n", "type"),
    ],
)
def test_the_rest_of_a_file_that_was_taken_too_early_is_kept_and_said(
    name: str, text: str, lacking: str
) -> None:
    (refused,) = dropped(name, text, FILES.model_copy(update={"location": "DC1"})).refused

    assert refused.where == "line 1"
    assert f"no column '{lacking}'" in refused.reason
    assert "needs_done_marker" in refused.reason
    assert refused.record == text.strip().encode()


def test_of_a_file_without_a_header_the_first_line_is_kept_like_the_others() -> None:
    lines = ["S-1,A,40,true,2026-05-04T12:00:00Z", "S-1,B,7,true,2026-05-04T12:00:00Z"]

    translation = dropped("snapshots-1.csv", "\n".join(lines))

    assert [one.record.decode() for one in translation.refused] == lines
    assert translation.facts == ()


def test_what_precedes_a_broken_quote_is_kept() -> None:
    text = (
        "movement_id,location,reason,item,quantity,occurred_at\n"
        "M-1,DC1,PICK,SKU-1,1,2026-03-02T08:00Z\n"
        'M-2,DC1,PICK,"SKU"1,1,2026-03-02T08:00Z\n'
    )

    translation = dropped("movements.csv", text)

    assert [fact.identity for fact in translation.facts] == ["movement:M-1:1"]
    assert "CSV" in translation.refused[0].reason


def test_files_that_are_not_ours_are_refused() -> None:
    assert fault(dropped("movements.xlsx", "PK"))[0] == "file name"
    assert fault(dropped("m.jsonl", '{"type": "movement"'))[0].startswith("line 1")
    settings = FILES.model_copy(update={"delimiter": ";"})
    latin = Delivery(body="item;name\n1;Größe\n".encode("latin-1"), headers={":file": "items.csv"})
    assert fault(translated(latin, settings))[0] == "line 2"


SNAPSHOT = {
    "type": "snapshot",
    "snapshot_id": "S-1",
    "location": "DC1",
    "sequence": 100,
    "is_full": True,
    "occurred_at": "2026-03-02T08:00:00Z",
}


def snapshot(translation: Translation) -> StockSnapshotTaken:
    (fact,) = translation.facts
    assert isinstance(fact.payload, StockSnapshotTaken)
    return fact.payload


def test_an_empty_full_snapshot_says_that_nothing_is_there() -> None:
    taken = snapshot(sent(SNAPSHOT | {"lines": []}))

    assert taken.is_full
    assert taken.lines == ()


def test_a_full_snapshot_with_a_bad_line_is_no_longer_full() -> None:
    translation = sent(
        SNAPSHOT | {"lines": [{"item": "A", "quantity": 1}, {"item": "B", "quantity": "?"}]}
    )

    assert not snapshot(translation).is_full
    assert translation.refused[0].where == "/lines/1/quantity"


def test_a_piece_of_a_full_snapshot_is_not_full_and_named_apart() -> None:
    text = json.dumps(SNAPSHOT | {"item": "A", "quantity": "1"})
    headers = {":file": "snapshots.jsonl", ":lines": "1-1", ":whole": "no"}

    (fact,) = translated(Delivery(body=text.encode(), headers=headers), FILES).facts

    assert fact.identity == "snapshot:DC1:S-1:1-1"
    assert isinstance(fact.payload, StockSnapshotTaken)
    assert not fact.payload.is_full


def test_a_bucket_counted_twice_or_a_snapshot_of_two_moments_is_refused() -> None:
    twice = sent(SNAPSHOT | {"lines": [{"item": "A", "quantity": 1}] * 2})
    line = {"item": "B", "quantity": 1, "sequence": 101}
    two_moments = sent(SNAPSHOT | {"lines": [{"item": "A", "quantity": 1}, line]})

    assert "twice" in twice.refused[0].reason
    assert two_moments.refused[0].where == "/snapshot_id"


def test_each_dialect_takes_its_own_messages_alone() -> None:
    delivery = Delivery(body=b"{}", headers={":file": "movements.jsonl"})
    now = datetime(2026, 3, 2, tzinfo=UTC)

    ReceivingFiles(FILES).verify(delivery, now)
    with pytest.raises(Forbidden, match="from its folder"):
        ReceivingFiles(FILES).verify(Delivery(body=b"{}"), now)
    with pytest.raises(Forbidden, match="not signed"):
        Receiving(PLAIN).verify(delivery, now)
    assert fault(translated(delivery, PLAIN)) == ("file name", "This connection takes no files")


@pytest.mark.parametrize(
    "settings",
    [
        {"secrets": ["whsec_short"]},
        {"secrets": []},
        {"timezone": "Mars/Olympus"},
        {"file_types": {"x": "unheard of"}},
        {"statuses": {"A": "SHINY"}},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GenericWmsSettings.model_validate({"secrets": [SECRET]} | settings)
    with pytest.raises(ValidationError):
        GenericWmsFilesSettings.model_validate({"folder": "drop"} | settings)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from([*PICK, "lines", "reverses", "line"]), json_values))
def test_any_json_is_translated_or_refused(changes: dict[str, Any]) -> None:
    translation = sent(PICK | changes)

    assert all(refused.reason for refused in translation.refused)


@given(
    body=st.binary(max_size=400), name=st.sampled_from(["", "a.csv", "a.jsonl", "snapshots.csv"])
)
def test_any_bytes_are_refused_and_never_break(body: bytes, name: str) -> None:
    translated(Delivery(body=body, headers={":file": name} if name else {}), FILES)
    translated(Delivery(body=b"#file " + body), FILES)


@given(
    number=st.decimals(min_value="0.000001", max_value="999999999999", places=6, allow_nan=False)
)
def test_every_digit_of_a_quantity_arrives_in_both_dialects(number: Any) -> None:
    by_webhook = moved(PICK | {"quantity": str(number)})
    line = ",".join(str(value) for value in (PICK | {"quantity": f"{number:f}"}).values())
    (by_file,) = dropped("movements.csv", ",".join(PICK) + "\n" + line).facts

    assert by_webhook.quantity.value == number
    assert by_file.payload == by_webhook


@pytest.mark.parametrize("sample", FILE_SAMPLES, ids=lambda sample: sample.title)
def test_a_piece_of_a_file_is_read_again_as_it_was_read_first(sample: Sample) -> None:
    again = Delivery(body=kept(sample.delivery))

    assert translated(again, SAMPLE_FILE_SETTINGS) == sample.translation


def test_a_kept_piece_whose_head_is_damaged_is_refused() -> None:
    assert translated(Delivery(body=b"#file nonsense\nrest"), FILES).refused
