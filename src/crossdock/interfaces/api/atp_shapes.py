"""How answers by date are written in JSON: each with what it was made from."""

from dataclasses import dataclass
from datetime import date, datetime

from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import Atp, AtpMode, Basis, Bucket, Inbound, Part
from crossdock.interfaces.api.stock_shapes import AmountShown, amount


@dataclass(slots=True)
class SchedulePartShown:
    """So much can leave on that day."""

    on: date
    quantity: AmountShown


@dataclass(slots=True)
class SupplyShown:
    """One commitment, and what of it counts from which day on; `reason` is for its class.

    `announced` is what its ship notices hold of it, which count by themselves; `pegged` what goes
    across the dock to order lines. Where `on` is null nothing is promised from it.
    """

    supply_id: str
    source: str
    kind: SupplyKind
    location: str
    open: AmountShown
    announced: AmountShown
    pegged: AmountShown
    evidence: SupplyEvidence
    eta: date | None
    document_ref: str
    confidence: ConfidenceClass
    counts: AmountShown
    on: date | None
    reason: str


@dataclass(slots=True)
class BucketShown:
    """A day, or the last day of a week; those in which nothing changes are left out.

    `balance` is what is projected to be left, `promisable` what can be promised by then (of this
    supply alone where the mode is DISCRETE).
    """

    day: date
    supply: AmountShown
    demand: AmountShown
    balance: AmountShown
    promisable: AmountShown


@dataclass(slots=True)
class PartOfShown:
    """A component of a kit, of which one takes `per`; or (`per` null) a member of a group."""

    item: str
    location: str
    per: AmountShown | None
    nettable: AmountShown
    hard: AmountShown
    soft: AmountShown
    safety: AmountShown
    supplies: list[SupplyShown]
    buckets: list[BucketShown]


@dataclass(slots=True)
class DerivationShown:
    """What the answer was made from. The first bucket is now, with all that is past due.

    `parts` are the components of a kit and the members of a group: what they can promise by a
    day is in the balances of that day, beside what is the item's own.
    """

    nettable: AmountShown
    hard: AmountShown
    soft: AmountShown
    safety: AmountShown
    supplies: list[SupplyShown]
    buckets: list[BucketShown]
    parts: list[PartOfShown]
    version: int


@dataclass(slots=True)
class AtpShown:
    """`now` is what the first bucket has; `promised_on` is when all of `quantity` can leave.

    `basis` is SUPPLY for goods and dated supply, LEAD_TIME for a new order to a supplier, NONE
    for no date; `reason` says why. `schedule` is the soonest it can leave in parts, `left_over`
    what no day has. `by_then` is how much can leave on or before `by`. `shortage` is what is
    claimed now and not there.
    """

    item: str
    location: str
    mode: AtpMode
    as_of: datetime
    today: date
    is_known: bool
    now: AmountShown
    shortage: AmountShown
    quantity: AmountShown | None
    promised_on: date | None
    basis: Basis
    reason: str
    by: date | None
    by_then: AmountShown | None
    schedule: list[SchedulePartShown]
    left_over: AmountShown
    derivation: DerivationShown | None


@dataclass(slots=True)
class AtpAnswers:
    """In the order asked, all of one moment."""

    answers: list[AtpShown]


def atp_shown(answer: Atp, *, with_derivation: bool) -> AtpShown:
    def shown(micros: int) -> AmountShown:
        return amount(micros, answer.unit)

    return AtpShown(
        item=answer.item,
        location=answer.location,
        mode=answer.mode,
        as_of=answer.as_of,
        today=answer.today,
        is_known=answer.is_known,
        now=shown(answer.now),
        shortage=shown(answer.shortage),
        quantity=None if answer.quantity is None else shown(answer.quantity),
        promised_on=answer.promised_on,
        basis=answer.basis,
        reason=answer.reason,
        by=answer.by,
        by_then=None if answer.by_then is None else shown(answer.by_then),
        schedule=[SchedulePartShown(part.day, shown(part.micros)) for part in answer.schedule],
        left_over=shown(answer.left_over),
        derivation=_derivation(answer) if with_derivation else None,
    )


def _derivation(answer: Atp) -> DerivationShown:
    unit, standing = answer.unit, answer.standing
    return DerivationShown(
        nettable=amount(standing.nettable, unit),
        hard=amount(standing.hard, unit),
        soft=amount(standing.soft, unit),
        safety=amount(standing.safety, unit),
        supplies=[_supply(one, unit) for one in answer.inbound],
        buckets=[_bucket(bucket, unit) for bucket in answer.buckets],
        parts=[_part(part) for part in answer.parts],
        version=answer.version,
    )


def _part(part: Part) -> PartOfShown:
    unit, standing = part.unit, part.standing
    return PartOfShown(
        item=part.item,
        location=part.location,
        per=amount(part.per, unit) if part.per else None,
        nettable=amount(standing.nettable, unit),
        hard=amount(standing.hard, unit),
        soft=amount(standing.soft, unit),
        safety=amount(standing.safety, unit),
        supplies=[_supply(one, unit) for one in part.inbound],
        buckets=[_bucket(bucket, unit) for bucket in part.buckets],
    )


def _bucket(bucket: Bucket, unit: str) -> BucketShown:
    return BucketShown(bucket.day, *(amount(micros, unit) for micros in bucket[1:]))


def _supply(inbound: Inbound, unit: str) -> SupplyShown:
    supply = inbound.supply
    return SupplyShown(
        supply_id=supply.supply_id,
        source=supply.source,
        kind=supply.kind,
        location=supply.location,
        open=amount(supply.micros, unit),
        announced=amount(supply.announced, unit),
        pegged=amount(supply.pegged, unit),
        evidence=supply.evidence,
        eta=supply.eta,
        document_ref=supply.document_ref,
        confidence=inbound.confidence,
        counts=amount(inbound.micros, unit),
        on=inbound.on,
        reason=inbound.reason,
    )
