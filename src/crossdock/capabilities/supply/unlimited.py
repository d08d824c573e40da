"""Which items no stock limits at once, for whoever promises what lies there now.

Asked with every promise, so what the rules say is remembered for a moment, and so is each answer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.capabilities.supply import rules
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.rules import RuleKey
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

REMEMBERED_SECONDS, READINGS = 1.0, 100
"""So long a tenant's rules are remembered, or so many times as long as it took to read them."""

# The rules that say a mode, whatever they are for: few of all that there are.
MODES = """
select item, item_class, location, rule ->> 'mode' as mode from supply_rule
where tenant = $1 and rule ->> 'mode' is not null
"""

INFINITE = AtpMode.INFINITE.value

Key = tuple[str, str]
"""Item, location."""


class KnowsClasses(Protocol):
    """Whoever knows the classes of items; the catalogue, usually."""

    async def item_classes(self, tx: Transaction, items: Sequence[str]) -> Mapping[str, str]:
        """Name the class of each of these items that has one."""
        ...


def unlimited_among(
    modes: Mapping[RuleKey, str], keys: Iterable[Key], classes: Mapping[str, str]
) -> frozenset[Key]:
    """Name those of these whose narrowest rule with a mode says that no stock limits them."""
    return frozenset(key for key in keys if _mode(modes, key, classes.get(key[0], "")) == INFINITE)


def _mode(modes: Mapping[RuleKey, str], key: Key, of_class: str) -> str:
    return next((modes[at] for at in rules.places(*key, of_class) if at in modes), "")


@dataclass(slots=True)
class _Known:
    """What was read of a tenant, and what follows for those who were asked about since.

    `modes` are empty where no rule says that anything is unlimited.
    """

    until: float = 0.0
    modes: Mapping[RuleKey, str] = field(default_factory=dict[RuleKey, str])
    found: dict[Key, bool] = field(default_factory=dict[Key, bool])

    @property
    def has_none(self) -> bool:
        return not self.modes


class Unlimited:
    """Answers in the caller's transaction, and from memory where there is no such item.

    An item by its lead time alone (LEAD_TIME) is not among them: there is none of it now.
    """

    def __init__(self, clock: Clock, catalog: KnowsClasses) -> None:
        self._clock = clock
        self._catalog = catalog
        self._known: dict[str, _Known] = {}

    def has_none_of(self, tenant: str, keys: Iterable[Key]) -> bool:
        """Say whether stock limited all of these (item, location) a moment ago, without asking."""
        known = self._known.get(tenant)
        if known is None or known.until <= self._clock.ticks():
            return False
        return known.has_none or not any(known.found.get(key, True) for key in keys)

    async def among(self, tx: Transaction, tenant: str, keys: Iterable[Key]) -> frozenset[Key]:
        """Name those of these (item, location) that no stock limits."""
        known = await self._read(tx, tenant)
        if known.has_none:
            return frozenset()
        asked = set(keys)
        if missing := sorted(asked - known.found.keys()):
            of_class = any(item_class for _, item_class, _ in known.modes)
            items = sorted({item for item, _ in missing})
            classes = await self._catalog.item_classes(tx.of(tenant), items) if of_class else {}
            found = unlimited_among(known.modes, missing, classes)
            known.found |= {key: key in found for key in missing}
        return frozenset(key for key in asked if known.found[key])

    async def _read(self, tx: Transaction, tenant: str) -> _Known:
        began = self._clock.ticks()
        known = self._known.get(tenant)
        if known is None or known.until <= began:
            rows = await tx.fetch(MODES, tenant)
            said = {(row["item"], row["item_class"], row["location"]): row["mode"] for row in rows}
            modes = said if INFINITE in said.values() else {}
            took = self._clock.ticks() - began
            known = _Known(began + max(REMEMBERED_SECONDS, READINGS * took), modes)
            self._known[tenant] = known
        return known
