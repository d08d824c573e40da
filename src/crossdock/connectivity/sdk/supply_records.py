"""Flat records of what is to come and of goods: supply, kits, lots, catch weights; pure.

Each carries a whole state, and the newest `version` (or time) wins. What ends something says so
(`is_active` false, or nothing to come): a column that is lacking must not take a kit apart, nor
let a lot keep for ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from crossdock.canonical.catalog import (
    PERCENT_MAX,
    CatchWeightChanged,
    KitChanged,
    KitComponent,
    LotChanged,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import (
    ConfidenceClass,
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyPeg,
)
from crossdock.connectivity.sdk.records import (
    TEXT_CHARACTERS_MAX,
    Record,
    exact_json,
    json_list,
    json_object,
    pointer,
)
from crossdock.connectivity.sdk.stock_records import Vocabulary, fact_of, version_of

PARTS_MAX = 1_000


def supply_changed(record: Record, vocabulary: Vocabulary) -> Fact:
    """Read one inbound commitment; `quantity` is what is still to come of it, zero once it is in.

    Less than nothing is nothing: more came than was ordered, and `ordered - received` says so.

    Its `supplier`, what he `acknowledged` of the line last and what was `received` of it so far
    say how well he fills what he acknowledges; what the buyer `cancelled` of it is not his fault.

    Ordered and not answered is what nobody says more of (SENT): it is shown, not promised.
    """
    supply_id = record.key("supply_id")
    unit = record.text("unit", vocabulary.unit)
    eta = record.day_or_none("eta")
    payload = SupplyCommitmentChanged(
        supply_id=supply_id,
        kind=record.word("kind", SupplyKind) or SupplyKind.PO_SCHEDULE,
        item=record.key("item"),
        location=record.key("location"),
        open_quantity=Quantity(max(record.decimal("quantity"), Decimal(0)), unit),
        evidence=record.word("evidence", SupplyEvidence) or SupplyEvidence.SENT,
        eta=eta,
        eta_source=record.text("eta_source"),
        acknowledgment_due=record.day_or_none("acknowledgment_due"),
        confidence=record.word("confidence", ConfidenceClass),
        parent_supply_id=record.text("parent_supply_id"),
        document_ref=record.text("document"),
        supplier=record.text("supplier"),
        acknowledged=_amount_or_none(record, "acknowledged", unit),
        received=_amount_or_none(record, "received", unit),
        cancelled=_amount_or_none(record, "cancelled", unit),
        pegs=tuple(
            SupplyPeg(demand_ref=part.name, quantity=Quantity(part.amount, part.unit or unit))
            for part in _parts(record, "pegs", "demand_ref")
        ),
    )
    if payload.parent_supply_id == supply_id:
        raise record.invalid("parent_supply_id", f"{supply_id} cannot be a part of itself")
    return fact_of(
        record,
        f"supply:{supply_id}",
        payload,
        version=version_of(record),
        correlation_id=record.text("document"),
        native_ref=supply_id,
    )


def kit_changed(record: Record, vocabulary: Vocabulary) -> Fact:
    """Read what `quantity` of a kit (one, if it is not said) is put together from."""
    item = record.key("item")
    parts = list(_parts(record, "components", "item"))
    is_active = record.flag("is_active", default=True)
    if is_active == (not parts):
        raise record.invalid(
            "components",
            "A kit names its components, and what is a kit no longer (is_active false) has none",
        )
    is_said = record.value("quantity") is not None
    makes = _amount(record, "quantity") if is_said else Decimal(1)
    payload = KitChanged(
        item=item,
        quantity=Quantity(makes, record.text("unit", vocabulary.unit)),
        components=tuple(
            KitComponent(
                item=part.name, quantity=Quantity(part.amount, part.unit or vocabulary.unit)
            )
            for part in parts
        ),
    )
    if item in {part.name for part in parts}:
        raise record.invalid("components", f"{item} cannot be put together from itself")
    version = version_of(record)
    return fact_of(record, f"kit:{item}", payload, version=version, native_ref=item)


def lot_changed(record: Record) -> Fact:
    """Read until when a lot keeps, its last day of use; not `is_active`: no day is known of it."""
    item, lot = record.key("item"), record.key("lot")
    day = record.day_or_none("expires_on")
    if record.flag("is_active", default=True) == (day is None):
        raise record.invalid(
            "expires_on",
            "A lot names its last day, and one of which none is known any more"
            " (is_active false) has none",
        )
    return fact_of(
        record,
        f"lot{pointer(pointer('', item), lot)}",
        LotChanged(item=item, lot=lot, expires_on=day),
        version=version_of(record),
        native_ref=lot,
    )


def catch_weight_changed(record: Record) -> Fact:
    """Read what one base unit weighs; not `is_active`: it is sold by weight no longer."""
    item = record.key("item")
    is_active = record.flag("is_active", default=True)
    payload = CatchWeightChanged(
        item=item,
        nominal=Quantity(_amount(record, "quantity"), record.key("unit")) if is_active else None,
        low_percent=_percent(record, "low_percent"),
        high_percent=_percent(record, "high_percent"),
    )
    version = version_of(record)
    return fact_of(record, f"catch_weight:{item}", payload, version=version, native_ref=item)


class _Part(NamedTuple):
    """So much of something goes into a kit, or to an order line; `unit` "" is the usual one."""

    name: str
    amount: Decimal
    unit: str


def _parts(record: Record, column: str, what: str) -> Iterator[_Part]:
    """Read `BOLT=4;NUT=2 CS`, or a JSON array of objects, as a member or as a text.

    Each names its amount, and none is named twice.
    """
    seen: set[str] = set()
    for number, part in enumerate(_listed(record, column, what)):
        name = part.key(what)
        if name in seen or number >= PARTS_MAX:
            reason = f"{name} is named twice" if name in seen else f"{PARTS_MAX} at most"
            raise part.invalid(what, reason)
        seen.add(name)
        yield _Part(name, _amount(part, "quantity"), part.text("unit"))


def _listed(record: Record, column: str, what: str) -> Iterator[Record]:
    found, where = record.value(column), record.where(column)
    if isinstance(found, str) and not found.lstrip().startswith("["):
        text = record.text(column, characters_max=TEXT_CHARACTERS_MAX)
        for entry in filter(None, map(str.strip, text.split(";"))):
            name, _, rest = entry.rpartition("=")
            amount, _, unit = rest.strip().partition(" ")
            yield _part(record, {what: name, "quantity": amount, "unit": unit}, where)
        return
    lines = exact_json(found) if isinstance(found, str) else found
    for number, line in enumerate(json_list([] if lines is None else lines, where)):
        place = pointer(where, str(number))
        yield _part(record, json_object(line, place), where, place)


def _part(record: Record, fields: Mapping[str, Any], where: str, place: str = "") -> Record:
    """Stand one part of a list by itself; what it does not say nobody says."""

    def at(name: str) -> str:
        return pointer(place, name) if place else where

    return replace(record, fields=fields, defaults={}, names={}, at=at)


def _amount(record: Record, name: str) -> Decimal:
    amount = record.decimal(name)
    if amount <= 0:
        raise record.invalid(name, f"{amount} is too little: send more than zero")
    return amount


def _amount_or_none(record: Record, name: str, unit: str) -> Quantity | None:
    """Read an amount that a source need not say; less than nothing is nothing."""
    if record.value(name) is None:
        return None
    return Quantity(max(record.decimal(name), Decimal(0)), unit)


def _percent(record: Record, name: str) -> int:
    percent = record.integer(name) or 0
    if percent > PERCENT_MAX:
        raise record.invalid(name, f"{percent} % is more than {PERCENT_MAX} %")
    return percent
