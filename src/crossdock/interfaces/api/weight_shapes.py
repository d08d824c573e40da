"""How the weight of goods that are sold by piece and invoiced by weight is written in JSON."""

from dataclasses import dataclass

from crossdock.capabilities.supply import Atp, weight_of
from crossdock.interfaces.api.stock_shapes import AmountShown, amount


@dataclass(slots=True)
class WeighingShown:
    """So many pieces, and what they are estimated to weigh: they are invoiced by weight."""

    pieces: AmountShown
    estimated: AmountShown
    at_least: AmountShown
    at_most: AmountShown


@dataclass(slots=True)
class WeightShown:
    """Promised are pieces; each weighs `nominal` as a rule, and so many percent less or more."""

    nominal: AmountShown
    low_percent: int
    high_percent: int
    now: WeighingShown
    quantity: WeighingShown | None
    by_then: WeighingShown | None


def weight_shown(answer: Atp) -> WeightShown | None:
    if (weight := answer.weight) is None:
        return None

    def weighed(micros: int | None) -> WeighingShown | None:
        return None if micros is None else of(micros)

    def of(micros: int) -> WeighingShown:
        found = weight_of(micros, weight.micros, weight.low_percent, weight.high_percent)
        shown = [amount(one, weight.unit) for one in found]
        return WeighingShown(amount(micros, answer.unit), *shown)

    return WeightShown(
        amount(weight.micros, weight.unit),
        weight.low_percent,
        weight.high_percent,
        of(answer.now),
        weighed(answer.quantity),
        weighed(answer.by_then),
    )
