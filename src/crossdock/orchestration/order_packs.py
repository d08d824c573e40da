"""What an order asks for, in the packs that its items are sold in (A31): supply's rules.

A plan is of whole packs, so that what is reserved of it is what it says. Where nodes sell an item
in other packs, what is planned of it is whole ones of all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import lcm

from crossdock.canonical.errors import Invalid
from crossdock.canonical.packs import Pack
from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.inventory import Inventory
from crossdock.capabilities.sourcing import Asked, Line, Occasion
from crossdock.foundation.scope import Scope

Key = tuple[str, str]
"""Item, location."""


async def in_packs(
    inventory: Inventory,
    scope: Scope,
    asked: Asked,
    nodes: Sequence[str],
    demand: Mapping[int, tuple[Key, int]],
) -> Asked:
    """Give a question with what its lines ask for, and what may stand in for them, in packs.

    A line whose order is counted already asks for no more than that claims, and with what was
    picked of it for whole packs; one of a back-order run asks for no more than it lacks.
    """
    own = [line for line in asked.order.lines if not line.is_dropship]
    items = sorted({line.item for line in own} | {one.item for one in asked.substitutes})
    keys = [(item, node) for item in items for node in nodes]
    found = await inventory.packs(scope, keys) if keys else {}
    if not found:
        return asked
    packs = {item: one for item in items if (one := _of_all(found, item, nodes))}
    refs = [asked.demand_refs[number] for number in demand]
    picked = await inventory.picked(scope, refs) if refs else {}
    is_rest = asked.order.occasion is Occasion.BACKORDER_RUN
    lines = {
        line.line_no: _packed(
            line,
            packs[line.item],
            demand[line.line_no][1] if line.line_no in demand else None,
            picked.get(asked.demand_refs.get(line.line_no, ""), 0),
            is_rest=is_rest,
        )
        for line in own
        if line.item in packs
    }
    before = {line.line_no: line for line in asked.order.lines}
    return replace(
        asked,
        order=replace(
            asked.order,
            lines=tuple(lines.get(line.line_no, line) for line in asked.order.lines),
        ),
        substitutes=tuple(
            replace(one, step=lcm(one.step, packs[one.item].micros)) if one.item in packs else one
            for one in asked.substitutes
        ),
        packs={
            number: (packs[line.item].micros, before[number].micros)
            for number, line in lines.items()
        },
    )


def _of_all(found: Mapping[Key, Pack], item: str, nodes: Iterable[str]) -> Pack | None:
    """Give a pack that is whole ones of what every node sells it in; it is up where all are."""
    here = [pack for node in nodes if (pack := found.get((item, node)))]
    if not here:
        return None
    return Pack(lcm(*(one.micros for one in here)), all(one.up for one in here))


def _packed(line: Line, pack: Pack, claimed: int | None, picked: int, *, is_rest: bool) -> Line:
    """Move what a line asks for to whole packs, and have it leave in them.

    Whole units of what was ordered stay whole beside, unless the line is one of them. What
    completes a pack of which some was picked leaves as it is, or not at all.
    """
    step = pack.micros if line.step == line.micros else lcm(pack.micros, line.step)
    beside = 0 if claimed is None else picked
    moved = Pack(step, pack.up and not is_rest).moved(line.micros, beside)
    if claimed is not None and line.micros <= claimed < moved:
        moved = Pack(step, up=False).moved(line.micros, beside)
    if not moved:
        where = f"/lines/{line.line_no - 1}/quantity"
        raise Invalid(
            f"{_said(line.micros)} of {line.item} is less than a pack of {_said(step)}",
            where=where,
            code="less_than_pack",
            hint="ask for whole packs; GET /v1/atp/rules says what is sold in which",
        )
    return replace(line, micros=moved, step=moved if moved % step else step)


def _said(micros: int) -> str:
    return plain(Quantity.from_micros(micros).value)
