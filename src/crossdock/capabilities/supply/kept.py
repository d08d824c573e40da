"""Promises by date that are kept, and what they claim of an item-location. Pure values.

Amounts are micros, millionths of the item's base unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.supply.answer import Atp, Basis, Claim, Question
from crossdock.capabilities.supply.rules import PlacedRule

LINES_MAX = 100


class DatedLine(NamedTuple):
    """So much of a promise leaves on a day; `held` of it is reserved out of what lies there."""

    line_no: int
    item: str
    location: str
    demand_ref: str
    ship_date: date
    micros: int
    held: int = 0


class PromiseAsked(NamedTuple):
    """A request for a promise by date: all lines or none.

    A question's `by` is the day on which all of it must have left, None is as soon as it can.
    `refs` are the order lines it is for, "" is none. `replaces` names a promise that ends with it.
    """

    request_id: str
    questions: tuple[Question, ...]
    refs: tuple[str, ...]
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseProof:
    """What a promise was derived from, each line at its turn; `rules` that were said then."""

    reasons: tuple[str, ...]
    answers: tuple[Atp, ...]
    rules: tuple[PlacedRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPromise:
    """A promise by date as it stands. Without `is_granted` it was refused, and claims nothing."""

    promise_id: str
    client: str
    request_id: str
    made_at: datetime
    is_granted: bool
    released_at: datetime | None
    replaced_by: str
    lines: tuple[DatedLine, ...]
    proof: PromiseProof


def check(asked: PromiseAsked) -> None:
    """Refuse what could not be promised: no line, too many, none of something, a line twice."""
    if not asked.request_id:
        raise Invalid("a request has an id", where="/request_id", hint="make one up per request")
    if not 1 <= len(asked.questions) <= LINES_MAX:
        raise Invalid(f"a promise has 1 to {LINES_MAX} lines", where="/lines")
    for number, question in enumerate(asked.questions):
        if not question.micros or question.micros < 0:
            raise Invalid("more than zero is promised", where=f"/lines/{number}/quantity")
    named = [ref for ref in asked.refs if ref]
    if len(set(named)) < len(named):
        raise Invalid("two lines are for one order line", where="/lines", hint="add them up")


def refusal(answer: Atp) -> str:
    """Say why an answer cannot be kept; "" is that it can (I6: what counts by class alone).

    What only the time of a new order stands for is a date, not a promise.
    """
    if answer.basis is not Basis.SUPPLY or answer.left_over or not answer.schedule:
        return answer.reason
    if answer.by is not None and answer.schedule[-1].day > answer.by:
        return f"not all of it can leave by {answer.by}"
    return ""


def claims(ref: str, lines: Sequence[DatedLine], held: Claim, *, is_ordered: bool) -> list[Claim]:
    """Give what a promise and its order line claim together, each unit once (A19, I9).

    `held` is what the order line holds already. Once its order is known that alone counts, dated
    by what is still to leave of the promise: what left, left first. Before, what is not held yet
    of the promise comes on top.
    """
    ordered = sorted(lines, key=lambda line: line.ship_date)
    if not is_ordered:
        rest = [(line.ship_date, line.micros - line.held) for line in ordered]
        found = [Claim(ref, micros, 0, day) for day, micros in rest if micros]
        return [held, *found] if held.hard or held.soft else found
    left, found = held.hard, list[Claim]()
    for line in reversed(ordered):
        if taken := min(left, line.micros):
            found.append(Claim(ref, taken, 0, line.ship_date))
            left -= taken
    if left or held.soft:
        found.append(held._replace(hard=left))
    return found
