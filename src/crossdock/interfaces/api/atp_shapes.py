"""How answers by date are written in JSON: each with what it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import (
    Atp,
    AtpMode,
    Basis,
    Bucket,
    Inbound,
    Offer,
    Part,
    Pick,
    Share,
    Shelved,
    SubstitutionKind,
)
from crossdock.interfaces.api.stock_shapes import AmountShown, DoubtShown, SourceShown, amount
from crossdock.interfaces.api.weight_shapes import WeightShown, weight_shown


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
class LotShown:
    """A lot that lies there, in the order in which lots go: what expires first, first (FEFO).

    `owner` "" is ourselves. Where `is_eligible` is false nothing is promised from it, and `reason`
    says why; `until` is the last day on which it can leave.
    """

    lot: str
    owner: str
    quantity: AmountShown
    expires_on: date | None
    is_eligible: bool
    until: date | None
    reason: str


@dataclass(slots=True)
class PickShown:
    """What a part of the promise is best taken from; `lot` null is what is still to come."""

    on: date
    lot: str | None
    owner: str
    quantity: AmountShown


@dataclass(slots=True)
class BucketShown:
    """A day, or the last day of a week; those in which nothing changes are left out.

    `balance` is what is projected to be left, `promisable` what can be promised by then (of this
    supply alone where the mode is DISCRETE; on that day alone where lots are told apart, and then
    out of one of them if DISCRETE).
    """

    day: date
    supply: AmountShown
    demand: AmountShown
    balance: AmountShown
    promisable: AmountShown


@dataclass(slots=True)
class IntoShown:
    """A kit, one of which takes so much of a component."""

    kit: str
    per: AmountShown


@dataclass(slots=True)
class PartOfShown:
    """A component of a kit, of which one takes `per`; or (`per` null) a member of a group.

    `level` 1 goes straight into the kit, deeper ones into its components, and `per` is what one
    takes in all if nothing lies assembled; `into` are the kits that take it. Of what is asked of a
    kit of kits `needed` is how much it takes, and `made` what of that is put together.
    """

    item: str
    location: str
    per: AmountShown | None
    nettable: AmountShown
    expired: AmountShown
    hard: AmountShown
    soft: AmountShown
    safety: AmountShown
    supplies: list[SupplyShown]
    buckets: list[BucketShown]
    lots: list[LotShown]
    level: int
    into: list[IntoShown]
    needed: AmountShown | None
    made: AmountShown | None


@dataclass(slots=True)
class DerivationShown:
    """What the answer was made from. The first bucket is now, with all that is past due.

    `parts` are the components of a kit and the members of a group: what they can promise by a
    day is in the balances of that day, beside what is the item's own. `lots` are told where lots
    expire, where somebody needs a life, or where others' goods may be promised; what has expired
    already is `expired`, and not in `nettable`.
    """

    nettable: AmountShown
    expired: AmountShown
    hard: AmountShown
    soft: AmountShown
    safety: AmountShown
    supplies: list[SupplyShown]
    buckets: list[BucketShown]
    parts: list[PartOfShown]
    lots: list[LotShown]
    version: int


@dataclass(slots=True)
class OfferShown:
    """An item that may stand in: what it has on time, and how much of what is asked that covers.

    `ruled` is the item whose rule says so, in that version; `numerator / denominator` of it
    replace one. `answer` is its own by date, for as much of it as replaces what is lacking. What
    `requires_approval` is in no proposal.
    """

    item: str
    kind: SubstitutionKind
    rank: int
    numerator: int
    denominator: int
    ruled: str
    version: int
    not_before: date | None
    requires_approval: bool
    on_time: AmountShown
    covers: AmountShown
    promised_on: date | None
    reason: str
    answer: "AtpShown"


@dataclass(slots=True)
class ShareShown:
    """A part of what is proposed: so much of an item, which covers so much of what is asked.

    `quantity` 0: so much is less than a pack, and nothing covers it. `on` null is no date. `ruled`
    and `version` name the rule it stands in by, "" and 0 the item itself.
    """

    item: str
    quantity: AmountShown
    covers: AmountShown
    on: date | None
    ruled: str
    version: int


@dataclass(slots=True)
class AtpShown:
    """`now` is what the first bucket has; `promised_on` is when all of `quantity` can leave.

    Where no day has all of goods that do not keep, that is when the last part of it can.
    `basis` is SUPPLY for goods and dated supply, LEAD_TIME for a new order to a supplier, NONE
    for no date; `reason` says why. `schedule` is the soonest it can leave in parts, `left_over`
    what no day has, `remainder` what was asked and is less than a pack. `by_then` is how much can
    leave on or before `by`. `shortage` is what is claimed now and not there. `is_stale`: a source
    of its stock has been silent for too long (`sources`). `life_days` had to be left at delivery,
    `transit_days` after it left; `picks` is which lots to take. `weight` is told of what is
    invoiced by weight. Where the item does not reach `quantity` on time, `alternatives` are those
    that may stand in, and `proposal` shares it out; nothing is replaced by that. What `is_advice`
    is told of a supplier's own stock (`basis` VENDOR_STOCK) or lead time: nobody can promise it.
    What `is_unlimited` is so by a rule (`basis` UNLIMITED): 999999999999 stands for no end of it.
    """

    item: str
    location: str
    mode: AtpMode
    as_of: datetime
    today: date
    is_known: bool
    is_unlimited: bool
    is_stale: bool
    sources: list[SourceShown]
    now: AmountShown
    shortage: AmountShown
    quantity: AmountShown | None
    promised_on: date | None
    basis: Basis
    is_advice: bool
    reason: str
    by: date | None
    by_then: AmountShown | None
    schedule: list[SchedulePartShown]
    left_over: AmountShown
    remainder: AmountShown
    life_days: int | None
    transit_days: int | None
    picks: list[PickShown]
    weight: WeightShown | None
    alternatives: list[OfferShown]
    proposal: list[ShareShown]
    derivation: DerivationShown | None
    is_suspect: bool
    doubts: list[DoubtShown]


@dataclass(slots=True)
class AtpAnswers:
    """In the order asked, all of one moment."""

    answers: list[AtpShown]


def atp_shown(
    answer: Atp, doubts: Sequence[DoubtShown] = (), *, with_derivation: bool
) -> AtpShown:
    def shown(micros: int) -> AmountShown:
        return amount(micros, answer.unit)

    return AtpShown(
        item=answer.item,
        location=answer.location,
        mode=answer.mode,
        as_of=answer.as_of,
        today=answer.today,
        is_known=answer.is_known,
        is_unlimited=answer.is_unlimited,
        is_stale=answer.is_stale,
        sources=[SourceShown(*one, one.is_stale(answer.as_of)) for one in answer.sources],
        now=shown(answer.now),
        shortage=shown(answer.shortage),
        quantity=None if answer.quantity is None else shown(answer.quantity),
        promised_on=answer.promised_on,
        basis=answer.basis,
        is_advice=answer.is_advice,
        reason=answer.reason,
        by=answer.by,
        by_then=None if answer.by_then is None else shown(answer.by_then),
        schedule=[SchedulePartShown(part.day, shown(part.micros)) for part in answer.schedule],
        left_over=shown(answer.left_over),
        remainder=shown(answer.remainder),
        life_days=answer.life_days,
        transit_days=answer.transit_days,
        picks=[_pick(pick, answer.unit) for pick in answer.picks],
        weight=weight_shown(answer),
        alternatives=[_offer(one, answer.unit) for one in answer.offers],
        proposal=[_share(one, answer.unit) for one in answer.proposal],
        derivation=_derivation(answer) if with_derivation else None,
        is_suspect=bool(doubts),
        doubts=list(doubts),
    )


def _derivation(answer: Atp) -> DerivationShown:
    unit, standing = answer.unit, answer.standing
    return DerivationShown(
        nettable=amount(standing.nettable, unit),
        expired=amount(standing.expired, unit),
        hard=amount(standing.hard, unit),
        soft=amount(standing.soft, unit),
        safety=amount(standing.safety, unit),
        supplies=[_supply(one, unit) for one in answer.inbound],
        buckets=[_bucket(bucket, unit) for bucket in answer.buckets],
        parts=[_part(part) for part in answer.parts],
        lots=[_lot(one, unit) for one in answer.lots],
        version=answer.version,
    )


def _part(part: Part) -> PartOfShown:
    unit, standing = part.unit, part.standing
    return PartOfShown(
        item=part.item,
        location=part.location,
        per=amount(part.per, unit) if part.per else None,
        nettable=amount(standing.nettable, unit),
        expired=amount(standing.expired, unit),
        hard=amount(standing.hard, unit),
        soft=amount(standing.soft, unit),
        safety=amount(standing.safety, unit),
        supplies=[_supply(one, unit) for one in part.inbound],
        buckets=[_bucket(bucket, unit) for bucket in part.buckets],
        lots=[_lot(one, unit) for one in part.lots],
        level=part.level,
        into=[IntoShown(kit, amount(micros, unit)) for kit, micros in part.into],
        needed=None if part.needed is None else amount(part.needed, unit),
        made=None if part.needed is None else amount(part.made, unit),
    )


def _offer(one: Offer, unit: str) -> OfferShown:
    option, answer = one.option, one.answer
    return OfferShown(
        item=option.item,
        kind=option.kind,
        rank=option.rank,
        numerator=option.factor.numerator,
        denominator=option.factor.denominator,
        ruled=option.ruled,
        version=option.version,
        not_before=option.not_before,
        requires_approval=option.requires_approval,
        on_time=amount(one.on_time, option.unit),
        covers=amount(one.covers, unit),
        promised_on=one.promised_on,
        reason=one.reason,
        answer=atp_shown(answer, with_derivation=False),
    )


def _share(one: Share, unit: str) -> ShareShown:
    return ShareShown(one.item, amount(one.micros, one.unit), amount(one.covers, unit), *one[4:])


def _lot(one: Shelved, unit: str) -> LotShown:
    return LotShown(one.lot, one.owner, amount(one.micros, unit), *one[3:])


def _pick(pick: Pick, unit: str) -> PickShown:
    return PickShown(pick.day, pick.lot, pick.owner, amount(pick.micros, unit))


def _bucket(bucket: Bucket, unit: str) -> BucketShown:
    return BucketShown(bucket.day, *(amount(micros, unit) for micros in bucket[1:5]))


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
