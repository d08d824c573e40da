"""Where a week of the horizon has to be looked at day by day. Pure.

A week is promised on its last day, and no more than its days would: what it falls to within is
kept, though it ends with more. Balances that only rise within their weeks fall to nothing there,
so most questions need not look; the others are answered over a bucket for each day, and what can
be promised on the last day of a week is taken from them.
"""

from collections.abc import Iterator
from datetime import date

from crossdock.capabilities.supply.answer import Kin, Node, Through
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.model import AtpMode


def seen_by_day(kin: Kin, mode: AtpMode, ahead: Horizon) -> Horizon:
    """Give the horizon with a bucket for each day where something may fall within a week.

    A promise out of one supply tells those of a week apart. Lots and their claims keep their own
    days.
    """
    if ahead.by_day is None:
        return ahead
    is_alone = kin.group is None and not kin.members and not kin.components
    if is_alone and kin.own.lots is not None:
        return ahead
    last = ahead.grid.ends[ahead.grid.daily - 1]
    is_falling = mode is AtpMode.DISCRETE or any(_falls(node, last) for node in _nodes(kin))
    return ahead.by_day if is_falling else ahead


def _nodes(kin: Kin) -> Iterator[Node]:
    yield kin.own
    if kin.group is not None:
        yield kin.group
    yield from kin.members
    for one in kin.components:
        yield from _nodes(one.kin)


def _falls(node: Node, last: date) -> bool:
    """Say whether something of it is due behind the days, or comes where others may be closed."""
    if node.opens is not None and node.supplies:
        return True
    due = any(one.on is not None and one.on > last for one in node.claims)
    return due or any(_is_taken(one, last) for one in node.through)


def _is_taken(kit: Through, last: date) -> bool:
    due = any(one.on is not None and one.on > last for one in kit.claims)
    return due or any(_is_taken(upper, last) for upper in kit.through)
