"""The rules of the catalogue: names made comparable, numbers checked, versions told apart."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from crossdock.canonical.catalog import ItemChanged, LocationChanged, LocationKind
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import KeyRule, gtin
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.references import ReferenceKind
from crossdock.canonical.units import canonical_unit

CatalogFact = ItemChanged | LocationChanged | PartyChanged
"""What the catalogue is told."""
_KINDS = {
    ItemChanged: ReferenceKind.ITEM,
    LocationChanged: ReferenceKind.LOCATION,
    PartyChanged: ReferenceKind.PARTY,
}
_CODES = KeyRule()
FACTOR_MAX = 2**63 - 1


class Confidence(StrEnum):
    """ASSERTED: a system or a person said so. MATCHED: a rule did. PROVISIONAL: a proposal."""

    ASSERTED = "ASSERTED"
    MATCHED = "MATCHED"
    PROVISIONAL = "PROVISIONAL"


class Qualifier(StrEnum):
    """Which of a system's names for a thing: its own key, or the code that people read."""

    ID = "id"
    CODE = "code"


OWN_SOURCE = "crossdock"
"""The source of what is added at the hub itself, by a person or a script."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a fact that was refused while the rest was taken."""

    code: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """`numerator / denominator` base units make one `unit`."""

    unit: str
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A catalogue fact with what its place among others follows from.

    `record` is what its source counts the versions of: of a party its own key, of what is told
    without one, and of all else, the code, made comparable. `hub_id` is another where a person
    linked the record to a party.
    """

    event: Event
    kind: ReferenceKind
    hub_id: str
    version: int
    record: str

    @property
    def source_key(self) -> tuple[str, str, str, str]:
        return (self.event.tenant, self.event.source, self.kind, self.record)

    @property
    def hub_key(self) -> tuple[str, str]:
        return (self.event.tenant, self.hub_id)


class LastWord(NamedTuple):
    """What was last said of an item by those who knew; None is that nobody did."""

    is_regulated: bool | None = None
    item_class: str | None = None


def normalised(code: str) -> str:
    """Make two spellings of one code equal: spaces around it and case do not count.

    Leading zeros do: `0042` and `42` are two articles unless a source says otherwise.
    """
    return _CODES.comparable(code)


def own_fact(payload: CatalogFact, now: datetime) -> Fact:
    """Say at the hub itself what a thing is or who trades; recorded with source OWN_SOURCE.

    The same said twice in one microsecond is said once.
    """
    content = hashlib.blake2b(repr(payload).encode(), digest_size=8).hexdigest()
    version = micros_of(now)
    return Fact(
        identity=f"{payload.TYPE}:{normalised(payload.key)[:300]}:{version}:{content}",
        payload=payload,
        occurred_at=now,
        version=version,
    )


def version_of(event: Event) -> int:
    """Give the source's own version, else its clock: whichever it has only ever rises."""
    if event.fact.version is not None:
        return event.fact.version
    return micros_of(event.ordered_at)


def micros_of(moment: datetime) -> int:
    """Count whole microseconds since 1970, without passing through a float."""
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def heard(event: Event) -> Heard:
    payload = event.payload
    if not isinstance(payload, CatalogFact):
        raise TypeError(f"{payload.TYPE} is no fact of the catalogue")
    hub_id = normalised(payload.key)
    if not hub_id:
        raise Invalid(f"{payload.TYPE} without a code names nothing", code="EVT-SCHEMA")
    kind = _KINDS[type(payload)]
    key = event.fact.native_ref if kind is ReferenceKind.PARTY else ""
    return Heard(event, kind, hub_id, version_of(event), record=key or hub_id)


def newest(facts: Iterable[Heard], known: Mapping[tuple[str, str, str, str], int]) -> list[Heard]:
    """Keep what is at least as new as anything its source said, in order, one per source."""
    kept: dict[tuple[str, str, str, str], Heard] = {}
    for fact in accepted(facts, known):
        kept.pop(fact.source_key, None)  # so that the order is that of the last one
        kept[fact.source_key] = fact
    return list(kept.values())


def accepted(
    facts: Iterable[Heard], known: Mapping[tuple[str, str, str, str], int]
) -> list[Heard]:
    """Keep all that is at least as new as anything its source said before, in order.

    An equal version is taken again: the inbox has dropped true repeats, so it is a correction by
    a source that does not count its versions well.
    """
    floors = dict(known)
    kept: list[Heard] = []
    for fact in facts:
        if fact.version >= floors.get(fact.source_key, fact.version):
            floors[fact.source_key] = fact.version
            kept.append(fact)
    return kept


def last_words(facts: Iterable[Heard]) -> dict[tuple[str, str], LastWord]:
    """Give the last word on what not every source knows of an item."""
    found: dict[tuple[str, str], LastWord] = {}
    for fact in facts:
        if isinstance(item := fact.event.payload, ItemChanged):
            had = found.get(fact.hub_key, LastWord())
            said = item.is_regulated if item.is_regulated is not None else had.is_regulated
            code = None if item.item_class is None else normalised(item.item_class)
            found[fact.hub_key] = LastWord(said, had.item_class if code is None else code)
    return found


def conversions(item: ItemChanged, base_unit: str) -> tuple[list[Conversion], list[Finding]]:
    """Read an item's units, given the base unit the hub keeps it in.

    Stock is counted in the base unit, so it cannot change under the stock's feet: an item whose
    source names another one keeps the old, and none of the new factors are taken.
    """
    said = canonical_unit(item.base_unit)
    if said != base_unit:
        reason = f"its base unit is {base_unit} and cannot become {said}"
        return [], [Finding("MD-UOM", said, reason)]
    taken: dict[str, Conversion] = {}
    findings: list[Finding] = []
    for unit in item.units:
        code = canonical_unit(unit.unit)
        conversion = Conversion(code, unit.numerator, unit.denominator)
        reason = _unit_fault(conversion, base_unit, taken.get(code))
        if reason:
            findings.append(Finding("MD-UOM", code, reason))
        else:
            taken[code] = conversion
    return [unit for unit in taken.values() if unit.unit != base_unit], findings


def gtins(item: ItemChanged) -> tuple[list[tuple[str, str]], list[Finding]]:
    """Give (GTIN-14, unit) for each packaging level that names one."""
    named = [(item.gtin, canonical_unit(item.base_unit))]
    named += [(unit.gtin, canonical_unit(unit.unit)) for unit in item.units]
    taken: dict[str, str] = {}
    findings: list[Finding] = []
    for text, unit in named:
        if not text:
            continue
        try:
            number = gtin(text)
        except Invalid as refusal:
            findings.append(Finding("MD-GTIN", text, refusal.message))
            continue
        if taken.setdefault(number, unit) != unit:
            reason = f"one GTIN for two packaging levels, {taken[number]} and {unit}"
            findings.append(Finding("MD-GTIN", text, reason))
    return list(taken.items()), findings


def native_names(fact: Heard) -> Sequence[tuple[str, Qualifier]]:
    """List what the source calls the thing: by its own key, and by the code people read."""
    payload = fact.event.payload
    names = [(payload.key, Qualifier.CODE)]
    if fact.event.fact.native_ref:
        names.append((fact.event.fact.native_ref, Qualifier.ID))
    return names


def _unit_fault(unit: Conversion, base_unit: str, other: Conversion | None) -> str:
    if not (0 < unit.numerator <= FACTOR_MAX and 0 < unit.denominator <= FACTOR_MAX):
        return f"{unit.numerator}/{unit.denominator} is no factor: both must be above zero"
    if unit.unit == base_unit and unit.numerator != unit.denominator:
        return f"{unit.unit} is the base unit, so it is 1/1"
    if other is not None and other.numerator * unit.denominator != (
        unit.numerator * other.denominator
    ):
        return "two factors for one unit"
    return ""


def check_members(
    group: str, members: Sequence[str], kinds: Mapping[str, str], above: str | None
) -> None:
    """Refuse to group what is no location, a group, or this group itself (§1.3).

    `kinds` are those of the locations that there are, `above` is the group that holds this one.
    """
    if above is not None:
        raise Invalid(f"{group} is a member of {above}: a group holds no groups", where="members")
    for member in members:
        if member == group:
            raise Invalid("a group cannot hold itself", where="members")
        if member not in kinds:
            raise Invalid(f"no location is called {member!r}", where="members", code="MD-LOC")
        if kinds[member] == LocationKind.GROUP:
            raise Invalid(f"{member} is a group: name its members", where="members")
