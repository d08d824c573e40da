"""Webhooks are believed only when one of our secrets signed exactly this, lately."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.generic_wms.signature import (
    check_signature,
    secret_key,
    signature,
    signed_headers,
)
from crossdock.canonical.errors import Forbidden, Invalid

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OLD, NEW = b"o" * 24, b"n" * 24
FIVE_MINUTES = timedelta(minutes=5)


def test_the_published_example_of_the_specification_is_signed_alike() -> None:
    key = secret_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("ours", [[OLD], [NEW], [NEW, OLD]])
@pytest.mark.parametrize("theirs", [[OLD, NEW], [NEW, OLD]])
def test_while_a_secret_is_replaced_either_side_may_be_ahead(
    ours: list[bytes], theirs: list[bytes]
) -> None:
    headers = signed_headers(theirs, "m-1", NOW, b"{}")

    check_signature(ours, headers, b"{}", NOW, FIVE_MINUTES)


@pytest.mark.parametrize(("seconds", "is_accepted"), [(300, True), (301, False), (-301, False)])
def test_an_old_or_future_timestamp_is_refused(seconds: int, *, is_accepted: bool) -> None:
    headers = signed_headers([NEW], "m-1", NOW - timedelta(seconds=seconds), b"{}")

    if is_accepted:
        check_signature([NEW], headers, b"{}", NOW, FIVE_MINUTES)
    else:
        with pytest.raises(Forbidden, match="301 s off") as refusal:
            check_signature([NEW], headers, b"{}", NOW, FIVE_MINUTES)
        assert refusal.value.code == "webhook_expired"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(name: str) -> None:
    headers = signed_headers([NEW], "m-1", NOW, b"{}")
    del headers[name]

    with pytest.raises(Forbidden, match="not signed"):
        check_signature([NEW], headers, b"{}", NOW, FIVE_MINUTES)


def test_without_a_secret_nothing_is_believed() -> None:
    headers = signed_headers([b""], "m-1", NOW, b"{}")

    with pytest.raises(Forbidden, match="no webhook secret"):
        check_signature([], headers, b"{}", NOW, FIVE_MINUTES)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", "whsec_" + "A" * 200]
)
def test_a_weak_or_broken_secret_is_refused(secret: str) -> None:
    with pytest.raises(Invalid):
        secret_key(secret)


@given(
    key=st.binary(min_size=24, max_size=64),
    message_id=st.text(min_size=1),
    body=st.binary(),
    other=st.binary(),
)
def test_what_is_signed_is_accepted_and_nothing_else(
    key: bytes, message_id: str, body: bytes, other: bytes
) -> None:
    assert secret_key("whsec_" + b64encode(key).decode()) == key
    headers = signed_headers([key], message_id.encode(errors="replace").decode(), NOW, body)

    check_signature([key], headers, body, NOW, FIVE_MINUTES)
    if other != body:
        with pytest.raises(Forbidden):
            check_signature([key], headers, other, NOW, FIVE_MINUTES)


@given(header=st.text(), timestamp=st.text())
def test_hostile_headers_are_refused_and_never_break(header: str, timestamp: str) -> None:
    headers = {"webhook-id": "m", "webhook-timestamp": timestamp, "webhook-signature": header}

    with pytest.raises(Forbidden):
        check_signature([NEW], headers, b"{}", NOW, FIVE_MINUTES)
