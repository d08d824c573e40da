"""What the Admin API's errors mean: may it be asked again, and may it have happened."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.shopify.admin import AdminApi, Bucket
from crossdock.applications.shopify.client import ShopifyConnection
from crossdock.canonical.errors import (
    Ambiguous,
    CrossdockError,
    Forbidden,
    Invalid,
    NotFound,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.connectivity.sdk import Verdict
from crossdock.connectivity.transports.http import HttpClient, HttpResponse
from crossdock.foundation.clock import VirtualClock
from tests.unit.applications.shopify.shops import (
    NOON,
    NOWHERE,
    Scripted,
    change,
    connected_to,
    open_shop,
    ports_at,
    settings_for,
    while_time_passes,
)

ITEM, LOCATION = "gid://shopify/InventoryItem/1", "gid://shopify/Location/1"


def errors(code: str) -> bytes:
    return json.dumps({"errors": [{"message": "No", "extensions": {"code": code}}]}).encode()


def user_errors(*codes: str) -> bytes:
    found = [{"code": code, "field": ["input"], "message": code} for code in codes]
    payload = {"inventoryAdjustmentGroup": None, "userErrors": found}
    return json.dumps({"data": {"inventorySetQuantities": payload}}).encode()


ANSWERS: list[tuple[int, bytes, type[CrossdockError], type[CrossdockError]]] = [
    # status, body, what it means for a question, what it means for a write
    (200, errors("ACCESS_DENIED"), Forbidden, Forbidden),
    (200, errors("SHOP_INACTIVE"), Forbidden, Forbidden),
    (200, errors("NOT_FOUND"), NotFound, NotFound),
    (200, errors("MAX_COST_EXCEEDED"), Rejected, Rejected),
    (200, errors("INTERNAL_SERVER_ERROR"), Unavailable, Ambiguous),
    (200, b'{"errors": "Not Found"}', Rejected, Rejected),
    (200, b'{"errors": ["no object"]}', Rejected, Rejected),
    (200, b"<html>", Unavailable, Ambiguous),
    (200, b"{}", Unavailable, Ambiguous),
    (200, b'{"data": {"nodes": 7}}', Invalid, Ambiguous),
    (200, b'{"data": null, "extensions": {"cost": 7}}', Unavailable, Ambiguous),
    (401, b"{}", Forbidden, Forbidden),
    (404, b"{}", NotFound, NotFound),
    (500, b"", Unavailable, Ambiguous),
    (502, b"", Unavailable, Ambiguous),
    (503, b"", Unavailable, Unavailable),
]


@pytest.mark.parametrize(("status", "body", "question", "write"), ANSWERS)
async def test_an_error_says_what_to_do_next(
    status: int, body: bytes, question: type[CrossdockError], write: type[CrossdockError]
) -> None:
    async with connected_to(Scripted([(status, body)])) as connection:
        with pytest.raises(question) as asked:
            await connection.held_availability([(ITEM, LOCATION)])
        with pytest.raises(write) as written:
            await connection.set_availability([change(ITEM, LOCATION, 1, 2)])

    assert type(asked.value) is question
    assert type(written.value) is write


async def test_the_word_throttled_alone_is_understood() -> None:
    async with connected_to(Scripted([(200, b'{"errors":[{"message":"Throttled"}]}')])) as shop:
        with pytest.raises(Throttled):
            await shop.held_availability([(ITEM, LOCATION)])


async def test_a_write_that_is_still_busy_is_asked_again_under_the_same_key() -> None:
    busy = user_errors("IDEMPOTENCY_CONCURRENT_REQUEST")
    server = Scripted([(200, busy), (200, busy), (200, user_errors())])
    clock = VirtualClock(NOON)
    async with connected_to(server, clock) as connection:
        sending = asyncio.create_task(connection.set_availability([change(ITEM, LOCATION, 1, 2)]))
        (outcome,) = await while_time_passes(clock, sending)

    assert outcome.verdict is Verdict.DONE


async def test_a_write_that_stays_busy_is_ambiguous() -> None:
    failed = user_errors("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
    async with connected_to(Scripted([(200, failed)])) as connection:
        with pytest.raises(Ambiguous, match="busy"):
            await connection.set_availability([change(ITEM, LOCATION, 1, 2)])


async def test_an_error_of_the_whole_mutation_is_every_lines() -> None:
    async with connected_to(Scripted([(200, user_errors("INVALID_REASON"))])) as connection:
        outcomes = await connection.set_availability(
            [change(ITEM, LOCATION, 1, 2), change(ITEM + "2", LOCATION, 1, 2)]
        )

    assert {(x.verdict, x.code) for x in outcomes} == {(Verdict.REFUSED, "INVALID_REASON")}


async def test_what_was_done_is_told_when_a_later_call_fails() -> None:
    """Two commands for one level take two calls; the second finds the shop down."""
    commands = [change(ITEM, LOCATION, 3, 4, version=1), change(ITEM, LOCATION, 2, 3, version=2)]
    answers = [(200, user_errors()), (503, b"")]
    async with connected_to(Scripted(answers)) as connection:
        outcomes = await connection.set_availability(commands)

    assert [outcome.verdict for outcome in outcomes] == [Verdict.DONE, Verdict.RETRY]


async def test_a_batch_that_never_settles_is_left_to_the_outbox() -> None:
    """The shop blames another line each time and the others are sent again, but not for ever."""

    def blaming(line: int) -> bytes:
        found = [{"code": "INVALID_LOCATION", "field": ["input", "quantities", str(line)],
                  "message": "No"}]  # fmt: skip
        payload = {"inventoryAdjustmentGroup": None, "userErrors": found}
        return json.dumps({"data": {"inventorySetQuantities": payload}}).encode()

    commands = [change(f"{ITEM}{number}", LOCATION, 1, 2) for number in range(12)]
    async with connected_to(Scripted([(200, blaming(0))])) as connection:
        outcomes = await connection.set_availability(commands)

    verdicts = [outcome.verdict for outcome in outcomes]
    assert verdicts == [Verdict.REFUSED] * 8 + [Verdict.RETRY] * 4


async def test_a_webhook_that_the_shop_refuses_is_an_error() -> None:
    async with open_shop() as shop:
        with pytest.raises(Rejected, match="not a valid URI"):
            await shop.connection.ensure_subscribed("not an address")


class Canned(HttpClient):
    """Answers everything with one body, without a network."""

    def __init__(self, body: bytes) -> None:
        super().__init__(NOWHERE, clock=VirtualClock(NOON))
        self._body = body

    async def request(self, *_arguments: Any, **_named: Any) -> HttpResponse:
        return HttpResponse(200, {}, self._body)


@given(
    answers=st.lists(
        st.dictionaries(
            st.sampled_from(["errors", "data", "extensions"]),
            st.recursive(
                st.none() | st.integers() | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["cost", "throttleStatus", "restoreRate", "code", "message",
                                     "extensions", "requestedQueryCost", "currentlyAvailable"]),
                    inner, max_size=3,
                ),
                max_leaves=6,
            ),
        ),
        min_size=1, max_size=1,
    )
)  # fmt: skip
def test_an_answer_of_any_shape_ends_in_the_error_tree(answers: list[dict[str, Any]]) -> None:
    async def asked() -> None:
        settings, ports = settings_for(), ports_at(VirtualClock(NOON))
        api = AdminApi(Canned(json.dumps(answers[0]).encode()), settings, ports)
        connection = ShopifyConnection(api, settings, ports)
        for question in (
            connection.check(),
            connection.poll(""),
            connection.set_availability([change(ITEM, LOCATION, 1, 2)]),
        ):
            with contextlib.suppress(CrossdockError):
                await question

    asyncio.run(asked())


@given(
    cost=st.integers(0, 3000),
    available=st.integers(0, 2000),
    rate=st.integers(1, 2000),
    later=st.integers(0, 100),
)
def test_after_the_wait_the_bucket_can_pay(
    cost: int, available: int, rate: int, later: int
) -> None:
    bucket = Bucket()
    bucket.hear(
        {"currentlyAvailable": available, "maximumAvailable": 2000, "restoreRate": rate}, 0.0
    )

    seconds = bucket.seconds_until(cost, later)

    assert seconds >= 0
    assert bucket._at(later + seconds) + 1e-6 >= min(cost, 2000)


def test_a_bucket_that_is_not_known_makes_nobody_wait() -> None:
    assert Bucket().seconds_until(1000, 0.0) == 0.0
