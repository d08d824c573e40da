"""What others may ask of sourcing: put rules and nodes, decide, and tell what was decided."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, Invalid, NotFound, Unavailable
from crossdock.canonical.identifiers import joined
from crossdock.canonical.sourcing import SourcingNodeChanged
from crossdock.capabilities.sourcing import store
from crossdock.capabilities.sourcing.backorders import ALL, rule_scopes
from crossdock.capabilities.sourcing.document import Asked, Decided, RuleVersion, decided
from crossdock.capabilities.sourcing.model import (
    NODES_MAX,
    PARTS_MAX,
    Candidate,
    NodeFacts,
    Order,
    Rules,
    check_order,
    check_rules,
    comparable,
)
from crossdock.capabilities.sourcing.nodes import check_node, node_changed, tidy
from crossdock.capabilities.sourcing.rules_told import rules_changed
from crossdock.capabilities.sourcing.store import NodeRecord
from crossdock.capabilities.sourcing.substitutes import SubstituteLine
from crossdock.capabilities.sourcing.substituting import planned
from crossdock.capabilities.sourcing.terms import takes_items
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.ids import derived_uuid, prefixed
from crossdock.foundation.scope import Scope

HUB = "crossdock"
"""The source name of the hub's own facts."""

PREFIX = "src"
SCOPE_KINDS = ("channel", "customer")
NAME_MAX = 200


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node's name and the text of its facts, which may be long: whoever needs them reads it."""

    name: str
    text: str

    def facts(self) -> NodeFacts:
        return msgspec.json.decode(self.text, type=NodeFacts)


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision, and the very bytes it is recorded in; `is_repeat` if it was made before."""

    decided: Decided
    content: bytes
    is_repeat: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a decision was derived from, to the millionth: `planned` of it gives it again."""

    order: Order
    candidates: tuple[Candidate, ...]
    rules: Rules
    substitutes: tuple[SubstituteLine, ...] = ()


class Sourcing:
    """Decides which nodes serve an order. It reserves nothing and asks nobody for stock."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def put_rules(
        self,
        scope: Scope,
        rules: Rules,
        *,
        holds_for: str = ALL,
        valid_from: datetime | None = None,
        by: str,
    ) -> RuleVersion:
        """Put the next version of the rules that hold for all, a channel or a customer.

        Without `valid_from` it holds at once; a moment that has passed is refused, for it would
        say of decisions made since that they went by these rules. The same said twice in a row is
        said once.
        """
        check_rules(rules)
        name, now = rule_scope(holds_for), self._clock.now()
        if valid_from is not None and valid_from < now:
            raise Invalid(
                f"rules hold from now on, not from {valid_from.isoformat()}",
                where="/valid_from",
                hint="leave it out to have them hold at once",
            )
        said = RuleVersion(
            scope=name, version=0, valid_from=valid_from or now, put_at=now, put_by=by, rules=rules
        )
        try:
            async with self._database.transaction(scope) as tx:
                before = await store.newest(tx, name)
                if before and before.rules == rules and _is_same(before, valid_from, now):
                    return before
                made = replace(said, version=await store.put_rules(tx, name, said))
                await event_log.append(tx, [_rules_entry(tx.tenant, made, now)])
        except asyncpg.UniqueViolationError:
            raise Unavailable(
                "these rules are being changed elsewhere", code="contended"
            ) from None
        return made

    async def rules(
        self, scope: Scope, *, holds_for: str = "", after: str = "", limit: int = 100
    ) -> list[RuleVersion]:
        """List every version by scope, oldest first; `after` is the last one's `SCOPE/VERSION`."""
        name = rule_scope(holds_for) if holds_for else ""
        async with self._database.transaction(scope) as tx:
            return await store.rules(tx, name, _place(after), limit)

    async def put_node(self, scope: Scope, facts: NodeFacts, *, by: str) -> NodeRecord:
        """Put the next version of what is to be known of a node; it replaces what was known.

        No more of them take part than can be weighed. The same said twice in a row is said once.
        """
        check_node(facts)
        tidied, now = tidy(facts), self._clock.now()
        check_node(tidied)  # two spellings of one lane are one lane
        async with self._database.transaction(scope) as tx:
            await store.alone(tx)
            before = await store.node(tx, tidied.node)
            if before is not None and before.facts == tidied:
                return before
            version = await store.put_node(tx, tidied, now, by)
            if version is None:
                raise Invalid(
                    f"{NODES_MAX} nodes take part in sourcing, and no more can be weighed",
                    where="/node",
                    hint="withdraw one that need not",
                )
            made = NodeRecord(facts=tidied, version=version, put_at=now, put_by=by)
            await event_log.append(tx, [_node_entry(tx.tenant, node_changed(made), now)])
        return made

    async def nodes(self, scope: Scope, *, after: str = "", limit: int = 100) -> list[NodeRecord]:
        """List nodes by name, from the one behind `after` on."""
        async with self._database.transaction(scope) as tx:
            return await store.nodes(tx, comparable(after), limit)

    async def stored_nodes(self, scope: Scope) -> list[StoredNode]:
        """Give every node that takes part, by name, its facts still to be read."""
        async with self._database.transaction(scope) as tx:
            found = await store.node_texts(tx, NODES_MAX + 1)
        if len(found) > NODES_MAX:
            raise Invalid(
                f"more than {NODES_MAX} nodes take part in sourcing",
                hint="withdraw those that need not",
            )
        return [StoredNode(name, text) for name, text in found]

    async def withdraw_node(self, scope: Scope, node: str, *, by: str) -> None:
        """Have a node take no part any more; decisions that were made with it stay."""
        name, now = comparable(node), self._clock.now()
        async with self._database.transaction(scope) as tx:
            await store.alone(tx)
            version = await store.withdraw_node(tx, name, now, by)
            if version is None:
                raise NotFound(f"no node of sourcing is called {node[:100]!r}")
            gone = SourcingNodeChanged(
                node=name, version=version, changed_by=by, is_withdrawn=True
            )
            await event_log.append(tx, [_node_entry(tx.tenant, gone, now)])

    async def known(
        self, scope: Scope, client: str, request_id: str, said: bytes
    ) -> Answer | None:
        """Find what this request was answered before; the same id with other content conflicts."""
        if not request_id:
            return None
        async with self._database.transaction(scope) as tx:
            return await _known(tx, _name(scope, client, request_id), request_id, said)

    async def takes_substitutes(self, scope: Scope, asked: Asked, now: datetime) -> bool:
        """Say whether by the rules in force `now` other items may stand in for this order's."""
        async with self._database.transaction(scope) as tx:
            version = await store.in_force(tx, _scopes(asked), now) or BUILT_IN
        return takes_items(asked.order, version.rules)

    async def decide(
        self,
        scope: Scope,
        client: str,
        asked: Asked,
        candidates: Callable[[], Sequence[Candidate]],
        now: datetime,
    ) -> Answer:
        """Decide by the rules in force `now`; record it and tell the log in one transaction.

        With a request id the same question gets the same answer for ever. Without one it is
        answered and not kept: its decision has no id. It is thought over in a thread, `candidates`
        with it, so that it does not hold up the others.
        """
        check_order(asked.order)
        async with self._database.transaction(scope) as tx:
            version = await store.in_force(tx, _scopes(asked), now) or BUILT_IN
        identity = _name(scope, client, asked.request_id)
        named = (prefixed(PREFIX, identity) if asked.request_id else "", now)
        answer, told = await asyncio.to_thread(_thought, asked, candidates, version, named)
        if not asked.request_id:
            return Answer(answer, told[1])
        async with self._database.transaction(scope) as tx:
            if not await store.put_decision(tx, identity, asked, now, told):
                before = await _known(tx, identity, asked.request_id, asked.said)
                if before is None:
                    raise Unavailable("the same request is being decided", code="contended")
                return before
            await event_log.append(tx, [_entry(scope.tenant, answer)])
        return Answer(answer, told[1])

    async def decision(self, scope: Scope, decision_id: str) -> Answer:
        """Tell what was decided, byte for byte, whatever the rules have become since."""
        async with self._database.transaction(scope) as tx:
            row = await store.decision(tx, _uuid(decision_id))
        if row is None:
            raise _no_decision(decision_id)
        return _answer(row)

    async def decisions_of(self, scope: Scope, names: Sequence[str]) -> list[tuple[str, datetime]]:
        """Name the decisions for these order lines or orders, at most 100, the newest first."""
        async with self._database.transaction(scope) as tx:
            found = await store.decisions_of(tx, names)
        return [(prefixed(PREFIX, name), at) for name, at in found]

    async def inputs(self, scope: Scope, decision_id: str) -> Inputs:
        """Tell what a decision was derived from, so that it can be derived again."""
        async with self._database.transaction(scope) as tx:
            row = await store.decision(tx, _uuid(decision_id))
        if row is None:
            raise _no_decision(decision_id)
        return msgspec.json.decode(row["inputs"], type=Inputs)


BUILT_IN = RuleVersion(
    scope=ALL, version=0, valid_from=None, put_at=None, put_by="", rules=Rules()
)
"""The rules of a house that has put none: the order of §3.5."""


def rule_scope(text: str) -> str:
    """Read `all`, `channel:NAME` or `customer:NAME`; names are compared without regard to case."""
    kind, _, name = text.partition(":")
    kind, name = kind.strip().lower(), comparable(name)
    if kind == ALL and not name:
        return ALL
    if kind not in SCOPE_KINDS or not 0 < len(name) <= NAME_MAX:
        raise Invalid(
            f"{text!r} is nobody that rules can hold for",
            where="/holds_for",
            hint="all, channel:NAME or customer:NAME",
        )
    return f"{kind}:{name}"


def _scopes(asked: Asked) -> list[str]:
    """Name whose rules are asked for, the narrowest first."""
    return rule_scopes((asked.order.customer, *asked.known_as), asked.channel)


def _entry(tenant: str, answer: Decided) -> Entry:
    fact = Fact(
        identity=f"sourcing:{answer.decision_id}",
        payload=answer.event,
        occurred_at=answer.decided_at,
        recorded_at=answer.decided_at,
        correlation_id=answer.request_id,
    )
    return Entry(tenant=tenant, source=HUB, received_at=answer.decided_at, fact=fact)


def _rules_entry(tenant: str, made: RuleVersion, now: datetime) -> Entry:
    fact = Fact(
        identity=f"sourcing_rules:{made.scope}:{made.version}",
        payload=rules_changed(made, now),
        occurred_at=now,
        recorded_at=now,
    )
    return Entry(tenant=tenant, source=HUB, received_at=now, fact=fact)


def _node_entry(tenant: str, changed: SourcingNodeChanged, now: datetime) -> Entry:
    fact = Fact(
        identity=joined("sourcing_node", changed.node, str(changed.version)),
        payload=changed,
        occurred_at=now,
        recorded_at=now,
    )
    return Entry(tenant=tenant, source=HUB, received_at=now, fact=fact)


def _thought(
    asked: Asked,
    candidates: Callable[[], Sequence[Candidate]],
    version: RuleVersion,
    named: tuple[str, datetime],
) -> tuple[Decided, tuple[bytes, bytes]]:
    """Decide, and write down the inputs and the answer: all that takes a processor's time."""
    nodes = sorted(candidates(), key=lambda one: one.node)
    made = planned(asked.order, nodes, version.rules, asked.substitutes)
    parts = sum(len(one.parts) for one in made.shipments)
    if parts > PARTS_MAX:
        raise Invalid(
            f"this plan has {parts} parts, and a reservation {PARTS_MAX} lines at the most",
            where="/lines",
            hint="ask with fewer lines, fewer shipments or a larger least part",
        )
    answer = decided(asked, named, version, nodes, made)
    inputs = Inputs(
        order=asked.order,
        candidates=tuple(nodes),
        rules=version.rules,
        substitutes=asked.substitutes,
    )
    return answer, (msgspec.json.encode(inputs), msgspec.json.encode(answer))


def _name(scope: Scope, client: str, request_id: str) -> UUID:
    return derived_uuid("sourcing", scope.tenant, client, request_id)


async def _known(tx: Transaction, identity: UUID, request_id: str, said: bytes) -> Answer | None:
    row = await store.decision(tx, identity)
    if row is None:
        return None
    if row["request_hash"] != said:
        raise Conflict(
            f"request {request_id!r} was made before with other content",
            code="request_id_reused",
            hint="use a new request id for a new question",
        )
    return _answer(row, is_repeat=True)


def _answer(row: Any, *, is_repeat: bool = False) -> Answer:
    content: bytes = row["content"].encode()
    return Answer(msgspec.json.decode(content, type=Decided), content, is_repeat)


def _is_same(before: RuleVersion, valid_from: datetime | None, now: datetime) -> bool:
    """Say whether the newest version holds from the moment that is said, or already."""
    since = before.valid_from or now
    return since <= now if valid_from is None else since == valid_from


def _place(after: str) -> tuple[str, int]:
    """Read `SCOPE/VERSION`; nothing is the beginning."""
    name, _, version = after.rpartition("/")
    if after and not (name and version.isdecimal() and len(version) < 10):  # noqa: PLR2004 - nine digits fit the column
        raise Invalid(f"{after!r} is no place in the list", where="/after", hint="SCOPE/VERSION")
    return (name, int(version)) if after else ("", 0)


def _uuid(decision_id: str) -> UUID:
    prefix, _, digits = decision_id.partition("_")
    try:
        if prefix == PREFIX:
            return UUID(hex=digits)
    except ValueError:
        pass
    raise _no_decision(decision_id)


def _no_decision(decision_id: str) -> NotFound:
    return NotFound(f"no decision is called {decision_id[:100]!r}", hint="its id begins with src_")
