"""Which item may stand in for which: supersession and substitutes, as governed data. Pure.

A rule is of one item, and put as versions. Its alternatives have a rank and an exact factor: one
base unit of the item is replaced by so many of the other. Supersession says that an item ends:
what there is of it is used up first, and the other follows from a day on; it may go on from one to
the next, and never in a circle. Nothing is ever replaced silently: an answer offers, and names the
rule and its version (§1.2, §3.5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from crossdock.canonical.alternatives import Chooses, KeepsRest
from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import KeyRule


class SubstitutionKind(StrEnum):
    """SUPERSESSION: the other follows an item that ends. SUBSTITUTE: it may stand in for it."""

    SUPERSESSION = "SUPERSESSION"
    SUBSTITUTE = "SUBSTITUTE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """`numerator / denominator` base units of `item` replace one; 1 is the first rank.

    `valid_from` of a supersession is the day from which on the other may leave. `only_for` and
    `not_for` name who may get it, or may not: "customer:NAME", "channel:NAME"; none is everybody.
    `is_two_way`: the item may stand in for this one just so. What `requires_approval` is offered,
    and never taken by itself. `unit` is set by the hub.
    """

    item: str
    kind: SubstitutionKind = SubstitutionKind.SUBSTITUTE
    rank: int = 1
    numerator: int = 1
    denominator: int = 1
    is_two_way: bool = False
    only_for: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    unit: str = ""
    requires_approval: bool = False

    @property
    def factor(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    def is_for(self, customer: str, channel: str) -> bool:
        """Say whether somebody may get it; case and spaces around a name do not count."""
        who = {_who("customer", customer), _who("channel", channel)}
        only, never = _named(self.only_for), _named(self.not_for)
        return (not only or bool(who & only)) and not who & never

    def is_valid(self, today: date) -> bool:
        """Say whether it holds today; a supersession is known before its day has come."""
        begins = self.kind is SubstitutionKind.SUPERSESSION or self.valid_from is None
        has_begun = begins or (self.valid_from or today) <= today
        return has_begun and (self.valid_to is None or today < self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstitutionRule:
    """What may stand in for an item; without alternatives nothing does. `unit`: set by the hub."""

    item: str
    alternatives: tuple[Alternative, ...] = ()
    chooses: Chooses = Chooses.RANK
    keeps_rest: KeepsRest = KeepsRest.ORIGINAL
    unit: str = ""

    @property
    def successor(self) -> str | None:
        """Name the item that follows this one."""
        ends = SubstitutionKind.SUPERSESSION
        return next((one.item for one in self.alternatives if one.kind is ends), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstitutionVersion:
    """A rule as it was put; a newer version takes its place, and it is kept."""

    version: int
    put_at: datetime
    put_by: str
    rule: SubstitutionRule


class Option(NamedTuple):
    """An item that may stand in for another for somebody on some day, and by which rule.

    `ruled` is the item whose rule says so: the asked one, one that it is superseded by on the way,
    or, where it goes both ways, the other one. It leaves not before a day and before another.
    """

    item: str
    unit: str
    kind: SubstitutionKind
    rank: int
    factor: Fraction
    ruled: str
    version: int
    not_before: date | None = None
    before: date | None = None
    requires_approval: bool = False


ALTERNATIVES_MAX, WHO_MAX, FACTOR_MAX, RANK_MAX, CHAIN_MAX = 20, 100, 1_000_000, 1000, 20
_WHO = ("customer:", "channel:")
_NAMES = KeyRule()


def _who(kind: str, name: str) -> str:
    return f"{kind}:{_NAMES.comparable(name)}"


def _named(said: Iterable[str]) -> set[str]:
    return {_who(kind, name) for kind, _, name in (one.partition(":") for one in said)}


def check(rule: SubstitutionRule) -> None:
    """Refuse what makes no sense, naming the place."""
    if len(rule.alternatives) > ALTERNATIVES_MAX:
        raise Invalid(
            f"an item has at most {ALTERNATIVES_MAX} alternatives", where="/alternatives"
        )
    seen = {rule.item}
    for number, one in enumerate(rule.alternatives):
        where = f"/alternatives/{number}"
        if one.item in seen:
            raise Invalid(
                f"{one.item} cannot stand in for itself"
                if one.item == rule.item
                else f"{one.item} is there twice",
                where=f"{where}/item",
            )
        seen.add(one.item)
        _check_alternative(one, where)
    ends = [one for one in rule.alternatives if one.kind is SubstitutionKind.SUPERSESSION]
    if len(ends) > 1:
        raise Invalid(
            f"{rule.item} cannot be superseded by two items",
            where="/alternatives",
            hint="one follows it; the others may be substitutes",
        )


def _check_alternative(one: Alternative, where: str) -> None:
    _check_factor(one, where)
    if not 1 <= one.rank <= RANK_MAX:
        raise Invalid(f"a rank is 1 to {RANK_MAX}", where=f"{where}/rank")
    if one.is_two_way and one.kind is SubstitutionKind.SUPERSESSION:
        raise Invalid("an item that ends does not come back", where=f"{where}/is_two_way")
    if one.valid_from and one.valid_to and one.valid_to <= one.valid_from:
        raise Invalid("it ends before it begins", where=f"{where}/valid_to")
    _check_who(one.only_for, f"{where}/only_for")
    _check_who(one.not_for, f"{where}/not_for")


def _check_factor(one: Alternative, where: str) -> None:
    for name in ("numerator", "denominator"):
        if not 1 <= getattr(one, name) <= FACTOR_MAX:
            raise Invalid(
                f"a factor is made of whole numbers from 1 to {FACTOR_MAX}",
                where=f"{where}/{name}",
                hint="one and a half of the other for each: numerator 3, denominator 2",
            )


def _check_who(said: tuple[str, ...], where: str) -> None:
    if len(said) > WHO_MAX:
        raise Invalid(f"at most {WHO_MAX} are named", where=where)
    for who in said:
        if not who.startswith(_WHO) or not who.partition(":")[2].strip():
            raise Invalid(f"{who!r} is nobody", where=where, hint="customer:NAME or channel:NAME")


def circle(item: str, successors: Mapping[str, str | None]) -> list[str]:
    """Follow who supersedes whom from an item; give the way back to it, [] where there is none."""
    way = [item]
    while (after := successors.get(way[-1])) is not None:
        if after in way:
            return [*way, after]
        way.append(after)
    return []


def options(
    item: str,
    rules: Iterable[SubstitutionVersion],
    today: date,
    customer: str,
    channel: str,
) -> list[Option]:
    """Give what may stand in for an item today for somebody, the first to take first.

    What supersedes it comes first, as far as the chain goes; substitutes follow by rank. Of
    several ways to one item the first holds; if one of them asks for approval, so does it.
    """
    by_item = {version.rule.item: version for version in rules}
    found = _chain(item, by_item, today, customer, channel)
    for version in by_item.values():
        rule = version.rule
        for one in rule.alternatives:
            is_it = rule.item == item and one.kind is SubstitutionKind.SUBSTITUTE
            is_back = one.item == item and one.is_two_way
            if (is_it or is_back) and one.is_valid(today) and one.is_for(customer, channel):
                to, unit, factor = (
                    (one.item, one.unit, one.factor)
                    if is_it
                    else (rule.item, rule.unit, 1 / one.factor)
                )
                option = Option(to, unit, one.kind, one.rank, factor, rule.item, version.version)
                option = option._replace(
                    before=one.valid_to, requires_approval=one.requires_approval
                )
                found.append(option)
    ordered = sorted(
        (one for one in found if one.item != item),
        key=lambda one: (one.kind is SubstitutionKind.SUBSTITUTE, one.rank, one.item, one.ruled),
    )
    firsts: dict[str, Option] = {}
    for option in ordered:
        first = firsts.setdefault(option.item, option)
        if option.requires_approval:
            firsts[option.item] = first._replace(requires_approval=True)
    return list(firsts.values())


def _chain(
    item: str,
    by_item: Mapping[str, SubstitutionVersion],
    today: date,
    customer: str,
    channel: str,
) -> list[Option]:
    """Follow supersession from an item: each goes by the factors and days of all before it."""
    found: list[Option] = []
    at, factor, not_before, before, asks = item, Fraction(1), None, None, False
    while (version := by_item.get(at)) is not None and len(found) < CHAIN_MAX:
        follows = (
            one for one in version.rule.alternatives if one.kind is SubstitutionKind.SUPERSESSION
        )
        one = next(follows, None)
        if one is None or not one.is_valid(today) or not one.is_for(customer, channel):
            break
        factor *= one.factor
        days = [day for day in (not_before, one.valid_from) if day is not None]
        not_before = max(days, default=None)
        ends = [day for day in (before, one.valid_to) if day is not None]
        before = min(ends, default=None)
        asks = asks or one.requires_approval
        rank = len(found) + 1
        option = Option(one.item, one.unit, one.kind, rank, factor, at, version.version)
        found.append(option._replace(not_before=not_before, before=before, requires_approval=asks))
        at = one.item
    return found


def needed(micros: int, factor: Fraction, step: int) -> int:
    """Give how much of the other replaces an amount, rounded up to what changes hands."""
    whole = micros * factor
    steps = -(-whole.numerator // (whole.denominator * step))
    return steps * step


def covered(micros: int, factor: Fraction, step: int) -> int:
    """Give how much of the asked item an amount of the other replaces, rounded down."""
    whole = micros / factor
    return whole.numerator // (whole.denominator * step) * step
