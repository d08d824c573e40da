"""Takes interchanges in, each once and in one transaction; keeps what was sent, and answers."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from crossdock.canonical.envelope import Payload
from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.partners import (
    Direction,
    Identity,
    KnownPartner,
    Standard,
)
from crossdock.connectivity.edi.findings import Finding
from crossdock.connectivity.interchanges import model, settling, store
from crossdock.connectivity.interchanges.answering import answer_to
from crossdock.connectivity.interchanges.model import (
    DocumentIs,
    Held,
    Interchange,
    Outcome,
    State,
)
from crossdock.connectivity.interchanges.reading import Aside, Part, Piece, read
from crossdock.connectivity.interchanges.store import DocumentState, Kept
from crossdock.connectivity.interchanges.telling import (
    HUB,
    held_case,
    held_name,
    outcome_of,
    received_event,
    tell,
    written_event,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk


class KnowsPartners(Protocol):
    async def known_by(
        self, tx: Transaction, addressed: Sequence[Identity]
    ) -> Mapping[Identity, KnownPartner]:
        """Say whose these identities are, of those that are anybody's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """How a file came: `name` is the file's, `by` who handed it in."""

    name: str
    by: str
    direction: Direction = Direction.IN


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of the interchanges of a file, and what was found beside them."""

    interchanges: list[Outcome] = field(default_factory=list[Outcome])
    beside: list[Finding] = field(default_factory=list[Finding])


class _CameBefore(Exception):
    """The very same interchange is kept already: what was begun is undone."""

    def __init__(self, row: Any) -> None:
        super().__init__()
        self.row = row


class Interchanges:
    def __init__(
        self, database: Database, clock: Clock, ids: Ids, partners: KnowsPartners, desk: Desk
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._partners = partners
        self._desk = desk

    async def receive(
        self,
        scope: Scope,
        chunks: Iterable[bytes],
        handed: Handed,
        told: TakenIn | None = None,
    ) -> TakenIn:
        """Take in a file of interchanges, or keep a file of what was sent.

        Each interchange is one transaction: what a process that dies has taken stays so, and the
        same file again takes the rest. `told` is added to. Chunks are read in another thread.
        """
        pieces, told = read(chunks), TakenIn() if told is None else told
        before = len(told.interchanges)
        while (piece := await _next(pieces)) is not None:
            if isinstance(piece, Aside):
                told.beside.extend(piece.findings)
            else:
                outcome = await self._one(scope, piece, pieces, told, handed)
                told.interchanges.append(outcome)
        if len(told.interchanges) == before:
            raise Invalid(
                "the file holds no interchange: neither ISA nor UNB begins one",
                where="byte 0",
                code="no_interchange",
                hint="`crossdock edi validate` says what was read",
            )
        return told

    async def replay(self, scope: Scope, interchange: str) -> Outcome:
        """Take in an interchange that was set aside, as the partners are known now."""
        async with self._database.transaction(scope) as tx:
            row = await tx.fetchrow(store.LOCK, tx.tenant, interchange)
            if row is None:
                raise NotFound(
                    f"no interchange is called {interchange!r}",
                    hint="`crossdock edi interchanges` lists them",
                )
            if row["state"] != State.QUARANTINED:
                raise Conflict(
                    f"{interchange} is {row['state']}, and not set aside",
                    code="not_quarantined",
                )
            chunks = [body async for body in store.bodies(tx, interchange)]
            found = await asyncio.to_thread(_first, chunks)
            handed = Handed(name=row["name"], by=row["said_by"])
            return await self._received(tx, interchange, found, handed, is_again=True)

    async def replay_held(
        self, scope: Scope, *, after: str = "", limit: int = 1000
    ) -> list[Outcome]:
        """Try what was set aside anew, the oldest first, behind an interchange."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.HELD, tx.tenant, after, limit)
        outcomes: list[Outcome] = []
        for row in rows:
            with suppress(Conflict):  # somebody else has taken it in meanwhile
                outcomes.append(await self.replay(scope, row["interchange"]))
        return outcomes

    async def _one(
        self,
        scope: Scope,
        piece: Part | Interchange,
        pieces: Iterator[Piece],
        told: TakenIn,
        handed: Handed,
    ) -> Outcome:
        """Take the interchange that begins with a piece, with all of its bytes."""
        name = prefixed("ixc", self._ids.new())
        try:
            async with self._database.transaction(scope) as tx:
                number = 0
                current: Piece | None = piece
                while not isinstance(current, Interchange):
                    if isinstance(current, Part):
                        number += 1
                        await store.keep_part(tx, name, number, current.body)
                    elif isinstance(current, Aside):
                        told.beside.extend(current.findings)
                    current = await _next(pieces)
                if handed.direction is Direction.OUT:
                    return await self._sent(tx, name, current, handed)
                return await self._received(tx, name, current, handed)
        except _CameBefore as before:
            return await self._again(scope, before.row)

    async def _received(
        self,
        tx: Transaction,
        name: str,
        found: Interchange,
        handed: Handed,
        *,
        is_again: bool = False,
    ) -> Outcome:
        await store.in_turns(tx, found)
        if not is_again:
            await _refuse_repeat(tx, Direction.IN, found)
        sender, receiver = await self._sides(tx, found)
        held = model.held(sender, receiver, found)
        if held is not None or sender is None:
            partner = sender.partner if sender else ""
            return await self._hold(tx, _named(name, partner, handed), found, held)
        return await self._take(tx, _named(name, sender.partner, handed), found, sender)

    async def _sides(
        self, tx: Transaction, found: Interchange
    ) -> tuple[KnownPartner | None, KnownPartner | None]:
        sides = found.sender.identity, found.receiver.identity
        known = await self._partners.known_by(tx, sides)
        return known.get(sides[0]), known.get(sides[1])

    async def _hold(
        self, tx: Transaction, named: Kept, found: Interchange, held: Held | None
    ) -> Outcome:
        """Set an interchange aside: it is kept, has no effect, and is somebody's case."""
        code, says = (held.code, held.says) if held else ("", "")
        kept = replace(named, state=State.QUARANTINED, code=code, because=says)
        now = self._clock.now()
        await store.put(tx, kept, found, found.findings, now)
        await self._desk.opened(tx, [held_case(kept, found)], now)
        await tell(tx, [received_event(kept, found, [])], now)
        return outcome_of(kept, found)

    async def _take(
        self, tx: Transaction, named: Kept, found: Interchange, sender: KnownPartner
    ) -> Outcome:
        """Take an interchange in: its documents, its number, what it says of ours, the answer."""
        now = self._clock.now()
        if not found.is_wrong and await store.same_number(tx, Direction.IN, found):
            found = model.refused_as_used(found)
        states = model.judged(found, await store.taken_before(tx, found))
        kept = replace(
            named,
            state=State.REFUSED if found.is_wrong else State.TAKEN,
            code=_first_error(found),
            rejected=states.count(DocumentIs.REJECTED),
            repeated=states.count(DocumentIs.REPEATED),
        )
        findings = [*found.findings, *model.remarks(found, states, sender)]
        await store.put(tx, kept, found, findings, now)
        kept_as = [DocumentState(state) for state in states]
        await store.put_documents(tx, kept, found, kept_as, now)
        events: list[tuple[str, Payload]] = [received_event(kept, found, states)]
        theirs = store.pair(found)
        if not found.is_wrong:
            counted = store.Counted(Direction.IN, *theirs, found.is_test)
            await store.count(tx, counted, found.number, sender.partner, now)
            await settling.keep(tx, kept.interchange, found)
            settled = await settling.settle(tx, kept.interchange, self._desk, now)
            events += [one.event for one in settled]
        answer, written = await self._answer(tx, kept, found, sender, now)
        await tell(tx, [*events, *written], now)
        if not await tx.fetchval(store.STILL_HELD, tx.tenant, theirs[1], theirs[2], theirs[0]):
            await self._desk.closed(tx, [held_name(found)], "taken in", now)
        return replace(outcome_of(kept, found), answer=answer)

    async def _answer(
        self,
        tx: Transaction,
        kept: Kept,
        found: Interchange,
        sender: KnownPartner,
        now: datetime,
    ) -> tuple[str, list[tuple[str, Payload]]]:
        """Write and keep what is answered, if anything is: numbered behind what went there."""
        standard, theirs, ours = store.pair(found)
        back = store.Counted(Direction.OUT, standard, ours, theirs)
        number = (await store.numbers(tx, back)).highest
        parts, written = list[Part](), None
        while written is None or await store.same_number(tx, Direction.OUT, written):
            number = number % model.NUMBER_MAX + 1
            pieces = list(read([answer_to(found, sender, number, now)]))
            parts = [one for one in pieces if isinstance(one, Part)]
            written = next((one for one in pieces if isinstance(one, Interchange)), None)
            if written is None:
                return "", []
        name = prefixed("ixc", self._ids.new())
        answer = Kept(
            interchange=name,
            direction=Direction.OUT,
            state=State.WRITTEN,
            partner=kept.partner,
            said_by=HUB,
            answers=kept.interchange,
        )
        for place, part in enumerate(parts, 1):
            await store.keep_part(tx, name, place, part.body)
        await store.put(tx, answer, written, [], now)
        states = [DocumentState(DocumentIs.WRITTEN)] * len(written.documents)
        await store.put_documents(tx, answer, written, states, now)
        await store.count(tx, back, number, kept.partner, now)
        return name, [written_event(answer, written)]

    async def _sent(
        self, tx: Transaction, name: str, found: Interchange, handed: Handed
    ) -> Outcome:
        """Keep what was sent to a partner, and wait for what he says of it."""
        await store.in_turns(tx, found)
        await _refuse_repeat(tx, Direction.OUT, found)
        sender, receiver = await self._sides(tx, found)
        strange = model.addressed_to(sender, receiver, found)
        if strange is not None or receiver is None:
            raise Invalid(
                f"interchange {found.control} was not kept: {strange.says if strange else ''}",
                where=f"{found.sender.written} to {found.receiver.written}",
                code="not_ours",
                hint="`crossdock partner identity` says whose an identity is",
            )
        if used := await store.same_number(tx, Direction.OUT, found):
            raise Conflict(
                f"interchange {found.control} to {receiver.name} is kept already, with other"
                f" content ({used})",
                code="number_used",
                hint="the partner will refuse it as a duplicate: number it anew",
            )
        now = self._clock.now()
        kept = replace(_named(name, receiver.partner, handed), state=State.SENT)
        expected = [
            DocumentState(DocumentIs.SENT, model.expected(receiver, found.standard, one.document))
            for one in found.documents
        ]
        await store.put(tx, kept, found, found.findings, now)
        await store.put_documents(tx, kept, found, expected, now)
        counted = store.Counted(Direction.OUT, *store.pair(found))
        await store.count(tx, counted, found.number, receiver.partner, now)
        settled = await settling.settle_sent(tx, found, self._desk, now)
        await tell(tx, [written_event(kept, found), *(one.event for one in settled)], now)
        return outcome_of(kept, found)

    async def _again(self, scope: Scope, row: Any) -> Outcome:
        """Answer what came before with the very same content as it was answered then."""
        async with self._database.transaction(scope) as tx:
            await store.repeat(tx, row["interchange"], self._clock.now())
            answer = await store.answer_of(tx, row["interchange"])
        return Outcome(
            interchange=row["interchange"],
            state=State.REPEATED,
            partner=row["partner"],
            standard=Standard(row["standard"]),
            sender=row["sender"],
            receiver=row["receiver"],
            control=row["control_written"],
            code=row["code"],
            because=f"it came before, and is {row['state']}",
            answer=answer,
        )


def _named(name: str, partner: str, handed: Handed) -> Kept:
    return Kept(
        interchange=name,
        direction=handed.direction,
        state=State.TAKEN,
        partner=partner,
        name=handed.name,
        said_by=handed.by,
    )


def _first_error(found: Interchange) -> str:
    if not found.is_wrong:
        return ""
    return next((one.code for _, one in found.findings if one.level == "INTERCHANGE"), "")


def _first(chunks: Iterable[bytes]) -> Interchange:
    return next(one for one in read(chunks) if isinstance(one, Interchange))


async def _refuse_repeat(tx: Transaction, direction: Direction, found: Interchange) -> None:
    if row := await store.same_content(tx, direction, found.digest):
        raise _CameBefore(row)


async def _next(pieces: Iterator[Piece]) -> Piece | None:
    """Read on in a thread: to check a large interchange takes a while."""
    return await asyncio.to_thread(next, pieces, None)
