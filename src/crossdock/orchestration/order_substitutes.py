"""What may stand in for the lines of an order: supply's rules, as new lines that sourcing weighs.

Supply says which item may stand in for which, for whom and at which factor (§1.2); sourcing
whether it does (§3.5). Neither knows of the other.
"""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Protocol

from crossdock.canonical.units import step_micros
from crossdock.capabilities.sourcing import LINES_MAX, Asked, Line, SubstituteLine
from crossdock.capabilities.supply import Option
from crossdock.orchestration.source_orders import SourceOrder

KEYS_MAX = 10_000
"""So many (item, node) pairs, or (line, node) questions by date, are asked for in one question."""

EACH_MAX = 5
"""So many items are weighed for a line at the most, the first ones."""


class SubstitutesOf(Protocol):
    def __call__(
        self, items: Sequence[str], *, customer: str, channel: str
    ) -> Awaitable[Mapping[str, Sequence[Option]]]:
        """Give what may stand in for each of these items for somebody, the first first."""
        ...


async def with_substitutes(
    substitutes_of: SubstitutesOf, asked: Asked, wanted: SourceOrder, *, nodes: int
) -> Asked:
    """Add to a question the lines that might stand in for its own, numbered behind them.

    The first of every line go before the second of any; as many as one question has room for.
    """
    lines = [line for line in asked.order.lines if not line.is_dropship]
    items = sorted({line.item for line in lines})
    if not items:
        return asked
    found = await substitutes_of(items, customer=wanted.customer, channel=wanted.channel)
    room = min(LINES_MAX, KEYS_MAX // max(1, nodes)) - len(asked.order.lines)
    ranked = sorted(_ranked(lines, found), key=lambda one: (one[0], one[1].line_no))
    some = sorted(ranked[: max(0, room)], key=lambda one: (one[1].line_no, one[0]))
    numbers = count(max(line.line_no for line in asked.order.lines) + 1)
    new = tuple(
        _substitute(number, line, rank, option)
        for number, (rank, line, option) in zip(numbers, some, strict=False)
    )
    units = {option.item: option.unit for _, _, option in some}
    return replace(asked, substitutes=new, units={**units, **asked.units})


def _ranked(
    lines: Sequence[Line], found: Mapping[str, Sequence[Option]]
) -> Iterator[tuple[int, Line, Option]]:
    for line in lines:
        for rank, option in enumerate(found.get(line.item, ())[:EACH_MAX], 1):
            yield rank, line, option


def _substitute(number: int, line: Line, rank: int, option: Option) -> SubstituteLine:
    return SubstituteLine(
        line_no=number,
        of_line=line.line_no,
        item=option.item,
        kind=option.kind,
        rank=rank,
        ruled=option.ruled,
        version=option.version,
        step=step_micros(option.unit),
        numerator=option.factor.numerator,
        denominator=option.factor.denominator,
        not_before=option.not_before,
        before=option.before,
        requires_approval=option.requires_approval,
    )
