"""No request, however made, breaks the hub: no answer is above 499, every error is a problem."""

import json
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.interfaces.api.log import position_of
from tests.interfaces.api.applications import SECRET
from tests.interfaces.api.conftest import Caller, House, event, stock
from tests.interfaces.api.test_access import connect_bell
from tests.interfaces.api.test_channels import TERMS
from tests.interfaces.api.test_sourcing import NODE as SOURCING_NODE
from tests.interfaces.api.test_sourcing import RULES as SOURCING_RULES
from tests.interfaces.api.test_stock import asking

SOURCING: dict[str, Any] = {
    "lines": [
        {
            "item": "BOLT",
            "quantity": {"value": "1", "unit": "EA"},
            "needed_by": "2026-05-08",
            "hazmat": "3",
            "is_dropship": False,
            "demand_ref": "o/1",
        }
    ],
    "ship_to": {"country": "DE", "region": "BY", "postal_code": "80331"},
    "customer": "C1",
    "channel": "WEB",
    "needs": ["SHIP"],
    "policy": "PARTIAL",
    "max_shipments": 2,
    "min_line_split_qty": "1",
    "original": "DC",
    "occasion": "CREATION",
    "request_id": "s1",
    "reserve": True,
}

# Requests that are right; the fuzzer breaks them in one place or more.
RIGHT: list[tuple[str, str, Any]] = [
    ("POST", "/v1/reservations", asking("r", 1)),
    ("GET", "/v1/availability?item=BOLT&location=DC", None),
    ("POST", "/v1/availability", {"keys": [{"item": "BOLT", "location": "DC"}]}),
    ("GET", "/v1/reservations/{}", None),
    ("POST", "/v1/reservations/{}/confirm", None),
    ("POST", "/v1/reservations/{}/extend", {"ttl_seconds": 60}),
    ("POST", "/v1/reservations/{}/release", None),
    (
        "POST",
        "/v1/reservations/{}/consume",
        {"lines": [{"line_no": 1, "consumed": {"value": "1", "unit": "EA"}}]},
    ),
    ("POST", "/v1/reservations/{}/transfer", {"location": "DC"}),
    (
        "POST",
        "/v1/events",
        {
            "source": "wms",
            "events": [
                event(
                    "inventory.stock_moved.v1",
                    "m1",
                    {
                        "movement_id": "M1",
                        "item": "BOLT",
                        "quantity": {"value": "4", "unit": "EA"},
                        "type": "RECEIPT",
                        "target_place": {"location": "DC"},
                    },
                    sequence=1,
                    version=1,
                )
            ],
        },
    ),
    ("POST", "/v1/webhooks/{}", {"number": 1}),
    ("GET", "/v1/positions?item=BOLT&location=DC", None),
    ("GET", "/v1/reservations?item=BOLT&location=DC&after_hold=rsv_0/1&limit=5", None),
    ("GET", "/v1/safety-stock?item=BOLT&location=DC", None),
    (
        "PUT",
        "/v1/safety-stock?item=BOLT&location=DC",
        {"quantity": {"value": "1", "unit": "EA"}},
    ),
    ("POST", "/v1/sourcing/plan", SOURCING),
    ("GET", "/v1/sourcing/decisions/{}", None),
    ("GET", "/v1/sourcing/rules?holds_for=all&after=all/1&limit=5", None),
    ("PUT", "/v1/sourcing/rules/{}", SOURCING_RULES),
    ("GET", "/v1/sourcing/nodes?after=A&limit=5", None),
    ("PUT", "/v1/sourcing/nodes/{}", SOURCING_NODE),
    (
        "POST",
        "/v1/atp",
        {
            "keys": [
                {
                    "item": "BOLT",
                    "location": "DC",
                    "quantity": {"value": "5", "unit": "EA"},
                    "by": "2026-06-30",
                    "own": ["o1/1"],
                    "life_days": 30,
                    "transit_days": 3,
                    "customer": "METRO",
                    "channel": "web",
                }
            ],
            "derivation": True,
        },
    ),
    ("GET", "/v1/atp/rules?after_item=A&after_location=B&limit=10", None),
    (
        "PUT",
        "/v1/atp/rules",
        {
            "item": "BOLT",
            "location": "*",
            "mode": "DISCRETE",
            "daily_buckets": 30,
            "weekly_buckets": 4,
            "lead_time_days": 9,
            "is_replenishable": True,
            "classes": [{"confidence": "C", "percent": 80, "buffer_days": 3, "by_supplier": True}],
            "pack": "12",
            "pack_up": True,
            "lives": [{"customer": "METRO", "channel": "", "days": 30, "transit_days": 3}],
            "receipt_life_days": 60,
            "owners": [{"owner": "ACME", "is_first": True}],
        },
    ),
    ("GET", "/v1/atp/calendars/DC", None),
    (
        "PUT",
        "/v1/atp/calendars/*",
        {
            "weekdays": "12345",
            "holidays": ["2026-12-25"],
            "cutoff": "15:30",
            "hours": "08:00-17:00",
        },
    ),
    ("GET", "/v1/supply/fills/ACME", None),
    ("GET", "/v1/atp/substitutions?item=BOLT&after=BOLT/1&limit=5", None),
    ("GET", "/v1/supply?item=BOLT&location=DC1&with_closed=true&after=po:1/1&limit=5", None),
    ("GET", "/v1/kits?item=SET&after=A&limit=5", None),
    ("GET", "/v1/lots?item=BOLT&after=BOLT&after_lot=L1&limit=5", None),
    ("GET", "/v1/catch-weights?item=BOLT&after=A&limit=5", None),
    (
        "PUT",
        "/v1/atp/substitutions",
        {
            "item": "BOLT",
            "alternatives": [
                {
                    "item": "NUT",
                    "kind": "SUBSTITUTE",
                    "rank": 2,
                    "numerator": 3,
                    "denominator": 2,
                    "is_two_way": True,
                    "only_for": ["customer:METRO"],
                    "not_for": ["channel:web"],
                    "valid_from": "2026-05-01",
                    "valid_to": "2026-12-31",
                }
            ],
            "chooses": "MAX_ON_TIME",
            "keeps_rest": "LEADING",
        },
    ),
    ("DELETE", "/v1/atp/rules?item=BOLT&location=*", None),
    ("DELETE", "/v1/sourcing/nodes/{}", None),
    ("GET", "/v1/channels", None),
    ("PUT", "/v1/channels/bell/{}", TERMS),
    ("DELETE", "/v1/channels/bell/{}", None),
    ("GET", "/v1/items?after=A&limit=5", None),
    ("GET", "/v1/items/{}", None),
    ("PUT", "/v1/items/{}", {"units": [{"unit": "CS", "numerator": 12, "denominator": 1}]}),
    ("POST", "/v1/items/BOLT/links", {"system": "shop", "native_id": "1"}),
    ("GET", "/v1/locations/{}", None),
    ("PUT", "/v1/locations/{}", {"kind": "GROUP", "members": ["DC"], "is_active": True}),
    ("GET", "/v1/parties?after=A&limit=5", None),
    ("GET", "/v1/parties/{}", None),
    ("PUT", "/v1/parties/{}", {"roles": ["CUSTOMER"], "parent": "", "tax_ids": ["DE1"]}),
    ("POST", "/v1/parties/METRO/links", {"system": "shop", "native_id": "1"}),
    ("GET", "/v1/keepers", None),
    ("PUT", "/v1/locations/{}/keeper", {"source": "wms"}),
    ("DELETE", "/v1/locations/{}/keeper", None),
    ("GET", "/v1/proposals?after=0&limit=10&source=erp&location=DC", None),
    ("POST", "/v1/keys", {"name": "shop", "verbs": ["stock:read"], "expires_at": None}),
    ("GET", "/v1/keys", None),
    ("DELETE", "/v1/keys/{}", None),
    ("GET", "/v1/connections/{}", None),
    ("PUT", "/v1/connections/{}/roles", {"roles": {"PostsMovements": ["DC"]}}),
    ("POST", "/v1/connections/{}/pause", {"reason": "why"}),
    ("POST", "/v1/connections/{}/check", None),
    ("POST", "/v1/connections/{}/rewind", {"to": "2026-03-02T09:00:00+01:00"}),
    (
        "POST",
        "/v1/connections",
        {
            "name": "gong",
            "application": "bell",
            "settings": {"secret": SECRET},
            "rate_per_second": 2,
            "concurrency": 1,
            "gap_seconds": 60,
            "freshness_seconds": 60,
        },
    ),
    (
        "PATCH",
        "/v1/connections/{}",
        {"settings": {"secret": SECRET}, "rate_per_second": 2, "freshness_seconds": 60},
    ),
    ("POST", "/v1/connections/rotate-secrets", None),
    ("POST", "/as2?tenant=main", {"ISA": 1}),
    ("GET", "/v1/as2/partners?house=dock&partner=acme", None),
    (
        "PUT",
        "/v1/as2/partners",
        {
            "house": "dock",
            "partner": "acme",
            "url": "https://acme.example/as2",
            "sign": "none",
            "encrypt": "none",
            "compress": "before",
            "receipt": "none",
            "takes_unsigned": True,
            "takes_3des": True,
            "certificates": [],
            "attempts": 3,
            "receipt_urls": ["https://acme.example/r"],
            "bytes_max": 1000,
            "on_duplicate": "warn",
        },
    ),
    ("GET", "/v1/as2/keys?house=dock", None),
    ("PUT", "/v1/as2/keys", {"house": "dock", "key": "-----BEGIN PRIVATE KEY-----"}),
    ("GET", "/v1/as2/messages?direction=IN&state=TAKEN&partner=a&after=m&limit=9", None),
    (
        "POST",
        "/v1/as2/messages",
        {
            "house": "dock",
            "partner": "acme",
            "request_id": "r",
            "content": "eA==",
            "content_type": "text/plain",
            "filename": "a.txt",
        },
    ),
    ("GET", "/v1/as2/messages/{}", None),
    ("GET", "/v1/as2/messages/{}/contents", None),
    ("POST", "/v1/as2/messages/{}/again", None),
    ("DELETE", "/v1/connections/gong?reason=why&discard=true", None),
    ("GET", "/v1/quarantine?after=0&limit=10&state=OPEN&source=wms", None),
    ("GET", "/v1/quarantine/{}", None),
    ("POST", "/v1/quarantine/replay", {"ids": [1], "dry_run": True}),
    ("POST", "/v1/quarantine/discard", {"ids": [1], "reason": "why"}),
    ("GET", "/v1/dead-letters?connection=shop&code=x&limit=10", None),
    ("GET", "/v1/dead-letters/{}", None),
    ("POST", "/v1/dead-letters/replay", {"ids": ["c"], "reason": "why", "dry_run": True}),
    ("POST", "/v1/dead-letters/{}/edit", {"changes": {"quantity": "1"}, "reason": "why"}),
    ("POST", "/v1/dead-letters/{}/resolve", {"happened": True, "reason": "why"}),
    ("POST", "/v1/dead-letters/discard", {"ids": ["c"], "reason": "why"}),
    ("GET", "/v1/refused-events?reader=catalog&after=0&limit=10", None),
    ("POST", "/v1/refused-events/{}/reapply", {"reader": "catalog"}),
    ("POST", "/v1/refused-events/{}/discard", {"reason": "why", "reader": "catalog"}),
    ("GET", "/v1/processes/instances?process=loading&parked=false&limit=10", None),
    ("GET", "/v1/processes/loading/instances/{}", None),
    ("POST", "/v1/processes/loading/resume", {"instance": "D1"}),
    ("GET", "/v1/cases?state=OPEN&owner=x&code=x&limit=10", None),
    ("GET", "/v1/cases/{}", None),
    ("POST", "/v1/cases/{}/close", {"reason": "why"}),
]
hostile: st.SearchStrategy[Any] = (
    st.sampled_from(
        [
            None, True, 0, -1, 1, 2**31, 2**63, -(2**63) - 1, 10**400, 0.1, 1e308, "", " ", "\0",
            "\ud800", "é", "👩‍🚀", "x" * 600, "rsv_" + "0" * 32, "rsv_zz", "%00", "../..", "'; --",
            "NaN", "-1", "1e6", "0.0000001", "9" * 30, "2026-13-01T00:00:00Z", "0001-01-01T00:00Z",
            "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-05:00", "2026-05-04T12:00:00", [], {}, [[]], {"": ""}, ["x"],
        ]
    )
    | st.text(max_size=20)
    | st.integers()
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes | None]:
    method, path, body = draw(st.sampled_from(RIGHT))
    while "{}" in path:
        name = draw(st.sampled_from(["BOLT", "DC", "bell", "rsv_0", "1"]) | segments)
        path = path.replace("{}", name, 1)
    if "?" in path and draw(st.booleans()):
        path = _mutated_query(draw, path)
    if body is None:
        return method, path, draw(st.sampled_from([None, b"{}", b"[]", b"\xff"]))
    for _ in range(draw(st.integers(0, 3))):
        body = _mutated(draw, body)
    return method, path, json.dumps(body).encode()


PROMISES = ["rsv_0"]
"""The promise that `rsv_0` stands for, once there is one."""

segments = st.text(min_size=1, max_size=30).map(
    lambda text: quote(text.encode("utf-8", "surrogatepass"), safe="")
) | st.binary(min_size=1, max_size=10).map(lambda raw: quote_from_bytes(raw, safe=""))


def _mutated_query(draw: st.DrawFn, path: str) -> str:
    base, _, query = path.partition("?")
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    at = draw(st.integers(0, len(pairs) - 1))
    pairs[at] = (draw(st.sampled_from([pairs[at][0]]) | segments), draw(segments))
    return base + "?" + "&".join(f"{name}={value}" for name, value in pairs)


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    """Replace, drop or add one thing somewhere inside."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.integers(0, 6))
        if what == 0:
            return {name: inner for name, inner in value.items() if name != key}
        if what == 1:
            return {**value, draw(st.text(max_size=5)): draw(hostile)}
        return {**value, key: _mutated(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _mutated(draw, value[at]), *value[at + 1 :]]
    return draw(hostile)


@pytest.fixture
async def busy(call: Caller, house: House) -> Caller:
    """Have a promise, a connection and something in quarantine, so that names lead somewhere."""
    await stock(call, house, "BOLT", micros=10_000_000)
    await connect_bell(house)
    await call("POST", "/v1/events", {"source": "wms", "events": [{}]})
    made = await call("POST", "/v1/reservations", asking("r", 1))
    PROMISES[:] = [made.json["reservation_id"]]
    return call


@settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request=requests())
@example(request=("PUT", "/v1/items/%00", b"{}"))
@example(request=("GET", "/v1/availability?item=%00&location=DC", None))
async def test_no_request_breaks_the_hub(
    busy: Caller, request: tuple[str, str, bytes | None]
) -> None:
    method, path, body = request

    answer = await busy(method, path.replace("rsv_0", PROMISES[0]), body)

    assert answer.status < 500, (request, answer.body)
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json", (request, answer)
        assert answer.json["code"], answer.body


async def test_what_the_fuzzer_breaks_is_right_before(call: Caller, house: House) -> None:
    """A fuzzer of requests that were wrong from the start would prove nothing."""
    await stock(call, house, "BOLT", micros=10_000_000)
    made = await call("POST", "/v1/reservations", asking("first", 2))
    for method, path, body in RIGHT[:10]:
        address = path.replace("{}", made.json["reservation_id"])
        answer = await call(method, address, body)
        # After its release a promise can no longer be used: that is a rule, not a wrong request.
        assert answer.status < 300 or answer.json["code"] not in {"invalid", "not_json"}, (
            method,
            address,
            answer.body,
        )


@given(st.text() | st.from_regex(r"[0-9]{1,25}\.[0-9]{1,25}", fullmatch=True))
def test_a_place_in_the_log_is_read_or_refused(text: str) -> None:
    try:
        place = position_of(text)
    except Invalid:
        return
    assert f"{place.tx}.{place.position}" == ".".join(str(int(part)) for part in text.split("."))
    assert max(place.tx, place.position) < 2**63
