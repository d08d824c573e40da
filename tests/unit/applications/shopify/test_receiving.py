"""Only what Shopify signed for this shop gets in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crossdock.applications.shopify.receiving import ShopifyReceiver, signature
from crossdock.applications.shopify.samples import SAMPLES
from crossdock.canonical.errors import Forbidden
from crossdock.connectivity.sdk import Delivery
from tests.unit.applications.shopify.shops import NOON, settings_for

RECEIVER = ShopifyReceiver(settings_for())


SECRET = "app-secret"


def signed(body: bytes, key: str = SECRET, **changes: str) -> Delivery:
    headers = {
        "x-shopify-topic": "orders/create",
        "x-shopify-shop-domain": "demo.myshopify.com",
        "x-shopify-hmac-sha256": signature(body, key),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return Delivery(body=body, headers=headers)


def test_the_signature_is_the_one_that_shopify_computes() -> None:
    # RFC 4231, test case 2, in base64.
    expected = "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="

    assert signature(b"what do ya want for nothing?", "Jefe") == expected


@given(body=st.binary(max_size=300))
def test_a_signed_message_is_accepted(body: bytes) -> None:
    RECEIVER.verify(signed(body), NOON)


@given(body=st.binary(min_size=1, max_size=300), at=st.integers(0), bit=st.integers(0, 7))
def test_one_flipped_bit_is_refused(body: bytes, at: int, bit: int) -> None:
    index = at % len(body)
    flipped = body[:index] + bytes([body[index] ^ (1 << bit)]) + body[index + 1 :]

    with pytest.raises(Forbidden, match="signature"):
        RECEIVER.verify(replace(signed(body), body=flipped), NOON)


@given(given_signature=st.text(max_size=60))
def test_a_made_up_signature_is_refused(given_signature: str) -> None:
    with pytest.raises(Forbidden):
        RECEIVER.verify(signed(b"{}", x_shopify_hmac_sha256=given_signature), NOON)


def test_a_message_without_a_signature_is_refused() -> None:
    with pytest.raises(Forbidden):
        RECEIVER.verify(Delivery(body=b"{}"), NOON)


def test_the_secret_before_the_rotation_is_accepted_until_it_is_removed() -> None:
    rotated = ShopifyReceiver(
        settings_for(webhook_secret="new-secret", webhook_secret_previous="app-secret")
    )
    rotated.verify(signed(b"{}"), NOON)
    rotated.verify(signed(b"{}", "new-secret"), NOON)

    with pytest.raises(Forbidden):
        ShopifyReceiver(settings_for(webhook_secret="new-secret")).verify(signed(b"{}"), NOON)


def test_an_empty_secret_signs_nothing() -> None:
    receiver = ShopifyReceiver(settings_for(webhook_secret_previous=""))
    with pytest.raises(Forbidden):
        receiver.verify(signed(b"{}", ""), NOON)
    with pytest.raises(ValidationError):
        settings_for(webhook_secret="")


def test_a_message_of_another_shop_is_refused() -> None:
    with pytest.raises(Forbidden, match="another shop"):
        RECEIVER.verify(signed(b"{}", x_shopify_shop_domain="other.myshopify.com"), NOON)


@pytest.mark.parametrize(
    "age", [timedelta(0), timedelta(hours=4), timedelta(days=30), -timedelta(hours=1)]
)
def test_an_old_message_is_legal_and_so_is_a_clock_that_is_an_hour_off(age: timedelta) -> None:
    RECEIVER.verify(signed(b"{}", x_shopify_triggered_at=(NOON - age).isoformat()), NOON)


@pytest.mark.parametrize("stated", [(NOON + timedelta(days=2)).isoformat(), "yesterday"])
def test_a_trigger_time_that_cannot_be_is_refused(stated: str) -> None:
    with pytest.raises(Forbidden):
        RECEIVER.verify(signed(b"{}", x_shopify_triggered_at=stated), NOON)


def test_the_receiver_reads_with_the_words_of_its_settings() -> None:
    receiver = ShopifyReceiver(settings_for(demand_location="EAST", channel="us-shop"))

    (fact,) = receiver.translate(SAMPLES[0].delivery).facts

    payload: Any = fact.payload
    assert (payload.channel, payload.lines[0].location) == ("us-shop", "EAST")


def test_secrets_are_not_shown() -> None:
    assert "app-secret" not in repr(settings_for())
    assert settings_for(admin_url="").address == "https://demo.myshopify.com"
