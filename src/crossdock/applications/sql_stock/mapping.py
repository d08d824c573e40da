"""Pages of rows in canonical words. A page is JSON: `{"stream": …, "rows": [{column: value}]}`.

One with `as_of` answers what lay there at that moment, however long ago its rows were changed.
One of stock may bring rows of `supply`, which were read later: they are told first, so that what
has arrived is no longer to come when it is there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple, cast

from crossdock.applications.sql_stock.settings import (
    STOCK,
    STREAMS,
    SUPPLY,
    SqlStockSettings,
    StreamSettings,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.sdk.facts import Delivery, Translation, Untranslatable, stamped
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
    Vocabulary,
    item_changed,
    snapshots_taken,
    stock_moved,
    version_of,
)
from crossdock.connectivity.sdk.supply_records import (
    catch_weight_changed,
    kit_changed,
    lot_changed,
    supply_changed,
)

LINES_MAX = 10_000


def written(stream: str, rows: Iterable[str], coming: Sequence[str] = ()) -> bytes:
    """Put rows, each a JSON object already, into a page; `coming` are rows of supply beside it."""
    beside = f', "{SUPPLY}": [{",".join(coming)}]' if coming else ""
    return f'{{"stream": "{stream}", "rows": [{",".join(rows)}]{beside}}}'.encode()


def answered(rows: Iterable[str], as_of: str) -> bytes:
    """Put levels that were asked for into a page, as of the moment of the reading."""
    return f'{{"stream": "levels", "as_of": "{as_of}", "rows": [{",".join(rows)}]}}'.encode()


def translated(delivery: Delivery, settings: SqlStockSettings) -> Translation:
    """Say what a page means; a row that cannot be read is refused alone."""
    try:
        page = _page(delivery.body, settings)
        parts = [
            _row(reading, row, f"{place}/{index}")
            for reading, place, rows in page
            for index, row in enumerate(rows)
        ]
    except Invalid as problem:
        refused = Untranslatable(
            code=SCHEMA, where=problem.where, reason=problem.message, record=delivery.body
        )
        return Translation(refused=(refused,))
    return Translation(
        tuple(fact for part in parts for fact in part.facts),
        (*(refused for part in parts for refused in part.refused), *_odd(page, settings)),
    )


def _odd(
    page: Sequence[tuple["_Reading", str, Sequence[object]]], settings: SqlStockSettings
) -> Sequence[Untranslatable]:
    """Say which own numbers of levels are not made as `available_is` says."""
    levels = [
        _record(reading, json_object(cast("object", row)), place)
        for reading, place, rows in page
        for row in rows
        if reading.name == "levels" and isinstance(row, dict)
    ]
    return contradictions(levels, settings.available_is, _vocabulary(settings))


def _vocabulary(settings: SqlStockSettings) -> Vocabulary:
    return Vocabulary(reasons=settings.reasons, statuses=settings.statuses, unit=settings.unit)


class _Reading(NamedTuple):
    """How the rows of a page are read; `as_of` "" is when each was changed."""

    name: str
    stream: StreamSettings
    settings: SqlStockSettings
    as_of: str


def _page(
    body: bytes, settings: SqlStockSettings
) -> Sequence[tuple[_Reading, str, Sequence[object]]]:
    """Take a page apart: how to read its rows, where they stand, and the rows themselves."""
    page = json_object(exact_json(body))
    as_of = page.get("as_of", "")
    if not isinstance(as_of, str):
        raise Invalid("This is not a moment", where="/as_of", code=SCHEMA)
    name = page.get("stream")
    own = _reading(name, settings, "/stream", as_of), "/rows", json_list(page.get("rows"), "/rows")
    if name not in STOCK or SUPPLY not in page:
        return [own]
    place = f"/{SUPPLY}"
    coming = _reading(SUPPLY, settings, place), place, json_list(page[SUPPLY], place)
    return [coming, own]


def _reading(name: object, settings: SqlStockSettings, where: str, as_of: str = "") -> _Reading:
    if not isinstance(name, str) or name not in STREAMS:
        raise Invalid("This is not a page of a known stream", where=where, code=SCHEMA)
    stream = settings.stream(name)
    if stream is None:
        raise Invalid(f"No query is set for {name!r}", where=where, code=SCHEMA)
    return _Reading(name, stream, settings, as_of)


def _row(reading: _Reading, row: object, place: str) -> Translation:
    settings = reading.settings
    if not isinstance(row, dict):
        reason = "This is not a JSON object"
        refused = Untranslatable(code=SCHEMA, where=place, reason=reason, record=json_bytes(row))
        return Translation(refused=(refused,))
    record = _record(reading, json_object(cast("object", row)), place)
    vocabulary = _vocabulary(settings)
    try:
        if reading.name == "levels":
            return Translation(*snapshots_taken([record], vocabulary))
        return Translation((_FACT[reading.name](record, vocabulary),))
    except Invalid as problem:
        return Translation(refused=(record.refused(problem),))


def _record(reading: _Reading, row: Mapping[str, Any], place: str) -> Record:
    """Lay under each row what its place in the stream tells: when, in which order, its name."""
    stream, settings, as_of = reading.stream, reading.settings, reading.as_of
    change, key = row.get(stream.change_column), row.get(stream.key_column)
    is_number = isinstance(change, int)
    known: dict[str, object] = {"location": settings.location, "snapshot_id": f"{key}@{change}"}
    known |= {"version": change} if is_number else {"occurred_at": change, "recorded_at": change}
    if as_of:
        known |= {"snapshot_id": f"{key}@{as_of}", "occurred_at": as_of, "recorded_at": as_of}
        row = {name: value for name, value in row.items() if name not in _own(stream)}
    if is_number and settings.sequence_stream:
        known |= {"sequence": change, "stream": settings.sequence_stream}
    return Record(
        fields=row,
        defaults={stream.columns.get(name, name): value for name, value in known.items()},
        names=stream.columns,
        zone=settings.timezone,
        at=_at(place),
        raw=json_bytes(row),
    )


def _own(stream: StreamSettings) -> set[str]:
    """Name the columns that say when a row was changed, and by which name it is known."""
    return {
        stream.columns.get(name, name) for name in ("occurred_at", "recorded_at", "snapshot_id")
    }


def _order_changed(record: Record, vocabulary: Vocabulary) -> Fact:
    order_id = record.key("order_id")
    found = record.value("lines")
    where = record.where("lines")
    lines = json_list(exact_json(found) if isinstance(found, str) else found, where)
    if len(lines) > LINES_MAX:
        raise record.invalid("lines", f"An order has at most {LINES_MAX} lines")
    version = version_of(record)
    order = OrderChanged(
        order_id=order_id,
        lines=tuple(
            _demand_line(order_id, record, vocabulary, line, pointer(where, str(index)))
            for index, line in enumerate(lines)
        ),
        customer_po=record.text("customer_po"),
        channel=record.text("channel"),
        customer=record.text("customer"),
    )
    return Fact(
        # Several rows make an order: the highest change among them does not tell all states apart.
        identity=stamped(f"order:{order_id}", version, order),
        payload=order,
        occurred_at=record.instant("occurred_at"),
        recorded_at=record.instant_or_none("recorded_at"),
        version=version,
        correlation_id=order_id,
        native_ref=order_id,
    )


def _demand_line(
    order_id: str, order: Record, vocabulary: Vocabulary, line: object, place: str
) -> DemandLine:
    fields = json_object(line, place)
    # A line may word a column as the query does; where it does not, it says it by our name.
    names = {name: column for name, column in order.names.items() if column in fields}
    usual = {"location": order.defaults.get(order.names.get("location", "location"))}
    record = replace(
        order, fields=fields, names=names, defaults={**order.defaults, **usual}, at=_at(place)
    )
    unit = record.text("unit", vocabulary.unit)
    # The day of the whole order, unless a line says its own.
    ship_date = record.day_or_none("requested_ship_date")
    is_cancelled = record.value("cancelled") is not None
    return DemandLine(
        demand_ref=record.text("demand_ref") or f"{order_id}/{record.key('line')}",
        item=record.key("item"),
        location=record.key("location"),
        ordered=Quantity(record.decimal("ordered"), unit),
        cancelled=Quantity(record.decimal("cancelled") if is_cancelled else Decimal(0), unit),
        requested_ship_date=ship_date or order.day_or_none("requested_ship_date"),
    )


def _at(place: str) -> Callable[[str], str]:
    return lambda name: pointer(place, name) if name else place


_FACT: Mapping[str, Callable[[Record, Vocabulary], Fact]] = {
    "items": item_changed,
    "movements": stock_moved,
    "demand": _order_changed,
    "supply": supply_changed,
    "kits": kit_changed,
    "lots": lambda record, _: lot_changed(record),
    "catch_weights": lambda record, _: catch_weight_changed(record),
}
