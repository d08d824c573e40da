"""What else happens where a rule is put or taken back: who shows stock by it looks again."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from crossdock.capabilities.supply import rule_store
from crossdock.capabilities.supply.kit_store import HearsRecipes
from crossdock.capabilities.supply.kits import Kits
from crossdock.capabilities.supply.rules import PlacedRule
from crossdock.foundation.database import Transaction


class Ruling:
    def __init__(self, kits: Kits, shows: Callable[[], HearsRecipes] | None) -> None:
        self._kits = kits
        self._shows = shows

    @asynccontextmanager
    async def __call__(self, tx: Transaction, placed: PlacedRule) -> AsyncIterator[None]:
        """Be alone with the rules; have looked at what is shown, if it is shown otherwise after.

        What kits claimed before is named before, and what they claim now by who looks.
        """
        await rule_store.alone(tx)
        said = await rule_store.takes_parts(tx, placed.key)
        if self._shows is None or said == placed.rule.takes_parts:
            yield
            return
        concerned = await self._kits.ruled(tx, tx.tenant, placed.item)
        yield
        if concerned:
            named = [(tx.tenant, item) for item in sorted(concerned)]
            await self._shows().recipes_changed(tx, named)
