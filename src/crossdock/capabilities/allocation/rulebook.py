"""Rules as data: how order lines stand, what is kept for whom, what applies by itself.

Nothing is overwritten: every change is a version of its own, and each run names the newest that
there was when it was decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from crossdock.canonical.allocation import Every, Strategy
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.allocation import protection, rule_store, store, told
from crossdock.capabilities.allocation.asks import KnowsParties, KnowsStock
from crossdock.capabilities.allocation.group_reads import check_whose
from crossdock.capabilities.allocation.groups import GroupKept
from crossdock.capabilities.allocation.marking import look_again
from crossdock.capabilities.allocation.model import (
    PRIORITY_DEFAULT,
    PRIORITY_MAX,
    Protection,
)
from crossdock.capabilities.allocation.protection import AllocationProtection
from crossdock.capabilities.allocation.standing import RuleKept, comparable, version_in
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

ENDED_WITHIN = timedelta(days=7)
"""A job looks hourly at what has ended; one that stood still for so long misses nothing."""
_RULES = ("DEFAULT", "CHANNEL", "CUSTOMER", "ORDER")


class Applies(StrEnum):
    """Which runs are applied without anybody's approval; refused ones never are."""

    NOTHING = "NOTHING"
    NOBODY_LOSES = "NOBODY_LOSES"
    EVERYTHING = "EVERYTHING"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationPolicy:
    """`four_eyes`: who made a run may not approve it. `version` 0 is what holds unless said."""

    applies: Applies = Applies.NOBODY_LOSES
    four_eyes: bool = False
    version: int = 0
    set_by: str = ""
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRule:
    """How lines stand: of one order, a customer, a channel (the first that is said holds), or all.

    `priority` 1 comes first, 1000 last. Customers are compared without regard to case.
    `tells_shortage`: what its lines do not get is a case; None is as the next more general rule
    says, at last where the channel is shown stock.
    """

    channel: str = ""
    customer: str = ""
    order_id: str = ""
    strategy: Strategy = Strategy.IMPROVE
    priority: int = PRIORITY_DEFAULT
    tells_shortage: bool | None = None
    version: int = 0
    set_by: str = ""
    set_at: datetime | None = None


class _PolicyKept(msgspec.Struct):
    applies: Applies
    four_eyes: bool


class _ProtectionKept(msgspec.Struct):
    maximum: int | None
    minimum: int
    starts_at: datetime
    ends_at: datetime
    every: Every | None = None
    timezone: str = ""
    is_of_group: bool = False


_Kept = RuleKept | _PolicyKept | _ProtectionKept | GroupKept
Place = tuple[str, str, str, str]
"""Kind, subject, item, location: of which the newest version holds."""
POLICY: Final[Place] = ("POLICY", "", "", "")


class Rulebook:
    """Sets and shows rules; who set what stays on record."""

    def __init__(
        self, database: Database, clock: Clock, stock: KnowsStock, parties: KnowsParties
    ) -> None:
        self._database = database
        self._clock = clock
        self._stock = stock
        self._parties = parties
        self._looked_at: datetime | None = None

    async def rules(self, scope: Scope) -> list[AllocationRule]:
        """List the rules that hold: the default first, then channels, customers and orders."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(rule_store.RULES_NOW, tx.tenant, list(_RULES))
        found = sorted(
            (_rule_of(row) for row in rows if row["content"] is not None),
            key=lambda rule: (rule.order_id, rule.customer, rule.channel),
        )
        is_said = any(_place_of(rule)[0] == "DEFAULT" for rule in found)
        return found if is_said else [AllocationRule(), *found]

    async def set_rule(self, scope: Scope, rule: AllocationRule, *, by: str) -> AllocationRule:
        """Say how lines stand; said again it changes nothing. What waits is looked at anew."""
        _check_one_subject(rule)
        if not 1 <= rule.priority <= PRIORITY_MAX:
            raise Invalid(
                f"a priority is 1 (first) to {PRIORITY_MAX}, not {rule.priority}",
                where="/priority",
            )
        async with self._database.transaction(scope) as tx:
            kept = RuleKept(rule.strategy, rule.priority, rule.tells_shortage)
            row = await self.say(tx, _place_of(rule), kept, by)
        return _rule_of(row)

    async def clear_rule(self, scope: Scope, rule: AllocationRule, *, by: str) -> None:
        """Take back what is said of a channel, customer or order, or of all others.

        The next more general rule holds again.
        """
        _check_one_subject(rule)
        place = _place_of(rule)
        async with self._database.transaction(scope) as tx:
            await self.say(tx, place, None, by)

    async def policy(self, scope: Scope) -> AllocationPolicy:
        async with self._database.transaction(scope) as tx:
            return await policy_in(tx)

    async def set_policy(
        self, scope: Scope, applies: Applies, *, four_eyes: bool, by: str
    ) -> AllocationPolicy:
        """Say which runs apply by themselves, and whether the maker of one may approve it."""
        async with self._database.transaction(scope) as tx:
            row = await self.say(tx, POLICY, _PolicyKept(applies, four_eyes), by)
        return _policy_of(row)

    async def protections(self, scope: Scope) -> list[AllocationProtection]:
        """List the maxima and minima that are said, those that have ended too."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(rule_store.RULES_NOW, tx.tenant, ["PROTECTION"])
        return [_protection_of(row) for row in rows if row["content"] is not None]

    async def protect(
        self, scope: Scope, said: AllocationProtection, *, by: str
    ) -> AllocationProtection:
        """Keep a minimum for a channel or group, or give it no more than a maximum, for a while.

        From the same moment on promises ask for it (§3.6, A14).
        """
        protection.check(said, self._clock.now())
        place = ("PROTECTION", said.counts_for, said.item, said.location)
        async with self._database.transaction(scope) as tx:
            await tx.execute(rule_store.LOCK_RULES, tx.tenant)
            await check_whose(tx, said)
            at = (tx.tenant, said.location)
            zone = (await self._stock.zones(tx, [at])).get(at, "UTC") if said.every else ""
            whole = said.maximum, said.minimum, said.starts_at, said.ends_at
            kept = _ProtectionKept(*whole, said.every, zone, bool(said.group))
            row = await self.say(tx, place, kept, by)
        return _protection_of(row)

    async def unprotect(
        self, scope: Scope, item: str, location: str, whose: str, *, by: str
    ) -> None:
        """Take back what a channel or group may have."""
        async with self._database.transaction(scope) as tx:
            await self.say(tx, ("PROTECTION", whose, item, location), None, by)

    async def unguard_ended(self) -> None:
        """Have promises no longer ask where the last period has ended: a job calls this.

        Where one has begun or ended since it looked last, who waits is looked at anew.
        """
        now = self._clock.now()
        since = self._looked_at or now - ENDED_WITHIN
        async with self._database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch(store.TURNED_LATELY, now - ENDED_WITHIN, now, since)
            found = await tx.fetch(rule_store.RECURRING, now)
        for row in found:
            if since < _protection_of(row).at(now).starts_at <= now:
                async with self._database.transaction(Scope(row["tenant"])) as tx:
                    await look_again(tx, [(row["item"], row["location"])], "PERIOD", now)
        for row in rows:
            async with self._database.transaction(Scope(row["tenant"])) as tx:
                await tx.execute(rule_store.LOCK_RULES, tx.tenant)
                await self._guard(tx, row["item"], row["location"])
                if row["is_new"]:
                    await look_again(tx, [(row["item"], row["location"])], "PERIOD", now)
        self._looked_at = now

    async def _guard(self, tx: Transaction, item: str, location: str) -> None:
        """Have promises ask as long as anything is kept there, now or later."""
        kept, now = await all_protections_for(tx, [(item, location)]), self._clock.now()
        is_guarded = any(one.ends_at > now for one in kept)
        await self._stock.guard(tx, item, location, is_guarded=is_guarded)

    async def say(self, tx: Transaction, place: Place, kept: _Kept | None, by: str) -> Any:
        """Add a version, unless the newest of its place says the same; give what holds now."""
        kind, subject, item, location = place
        await tx.execute(rule_store.LOCK_RULES, tx.tenant)
        row = await tx.fetchrow(rule_store.RULE_NOW, tx.tenant, kind, location, item, subject)
        content = None if kept is None else msgspec.json.encode(kept).decode()
        if _is_same(row, content):
            return row
        now = self._clock.now()
        version = 1 + await version_in(tx)
        await tx.execute(
            rule_store.ADD_RULE,
            tx.tenant,
            version,
            kind,
            subject,
            item,
            location,
            content,
            by,
            now,
        )
        if kind == "PROTECTION":  # stock is locked before what is due, as where promises move
            await self._guard(tx, item, location)
        if kind == "GROUP":  # its own part looks again, where anything is kept
            pass
        elif kind == "CUSTOMER":
            names = await self._parties.known_as(tx, tx.tenant, [subject])
            await tx.execute(store.MARK_CUSTOMERS, tx.tenant, now, names[subject])
        else:
            whose = [subject if kind == of else "" for of in ("CHANNEL", "ORDER")]
            await tx.execute(store.MARK_CONCERNED, tx.tenant, now, *whose, item, location)
        row = await tx.fetchrow(rule_store.RULE_NOW, tx.tenant, kind, location, item, subject)
        await told.rule(tx, row)
        return row


async def policy_in(tx: Transaction) -> AllocationPolicy:
    row = await tx.fetchrow(rule_store.RULE_NOW, tx.tenant, "POLICY", "", "", "")
    return AllocationPolicy() if row is None else _policy_of(row)


async def kept_in(
    tx: Transaction, names: Sequence[str] | None, now: datetime
) -> list[AllocationProtection]:
    """Read what these channels and groups may have, now or later; None: all of them."""
    rows = await tx.fetch(rule_store.PROTECTIONS_OF, tx.tenant, names)
    found = (_protection_of(row) for row in rows if row["content"] is not None)
    return [one for one in found if one.ends_at > now]


async def protections_for(
    tx: Transaction, keys: Sequence[tuple[str, str]], now: datetime
) -> list[AllocationProtection]:
    """Read the maxima and minima that hold now for these (item, location)."""
    found = [one.at(now) for one in await all_protections_for(tx, keys)]
    return [one for one in found if one.starts_at <= now < one.ends_at]


async def all_protections_for(
    tx: Transaction, keys: Sequence[tuple[str, str]]
) -> list[AllocationProtection]:
    """Read what is said for these (item, location), whenever it holds."""
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(rule_store.PROTECTIONS_FOR, tx.tenant, *columns)
    return [_protection_of(row) for row in rows if row["content"] is not None]


def columns_of(protections: Sequence[AllocationProtection]) -> tuple[list[Any], ...]:
    """Turn protections into the columns that name whose order lines count, and of when."""
    return (
        [one.item for one in protections],
        [one.location for one in protections],
        [one.counts_for for one in protections],
        [one.starts_at for one in protections],
        [one.ends_at for one in protections],
    )


def in_run(said: AllocationProtection, had: int) -> Protection:
    """Say a protection in a run's words; what its channel has had counts against both."""
    return Protection(said.counts_for, said.maximum, had, said.minimum, had)


def _check_one_subject(rule: AllocationRule) -> None:
    said = {"channel": rule.channel, "customer": rule.customer, "order_id": rule.order_id}
    named = [name for name, subject in said.items() if subject]
    if len(named) > 1:
        raise Invalid(
            "a rule is of a channel, a customer or an order, and of one of them alone",
            where=f"/{named[-1]}",
            hint="leave the others out",
        )
    if rule.customer and not comparable(rule.customer):
        raise Invalid(
            "a customer of nothing but spaces names nobody",
            where="/customer",
            hint='leave it out, or say "", for all whom no other rule is of',
        )


def _place_of(rule: AllocationRule) -> Place:
    customer = comparable(rule.customer)
    kind = "CUSTOMER" if customer else "CHANNEL" if rule.channel else "DEFAULT"
    kind = "ORDER" if rule.order_id else kind
    return (kind, rule.order_id or customer or rule.channel, "", "")


def _is_same(row: Any, content: str | None) -> bool:
    before = None if row is None else row["content"]
    if before is None or content is None:
        return before is None and content is None
    return bool(msgspec.json.decode(before) == msgspec.json.decode(content))


def _rule_of(row: Any) -> AllocationRule:
    return AllocationRule(
        channel=row["subject"] if row["kind"] == "CHANNEL" else "",
        customer=row["subject"] if row["kind"] == "CUSTOMER" else "",
        order_id=row["subject"] if row["kind"] == "ORDER" else "",
        **_fields(row, RuleKept),
    )


def _policy_of(row: Any) -> AllocationPolicy:
    return AllocationPolicy(**_fields(row, _PolicyKept))


def _protection_of(row: Any) -> AllocationProtection:
    said = _fields(row, _ProtectionKept)
    return AllocationProtection(
        item=row["item"],
        location=row["location"],
        **{"group" if said.pop("is_of_group") else "channel": row["subject"]},
        **said,
    )


def _fields(row: Any, kept: type[_Kept]) -> dict[str, Any]:
    """Give what a version says, and who said it when."""
    said = msgspec.structs.asdict(msgspec.json.decode(row["content"], type=kept))
    return {**said, **{name: row[name] for name in ("version", "set_by", "set_at")}}
