"""What Shopify's messages mean, and that nothing it may send breaks the reading."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.shopify import APPLICATION, pages
from crossdock.applications.shopify.mapping import READERS, SILENT_TOPICS, Naming, translated
from crossdock.applications.shopify.reading import COUNT_MAX, Record, instant_of, micros_of
from crossdock.applications.shopify.samples import SAMPLES
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.errors import Invalid
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import ItemInUnit, Resolution
from crossdock.connectivity.sdk import Delivery, Sample, Translation
from crossdock.connectivity.sdk.facts import stamped

NAMING = Naming()
TOPICS = sorted(READERS)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(
        ["2026-05-04T09:03:12-05:00", "0001-01-01T00:00:00+23:59", "gid://shopify/Order/5"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
known_fields = st.sampled_from(
    [
        "id",
        "line_items",
        "updated_at",
        "cancelled_at",
        "po_number",
        "customer",
        "company",
        "sku",
        "quantity",
        "current_quantity",
        "gift_card",
        "inventory_item_id",
        "location_id",
        "available",
        "variants",
        "title",
        "barcode",
        "order_edit",
        "order_id",
        "name",
        "active",
    ]
)
almost_messages = st.dictionaries(
    known_fields,
    json_values | st.lists(st.dictionaries(known_fields, json_values, max_size=6), max_size=3),
    max_size=10,
)


def delivery(topic: str, body: bytes, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(body=body, headers={"x-shopify-topic": topic, **named})


def order(*, updated_at: str = "2026-05-04T09:03:12-05:00", **changes: Any) -> dict[str, Any]:
    line = {"id": 2, "sku": "A", "quantity": 5, "current_quantity": 5}
    return {"id": 1, "updated_at": updated_at, "line_items": [line], **changes}


def only_order(payload: dict[str, Any]) -> OrderChanged:
    translation = translated(delivery("orders/updated", json.dumps(payload).encode()), NAMING)
    (fact,) = translation.facts
    assert isinstance(fact.payload, OrderChanged)
    return fact.payload


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.title)
def test_a_sample_means_what_it_says(sample: Sample) -> None:
    assert translated(sample.delivery, NAMING) == sample.translation


def test_every_topic_that_says_something_has_a_sample_or_a_twin_with_one() -> None:
    readers = {READERS[sample.delivery.headers["x-shopify-topic"]] for sample in SAMPLES}

    assert readers == set(READERS.values())


def test_every_event_is_declared() -> None:
    said = {type(fact.payload) for sample in SAMPLES for fact in sample.translation.facts}

    assert said == set(APPLICATION.events)


@given(topic=st.sampled_from(TOPICS), body=st.binary(max_size=200))
def test_bytes_that_are_no_message_are_refused_and_kept(topic: str, body: bytes) -> None:
    translation = translated(delivery(topic, body), NAMING)

    assert not translation.facts
    assert all(refusal.code == "EVT-SCHEMA" for refusal in translation.refused)


@given(topic=st.sampled_from(TOPICS), message=json_values | almost_messages)
def test_json_that_is_no_message_never_raises(topic: str, message: Any) -> None:
    translation = translated(delivery(topic, json.dumps(message).encode()), NAMING)

    assert all(refusal.reason and len(refusal.reason) < 300 for refusal in translation.refused)


@given(
    sample=st.sampled_from(SAMPLES),
    field=st.sampled_from(["updated_at", "id", "line_items", "variants", "available", "quantity"]),
    value=json_values,
)
def test_a_message_with_one_wrong_field_never_raises(
    sample: Sample, field: str, value: Any
) -> None:
    message = json.loads(sample.delivery.body)
    spoilt = replace(sample.delivery, body=json.dumps(_with(message, field, value)).encode())

    translation = translated(spoilt, NAMING)

    assert isinstance(translation, Translation)


def _with(value: Any, field: str, put: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: put if name == field else _with(inner, field, put)
            for name, inner in value.items()
        }
    return [_with(inner, field, put) for inner in value] if isinstance(value, list) else value


def test_deep_nesting_is_refused() -> None:
    translation = translated(delivery("orders/create", b"[" * 100_000), NAMING)

    assert [refusal.code for refusal in translation.refused] == ["EVT-SCHEMA"]


def test_an_unknown_topic_is_refused_and_a_silent_one_is_not() -> None:
    assert translated(delivery("carts/update", b"{}"), NAMING).refused
    assert translated(delivery(next(iter(SILENT_TOPICS)), b"{}"), NAMING) == Translation()


def test_a_level_that_is_not_tracked_says_nothing() -> None:
    body = json.dumps({"inventory_item_id": 1, "location_id": 2, "available": None}).encode()

    assert translated(delivery("inventory_levels/update", body), NAMING) == Translation()


def test_one_unreadable_variant_does_not_hide_the_others() -> None:
    at = "2026-05-04T09:03:12-05:00"
    variants = [{"inventory_item_id": 1, "sku": "A", "updated_at": at}, {"sku": "B"}]
    body = json.dumps({"title": "T", "variants": variants}).encode()

    translation = translated(delivery("products/update", body), NAMING)

    assert len(translation.facts) == 1
    assert [refusal.where for refusal in translation.refused] == ["/variants/1/inventory_item_id"]


def test_a_gift_card_is_no_stock() -> None:
    lines = [{"id": 2, "sku": None, "quantity": 1, "gift_card": True}]

    assert only_order(order(line_items=lines)).lines == ()


def test_an_order_draws_on_the_location_of_the_settings() -> None:
    body = json.dumps(order()).encode()

    translation = translated(delivery("orders/create", body), Naming(demand_location="EAST"))

    (fact,) = translation.facts
    assert isinstance(fact.payload, OrderChanged)
    assert [line.location for line in fact.payload.lines] == ["EAST"]


@given(ordered=st.integers(0, COUNT_MAX), kept=st.integers(0, COUNT_MAX), cancelled=st.booleans())
def test_cancelled_is_what_is_gone_and_never_negative(
    *, ordered: int, kept: int, cancelled: bool
) -> None:
    lines = [{"id": 2, "sku": "A", "quantity": ordered, "current_quantity": kept}]
    at = "2026-05-04T09:03:12-05:00" if cancelled else None

    (line,) = only_order(order(line_items=lines, cancelled_at=at)).lines

    gone = ordered if cancelled else max(0, ordered - kept)
    assert (line.ordered, line.cancelled) == (Quantity.of(ordered), Quantity.of(gone))


@given(removals=st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_changes_within_one_second_keep_their_order(removals: list[int]) -> None:
    kept, versions = 20, []
    for removed in [0, *removals]:
        kept -= removed
        lines = [{"id": 2, "sku": "A", "quantity": 20, "current_quantity": kept}]
        body = json.dumps(order(line_items=lines)).encode()
        versions.append(translated(delivery("orders/updated", body), NAMING).facts[0].version or 0)

    assert versions == sorted(set(versions))


@given(grown=st.integers(0, COUNT_MAX))
def test_a_later_second_always_wins(grown: int) -> None:
    big = [{"id": 2, "sku": "A", "quantity": grown}]
    earlier = order(line_items=big, updated_at="2026-05-04T14:03:12Z")
    later = order(line_items=[], updated_at="2026-05-04T14:03:13Z")

    versions = [
        translated(delivery("orders/updated", json.dumps(x).encode()), NAMING).facts[0].version
        for x in (earlier, later)
    ]

    assert versions[0] is not None
    assert versions[1] is not None
    assert versions[0] < versions[1]


@given(
    quantity=st.integers(0, COUNT_MAX),
    gone=st.integers(0, COUNT_MAX),
    sku=st.text(st.characters(categories=("L", "N")), min_size=1),
    at=st.integers(1_577_836_800, 2_208_988_800),
    who=st.sampled_from([("", ""), ("4", ""), ("4", "9")]),
)
def test_webhook_and_poll_tell_the_same_fact(
    quantity: int, gone: int, sku: str, at: int, who: tuple[str, str]
) -> None:
    kept = max(0, quantity - gone)
    instant = datetime.fromtimestamp(at, UTC).isoformat()
    person, company = who
    bought = f"gid://shopify/Company/{company}" if company else ""
    bought = bought or (f"gid://shopify/Customer/{person}" if person else "")
    told = {
        "id": 7, "updated_at": instant, "po_number": "P",
        "customer": {"id": int(person)} if person else None,
        "company": {"id": int(company), "location_id": 1} if company else None,
        "line_items": [{"id": 9, "sku": sku, "quantity": quantity, "current_quantity": kept}],
    }  # fmt: skip
    polled = {
        "id": "gid://shopify/Order/7", "updatedAt": instant, "poNumber": "P", "cancelledAt": None,
        "customer": {"id": f"gid://shopify/Customer/{person}"} if person else None,
        "purchasingEntity": {"company": {"id": f"gid://shopify/Company/{company}"}}
        if company else {},
        "lineItems": {"nodes": [{"id": "gid://shopify/LineItem/9", "sku": sku,
                                 "quantity": quantity, "currentQuantity": kept}]},
    }  # fmt: skip

    heard = translated(delivery("orders/updated", json.dumps(told).encode()), NAMING)
    read = pages.orders(Record({"nodes": [polled]}), NAMING)

    assert heard.facts == read.facts
    [state] = [fact.payload for fact in read.facts]
    assert isinstance(state, OrderChanged)
    assert state.customer == bought


def test_levels_of_one_event_have_identities_of_their_own() -> None:
    def told(item: int) -> str:
        body = json.dumps(
            {"inventory_item_id": item, "location_id": 1, "available": 3,
             "updated_at": "2026-05-04T14:03:12Z"}
        ).encode()  # fmt: skip
        message = delivery("inventory_levels/update", body, x_shopify_event_id="e-1")
        return translated(message, NAMING).facts[0].identity

    assert told(1) != told(2)


@given(late=st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_an_unsigned_trigger_time_never_moves_a_level_out_of_its_second(late: timedelta) -> None:
    at = datetime(2026, 5, 4, 14, 3, 12, tzinfo=UTC)
    body = json.dumps(
        {"inventory_item_id": 1, "location_id": 1, "available": 3, "updated_at": at.isoformat()}
    ).encode()
    message = delivery(
        "inventory_levels/update", body, x_shopify_triggered_at=(at + late).isoformat()
    )

    version = translated(message, NAMING).facts[0].version

    assert version is not None
    assert micros_of(at) <= version < micros_of(at + timedelta(seconds=1))


@given(st.datetimes(timezones=st.just(UTC)))
def test_instants_survive_writing_and_reading(instant: datetime) -> None:
    assert instant_of(instant.isoformat()) == instant


@pytest.mark.parametrize("text", ["2026-05-04", "2026-05-04T09:00:00", "soon", "", 7, None])
def test_an_instant_without_an_offset_is_no_instant(text: object) -> None:
    with pytest.raises(Invalid):
        instant_of(text)


@pytest.mark.parametrize(
    "value", [True, -1, 1 << 64, "gid://shopify/Order/", "٣", None, 1.5, [], "1;2"]
)
def test_a_thing_that_is_no_identifier_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="not an identifier"):
        Record({"id": value}).identifier("id")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, "not a whole number"),
        ("3", "not a whole number"),
        (-1, "not within 0"),
        (COUNT_MAX + 1, "not within 0"),
        (1 << 70, "an integer of 71 bits"),
        ([], "a list is not"),
        ({}, "an object is not"),
    ],
)
def test_a_thing_that_is_no_count_is_refused_with_its_place(value: object, reason: str) -> None:
    with pytest.raises(Invalid, match=reason) as refusal:
        Record({"quantity": value}, "/line_items/0").count("quantity")
    assert refusal.value.where == "/line_items/0/quantity"


@pytest.mark.parametrize("value", [None, 7, [1], "text"])
def test_an_object_that_may_be_missing_is_read_as_an_empty_one(value: object) -> None:
    assert Record({"bulk": value}).record_if_any("bulk") == Record({}, "/bulk")
    assert Record({"bulk": {"a": 1}}).record_if_any("bulk") == Record({"a": 1}, "/bulk")


@pytest.mark.parametrize("value", [7, {}, None])
def test_text_and_lists_and_objects_are_never_taken_for_one_another(value: object) -> None:
    record = Record({"it": value})

    if value is not None:
        with pytest.raises(Invalid, match="not text"):
            record.text("it")
    with pytest.raises(Invalid, match="not a list"):
        record.entries("it")
    if not isinstance(value, dict):
        with pytest.raises(Invalid, match="not an object"):
            record.record("it")


def test_a_channel_level_is_resolved_to_the_hubs_item_in_its_base_unit() -> None:
    level = ChannelLevelHeard(item="SKU", location="L", quantity=Quantity.of(2, "CS"))
    resolution = Resolution(
        items={("SKU", "CS"): ItemInUnit("itm_1", "EA", 12, 1)}, locations={"L": "loc_1"}
    )

    resolved = level.resolved(resolution)

    assert resolved == ChannelLevelHeard(
        item="itm_1", location="loc_1", quantity=Quantity.of(24, "EA")
    )
    assert {(reference.kind, reference.native_id) for reference in level.references()} == {
        ("item", "SKU"),
        ("location", "L"),
    }
    assert resolved.key == "itm_1"


def test_a_polled_page_keeps_what_it_can_read() -> None:
    good = {
        "id": "gid://shopify/Order/7",
        "updatedAt": "2026-05-04T14:03:12Z",
        "lineItems": {"nodes": []},
    }

    translation = pages.orders(Record({"nodes": [{"id": "gid://shopify/Order/8"}, good]}), NAMING)

    assert [fact.identity for fact in translation.facts] == [
        stamped("order:7", 1777903392000000, translation.facts[0].payload)
    ]
    assert [refusal.where for refusal in translation.refused] == ["/nodes/0/lineItems"]


@pytest.mark.parametrize("sku", ["a\0b", "\ud800", "x" * 2_001])
def test_text_that_no_database_keeps_is_refused(sku: str) -> None:
    lines = [{"id": 2, "sku": sku, "quantity": 1}]
    body = json.dumps(order(line_items=lines)).encode()

    translation = translated(delivery("orders/create", body), NAMING)

    assert not translation.facts
    assert [refusal.where for refusal in translation.refused] == ["/line_items/0/sku"]


def test_polled_levels_that_are_not_tracked_say_nothing() -> None:
    other = {"name": "committed", "quantity": 3}
    node = {"quantities": [other], "item": {"id": "gid://shopify/InventoryItem/1"}}

    assert pages.levels(Record({"nodes": [node]}), "L") == Translation()


AT = "2026-05-04T14:03:12Z"


def test_a_polled_place_item_and_level_tell_what_their_webhooks_tell() -> None:
    place = {"id": "gid://shopify/Location/1", "name": "Web", "isActive": True, "updatedAt": AT}
    variant = {
        "sku": "BOLT",
        "displayName": "Bolt",
        "barcode": "",
        "updatedAt": AT,
        "inventoryItem": {"id": "gid://shopify/InventoryItem/5"},
    }
    level = {
        "quantities": [{"name": "available", "quantity": 3}],
        "item": {"id": "gid://shopify/InventoryItem/5"},
        "updatedAt": AT,
    }
    told_level = {"inventory_item_id": 5, "location_id": 1, "available": 3, "updated_at": AT}
    webhook = delivery("inventory_levels/update", json.dumps(told_level).encode())

    (located,) = pages.locations(Record({"nodes": [place]})).facts
    (known,) = pages.variants(Record({"nodes": [variant]})).facts
    (held,) = pages.levels(Record({"nodes": [level]}), "gid://shopify/Location/1").facts

    assert (located.payload.key, located.native_ref) == ("gid://shopify/Location/1",) * 2
    assert known.payload.key == "BOLT"
    assert held.payload == translated(webhook, NAMING).facts[0].payload
