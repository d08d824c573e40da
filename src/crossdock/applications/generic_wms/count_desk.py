"""The simulated warehouse's desk for count tasks: it takes them, and has the floor count blind.

```python
desk = CountDesk(warehouse, secrets=["whsec_…"], ports=ports)
serve(desk.app)                      # it takes signed webhooks
await desk.read(folder)              # or what the hub dropped
```
"""

import asyncio
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crossdock.applications.generic_wms.count_tasks import WITHDRAWN
from crossdock.applications.generic_wms.signature import check_signature, secret_key
from crossdock.applications.generic_wms.simulator import Warehouse
from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.sdk.records import exact_json, json_object

TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountHabits:
    """How tasks are worked: probabilities a task, and how long counting and posting take."""

    refused: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    late_by: timedelta = timedelta(hours=2)
    counted_within: timedelta = timedelta(minutes=1)

    @classmethod
    def bad(cls) -> "CountHabits":
        return cls(refused=0.2, twice=0.2, late=0.2)


class CountDesk:
    """Knows each task by its `count_id`, and what was said of it last by its `version`."""

    def __init__(
        self,
        house: Warehouse,
        *,
        ports: Ports,
        secrets: Sequence[str] = (),
        habits: CountHabits | None = None,
    ) -> None:
        self._house = house
        self._clock = ports.clock
        self._random = ports.random
        self._keys = [secret_key(secret) for secret in secrets]
        self._habits = habits or CountHabits()
        self._versions: dict[str, int] = {}
        self.refusals: dict[str, str] = {}
        self.counted: list[str] = []
        self.withdrawn: list[str] = []
        self.heard_count = 0
        self.app = Starlette(routes=[Route("/{path:path}", self._hear, methods=["POST"])])

    def take(self, task: Mapping[str, Any]) -> str:
        """Take a task over, or take it back; answer why it will not be counted."""
        count_id, version = str(task["count_id"]), int(task["version"])
        self.heard_count += 1
        if version <= self._versions.get(count_id, 0):
            return self.refusals.get(count_id, "")
        is_new = count_id not in self._versions
        self._versions[count_id] = version
        if task["status"] == WITHDRAWN:
            self.withdrawn.append(count_id)
        elif is_new and self._random.random() < self._habits.refused:
            self.refusals[count_id] = f"aisle of {task['item']} is blocked"
        elif is_new:
            self._count(count_id, str(task["item"]))
        return self.refusals.get(count_id, "")

    async def read(self, folder: Path) -> int:
        """Take what lies in a folder, each file whole, and take the files away."""
        paths = await asyncio.to_thread(lambda: sorted(folder.glob("count_task-*.*")))
        for path in paths:
            if not path.name.endswith(".part"):
                text = await asyncio.to_thread(path.read_text, encoding="utf-8")
                for task in _tasks(path.name, text):
                    self.take(task)
                await asyncio.to_thread(path.unlink)
        return len(paths)

    def _count(self, count_id: str, item: str) -> None:
        habits, chance = self._habits, self._random.random
        self.counted.append(count_id)
        for _ in range(2 if chance() < habits.twice else 1):
            late = habits.late_by * chance() if chance() < habits.late else timedelta()
            self._house.floor.count(
                item,
                after=habits.counted_within * chance(),
                posted_after=late,
                is_wanted=lambda: count_id not in self.withdrawn,
            )

    async def _hear(self, request: Request) -> JSONResponse:
        body, headers = await request.body(), dict(request.headers)
        try:
            check_signature(self._keys, headers, body, self._clock.now(), TOLERANCE)
            task = json_object(exact_json(body))
        except Forbidden as problem:
            return JSONResponse({"reason": problem.message}, 401)
        except Invalid as problem:
            return JSONResponse({"error": problem.message}, 400)
        if reason := self.take(task):
            return JSONResponse({"reason": reason}, 422)
        return JSONResponse({"detail": f"task {task['count_id']} is with the counters"}, 202)


def _tasks(name: str, text: str) -> Iterable[Mapping[str, Any]]:
    if name.endswith(".csv"):
        return csv.DictReader(io.StringIO(text, newline=""))
    return [json_object(exact_json(line)) for line in text.splitlines()]
