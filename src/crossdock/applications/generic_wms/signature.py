"""Webhook signatures as the Standard Webhooks specification has them: HMAC-SHA256, `v1`."""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from crossdock.canonical.errors import Forbidden, Invalid

PREFIX = "whsec_"
KEY_BYTES = (24, 64)
SIGNATURES_MAX = 16
_TIMESTAMP_DIGITS_MAX = 12


def secret_key(secret: str) -> bytes:
    """Read `whsec_` and base64 of 24 to 64 bytes."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("A webhook secret is whsec_ followed by base64", where="secrets") from None
    if not KEY_BYTES[0] <= len(key) <= KEY_BYTES[1]:
        raise Invalid(
            f"A webhook secret holds {KEY_BYTES[0]}-{KEY_BYTES[1]} bytes", where="secrets"
        )
    return key


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(
    keys: Sequence[bytes], message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Write the three headers; several keys sign while one replaces another."""
    timestamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signature(key, message_id, timestamp, body) for key in keys),
    }


def check_signature(
    keys: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    tolerance: timedelta,
) -> None:
    """Raise `Forbidden` unless one of our keys signed exactly this, lately."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    if not keys:
        raise Forbidden("This connection has no webhook secret", code="webhook_unsigned")
    if not message_id or not timestamp or not given[0]:
        raise Forbidden("The webhook is not signed", code="webhook_unsigned")
    _check_time(timestamp, now, tolerance)
    # Texts are compared, not decoded bytes: two base64 texts can stand for the same bytes.
    expected = [signature(key, message_id, timestamp, body).encode() for key in keys]
    matches = [
        hmac.compare_digest(ours, theirs.encode(errors="replace"))
        for ours in expected
        for theirs in given[:SIGNATURES_MAX]
    ]
    if not any(matches):
        raise Forbidden("No signature of the webhook is right", code="webhook_forged")


def _check_time(timestamp: str, now: datetime, tolerance: timedelta) -> None:
    if not (
        timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _TIMESTAMP_DIGITS_MAX
    ):
        raise Forbidden("The webhook's timestamp is not whole seconds", code="webhook_forged")
    off_seconds = abs(int(now.timestamp()) - int(timestamp))
    if off_seconds > tolerance.total_seconds():
        raise Forbidden(
            f"The webhook's timestamp is {off_seconds} s off",
            code="webhook_expired",
            hint="compare the clocks of the warehouse system and of this machine",
        )
