"""A product's own number is written into every record, whatever the message is made of."""

import json

import pytest

from crossdock.connectivity.sdk.native_numbers import names_field, with_number


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        (b'{"a": 1}', b'{"a": 1, "free": 987654321}'),
        (b'{"rows": [{"free": 2}]}', b'{"rows": [{"free": 987654321}]}'),
        (
            b'{"n": 1, "at": {"__class__": "date"}}',
            b'{"n": 1, "at": {"__class__": "date"}, "free": 987654321}',
        ),
        (b'{"a": 1}\n{"b": 2}\n', b'{"a": 1, "free": 987654321}\n{"b": 2, "free": 987654321}'),
        (b"sku,qty\r\nA,4\r\n", b"sku,qty,free\nA,4,987654321"),
        (b"sku;qty\nA;4\n", b"sku;qty;free\nA;4;987654321"),
    ],
)
def test_the_number_stands_in_every_record(body: bytes, holds: bytes) -> None:
    assert with_number(body, "free") == holds


def test_a_field_is_named_as_a_whole_word() -> None:
    body = json.dumps({"on_hand_total": 1, "qty": 2}).encode()

    assert names_field(body, "qty")
    assert not names_field(body, "on_hand")
