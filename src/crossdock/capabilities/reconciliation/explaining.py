"""Looks up what is known of the keys that differ, a batch at a time, and judges them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.reconciliation.asked_store import classes_of
from crossdock.capabilities.reconciliation.books import Books
from crossdock.capabilities.reconciliation.buckets import Bucket
from crossdock.capabilities.reconciliation.comparing import (
    Suspect,
    Walk,
    part_of,
    speaks_of,
    theirs_of,
)
from crossdock.capabilities.reconciliation.dumps import NO_COST, Line, LogLine, Worth
from crossdock.capabilities.reconciliation.evidence import SHOWN_MAX, evidence_of
from crossdock.capabilities.reconciliation.judging import Judged, Known, Policy, judge
from crossdock.capabilities.reconciliation.model import (
    NO_LOG,
    Before,
    ItemClass,
    Log,
    Posting,
)
from crossdock.capabilities.reconciliation.money import is_foreign
from crossdock.capabilities.reconciliation.ports import (
    RECENT_MAX,
    Goods,
    Informants,
    Key,
    LedgerMovement,
    Waiting,
)
from crossdock.capabilities.reconciliation.sides import Side
from crossdock.capabilities.reconciliation.units import in_base_unit, refuse_beyond, strange_unit
from crossdock.foundation.database import Transaction
from crossdock.foundation.zones import zone_of

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A key that was judged to differ, with what a person needs to judge it again.

    `seen` is the place in the log of the newest movement that the ledger had of it. `currency` is
    what its cost is in; "" is the functional one.
    """

    location: str
    item: str
    unit: str
    cut: int
    of: ItemClass
    judged: Judged
    evidence: Mapping[str, Any]
    seen: int = 0
    currency: str = ""


@dataclass(slots=True)
class Explainer:
    """`behind` are locations whose keeper was not heard since the cut: anything may be on its way.

    `books` are those of the first of two systems; None: ours is the hub's ledger. `explained`
    counts keys whose numbers differ and whose documents account for all of it.
    """

    informants: Informants
    policy: Policy
    against: str
    side: Side
    walk: Walk
    befores: Mapping[Key, Before]
    cuts: Mapping[str, int]
    behind: frozenset[str]
    books: Books | None = None
    explained: int = 0
    unknown: dict[str, None] = field(default_factory=dict[str, None])
    _log: Iterator[tuple[Key, list[LogLine]]] = field(init=False)
    _log_at: tuple[Key, list[LogLine]] | None = field(init=False)
    _worths: Mapping[Key, Worth] = field(default_factory=dict[Key, Worth])

    def __post_init__(self) -> None:
        self._log = self.side.log.by_key() if self.side.log is not None else iter(())
        self._log_at = next(self._log, None)

    async def found(self, tx: Transaction, suspects: Sequence[Suspect]) -> list[Found]:
        """Judge suspects; they come in order of their keys, batch after batch."""
        items = {suspect.item for suspect in suspects}
        goods = await self.informants.names.goods(tx, items)
        waiting = await self.informants.bookings.waiting(tx, self.against, items)
        movements: dict[Key, list[LedgerMovement]] = defaultdict(list)
        asked = [
            (
                one.item,
                one.location,
                max(self.cuts[one.location], self.side.spans[one.location][1]),
            )
            for one in suspects
        ]
        ledger = self.books or self.informants.ledger
        for movement in await ledger.recent(tx, asked):
            movements[movement.location, movement.item].append(movement)
        stirred = await self._stirred(tx, asked)
        unclassed = {
            (one.location, one.item) for one in suspects if not any(x.of for x in one.lines)
        }
        self._worths = await classes_of(tx, unclassed) if unclassed else {}
        answer: list[Found] = []
        for suspect in suspects:
            place = (suspect.location, suspect.item)
            one = self._judged(
                suspect,
                goods.get(suspect.item),
                movements[place],
                self._log_up_to(place),
                waiting.get(suspect.item, ()),
                is_stirred=place in stirred,
            )
            if one is not None:
                seen = max((moved.position for moved in movements[place]), default=0)
                answer.append(replace(one, seen=seen))
        return answer

    async def _stirred(self, tx: Transaction, asked: Sequence[tuple[str, str, int]]) -> set[Key]:
        """Name the keys that the hub saw moving at the cut, where a side shows no log of it.

        A quiet key is the fallback of systems that have but files (§4.1.5).
        """
        if self.books is None or (self.books.side.log is not None and self.side.log is not None):
            return set()
        return {
            (one.location, one.item)
            for one in await self.informants.ledger.recent(tx, asked)
            if one.us > self.cuts[one.location] - self.policy.in_flight
        }

    def _judged(
        self,
        suspect: Suspect,
        goods: Goods | None,
        movements: Sequence[LedgerMovement],
        rows: Sequence[LogLine] | None,
        waiting: Sequence[Waiting],
        *,
        is_stirred: bool,
    ) -> Found | None:
        if goods is None and not suspect.unit:
            self._note_unknown(suspect.item)
            return None
        unit = suspect.unit or (goods.base_unit if goods else "EA")
        base = self.informants.names.base
        lines = in_base_unit(suspect.lines, unit, goods, base)
        refuse_beyond(suspect.item, suspect.location, [line.micros for line in lines])
        theirs = theirs_of(lines, self.side.said)
        movements = self._named(movements, suspect.named)
        place = (suspect.location, suspect.item)
        if theirs == suspect.ours:
            self._note_alike(suspect, strange_unit(suspect.lines, unit, goods, base))
            return None
        cut, worth = self.cuts[suspect.location], self._worths.get(place)
        log = self._spoken_of(rows, suspect)
        cost, currency = _cost_of(lines, worth, self.befores.get(place))
        postings = _postings(movements, self.side, log)
        known = Known(
            ours=self._ours(postings, movements),
            theirs=log,
            not_posted=frozenset(p.key for p in _asked(postings, waiting)),
            rejected=_rejected(postings, waiting),
            parts=_parts(movements, self.side),
            factors=[(n, d) for _, n, d in goods.factors] if goods else (),
            of=_class_of(lines, worth, goods.item_class if goods else ""),
            cost=cost,
            is_foreign=is_foreign(currency, self.policy.brake.currency),
            is_exact=bool(goods and goods.is_exact),
            ambiguous_until=self.side.spans[suspect.location][1],
            is_behind=suspect.location in self.behind or is_stirred or suspect.counted_us > cut,
            before=self.befores.get(place),
            sold=self.side.said.groups.get(StockStatus.AVAILABLE, StockStatus.AVAILABLE),
        )
        judged = judge(suspect.ours, theirs, cut, known, self.policy)
        if judged is None:
            self.explained += 1
            self.walk.found_explained(place)
            return None
        return Found(
            location=suspect.location,
            item=suspect.item,
            unit=unit,
            cut=cut,
            of=known.of,
            judged=judged,
            evidence=evidence_of(suspect.ours, theirs, judged, known, unit)
            | {"not_booked": _not_booked(postings, waiting, judged)},
            currency=currency,
        )

    def _note_alike(self, suspect: Suspect, strange: str) -> None:
        """Note that the numbers are alike, unless by a unit which the item does not have."""
        if strange:
            self._note_unknown(f"{suspect.item} in {strange}")
        else:
            self.walk.found_alike((suspect.location, suspect.item))

    def _ours(
        self, postings: Mapping[tuple[str, str], Posting], movements: Sequence[LedgerMovement]
    ) -> Log:
        if self.books is None:
            return Log(tuple(postings.values()), _reach(movements))
        side = self.books.side
        reach = NO_LOG if side.log is None else side.log_reach
        return Log(tuple(postings.values()), reach, is_told=True)

    def _named(
        self, movements: Sequence[LedgerMovement], named: frozenset[Bucket] | None
    ) -> Sequence[LedgerMovement]:
        """Give what moved in the buckets that both speak of; a log may name none."""
        if named is None:
            return movements
        parts = [part_of(_Bucket(one), self.side.said) for one in movements]
        has_status = self.side.said.parts.status
        return [
            one
            for one, part in zip(movements, parts, strict=True)
            if part in named or (has_status and part is not None and not part.status)
        ]

    def _note_unknown(self, item: str) -> None:
        if len(self.unknown) < SHOWN_MAX:
            self.unknown[item] = None

    def _log_up_to(self, place: Key) -> Sequence[LogLine] | None:
        """Give what their log has of the key; keys are asked for in order."""
        if self.side.log is None:
            return None
        while self._log_at is not None and self._log_at[0] < place:
            self._log_at = next(self._log, None)
        return self._log_at[1] if self._log_at is not None and self._log_at[0] == place else ()

    def _spoken_of(self, rows: Sequence[LogLine] | None, suspect: Suspect) -> Log | None:
        """Give their log of the buckets that both speak of."""
        if rows is None:
            return None
        postings = tuple(
            Posting(row.reference, row.micros, row.recorded, type=row.type)
            for row in rows
            if suspect.named is None or speaks_of(row, suspect.named, self.side.said)
        )
        refuse_beyond(suspect.item, suspect.location, [posting.micros for posting in postings])
        return Log(postings, self.side.log_reach)


def _postings(
    movements: Sequence[LedgerMovement], side: Side, log: Log | None
) -> dict[tuple[str, str], Posting]:
    """Sum up each movement over the buckets that are compared.

    It is named as the other side names it, by its own number or its document's.
    """
    known_there = {posting.reference for posting in log.postings} if log else set[str]()
    found: dict[tuple[str, str], Posting] = {}
    for movement in movements:
        if part_of(_Bucket(movement), side.said) is None:
            continue
        name = (movement.source, movement.movement_id)
        before = found.get(name)
        is_known = movement.movement_id in known_there
        found[name] = Posting(
            movement.movement_id
            if is_known or not movement.document_ref
            else movement.document_ref,
            movement.net + (before.micros if before else 0),
            movement.us,
            movement.type,
            _key_of(movement),
            is_backdated(movement.occurred_us, movement.us, movement.zone),
        )
    return found


def is_backdated(occurred: int, recorded: int, zone: str) -> bool:
    """Say whether it was recorded on a later day than it happened on, by the days of a zone.

    Instants are in microseconds. An item is counted on its own location's day (§4.4, CUTOFF).
    """
    there = zone_of(zone)
    happened, heard = (_EPOCH + timedelta(microseconds=us) for us in (occurred, recorded))
    return happened.astimezone(there).date() < heard.astimezone(there).date()


def _key_of(movement: LedgerMovement) -> str:
    return f"{movement.source}:{movement.movement_id}"


def _parts(movements: Sequence[LedgerMovement], side: Side) -> dict[str, dict[Bucket, int]]:
    """Say what each movement changed in each bucket that is compared."""
    found: dict[str, dict[Bucket, int]] = defaultdict(lambda: defaultdict(int))
    for movement in movements:
        part = part_of(_Bucket(movement), side.said)
        if part is not None and (part.status or not side.said.parts.status):
            found[_key_of(movement)][part] += movement.net
    return found


class _Bucket:
    """A movement's end, as a bucket of the ledger."""

    __slots__ = ("lot", "micros", "owner", "serial", "status")

    def __init__(self, movement: LedgerMovement) -> None:
        self.status = movement.status
        self.owner = movement.owner
        self.lot = movement.lot
        self.serial = movement.serial
        self.micros = movement.net


def _reach(movements: Sequence[LedgerMovement]) -> int:
    """Tell from when on all movements are there: only the newest of a bucket were asked for."""
    oldest: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for one in movements:
        end = (one.status, one.owner, one.lot, one.serial, one.net > 0, one.source)
        oldest[end].append(one.us)
    return max((min(times) for times in oldest.values() if len(times) >= RECENT_MAX), default=0)


def _asked(
    postings: Mapping[tuple[str, str], Posting], waiting: Sequence[Waiting]
) -> list[Posting]:
    """Give the postings that the other side is to book and has not: movements, not documents."""
    asked = {
        (one.source, name)
        for one in waiting
        for name in (one.identity, one.identity.partition(":")[2])
    }
    return [posting for name, posting in postings.items() if name in asked]


def _rejected(
    postings: Mapping[tuple[str, str], Posting], waiting: Sequence[Waiting]
) -> frozenset[str]:
    refused = [one for one in waiting if one.is_rejected]
    return frozenset(posting.reference for posting in _asked(postings, refused))


def _not_booked(
    postings: Mapping[tuple[str, str], Posting], waiting: Sequence[Waiting], judged: Judged
) -> list[str]:
    """Name what the hub has sent for the documents that are missing there, to send it again."""
    missing = {line for document in judged.difference.documents for line in document.lines}
    named = {name for name, posting in postings.items() if posting.key in missing}
    return [
        f"{one.source}:{one.identity}"
        for one in waiting
        if {(one.source, one.identity), (one.source, one.identity.partition(":")[2])} & named
    ]


def _class_of(lines: Sequence[Line], worth: Worth | None, catalogued: str) -> ItemClass:
    """Give what the lines say, or else what a dump said of the key before, or the catalogue."""
    said = (*(line.of for line in lines), worth.of if worth else "", catalogued)
    return ItemClass.first_of(said)


def _cost_of(
    lines: Sequence[Line], worth: Worth | None, before: Before | None
) -> tuple[int | None, str]:
    """Give what one costs, and in which currency, as it was said; "" is the functional one.

    Where neither the lines say it nor a dump that told a class, it is what it was when the key
    was found to differ.
    """
    known = (worth.cost, worth.currency) if worth else (NO_COST, "")
    told = ((line.cost, line.currency) for line in lines if line.cost != NO_COST)
    cost, currency = next(told, known)
    if cost != NO_COST:
        return cost, currency
    return (before.cost, before.currency) if before else (None, "")
