"""How what follows upon goods is compared with the goods that moved (§2.2, §4.1.7). Pure.

What is shipped is invoiced and delivered, what is received is invoiced by its supplier; each of
it in its time, and no more of it than has moved. Amounts are of a line in all, in micros of the
base unit; instants are microseconds since 1970.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.causes import Cause, Verdict
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.model import DAY, State
from crossdock.capabilities.reconciliation.open_lines import (
    Around,
    Compared,
    Meets,
    Ours,
    Theirs,
    factor_of,
    is_doubled,
)
from crossdock.capabilities.reconciliation.ranking import Remedy

UNHEARD = -1
"""What the hub says of a line of which it does not know how much has moved."""


class Words(NamedTuple):
    """How a kind is told, and how long what follows may take before it is lacking."""

    moved: str
    followed: str
    within: int
    remedy: Remedy


WORDS: Mapping[str, Words] = MappingProxyType(
    {
        Kind.INVOICES: Words("shipped", "invoiced", DAY, Remedy.FINANCE_TASK),
        Kind.SUPPLIER_INVOICES: Words("received", "invoiced", 7 * DAY, Remedy.FINANCE_TASK),
        Kind.DELIVERIES: Words("shipped", "delivered", 5 * DAY, Remedy.ASK_CARRIER),
    }
)


def compared(
    kind: str,
    sides: tuple[Sequence[Ours], Sequence[Theirs]],
    around: Around,
    policy: Policy,
) -> list[Compared]:
    """Compare the lines of one document, in any order; answers in order of their numbers.

    Of ours, `micros` had moved by the cut, and `picked` of it within the time that what follows
    may take. A line that the hub does not know is not judged: open lines are compared for that.
    """
    mine = {one.line: one for one in sides[0]}
    other = {one.line: one for one in sides[1]}
    return [
        _met(kind, mine.get(line), other.get(line), around, policy)
        for line in sorted(mine.keys() | other.keys())
        if line in other or around.is_full
    ]


def _met(
    kind: str, own: Ours | None, told: Theirs | None, around: Around, policy: Policy
) -> Compared:
    there = told.micros if told else 0
    if own is None or own.micros == UNHEARD:
        is_nothing = own is None and not there
        return Compared(ours=own, theirs=told, meets=Meets.ALIKE if is_nothing else Meets.UNHEARD)
    if own.changed > around.until:
        return Compared(ours=own, theirs=told, meets=Meets.SINCE)
    due, most = bounds(own)
    is_other = told is not None and bool(there) and not told.is_of(own.item)
    if not is_other and due <= there <= most:
        meets = Meets.ALIKE if there == own.micros else Meets.EXPLAINED
        return Compared(ours=own, theirs=told, meets=meets)
    in_flight = there > most and _is_in_flight(told, around, policy)
    return Compared(
        ours=own,
        theirs=told,
        meets=Meets.DIFFERENT,
        at_stake=own.micros + abs(there) if is_other else there - (due if there < due else most),
        verdict=_cause_of(kind, own, told, around, is_in_flight=in_flight),
        is_in_flight=in_flight,
    )


def bounds(own: Ours) -> tuple[int, int]:
    """Say how much has to have followed by the cut, and how much may have at most.

    What moved of late may not have followed yet, and what came `back` may not be credited yet.
    """
    return max(0, own.micros - own.picked), own.micros + own.back


def _is_in_flight(told: Theirs | None, around: Around, policy: Policy) -> bool:
    """Say whether the hub may not have heard yet that as much has moved."""
    is_fresh = told is not None and told.changed > around.cut - policy.in_flight
    return around.is_behind or is_fresh


def _cause_of(
    kind: str, own: Ours, told: Theirs | None, around: Around, *, is_in_flight: bool
) -> Verdict:
    """Classify by the strongest evidence (§4.4)."""
    words = WORDS[kind]
    there = told.micros if told else 0
    factor = factor_of(own.micros, there, around.factors.get(own.item, ()))
    is_twice = there > own.micros and is_doubled(own, told)
    signs = (
        (
            told is not None and bool(there) and not told.is_of(own.item),
            Cause.XREF,
            f"there it is of item {told.items if told else ''}",
        ),
        (is_twice, Cause.MSG_DUP, f"the line is {words.followed} {_times(told)} times"),
        (bool(factor), Cause.UOM, f"the ratio is {factor}, a factor of the item's units"),
        (is_in_flight, Cause.TIMING, f"the hub may not have heard all that was {words.moved}"),
        (not there, Cause.MSG_LOST, f"it was {words.moved}, and is not {words.followed}"),
        (
            not own.micros,
            Cause.MSG_LOST,
            f"it is {words.followed}, and the hub heard of nothing that was {words.moved}",
        ),
        (abs(there - own.micros) < MICROS, Cause.ROUNDING, "less than one unit"),
        (
            there < own.micros,
            Cause.MSG_LOST,
            f"less is {words.followed} than was {words.moved}",
        ),
    )
    found = (Verdict(cause, because) for is_so, cause, because in signs if is_so)
    return next(found, Verdict(Cause.UNKNOWN, f"more is {words.followed} than was {words.moved}"))


def _times(told: Theirs | None) -> int:
    return len(told.rows) if told else 0


def remedy_of(kind: str, one: Compared, state: State) -> Remedy:
    """Recommend what a person does; nothing of these is mended by itself (§4.3)."""
    if state is not State.CONFIRMED:
        return Remedy.LOG if state is State.TOLERATED else Remedy.WAIT
    if one.verdict.cause in {Cause.UOM, Cause.XREF}:
        return Remedy.MASTER_DATA
    if one.verdict.cause is Cause.MSG_DUP:
        return Remedy.FINANCE_TASK
    return WORDS[kind].remedy
