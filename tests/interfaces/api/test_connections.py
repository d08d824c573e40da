"""Connections are kept over HTTP as by command, and no answer shows a secret."""

from typing import Any

import pytest

from tests.interfaces.api.applications import SECRET, signature
from tests.interfaces.api.conftest import Caller, House

BELL = {"name": "bell", "application": "bell", "settings": {"secret": SECRET}}
NEWER = "another secret of at least twenty-four bytes"


async def added(call: Caller, **more: Any) -> Any:
    answer = await call("POST", "/v1/connections", BELL | more)
    assert answer.status == 201, answer.body
    return answer.json


async def ring(call: Caller, number: int, secret: str) -> int:
    body = b'{"number": %d}' % number
    headers = {"x-signature": signature(body, secret)}
    return (await call("POST", "/v1/webhooks/bell", body, key="", headers=headers)).status


async def test_a_connection_is_added_and_shown_without_its_secret(call: Caller) -> None:
    made = await added(call, gap_seconds=30, freshness_seconds=60)

    shown = await call("GET", "/v1/connections/bell")

    assert shown.json == made
    assert (made["settings"], made["secrets"]) == ({"secret": None}, ["/secret"])
    assert (made["gap_seconds"], made["freshness_seconds"]) == (30, 60)
    assert SECRET not in shown.body.decode()
    again = await call("POST", "/v1/connections", BELL)
    assert (again.status, again.json["code"]) == (409, "conflict")


async def test_a_changed_secret_counts_at_once_and_the_old_one_no_longer(call: Caller) -> None:
    await added(call)
    assert await ring(call, 1, SECRET) == 200

    changed = await call("PATCH", "/v1/connections/bell", {"settings": {"secret": NEWER}})

    assert (changed.status, changed.json["revision"]) == (200, 2)
    assert await ring(call, 2, SECRET) == 401
    assert await ring(call, 3, NEWER) == 200


async def test_null_takes_a_limit_away_and_silence_leaves_it(call: Caller) -> None:
    await added(call, rate_per_second=2.5, gap_seconds=30)

    one = await call("PATCH", "/v1/connections/bell", {"gap_seconds": None})
    other = await call("PATCH", "/v1/connections/bell", {"rate_per_second": None})

    assert (one.json["gap_seconds"], one.json["rate_per_second"]) == (None, 2.5)
    assert other.json["rate_per_second"] == 10.0


async def test_null_is_the_applications_own_silence_from_now_on(call: Caller) -> None:
    usual = (await added(call))["freshness_seconds"]

    async def changed(**change: Any) -> int:
        answer = await call("PATCH", "/v1/connections/bell", change)
        assert answer.status == 200
        return int(answer.json["freshness_seconds"])

    assert await changed(freshness_seconds=usual + 1) == usual + 1
    assert await changed(gap_seconds=3) == usual + 1
    assert await changed(freshness_seconds=None) == usual


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"rate_per_second": 0}, "/rate_per_second"),
        ({"concurrency": 1.5}, "/concurrency"),
        ({"gap_seconds": -1}, "/gap_seconds"),
        ({"freshness_seconds": None, "colour": "red"}, "/colour"),
        ({"settings": {"secret": [SECRET]}}, "/secret"),
    ],
)
async def test_a_wrong_change_names_its_place_and_no_secret(
    call: Caller, change: dict[str, Any], where: str
) -> None:
    await added(call)

    answer = await call("PATCH", "/v1/connections/bell", change)

    assert (answer.status, answer.json["where"]) == (422, where)
    assert SECRET not in answer.body.decode()


async def test_a_check_that_fails_is_an_answer_and_not_an_error_of_ours(call: Caller) -> None:
    await added(call)

    answer = await call("POST", "/v1/connections/bell/check")

    assert (answer.status, answer.json["is_well"]) == (200, False)
    assert answer.json["problem"] == "Bell cannot be called"
    assert (await call("POST", "/v1/connections/nobody/check")).status == 404


async def test_what_is_not_polled_is_not_read_again(call: Caller) -> None:
    await added(call)

    answer = await call("POST", "/v1/connections/bell/rewind", {"to": "beginning"})

    assert (answer.status, answer.json["code"]) == (422, "not_polled")
    assert (await call("POST", "/v1/connections/bell/rewind", {"to": "then"})).status == 422


async def test_a_removed_connection_takes_no_message_and_keeps_its_name(call: Caller) -> None:
    await added(call)
    assert await ring(call, 1, SECRET) == 200

    answer = await call("DELETE", "/v1/connections/bell?reason=sold")

    assert answer.json == {"name": "bell", "commands": 0, "quarantined": 0}
    assert await ring(call, 2, SECRET) == 401
    assert (await call("GET", "/v1/connections/bell")).status == 404
    assert (await added(call))["revision"] == 2


async def test_secrets_are_sealed_anew_and_messages_still_verify(call: Caller) -> None:
    await added(call)

    answer = await call("POST", "/v1/connections/rotate-secrets")

    assert answer.json == {"connections": 1}
    assert await ring(call, 1, SECRET) == 200


async def test_an_operator_watches_over_connections_and_does_not_rewrite_them(
    call: Caller, house: House
) -> None:
    await added(call)
    operator = await house.key("connections:write")

    for method, path, body in (
        ("POST", "/v1/connections", BELL),
        ("PATCH", "/v1/connections/bell", {"settings": {"secret": NEWER}}),
        ("DELETE", "/v1/connections/bell?reason=x", None),
        ("POST", "/v1/connections/rotate-secrets", None),
    ):
        answer = await call(method, path, body, key=operator)
        assert (answer.status, answer.json["code"]) == (403, "verb_missing"), path
    assert (await call("POST", "/v1/connections/bell/pause", key=operator)).status == 200
