"""Count tasks in the warehouse's words, and its answers in ours. Pure."""

import csv
import io
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, RecordSettings
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.records import exact_json, json_object
from crossdock.connectivity.sdk.roles import COUNT_REFUSED, Outcome, SetCountTask, Verdict

PROPOSED, WITHDRAWN = "PROPOSED", "WITHDRAWN"
REFUSING = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY})
"""The statuses by which a warehouse system says that it will not count."""

_REASONS = ("reason", "detail", "message", "error", "title")
_SAID_MAX = 300


def task_record(task: SetCountTask, settings: RecordSettings) -> dict[str, Any]:
    """Word a task with the warehouse's names of columns. It is blind: it names no quantity."""
    said: dict[str, Any] = {
        "type": "count_task",
        "count_id": task.count_id,
        "version": task.version,
        "status": WITHDRAWN if task.is_withdrawn else PROPOSED,
        "location": task.location,
        "item": task.item,
        "class": task.item_class,
        "reason": task.reason,
        "not_by": task.not_by,
        "because": task.because,
    }
    return {settings.columns.get(name, name): value for name, value in said.items()}


def task_body(task: SetCountTask, settings: RecordSettings) -> bytes:
    """Write the same bytes for the same task, whenever it is sent."""
    return json.dumps(task_record(task, settings), separators=(",", ":")).encode()


def message_id(task: SetCountTask) -> str:
    """Name the message: a receiver that knows ids drops a repeat by it. It holds no full stop."""
    return task.idempotency_key.replace(".", "-")


def file_name(task: SetCountTask, settings: GenericWmsFilesSettings) -> str:
    """Name the file by the task and its version: no telling is written over an earlier one."""
    name = quote(task.count_id, safe="").replace(".", "%2E")
    return f"count_task-{name}-{task.version}.{settings.tasks_format}"


def file_content(task: SetCountTask, settings: GenericWmsFilesSettings) -> bytes:
    if settings.tasks_format == "jsonl":
        return task_body(task, settings) + b"\n"
    record = task_record(task, settings)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=settings.delimiter)
    writer.writerows([record.keys(), record.values()])
    return text.getvalue().encode()


def answered(task: SetCountTask, status: int, body: bytes) -> Outcome | None:
    """Read an answer that says what became of the task; None: it says something else.

    To be told again of what is over there is no refusal to withdraw it.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(command_id=task.command_id, verdict=Verdict.DONE, detail=_said(body))
    if status not in REFUSING:
        return None
    said = _said(body) or f"HTTP {status}"
    if task.is_withdrawn:
        return Outcome(command_id=task.command_id, verdict=Verdict.DONE, detail=said)
    return Outcome(
        command_id=task.command_id, verdict=Verdict.REFUSED, code=COUNT_REFUSED, detail=said
    )


def _said(body: bytes) -> str:
    """Find words for people in an answer: a member that is a reason, else the text itself."""
    text = body.decode("utf-8", "replace")
    try:
        members: Mapping[str, Any] = json_object(exact_json(body))
    except Invalid:
        pass
    else:
        text = next((v for k in _REASONS if isinstance(v := members.get(k), str)), "")
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:_SAID_MAX])
    return shown.strip()
