"""Run pyas2lib by a Python of its own: one JSON object in a line, one in the answer.

It holds one side, "peer", and knows the other as "dock".
"""

import base64
import json
import re
import sys
from typing import Any

_search = re.search


def _search_versions(pattern: Any, text: Any, *more: Any) -> Any:
    """Find a version such as 3.0.19, whose last number oscrypto takes for one digit."""
    wider = r"\b(\d+\.\d+\.\d+[a-z]*)\b"
    return _search(wider if pattern == r"\b(\d\.\d\.\d[a-z]*)\b" else pattern, text, *more)


setattr(re, "search", _search_versions)  # noqa: B010 - before the import that falls over it

from pyas2lib import as2  # noqa: E402 - not before its pattern is widened


def built(asked: dict[str, Any]) -> dict[str, Any]:
    organization, partner = _sides(asked)
    message = as2.Message(sender=organization, receiver=partner)
    message.build(
        base64.b64decode(asked["content"]),
        content_type=asked["content_type"],
        disposition_notification_to="peer",
    )
    raw = message.headers_str + b"\r\n" + message.content
    _sent[message.message_id] = message
    mic = message.mic.decode() if message.mic else ""
    return {"raw": _text(raw), "message_id": message.message_id, "mic": mic}


def parsed(asked: dict[str, Any]) -> dict[str, Any]:
    organization, partner = _sides(asked)
    message = as2.Message()
    status, exception, mdn = message.parse(
        base64.b64decode(asked["raw"]), lambda _: organization, lambda _: partner
    )
    answer = {"status": status, "error": str(exception[0]) if exception[0] else ""}
    if mdn:
        answer["mdn"] = _text(mdn.headers_str + b"\r\n" + mdn.content)
    if status == "processed":
        answer["content"] = _text(message.content)
    return answer


def receipt(asked: dict[str, Any]) -> dict[str, Any]:
    status, detail = as2.Mdn().parse(
        base64.b64decode(asked["raw"]), lambda message_id, _: _sent.get(message_id)
    )
    return {"status": status, "detail": detail or ""}


_sent: dict[str, Any] = {}


def _sides(asked: dict[str, Any]) -> tuple[Any, Any]:
    key, certificate = asked["key"].encode(), asked["certificate"].encode()
    organization = as2.Organization(
        as2_name="peer",
        sign_key=key,
        decrypt_key=key,
        mdn_url=asked.get("mdn_url"),
    )
    partner = as2.Partner(
        as2_name="dock",
        verify_cert=certificate,
        encrypt_cert=certificate,
        validate_certs=False,
        **asked["terms"],
    )
    return organization, partner


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


for line in sys.stdin:
    wanted = json.loads(line)
    done = {"build": built, "parse": parsed, "receipt": receipt}[wanted["op"]](wanted)
    sys.stdout.write(json.dumps(done) + "\n")
    sys.stdout.flush()
