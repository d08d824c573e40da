"""Whose rule says how a line stands: its order's, its customer's, its channel's, or all's."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from crossdock.canonical.allocation import NO_GROUPS, AllocationGroups, Strategy
from crossdock.canonical.identifiers import KeyRule
from crossdock.capabilities.allocation import rule_store
from crossdock.capabilities.allocation.asks import KnowsParties
from crossdock.capabilities.allocation.model import DEFAULT_RULE, Rule
from crossdock.foundation.database import Transaction

_NAMES = KeyRule()


class RuleKept(msgspec.Struct, omit_defaults=True):
    strategy: Strategy
    priority: int
    tells_shortage: bool | None = None


@dataclass(frozen=True, slots=True)
class RulesNow:
    """The rules that hold, by (kind, subject), as of `version`.

    `names` of a customer are all that rules may call him: his party's id first. Whose maxima and
    minima a line counts for say `groups`.
    """

    said: Mapping[tuple[str, str], Rule]
    version: int
    names: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    groups: AllocationGroups = NO_GROUPS

    def of(self, order_id: str, customer: str, channel: str) -> Rule:
        """Give an order's own rule, else its customer's, its channel's, the tenant's, the house's.

        Who is not named is nobody's rule: an order without a customer stands as its channel does.
        """
        return next(self._every(order_id, customer, channel), DEFAULT_RULE)

    def tells_shortage(self, order_id: str, customer: str, channel: str) -> bool | None:
        """Say whether what such a line does not get is told; None: no rule says it."""
        said = (rule.tells_shortage for rule in self._every(order_id, customer, channel))
        return next((one for one in said if one is not None), None)

    def _every(self, order_id: str, customer: str, channel: str) -> Iterator[Rule]:
        named = comparable(customer)
        places = (
            ("ORDER", order_id),
            *(("CUSTOMER", name) for name in self.names.get(named, (named,))),
            ("CHANNEL", channel),
            ("DEFAULT", ""),
        )
        return (self.said[place] for place in places if place in self.said)


async def rules_for(
    tx: Transaction,
    parties: KnowsParties,
    orders: Collection[str],
    customers: Collection[str],
    channels: Collection[str],
) -> RulesNow:
    """Read what holds for these orders, customers and channels."""
    customers = {comparable(customer) for customer in customers} - {""}
    names = await parties.known_as(tx, tx.tenant, customers)
    named = {name for some in names.values() for name in some}
    wanted = [
        ("DEFAULT", ""),
        *(("CHANNEL", channel) for channel in sorted(channels)),
        *(("CUSTOMER", customer) for customer in sorted(named)),
        *(("ORDER", order) for order in sorted(orders)),
    ]
    rows = await tx.fetch(
        rule_store.RULES_FOR, tx.tenant, [kind for kind, _ in wanted], [name for _, name in wanted]
    )
    said: dict[tuple[str, str], Rule] = {}
    for row in rows:
        if row["content"] is not None:
            kept = msgspec.json.decode(row["content"], type=RuleKept)
            said[row["kind"], row["subject"]] = Rule(
                kept.strategy, kept.priority, kept.tells_shortage
            )
    return RulesNow(said, await version_in(tx), names)


async def version_in(tx: Transaction) -> int:
    """Give the number of the newest rule of the tenant; 0 while none was said."""
    version: int = await tx.fetchval(rule_store.VERSION, tx.tenant)
    return version


def comparable(customer: str) -> str:
    """Make two spellings of a customer equal: spaces around it and case do not count."""
    return _NAMES.comparable(customer)
