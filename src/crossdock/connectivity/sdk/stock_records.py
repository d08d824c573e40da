"""Flat records of stock in canonical words: movements, levels, signs of life, items, locations.

Most systems that keep stock say the same few things in other columns. An application that can
name its columns needs no mapping of its own: it makes `Record`s and asks these functions. Each
is pure and raises `Invalid` with the place of the fault.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from crossdock.canonical.catalog import (
    ITEM_CLASS_MAX,
    ItemChanged,
    ItemStatus,
    ItemUnit,
    LocationChanged,
    LocationKind,
    Tracking,
)
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.quantities import Quantity, decimal_of
from crossdock.connectivity.sdk.facts import Untranslatable, stamped, versioned
from crossdock.connectivity.sdk.records import TEXT_CHARACTERS_MAX, Record

# Where goods come from and go to when a record names the reason alone (domain.md §1.3). None is
# outside the house.
ENDS: Mapping[MovementType, tuple[StockStatus | None, StockStatus | None]] = {
    MovementType.RECEIPT: (None, StockStatus.RECEIVING),
    MovementType.PUTAWAY: (StockStatus.RECEIVING, StockStatus.AVAILABLE),
    MovementType.RTV: (StockStatus.AVAILABLE, None),
    MovementType.QC_RELEASE: (StockStatus.QC_HOLD, StockStatus.AVAILABLE),
    MovementType.QC_HOLD: (StockStatus.AVAILABLE, StockStatus.QC_HOLD),
    MovementType.BLOCK: (StockStatus.AVAILABLE, StockStatus.BLOCKED),
    MovementType.UNBLOCK: (StockStatus.BLOCKED, StockStatus.AVAILABLE),
    MovementType.DAMAGE: (StockStatus.AVAILABLE, StockStatus.DAMAGED),
    MovementType.EXPIRE: (StockStatus.AVAILABLE, StockStatus.EXPIRED),
    MovementType.RECALL: (StockStatus.AVAILABLE, StockStatus.BLOCKED),
    MovementType.PICK: (StockStatus.AVAILABLE, StockStatus.STAGED_OUT),
    MovementType.UNPICK: (StockStatus.STAGED_OUT, StockStatus.AVAILABLE),
    MovementType.SHIP: (StockStatus.STAGED_OUT, None),
    MovementType.SHIP_VOID: (None, StockStatus.STAGED_OUT),
    MovementType.TRANSFER_SHIP: (StockStatus.AVAILABLE, StockStatus.IN_TRANSIT),
    MovementType.TRANSFER_RECEIVE: (StockStatus.IN_TRANSIT, StockStatus.AVAILABLE),
    MovementType.RETURN_RECEIPT: (None, StockStatus.RETURN_PENDING),
    MovementType.DISPOSITION: (StockStatus.RETURN_PENDING, StockStatus.AVAILABLE),
    MovementType.OWNER_CHANGE: (StockStatus.AVAILABLE, StockStatus.AVAILABLE),
    MovementType.UOM_REPACK: (StockStatus.AVAILABLE, StockStatus.AVAILABLE),
}

# The sign of the quantity says which way these go: found or lost, made or used up.
SIGNED = frozenset(MovementType) - ENDS.keys()

Counted = set[bytes]
"""The buckets that the pieces of a long message have counted so far, each by a short hash."""

_DIGEST_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """A source's own codes and defaults; the canonical names are always understood as well."""

    reasons: Mapping[str, MovementType] = field(default_factory=dict[str, MovementType])
    statuses: Mapping[str, StockStatus] = field(default_factory=dict[str, StockStatus])
    unit: str = "EA"

    def reason(self, code: str) -> MovementType:
        return self.reasons.get(code) or MovementType(code.upper())

    def status(self, record: Record, name: str, usual: StockStatus) -> StockStatus:
        """Read a bucket; an unknown one is refused, for it decides whether goods can be sold."""
        code = record.text(name)
        if not code:
            return usual
        try:
            return self.statuses.get(code) or StockStatus(code.upper())
        except ValueError:
            raise record.invalid(name, f"{code!r} is not a stock status that is known") from None


def stock_moved(record: Record, vocabulary: Vocabulary) -> Fact:
    """Read one movement. One of nothing (a pick that found an empty bin) is a sign of life."""
    amount = record.decimal("quantity")
    native, line = record.key("movement_id"), record.integer("line") or 1
    if not amount:
        return fact_of(
            record, f"heard:movement:{native}:{line}", SourceHeard(source=_stream(record))
        )
    code = record.key("reason")
    kind = vocabulary.reason(code)
    if amount < 0 and (kind not in SIGNED or _names_ends(record)):
        raise record.invalid("quantity", f"A {kind} of {amount}: send its reversal instead")
    if kind is MovementType.OTHER and not _names_ends(record):
        # The sign alone would make a mistyped pick a find.
        raise record.invalid(
            "reason",
            f"{code!r} is not a reason that is known, and nothing says from where to where: map it"
            " in the connection's `reasons`, or send from_status and to_status",
        )
    source, target = _ends(record, vocabulary, kind, amount)
    reverses = record.text("reverses")
    return fact_of(
        record,
        f"movement:{native}:{line}",
        StockMoved(
            movement_id=f"{native}:{line}",
            item=record.key("item"),
            quantity=Quantity(abs(amount), record.text("unit", vocabulary.unit)),
            type=kind,
            source_place=source,
            target_place=target,
            reason=code,
            document_ref=record.text("document"),
            demand_ref=record.text("demand_ref"),
            reverses_id=reverses and f"{reverses}:{record.integer('reverses_line') or line}",
        ),
        correlation_id=record.text("document"),
        native_ref=native,
    )


def source_heard(record: Record) -> Fact:
    """Read a heartbeat. Its sequence, if it has one, is its own and no movement's."""
    stream = _stream(record)
    mark = record.integer("sequence")
    moment = record.instant("occurred_at")
    identity = f"heard:{stream}:{moment.isoformat() if mark is None else mark}"
    return fact_of(record, identity, SourceHeard(source=stream))


def item_changed(record: Record, vocabulary: Vocabulary) -> Fact:
    sku = record.key("item")
    payload = ItemChanged(
        sku=sku,
        description=record.text("description", characters_max=TEXT_CHARACTERS_MAX),
        base_unit=record.text("unit", vocabulary.unit),
        units=_units(record),
        status=ItemStatus(record.text("status", "ACTIVE").upper()),
        tracking=_tracking(record),
        gtin=record.text("gtin"),
        is_regulated=None if record.value("regulated") is None else record.flag("regulated"),
        item_class=record.text("item_class", characters_max=ITEM_CLASS_MAX) or None,
    )
    return fact_of(record, f"item:{sku}", payload, version=version_of(record), native_ref=sku)


def location_changed(record: Record) -> Fact:
    code = record.key("location")
    members = record.text("members", characters_max=TEXT_CHARACTERS_MAX)
    payload = LocationChanged(
        code=code,
        name=record.text("name"),
        kind=LocationKind(record.text("kind", "DC").upper()),
        timezone=record.text("timezone", "UTC"),
        members=tuple(member.strip() for member in members.split(";") if member.strip()),
        is_active=record.flag("is_active", default=True),
    )
    return fact_of(
        record, f"location:{code}", payload, version=version_of(record), native_ref=code
    )


def snapshots_taken(
    records: Iterable[Record],
    vocabulary: Vocabulary,
    *,
    part: str = "",
    is_last: bool = False,
    counted: Counted | None = None,
) -> tuple[tuple[Fact, ...], tuple[Untranslatable, ...]]:
    """Read levels, a record each, into one fact per snapshot and location.

    A record without an item states the snapshot alone: nothing lies there. `part` names a piece
    of a longer message. A full snapshot of which a part or a line is lacking is no longer full:
    what it omits would count as zero. `is_last`: the part says that all others are there.
    `counted` holds what earlier pieces counted, and takes up what this one does.
    """
    counted = set() if counted is None else counted
    drafts: dict[tuple[str, str], _SnapshotDraft] = {}
    refused: list[Untranslatable] = []
    for record in records:
        try:
            key = (record.key("snapshot_id"), record.key("location"))
            line = _counted(record, vocabulary)
            draft = drafts.setdefault(key, _SnapshotDraft.begun(record))
            draft.check(record)
            if line:
                draft.lines.append(_once(record, key, line, counted))
        except Invalid as problem:
            refused.append(record.refused(problem))
    is_whole = (is_last or not part) and not refused
    facts = (draft.fact(key, part, is_whole=is_whole) for key, draft in drafts.items())
    return tuple(facts), tuple(refused)


@dataclass(slots=True)
class _SnapshotDraft:
    """What is known of one snapshot at one location while its records are read."""

    head: Record
    statement: tuple[datetime, int | None, bool]
    lines: list[CountedStock] = field(default_factory=list[CountedStock])

    @classmethod
    def begun(cls, record: Record) -> "_SnapshotDraft":
        return cls(record, _statement(record))

    def check(self, record: Record) -> None:
        if _statement(record) != self.statement:
            raise record.invalid(
                "snapshot_id", "The records of this snapshot differ in time, sequence or fullness"
            )

    def fact(self, key: tuple[str, str], part: str, *, is_whole: bool) -> Fact:
        native, location = key
        payload = StockSnapshotTaken(
            snapshot_id=native,
            location=location,
            lines=tuple(self.lines),
            is_full=self.statement[2] and is_whole,
        )
        identity = f"snapshot:{location}:{native}" + (part and f":{part}")
        return fact_of(self.head, identity, payload, native_ref=native)


def _once(
    record: Record, snapshot: tuple[str, str], line: CountedStock, counted: Counted
) -> CountedStock:
    """Refuse a second line of a bucket, for one of the two would be lost."""
    bucket = (line.item, line.quantity.unit, line.status, line.owner, line.lot, line.serial)
    digest = blake2b(repr((*snapshot, *bucket)).encode(), digest_size=_DIGEST_BYTES).digest()
    if digest in counted:
        raise record.invalid("item", "This bucket is counted twice: send the sum of its bins")
    counted.add(digest)
    return line


def _statement(record: Record) -> tuple[datetime, int | None, bool]:
    return record.instant("occurred_at"), record.integer("sequence"), record.flag("is_full")


def _counted(record: Record, vocabulary: Vocabulary) -> CountedStock | None:
    if record.value("item") is None and record.value("quantity") is None:
        return None
    return CountedStock(
        item=record.key("item"),
        quantity=Quantity(record.decimal("quantity"), record.text("unit", vocabulary.unit)),
        status=vocabulary.status(record, "status", StockStatus.AVAILABLE),
        owner=record.text("owner"),
        lot=record.text("lot"),
        serial=record.text("serial"),
    )


def _names_ends(record: Record) -> bool:
    names = ("from_location", "from_status", "to_location", "to_status")
    return any(record.value(name) is not None for name in names)


def _ends(
    record: Record, vocabulary: Vocabulary, kind: MovementType, amount: Decimal
) -> tuple[Place | None, Place | None]:
    source, target = _usual_ends(record, vocabulary, kind, amount)
    if kind is MovementType.TRANSFER_SHIP:
        record.key("from_location" if record.text("reverses") else "to_location")
    return (
        _place(record, vocabulary, "from", source, is_free=kind in SIGNED),
        _place(record, vocabulary, "to", target, is_free=kind in SIGNED),
    )


def _usual_ends(
    record: Record, vocabulary: Vocabulary, kind: MovementType, amount: Decimal
) -> tuple[StockStatus | None, StockStatus | None]:
    if kind not in SIGNED:
        source, target = ENDS[kind]
        # A reversal is reported with the reason of what it undoes, and goes the other way.
        return (target, source) if record.text("reverses") and _is_deed(kind) else (source, target)
    if _names_ends(record):
        return None, None
    bucket = vocabulary.status(record, "status", StockStatus.AVAILABLE)
    return (None, bucket) if amount > 0 else (bucket, None)


def _is_deed(kind: MovementType) -> bool:
    """Tell deeds from undoings: an unpick that names its pick is already the way back."""
    return kind not in {MovementType.UNPICK, MovementType.SHIP_VOID}


def _place(
    record: Record, vocabulary: Vocabulary, end: str, usual: StockStatus | None, *, is_free: bool
) -> Place | None:
    location, status = record.text(f"{end}_location"), record.text(f"{end}_status")
    if usual is None and not location and not status:
        return None
    if usual is None and not status and not is_free:
        raise record.invalid(f"{end}_status", f"Say in which status goods lie at {location!r}")
    return Place(
        location=location or record.key("location"),
        status=vocabulary.status(record, f"{end}_status", usual or StockStatus.AVAILABLE),
        owner=record.text(f"{end}_owner") or record.text("owner"),
        lot=record.text(f"{end}_lot") or record.text("lot"),
        serial=record.text(f"{end}_serial") or record.text("serial"),
    )


def _units(record: Record) -> tuple[ItemUnit, ...]:
    """Read `CS=12@10614141000415;LB=100000000/45359237`: units in base units, with their GTIN."""
    text = record.text("units", characters_max=TEXT_CHARACTERS_MAX)
    return tuple(_unit(record, entry.strip()) for entry in text.split(";") if entry.strip())


def _unit(record: Record, entry: str) -> ItemUnit:
    name, _, rest = entry.partition("=")
    ratio, _, gtin = rest.partition("@")
    over, _, under = ratio.partition("/")
    try:
        numerator, denominator = decimal_of(over), decimal_of(under or "1")
    except Invalid:
        numerator = denominator = Decimal(0)
    if not name.strip() or not all(
        part > 0 and part == int(part) for part in (numerator, denominator)
    ):
        raise record.invalid(
            "units", f"{entry[:64]!r} is not like CS=12 or LB=100/45", code="MD-UOM"
        )
    return ItemUnit(
        unit=name.strip(),
        numerator=int(numerator),
        denominator=int(denominator),
        gtin=gtin.strip(),
    )


def _tracking(record: Record) -> Tracking:
    code = record.text("tracking", "NONE").upper()
    try:
        return Tracking(code)
    except ValueError:
        raise record.invalid("tracking", f"{code!r} is not one of {', '.join(Tracking)}") from None


def version_of(record: Record) -> int:
    """Order states by the source's revision; without one by the time it was written down."""
    revision = record.integer("version")
    if revision is not None:
        return revision
    moment = record.instant_or_none("recorded_at") or record.instant("occurred_at")
    return max((moment - _EPOCH) // timedelta(microseconds=1), 0)


def _version_named(record: Record, identity: str, payload: Payload, version: int) -> str:
    is_revision = record.integer("version") is not None
    return versioned(identity, version) if is_revision else stamped(identity, version, payload)


def _stream(record: Record) -> str:
    """Name what a sequence counts in: the stream, or the one site that numbers its own."""
    return record.text("stream") or record.key("location")


def fact_of(
    record: Record,
    identity: str,
    payload: Payload,
    *,
    version: int | None = None,
    correlation_id: str = "",
    native_ref: str = "",
) -> Fact:
    sequence = record.integer("sequence")
    return Fact(
        identity=identity
        if version is None
        else _version_named(record, identity, payload, version),
        payload=payload,
        occurred_at=record.instant("occurred_at"),
        recorded_at=record.instant_or_none("recorded_at"),
        stream="" if sequence is None else _stream(record),
        sequence=sequence,
        version=version,
        correlation_id=correlation_id,
        native_ref=native_ref,
        actor=record.text("user"),
    )
