"""A promise that comes whole, by a key and of goods just met, is answered like any other."""

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.interfaces.api.bodies import DIGITS_MAX, check_json
from tests.interfaces.api.conftest import Caller, House, stock
from tests.interfaces.api.test_connections_of_callers import line_to, request
from tests.interfaces.api.test_stock import asking


@pytest.fixture
async def met(call: Caller, house: House) -> Caller:
    """Let the hub meet the goods and the key, as it has in nearly all requests of a day."""
    await stock(call, house, "BOLT", micros=5_000_000)
    assert (await call("POST", "/v1/reservations", asking("first", 1))).status == 201
    return call


async def test_promises_sent_together_are_answered_in_their_order(met: Caller) -> None:
    wanted = ["a", "b", "first", "c"]
    async with line_to(met) as line:
        line.send(b"".join(request(met, one) for one in wanted))
        answers = [await line.answer() for _ in wanted]

    assert [answer["request_id"] for _, _, answer in answers] == wanted
    assert [status for status, _, _ in answers] == [201, 201, 200, 201]


async def test_a_promise_and_what_is_asked_behind_it_are_answered_in_their_order(
    met: Caller,
) -> None:
    keyless = b"GET /v1/availability HTTP/1.1\r\nhost: x\r\n\r\n"
    async with line_to(met) as line:
        line.send(request(met, "a") + keyless + request(met, "b"))
        answers = [await line.answer() for _ in range(3)]
    assert [status for status, _, _ in answers] == [201, 401, 201]
    assert [answers[0][2]["request_id"], answers[2][2]["request_id"]] == ["a", "b"]


@pytest.mark.parametrize("cut", [10, 60, -30, -1])
async def test_a_promise_cut_in_two_is_answered_once(met: Caller, cut: int) -> None:
    whole = request(met, "cut")
    async with line_to(met) as line:
        for part in (whole[:cut], whole[cut:]):
            line.send(part)
            await asyncio.sleep(0.05)
        status, _, answer = await line.answer()
        line.send(request(met, "next"))
        again = await line.answer()

    assert (status, answer["request_id"]) == (201, "cut")
    assert (again[0], again[2]["request_id"]) == (201, "next")


def saying(call: Caller, body: bytes, **more: str) -> bytes:
    """Write a promise's request with this body; what it left open stays open behind it."""
    head = request(call, "x", **more).partition(b"\r\n\r\n")[0].split(b"\r\n")
    lines = [line for line in head if not line.startswith(b"content-length")]
    return b"\r\n".join((*lines, b"content-length: %d" % len(body), b"", body))


async def test_what_is_wrong_with_a_promise_is_said_and_the_connection_goes_on(
    met: Caller,
) -> None:
    twice = json.dumps(asking("twice", 1)).replace("{", '{"request_id": "x", ', 1)
    wrong = {
        "request_id_reused": json.dumps(asking("first", 2)),
        "insufficient_stock": json.dumps(asking("much", 100)),
        "not_json": twice,
    }
    async with line_to(met) as line:
        for code, body in wrong.items():
            line.send(saying(met, body.encode()))
            status, headers, answer = await line.answer()
            assert (status, answer["code"]) == (400 if code == "not_json" else 409, code)
            assert headers["content-type"] == "application/problem+json"
            assert headers["cache-control"] == "no-store"
        line.send(request(met, "after"))
        assert (await line.answer())[0] == 201


async def test_a_promise_names_its_correlation_and_is_counted(met: Caller) -> None:
    async with line_to(met) as line:
        line.send(request(met, "a", x_correlation_id="order-7"))
        _, headers, _ = await line.answer()
    assert headers["x-correlation-id"] == "order-7"

    counted = (await met("GET", "/metrics")).body
    assert b'route="/v1/reservations",status="2xx"' in counted


@pytest.mark.parametrize("value", [{"a": [1, -2, {"b": None}]}, {"ä": "€", "b": True}, [], 0.5])
def test_json_as_an_encoder_writes_it_passes(value: Any) -> None:
    check_json(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


numbers = st.integers(-(10**200), 10**200)
words = st.text("aäe1.-", max_size=5)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=8,
)


@given(values, st.sampled_from([(",", ":"), (", ", ": ")]))
def test_how_json_is_spaced_does_not_decide_whether_it_passes(
    value: Any, separators: tuple[str, str]
) -> None:
    body = json.dumps(value, ensure_ascii=False, separators=separators).encode()
    is_long = any(len(one) > DIGITS_MAX for one in re.findall(rb"[-0-9.eE+]+", body))
    if not is_long:
        check_json(body)
    elif b'"' not in body:
        with pytest.raises(Invalid, match="digits"):
            check_json(body)
