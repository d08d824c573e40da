"""A warehouse system's messages in canonical words: JSON webhooks, CSV and JSONL files."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.applications.generic_wms.counts import closed
from crossdock.applications.generic_wms.settings import (
    RECORD_TYPES,
    GenericWmsFilesSettings,
    RecordSettings,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.facts import Delivery, Translation, Untranslatable
from crossdock.connectivity.sdk.own_available import contradictions
from crossdock.connectivity.sdk.records import (
    SCHEMA,
    Record,
    exact_json,
    json_bytes,
    json_list,
    json_object,
    pointer,
)
from crossdock.connectivity.sdk.stock_records import (
    Counted,
    Vocabulary,
    item_changed,
    location_changed,
    snapshots_taken,
    source_heard,
    stock_moved,
)
from crossdock.connectivity.sdk.supply_records import (
    catch_weight_changed,
    kit_changed,
    lot_changed,
    supply_changed,
)

_PIECE = b"#file "
_FIRST = 2
"""Line 1 of a CSV file is its header."""

# A record that could not even be read stands among the others as the reason.
Read = Record | Untranslatable

_ONE_BY_ONE: Mapping[str, Callable[[Record, Vocabulary], Fact]] = {
    "movement": stock_moved,
    "heartbeat": lambda record, _: source_heard(record),
    "item": item_changed,
    "location": lambda record, _: location_changed(record),
    "kit": kit_changed,
    "lot": lambda record, _: lot_changed(record),
    "catch_weight": lambda record, _: catch_weight_changed(record),
    "supply": supply_changed,
}

# What each record is named by, so that no header goes without it.
_NAMED_BY = {
    "movement": "movement_id",
    "snapshot": "snapshot_id",
    "heartbeat": "occurred_at",
    "location": "occurred_at",
    "supply": "supply_id",
}


def kept(piece: Delivery) -> bytes:
    """Write a piece of a file with what its name and place tell, to be read again later."""
    return _PIECE + json_bytes(piece.headers) + b"\n" + piece.body


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message means, the levels that it names, and which numbers of theirs are odd.

    An odd number is the system's own, which counts nowhere: no fact is less for it.
    """

    translation: Translation
    levels: tuple[Record, ...] = ()
    odd: tuple[Untranslatable, ...] = ()

    @property
    def whole(self) -> Translation:
        return Translation(self.translation.facts, (*self.translation.refused, *self.odd))


def translated(delivery: Delivery, settings: RecordSettings) -> Translation:
    """Say what one webhook call, or one piece of a file, means."""
    return understood(delivery, settings).whole


def understood(
    delivery: Delivery, settings: RecordSettings, counted: Counted | None = None
) -> Understood:
    """Say what a message means; `counted` is what earlier pieces of its file counted."""
    if delivery.body.startswith(_PIECE):
        delivery = _piece(delivery.body)
    lines, whole = delivery.headers.get(":lines", ""), delivery.headers.get(":whole", "yes")
    vocabulary = Vocabulary(
        reasons=settings.reasons, statuses=settings.statuses, unit=settings.unit
    )
    if ":file" in delivery.headers and (end := closed(delivery, vocabulary)):
        return Understood(end)
    facts: list[Fact] = []
    refused: list[Untranslatable] = []
    levels: list[Record] = []
    for record in _until_broken(delivery, settings):
        if isinstance(record, Untranslatable):
            refused.append(record)
            continue
        try:
            if (kind := _kind(record)) == "snapshot":
                levels.append(record)
            else:
                facts.append(_ONE_BY_ONE[kind](record, vocabulary))
        except Invalid as problem:
            refused.append(record.refused(problem))
    # What is refused might have been a level: then the snapshot is not full.
    part = lines if whole != "yes" else "incomplete" * bool(refused)
    snapshots, refused_levels = snapshots_taken(levels, vocabulary, part=part, counted=counted)
    translation = Translation((*facts, *snapshots), (*refused, *refused_levels))
    odd = contradictions(levels, settings.available_is, vocabulary)
    return Understood(translation, tuple(levels), odd)


def _piece(body: bytes) -> Delivery:
    head, _, rest = body.removeprefix(_PIECE).partition(b"\n")
    try:
        headers = json_object(exact_json(head), "")
    except Invalid:
        return Delivery(body=body)
    return Delivery(body=rest, headers={name: str(headers[name]) for name in headers})


def _until_broken(delivery: Delivery, settings: RecordSettings) -> Iterator[Read]:
    """Read records up to where the message breaks off, if it does; the break is the last one."""
    try:
        yield from _records(delivery, settings)
    except Invalid as problem:
        yield _refused(problem, delivery.body)


def _kind(record: Record) -> str:
    kind = record.key("type")
    if kind not in RECORD_TYPES:
        raise record.invalid("type", f"{kind!r} is not one of {', '.join(RECORD_TYPES)}")
    return kind


def _records(delivery: Delivery, settings: RecordSettings) -> Iterator[Read]:
    name = delivery.headers.get(":file", "").lower()
    if not name:
        return _webhook_records(delivery.body, settings)
    if not isinstance(settings, GenericWmsFilesSettings):
        raise Invalid("This connection takes no files", where="file name", code=SCHEMA)
    kinds = [kind for start, kind in settings.file_types.items() if name.startswith(start.lower())]
    defaults = _defaults(settings) | ({_name(settings, "type"): kinds[0]} if kinds else {})
    first_line = _first_line(delivery)
    if name.endswith(".csv"):
        return _csv_records(delivery.body, settings, defaults, first_line)
    if name.endswith((".jsonl", ".ndjson")):
        return _jsonl_records(delivery.body, settings, defaults, first_line)
    raise Invalid(f"{name!r} is neither .csv nor .jsonl", where="file name", code=SCHEMA)


def _webhook_records(body: bytes, settings: RecordSettings) -> Iterator[Read]:
    """Read a message; one with `events` is the answer of an event store, a list of messages."""
    envelope = json_object(exact_json(body), "")
    if "events" not in envelope:
        yield from _message_records(envelope, settings, body)
        return
    for index, event in enumerate(json_list(envelope["events"], "/events")):
        prefix = f"/events/{index}"
        try:
            message = json_object(event, prefix)
            yield from _message_records(message, settings, json_bytes(event), prefix)
        except Invalid as problem:
            yield _refused(problem, json_bytes(event))


def _message_records(
    envelope: Mapping[str, Any], settings: RecordSettings, raw: bytes, at: str = ""
) -> Iterator[Read]:
    """Lay the envelope under each of its lines; without lines it is a record itself."""
    lines = envelope.get("lines")
    if lines is None or lines == []:
        yield _record(envelope, settings, _defaults(settings), _at_pointer(at), raw=raw)
        return
    shared = _defaults(settings) | {key: envelope[key] for key in envelope if key != "lines"}
    for index, line in enumerate(json_list(lines, f"{at}/lines")):
        prefix = f"{at}/lines/{index}"
        try:
            fields = json_object(line, prefix)
        except Invalid as problem:
            yield _refused(problem, json_bytes(line))
            continue
        yield _record(fields, settings, shared, _at_line(prefix, fields, envelope, at))


def _csv_records(
    body: bytes, settings: GenericWmsFilesSettings, defaults: Mapping[str, object], first_line: int
) -> Iterator[Read]:
    rows = csv.reader(
        io.StringIO(_text(body), newline=""), delimiter=settings.delimiter, strict=True
    )
    nothing: list[str] = []
    header = [name.strip() for name in next(_checked(rows, first_line), nothing)]
    if not any(header) or len(set(header)) < len(header):
        raise Invalid(
            "The header line names no columns, or one twice", where="line 1", code=SCHEMA
        )
    if first_line == _FIRST and (lacking := _lacking(header, settings, defaults)):
        # A line of records in its place would be lost without a word, and is kept instead.
        raw = settings.delimiter.join(header).encode(errors="replace")
        reason = (
            f"The header line has no column {lacking!r}: give the file its header line. If this is"
            " the rest of a file that was taken before its end, drop the whole file under another"
            " name, and write to a name that ends in .part, or use needs_done_marker"
        )
        yield Untranslatable(code=SCHEMA, where="line 1", reason=reason, record=raw)
    header_lines = begun = rows.line_num
    for row in _checked(rows, first_line):
        # The header is line 1 of the file, and is repeated at the top of each of its pieces.
        line, begun = first_line + begun - header_lines, rows.line_num
        raw = settings.delimiter.join(row).encode(errors="replace")
        if len(row) > len(header) or (row and len(row) < len(header)):
            reason = f"{len(row)} columns, but the header has {len(header)}"
            yield Untranslatable(code=SCHEMA, where=f"line {line}", reason=reason, record=raw)
        elif row:
            fields = dict(zip(header, row, strict=True))
            yield _record(fields, settings, defaults, _at_column(line), raw=raw)


def _lacking(
    header: Sequence[str], settings: GenericWmsFilesSettings, defaults: Mapping[str, object]
) -> str:
    """Name the column without which no record of the file can be read; "" if it is there."""
    kind = defaults.get(_name(settings, "type"), "")
    needed = _NAMED_BY.get(str(kind), "item") if kind else "type"
    column = _name(settings, needed)
    return "" if column in header or defaults.get(column) else column


def _jsonl_records(
    body: bytes, settings: GenericWmsFilesSettings, defaults: Mapping[str, object], first_line: int
) -> Iterator[Read]:
    for line, text in enumerate(body.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=first_line):
        if not text.strip():
            continue
        try:
            fields = json_object(exact_json(text), "")
        except Invalid as problem:
            where = f"line {line}, {problem.where or 'start'}"
            yield Untranslatable(code=SCHEMA, where=where, reason=problem.message, record=text)
            continue
        yield _record(fields, settings, defaults, _at_member(line), raw=text)


def _record(
    fields: Mapping[str, Any],
    settings: RecordSettings,
    defaults: Mapping[str, object],
    at: Callable[[str], str],
    *,
    raw: bytes | None = None,
) -> Record:
    return Record(
        fields=fields,
        defaults=defaults,
        names=settings.columns,
        zone=settings.timezone,
        at=at,
        raw=json_bytes(fields) if raw is None else raw,
    )


def _defaults(settings: RecordSettings) -> dict[str, object]:
    return {_name(settings, "location"): settings.location}


def _name(settings: RecordSettings, ours: str) -> str:
    return settings.columns.get(ours, ours)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise Invalid("The file is not UTF-8", where=f"line {line}", code=SCHEMA) from None


def _checked(rows: Any, first_line: int) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        where = f"line {first_line + max(rows.line_num - 2, 0)}"
        raise Invalid(f"This is not CSV: {error}", where=where, code=SCHEMA) from None


def _first_line(delivery: Delivery) -> int:
    """Tell where in its file a piece begins: line 2 of a CSV file follows its header."""
    start = delivery.headers.get(":lines", "").partition("-")[0]
    is_csv = delivery.headers.get(":file", "").lower().endswith(".csv")
    return int(start) if start.isdigit() else (_FIRST if is_csv else 1)


def _at_pointer(prefix: str) -> Callable[[str], str]:
    return lambda name: pointer(prefix, name) if name else prefix


def _at_line(
    prefix: str, line: Mapping[str, object], envelope: Mapping[str, object], at: str
) -> Callable[[str], str]:
    """Point to the line, unless it is the envelope alone that speaks."""
    return lambda name: (
        pointer(at, name) if name in envelope and name not in line else _at_pointer(prefix)(name)
    )


def _at_column(line: int) -> Callable[[str], str]:
    return lambda name: f"line {line}, column {name}" if name else f"line {line}"


def _at_member(line: int) -> Callable[[str], str]:
    return lambda name: f"line {line}, {pointer('', name)}" if name else f"line {line}"


def _refused(problem: Invalid, record: bytes) -> Untranslatable:
    return Untranslatable(code=SCHEMA, where=problem.where, reason=problem.message, record=record)
