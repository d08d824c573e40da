"""Sets and shows allocation groups, and has all that they concern looked at anew."""

from collections.abc import Sequence

from crossdock.canonical.errors import Conflict, Invalid
from crossdock.capabilities.allocation import rule_store, rulebook
from crossdock.capabilities.allocation.asks import Around
from crossdock.capabilities.allocation.group_reads import group_of, listed_in, shared_by
from crossdock.capabilities.allocation.groups import (
    AllocationGroup,
    GroupKept,
    check,
    taken,
)
from crossdock.capabilities.allocation.marking import look_again
from crossdock.capabilities.allocation.protection import AllocationProtection
from crossdock.capabilities.allocation.rulebook import Rulebook
from crossdock.capabilities.allocation.standing import comparable
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

NAMED = 3
"""So many places are named of where a channel has a maximum or minimum."""


class GroupBook:
    """Sets and shows allocation groups; who set what stays on record, as of every rule."""

    def __init__(self, database: Database, clock: Clock, around: Around, book: Rulebook) -> None:
        self._database = database
        self._clock = clock
        self._around = around
        self._book = book

    async def listed(self, scope: Scope) -> list[AllocationGroup]:
        """List the groups that there are, by name."""
        async with self._database.transaction(scope) as tx:
            return await listed_in(tx)

    async def put(self, scope: Scope, said: AllocationGroup, *, by: str) -> AllocationGroup:
        """Say who is in a group; said again it changes nothing.

        What was had by who joins or leaves counts for the group, or no longer, from now on.
        Raises `Invalid` where it would not be certain for whom a demand counts.
        """
        customers = {comparable(one) for one in said.customers} - {""}
        channels = {one for one in said.channels if one.strip()}
        group = AllocationGroup(
            name=said.name, channels=tuple(sorted(channels)), customers=tuple(sorted(customers))
        )
        async with self._database.transaction(scope) as tx:
            await tx.execute(rule_store.LOCK_RULES, tx.tenant)
            others = [one for one in await listed_in(tx) if one.name != group.name]
            check(group, others)
            await self._check_customers(tx, group, others)
            await self._check_free(tx, group)
            kept = GroupKept(group.channels, group.customers)
            row = await self._book.say(tx, ("GROUP", group.name, "", ""), kept, by)
            await self._look(tx)
        return group_of(row)

    async def clear(self, scope: Scope, name: str, *, by: str) -> None:
        """End a group: its channels and customers are for themselves again."""
        async with self._database.transaction(scope) as tx:
            await tx.execute(rule_store.LOCK_RULES, tx.tenant)
            if found := [one for one in await self._kept(tx, [name]) if one.group]:
                raise Conflict(
                    f"allocation group {name} has maxima or minima: {_places(found)}",
                    code="group_in_use",
                    hint="take those back first, or let them end",
                )
            await self._book.say(tx, ("GROUP", name, "", ""), None, by)
            await self._look(tx)

    async def _kept(
        self, tx: Transaction, names: Sequence[str] | None
    ) -> list[AllocationProtection]:
        """Read the maxima and minima of these that hold now or later; None: of all."""
        return await rulebook.kept_in(tx, names, self._clock.now())

    async def _check_customers(
        self, tx: Transaction, group: AllocationGroup, others: Sequence[AllocationGroup]
    ) -> None:
        """Refuse a customer who is in another group, by whatever name."""
        groups = await shared_by(tx, self._around.parties, [*others, group])
        theirs = await shared_by(tx, self._around.parties, others)
        for customer in group.customers:
            named = theirs.customers.get(customer) or groups.customers[customer]
            if named != group.name:
                raise taken(f"customer {customer}", named, "/customers")

    async def _check_free(self, tx: Transaction, group: AllocationGroup) -> None:
        """Refuse channels that have a maximum or minimum of their own."""
        names = [group.name, *group.channels]
        if found := [one for one in await self._kept(tx, names) if one.channel]:
            raise Invalid(
                f"channel {found[0].channel} has maxima or minima of its own: {_places(found)}",
                where="/channels",
                hint="take it back first: of one demand it would not be certain for which it"
                " counts",
            )

    async def _look(self, tx: Transaction) -> None:
        """Look again wherever anything is kept: other demand may count for it now."""
        now = self._clock.now()
        keys = sorted({(one.item, one.location) for one in await self._kept(tx, None)})
        await look_again(tx, keys, "RULES", now)
        await self._around.shows.claims_moved(tx, [(tx.tenant, *one) for one in keys], now)


def _places(found: Sequence[AllocationProtection]) -> str:
    named = [f"{one.item} at {one.location}" for one in found[:NAMED]]
    more = len(found) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
