"""Count tasks in the warehouse's words: read back they say the same, and answers never raise."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.generic_wms.count_tasks import (
    answered,
    file_content,
    file_name,
    message_id,
    task_body,
    task_record,
)
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.applications.generic_wms.telling import shown_address
from crossdock.connectivity.sdk import COUNT_REFUSED, SetCountTask, Verdict
from crossdock.connectivity.sdk.conformance import GARBAGE

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
KEYS = TEXTS.filter(lambda text: bool(text.strip()))


def settings(**more: Any) -> GenericWmsFilesSettings:
    return GenericWmsFilesSettings.model_validate({"folder": "/drop", **more})


def task(**more: Any) -> SetCountTask:
    said: dict[str, Any] = {
        "command_id": "c1",
        "idempotency_key": "k1",
        "count_id": "cnt_1",
        "item": "BOLT",
        "location": "DC1",
        "reason": "DIFFERENCE",
        "version": 1,
    }
    return SetCountTask(**said | more)


TASKS = st.builds(
    task,
    count_id=KEYS,
    item=KEYS,
    location=KEYS,
    reason=TEXTS,
    item_class=TEXTS,
    not_by=TEXTS,
    because=TEXTS,
    is_withdrawn=st.booleans(),
    version=st.integers(min_value=1),
)


@given(one=TASKS, delimiter=st.sampled_from([",", ";", "\t"]))
def test_what_is_written_is_read_back_the_same(one: SetCountTask, delimiter: str) -> None:
    columns = {"item": "ITEM_NO", "count_id": "TASK"}
    as_csv = settings(columns=columns, delimiter=delimiter)
    as_jsonl = settings(columns=columns, tasks_format="jsonl")
    text = io.StringIO(file_content(one, as_csv).decode(), newline="")
    [row] = csv.DictReader(text, delimiter=delimiter)
    [line] = file_content(one, as_jsonl).splitlines()

    record = task_record(one, as_csv)
    assert row == {name: str(value) for name, value in record.items()}
    assert json.loads(line) == json.loads(task_body(one, as_csv)) == record
    assert (record["ITEM_NO"], record["TASK"]) == (one.item, one.count_id)
    assert record["not_by"] == one.not_by
    assert record["status"] == ("WITHDRAWN" if one.is_withdrawn else "PROPOSED")


@given(one=TASKS)
def test_a_task_is_blind(one: SetCountTask) -> None:
    assert task_record(one, settings()).keys() == {
        *("type", "count_id", "version", "status", "location", "item", "class", "reason"),
        "not_by",
        "because",
    }


@given(one=TASKS)
def test_a_file_name_is_one_name_in_its_folder(one: SetCountTask) -> None:
    name = file_name(one, settings())

    assert name.startswith("count_task-")
    assert name.endswith(f"-{one.version}.csv")
    assert not set(name) & set('/\\:*?"<>|\0\n ')
    assert name.count(".") == 1


def test_each_telling_has_a_file_and_a_message_of_its_own() -> None:
    first, second = task(), task(version=2, idempotency_key="k2.r1")

    assert file_name(first, settings()) == "count_task-cnt_1-1.csv"
    assert file_name(second, settings(tasks_format="jsonl")) == "count_task-cnt_1-2.jsonl"
    assert message_id(second) == "k2-r1"


@pytest.mark.parametrize(
    ("status", "body", "verdict", "detail"),
    [
        (200, b"", Verdict.DONE, ""),
        (202, b'{"detail": "task 4711"}', Verdict.DONE, "task 4711"),
        (200, b"OK\r\n", Verdict.DONE, "OK"),
        (422, b'{"reason": "aisle 4 is closed"}', Verdict.REFUSED, "aisle 4 is closed"),
        (422, b'{"reason": 4, "title": "closed"}', Verdict.REFUSED, "closed"),
        (409, b"{}", Verdict.REFUSED, "HTTP 409"),
    ],
)
def test_an_answer_says_what_became_of_the_task(
    status: int, body: bytes, verdict: Verdict, detail: str
) -> None:
    outcome = answered(task(), status, body)

    assert outcome
    assert (outcome.command_id, outcome.verdict, outcome.detail) == ("c1", verdict, detail)
    assert outcome.code == (COUNT_REFUSED if verdict is Verdict.REFUSED else "")


def test_what_is_over_there_is_withdrawn() -> None:
    outcome = answered(task(is_withdrawn=True, version=2), 409, b'{"reason": "counted"}')

    assert outcome
    assert (outcome.verdict, outcome.detail) == (Verdict.DONE, "counted")


@pytest.mark.parametrize("status", [100, 199, 302, 304, 400, 401, 404, 410, 429, 500, 503])
def test_another_status_is_no_answer_to_the_task(status: int) -> None:
    assert answered(task(), status, b"") is None


@given(status=st.sampled_from([200, 422]), body=st.binary(max_size=400))
def test_no_answer_raises_and_its_words_can_be_shown(status: int, body: bytes) -> None:
    outcome = answered(task(), status, body)

    assert outcome
    assert outcome.detail.isprintable()
    assert len(outcome.detail) <= 300


def test_garbage_in_an_answer_never_raises() -> None:
    for body in GARBAGE:
        assert answered(task(), 422, body)


@pytest.mark.parametrize("secret", ["ann:s3cret@", "?token=s3cret", "#s3cret"])
def test_an_address_is_shown_without_what_may_be_secret_of_it(secret: str) -> None:
    user, rest = (secret, "") if secret.endswith("@") else ("", secret)

    assert shown_address(f"https://{user}wms.example:8443/tasks{rest}") == (
        "https://wms.example:8443/tasks"
    )
