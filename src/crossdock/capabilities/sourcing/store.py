"""Tables and queries of sourcing: rules, nodes, decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from crossdock.capabilities.sourcing.document import Asked, RuleVersion
from crossdock.capabilities.sourcing.model import NODES_MAX, NodeFacts, Rules
from crossdock.foundation.database import Transaction

# The next version of a scope's rules, unless the newest says the same from the same moment on.
PUT_RULES = """
insert into sourcing_rules (tenant, scope, version, valid_from, put_at, put_by, content)
select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6
from sourcing_rules where tenant = $1 and scope = $2
returning version
"""

NEWEST = """
select scope, version, valid_from, put_at, put_by, content from sourcing_rules
where tenant = $1 and scope = $2 order by version desc limit 1
"""

# The narrowest scope that has rules in force; of one scope those that came into force last.
IN_FORCE = """
select found.* from unnest($2::text[]) with ordinality asked(scope, rank)
cross join lateral (
    select scope, version, valid_from, put_at, put_by, content from sourcing_rules r
    where r.tenant = $1 and r.scope = asked.scope and r.valid_from <= $3
    order by r.valid_from desc, r.version desc limit 1) found
order by asked.rank limit 1
"""

ALL_IN_FORCE = """
select found.* from unnest($2::text[]) asked(scope)
cross join lateral (
    select scope, version, valid_from, put_at, put_by, content from sourcing_rules r
    where r.tenant = $1 and r.scope = asked.scope and r.valid_from <= $3
    order by r.valid_from desc, r.version desc limit 1) found
"""

RULES = """
select scope, version, valid_from, put_at, put_by, content from sourcing_rules
where tenant = $1 and ($2 = '' or scope = $2) and (scope, version) > ($3, $4)
order by scope, version limit $5
"""

# One at a time in a house, so that those who come together are counted.
ALONE = "select pg_advisory_xact_lock(hashtextextended('sourcing_node ' || $1, 0))"

PUT_NODE = """
insert into sourcing_node (tenant, node, put_at, put_by, content)
select $1, $2, $3, $4, $5
where (select count(*) from sourcing_node
    where tenant = $1 and node <> $2 and not is_withdrawn) < $6
on conflict (tenant, node) do update set put_at = excluded.put_at, put_by = excluded.put_by,
    content = excluded.content, is_withdrawn = false, version = sourcing_node.version + 1
returning version
"""

WITHDRAW_NODE = """
update sourcing_node set is_withdrawn = true, put_at = $3, put_by = $4, version = version + 1
where tenant = $1 and node = $2 and not is_withdrawn returning version
"""

NODE = """
select version, put_at, put_by, content from sourcing_node
where tenant = $1 and node = $2 and not is_withdrawn
"""

NODE_TEXTS = """
select node, content from sourcing_node
where tenant = $1 and not is_withdrawn order by node limit $2
"""

NODES = """
select node, version, put_at, put_by, content from sourcing_node
where tenant = $1 and node > $2 and not is_withdrawn order by node limit $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """A node's facts, which version of them, when they were put and by whom."""

    facts: NodeFacts
    version: int
    put_at: datetime
    put_by: str


PUT_DECISION = """
insert into sourcing_decision (tenant, decision_id, request_hash, decided_at, inputs, content,
    demand_refs)
values ($1, $2, $3, $4, $5, $6, $7) on conflict (decision_id) do nothing returning decision_id
"""

DECISIONS_OF = """
select decision_id, decided_at from sourcing_decision
where tenant = $1 and demand_refs && $2::text[] order by decided_at desc, decision_id limit 100
"""

DECISION = """
select request_hash, inputs, content from sourcing_decision
where tenant = $1 and decision_id = $2
"""


async def put_rules(tx: Transaction, scope: str, said: RuleVersion) -> int:
    version: int = await tx.fetchval(
        PUT_RULES, tx.tenant, scope, said.valid_from, said.put_at, said.put_by, _text(said.rules)
    )
    return version


async def newest(tx: Transaction, scope: str) -> RuleVersion | None:
    row = await tx.fetchrow(NEWEST, tx.tenant, scope)
    return _version(row) if row else None


async def in_force(tx: Transaction, scopes: Sequence[str], at: datetime) -> RuleVersion | None:
    """Find the rules in force, of the first of these scopes that has any."""
    row = await tx.fetchrow(IN_FORCE, tx.tenant, list(scopes), at)
    return _version(row) if row else None


async def all_in_force(
    tx: Transaction, scopes: Sequence[str], at: datetime
) -> dict[str, RuleVersion]:
    """Find the rules in force of each of these scopes that has any."""
    rows = await tx.fetch(ALL_IN_FORCE, tx.tenant, list(scopes), at)
    return {row["scope"]: _version(row) for row in rows}


async def rules(
    tx: Transaction, scope: str, after: tuple[str, int], limit: int
) -> list[RuleVersion]:
    rows = await tx.fetch(RULES, tx.tenant, scope, *after, limit)
    return [_version(row) for row in rows]


async def alone(tx: Transaction) -> None:
    """Let nobody else put or withdraw a node until the transaction ends."""
    await tx.execute(ALONE, tx.tenant)


async def node(tx: Transaction, name: str) -> NodeRecord | None:
    """Give what is known of a node that takes part."""
    row = await tx.fetchrow(NODE, tx.tenant, name)
    return None if row is None else _node(row)


async def put_node(tx: Transaction, facts: NodeFacts, at: datetime, by: str) -> int | None:
    """Put a node's facts and give their version; None if it would be one too many."""
    version: int | None = await tx.fetchval(
        PUT_NODE, tx.tenant, facts.node, at, by, _text(facts), NODES_MAX
    )
    return version


async def withdraw_node(tx: Transaction, name: str, at: datetime, by: str) -> int | None:
    """Have a node take no part; give the version that says so, None if it takes none."""
    version: int | None = await tx.fetchval(WITHDRAW_NODE, tx.tenant, name, at, by)
    return version


async def node_texts(tx: Transaction, limit: int) -> list[tuple[str, str]]:
    rows = await tx.fetch(NODE_TEXTS, tx.tenant, limit)
    return [(row["node"], row["content"]) for row in rows]


async def nodes(tx: Transaction, after: str, limit: int) -> list[NodeRecord]:
    """List nodes by name: their facts, when they were put and by whom."""
    return [_node(row) for row in await tx.fetch(NODES, tx.tenant, after, limit)]


async def put_decision(
    tx: Transaction,
    decision_id: UUID,
    asked: Asked,
    at: datetime,
    told: tuple[bytes, bytes],
) -> bool:
    """Record inputs and answer, and for which order lines; false if it was recorded before."""
    inputs, content = (each.decode() for each in told)
    made = await tx.fetchval(
        PUT_DECISION, tx.tenant, decision_id, asked.said, at, inputs, content, asked.names
    )
    return made is not None


async def decisions_of(tx: Transaction, names: Sequence[str]) -> list[tuple[UUID, datetime]]:
    """Name the decisions for any of these order lines or orders, the newest first."""
    rows = await tx.fetch(DECISIONS_OF, tx.tenant, list(names))
    return [(row["decision_id"], row["decided_at"]) for row in rows]


async def decision(tx: Transaction, decision_id: UUID) -> Any:
    """Find a decision's hash, inputs and content; None if there is none."""
    return await tx.fetchrow(DECISION, tx.tenant, decision_id)


def _node(row: Any) -> NodeRecord:
    return NodeRecord(
        facts=msgspec.json.decode(row["content"], type=NodeFacts),
        version=row["version"],
        put_at=row["put_at"],
        put_by=row["put_by"],
    )


def _text(said: Rules | NodeFacts) -> str:
    return msgspec.json.encode(said).decode()


def _version(row: Any) -> RuleVersion:
    return RuleVersion(
        scope=row["scope"],
        version=row["version"],
        valid_from=row["valid_from"],
        put_at=row["put_at"],
        put_by=row["put_by"],
        rules=msgspec.json.decode(row["content"], type=Rules),
    )
