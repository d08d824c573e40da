"""Findings and runs as people see them, and how they are told: cases and events. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.canonical.calendars import WorkingTime
from crossdock.canonical.quantities import MICROS, Quantity, plain
from crossdock.canonical.reconciliation import DifferenceClosed, DifferenceConfirmed
from crossdock.capabilities.reconciliation import ranking, responsible, withholding
from crossdock.capabilities.reconciliation.buckets import Sold
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.explaining import Found
from crossdock.capabilities.reconciliation.kinds import Kind, kind_of
from crossdock.capabilities.reconciliation.model import Fate
from crossdock.capabilities.reconciliation.money import in_house
from crossdock.capabilities.reconciliation.store import HUB, FindingRow, Pair, RunRow

SELLABLE_MILLE, UNSELLABLE_MILLE = 1000, 100
"""What cannot be sold is at risk too, but nobody was promised it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One comparison. The counts are of keys: an item at a location, or a line of a document.

    `kind` is what was compared: stock, orders, purchases or what is published. `system` is whose
    number is compared with that of `against`: the hub's ledger (crossdock), the first of two
    systems, or another book of the hub, named as its kind.

    `is_sample`: single keys were asked for, or listings of a channel were read back.
    `rules_version` names the rules of the house that it went by; 0 is built in.

    `explained` keys differ by what documents account for, and are no findings. `value_at_risk` is
    in the functional currency; null while nobody has said what anything costs. `other_values` are
    in other currencies, and never added to it; `unpriced` differences have no price.
    """

    run_id: str
    system: str
    against: str
    verdict: str
    reason: str
    asked_by: str
    began_at: datetime
    ended_at: datetime
    earliest_cut: datetime | None
    latest_cut: datetime | None
    rows: int
    zero_rows: int
    is_full: bool
    compared: int
    alike: int
    explained: int
    tolerated: int
    suspected: int
    confirmed: int
    gone: int
    value_at_risk: Decimal | None
    other_values: Mapping[str, Decimal]
    unpriced: int
    unknown_names: tuple[str, ...]
    kind: Kind
    is_sample: bool
    rules_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A key where two systems differ, both as of `last_cut`.

    Of orders and purchases the key is `line` of `document`, and the amounts are what is open.

    `ours` is what `system` says, which is the hub's ledger (crossdock) or the first of two other
    systems; `theirs` is what `against` says. Amounts are of the base unit: raw is theirs - ours =
    `explained` + `unexplained`; `absolute` adds up the buckets' differences and never nets them;
    `safe` is the lower of what either says can be sold, once it has what is on its way: what may
    be promised while it is suspect. `withheld` is by how much less than the ledger that is, and so
    channels are shown until it is closed.
    `value_at_risk` is in `currency` ("": the functional one). `attempts` counts how often it was
    mended by sending again. `evidence` holds both numbers of each bucket, the documents that one
    side lacks or has twice, and the newest movements.
    """

    finding_id: str
    system: str
    against: str
    location: str
    item: str
    state: str
    level: str
    cause: str
    because: str
    remedy: str
    unit: str
    ours: Decimal
    theirs: Decimal
    raw: Decimal
    explained: Decimal
    unexplained: Decimal
    absolute: Decimal
    safe: Decimal
    withheld: Decimal
    value_at_risk: Decimal | None
    currency: str
    item_class: str
    age: str
    priority: int
    due_at: datetime
    is_in_flight: bool
    is_gone: bool
    times: int
    attempts: int
    run_id: str
    evidence: Mapping[str, Any]
    first_cut: datetime
    last_cut: datetime
    found_at: datetime
    confirmed_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    root_cause: str
    note: str
    kind: Kind = Kind.STOCK
    document: str = ""
    line: str = ""


def row_of(found: Found, finding_id: str, run_id: str, pair: Pair, now: datetime) -> FindingRow:
    judged, cut = found.judged, instant(found.cut)
    return FindingRow(
        finding_id=finding_id,
        system=pair.system,
        against=pair.against,
        location=found.location,
        item=found.item,
        state=judged.state,
        level=judged.level,
        cause=judged.verdict.cause,
        because=judged.verdict.because,
        remedy=judged.remedy,
        unit=found.unit,
        ours=judged.difference.ours,
        theirs=judged.difference.theirs,
        explained=judged.difference.explained,
        unexplained=judged.difference.unexplained,
        at_stake=judged.at_stake,
        absolute=judged.absolute,
        withheld=judged.withheld,
        value_at_risk=judged.value,
        currency=found.currency,
        class_=found.of,
        is_in_flight=judged.is_in_flight,
        is_gone=False,
        times=1,
        attempts=0,
        run_id=run_id,
        evidence=msgspec.json.encode(found.evidence).decode(),
        first_cut=cut,
        last_cut=cut,
        found_at=now,
        confirmed_at=None,
        closed_at=None,
        closed_by="",
        root_cause="",
        note="",
        seen=found.seen,
    )


def run_shown(row: RunRow) -> Run:
    return Run(
        run_id=row.run_id,
        system=row.system,
        against=row.against,
        verdict=row.verdict,
        reason=row.reason,
        asked_by=row.asked_by,
        began_at=row.began_at,
        ended_at=row.ended_at,
        earliest_cut=row.earliest_cut,
        latest_cut=row.latest_cut,
        rows=row.row_count,
        zero_rows=row.zero_count,
        is_full=row.is_full,
        compared=row.compared,
        alike=row.alike,
        explained=row.explained,
        tolerated=row.tolerated,
        suspected=row.suspected,
        confirmed=row.confirmed,
        gone=row.gone,
        value_at_risk=None if row.value_at_risk is None else decimal_of(row.value_at_risk),
        other_values=amounts_of(row.other_values),
        unpriced=row.unpriced,
        unknown_names=row.unknown_names,
        kind=kind_of(row.system),
        is_sample=row.is_sample,
        rules_version=row.rules_version,
    )


def finding_shown(row: FindingRow, now: datetime, house: str, working: WorkingTime) -> Finding:
    """Show a finding; `house` names the functional currency, `working` is when its place works."""
    evidence: dict[str, Any] = msgspec.json.decode(row.evidence)
    return Finding(
        finding_id=row.finding_id,
        system=row.system,
        against=row.against,
        location=row.location,
        item=row.item,
        state=row.state,
        level=row.level,
        cause=row.cause,
        because=row.because,
        remedy=row.remedy,
        unit=row.unit,
        ours=decimal_of(row.ours),
        theirs=decimal_of(row.theirs),
        raw=decimal_of(row.theirs - row.ours),
        explained=decimal_of(row.explained),
        unexplained=decimal_of(row.unexplained),
        absolute=decimal_of(row.absolute),
        safe=decimal_of(sold_in(row, evidence).lower),
        withheld=decimal_of(withholding.held(row) if row.system == HUB else 0),
        value_at_risk=None if row.value_at_risk is None else decimal_of(row.value_at_risk),
        currency=in_house(row.currency, house),
        item_class=row.class_,
        age=ranking.age_bucket(age_of(row, now)),
        priority=priority_of(row, now),
        due_at=responsible.due_at(row, working),
        is_in_flight=row.is_in_flight,
        is_gone=row.is_gone,
        times=row.times,
        attempts=row.attempts,
        run_id=row.run_id,
        evidence=evidence,
        first_cut=row.first_cut,
        last_cut=row.last_cut,
        found_at=row.found_at,
        confirmed_at=row.confirmed_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        root_cause=row.root_cause,
        note=row.note,
        kind=kind_of(row.system),
        document=row.document,
        line=row.line,
    )


def sold_in(row: FindingRow, evidence: Mapping[str, Any]) -> Sold:
    """Say what either side says can be sold; of a document's line all of it, as is published."""
    if sold := evidence.get("sold"):
        return Sold(*(Quantity.of(sold[side], row.unit).micros for side in ("ours", "theirs")))
    return Sold(row.ours, row.theirs)


def amounts_of(text: str) -> dict[str, Decimal]:
    """Read amounts in micros by currency."""
    amounts = msgspec.json.decode(text, type=dict[str, int])
    return {currency: decimal_of(micros) for currency, micros in amounts.items()}


def microseconds(moment: datetime) -> int:
    """Count from 1970, as cuts are."""
    return (moment - instant(0)) // timedelta(microseconds=1)


def age_of(row: FindingRow, now: datetime) -> int:
    """Answer how long it has been open, or was, in microseconds."""
    return max(timedelta(), (row.closed_at or now) - row.found_at) // timedelta(microseconds=1)


def priority_of(row: FindingRow, now: datetime) -> int:
    """Score it (§4.5); what is gone puts nothing at risk."""
    if row.is_gone:
        return 0
    is_sellable = msgspec.json.decode(row.evidence).get("is_sellable", True)
    return ranking.priority(
        row.value_at_risk,
        sellable_mille=SELLABLE_MILLE if is_sellable else UNSELLABLE_MILLE,
        age=age_of(row, now),
    )


def not_booked(row: FindingRow) -> list[str]:
    """Name the movements whose booking the other side lacks."""
    named: list[str] = msgspec.json.decode(row.evidence).get("not_booked", [])
    return named


def lacked_since(row: FindingRow) -> datetime | None:
    """Tell when the first document was recorded that only the other side has."""
    documents: list[dict[str, str]] = msgspec.json.decode(row.evidence).get("documents", [])
    theirs = [one["recorded_at"] for one in documents if one["fate"] == Fate.ONLY_THEIRS]
    return min(map(datetime.fromisoformat, theirs), default=None)


def told_by(row: FindingRow) -> tuple[str, datetime] | None:
    """Tell who is read again for a document, and from when on."""
    evidence: dict[str, Any] = msgspec.json.decode(row.evidence)
    source, since = evidence.get("source", ""), evidence.get("since", "")
    return (source, datetime.fromisoformat(since)) if source and since else None


def is_unlisted(row: FindingRow) -> bool:
    """Say whether a source was asked for all its open lines and did not name this one of its."""
    return bool(msgspec.json.decode(row.evidence).get("is_unlisted"))


def fingerprint(row: FindingRow) -> str:
    if row.document:
        return f"reconciliation/{row.system}|{row.against}/{row.document}/{row.line}"
    pair = row.against if row.system == HUB else f"{row.system}|{row.against}"
    return f"reconciliation/{pair}/{row.location}/{row.item}"


def confirmed(row: FindingRow) -> DifferenceConfirmed:
    def quantity(micros: int) -> Quantity:
        return Quantity.from_micros(micros, row.unit)

    return DifferenceConfirmed(
        finding_id=row.finding_id,
        system=row.system,
        against=row.against,
        item=row.item,
        location=row.location,
        cut=row.last_cut,
        ours=quantity(row.ours),
        theirs=quantity(row.theirs),
        explained=quantity(row.explained),
        unexplained=quantity(row.unexplained),
        cause=row.cause,
        remedy=row.remedy,
        value_at_risk=None if row.value_at_risk is None else decimal_of(row.value_at_risk),
        currency=row.currency,
        document=row.document,
        line=row.line,
    )


def closed(row: FindingRow) -> DifferenceClosed:
    return DifferenceClosed(
        finding_id=row.finding_id,
        system=row.system,
        against=row.against,
        item=row.item,
        location=row.location,
        root_cause=row.root_cause,
        closed_by=row.closed_by,
        document=row.document,
        line=row.line,
    )


def decimal_of(micros: int) -> Decimal:
    """Write micros as a decimal without an exponent or trailing zeros."""
    return Decimal(plain(Decimal(micros) / MICROS))
