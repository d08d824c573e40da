"""Tells a warehouse system what to count: a signed webhook for each task, or a file."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from crossdock.applications.generic_wms.count_tasks import (
    answered,
    file_content,
    file_name,
    message_id,
    task_body,
)
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.applications.generic_wms.signature import secret_key, signed_headers
from crossdock.canonical.errors import Forbidden, Rejected, Unavailable
from crossdock.connectivity.sdk import Outcome, Ports, SetCountTask, Verdict
from crossdock.connectivity.transports.http import HttpClient, checked
from crossdock.connectivity.transports.placing import check_place, place

SERVER_ERRORS = 500


def shown_address(url: str) -> str:
    """Give an address without what may be a secret of it: its user, its query, its fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class PostsTasks:
    """Plays `TakesCountTasks` for a warehouse system that takes webhooks."""

    def __init__(self, settings: GenericWmsSettings, client: HttpClient, ports: Ports) -> None:
        self._settings = settings
        self._client = client
        self._clock = ports.clock
        self._keys = [secret_key(one.get_secret_value()) for one in settings.tasks_secrets]
        self._shown = shown_address(settings.tasks_url)

    async def check(self) -> str:
        """Knock without a task: whatever it answers to that, it is there."""
        status = (await self._client.request("HEAD", "")).status
        if status >= SERVER_ERRORS:
            raise Unavailable(f"{self._shown} answers HTTP {status}")
        return f"count tasks go to {self._shown}"

    async def set_count_tasks(self, commands: Sequence[SetCountTask]) -> Sequence[Outcome]:
        return await one_by_one(commands, self._post)

    async def _post(self, task: SetCountTask) -> Outcome:
        body = task_body(task, self._settings)
        headers = signed_headers(self._keys, message_id(task), self._clock.now(), body)
        headers |= {"content-type": "application/json"}
        answer = await self._client.request("POST", "", headers=headers, body=body)
        outcome = answered(task, answer.status, answer.body)
        if outcome is None:
            checked(answer)
            raise Rejected(f"HTTP {answer.status} is no answer to a count task", code="unexpected")
        return outcome


class WritesTasks:
    """Plays `TakesCountTasks` for a warehouse system that reads files.

    `folder` says where they go, and refuses one that leads where none may.
    """

    def __init__(
        self, settings: GenericWmsFilesSettings, folder: Callable[[], Path], ports: Ports
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._random = ports.random

    async def check(self) -> str:
        await asyncio.to_thread(lambda: check_place(self._folder()))
        return f"count tasks go to {self._settings.tasks_folder}"

    async def set_count_tasks(self, commands: Sequence[SetCountTask]) -> Sequence[Outcome]:
        return await one_by_one(commands, self._write)

    async def _write(self, task: SetCountTask) -> Outcome:
        folder = await asyncio.to_thread(self._folder)
        name = file_name(task, self._settings)
        content = file_content(task, self._settings)
        token = f"{self._random.getrandbits(64):016x}"
        is_new = await place(folder, name, content, token=token)
        detail = name if is_new else f"{name} lies there already"
        return Outcome(command_id=task.command_id, verdict=Verdict.DONE, detail=detail)


async def one_by_one(
    commands: Sequence[SetCountTask], tell: Callable[[SetCountTask], Awaitable[Outcome]]
) -> list[Outcome]:
    """Tell one task after the other, until one gets nowhere: it and the rest are told later.

    What was told before it is told, and is not told again. One that was told and not answered may
    be told again: it is the same task by its `count_id`.
    """
    outcomes: list[Outcome] = []
    for task in commands:
        try:
            outcomes.append(await tell(task))
        except Forbidden:
            raise
        except Rejected as refusal:
            refused = Verdict.REFUSED
            outcomes.append(_outcome(task, refused, refusal.code, refusal.message))
        except Unavailable as problem:
            if not outcomes:
                raise
            rest = commands[len(outcomes) :]
            said = problem.code, problem.message
            return [*outcomes, *(_outcome(one, Verdict.RETRY, *said) for one in rest)]
    return outcomes


def _outcome(task: SetCountTask, verdict: Verdict, code: str, detail: str) -> Outcome:
    return Outcome(command_id=task.command_id, verdict=verdict, code=code, detail=detail)


def not_played(commands: Sequence[SetCountTask], setting: str) -> list[Outcome]:
    """Refuse what a connection was never told the way of."""
    detail = f"the connection has no setting {setting!r}, which says where count tasks go"
    return [_outcome(one, Verdict.REFUSED, "role_not_played", detail) for one in commands]
