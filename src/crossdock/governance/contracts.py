"""The contract of every event as a JSON Schema, and the guard that keeps released ones valid.

A contract is generated from the event's class, so it cannot drift from the code. Within a major
version it may only grow: whatever was valid stays valid, and keeps its meaning.
"""

import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from inspect import getdoc
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec

from crossdock.canonical.envelope import Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.events import EVENTS, payload_type
from crossdock.canonical.open_enums import OpenEnum

Schema = dict[str, Any]

DECIMAL_PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"
KNOWN_VALUES = "x-known-values"
RELEASED = "released"

# Where a rule comes from is for who reads the code; who reads a contract cannot follow it.
_CITATION = re.compile(r"\s*\((domain\.md [^)]*|[A-Z][0-9]+(, [A-Z][0-9]+)*)\)")

# No text of the database can hold a NUL, so none comes in: an escape not itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

_PLAIN: Mapping[object, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string", "pattern": DECIMAL_PATTERN},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    type(None): {"type": "null"},
}


def schema_of(payload: type[Payload]) -> Schema:
    """Describe an event's content; amounts are strings, and lists of codes are open or closed."""
    definitions: dict[str, Schema] = {}
    content = _object(payload, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:crossdock:event:{payload.TYPE}",
        "title": payload.TYPE,
        **content,
        **({"$defs": dict(sorted(definitions.items()))} if definitions else {}),
    }


def _object(kind: type, definitions: dict[str, Schema]) -> Schema:
    hints = typing.get_type_hints(kind)
    members = fields(kind)
    return {
        **_description(kind),
        "type": "object",
        "properties": {
            member.name: _of_type(hints[member.name], definitions) | _default(member)
            for member in members
        },
        "required": [member.name for member in members if _is_required(member)],
    }


def _of_type(kind: Any, definitions: dict[str, Schema]) -> Schema:
    if kind in _PLAIN:
        return dict(_PLAIN[kind])
    if isinstance(kind, types.UnionType):
        return {"anyOf": [_of_type(one, definitions) for one in typing.get_args(kind)]}
    if typing.get_origin(kind) is tuple:
        item, *rest = typing.get_args(kind)
        if rest == [...]:
            return {"type": "array", "items": _of_type(item, definitions)}
    return _named(kind, definitions)


def _named(kind: Any, definitions: dict[str, Schema]) -> Schema:
    if not isinstance(kind, type) or not (is_dataclass(kind) or issubclass(kind, StrEnum)):
        raise TypeError(f"{kind} has no place in an event: it cannot be written as JSON Schema")
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # holds the place, should a type contain itself
        definitions[kind.__name__] = (
            _codes(kind) if issubclass(kind, StrEnum) else _object(kind, definitions)
        )
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _codes(kind: type[StrEnum]) -> Schema:
    values = [member.value for member in kind]
    if issubclass(kind, OpenEnum):
        return {**_description(kind), "type": "string", KNOWN_VALUES: values}
    return {**_description(kind), "type": "string", "enum": values}


def _is_required(member: "Field[Any]") -> bool:
    return member.default is MISSING and member.default_factory is MISSING


def _default(member: "Field[Any]") -> Schema:
    """Say what an absent field means; nothing to say where it means null."""
    if member.default is MISSING or member.default is None:
        return {}
    return {"default": msgspec.json.decode(msgspec.json.encode(member.default))}


def _description(kind: type) -> Schema:
    text = getdoc(kind) or ""
    is_written = (
        bool(text) and not text.startswith(f"{kind.__name__}(") and "__doc__" in vars(kind)
    )
    return {"description": re.sub(r"\s+", " ", _CITATION.sub("", text))} if is_written else {}


def contracts() -> dict[str, Schema]:
    """Generate the contract of every event of this version."""
    return {name: schema_of(payload) for name, payload in EVENTS.items()}


@cache
def _validator(type_name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema_of(payload_type(type_name)), validate_formats=True
    )


def read_payload(type_name: str, content: bytes) -> Payload:
    """Read an event's content by its contract; name the place and the reason if it breaks it."""
    kind = payload_type(type_name)
    try:
        parsed = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise Invalid(f"The content is not JSON: {problem}", code="EVT-SCHEMA") from None
    if _NUL.search(content):
        raise Invalid("The content holds a NUL character", code="EVT-SCHEMA")
    for breach in _validator(type_name).iter_errors(parsed):
        where = "".join(f"/{step}" for step in breach.instance_path)
        raise Invalid(breach.message, where=where, code="EVT-SCHEMA")
    try:
        return msgspec.convert(parsed, kind)
    except msgspec.ValidationError as problem:
        raise Invalid(str(problem), code="EVT-SCHEMA") from None


# --- keeping what was released ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BreakingChange:
    """What would stop working for somebody who relies on a released contract."""

    event: str
    field: str
    why: str

    def __str__(self) -> str:
        return f"{self.event}: {self.field or 'the event'} {self.why}"


def breaking_changes(
    released: Mapping[str, Schema], proposed: Mapping[str, Schema]
) -> list[BreakingChange]:
    """Compare two sets of contracts; new events and new optional fields are no breach."""
    found: list[BreakingChange] = []
    for event, old in released.items():
        if event not in proposed:
            found.append(BreakingChange(event, "", "was released and is gone"))
            continue
        comparison = _Comparison(old, proposed[event])
        found += [
            BreakingChange(event, *breach) for breach in comparison.breaches(old, comparison.new)
        ]
    return found


class _Comparison:
    """Two versions of one contract, walked side by side."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self.old = old
        self.new = new
        self._seen: set[tuple[str, str]] = set()

    def breaches(self, old: Schema, new: Schema, field: str = "") -> Iterator[tuple[str, str]]:
        names = (old.get("$ref", ""), new.get("$ref", ""))
        if all(names):
            if names in self._seen:
                return
            self._seen.add(names)
        was_default, is_default = old.get("default"), new.get("default")
        if was_default != is_default:
            yield field, f"meant {was_default!r} when absent and now means {is_default!r}"
        old, new = _target(self.old, old), _target(self.new, new)
        yield from ((field, why) for why in _changed_kind(old, new))
        yield from self._changed_members(old, new, field)
        if "items" in old and "items" in new:
            yield from self.breaches(old["items"], new["items"], f"{field}[]")
        for was, now in zip(old.get("anyOf", ()), new.get("anyOf", ()), strict=False):
            yield from self.breaches(was, now, field)

    def _changed_members(self, old: Schema, new: Schema, field: str) -> Iterator[tuple[str, str]]:
        before, after = old.get("properties", {}), new.get("properties", {})
        prefix = f"{field}." if field else ""
        for name in before:
            if name not in after:
                yield prefix + name, "was removed"
            else:
                yield from self.breaches(before[name], after[name], prefix + name)
        for name in new.get("required", ()):
            if name not in old.get("required", ()):
                yield prefix + name, "is required and was not"


def _target(root: Schema, schema: Schema) -> Schema:
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    return typing.cast("Schema", root["$defs"][name]) if name else schema


def _changed_kind(old: Schema, new: Schema) -> Iterator[str]:
    """Narrower breaks who sends, wider breaks who reads: a released kind stays as it is."""
    for word in ("type", "pattern", "format"):
        if old.get(word) != new.get(word):
            yield f"changed its {word} from {old.get(word)!r} to {new.get(word)!r}"
    if len(old.get("anyOf", ())) != len(new.get("anyOf", ())):
        yield "changed between one kind and several"
    yield from _changed_codes(old, new)


def _changed_codes(old: Schema, new: Schema) -> Iterator[str]:
    before, after = _known(old), _known(new)
    for value in before:
        if value not in after:
            yield f"no longer knows {value!r}"
    if "enum" in old or "enum" in new:
        if ("enum" in old) != ("enum" in new):
            yield "changed between an open and a closed list"
        for value in after:
            if value not in before:
                yield f"is a closed list and has the new value {value!r}"


def _known(schema: Schema) -> list[str]:
    return [*schema.get("enum", ()), *schema.get(KNOWN_VALUES, ())]


# --- the files ----------------------------------------------------------------------------------


def write_contracts(folder: Path) -> None:
    """Write one file per event and the index; remove files of events that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    generated = contract_files()
    for stale in {path.name for path in folder.glob("*.json")} - generated.keys():
        (folder / stale).unlink()
    for name, text in generated.items():
        (folder / name).write_text(text, encoding="utf-8")


def contract_files() -> dict[str, str]:
    """Render every file of the reference, by its name."""
    rendered = {
        f"{event}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for event, schema in contracts().items()
    }
    return {**rendered, "index.md": _index()}


def read_contracts(folder: Path) -> dict[str, Schema]:
    """Read a set of contracts; a folder that is not there holds none."""
    return {
        path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def release_contracts(folder: Path) -> list[BreakingChange]:
    """Make this version's contracts the released ones, unless that breaks what was released."""
    released = folder / RELEASED
    found = breaking_changes(read_contracts(released), contracts())
    if not found:
        released.mkdir(parents=True, exist_ok=True)
        for name, text in contract_files().items():
            if name.endswith(".json"):
                (released / name).write_text(text, encoding="utf-8")
    return found


def _index() -> str:
    rows = [_row(event, schema) for event, schema in sorted(contracts().items())]
    return "\n".join(
        [
            "# Events",
            "",
            "Every fact that Crossdock records or accepts, with the JSON Schema of its content.",
            "This page and the schemas are generated from `crossdock.canonical`.",
            "",
            "Amounts are decimal strings with up to twelve digits before the point and six after.",
            f"A field with `{KNOWN_VALUES}` is an open list: treat a value you do not know as",
            "`OTHER`. A field with `enum` is closed. Ignore fields you do not know: within one",
            "version they may be added, and nothing is removed or changes its meaning.",
            "",
            "| Event | What it says | Must be there |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _row(event: str, schema: Schema) -> str:
    required = ", ".join(f"`{name}`" for name in schema["required"])
    return f"| [`{event}`]({event}.json) | {_first_sentence(schema)} | {required} |"


def _first_sentence(schema: Schema) -> str:
    return re.split(r"(?<=\.) ", schema.get("description", ""))[0].replace("|", r"\|")
