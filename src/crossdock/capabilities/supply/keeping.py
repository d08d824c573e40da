"""Promises by date that are kept: made, replaced, released, shown. One method, one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.capabilities.supply import kept, kept_store
from crossdock.capabilities.supply.answer import Atp, Question
from crossdock.capabilities.supply.kept import DatedLine, KeptPromise, PromiseAsked, PromiseProof
from crossdock.capabilities.supply.rules import PlacedRule
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import derived_uuid, prefixed
from crossdock.foundation.scope import Scope


class HoldsStock(Protocol):
    """Whoever reserves what lies there; inventory, usually. All in the caller's transaction."""

    async def lock_in(self, tx: Transaction, keys: Sequence[Key]) -> None:
        """Let nobody else change what stands at these keys until the transaction ends."""
        ...

    async def hold_in(
        self, tx: Transaction, request_id: str, lines: Sequence[tuple[str, str, int, str]]
    ) -> Sequence[int]:
        """Reserve what there is of (item, location, micros, order line); give what was had."""
        ...

    async def let_go_in(self, tx: Transaction, request_id: str) -> None:
        """Give back what a request still holds; one that holds nothing changes nothing."""
        ...


Answers = Callable[[Transaction, Question, datetime], Awaitable[tuple[Atp, Sequence[PlacedRule]]]]
"""Answers one question in a transaction, and names the rules that were said."""


class _Ask(NamedTuple):
    promise_id: UUID
    client: str
    asked: PromiseAsked
    now: datetime


class KeptPromises:
    """Promises by date. Amounts are micros of the item's base unit."""

    def __init__(
        self, database: Database, clock: Clock, stock: HoldsStock, answers: Answers
    ) -> None:
        self._database = database
        self._clock = clock
        self._stock = stock
        self._answers = answers

    async def promise(self, scope: Scope, client: str, asked: PromiseAsked) -> KeptPromise:
        """Promise all lines by date, or none (§3.3, A9); a repeat gets its first answer again.

        The same id with other content, or an order line that has a promise, is a `Conflict`.
        """
        kept.check(asked)
        promise_id = derived_uuid("promise by date", scope.tenant, client, asked.request_id)
        request_hash = blake2b(_content(asked), digest_size=16).digest()
        ask = _Ask(promise_id, client, asked, self._clock.now())
        async with self._database.transaction(scope) as tx:
            await kept_store.take_turns(tx)
            known = (await kept_store.read(tx, [promise_id])).get(promise_id)
            if known is not None:
                if known.request_hash != request_hash:
                    raise Conflict(
                        f"request {asked.request_id!r} was made before with other content",
                        code="request_id_reused",
                        hint="use a new request id for a new request",
                    )
                return known.promise
            made = await self._decide(tx, ask)
            await kept_store.put(tx, promise_id, request_hash, made)
            return (await kept_store.read(tx, [promise_id]))[promise_id].promise

    async def release(self, scope: Scope, promise_id: str) -> KeptPromise:
        """Give back what a promise keeps; one that is over stays as it is."""
        name = _name(promise_id)
        async with self._database.transaction(scope) as tx:
            await kept_store.take_turns(tx)
            await self._one(tx, name)
            await self._stock.let_go_in(tx, promise_id)
            await kept_store.end(tx, name, self._clock.now(), None)
            return await self._one(tx, name)

    async def get(self, scope: Scope, promise_id: str) -> KeptPromise:
        """Show a promise with its proof, as it was derived when it was made."""
        async with self._database.transaction(scope) as tx:
            return await self._one(tx, _name(promise_id))

    async def of_order(self, scope: Scope, order: str) -> list[KeptPromise]:
        """Show the open promises of an order, or of one of its lines."""
        async with self._database.transaction(scope) as tx:
            names = await kept_store.of_order(tx, order)
            found = await kept_store.read(tx, names)
            return [found[name].promise for name in sorted(found)]

    async def listed(
        self, scope: Scope, *, after: str = "", limit: int = 100
    ) -> list[KeptPromise]:
        """List the open promises, by id."""
        async with self._database.transaction(scope) as tx:
            names = await kept_store.listed(tx, _name(after) if after else UUID(int=0), limit)
            found = await kept_store.read(tx, names)
            return [found[name].promise for name in names]

    async def _one(self, tx: Transaction, name: UUID) -> KeptPromise:
        found = (await kept_store.read(tx, [name])).get(name)
        if found is None:
            raise NotFound(f"there is no promise {prefixed('prm', name)}")
        return found.promise

    async def _decide(self, tx: Transaction, ask: _Ask) -> KeptPromise:
        """Derive each line at its turn, behind those before it, and keep all or none."""
        shown = prefixed("prm", ask.promise_id)
        refs = [ref or f"{shown}/{number}" for number, ref in enumerate(ask.asked.refs, 1)]
        old = await self._replaced(tx, ask, refs)
        questions = ask.asked.questions
        keys = [(one.item, one.location) for one in questions]
        if len(set(keys)) < len(keys):
            raise Invalid("two lines are of one item at one location", where="/lines")
        await self._stock.lock_in(tx, sorted(keys))
        own = frozenset(refs) | {line.demand_ref for line in ([] if old is None else old.lines)}
        answers: list[Atp] = []
        rules: dict[Key, PlacedRule] = {}
        for question in questions:
            asking = question._replace(own=question.own | own)
            answer, said = await self._answers(tx, asking, ask.now)
            answers.append(answer)
            rules |= {(one.item, one.location): one for one in said}
        reasons = tuple(kept.refusal(answer) for answer in answers)
        proof = PromiseProof(
            reasons=reasons,
            answers=tuple(answers),
            rules=tuple(rules[key] for key in sorted(rules)),
        )
        made = KeptPromise(
            promise_id=shown,
            client=ask.client,
            request_id=ask.asked.request_id,
            made_at=ask.now,
            is_granted=not any(reasons),
            released_at=None,
            replaced_by="",
            lines=(),
            proof=proof,
        )
        if not made.is_granted:
            return made
        if old is not None:
            await self._stock.let_go_in(tx, old.promise_id)
            await kept_store.end(tx, _name(old.promise_id), ask.now, ask.promise_id)
        return replace(made, lines=await self._held(tx, shown, answers, refs))

    async def _replaced(
        self, tx: Transaction, ask: _Ask, refs: Sequence[str]
    ) -> KeptPromise | None:
        """Find the promise that this one replaces; an order line has one promise at a time."""
        replaces = ask.asked.replaces
        old = _name(replaces) if replaces else UUID(int=0)
        for other, ref in await kept_store.open_of(tx, refs, old):
            raise Conflict(
                f"order line {ref!r} has the promise {prefixed('prm', other)}",
                code="already_promised",
                hint="name it in `replaces` to promise anew",
            )
        found = await self._one(tx, old) if replaces else None
        if found is not None and (found.released_at is not None or not found.is_granted):
            raise Conflict(f"promise {replaces} is over", code="promise_closed")
        return found

    async def _held(
        self, tx: Transaction, shown: str, answers: Sequence[Atp], refs: Sequence[str]
    ) -> tuple[DatedLine, ...]:
        """Reserve what can leave at once out of what lies there; the rest waits for its supply."""
        lines = [
            DatedLine(number, answer.item, answer.location, ref, part.day, part.micros)
            for number, (answer, ref) in enumerate(zip(answers, refs, strict=True), 1)
            for part in answer.schedule
        ]
        first = {number: one.buckets[0].day for number, one in enumerate(answers, 1)}
        near = [line for line in lines if line.ship_date == first[line.line_no]]
        if not near:
            return tuple(lines)
        wanted = [(line.item, line.location, line.micros, line.demand_ref) for line in near]
        had = await self._stock.hold_in(tx, shown, wanted)
        held = dict(zip(near, had, strict=True))
        return tuple(line._replace(held=held.get(line, 0)) for line in lines)


def _content(asked: PromiseAsked) -> bytes:
    lines = [(*one[:5], sorted(one.own), *one[6:]) for one in asked.questions]
    return msgspec.json.encode((asked.request_id, lines, asked.refs, asked.replaces))


def _name(promise_id: str) -> UUID:
    try:
        return UUID(promise_id.removeprefix("prm_"))
    except ValueError:
        raise NotFound(f"there is no promise {promise_id}") from None
