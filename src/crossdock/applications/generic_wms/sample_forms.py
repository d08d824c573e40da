"""How a warehouse's messages are written for the samples: signed webhooks, dropped files."""

import json
from base64 import b64encode
from datetime import UTC, datetime

from crossdock.applications.generic_wms.signature import PREFIX, secret_key, signed_headers
from crossdock.connectivity.sdk import Delivery

SAMPLE_NOW = datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC)
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRETS = tuple(PREFIX + b64encode(letter * 24).decode() for letter in (b"n", b"o"))


def webhook(message_id: str, content: object) -> Delivery:
    body = json.dumps(content).encode()
    keys = [secret_key(secret) for secret in SECRETS[:1]]
    headers = signed_headers(keys, message_id, SAMPLE_NOW, body)
    return Delivery(body=body, headers={**headers, "content-type": "application/json"})


def file_of(name: str, body: bytes) -> Delivery:
    lines = body.rstrip().count(b"\n") + 1
    first = 2 if name.endswith(".csv") else 1
    return Delivery(
        body=body,
        name=name,
        headers={":file": name, ":lines": f"{first}-{lines}", ":whole": "yes"},
    )
