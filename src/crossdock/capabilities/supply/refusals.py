"""Why a promise by date is not kept: what may not be asked, and what is not to be had. Pure.

Amounts are micros, millionths of the item's base unit.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import Atp, Basis
from crossdock.capabilities.supply.kept import DatedLine, PromiseAsked, Told, own
from crossdock.capabilities.supply.model import BESIDE_STOCK, AtpMode

TTL_SECONDS_MAX = 31 * 24 * 3600
LINES_MAX = 20
"""All lines are answered and held under the locks of one transaction."""


def check(asked: PromiseAsked) -> None:
    """Refuse what could not be promised: no line, too many, none of something, a line twice."""
    if not asked.request_id:
        raise Invalid("a request has an id", where="/request_id", hint="make one up per request")
    if not 1 <= len(asked.questions) <= LINES_MAX:
        raise Invalid(f"a promise has 1 to {LINES_MAX} lines", where="/lines")
    if asked.ttl_seconds is not None and not 1 <= asked.ttl_seconds <= TTL_SECONDS_MAX:
        raise Invalid(
            f"a promise is given 1 to {TTL_SECONDS_MAX} seconds",
            where="/ttl_seconds",
            hint="leave it out to keep it until it is released",
        )
    for number, question in enumerate(asked.questions):
        if not question.micros or question.micros < 0:
            raise Invalid("more than zero is promised", where=f"/lines/{number}/quantity")
        if question.mode not in {None, AtpMode.CUMULATIVE, AtpMode.DISCRETE}:
            raise Invalid(
                f"{question.mode} is promised by a rule alone, and to nobody who asks",
                where=f"/lines/{number}/mode",
                hint="CUMULATIVE, or DISCRETE to promise it out of one supply",
            )
    named = [ref for ref in asked.refs if ref]
    if len(set(named)) < len(named):
        raise Invalid("two lines are for one order line", where="/lines", hint="add them up")


def refusal(answer: Atp, told: Told, mode: AtpMode | None = None) -> str:
    """Say why an answer cannot be kept; "" is that it can (I6: what counts by class alone).

    `mode` is what was asked for, None is what the rules say; it is never answered by another, but
    where no stock limits it.

    What only the time of a new order stands for is a date, not a promise, unless its rule promises
    it so; of a kit what it draws
    on is held, where that is one place. What goes beyond a known order would be held by nobody.
    """
    is_beside_stock = answer.mode in BESIDE_STOCK
    if mode is not None and answer.mode is not mode and not is_beside_stock:
        return answer.reason
    is_supplied = answer.basis is Basis.SUPPLY or is_beside_stock
    if not is_supplied or answer.left_over or not answer.schedule:
        return answer.reason
    if answer.by is not None and answer.schedule[-1].day > answer.by:
        return f"not all of it can leave by {answer.by}"
    if any(part.per for part in answer.parts) and not answer.draws:
        return "a kit of a group or of lots is not held: promise its components, a line each"
    return _beyond(answer, told)


def _beyond(answer: Atp, told: Told) -> str:
    if told.is_elsewhere(answer.item, answer.location):
        return f"its order counts it at {told.place[1]}"
    if told.is_ordered and sum(part.micros for part in answer.schedule) > told.open:
        return f"its order claims {shown(told.open)} of it: change the order first"
    return ""


def shown(micros: int) -> str:
    """Show an amount without trailing zeros."""
    return format((Decimal(micros) / MICROS).normalize(), "f")


class Had(NamedTuple):
    """What is held of a promise, and what beside stock kept its channel from more ("": nothing).

    `is_shared`: maxima or minima of channels hold there, whosever they are. `taken` of it was free
    until now.
    """

    held: int
    cut_by: str = ""
    is_shared: bool = False
    taken: int = 0


def cut(lines: Sequence[DatedLine], had: Had) -> str:
    """Say why it may not be kept for its channel; "" is that it may (§3.6).

    What is still to come where maxima and minima hold is nobody's yet: allocation shares it out.
    """
    where = lines[0].location
    if had.cut_by:
        left_here = f"a {had.cut_by.lower()} of channels leaves {shown(had.held)} of it"
        return f"{left_here} ({where})"
    if had.is_shared and had.held < sum(line.micros for line in own(lines)):
        held_here = f"{shown(had.held)} of it can be held ({where})"
        return f"{held_here}; maxima or minima of channels hold there, and share out what comes"
    return ""
