"""In which packs items are sold, for whoever grants what lies there now (A31).

Asked with every promise, so what the rules say is remembered for a moment, and so is each answer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from crossdock.canonical.packs import Pack
from crossdock.capabilities.supply import rules
from crossdock.capabilities.supply.rules import RuleKey
from crossdock.capabilities.supply.unlimited import (
    READINGS,
    REMEMBERED_SECONDS,
    Key,
    KnowsClasses,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

# The rules that say a pack, or which way to round to one, whatever they are for: few of all.
PACKS = """
select item, item_class, location, (rule ->> 'pack')::numeric as pack,
    (rule ->> 'pack_up')::boolean as up
from supply_rule
where tenant = $1 and (rule ->> 'pack' is not null or rule ->> 'pack_up' is not null)
"""


class Said(NamedTuple):
    """What one rule says of packs, in micros; None is nothing, and asks the next wider rule."""

    pack: int | None = None
    up: bool | None = None


def pack_of(said: Mapping[RuleKey, Said], key: Key, of_class: str = "") -> Pack | None:
    """Give the pack that holds for an item at a location: what is narrowest says it, as by date.

    The size and which way to round are two things, and may come from two rules.
    """
    told = [said[at] for at in rules.places(*key, of_class) if at in said]
    pack = next((one.pack for one in told if one.pack is not None), 0)
    up = next((one.up for one in told if one.up is not None), rules.DEFAULTS.pack_up)
    return Pack(pack, bool(up)) if pack else None


@dataclass(slots=True)
class _Known:
    """What was read of a tenant, and what follows for those who were asked about since.

    Nothing is `said` where no rule says that anything is sold in packs. `is_classed`: some rule
    is for a class, so the classes of items matter.
    """

    until: float = 0.0
    said: Mapping[RuleKey, Said] = field(default_factory=dict[RuleKey, Said])
    found: dict[Key, Pack | None] = field(default_factory=dict[Key, Pack | None])
    is_classed: bool = False


class Packs:
    """Answers in the caller's transaction, and from memory where nothing is sold in packs."""

    def __init__(self, clock: Clock, catalog: KnowsClasses) -> None:
        self._clock = clock
        self._catalog = catalog
        self._known: dict[str, _Known] = {}

    def remembered(self, tenant: str, keys: Iterable[Key]) -> Mapping[Key, Pack] | None:
        """Give the packs of these (item, location) as of a moment ago; None: it has to be asked.

        What is not sold in packs is left out.
        """
        known = self._known.get(tenant)
        if known is None or known.until <= self._clock.ticks():
            return None
        if not known.said:
            return {}
        found: dict[Key, Pack] = {}
        for key in keys:
            if key not in known.found:
                if known.is_classed:
                    return None
                known.found[key] = pack_of(known.said, key)
            if pack := known.found[key]:
                found[key] = pack
        return found

    async def among(self, tx: Transaction, tenant: str, keys: Iterable[Key]) -> dict[Key, Pack]:
        """Give the packs of those of these (item, location) that are sold in packs."""
        known = await self._read(tx, tenant)
        if not known.said:
            return {}
        asked = set(keys)
        if missing := sorted(asked - known.found.keys()):
            items = sorted({item for item, _ in missing}) if known.is_classed else []
            classes = await self._catalog.item_classes(tx.of(tenant), items) if items else {}
            for key in missing:
                known.found[key] = pack_of(known.said, key, classes.get(key[0], ""))
        return {key: pack for key in asked if (pack := known.found[key])}

    async def _read(self, tx: Transaction, tenant: str) -> _Known:
        began = self._clock.ticks()
        known = self._known.get(tenant)
        if known is None or known.until <= began:
            rows = await tx.fetch(PACKS, tenant)
            said = {
                (row["item"], row["item_class"], row["location"]): Said(
                    _micros(row["pack"]), row["up"]
                )
                for row in rows
            }
            is_any = any(one.pack for one in said.values())
            took = self._clock.ticks() - began
            until = began + max(REMEMBERED_SECONDS, READINGS * took)
            is_classed = any(item_class for _, item_class, _ in said)
            known = _Known(until, said if is_any else {}, is_classed=is_classed)
            self._known[tenant] = known
        return known


def _micros(pack: Decimal | None) -> int | None:
    return None if pack is None else rules.micros_said(pack)
