"""What samplers show to another tenant than the one whose goods they are."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from crossdock.capabilities.reconciliation import Asked
from crossdock.capabilities.reconciliation.planning import planned
from crossdock.capabilities.reconciliation.rounds import Round
from crossdock.foundation.scope import Scope

OTHER = Scope("other")
PLAN = planned("shop", "DC1", listings=9, keys_a_call=9, quota_calls_a_day=9_000)


async def listed(sampler: Any) -> Any:
    return (await sampler.listed(OTHER, PLAN, Round(), 9)).items


SAMPLED: Mapping[str, Callable[[Any], Awaitable[Any]]] = {
    "StockSampler.again": lambda full: full.hub.stock_sampler.again(OTHER, PLAN),
    "StockSampler.listed": lambda full: listed(full.hub.stock_sampler),
    "StockSampler.read": lambda full: full.hub.stock_sampler.read(OTHER, PLAN, ["SKU-1"]),
    "OpenRounds.plans": lambda full: full.hub.open_rounds.plans(OTHER),
    "Sampler.again": lambda full: full.hub.sampler.again(OTHER, PLAN),
    "Sampler.listed": lambda full: listed(full.hub.sampler),
    "Sampler.read": lambda full: full.hub.sampler.read(OTHER, PLAN, ["SKU-1"]),
    "StockSampler.plans": lambda full: full.hub.stock_sampler.plans(OTHER),
    "StockSampler.ask": lambda full: full.hub.stock_sampler.ask(
        OTHER, "shop", "DC1", ["SKU-1"], by="x"
    ),
    "StockSampler.filled_in": lambda full: full.hub.stock_sampler.filled_in(
        OTHER, Asked(system="shop", against="erp", by="x"), "DC1", ["SKU-1"]
    ),
}
