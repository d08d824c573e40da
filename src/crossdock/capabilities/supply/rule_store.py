"""Rules of answers by date as stored: the newest version of each, by what it is for."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.rules import ALL, AtpRule, PlacedRule, RuleKey
from crossdock.foundation.database import Transaction

# The same said again is no version. One that was taken back stays, without a rule, for its number.
PUT_RULE = """
insert into supply_rule (tenant, item, item_class, location, rule, changed_at, changed_by)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant, item, location, item_class) do update
set rule = excluded.rule, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    version = supply_rule.version + 1
where supply_rule.rule is distinct from excluded.rule
returning version
"""
DROP_RULE = """
update supply_rule set rule = null, changed_at = $5, changed_by = $6, version = version + 1
where tenant = $1 and item = $2 and item_class = $3 and location = $4 and rule is not null
returning version
"""
SAID = """
select rule from supply_rule
where tenant = $1 and item = $2 and item_class = $3 and location = $4 for update
"""
RULES = """
select item, location, item_class, rule from supply_rule
where tenant = $1 and (item, location, item_class) > ($2, $3, $4) and rule is not null
order by item, location, item_class limit $5
"""


# The rules that speak of places alone.
PLACED = """
select location, rule from supply_rule
where tenant = $1 and item = '*' and item_class = '' and location = any($2) and rule is not null
"""


# Whoever reads a rule to change a part of it is alone with the tenant's rules until he is done.
ALONE = "select pg_advisory_xact_lock(hashtextextended('supply rules ' || $1, 0))"


# Whether anything is promised beside stock at all: hardly any house says so.
BESIDE_STOCK = """
select exists (select from supply_rule where tenant = $1 and rule ->> 'mode' = any($2::text[]))
"""


# Whether goods have to keep for anybody: an index of its own says so.
SAYS_LIVES = """
select exists (select from supply_rule where tenant = $1 and rule -> 'lives' <> '[]'::jsonb)
"""
SAID_OF = """
select r.item, r.location, r.item_class, r.rule
from unnest($2::text[], $3::text[]) k(item, location)
join supply_rule r on r.tenant = $1 and r.item = k.item and r.location = k.location
    and r.rule is not null
"""


class Word(NamedTuple):
    """Who says something, and when."""

    by: str
    at: datetime


async def put_rule(tx: Transaction, placed: PlacedRule, word: Word) -> int | None:
    """Write a rule and give its version; None is that it was said already."""
    rule = msgspec.json.encode(placed.rule).decode()
    said = (*placed.key, rule, word.at, word.by)
    version: int | None = await tx.fetchval(PUT_RULE, tx.tenant, *said)
    return version


async def drop_rule(tx: Transaction, key: RuleKey, word: Word) -> int | None:
    """Take a rule back and give its last version; None is that there is none."""
    version: int | None = await tx.fetchval(DROP_RULE, tx.tenant, *key, word.at, word.by)
    return version


async def said(tx: Transaction, key: RuleKey) -> AtpRule | None:
    """Read the rule that was said of just these; None is none, or that it was taken back."""
    found: str | None = await tx.fetchval(SAID, tx.tenant, *key)
    return None if found is None else rule_of(found)


async def rules(tx: Transaction, after: tuple[str, str, str], limit: int) -> list[PlacedRule]:
    rows = await tx.fetch(RULES, tx.tenant, *after, limit)
    return [
        PlacedRule(item=row[0], location=row[1], item_class=row[2], rule=rule_of(row[3]))
        for row in rows
    ]


async def says_beside_stock(tx: Transaction) -> bool:
    """Say whether some rule has something promised whatever lies there."""
    found: bool = await tx.fetchval(BESIDE_STOCK, tx.tenant, sorted(model.BESIDE_STOCK))
    return found


async def says_lives(tx: Transaction) -> bool:
    """Say whether some rule says how long goods have to keep for somebody."""
    found: bool = await tx.fetchval(SAYS_LIVES, tx.tenant)
    return found


async def with_lives(tx: Transaction, items: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give those of these (tenant, item) whose tenant has a rule of how long goods keep."""
    tenants = sorted({tenant for tenant, _ in items})
    caring = {tenant for tenant in tenants if await says_lives(tx.of(tenant))}
    return [one for one in items if one[0] in caring]


async def said_of(tx: Transaction, keys: Sequence[tuple[str, str]]) -> dict[RuleKey, AtpRule]:
    """Read what was said of these (item, location), of whatever class."""
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(SAID_OF, tx.tenant, *columns)
    return {(row[0], row[2], row[1]): rule_of(row[3]) for row in rows}


async def alone(tx: Transaction) -> None:
    await tx.execute(ALONE, tx.tenant)


async def of_places(tx: Transaction, locations: Sequence[str]) -> dict[str, AtpRule]:
    """Read what was said of places, whatever lies there; "*" is every place."""
    rows = await tx.fetch(PLACED, tx.tenant, [*locations, ALL])
    return {row["location"]: rule_of(row["rule"]) for row in rows}


def rule_of(text: str) -> AtpRule:
    """Read a rule as it is stored."""
    return msgspec.json.decode(text, type=AtpRule)
