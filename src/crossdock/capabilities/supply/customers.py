"""Who asks and who has ordered, by one name: a customer is the party that any system calls so."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from crossdock.canonical.identifiers import KeyRule
from crossdock.capabilities.supply.answer import Question
from crossdock.capabilities.supply.rules import AtpRule, RuleKey
from crossdock.capabilities.supply.substitution import SubstitutionRule, SubstitutionVersion
from crossdock.foundation.database import Transaction

_NAMES = KeyRule()
_CUSTOMER = "customer:"


class KnowsNames(Protocol):
    """Whoever knows which names are one customer's; the catalogue, usually."""

    async def known_as(
        self, tx: Transaction, tenant: str, names: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Give all comparable names of each customer: of a known party its id first."""
        ...

    async def parties_of(
        self, tx: Transaction, tenant: str, names: Collection[str]
    ) -> Mapping[str, str]:
        """Give the party of each comparable name of a customer that is another name of one."""
        ...


class Customers:
    """Names customers by their party, in the caller's transaction; who is unknown stays so."""

    def __init__(self, names: KnowsNames | None) -> None:
        self._names = names

    async def asking(
        self, tx: Transaction, tenant: str, questions: Sequence[Question]
    ) -> list[Question]:
        """Ask for the party where a customer is named by another name of it."""
        party_of = await self._parties_of(tx, tenant, (one.customer for one in questions))
        return [
            one._replace(customer=_party(one.customer, party_of)) if party_of else one
            for one in questions
        ]

    async def named(self, tx: Transaction, tenant: str, customer: str) -> str:
        """Give the name that a customer goes by."""
        return _party(customer, await self._parties_of(tx, tenant, [customer]))

    async def ruled(
        self, tx: Transaction, tenant: str, rules: Mapping[RuleKey, AtpRule]
    ) -> dict[RuleKey, AtpRule]:
        """Say of the party what rules say of another name of it."""
        named = (life.customer for rule in rules.values() for life in rule.lives)
        party_of = await self._parties_of(tx, tenant, named)
        return {at: _by_party(rule, party_of) if party_of else rule for at, rule in rules.items()}

    async def standing_in(
        self, tx: Transaction, versions: Sequence[SubstitutionVersion]
    ) -> list[SubstitutionVersion]:
        """Say of the party for whom else, or for whom not, something may stand in."""
        said = {
            who[len(_CUSTOMER) :]
            for one in versions
            for may in one.rule.alternatives
            for who in (*may.only_for, *may.not_for)
            if who.startswith(_CUSTOMER)
        }
        party_of = await self._parties_of(tx, tx.tenant, said)
        if not party_of:
            return list(versions)
        return [replace(one, rule=_for_parties(one.rule, party_of)) for one in versions]

    async def names_of(
        self, tx: Transaction, tenant: str, customers: Collection[str]
    ) -> dict[str, str]:
        """Give every comparable name that orders may call these by, and whose it is."""
        if self._names is None or not customers:
            return {name: name for name in customers}
        known_as = await self._names.known_as(tx, tenant, customers)
        return {name: party for party, names in known_as.items() for name in names}

    async def _parties_of(
        self, tx: Transaction, tenant: str, customers: Iterable[str]
    ) -> Mapping[str, str]:
        names = {_NAMES.comparable(customer) for customer in set(customers)} - {""}
        if self._names is None or not names:
            return {}
        return await self._names.parties_of(tx, tenant, names)


def _party(customer: str, party_of: Mapping[str, str]) -> str:
    return party_of.get(_NAMES.comparable(customer), customer) if party_of else customer


def _by_party(rule: AtpRule, party_of: Mapping[str, str]) -> AtpRule:
    lives = (replace(life, customer=_party(life.customer, party_of)) for life in rule.lives)
    return replace(rule, lives=tuple(lives))


def _for_parties(rule: SubstitutionRule, party_of: Mapping[str, str]) -> SubstitutionRule:
    def named(whom: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            _CUSTOMER + _party(who[len(_CUSTOMER) :], party_of)
            if who.startswith(_CUSTOMER)
            else who
            for who in whom
        )

    alternatives = tuple(
        replace(may, only_for=named(may.only_for), not_for=named(may.not_for))
        for may in rule.alternatives
    )
    return replace(rule, alternatives=alternatives)
