"""Telling the shop what it may sell: absolute numbers, each only if the shop holds the last one.

A mutation is one transaction: one stale line fails all of its lines. So the lines that fail are
taken out, answered one by one, and the others are sent again under a key of their own.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from crossdock.applications.shopify import documents
from crossdock.applications.shopify.admin import AdminApi
from crossdock.applications.shopify.holding import Holding
from crossdock.applications.shopify.reading import COUNT_MAX, Record
from crossdock.canonical.errors import Ambiguous, Invalid, Unavailable
from crossdock.connectivity.sdk import Outcome, Ports, SetAvailability, Verdict

BATCH_MAX = 250
ROUNDS_MAX = 8
"""After so many repeats of one batch its remaining lines are left to the outbox."""
KEY_TRIES_MAX = 4
STALE_CODES = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})


@dataclass(frozen=True, slots=True)
class Line:
    """One command, its place among those asked, and the item's own id in the shop."""

    position: int
    command: SetAvailability
    item: str

    @property
    def pair(self) -> tuple[str, str]:
        return self.item, self.command.location


@dataclass(frozen=True, slots=True)
class Fault:
    """One userError; `line` is None when it is about the whole mutation."""

    code: str
    message: str
    line: int | None

    def refusing(self, line: Line) -> Outcome:
        return Outcome(
            command_id=line.command.command_id,
            verdict=Verdict.REFUSED,
            code=self.code,
            detail=self.message,
        )


Settled = dict[int, Outcome]


class Publishing:
    def __init__(self, api: AdminApi, holding: Holding, ports: Ports) -> None:
        self._api = api
        self._holding = holding
        self._clock = ports.clock

    async def set_availability(self, commands: Sequence[SetAvailability]) -> Sequence[Outcome]:
        items = await self._holding.item_ids([command.item for command in commands])
        settled: Settled = {}
        lines: list[Line] = []
        for position, command in enumerate(commands):
            fault = _unsendable(command, items.get(command.item, ""))
            line = Line(position, command, items.get(command.item, ""))
            if fault:
                settled[position] = fault.refusing(line)
            else:
                lines.append(line)
        await self._answer_newcomers([x for x in lines if x.command.expected is None], settled)
        for batch in _batches([x for x in lines if x.command.expected is not None]):
            await self._write(batch, settled)
        return [settled[position] for position in range(len(commands))]

    async def _answer_newcomers(self, lines: Sequence[Line], settled: Settled) -> None:
        """Never set blindly: what the hub believes empty is first read, then compared and set."""
        if not lines:
            return
        not_stocked = Fault(
            "ITEM_NOT_STOCKED_AT_LOCATION",
            "Stock the item at the location in the shop first.",
            None,
        )
        for line, held in zip(lines, await self._held(lines), strict=True):
            if held is None:
                settled[line.position] = not_stocked.refusing(line)
            else:
                settled[line.position] = _stale(line, held)

    async def _write(self, batch: Sequence[Line], settled: Settled) -> None:
        remaining = list(batch)
        for _ in range(ROUNDS_MAX):
            try:
                faults = await self._sent(remaining)
            except Ambiguous:
                raise
            except Unavailable as problem:
                # Nothing of this batch happened; if an earlier one did, the two are told apart.
                if not any(outcome.verdict is Verdict.DONE for outcome in settled.values()):
                    raise
                settled.update(_retries(remaining, problem.message))
                return
            if not faults:
                settled.update({line.position: _done(line) for line in remaining})
                return
            await self._settle_faulty(remaining, faults, settled)
            remaining = [line for line in remaining if line.position not in settled]
            if not remaining:
                return
        settled.update(_retries(remaining, "other lines of the batch kept changing"))

    async def _settle_faulty(
        self, lines: Sequence[Line], faults: Sequence[Fault], settled: Settled
    ) -> None:
        stale: list[Line] = []
        for fault in faults:
            if fault.line is None:
                settled.update({line.position: fault.refusing(line) for line in lines})
            elif fault.code in STALE_CODES:
                stale.append(lines[fault.line])
            else:
                settled[lines[fault.line].position] = fault.refusing(lines[fault.line])
        for line, held in zip(stale, await self._held(stale), strict=True):
            settled[line.position] = _stale(line, held)

    async def _sent(self, lines: Sequence[Line]) -> Sequence[Fault]:
        """Send the lines under the key that belongs to them, until the shop has decided."""
        attempt = 0
        for _ in range(KEY_TRIES_MAX):
            faults = await self._mutated(lines, batch_key(lines, attempt))
            codes = {fault.code for fault in faults}
            if "IDEMPOTENCY_CONCURRENT_REQUEST" in codes:
                await self._clock.sleep(1)
            elif "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" in codes:
                # The same batch failed before, whole; what it compares with decides this time.
                attempt += 1
            else:
                return faults
        raise Ambiguous("the shop is still busy with an earlier send of the same quantities")

    async def _mutated(self, lines: Sequence[Line], key: str) -> Sequence[Fault]:
        answer = await self._api.ask(
            documents.SET_QUANTITIES,
            {
                "key": key,
                "input": {
                    "name": "available",
                    "reason": "correction",
                    "referenceDocumentUri": f"gid://crossdock/Publication/{key}",
                    "quantities": [_quantity(line) for line in lines],
                },
            },
        )
        try:
            errors = answer.data.record("inventorySetQuantities").records("userErrors")
            return [_fault(error, len(lines)) for error in errors]
        except Invalid as problem:
            raise Ambiguous(f"the shop's answer cannot be read: {problem.message}") from problem

    async def _held(self, lines: Sequence[Line]) -> Sequence[Decimal | None]:
        held = await self._holding.held([line.pair for line in lines])
        return [held.get(line.pair) for line in lines]


def batch_key(lines: Sequence[Line], attempt: int = 0) -> str:
    """Derive the key from the commands: the same batch has the same key, another one another.

    A command carries its own key, new for each corrective write; the value written is no part.
    """
    parts = [line.command.idempotency_key for line in lines]
    digest = hashlib.blake2b("\0".join([*parts, str(attempt)]).encode(), digest_size=16)
    return str(UUID(bytes=digest.digest()))


def _batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Cut into calls; two commands for one level never share a call, which Shopify refuses."""
    waves: defaultdict[int, list[Line]] = defaultdict(list)
    seen: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        waves[seen[line.pair]].append(line)
        seen[line.pair] += 1
    for wave in waves.values():
        for start in range(0, len(wave), BATCH_MAX):
            yield wave[start : start + BATCH_MAX]


def _unsendable(command: SetAvailability, item: str) -> Fault | None:
    if not item:
        return Fault("MD-ITEM-XREF", f"The shop has no single item {command.item!r}.", None)
    if not command.location.startswith("gid://shopify/Location/"):
        return Fault("MD-LOC", f"{command.location!r} is not a location of the shop.", None)
    for quantity in (command.quantity, command.expected or Decimal(0)):
        if quantity != quantity.to_integral_value():
            return Fault("MD-UOM", f"{quantity} is not whole; Shopify counts whole pieces.", None)
        if abs(quantity) > COUNT_MAX:
            return Fault("INVALID_QUANTITY_TOO_HIGH", f"{quantity} is beyond 10^9.", None)
    return None


def _quantity(line: Line) -> dict[str, Any]:
    expected = line.command.expected
    return {
        "inventoryItemId": line.item,
        "locationId": line.command.location,
        "quantity": int(line.command.quantity),
        "changeFromQuantity": None if expected is None else int(expected),
    }


def _fault(error: Record, count: int) -> Fault:
    """Read a userError; its field is a path like `input quantities 3 changeFromQuantity`."""
    path = error.entries("field") if error.is_set("field") else []
    numbers = [int(part) for part in path if str(part).isdigit()]
    line = numbers[0] if numbers and numbers[0] < count else None
    # One line is one line, whether the shop says so or not.
    return Fault(error.text("code"), error.text("message"), 0 if count == 1 else line)


def _done(line: Line) -> Outcome:
    return Outcome(
        command_id=line.command.command_id, verdict=Verdict.DONE, observed=line.command.quantity
    )


def _stale(line: Line, held: Decimal | None) -> Outcome:
    return Outcome(
        command_id=line.command.command_id,
        verdict=Verdict.STALE,
        observed=held,
        code="CHANGE_FROM_QUANTITY_STALE",
        detail=f"expected {line.command.expected}, the shop holds {held}",
    )


def _retries(lines: Sequence[Line], reason: str) -> Settled:
    return {
        line.position: Outcome(
            command_id=line.command.command_id, verdict=Verdict.RETRY, detail=reason
        )
        for line in lines
    }
