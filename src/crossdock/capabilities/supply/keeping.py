"""Promises by date that are kept: made, replaced, released, shown. One method, one transaction."""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import NamedTuple, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import structlog

from crossdock.canonical.errors import Conflict, Forbidden, NotFound, Unavailable
from crossdock.canonical.supply import PromiseState
from crossdock.capabilities.supply import kept, kept_store, refusals, told
from crossdock.capabilities.supply.answer import Atp, Question
from crossdock.capabilities.supply.derivation import Seen
from crossdock.capabilities.supply.holding import HoldsStock, Wanted, hold, whose_of
from crossdock.capabilities.supply.kept import KeptPromise, PromiseAsked, PromiseProof, Told
from crossdock.capabilities.supply.rule_store import Word
from crossdock.capabilities.supply.rules import PlacedRule, RuleKey
from crossdock.capabilities.supply.told import HUB, Turn
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, derived_uuid, prefixed
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

ATTEMPTS = 5
LAPSED_MAX = 100
"""So many promises are ended at once, at most; the next time ends more."""
_SHOWN = re.compile("prm_[0-9a-f]{32}")


Answers = Callable[
    [Transaction, Question, datetime], Awaitable[tuple[Atp, Sequence[PlacedRule], Seen]]
]
"""Answers one question in a transaction, with the rules that were said and what was seen."""


class _Ask(NamedTuple):
    """`channels` are those that the client may speak for; none is any."""

    promise_id: UUID
    client: str
    asked: PromiseAsked
    now: datetime
    channels: frozenset[str] = frozenset()


class _Line(NamedTuple):
    number: int
    question: Question
    ref: str
    whose: tuple[str, str]


class _Refused(Exception):
    """Undoes what was done for a promise of which some line is refused."""


@dataclass(slots=True)
class _Derived:
    """What a promise is derived from, line by line; made and used inside one call."""

    answers: list[Atp] = field(default_factory=list[Atp])
    reasons: list[str] = field(default_factory=list[str])
    rules: dict[RuleKey, PlacedRule] = field(default_factory=dict[RuleKey, PlacedRule])
    seen: list[Seen] = field(default_factory=list[Seen])

    def proof(self) -> PromiseProof:
        rules = tuple(self.rules[key] for key in sorted(self.rules))
        seen = msgspec.json.encode(self.seen, order="deterministic").decode()
        reasons, answers = tuple(self.reasons), tuple(self.answers)
        return PromiseProof(reasons=reasons, answers=answers, rules=rules, seen=seen)


class KeptPromises:
    """Promises by date. Amounts are micros of the item's base unit."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, stock: HoldsStock, answers: Answers
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._stock = stock
        self._answers = answers

    async def promise(
        self,
        scope: Scope,
        client: str,
        asked: PromiseAsked,
        *,
        channels: frozenset[str] = frozenset(),
    ) -> KeptPromise:
        """Promise all lines by date, or none (§3.3, A9); a repeat gets its first answer again.

        The same id with other content, or an order line that has a promise, is a `Conflict`.
        A client that is bound to `channels` replaces promises of these alone.
        """
        refusals.check(asked)
        promise_id = derived_uuid("promise by date", scope.tenant, client, asked.request_id)
        request_hash = blake2b(_content(asked, client), digest_size=16).digest()
        ask = _Ask(promise_id, client, asked, self._clock.now(), channels)
        return await _again(lambda: self._promise(scope, ask, request_hash))

    async def _promise(self, scope: Scope, ask: _Ask, request_hash: bytes) -> KeptPromise:
        name = ask.promise_id
        async with self._database.transaction(scope) as tx:
            await kept_store.take_turns(tx)
            known = (await kept_store.read(tx, [name])).get(name)
            if known is not None:
                if known.request_hash != request_hash:
                    raise Conflict(
                        f"request {ask.asked.request_id!r} was made before with other content",
                        code="request_id_reused",
                        hint="use a new request id for a new request",
                    )
                return known.promise
            await self._lapse(tx, ask.now, {one.item for one in ask.asked.questions})
            made = await self._decide(tx, ask)
            await kept_store.put(tx, name, request_hash, made)
            put = (await kept_store.read(tx, [name]))[name].promise
            if put.is_granted:
                turn = Turn(PromiseState.MADE, 1, Word(ask.client, ask.now))
                await event_log.append(tx, [told.promise(tx.tenant, put, turn)])
            return put

    async def lapse_due(self) -> int:
        """End the promises whose time is over and that no order has taken up; a job calls this."""
        now = self._clock.now()
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = await kept_store.with_lapsed(tx, now)
        ended = 0
        for tenant in tenants:
            scope = Scope(tenant)
            try:
                ended += await _again(partial(self._lapse_of, scope, now))
            except Unavailable as error:  # the others' time is over, too; this one's turn is next
                log.warning("promises not ended", tenant=tenant, reason=str(error))
        return ended

    async def _lapse_of(self, scope: Scope, now: datetime) -> int:
        async with self._database.transaction(scope) as tx:
            await kept_store.take_turns(tx)
            return await self._lapse(tx, now)

    async def _lapse(
        self, tx: Transaction, now: datetime, items: Collection[str] | None = None
    ) -> int:
        """End what has lapsed, of some items alone if they are named.

        Only what had before the first order that is not counted yet was told: that may take it up.
        """
        until = await self._stock.orders_until(tx, now)
        if items is None:
            names = await kept_store.lapsed(tx, until, LAPSED_MAX)
        else:
            names = await kept_store.lapsed_of(tx, until, items, LAPSED_MAX)
        if not names:
            return 0
        found = [one.promise for one in (await kept_store.read(tx, names)).values()]
        keys = {(line.item, line.location) for one in found for line in one.lines}
        await self._stock.lock_in(tx, sorted(keys))
        ended = 0
        for promise in found:
            refs = sorted({line.demand_ref for line in promise.lines})
            orders = kept.told_of(await self._stock.held_in(tx, refs)).values()
            if any(one.is_ordered for one in orders):
                version = await kept_store.keep_on(tx, name_of(promise.promise_id), HUB)
                await self._tell_taken_up(tx, replace(promise, expires_at=None), version, now)
                continue
            await self._end(tx, promise, PromiseState.LAPSED, Word(HUB, now))
            ended += 1
        return ended

    async def _tell_taken_up(
        self, tx: Transaction, promise: KeptPromise, version: int | None, now: datetime
    ) -> None:
        if version is not None:
            turn = Turn(PromiseState.TAKEN_UP, version, Word(HUB, now))
            await event_log.append(tx, [told.promise(tx.tenant, promise, turn)])

    async def release(self, scope: Scope, promise_id: str, *, by: str) -> KeptPromise:
        """Give back what a promise keeps; one that is over stays as it is."""
        name = name_of(promise_id)
        return await _again(lambda: self._release(scope, name, Word(by, self._clock.now())))

    async def _release(self, scope: Scope, name: UUID, word: Word) -> KeptPromise:
        async with self._database.transaction(scope) as tx:
            await kept_store.take_turns(tx)
            promise = await self._one(tx, name)
            if promise.is_granted and promise.released_at is None:
                keys = {(line.item, line.location) for line in promise.lines}
                await self._stock.lock_in(tx, sorted(keys))
                await self._end(tx, promise, PromiseState.RELEASED, word)
            return await self._one(tx, name)

    async def _end(
        self,
        tx: Transaction,
        promise: KeptPromise,
        state: PromiseState,
        word: Word,
        after: UUID | None = None,
    ) -> None:
        """End a promise that is open, and tell of it; `after` is what stands in its place."""
        refs = sorted({line.demand_ref for line in promise.lines})
        await self._stock.let_go_in(tx, refs)
        version = await kept_store.end(tx, name_of(promise.promise_id), word, after)
        if after is not None:
            promise = replace(promise, replaced_by=prefixed("prm", after))
        if version is not None:
            turn = Turn(state, version, word)
            await event_log.append(tx, [told.promise(tx.tenant, promise, turn)])

    async def get(self, scope: Scope, promise_id: str) -> KeptPromise:
        """Show a promise with its proof, as it was derived when it was made."""
        async with self._database.transaction(scope) as tx:
            return await self._one(tx, name_of(promise_id))

    async def of_order(
        self, scope: Scope, order: str, *, with_over: bool = False, limit: int | None = None
    ) -> list[KeptPromise]:
        """Show the open promises of an order, or of one of its lines; then those that are over.

        Of each the newest first, at most `limit` in all; None is all of them.
        """
        async with self._database.transaction(scope) as tx:
            refs = await self._stock.lines_of_in(tx, order)
            names = await kept_store.of_order(tx, order, refs, with_over=with_over, limit=limit)
            found = await kept_store.read(tx, names)
            return [found[name].promise for name in names]

    async def listed(
        self, scope: Scope, *, after: str = "", limit: int = 100
    ) -> list[KeptPromise]:
        """List the open promises, by id."""
        async with self._database.transaction(scope) as tx:
            names = await kept_store.listed(tx, name_of(after) if after else UUID(int=0), limit)
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
        lines = [
            _Line(number, question, ref, whose_of(question, ask.client, ask.channels))
            for number, (question, ref) in enumerate(
                zip(ask.asked.questions, refs, strict=True), 1
            )
        ]
        keys = {(one.question.item, one.question.location) for one in lines}
        keys |= {(one.item, one.location) for one in ([] if old is None else old.lines)}
        await self._stock.lock_in(tx, sorted(keys))
        derived = _Derived()
        try:
            async with tx.savepoint():
                if old is not None:
                    word = Word(ask.client, ask.now)
                    await self._end(tx, old, PromiseState.REPLACED, word, ask.promise_id)
                await self._keep_all(tx, ask, lines, derived)
        except _Refused:
            is_granted = False
        else:
            is_granted = True
        ttl = ask.asked.ttl_seconds
        return KeptPromise(
            promise_id=shown,
            client=ask.client,
            request_id=ask.asked.request_id,
            made_at=ask.now,
            is_granted=is_granted,
            released_at=None,
            replaced_by="",
            lines=(),
            proof=derived.proof(),
            expires_at=None if ttl is None else ask.now + timedelta(seconds=ttl),
        )

    async def _keep_all(
        self, tx: Transaction, ask: _Ask, lines: Sequence[_Line], derived: _Derived
    ) -> None:
        for one in lines:
            derived.reasons.append(await self._keep(tx, ask, one, derived))
        if any(derived.reasons):
            raise _Refused

    async def _keep(self, tx: Transaction, ask: _Ask, one: _Line, derived: _Derived) -> str:
        """Answer a line and keep it, so that the next is answered behind it; "" is kept."""
        question = one.question
        asking = question._replace(own=question.own | {one.ref}, draws=True)
        answer, said, seen = await self._answers(tx, asking, ask.now)
        if parts := {(part.item, part.location) for part in answer.parts if part.per}:
            # What a kit draws on is known only now: answer as it is once nobody else changes it.
            await self._lapse(tx, ask.now, {item for item, _ in parts})
            await self._stock.lock_in(tx, sorted(parts))
            answer, said, seen = await self._answers(tx, asking, ask.now)
        derived.answers.append(answer)
        derived.seen.append(seen)
        derived.rules |= {rule.key: rule for rule in said}
        refs = {one.ref, *(kept.part_ref(one.ref, draw.item) for draw in answer.draws)}
        rows = await self._stock.held_in(tx, sorted(refs))
        orders = kept.told_of(rows)
        if reason := refusals.refusal(answer, orders.get(one.ref, Told()), question.mode):
            return reason
        shown = prefixed("prm", ask.promise_id)
        for lines in kept.lines_of(answer, one.number, one.ref, orders):
            ref = lines[0].demand_ref
            known = ([row for row in rows if row[0] == ref], orders.get(ref, Told()))
            wanted = Wanted(shown, lines, one.whose)
            had = refusals.Had(0)
            if lines[0].item not in answer.beside_stock:
                had = await hold(tx, self._stock, self._ids, wanted, known)
            held = kept.spread(lines, had.held)
            await kept_store.put_lines(tx, ask.promise_id, one.whose, held)
            if reason := refusals.cut(lines, had):
                return reason
        return ""

    async def _replaced(
        self, tx: Transaction, ask: _Ask, refs: Sequence[str]
    ) -> KeptPromise | None:
        """Find the promise that this one replaces; an order line has one promise at a time."""
        replaces = ask.asked.replaces
        old = name_of(replaces) if replaces else UUID(int=0)
        for other, ref in await kept_store.open_of(tx, refs, old):
            raise Conflict(
                f"order line {ref!r} has the promise {prefixed('prm', other)}",
                code="already_promised",
                hint="name it in `replaces` to promise anew",
            )
        found = await self._one(tx, old) if replaces else None
        if found is not None and found.client != ask.client:
            raise Forbidden(
                f"promise {replaces} was made by another client",
                code="not_yours",
                hint="who made it may replace it; release it to promise anew for another",
            )
        if found is not None and ask.channels:
            for channel in sorted(await kept_store.channels_of(tx, old) - ask.channels):
                raise Forbidden(
                    f"promise {replaces} was made for channel {channel!r}",
                    code="channel_scope",
                    hint=f"this key speaks for {', '.join(sorted(ask.channels))}",
                )
        if found is not None and (found.released_at is not None or not found.is_granted):
            raise Conflict(f"promise {replaces} is over", code="promise_closed")
        return found


Done = TypeVar("Done")


async def _again(work: Callable[[], Awaitable[Done]]) -> Done:
    """Do it anew where others hold the same goods crosswise."""
    for _ in range(ATTEMPTS):
        try:
            return await work()
        except asyncpg.DeadlockDetectedError:
            continue
    raise Unavailable("the same goods are being promised elsewhere", code="contended")


def _content(asked: PromiseAsked, client: str) -> bytes:
    """Put what is asked into bytes; who names itself as the channel asks what it asks without."""
    questions = [
        one._replace(channel="") if one.channel == client else one for one in asked.questions
    ]
    lines = [(*one[:5], sorted(one.own), *one[6:]) for one in questions]
    return msgspec.json.encode((asked.request_id, lines, *asked[2:]))


def name_of(promise_id: str) -> UUID:
    """Take the id as it is shown, and in no other form."""
    if not _SHOWN.fullmatch(promise_id):
        raise NotFound(
            f"there is no promise {promise_id}",
            hint="they look like prm_0190…; `crossdock stock promises` lists the open ones",
        )
    return UUID(hex=promise_id.removeprefix("prm_"))
