"""From two sets of buckets and what is known of them to one finding, or to none (§4.1-§4.3). Pure.

A key is an item at a location. Its sides are compared by level: the total, then by status, by lot
and serial, by owner. The finding is the key's; the buckets are its evidence.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import model
from crossdock.capabilities.reconciliation.buckets import (
    AVAILABLE,
    NOTHING,
    Bucket,
    Buckets,
    Sold,
    is_parted,
    sold_of,
)
from crossdock.capabilities.reconciliation.causes import (
    GRACE,
    Cause,
    Facts,
    Level,
    Loose,
    Met,
    Verdict,
    cause_of,
    pairs,
    together,
)
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.kits import Bill
from crossdock.capabilities.reconciliation.model import (
    MINUTE,
    Before,
    Difference,
    Document,
    Fate,
    ItemClass,
    Log,
    State,
    Tolerance,
)
from crossdock.capabilities.reconciliation.price_limits import PriceTolerance
from crossdock.capabilities.reconciliation.ranking import Remedy, remedy_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the house has agreed on. Times are microseconds.

    `apart`: how far the cut must have moved before a difference is confirmed. `in_flight`: what
    was recorded so shortly before the cut may still be on its way to the other side. `brake`: how
    much may be mended without a person. `findings_max`: so many differences are no differences
    any more, for one of the two sides is not what it seems. `document_ppm`: millionths of what is
    open of an order or purchase order line that may differ; `prices` by how much an invoice may be
    priced otherwise than agreed.
    """

    tolerance: Tolerance = field(default_factory=Tolerance)
    apart: int = 30 * MINUTE
    in_flight: int = 15 * MINUTE
    brake: Brake = field(default_factory=Brake)
    findings_max: int = 10_000
    document_ppm: int = 0
    prices: PriceTolerance = field(default_factory=PriceTolerance)


LAG_MINUTES_MAX = 7 * 24 * 60


def lagging(policy: Policy, minutes: int | None) -> Policy:
    """Allow the other side so many minutes to book what moves; None leaves it as it is."""
    if minutes is None:
        return policy
    if not 0 <= minutes <= LAG_MINUTES_MAX:
        raise Invalid(f"a lag is 0 to {LAG_MINUTES_MAX} minutes", where="/lag_minutes")
    return replace(policy, in_flight=minutes * MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one key besides the two sides.

    `theirs` None: the other side shows no log. `not_posted` are keys of our postings that it has
    not booked, `rejected` references that it refused. `parts` says which buckets a posting of
    ours, by its key, changed. `ambiguous_until`: its snapshot was taken from the cut to here.
    `is_behind`: whoever keeps the stock was not heard since the cut, so ours may lack something.
    `sold` is their word for the status of what can be sold. `is_foreign`: its cost is not in the
    functional currency, so it cannot be held against the tolerance by value, and does not pass.
    """

    ours: Log = field(default_factory=Log)
    theirs: Log | None = None
    not_posted: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    parts: Mapping[str, Buckets] = field(default_factory=dict[str, Buckets])
    factors: Sequence[tuple[int, int]] = ()
    of: ItemClass = ItemClass.A
    cost: int | None = None
    is_foreign: bool = False
    is_exact: bool = False
    ambiguous_until: int = 0
    is_behind: bool = False
    before: Before | None = None
    sold: str = AVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`absolute` is the sum of the buckets' differences, never netted (R3).

    `at_stake` is what is left after what is only on its way: the amount the money is counted of.
    `sold` is what either says can be sold, theirs once it has what it lacks: the lower is shown
    while it is open (§4.3). `doubted` is how much more theirs says can be sold, but for what is
    only on its way; of all where one does not part statuses.
    """

    difference: Difference
    level: Level
    verdict: Verdict
    state: State
    remedy: Remedy
    absolute: int
    at_stake: int
    value: int | None
    is_in_flight: bool
    sold: Sold = NOTHING
    doubted: int = 0

    @property
    def withheld(self) -> int:
        return self.sold.withheld


def level_of(ours: Buckets, theirs: Buckets) -> Level | None:
    """Find the first level on which they differ, in the order of §4.1.6."""
    if sum(ours.values()) != sum(theirs.values()):
        return Level.TOTAL
    for level, part in _PARTS.items():
        if _summed(ours, part) != _summed(theirs, part):
            return level
    return None


_PARTS: Mapping[Level, Callable[[Bucket], Bucket]] = MappingProxyType(
    {
        Level.STATUS: lambda bucket: Bucket(bucket.status),
        Level.LOT: lambda bucket: bucket._replace(owner=""),
        Level.OWNER: lambda bucket: bucket,
    }
)


def _summed(side: Buckets, part: Callable[[Bucket], Bucket]) -> dict[Bucket, int]:
    sums: dict[Bucket, int] = defaultdict(int)
    for bucket, micros in side.items():
        sums[part(bucket)] += micros
    return {key: micros for key, micros in sums.items() if micros}


def judge(ours: Buckets, theirs: Buckets, cut: int, known: Known, policy: Policy) -> Judged | None:
    """Judge one key; None where the sides agree once what is on its way is counted."""
    level = level_of(ours, theirs)
    documents = tuple(model.documents(known.ours, known.theirs, known.not_posted, cut))
    if level is None and not documents:
        return None
    difference = Difference(
        ours=sum(ours.values()), theirs=sum(theirs.values()), documents=documents
    )
    at_fault = [d for d in documents if _is_fault(d, cut, known)]
    faults = [d.explains for d in at_fault]
    brought = _brought(theirs, documents, known)
    misplaced = _misplaced(ours, brought, difference, known)
    at_stake = _never_netted([difference.unexplained, *faults, misplaced])
    is_by_document = faults and not difference.unexplained
    level = Level.TOTAL if is_by_document else level_of(ours, brought) or Level.TOTAL
    absolute = sum(
        abs(theirs.get(bucket, 0) - ours.get(bucket, 0)) for bucket in ours.keys() | theirs.keys()
    )
    if not at_stake:
        return None
    due = _brought(theirs, [d for d in documents if d not in at_fault], known)
    verdict = cause_of(
        Facts(
            difference=difference,
            level=level,
            cut=cut,
            recent=[p for p in known.ours.postings if p.recorded <= cut],
            rejected=known.rejected,
            factors=known.factors,
            least=min(ours.values(), default=0),
        )
    )
    return _stated(
        Judged(
            difference=difference,
            level=level,
            verdict=verdict,
            state=State.SUSPECTED,
            remedy=Remedy.WAIT,
            absolute=absolute,
            at_stake=at_stake,
            value=model.value_at_risk(at_stake, known.cost),
            is_in_flight=is_in_flight(known, cut, policy),
            sold=sold_of(ours, _undoubled(brought, documents, known.sold), known.sold),
            doubted=sold_of(ours, due, known.sold).difference
            if is_parted(ours, due)
            else at_stake,
        ),
        cut,
        known,
        policy,
    )


def _brought(theirs: Buckets, documents: Sequence[Document], known: Known) -> dict[Bucket, int]:
    """Bring theirs to where it is once it has posted what it lacks of ours."""
    brought = dict(theirs)
    for document in documents:
        for line in document.lines:
            for bucket, micros in known.parts.get(line, {}).items():
                brought[bucket] = brought.get(bucket, 0) + micros
    return brought


def _undoubled(theirs: Buckets, documents: Sequence[Document], sold: str) -> Buckets:
    """Take out what theirs has booked twice: it is known to be wrong, and hides no goods (R6)."""
    excess = sum(one.explains for one in documents if one.fate is Fate.DOUBLED)
    if not excess:
        return theirs
    bucket = Bucket(sold) if all(one.status for one in theirs) else Bucket()
    return {**theirs, bucket: theirs.get(bucket, 0) - excess}


def _misplaced(ours: Buckets, brought: Buckets, difference: Difference, known: Known) -> int:
    """Say how much lies in another bucket there, beside what the totals differ by.

    Of a document whose buckets are not known, each unit may account for one: they are given it.
    """
    gaps = [brought.get(b, 0) - ours.get(b, 0) for b in ours.keys() | brought.keys()]
    left = sum(map(abs, gaps)) - abs(difference.unexplained)
    left -= sum(
        abs(document.explains)
        for document in difference.documents
        if not document.lines or not known.parts.keys() >= set(document.lines)
    )
    return max(0, left) // 2


def _never_netted(parts: Sequence[int]) -> int:
    """Add up sizes, in the direction of the first that is not zero (R3)."""
    size = sum(map(abs, parts))
    return size if next(filter(None, parts), 0) > 0 else -size


def _is_fault(document: Document, cut: int, known: Known) -> bool:
    """Say whether a document is at fault: not just on its way."""
    if document.fate in {Fate.NOT_POSTED, Fate.ONLY_THEIRS}:
        return cut - document.recorded >= GRACE or document.reference in known.rejected
    return True


def is_in_flight(known: Known, cut: int, policy: Policy) -> bool:
    """Say whether anything on the key may be on its way between the sides (§4.1.4).

    So it is where ours has moved more since then than can be looked at. What the other side posted
    after the cut had not arrived at the cut; at a side without a log nothing is seen to arrive.
    """
    is_busy = cut - policy.in_flight < known.ours.reach < model.NO_LOG
    until = max(cut, known.ambiguous_until)
    own, their = known.ours.postings, known.theirs.postings if known.theirs else ()
    return (
        known.is_behind
        or is_busy
        or any(
            cut - policy.in_flight < posting.recorded <= until and posting.reference not in arrived
            for sent, other in ((own, their), (their, own))
            for arrived in ({p.reference for p in other if p.recorded <= cut},)
            for posting in sent
        )
    )


def _stated(judged: Judged, cut: int, known: Known, policy: Policy) -> Judged:
    """Give it its state and what is to be done."""
    is_proven = any(_is_fault(d, cut, known) for d in judged.difference.documents)
    is_broken = bool(known.is_foreign and known.cost) or policy.tolerance.is_broken(
        judged.at_stake,
        book=judged.difference.ours,
        of=known.of,
        cost=known.cost,
        is_exact=known.is_exact,
    )
    if not is_broken and not is_proven:
        return replace(judged, state=State.TOLERATED, remedy=Remedy.LOG)
    state = model.next_state(
        known.before, cut, judged.at_stake, is_in_flight=judged.is_in_flight, apart=policy.apart
    )
    if state is State.SUSPECTED:
        return replace(judged, state=state)
    is_exactly_so = is_proven and not judged.difference.unexplained
    worst = max(judged.difference.documents, key=lambda d: abs(d.explains), default=None)
    remedy = remedy_for(
        judged.verdict.cause,
        is_proven=is_exactly_so,
        is_ours_lacking=worst is not None and worst.fate is Fate.ONLY_THEIRS,
    )
    return replace(judged, state=state, remedy=remedy)


def paired(
    found: Sequence[tuple[str, str, Judged]], bills: Mapping[str, Bill] | None = None
) -> list[Judged]:
    """Judge again beside each other: (location, item, judged), in the order given.

    Kits and their components by their bills, what a count lost here and found there, and what is
    zero-sum in pairs (XREF).
    """
    met = [
        Met(location, item, judged.at_stake, judged.level, judged.verdict)
        for location, item, judged in found
    ]
    verdicts = together(met, bills or {})
    loose = [
        Loose(number, location, item, judged.difference.unexplained)
        for number, (location, item, judged) in enumerate(found)
        if number not in verdicts
        and judged.verdict.cause is Cause.UNKNOWN
        and judged.state in {State.SUSPECTED, State.CONFIRMED}
        and judged.difference.unexplained
    ]
    for number, partner in pairs(loose).items():
        location, item, _ = found[partner]
        because = f"{item} at {location} differs by as much the other way"
        verdicts[number] = Verdict(Cause.XREF, because)
    return [
        _retold(judged, verdicts[number]) if number in verdicts else judged
        for number, (_, _, judged) in enumerate(found)
    ]


def _retold(judged: Judged, verdict: Verdict) -> Judged:
    """Give it another cause; master data is what is wrong, unless it was only counted."""
    is_data = judged.state is State.CONFIRMED and verdict.cause is not Cause.COUNT
    remedy = Remedy.MASTER_DATA if is_data else judged.remedy
    return replace(judged, verdict=verdict, remedy=remedy)


TOGETHER = frozenset({Cause.XREF, Cause.KIT_EXPLOSION})
"""What only several keys beside each other tell."""
_UNASKED = frozenset({Remedy.COUNT, Remedy.REFETCH, Remedy.REDRIVE})


class Earlier(NamedTuple):
    """What an open finding says so far."""

    cause: str
    because: str
    remedy: str
    at_stake: int


def remembered(judged: Judged, earlier: Earlier) -> Judged:
    """Keep, of a key that was asked for alone, what only several keys together have told (§4.4).

    The earlier cause stands while the amount does. Master data that is wrong is mended by no
    number and no document of one key: a dump of all has to judge it anew (§4.3).
    """
    fresh = judged.verdict
    is_found = earlier.cause == Cause.COUNT and fresh.cause is Cause.SHRINK
    is_known = fresh.cause in TOGETHER or earlier.at_stake != judged.at_stake
    if (earlier.cause in TOGETHER or is_found) and not is_known:
        verdict = Verdict(Cause(earlier.cause), earlier.because, fresh.held_by)
        judged = _retold(judged, verdict)
    if earlier.remedy == Remedy.MASTER_DATA and judged.remedy in _UNASKED:
        judged = replace(judged, remedy=Remedy.MASTER_DATA)
    return judged
