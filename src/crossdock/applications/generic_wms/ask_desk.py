"""The simulated warehouse's desk for questions: its event store, and what lies of single items.

```python
desk = AskDesk(warehouse, token="…", ports=ports)
serve(desk.app)                      # GET /events and GET /stock
```
"""

from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from crossdock.applications.generic_wms.simulator import Warehouse
from crossdock.connectivity.sdk import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHabits:
    """How badly questions are answered: probabilities an answer, and of `forgotten` a message.

    What is forgotten was lost in the warehouse itself: no question brings it back.
    """

    refused: float = 0.0
    short: float = 0.0
    shuffled: float = 0.0
    repeated: float = 0.0
    forgotten: float = 0.0

    @classmethod
    def bad(cls) -> "AskHabits":
        return cls(refused=0.3, short=0.3, shuffled=0.5, repeated=0.3)


class AskDesk:
    """Answers whoever knows the token; counts what it was asked."""

    def __init__(
        self, house: Warehouse, *, token: str, ports: Ports, habits: AskHabits | None = None
    ) -> None:
        self._house = house
        self._token = token
        self._clock = ports.clock
        self._random = ports.random
        self._habits = habits or AskHabits()
        self._forgotten: dict[int, bool] = {}
        self._answers_count = 0
        self.asked: list[tuple[int, int]] = []
        self.asked_for: list[list[str]] = []
        self.app = Starlette(routes=[Route("/events", self._events), Route("/stock", self._stock)])

    async def _events(self, request: Request) -> JSONResponse:
        if problem := self._problem(request):
            return problem
        query, habits, chance = request.query_params, self._habits, self._random.random
        first, last = int(query["from"]), int(query["to"])
        self.asked.append((first, last))
        told = [
            message
            for message in self._house.kept
            if message["stream"] == query["stream"]
            and first <= message["sequence"] <= last
            and not self._is_forgotten(message["sequence"])
        ]
        if chance() < habits.short:
            told = told[: (len(told) + 1) // 2]
        if chance() < habits.repeated:
            told += told[:1]
        if chance() < habits.shuffled:
            self._random.shuffle(told)
        return JSONResponse({"events": told})

    async def _stock(self, request: Request) -> JSONResponse:
        if problem := self._problem(request):
            return problem
        items = request.query_params.getlist("item")
        self.asked_for.append(items)
        self._answers_count += 1
        booked = self._house.floor.booked
        statuses = sorted({status for buckets in booked.values() for status in buckets})
        lines: list[dict[str, Any]] = [
            {"item": item, "status": status, "quantity": str(booked[item][status])}
            for item in items
            if item in booked
            for status in statuses
        ]
        now = self._clock.now().isoformat()
        site = self._house.floor.site
        return JSONResponse(
            {
                "type": "snapshot",
                "snapshot_id": f"{site}-asked-{self._answers_count}",
                "location": site,
                "occurred_at": now,
                "lines": lines,
            }
        )

    def _problem(self, request: Request) -> JSONResponse | None:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return JSONResponse({"error": "who are you?"}, 401)
        if self._random.random() < self._habits.refused:
            return JSONResponse({"error": "busy"}, 503, {"retry-after": "5"})
        return None

    def _is_forgotten(self, sequence: int) -> bool:
        if sequence not in self._forgotten:
            self._forgotten[sequence] = self._random.random() < self._habits.forgotten
        return self._forgotten[sequence]
