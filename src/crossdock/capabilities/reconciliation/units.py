"""Lines of a system in the base unit of their item, by the item's own factors. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.dumps import Line
from crossdock.capabilities.reconciliation.model import AMOUNT_MAX
from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.reconciliation.ports import Goods

Base = Callable[[str], str]
"""The canonical word for a unit."""
Lined = TypeVar("Lined", Line, OpenRow)


def in_base_unit(
    lines: Sequence[Lined], unit: str, goods: Goods | None, base: Base
) -> list[Lined]:
    """Convert by the item's factors; a unit nobody knows is taken as it stands.

    Numbers that are alike by that are not: they are told as not known.
    """
    factors = {name: (n, d) for name, n, d in goods.factors} if goods else {}
    converted: list[Lined] = []
    for line in lines:
        said = base(line.unit) if line.unit else unit
        numerator, denominator = factors.get(said, (1, 1)) if said != unit else (1, 1)
        micros = line.micros * numerator // denominator
        converted.append(line._replace(micros=micros) if micros != line.micros else line)
    return converted


def strange_unit(lines: Sequence[Lined], unit: str, goods: Goods | None, base: Base) -> str:
    """Name a unit that the item is not kept in, or ""."""
    known = {unit} | {name for name, _, _ in goods.factors} if goods else {unit}
    return next((x.unit for x in lines if x.unit and base(x.unit) not in known), "")


def refuse_beyond(item: str, location: str, micros: Sequence[int]) -> None:
    """Refuse quantities of an item at a location whose sum could not be kept."""
    if sum(map(abs, micros)) > AMOUNT_MAX:
        raise Invalid(
            f"the quantities of {item} at {location} are beyond what can be",
            where="lines",
            hint=f"at most {AMOUNT_MAX // MICROS} of an item at a location",
        )
