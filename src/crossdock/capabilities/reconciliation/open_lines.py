"""How open lines of documents are compared: order lines, purchase order lines (§4.1.7). Pure.

A line's key is its document and its own number; its item and location are attributes, and its
amount is what is still open, in micros of the base unit. Instants are microseconds since 1970.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import model
from crossdock.capabilities.reconciliation.causes import Cause, Verdict
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.model import Before, State
from crossdock.capabilities.reconciliation.ranking import Remedy

PPM = 1_000_000


class Ours(NamedTuple):
    """A line as the hub heard it: open at the cut.

    `picked` is how much of it had left its shelf by then, `changed` when the newest version of
    its document was made at `source`. Of what follows upon goods, `micros` had moved by the cut;
    lately `picked` moved, and as much came `back`.
    """

    document: str
    line: str
    item: str
    location: str
    source: str
    micros: int
    picked: int = 0
    changed: int = 0
    back: int = 0


class Theirs(NamedTuple):
    """A line as the other side says it: its rows added up, `rows` are their amounts.

    `changed` is 0 where they do not say when it was changed last. `others` are items that its rows
    name besides `item`; then `micros` is what there is of each, never netted (R3).
    """

    document: str
    line: str
    item: str
    location: str
    micros: int
    rows: tuple[int, ...]
    changed: int = 0
    others: tuple[str, ...] = ()

    @property
    def items(self) -> str:
        return " and ".join((self.item, *self.others))

    def is_of(self, item: str) -> bool:
        """Say whether its rows name this item, and no other."""
        return self.item == item and not self.others


class LineNumber(NamedTuple):
    """What names a line for ever."""

    document: str
    line: str


def parted(reference: str) -> LineNumber:
    """Part the name of a line: `po:4711/1/1` is line 1/1 of po:4711."""
    document, _, line = reference.partition("/")
    return LineNumber(document, line)


def line_of(document: str, reference: str) -> str:
    """Give the line's part of a reference that may begin with its document's name, or be it."""
    return "" if reference == document else reference.removeprefix(f"{document}/")


def joined_line(document: str, line: str) -> str:
    """Give the name of a line, as `parted` parts it."""
    return f"{document}/{line}" if line else document


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is known of a document besides its lines.

    Both sides are as of `cut`; theirs was taken from then until `until`. `against` is the other
    side's name, and `first` ours where that is not the hub. `is_full`: what they do not name is
    closed there. `is_behind`: the hub may not have heard all up to the cut. `is_stirred`: goods
    were picked for a line of it of late. `factors` are the units of each item, in base units.
    """

    cut: int
    until: int
    against: str
    first: str = ""
    is_full: bool = False
    is_behind: bool = False
    is_stirred: bool = False
    factors: Mapping[str, Sequence[tuple[int, int]]] = field(
        default_factory=dict[str, Sequence[tuple[int, int]]]
    )

    @property
    def here(self) -> str:
        return f"at {self.first}" if self.first else "here"

    @property
    def there(self) -> str:
        return f"at {self.against}" if self.first else "there"


class Meets(StrEnum):
    """What comes of a line that both sides were asked for.

    EXPLAINED: what goods have left for it accounts for the difference. SINCE: ours was changed
    after the cut, and how it stood then is not known. UNHEARD: what moved of it is not known here.
    """

    ALIKE = "ALIKE"
    EXPLAINED = "EXPLAINED"
    SINCE = "SINCE"
    UNHEARD = "UNHEARD"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A line of which at least one side knows. `at_stake` is signed, theirs less ours.

    Where the item or the location is another one both amounts are at stake, never netted (R3).
    """

    ours: Ours | None
    theirs: Theirs | None
    meets: Meets
    at_stake: int = 0
    verdict: Verdict = Verdict(Cause.UNKNOWN)  # noqa: RUF009 a verdict is never changed
    is_in_flight: bool = False

    @property
    def number(self) -> LineNumber:
        one = self.ours or self.theirs
        return LineNumber(one.document, one.line) if one else LineNumber("", "")


def compared(
    ours: Sequence[Ours], theirs: Sequence[Theirs], around: Around, policy: Policy
) -> list[Compared]:
    """Compare the lines of one document, in any order; answers in order of their numbers."""
    mine = {one.line: one for one in ours}
    other = {one.line: one for one in theirs}
    renamed = _renamed(mine, other) if around.is_full else {}
    told_otherwise = set(renamed.values())
    is_in_flight = _is_in_flight(ours, theirs, around, policy)
    found: list[Compared] = []
    for line in sorted(mine.keys() | other.keys()):
        if line in told_otherwise:
            continue
        if line in renamed:
            pair = mine[line], other[renamed[line]]
            found.append(_named_otherwise(*pair, around, is_in_flight=is_in_flight))
        elif line in other or around.is_full:
            own, told = mine.get(line), other.get(line)
            found.append(_met(own, told, around, is_in_flight=is_in_flight))
    return found


def _renamed(mine: Mapping[str, Ours], other: Mapping[str, Theirs]) -> dict[str, str]:
    """Pair lines that are alike but for their numbers, where each has no other candidate."""
    alone: dict[tuple[str, str, int], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for line in mine.keys() - other.keys():
        one = mine[line]
        alone[one.item, one.location, one.micros][0].append(line)
    for line in other.keys() - mine.keys():
        told = other[line]
        alone[told.item, told.location, told.micros][1].append(line)
    return {
        here[0]: there[0]
        for (_, _, micros), (here, there) in alone.items()
        if micros and len(here) == len(there) == 1
    }


def _named_otherwise(own: Ours, told: Theirs, around: Around, *, is_in_flight: bool) -> Compared:
    verdict = Verdict(Cause.XREF, f"the line is called {told.line} {around.there}")
    return Compared(
        ours=own,
        theirs=told,
        meets=Meets.DIFFERENT,
        at_stake=own.micros + told.micros,
        verdict=verdict,
        is_in_flight=is_in_flight,
    )


def _met(own: Ours | None, told: Theirs | None, around: Around, *, is_in_flight: bool) -> Compared:
    here, there = own.micros if own else 0, told.micros if told else 0
    is_elsewhere = _is_elsewhere(own, told)
    if here == there and (not is_elsewhere or not here):
        return Compared(ours=own, theirs=told, meets=Meets.ALIKE)
    if own is not None and own.changed > around.until:
        return Compared(ours=own, theirs=told, meets=Meets.SINCE)
    is_twice = is_doubled(own, told)
    if own and not is_elsewhere and not is_twice and 0 < there - here <= own.picked:
        return Compared(ours=own, theirs=told, meets=Meets.EXPLAINED)
    return Compared(
        ours=own,
        theirs=told,
        meets=Meets.DIFFERENT,
        at_stake=here + there if is_elsewhere else there - here,
        verdict=_cause_of(own, told, around, is_in_flight=is_in_flight),
        is_in_flight=is_in_flight,
    )


def _is_elsewhere(own: Ours | None, told: Theirs | None) -> bool:
    if own is None or told is None:
        return False
    return not told.is_of(own.item) or own.location != told.location


def is_doubled(own: Ours | None, told: Theirs | None) -> bool:
    return bool(
        own and told and len(told.rows) > 1 and own.micros and set(told.rows) == {own.micros}
    )


def _is_in_flight(
    ours: Sequence[Ours], theirs: Sequence[Theirs], around: Around, policy: Policy
) -> bool:
    """Say whether anything about the document may be on its way between the sides (§4.1.4)."""
    since = around.cut - policy.in_flight
    return (
        around.is_behind
        or around.is_stirred
        or any(one.changed > since for one in ours)
        or any(one.changed > since for one in theirs)
    )


def _cause_of(
    own: Ours | None, told: Theirs | None, around: Around, *, is_in_flight: bool
) -> Verdict:
    """Classify by the strongest evidence (§4.4); what both sides have goes by its amounts."""
    if own is not None and told is not None:
        return _of_both(own, told, around, is_in_flight=is_in_flight)
    if is_in_flight:
        return Verdict(Cause.TIMING, "something of the document may be on its way")
    here, there = around.here, around.there
    if own is None and not around.first:
        return Verdict(Cause.MSG_LOST, "it is open there and never came here")
    has, lacks = (there, here) if own is None else (here, there)
    return Verdict(Cause.MSG_LOST, f"it is open {has}, and not among the open lines {lacks}")


def _of_both(own: Ours, told: Theirs, around: Around, *, is_in_flight: bool) -> Verdict:
    if _is_elsewhere(own, told):
        return _misplaced(own, told, around)
    here, there = around.here, around.there
    factor = factor_of(own.micros, told.micros, around.factors.get(own.item, ()))
    is_newer_here = 0 < told.changed < own.changed
    is_cut_through = around.cut < own.changed <= around.until
    is_little = abs(told.micros - own.micros) < MICROS
    signs = (
        (is_doubled(own, told), Cause.MSG_DUP, f"the line is {there} {len(told.rows)} times"),
        (bool(factor), Cause.UOM, f"the ratio is {factor}, a factor of the item's units"),
        (is_cut_through, Cause.CUTOFF, f"it was changed {here} while their lines were being read"),
        (is_in_flight, Cause.TIMING, "something of the document may be on its way"),
        (not told.micros, Cause.STATUS_MAP, f"it is closed {there}, and open {here}"),
        (not own.micros, Cause.STATUS_MAP, f"it is closed {here}, and open {there}"),
        (
            told.changed > own.changed,
            Cause.MSG_LOST,
            _not_had(around, is_ours=False),
        ),
        (is_newer_here, Cause.MSG_LOST, _not_had(around, is_ours=True)),
        (is_little, Cause.ROUNDING, "less than one unit"),
    )
    found = (Verdict(cause, because) for is_so, cause, because in signs if is_so)
    return next(found, Verdict(Cause.UNKNOWN))


def _not_had(around: Around, *, is_ours: bool) -> str:
    """Say that the last change of one side is not at the other."""
    if around.first:
        has, lacks = around.first, around.against
        has, lacks = (has, lacks) if is_ours else (lacks, has)
        return f"the last change of it at {has} is not at {lacks}"
    return (
        "our last change of it is not there"
        if is_ours
        else "their last change of it never came here"
    )


def _misplaced(own: Ours, told: Theirs, around: Around) -> Verdict:
    names = [
        name
        for name, is_other in (
            (f"of item {told.items}", not told.is_of(own.item)),
            (f"at {told.location}", own.location != told.location),
        )
        if is_other
    ]
    because = f"{around.there} it is {' and '.join(names)}"
    if own.micros != told.micros:
        return Verdict(Cause.UNKNOWN, f"{because}, with another amount")
    return Verdict(Cause.XREF, because)


def factor_of(ours: int, theirs: int, factors: Sequence[tuple[int, int]]) -> str:
    """Name the factor of the item's units that the two numbers differ by, or "" (R5)."""
    if not ours or not theirs:
        return ""
    for numerator, denominator in factors:
        if numerator == denominator:
            continue
        if ours * denominator == theirs * numerator or theirs * denominator == ours * numerator:
            return f"{numerator}" if denominator == 1 else f"{numerator}/{denominator}"
    return ""


def is_tolerated(one: Compared, policy: Policy) -> bool:
    """Say whether a rule lets it pass: documents have zero tolerance unless one says otherwise."""
    if one.ours is None or one.theirs is None or _is_elsewhere(one.ours, one.theirs):
        return False
    return abs(one.at_stake) * PPM <= policy.document_ppm * one.ours.micros


def state_of(one: Compared, before: Before | None, cut: int, policy: Policy) -> State:
    """Give its state: suspected, and confirmed by a second pass (§4.1.4)."""
    if is_tolerated(one, policy):
        return State.TOLERATED
    return model.next_state(
        before, cut, one.at_stake, is_in_flight=one.is_in_flight, apart=policy.apart
    )


_BY_CAUSE: Mapping[Cause, Remedy] = MappingProxyType(
    {
        Cause.MSG_DUP: Remedy.FINANCE_TASK,
        Cause.UOM: Remedy.MASTER_DATA,
        Cause.XREF: Remedy.MASTER_DATA,
    }
)


def remedy_of(one: Compared, state: State, against: str) -> Remedy:
    """Recommend by policy (§4.3): documents are read again; none is changed by itself.

    What another than `against` told the hub cannot be read again there: it is missing there, or
    its status is mapped wrongly.
    """
    if state is not State.CONFIRMED:
        return Remedy.LOG if state is State.TOLERATED else Remedy.WAIT
    cause = one.verdict.cause
    if cause in _BY_CAUSE:
        return _BY_CAUSE[cause]
    if one.ours is not None and one.ours.source != against:
        if cause is Cause.STATUS_MAP:
            return Remedy.MAP_STATUS
        is_newer = one.theirs is not None and one.ours.changed < one.theirs.changed
        return Remedy.REFETCH if is_newer else Remedy.REDRIVE
    return Remedy.REFETCH


def remedy_between(one: Compared, state: State) -> Remedy:
    """Recommend of two other systems: nothing is read again here, what lacks is sent there again.

    A status that one maps otherwise is put right there.
    """
    if state is not State.CONFIRMED:
        return Remedy.LOG if state is State.TOLERATED else Remedy.WAIT
    cause = one.verdict.cause
    last = Remedy.MAP_STATUS if cause is Cause.STATUS_MAP else Remedy.REDRIVE
    return _BY_CAUSE.get(cause, last)


def read_again_since(one: Compared, cut: int) -> int:
    """Say from when on its source is read again: its first unheard change, or a day before.

    What was heard is older than what was not; where they do not say when they changed it, it was
    behind the last change that was heard.
    """
    heard = one.ours.changed if one.ours else 0
    told = one.theirs.changed if one.theirs else 0
    first = told if told > heard else min((known for known in (told, heard) if known), default=cut)
    return min(cut - model.DAY, first)
