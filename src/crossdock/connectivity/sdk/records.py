"""One record of a native message, read field by field; whatever is wrong is named with its place.

A record is flat: a JSON object, a line of a CSV file, a row of a query. Every reader raises
`Invalid` with `where` (a JSON pointer, a line and a column), so a mapping stays a list of fields.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn, TypeVar, cast
from zoneinfo import ZoneInfo

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import decimal_of
from crossdock.connectivity.sdk.facts import Untranslatable

Word = TypeVar("Word", bound=StrEnum)

SCHEMA = "EVT-SCHEMA"
KEY_CHARACTERS_MAX = 200
TEXT_CHARACTERS_MAX = 2_000
SEQUENCE_MAX = 2**63 - 1
_MINUTES_LENGTH = len("2026-01-31T08:00")
_TRUE = frozenset({"true", "1", "y", "yes"})
_FALSE = frozenset({"false", "0", "n", "no"})


def pointer(prefix: str, name: str) -> str:
    """Extend a JSON pointer (RFC 6901) by one name."""
    return f"{prefix}/{name.replace('~', '~0').replace('/', '~1')}"


def exact_json(text: bytes | str) -> object:
    """Read JSON without a float: fractions become decimals. `Invalid` says where it breaks."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refused_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Invalid(f"This is not JSON: {error.msg}", where=place, code=SCHEMA) from None
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise Invalid(f"This is not JSON: {error}", code=SCHEMA) from None


def json_object(value: object, where: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid("This is not a JSON object", where=where, code=SCHEMA)
    return cast("dict[str, Any]", value)


def json_list(value: object, where: str = "") -> list[Any]:
    if not isinstance(value, list):
        raise Invalid("This is not a JSON array", where=where, code=SCHEMA)
    return [*cast("list[object]", value)]


def json_bytes(value: object) -> bytes:
    """Write JSON again as it was read: decimals keep their digits, as texts."""
    return json.dumps(value, default=str).encode()


def _refused_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Fields of one record, in the source's own names; `names` leads from ours to them.

    `defaults` speaks where the record is silent (the envelope around it), `at` says where a field
    stands, `zone` which time zone its clock without an offset shows.
    """

    fields: Mapping[str, object]
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])
    at: Callable[[str], str] = field(default=lambda name: pointer("", name))
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    zone: str = ""
    raw: bytes = b""

    def where(self, name: str) -> str:
        return self.at(self.names.get(name, name))

    def value(self, name: str) -> object:
        """Answer None for absent, null and empty: none of them says anything."""
        native = self.names.get(name, name)
        found = self.fields.get(native)
        if found is None or found == "":
            found = self.defaults.get(native)
        return None if found == "" else found

    def invalid(self, name: str, reason: str, *, code: str = SCHEMA) -> Invalid:
        return Invalid(reason, where=self.where(name), code=code)

    def refused(self, problem: Invalid) -> Untranslatable:
        """Keep the record with the reason, so that a person can mend and replay it."""
        return Untranslatable(
            code=problem.code if problem.code != Invalid.code else SCHEMA,
            where=problem.where or self.at(""),
            reason=problem.message,
            record=self.raw,
        )

    def text(
        self, name: str, default: str = "", *, characters_max: int = KEY_CHARACTERS_MAX
    ) -> str:
        value = self.value(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.invalid(name, f"{_shown(value)} is not a text")
        if isinstance(value, int) and abs(value) > SEQUENCE_MAX:
            raise self.invalid(name, "The number is too long for a key")
        text = str(value).strip()
        # PostgreSQL stores neither; a lone surrogate is what is left of a text cut in the middle.
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise self.invalid(name, "The text holds a character that cannot be stored")
        if len(text) > characters_max:
            raise self.invalid(name, f"The text is longer than {characters_max} characters")
        return text or default

    def key(self, name: str) -> str:
        return self.text(name) or self._missing(name)

    def decimal(self, name: str) -> Decimal:
        value = self.value(name)
        if value is None:
            self._missing(name)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self.invalid(name, f"{_shown(value)} is not an exact amount")
        try:
            return decimal_of(value.strip() if isinstance(value, str) else value)
        except Invalid as problem:
            raise self.invalid(name, problem.message) from None

    def integer(self, name: str) -> int | None:
        """Read a whole number from zero up, as sequences, versions and line numbers are."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value) if len(value.strip()) < len(str(SEQUENCE_MAX)) else SEQUENCE_MAX + 1
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.invalid(name, f"{_shown(value)} is not a whole number")
        if not 0 <= value <= SEQUENCE_MAX:
            raise self.invalid(name, f"The number is outside 0 … {SEQUENCE_MAX}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.value(name)
        if value is None:
            return default
        word = str(value).strip().lower() if isinstance(value, str | int) else ""
        if word not in _TRUE | _FALSE:
            raise self.invalid(name, f"{_shown(value)} is neither true nor false")
        return word in _TRUE

    def instant(self, name: str) -> datetime:
        return self.instant_or_none(name) or self._missing(name)

    def instant_or_none(self, name: str) -> datetime | None:
        """Read ISO 8601 with an offset; without one the record's own zone, if it has one."""
        text = self.text(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            zone = moment.tzinfo or (ZoneInfo(self.zone) if self.zone else None)
            exact = moment.replace(tzinfo=zone or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            exact, zone = None, UTC
        if exact is None or len(text) < _MINUTES_LENGTH:
            raise self.invalid(name, f"{_shown(text)} is not a time like 2026-01-31T08:00Z")
        if zone is None:
            raise self.invalid(name, f"{text!r} has no offset, and no time zone is set")
        return exact

    def day_or_none(self, name: str) -> date | None:
        """Read a day of the calendar, 2026-01-31; one with the time of midnight is none other.

        An instant is refused: which day it is depends on where.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None or moment.time() != time():
            raise self.invalid(name, f"{_shown(text)} is not a day like 2026-01-31")
        return moment.date()

    def word(self, name: str, words: type[Word], usual: Word | None = None) -> Word | None:
        """Read one of our own words; a mistyped one is refused, not taken for another."""
        code = self.text(name)
        if not code:
            return usual
        try:
            return words[code.upper()]
        except KeyError:
            known = ", ".join(words.__members__)
            raise self.invalid(name, f"{_shown(code)} is not one of {known}") from None

    def _missing(self, name: str) -> NoReturn:
        raise self.invalid(name, f"{self.names.get(name, name)!r} is missing")


def _shown(value: object) -> str:
    text = (
        repr(value) if not isinstance(value, int) or abs(value) <= SEQUENCE_MAX else "The number"
    )
    return text if len(text) <= 64 else text[:64] + "…"  # noqa: PLR2004  # enough to recognise it
