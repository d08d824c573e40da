"""The rules that hold for what a set of answers is made of, and what they need to know."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from crossdock.capabilities.supply import rules, store
from crossdock.capabilities.supply.fill import Fill
from crossdock.capabilities.supply.fill_store import fills
from crossdock.capabilities.supply.rules import AtpTerms, PlacedRule, RuleKey
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.database import Transaction

Figures = tuple[
    int, int, int, int, int, bool, Sequence[tuple[str, datetime | None, int]], bool, int, int
]
"""Nettable, hard, soft, safety, version, is_grouped, sources, is_known, expired, docked (§3.1).

Of each source when it last spoke, if ever, and how many seconds it may be silent.
"""


class KnowsPlaces(Protocol):
    """Whoever knows the locations' own clocks and the items' classes; the catalogue, usually."""

    async def time_zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        """Answer the zone of each (tenant, location)."""
        ...

    async def item_classes(self, tx: Transaction, items: Sequence[str]) -> Mapping[str, str]:
        """Name the class of each of these items that has one."""
        ...


class Ruled:
    """What was read of some keys, and what holds for each."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._terms: dict[tuple[RuleKey, ...], AtpTerms] = {}
        self._asked_class: set[str] = set()
        self.classes: dict[str, str] = {}
        self.standing: dict[Key, Figures] = {}
        self.found = store.Found.nothing()

    def terms(self, key: Key) -> AtpTerms:
        """Give what holds for a key; keys under the same rules share it."""
        said = self.found.rules
        rules_of = self._rules_of(key)
        if rules_of not in self._terms:
            self._terms[rules_of] = rules.terms_of(said[at] for at in rules_of)
        return self._terms[rules_of]

    def _rules_of(self, key: Key) -> tuple[RuleKey, ...]:
        of_class = self.classes.get(key[0], "")
        return tuple(at for at in rules.places(*key, of_class) if at in self.found.rules)

    def said(self) -> list[PlacedRule]:
        """Give the rules that hold for what was read."""
        held = {at for key in self.standing for at in self._rules_of(key)}
        return [
            PlacedRule(item=at[0], item_class=at[1], location=at[2], rule=self.found.rules[at])
            for at in sorted(held)
        ]

    def unclassed(self, keys: Iterable[Key]) -> list[str]:
        """Name the items whose class matters, for some rule is for one, and is not known yet."""
        if not any(item_class for _, item_class, _ in self.found.rules):
            return []
        return sorted({item for item, _ in keys} - self._asked_class)

    def classify(self, items: Iterable[str], classes: Mapping[str, str]) -> None:
        """Note the classes of items; who is not named has none."""
        self._asked_class.update(items)
        self.classes.update(classes)

    def suppliers(self, keys: Iterable[Key]) -> set[str]:
        """Name whose fill the rules ask for, of what is to come to these keys."""
        return {
            one.supplier
            for key in keys
            for one in self.found.supplies.get(key, ())
            if one.supplier and self._is_by_supplier(key)
        }

    def hear_fills(self, keys: Iterable[Key], fills: Mapping[str, Fill]) -> None:
        """Note the fill of those who supply what is to come to these keys."""
        for key in filter(self._is_by_supplier, keys):
            if supplies := self.found.supplies.get(key):
                known = [one._replace(fill=fills.get(one.supplier)) for one in supplies]
                self.found.supplies[key] = known

    def _is_by_supplier(self, key: Key) -> bool:
        return any(one.by_supplier for one in self.terms(key).classes.values())


async def learn(
    tx: Transaction, tenant: str, read: Ruled, keys: Sequence[Key], places: KnowsPlaces
) -> None:
    """Read what the rules of these keys go by: classes of items, and the fill of suppliers."""
    if unclassed := read.unclassed(keys):
        read.classify(unclassed, await places.item_classes(tx, unclassed))
    if suppliers := read.suppliers(keys):
        read.hear_fills(keys, await fills(tx, tenant, suppliers, read.now))
