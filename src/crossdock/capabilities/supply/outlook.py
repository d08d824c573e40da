"""The future of item-locations on a grid: their balances, and what kits and groups add. Pure.

What lies there less safety, less what is claimed by each day, plus what will have come by it. A
group of locations has what its members can promise by each day, less its own claims; a member
never promises what those need. Where lots are told apart, each of these gives what can leave on a
day instead (shelf.py).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from operator import add, sub
from typing import NamedTuple

from crossdock.canonical.units import step_micros
from crossdock.capabilities.supply import explosion, model, shelf
from crossdock.capabilities.supply.answer import (
    Bucket,
    Component,
    Kin,
    Node,
    Part,
    Question,
    Shelved,
)
from crossdock.capabilities.supply.beside import balances
from crossdock.capabilities.supply.due import due_by, pegged, without
from crossdock.capabilities.supply.explosion import Stage, Tree
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.inbound import Inbound, effective
from crossdock.capabilities.supply.shelf import Shelf
from crossdock.capabilities.supply.shelving import (
    Due,
    asked_on,
    goods_of,
    inherited,
    judged,
    shelf_of,
)


class Outlook(NamedTuple):
    """The future of one item-location on a grid.

    `pab` is what is left at the end of each bucket. `due` is what is claimed, by its day. `shelf`
    is there where lots are told apart.
    """

    start: int
    supply: list[int]
    demand: list[int]
    pab: list[int]
    inbound: list[Inbound]
    due: list[tuple[date, int]]
    shelf: Shelf | None = None

    def has(self) -> list[int]:
        """Give what can be promised by each bucket, or on its day where lots are told apart."""
        return model.cumulative(self.pab) if self.shelf is None else shelf.promisable(self.shelf)

    def owed(self) -> int:
        """Give what is claimed and nothing that lies or comes here serves."""
        return max(0, -min(self.pab)) if self.shelf is None else self.shelf.owed[-1]

    def has_on(self, day: date, ahead: Horizon) -> int:
        """Give what can be promised on a day of some bucket's end, from the first on."""
        if self.shelf is not None:
            return shelf.room_on(self.shelf, day, ahead.leaves(day))
        return self.has()[ahead.grid.before(day)]


def outlook(question: Question, node: Node, ahead: Horizon) -> Outlook:
    """Lay out what stands, comes and goes at one item-location (PAB of §3.3)."""
    if node.terms.mode in model.BESIDE_STOCK:
        pab, none = balances(node.terms, ahead), [0] * len(ahead.days)
        return Outlook(pab[0], none, none, pab, [], [])
    terms, standing, today, grid = node.terms, node.standing, ahead.today, ahead.grid
    step = step_micros(question.unit)
    alone = question.own.difference(ref for ref, _ in question.keeping)
    inbound = [
        effective(one, today, terms, terms.calendar, step=step, last=grid.ends[-1])
        for one in (without(one, alone) for one in node.supplies)
    ]
    coming = [
        (bucket, one.micros)
        for one in inbound
        if one.on is not None and (bucket := grid.bucket(one.on)) is not None
    ]
    now, due = due_by(question, node, ahead, pegged(inbound))
    size = len(grid.ends)
    supply = model.dated(size, coming)
    demand = model.dated(size, [(0, now), *((one.bucket, one.micros) for one in due)])
    due = [Due(0, today, now), *due]
    start = standing.nettable - standing.safety
    found = None
    if node.lots is not None:
        goods = goods_of(node, inbound, ahead)
        start = sum(one.micros for one in goods if one.lot is not None) - standing.safety
        found = shelf_of(question, node, goods, due, ahead)
        inbound = [_noted(one, found) for one in inbound]
    pab = model.projected(start, supply, demand)
    by_day = [(one.day, one.micros) for one in due]
    return Outlook(start, supply, demand, pab, inbound, by_day, found)


def _noted(one: Inbound, of: Shelf) -> Inbound:
    """Say of goods to come that nobody knows how long they will keep, where that matters."""
    is_unknown = any(not goods.is_dated for goods in of.goods if goods.lot is None)
    if one.on is None or of.life.days is None or not is_unknown:
        return one
    return one._replace(reason=f"{one.reason}; how long it will keep nobody told")


class Reached(NamedTuple):
    """What there is in each bucket of the horizon `ahead`, which may look at a week by day.

    `pab` are the balances, `least` what is left of them once a group's claims are covered.

    `by_lots` is what can leave in each bucket where lots are told apart, None elsewhere;
    `is_alone`: no kit, group or member, so that its own shelf says all. `stages` are told of a kit
    that no group and no lots touch. `tree` is there of one whose components are kits: `least` is
    then what can be promised.
    """

    ahead: Horizon
    own: Outlook
    pab: list[int]
    least: list[int]
    parts: tuple[Part, ...]
    by_lots: list[int] | None = None
    is_alone: bool = False
    tree: Tree | None = None
    stages: Sequence[Stage] = ()

    def has(self) -> list[int]:
        return model.cumulative(self.least) if self.by_lots is None else self.by_lots


def reached(question: Question, kin: Kin, ahead: Horizon) -> Reached:
    """Give the balances of an item-location with what its components and members add."""
    question = inherited(question, kin.own.terms)
    own = outlook(question, kin.own, ahead)
    members = [outlook(question, member, ahead) for member in kin.members]
    kits = _assembled(question, kin, own, members, ahead)
    made, parts = kits.made, kits.parts
    pab = list(map(add, own.pab, made))
    is_shelved = kits.is_shelved or any(one.shelf is not None for one in (own, *members))
    if kin.is_group:
        parts += tuple(
            _part(question, node, 0, one, _changing(ahead, one, one.pab, one.has()))
            for node, one in zip(kin.members, members, strict=True)
        )
    total = [0] * len(ahead.days)
    for node, one in zip(kin.members, members, strict=True):
        leaves = _leaving(node, one.has(), ahead, is_by_day=is_shelved)
        total = list(map(add, total, leaves))
    if kin.group is None:
        if kin.is_group:
            pab = list(map(add, pab, total))
        by_lots = _with(own, made, total if kin.is_group else None) if is_shelved else None
        is_alone = not kin.components and not kin.is_group
        if _is_deep(kin.components) and kits.stages:
            tree = explosion.tree(question.item, own.pab, kits.stages)
            least = explosion.promisable(tree)
            return Reached(ahead, own, pab, least, parts, tree=tree, stages=kits.stages)
        return Reached(ahead, own, pab, pab, parts, by_lots, is_alone, stages=kits.stages)
    if is_shelved:
        kept = _kept(question, kin, kin.group, ahead)
        by_lots = [max(0, has - kept) for has in _with(own, made, None)]
        return Reached(ahead, own, pab, pab, parts, by_lots)
    others = list(map(sub, total, own.has()))
    group = outlook(question, kin.group, ahead)
    beside = model.beside_group(model.cumulative(pab), others, group.pab)
    return Reached(ahead, own, pab, list(map(min, pab, beside)), parts)


def _is_deep(components: Sequence[Component]) -> bool:
    return any(one.level > 1 for one in components)


def _stages(components: Sequence[Component], has: Mapping[str, Sequence[int]]) -> list[Stage]:
    made = {of for one in components for of, _ in one.into}
    return [Stage(one.item, one.into, has[one.item], one.item in made) for one in components]


def _leaving(node: Node, has: Sequence[int], ahead: Horizon, *, is_by_day: bool) -> Sequence[int]:
    """Hold back what a member has until a day on which it ships; `is_by_day`: on that day alone.

    A group's answer names days by the group's calendar; a member that is closed on one, or whose
    cut-off is over, has by then what could leave on its last day before.
    """
    if node.opens is None:
        return has
    found: list[int] = []
    for bucket, day in enumerate(ahead.days):
        last = node.terms.calendar.last_working_day(day)
        if last < node.opens or (is_by_day and last != day):
            found.append(0)
            continue
        at = ahead.grid.bucket(last)
        found.append(has[bucket if at is None else min(bucket, at)])
    return found


def _with(own: Outlook, made: Sequence[int], total: Sequence[int] | None) -> list[int]:
    """Add what is put together, and what members have, less what is owed of the item itself.

    Each unit that is owed takes one unit at most of what can leave on any day, so this is never
    too much.
    """
    owed = own.owed()
    beside = [0] * len(made) if total is None else total
    each = zip(own.has(), made, beside, strict=True)
    return [has + max(0, can_make + other - owed) for has, can_make, other in each]


def _kept(question: Question, kin: Kin, node: Node, ahead: Horizon) -> int:
    """Say how much of a group's claims the other members may not cover, on some day of them.

    They cover it with goods that keep as long as such claims need, whatever who asks needs.
    """
    life = node.terms.life()
    usual = question._replace(
        life_days=None, transit_days=None, customer="", channel="", ruled=life
    )
    group = outlook(usual, node, ahead)
    if not (owed := group.owed()):
        return 0
    own = outlook(usual, kin.own, ahead)
    members = [outlook(usual, member, ahead) for member in kin.members]
    covered: list[int] = []
    for day in {max(day, ahead.grid.ends[0]) for day, micros in group.due if micros}:
        has = sum(one.has_on(day, ahead) for one in members)
        covered.append(has - own.has_on(day, ahead))
    return max(0, owed - min(covered, default=0))


class _Assembled(NamedTuple):
    """Kits that can be put together by each bucket, and out of what.

    `is_shelved`: lots are told apart of some component. `stages` are told of a kit that no group
    and no lots touch.
    """

    made: list[int]
    parts: tuple[Part, ...] = ()
    is_shelved: bool = False
    stages: Sequence[Stage] = ()


def _assembled(
    question: Question, kin: Kin, own: Outlook, members: Sequence[Outlook], ahead: Horizon
) -> _Assembled:
    """Count the kits that can be put together by each bucket (A11); 0 where it is no kit.

    `own` and `members` are the kit's own futures, here and there.
    """
    components = kin.components
    if not components:
        return _Assembled([0] * len(ahead.days))
    parts: list[Part] = []
    asked = asked_on(question, components)
    futures: dict[str, Reached] = {}
    for one in components:
        of_part = asked[one.item]
        futures[one.item] = found = reached(of_part, one.kin, ahead)
        buckets = _changing(ahead, found.own, found.pab, found.has())
        part = _part(of_part, one.kin.own, one.micros, found.own, buckets)
        parts.append(part._replace(level=one.level, into=one.into))
    is_shelved = any(one.by_lots is not None for one in futures.values())
    least = {item: one.least for item, one in futures.items()}
    has = least
    if is_shelved or not _is_deep(components):
        has = {item: one.has() for item, one in futures.items()}
    is_single = kin.group is None and not kin.is_group and own.shelf is None
    stages = _stages(components, least) if is_single and not is_shelved else ()
    if stages and _is_deep(components):
        bare = explosion.tree(question.item, [0] * len(ahead.days), stages)
        return _Assembled(explosion.promisable(bare), tuple(parts), stages=stages)
    made = _made(question.item, components, has, is_by_day=is_shelved)
    if kin.is_group:
        at_members, taken = _made_at_members(question, components, members, ahead)
        made = [
            min(one, max(0, can_make - of))
            for one, can_make, of in zip(at_members, made, taken, strict=True)
        ]
    return _Assembled(made, tuple(parts), is_shelved, stages)


def _made(
    kit: str,
    components: Sequence[Component],
    has: Mapping[str, Sequence[int]],
    *,
    is_by_day: bool,
) -> list[int]:
    """Count whole kits in each bucket; those whose components are kits, level by level."""
    none = [0] * len(has[components[0].item])
    if not _is_deep(components):
        return model.kits_by_bucket({one.item: one.micros for one in components}, has, none)
    tree = explosion.tree(kit, none, _stages(components, has))
    return explosion.made(tree, is_by_day=is_by_day)


def _made_at_members(
    question: Question,
    components: Sequence[Component],
    kits: Sequence[Outlook],
    ahead: Horizon,
) -> tuple[list[int], list[int]]:
    """Count the kits that members can put together, each out of what lies in its own building.

    What is owed of the kit at a member is off; it is counted beside. What the group's claims on
    components leave is for the caller to see to.
    """
    none = [0] * len(ahead.days)
    asked = asked_on(question, components)
    total, taken = none, none
    each = zip(*(one.kin.members for one in components), strict=True)
    for members, kit in zip(each, kits, strict=True):
        futures = {
            one.item: outlook(asked[one.item], member, ahead)
            for one, member in zip(components, members, strict=True)
        }
        is_by_day = any(one.shelf is not None for one in (kit, *futures.values()))
        has = {
            item: of.has() if is_by_day or not _is_deep(components) else of.pab
            for item, of in futures.items()
        }
        made = _made(question.item, components, has, is_by_day=is_by_day)
        left = _left_of(kit, made, is_by_day=is_by_day)
        taken = [of + max(0, one - rest) for of, one, rest in zip(taken, made, left, strict=True)]
        leaves = _leaving(members[0], left, ahead, is_by_day=is_by_day)
        total = list(map(add, total, leaves))
    return total, taken


def _left_of(kit: Outlook, made: Sequence[int], *, is_by_day: bool) -> list[int]:
    """Give what can be had of kits that are put together, beside what lies there assembled."""
    if is_by_day:
        owed = kit.owed()
        return [max(0, has - owed) for has in made]
    return list(map(sub, model.cumulative(list(map(add, kit.pab, made))), kit.has()))


def _part(
    question: Question, node: Node, per: int, future: Outlook, buckets: tuple[Bucket, ...]
) -> Part:
    return Part(
        question.item,
        node.location,
        question.unit,
        per,
        node.standing,
        tuple(future.inbound),
        buckets,
        judged_at(node, future),
    )


def judged_at(node: Node, future: Outlook) -> tuple[Shelved, ...]:
    """Judge each lot that lies at an item-location, where lots are told apart."""
    if future.shelf is None:
        return ()
    return tuple(judged(node.lots or (), future.shelf, node.terms.owners))


def changing(
    ahead: Horizon, own: Outlook, pab: Sequence[int], atp: Sequence[int]
) -> tuple[Bucket, ...]:
    """Keep the first bucket, and those in which something comes, goes, or changes.

    `atp` is what can be promised in those that are shown, all the rest is by day.
    """
    found: list[Bucket] = []
    before = None
    owed = [0] * len(ahead.days) if own.shelf is None else own.shelf.owed
    flows = ahead.over(own.supply), ahead.over(own.demand)
    left = ahead.at_ends(pab), atp, ahead.at_ends(owed)
    for each in zip(ahead.ends, *flows, *left, strict=True):
        if each[1] or each[2] or each[3:] != before:
            found.append(Bucket(*each))
        before = each[3:]
    return tuple(found)


def _changing(
    ahead: Horizon, own: Outlook, pab: Sequence[int], atp: Sequence[int]
) -> tuple[Bucket, ...]:
    return changing(ahead, own, pab, ahead.at_ends(atp))
