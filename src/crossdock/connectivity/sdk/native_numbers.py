"""Puts a product's own number of what is available into a message, to see that it never counts."""

import json
import re
from typing import cast

from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.sdk.facts import Translation

ODD_NUMBER = b"987654321"


def names_field(body: bytes, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b".encode(), body) is not None


def counting(translation: Translation) -> list[Fact]:
    """Leave out what only shows what a channel offers: that is a number and counts nowhere."""
    return [fact for fact in translation.facts if not isinstance(fact.payload, ChannelLevelHeard)]


def with_number(body: bytes, name: str) -> bytes:
    """Write another number under this name into every record: JSON, JSONL, or a CSV column."""
    content = _json_or_none(body)
    if content is not None:
        return json.dumps(_numbered(content, name)).encode()
    lines = body.splitlines()
    records = [_json_or_none(line) for line in lines]
    if all(record is not None for record in records):
        return b"\n".join(json.dumps(_numbered(record, name)).encode() for record in records)
    separator = b";" if b";" in lines[0] else b","
    header, *rows = lines
    return b"\n".join(
        (header + separator + name.encode(), *(row + separator + ODD_NUMBER for row in rows))
    )


def _numbered(content: object, name: str) -> object:
    if isinstance(content, list):
        return [_numbered(entry, name) for entry in cast("list[object]", content)]
    if isinstance(content, dict):
        members = cast("dict[str, object]", content)
        inner = {key: _numbered(value, name) for key, value in members.items()}
        is_record = any(not isinstance(value, dict | list) for value in inner.values())
        is_typed = "__class__" in inner  # a date or a decimal, as some write them in JSON
        return {**inner, name: int(ODD_NUMBER)} if is_record and not is_typed else inner
    return content


def _json_or_none(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
