"""One GraphQL call to the Admin API: what it may cost, when to wait, what its errors mean.

Shopify gives each app a bucket of points per shop. A query costs points by its size; the bucket
refills at a steady rate. A call that it cannot pay for waits here instead of failing there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Any, NoReturn

from crossdock.applications.shopify.documents import Document
from crossdock.applications.shopify.reading import Record
from crossdock.applications.shopify.settings import API_VERSION, ShopifySettings
from crossdock.canonical.errors import (
    Ambiguous,
    CrossdockError,
    Forbidden,
    Invalid,
    NotFound,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.connectivity.sdk import Ports
from crossdock.connectivity.transports.http import HttpClient, HttpResponse, checked

THROTTLED_TRIES_MAX = 5
WAIT_SECONDS_MAX = 60.0
"""Longer than this nobody waits inside a call: the outbox does, with other work meanwhile."""

_ERROR_BY_CODE: Mapping[str, type[CrossdockError]] = {
    "ACCESS_DENIED": Forbidden,
    "SHOP_INACTIVE": Forbidden,
    "NOT_FOUND": NotFound,
    "INTERNAL_SERVER_ERROR": Ambiguous,
    "TIMEOUT": Ambiguous,
}


@dataclass(slots=True)
class Bucket:
    """What we know of the points left: as of the last answer, less what was sent since."""

    available: float = 0.0
    maximum: float = 0.0
    rate: float = 0.0
    as_of: float = 0.0

    def seconds_until(self, cost: float, now: float) -> float:
        """How long until `cost` can be paid; nothing while no answer has told the rate."""
        if self.rate <= 0:
            return 0.0
        return max(0.0, (min(cost, self.maximum) - self._at(now)) / self.rate)

    def pay(self, cost: float, now: float) -> None:
        self.available, self.as_of = max(0.0, self._at(now) - cost), now

    def hear(self, status: Mapping[str, Any], now: float) -> None:
        self.available = _points(status.get("currentlyAvailable"))
        self.maximum = _points(status.get("maximumAvailable"))
        self.rate = _points(status.get("restoreRate"))
        self.as_of = now

    def _at(self, now: float) -> float:
        return min(self.maximum, self.available + (now - self.as_of) * self.rate)


@dataclass(frozen=True, slots=True)
class Answer:
    """The `data` of an answer, the bytes it came in, and the API version that gave it."""

    data: Record
    body: bytes
    version: str


class AdminApi:
    def __init__(self, http: HttpClient, settings: ShopifySettings, ports: Ports) -> None:
        self._http = http
        self._token = settings.access_token.get_secret_value()
        self._clock = ports.clock
        self._bucket = Bucket()
        self._costs: dict[str, float] = {}

    async def ask(self, document: Document, variables: Mapping[str, Any]) -> Answer:
        """Send a document, having waited for the points it costs; raise what its errors mean."""
        for _ in range(THROTTLED_TRIES_MAX):
            await self._wait_for(document)
            response = await self._sent(document, variables)
            answer = _parsed(document, response)
            self._hear_cost(document, answer)
            if not _is_throttled(answer):
                version = response.headers.get("x-shopify-api-version", "")
                return Answer(_data_of(document, answer), response.body, version)
        raise Throttled(
            f"{document.name} was throttled {THROTTLED_TRIES_MAX} times",
            retry_after=timedelta(seconds=ceil(max(1.0, self._wait_seconds(document)))),
        )

    async def _wait_for(self, document: Document) -> None:
        seconds = self._wait_seconds(document)
        if seconds > WAIT_SECONDS_MAX:
            raise Throttled(
                f"{document.name} costs more than the bucket holds for {ceil(seconds)} s",
                retry_after=timedelta(seconds=ceil(seconds)),
            )
        if seconds > 0:
            await self._clock.sleep(seconds)
        self._bucket.pay(self._costs.get(document.name, 0.0), self._clock.ticks())

    def _wait_seconds(self, document: Document) -> float:
        cost = self._costs.get(document.name, 0.0)
        return self._bucket.seconds_until(cost, self._clock.ticks())

    async def _sent(self, document: Document, variables: Mapping[str, Any]) -> HttpResponse:
        body = json.dumps({"query": document.text, "variables": dict(variables)}).encode()
        try:
            return checked(
                await self._http.request(
                    "POST",
                    f"/admin/api/{API_VERSION}/graphql.json",
                    headers={
                        "content-type": "application/json",
                        "x-shopify-access-token": self._token,
                    },
                    body=body,
                )
            )
        except Ambiguous as problem:
            raise problem if document.changes else Unavailable(problem.message) from problem

    def _hear_cost(self, document: Document, answer: Record) -> None:
        cost = answer.record_if_any("extensions").record_if_any("cost")
        if not cost.fields:
            return
        self._costs[document.name] = _points(cost.fields.get("requestedQueryCost"))
        status = cost.record_if_any("throttleStatus")
        if status.fields:
            self._bucket.hear(status.fields, self._clock.ticks())


def _parsed(document: Document, response: HttpResponse) -> Record:
    try:
        return Record.of(response.body)
    except Invalid as problem:
        # Half an answer to a mutation says nothing about what the shop did.
        branch = Ambiguous if document.changes else Unavailable
        raise branch(f"{document.name}: {problem.message}") from problem


def _data_of(document: Document, answer: Record) -> Record:
    if answer.is_set("errors"):
        _raise_errors(document, answer)
    try:
        return answer.record("data")
    except Invalid as problem:
        branch = Ambiguous if document.changes else Unavailable
        raise branch(f"{document.name} was answered without data") from problem


def _raise_errors(document: Document, answer: Record) -> NoReturn:
    code, message = _first_error(answer)
    branch = _ERROR_BY_CODE.get(code, Rejected)
    if branch is Ambiguous and not document.changes:
        branch = Unavailable
    raise branch(f"{document.name}: {message}", code=code.lower() or None)


def _first_error(answer: Record) -> tuple[str, str]:
    """Code and message; a refusal before GraphQL is one sentence instead of a list."""
    try:
        first = answer.records("errors")[0]
    except (Invalid, IndexError):
        return "", str(answer.fields.get("errors"))[:200]
    code = first.record_if_any("extensions").fields.get("code")
    return str(code or ""), str(first.fields.get("message", ""))[:500]


def _is_throttled(answer: Record) -> bool:
    if not answer.is_set("errors"):
        return False
    code, message = _first_error(answer)
    # Older answers carry the word alone.
    return code == "THROTTLED" or (not code and message == "Throttled")


def _points(value: object) -> float:
    """Points are no quantity of goods: a float does. Anything else counts as none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return 0.0
    return float(value) if 0 <= value < 1e9 else 0.0  # noqa: PLR2004 - keeps infinities out
