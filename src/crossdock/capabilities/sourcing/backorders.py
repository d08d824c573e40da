"""Whether a back-order run may ask for alternatives: `when` of the rules in force (§3.5)."""

from collections.abc import Collection, Mapping
from datetime import datetime

from crossdock.capabilities.sourcing import store
from crossdock.capabilities.sourcing.model import Rules, Substitute, When, comparable
from crossdock.foundation.database import Transaction

ALL = "all"
Terms = tuple[str, str]
"""A customer and a channel, as orders name them."""


async def may_ask(
    tx: Transaction, asked: Mapping[Terms, Collection[str]], now: datetime
) -> frozenset[Terms]:
    """Say of which customers and channels the rules say `ALWAYS`; each with the customer's names.

    One reading of the rules serves all: it is asked before anything is weighed.
    """
    scopes = {terms: rule_scopes(names, comparable(terms[1])) for terms, names in asked.items()}
    every = sorted({scope for named in scopes.values() for scope in named})
    found = await store.all_in_force(tx, every, now)
    return frozenset(
        terms
        for terms, named in scopes.items()
        if _lets(next((found[scope].rules for scope in named if scope in found), Rules()))
    )


def _lets(rules: Rules) -> bool:
    knobs = rules.alternatives
    return knobs.when is When.ALWAYS and knobs.substitute is not Substitute.NONE


def rule_scopes(customers: Collection[str], channel: str) -> list[str]:
    """Name whose rules are asked for, the narrowest first."""
    named = [f"customer:{name}" for name in dict.fromkeys(filter(None, customers))]
    return [*named, *([f"channel:{channel}"] if channel else []), ALL]
