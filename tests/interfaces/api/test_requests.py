"""What is no request is refused with a problem that says why, and never breaks the hub."""

import asyncio
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crossdock.canonical import errors
from crossdock.canonical.errors import CrossdockError, Invalid
from crossdock.foundation import event_log
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api import bodies
from crossdock.interfaces.api.problems import problem_of, status_of
from tests.conftest import out_of_reach
from tests.interfaces.api.conftest import Caller, House, event, stock
from tests.interfaces.api.test_stock import asking


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed|JSON"),
        (b"{", "JSON"),
        (b'{"request_id": "a", "request_id": "b"}', "twice"),
        (b'{"a": {"b": 1, "b": 1}}', "twice"),
        (b'{"a": NaN}', "no number"),
        (b'{"a": Infinity}', "no number"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "digits"),
        (b'{"a":1' + b"0" * 40 + b"}", "digits"),
        (b'{"a":1' + b"0" * 400 + b"}", "digits"),
        (b'{"a": "\\u0000"}', "NUL"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": "\xff"}', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (deep(33), "nested"),
        (deep(200_000), "nested"),
    ],
)
async def test_ambiguous_json_is_no_request(call: Caller, body: bytes, reason: str) -> None:
    for path in ("/v1/reservations", "/v1/keys", "/v1/events", "/v1/availability"):
        answer = await call("POST", path, body)
        if body == b"" and path not in {"/v1/reservations", "/v1/events"}:
            continue
        assert (answer.status, answer.json["code"]) == (400, "not_json"), (path, answer.body)
        assert any(word in answer.json["detail"] for word in reason.split("|")), answer.body


@given(st.recursive(st.none() | st.booleans() | st.integers(0, 9) | st.text(), st.lists))
def test_plain_json_passes(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if "\0" in text or "\\u0000" in text or _has_half_pair(text):
        return
    bodies.check_json(text.encode())


@given(st.binary())
def test_hostile_bytes_pass_or_are_refused(body: bytes) -> None:
    try:
        bodies.check_json(body)
    except Invalid as refusal:
        assert refusal.code == "not_json"  # noqa: PT017 - the sentence after it is for the other case


@given(st.integers(0, 40), st.text(alphabet='[]{}"\\', max_size=20))
def test_depth_counts_brackets_outside_of_texts_alone(levels: int, text: str) -> None:
    body = b"[" * levels + json.dumps(text).encode() + b"]" * levels

    if levels <= bodies.DEPTH_MAX:
        bodies.check_json(body)
    else:
        with pytest.raises(Invalid):
            bodies.check_json(body)


def _has_half_pair(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize("value", [1, 1.5, None, True, "NaN", "Infinity", "1e999", "1_000", ""])
async def test_an_amount_is_a_decimal_string(call: Caller, house: House, value: Any) -> None:
    await stock(call, house, "BOLT")
    asked = asking("r", 1)
    asked["lines"][0]["quantity"]["value"] = value

    answer = await call("POST", "/v1/reservations", asked)

    assert answer.status == 422, answer.body


@pytest.mark.parametrize(
    "extra",
    [{"tenant": "other"}, {"client": "x"}, {"status": "CONSUMED"}, {"reservation_id": "rsv_1"}],
)
async def test_a_promise_takes_no_field_it_does_not_know(
    call: Caller, extra: dict[str, Any]
) -> None:
    answer = await call("POST", "/v1/reservations", asking("r", 1, **extra))

    assert answer.status == 422
    assert next(iter(extra)) in answer.json["detail"]


async def test_a_body_beyond_its_cap_is_refused_before_it_is_read(call: Caller) -> None:
    big = b'"' + b"x" * bodies.BODY_BYTES_MAX + b'"'

    answer = await call("POST", "/v1/reservations", big)

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_a_body_that_hides_its_size_is_cut_off(call: Caller) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = (
        f"POST /v1/reservations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {call.key}\r\n"
        "content-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )

    answer = await call.raw(head.encode() + chunk * 20 + b"0\r\n\r\n")

    assert (answer.status, answer.json["code"]) == (413, "body_too_large")


async def test_a_form_is_no_order(call: Caller) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        headers = {"content-type": media_type}
        for path in ("/v1/reservations", "/v1/keys"):
            answer = await call("POST", path, b"{}", headers=headers)
            assert (answer.status, answer.json["code"]) == (415, "media_type")


async def test_a_wrong_method_is_named(call: Caller) -> None:
    answer = await call("DELETE", "/v1/reservations")
    assert answer.status in {404, 405}
    answer = await call("PATCH", "/v1/keys", {})
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "query",
    ["", "?item=A", "?item=A&item=B&location=C", "?item=A&location=B&tenant=x", "?%ff=%ff"],
)
async def test_a_query_has_exactly_its_parameters(call: Caller, query: str) -> None:
    answer = await call("GET", f"/v1/availability{query}")

    assert answer.status == 422
    assert answer.json["where"].startswith("/query")


async def test_a_traced_request_goes_on_with_the_trace_of_its_caller(
    call: Caller, spans: InMemorySpanExporter
) -> None:
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    for sent in (caller, "00-zz", "\xe4" * 300):
        headers = {"traceparent": sent, "x-correlation-id": "order-77"}
        assert (await call("GET", "/v1/keys", headers=headers)).status == 200

    found = spans.get_finished_spans()
    traces = {f"{span.context.trace_id:032x}" for span in found if span.context}
    assert len(traces) == 3
    assert "0af7651916cd43dd8448eb211c80319c" in traces
    threads = {str(dict(span.attributes or {})["crossdock.correlation_id"]) for span in found}
    assert threads == {"order-77"}


async def test_an_answer_carries_the_correlation_id_it_was_given(call: Caller) -> None:
    given_one = await call("GET", "/v1/keys", headers={"x-correlation-id": "order-77"})
    hostile = await call("GET", "/v1/keys", headers={"x-correlation-id": "a b\tc<script>"})

    assert given_one.headers["x-correlation-id"] == "order-77"
    assert "script" not in hostile.headers["x-correlation-id"]


def leaves(kind: type[CrossdockError]) -> list[type[CrossdockError]]:
    return [kind, *(leaf for sub in kind.__subclasses__() for leaf in leaves(sub))]


def test_every_branch_of_the_error_tree_has_a_status() -> None:
    for name in vars(errors).values():
        if (
            isinstance(name, type)
            and issubclass(name, CrossdockError)
            and name is not CrossdockError
        ):
            error = name.__new__(name)
            Exception.__init__(error, "why")
            assert 400 <= status_of(error)[0] < 504, name


def test_a_problem_says_what_where_and_what_to_do() -> None:
    error = Invalid("asked 5, 2 available", where="/lines/0", code="short", hint="ask for 2")

    problem = problem_of(error)

    assert (problem.status, problem.code, problem.where) == (422, "short", "/lines/0")
    assert (problem.detail, problem.hint) == ("asked 5, 2 available", "ask for 2")


async def test_one_bad_event_does_not_spoil_the_others(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT")
    moved = {
        "movement_id": "M1",
        "item": "BOLT",
        "quantity": {"value": "4", "unit": "EA"},
        "type": "RECEIPT",
        "target_place": {"location": "DC"},
    }
    kind = "inventory.stock_moved.v1"
    said = [
        event(kind, "m:1", moved),
        event(kind, "m:2", moved | {"quantity": {"value": 4.5, "unit": "EA"}}),
        event("inventory.no_such_thing.v1", "m:3", {}),
        event(kind, "m:4", moved | {"item": "NUT"}),
        {"no": "event"},
        event(kind, "m:1", moved),
    ]

    answer = await call("POST", "/v1/events", {"source": "wms", "events": said})

    verdicts = [one["verdict"] for one in answer.json["verdicts"]]
    assert verdicts == ["NEW", "QUARANTINED", "QUARANTINED", "WAITING", "QUARANTINED", "REPEAT"]
    assert answer.json["verdicts"][1]["where"].startswith("/events/1/payload/quantity")
    assert answer.json["verdicts"][3]["code"] == "MD-ITEM-XREF"
    await house.catch_up()
    free = await call("GET", "/v1/availability?item=BOLT&location=DC")
    assert free.json["on_hand"] == {"value": "4", "unit": "EA"}


@pytest.mark.parametrize("has_version", [True, False])
async def test_an_order_that_changed_is_said_again_and_its_old_state_undoes_nothing(
    call: Caller, house: House, *, has_version: bool
) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    free: list[str] = []

    for version, cancelled in ((2, "4"), (3, "10"), (1, "0"), (3, "10")):
        line: dict[str, Any] = {"demand_ref": "77/1", "item": "BOLT", "location": "DC"}
        line |= {"ordered": {"value": "10"}, "cancelled": {"value": cancelled}}
        order = {"order_id": "77", "lines": [line]}
        more = {"version": version} if has_version else {}
        said = event("orders.order_changed.v1", "order:77", order, **more)
        said["occurred_at"] = f"2026-05-04T1{version}:00:00Z"
        answer = await call("POST", "/v1/events", {"source": "erp", "events": [said]})
        free.append(
            f"{answer.json['verdicts'][0]['verdict']} {answer.json['verdicts'][0]['identity']}"
        )
        await house.catch_up()
        shown = await call("GET", "/v1/availability?item=BOLT&location=DC")
        free.append(shown.json["available"]["value"])

    new, repeat = "NEW order:77", "REPEAT order:77"
    assert free == [new, "4", new, "10", new, "10", repeat, "10"]


async def test_a_version_said_with_other_content_is_a_conflict(call: Caller, house: House) -> None:
    del house
    verdicts: list[str] = []
    for text in ("bolt", "nut"):
        payload = {"sku": "BOLT", "description": text}
        said = event("catalog.item_changed.v1", "item:BOLT", payload, version=1)
        answer = await call("POST", "/v1/events", {"source": "erp", "events": [said]})
        verdicts.append(answer.json["verdicts"][0]["verdict"])

    assert verdicts == ["NEW", "CONFLICT"]


async def test_nobody_speaks_in_the_hubs_own_name(call: Caller) -> None:
    said = event("inventory.source_heard.v1", "x", {"source": "crossdock"})
    answer = await call("POST", "/v1/events", {"source": "crossdock", "events": [said]})
    assert (answer.status, answer.json["where"]) == (422, "/source")

    own = event("inventory.availability_changed.v1", "y", {})
    answer = await call("POST", "/v1/events", {"source": "wms", "events": [own]})
    assert answer.json["verdicts"][0]["verdict"] == "QUARANTINED"


async def test_the_document_is_valid_openapi_and_names_every_type(call: Caller) -> None:
    document = (await call("GET", "/openapi.json")).json

    assert document["openapi"].startswith("3.1")
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    for reference in set(_references(document)):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    # Two shapes of one name would be told apart by the paths of their modules.
    assert [name for name in schemas if "__" in name] == []
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate(schema)
        assert f"#/components/schemas/{name}" in text, name
    ids = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids))


async def test_an_answer_is_as_the_document_says(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", micros=10_000_000)
    document = (await call("GET", "/openapi.json")).json
    made = await call("POST", "/v1/reservations", asking("r", 1))
    free = await call("GET", "/v1/availability?item=BOLT&location=DC")
    denied = await call("POST", "/v1/reservations", asking("q", 100))

    for name, answer in [
        ("ReservationShown", made),
        ("AvailabilityShown", free),
        ("Denied", denied),
    ]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema_rs.validator_for(schema).validate(answer.json)


async def test_the_log_is_followed_from_a_position(call: Caller, house: House) -> None:
    await stock(call, house, "BOLT", "NUT")
    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    request = (
        "GET /v1/log?after=0.0&types=catalog.item_changed.v1 HTTP/1.1\r\nhost: x\r\n"
        f"authorization: Bearer {call.key}\r\n\r\n"
    )
    writer.write(request.encode())
    heard: list[Any] = []
    place = ""
    async with asyncio.timeout(10):
        while len(heard) < 3:
            line = await reader.readline()
            if line.startswith(b"id: "):
                place = line[4:].strip().decode()
            if line.startswith(b"data: "):
                heard.append(json.loads(line[6:]))
                if len(heard) == 2:
                    await call("PUT", "/v1/items/SCREW", {})
    writer.close()

    assert [one["subject"] for one in heard] == ["BOLT", "NUT", "SCREW"]
    assert heard[0]["specversion"] == "1.0"
    assert place.count(".") == 1


async def test_a_place_that_the_log_does_not_have_is_refused(call: Caller, house: House) -> None:
    """An older state was restored: what is written now lies before what the caller holds."""
    await stock(call, house, "BOLT")
    async with house.database.transaction(Scope("main")) as tx:
        end = await event_log.end(tx)

    for tx_id, position in [
        (end.tx, end.position + 1),
        (end.tx + 1, end.position),
        (end.tx - 1, end.position),
        (end.tx, 0),
    ]:
        answer = await call("GET", f"/v1/log?after={tx_id}.{position}")

        assert (answer.status, answer.json["code"]) == (404, "place_unknown")
        assert "0.0" in answer.json["hint"]

    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    request = (
        f"GET /v1/log HTTP/1.1\r\nhost: x\r\nlast-event-id: {end.tx}.{end.position}\r\n"
        f"authorization: Bearer {call.key}\r\n\r\n"
    )
    writer.write(request.encode())
    async with asyncio.timeout(30):
        await _until(reader, b": crossdock log")
        await call("PUT", "/v1/items/NUT", {})
        heard = await _until(reader, b'"subject":"NUT"')
    writer.close()
    assert b"BOLT" not in heard


async def test_who_follows_the_log_waits_out_a_database_that_is_away(
    call: Caller, house: House, postgres: EmbeddedPostgres
) -> None:
    await stock(call, house, "BOLT")
    reader, writer = await asyncio.open_connection("127.0.0.1", call.port)
    request = (
        "GET /v1/log?after=0.0&types=catalog.item_changed.v1 HTTP/1.1\r\nhost: x\r\n"
        f"authorization: Bearer {call.key}\r\n\r\n"
    )
    writer.write(request.encode())
    async with asyncio.timeout(30):
        await _until(reader, b'"subject":"BOLT"')
        async with out_of_reach(postgres, house.database):
            await _until(reader, b": the database is away")
        await call("PUT", "/v1/items/NUT", {})
        heard = await _until(reader, b'"subject":"NUT"')
    writer.close()

    assert b"BOLT" not in heard


async def _until(reader: asyncio.StreamReader, wanted: bytes) -> bytes:
    """Read on until a line holds what is wanted; give all that came."""
    heard = b""
    while wanted not in heard:
        line = await reader.readline()
        assert line, heard
        heard += line
    return heard


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in _references(inner)]
    if isinstance(part, list):
        return [found for inner in part for found in _references(inner)]
    return []
