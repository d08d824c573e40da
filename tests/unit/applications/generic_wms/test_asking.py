"""What a warehouse answers is taken for no more than it was asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crossdock.applications.generic_wms.asking import breach_of
from crossdock.applications.generic_wms.mapping import translated
from crossdock.applications.generic_wms.settings import GenericWmsSettings
from crossdock.connectivity.sdk import Delivery, Translation

SECRETS = {"secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
SETTINGS = GenericWmsSettings.model_validate(SECRETS)
MOVE = {
    "type": "movement", "movement_id": "M-1", "sequence": 41, "reason": "PICK", "item": "A",
    "quantity": "4", "location": "DC1", "occurred_at": "2026-03-02T09:00:00Z",
}  # fmt: skip
LEVELS: dict[str, Any] = {
    "type": "snapshot", "snapshot_id": "S-1", "location": "DC1",
    "occurred_at": "2026-03-02T09:00:00Z", "lines": [{"item": "A", "quantity": "4"}],
}  # fmt: skip


def read(said: Any) -> Translation:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return translated(Delivery(body=body), SETTINGS)


def test_an_event_of_the_store_is_the_fact_that_its_webhook_was() -> None:
    numbered = LEVELS | {"sequence": 42}
    answer = read({"events": [MOVE, numbered]})

    assert answer.refused == ()
    assert answer.facts == (*read(MOVE).facts, *read(numbered).facts)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
    max_size=3)))  # fmt: skip
def test_whatever_an_event_store_answers_is_read_or_refused(said: Any) -> None:
    answer = read({"events": said})

    assert answer.facts == ()
    assert answer.refused or said == []


def test_an_answer_to_a_question_is_a_count_of_just_what_was_asked() -> None:
    assert breach_of(read(LEVELS), "DC1", ["A", "B"]) == ""
    assert breach_of(read({"events": []}), "DC1", ["A"]) == ""


@pytest.mark.parametrize(
    ("said", "because"),
    [
        (LEVELS | {"is_full": True}, "is full"),
        (LEVELS | {"sequence": 7}, "has a sequence"),
        (LEVELS | {"location": "DC2"}, "more than was asked"),
        (LEVELS | {"lines": [{"item": "B", "quantity": "4"}]}, "more than was asked"),
        (MOVE, "more than what lies there"),
        (b"no", "cannot be read"),
    ],
)
def test_an_answer_that_is_no_count_of_it_is_refused_whole(said: Any, because: str) -> None:
    assert because in breach_of(read(said), "DC1", ["A"])


@pytest.mark.parametrize("setting", ["events_url", "stock_url"])
def test_an_address_that_is_asked_needs_a_token(setting: str) -> None:
    with pytest.raises(ValidationError, match="need asks_token"):
        GenericWmsSettings.model_validate(SECRETS | {setting: "https://wms.example"})
