"""By how much an invoice may be priced otherwise than agreed (§5.4). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.model import ItemClass

PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTolerance:
    """How much a line may be invoiced otherwise: by both limits, its share and its money."""

    share_ppm: Mapping[ItemClass, int] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(ItemClass, 20_000))
    )
    value: int = 50 * MICROS

    def lets_pass(
        self, agreed: int, variance: int, of: ItemClass, *, favours_less: bool, is_foreign: bool
    ) -> bool:
        """Say whether it passes; where less favours us less always does (P8).

        What is in another currency cannot be held against the limit in money, and does not.
        """
        if (favours_less and variance < 0) or is_foreign:
            return favours_less and variance < 0
        by_share = self.share_ppm[of] * abs(agreed)
        return abs(variance) <= self.value and abs(variance) * PPM <= by_share
