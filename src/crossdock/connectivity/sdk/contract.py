"""Whether a fact's values are of the types that its event declares. Pure.

The type checker tells the author of a mapping of a wrong one, but not where the value came out of
JSON or a table and nobody said what it is. The log must hold none: whoever reads it could not.
"""

import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from crossdock.canonical.envelope import Fact
from crossdock.canonical.events import EVENTS
from crossdock.canonical.quantities import AMOUNT_MAX

NO_OFFSET = "a time without its offset from UTC"

_MICRO = Decimal("0.000001")
_DECIMALS_MAX = 6
_EVENTS = frozenset(EVENTS.values())
_NAMES: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a binary fraction",
    bool: "true or false",
    Decimal: "an exact amount",
    datetime: "a time",
    date: "a day",
    tuple: "a sequence",
    type(None): "nothing",
}
# A whole number is no truth value, nor a day a time, though Python derives the one of the other;
# and what somebody derives of a text, an amount or a time, nobody can write down as one.
_EXACT = (int, date, datetime, Decimal, str)


class Breach(NamedTuple):
    """`where` is a JSON pointer into the fact, `reason` what is there and what belongs there."""

    where: str
    reason: str


_Check = Callable[[Any], Breach | None]
_Allowed = Mapping[type, _Check | None]
"""What may stand in a place: by its class what else has to be looked at in it, if anything."""


def breach_of(fact: Fact) -> Breach | None:
    """Find the first value of a fact that is of another type than declared; None: all fit.

    Amounts are judged too: finite, inside ±10^12, of six decimals at most; and times: aware,
    and in UTC within the years 1 to 9999.
    """
    kind = fact.payload.__class__
    if kind not in _EVENTS:
        return Breach("/payload", f"is {_said(kind)}, and no event that this version knows")
    if found := _members(Fact)(fact):
        return found
    if found := _members(kind)(fact.payload):
        return Breach(f"/payload{found.where}", found.reason)
    return None


@cache
def _members(kind: Any) -> _Check:
    """Make the check of a class once: it is asked for every fact that comes in."""
    hints = typing.get_type_hints(kind)
    plan = tuple(
        (member.name, _plain(allowed), allowed)
        for member in fields(kind)
        if (kind, member.name) != (Fact, "payload")
        for allowed in (_allowed(hints[member.name]),)
    )

    def check(value: Any) -> Breach | None:
        for name, plain, allowed in plan:
            one = getattr(value, name)
            if one.__class__ not in plain and (found := _judged(one, allowed)):
                return Breach(f"/{name}{found.where}", found.reason)
        return None

    return check


@cache
def _allowed(hint: Any) -> _Allowed:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        return {tuple: _each(_allowed(parts[0]))}
    if parts:
        return {kind: look for one in parts for kind, look in _allowed(one).items()}
    kind: Any = hint
    return {kind: _members(kind) if is_dataclass(hint) else _LOOKS.get(kind)}


def _plain(allowed: _Allowed) -> frozenset[type]:
    return frozenset(kind for kind, look in allowed.items() if look is None)


def _each(allowed: _Allowed) -> _Check:
    plain = _plain(allowed)

    def check(values: tuple[Any, ...]) -> Breach | None:
        for number, one in enumerate(values):
            if one.__class__ not in plain and (found := _judged(one, allowed)):
                return Breach(f"/{number}{found.where}", found.reason)
        return None

    return check


def _judged(value: Any, allowed: _Allowed) -> Breach | None:
    """Say what is wrong with a value, or in it; a narrower kind will do if it can be written."""
    look = allowed.get(value.__class__)
    if look:
        return look(value)
    for kind, look in allowed.items():
        is_word = kind is str and isinstance(value, Enum)
        if isinstance(value, kind) and (kind not in _EXACT or is_word):
            return look(value) if look else None
    wanted = " or ".join(_said(kind) for kind in allowed)
    return Breach("", f"is {_said(value.__class__)} where {wanted} belongs")


def _amount(value: Decimal) -> Breach | None:
    if not value.is_finite() or not -AMOUNT_MAX < value < AMOUNT_MAX:
        return Breach("", "is an amount outside ±10^12")
    places = -typing.cast("int", value.as_tuple().exponent)
    if places > _DECIMALS_MAX and value != value.quantize(_MICRO):
        return Breach("", "is an amount of more than six decimals")
    return None


def _moment(value: datetime) -> Breach | None:
    if value.tzinfo is UTC:
        return None
    if value.utcoffset() is None:
        return Breach("", NO_OFFSET)
    try:
        value.astimezone(UTC)
    except OverflowError:
        return Breach("", "is a time outside the years 1 to 9999 of UTC")
    return None


def _said(kind: type) -> str:
    return _NAMES.get(kind, kind.__name__)


_LOOKS: Mapping[type, _Check] = {Decimal: _amount, datetime: _moment}
