"""Whether a back-order run may ask for alternatives: `when` of the rules in force (§3.5)."""

from collections.abc import Collection
from datetime import datetime

from crossdock.capabilities.sourcing import store
from crossdock.capabilities.sourcing.model import Rules, Substitute, When, comparable
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

ALL = "all"


class Backorders:
    """Answers for whoever runs through back-orders, before anything is weighed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def may_ask(
        self, scope: Scope, customers: Collection[str], channel: str, now: datetime
    ) -> bool:
        """Say whether the rules of this customer, by all its names, or channel say `ALWAYS`."""
        async with self._database.transaction(scope) as tx:
            found = await store.in_force(tx, rule_scopes(customers, comparable(channel)), now)
        knobs = (Rules() if found is None else found.rules).alternatives
        return knobs.when is When.ALWAYS and knobs.substitute is not Substitute.NONE


def rule_scopes(customers: Collection[str], channel: str) -> list[str]:
    """Name whose rules are asked for, the narrowest first."""
    named = [f"customer:{name}" for name in dict.fromkeys(filter(None, customers))]
    return [*named, *([f"channel:{channel}"] if channel else []), ALL]
