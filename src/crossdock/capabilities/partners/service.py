"""Enters partners, takes them from invitation to production, and says who an address is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Agreement,
    Contact,
    Identity,
    KnownPartner,
    OnboardingState,
    PartnerAgreementChanged,
    PartnerChanged,
    PartnerIdentityChanged,
    Traffic,
)
from crossdock.canonical.people import folded
from crossdock.capabilities.partners import model, store
from crossdock.capabilities.partners.model import Partner
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

HUB = "crossdock"


class KnowsTraffic(Protocol):
    async def traffic(
        self, tx: Transaction, partner: str, agreed: Sequence[Agreement], now: datetime
    ) -> Traffic:
        """Tell which of these documents were exchanged with a partner so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerSaid:
    """What is said of a partner; None is as it was."""

    name: str
    roles: tuple[PartyRole, ...] | None = None
    owner: str | None = None
    contacts: tuple[Contact, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerShown:
    """A partner, the next step on his way ("": none), and what is missing before it."""

    partner: Partner
    next: str
    missing: list[str]


class Partners:
    def __init__(self, database: Database, clock: Clock, ids: Ids, traffic: KnowsTraffic) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._traffic = traffic

    async def put(self, scope: Scope, said: PartnerSaid, *, by: str) -> Partner:
        """Enter a partner, or change what is said of one; said again it changes nothing."""
        if not said.name.strip():
            raise Invalid("a partner has a name", where="/name")
        async with self._database.transaction(scope) as tx:
            await tx.execute(store.IN_TURNS, tx.tenant)
            found = await store.find(tx, said.name)
            before = found[0] if found else None
            # An id, or another spelling of the name, is of one that there is: his name stays.
            one = before or Partner(partner=prefixed("prt", self._ids.new()), name=said.name)
            given = {
                name: value
                for name, value in (
                    ("roles", said.roles and tuple(dict.fromkeys(said.roles))),
                    ("owner", said.owner and said.owner.strip()),
                    ("contacts", said.contacts),
                )
                if value is not None
            }
            wanted = _with(one, given)
            model.check(wanted)
            if wanted == before:
                return wanted
            _keep_steps(wanted)
            return await self._changed(tx, wanted, by)

    async def rename(self, scope: Scope, named: str, name: str, *, by: str) -> Partner:
        if not name.strip():
            raise Invalid("a partner has a name", where="/name")
        async with self._database.transaction(scope) as tx:
            one = await self._one(tx, named)
            others = [each for each in await store.find(tx, name) if each.partner != one.partner]
            if others:
                raise Conflict(
                    f"{others[0].name} is called so already ({others[0].partner})",
                    code="name_taken",
                )
            wanted = replace(one, name=name)
            model.check(wanted)
            return one if wanted == one else await self._changed(tx, wanted, by)

    async def listed(
        self,
        scope: Scope,
        *,
        state: str = "",
        role: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[Partner]:
        """List partners by name, behind that of `after`."""
        async with self._database.transaction(scope) as tx:
            return await store.find(tx, after=after, state=state, role=role, limit=limit)

    async def show(self, scope: Scope, named: str) -> PartnerShown:
        async with self._database.transaction(scope) as tx:
            return await self._shown(tx, await _found(tx, named))

    async def identify(
        self, scope: Scope, named: str, said: Identity, *, by: str, is_cleared: bool = False
    ) -> Partner:
        """Say what a partner is addressed by, or no longer; of two partners nothing is."""
        one = model.identity(said.kind, said.value, said.qualifier)
        async with self._database.transaction(scope) as tx:
            partner = await self._one(tx, named)
            owner = await store.owner_of(tx, one)
            if is_cleared:
                if not await store.clear_identity(tx, partner.partner, one):
                    raise NotFound(f"{partner.name} is not addressed by {one}")
            elif owner == partner.partner:
                return partner
            elif owner:
                raise model.taken(one, (await store.find(tx, owner))[0])
            else:
                await store.add_identity(tx, partner.partner, one)
            now = await _found(tx, partner.partner)
            _keep_steps(now)
            event = PartnerIdentityChanged(
                partner=partner.partner,
                kind=one.kind,
                value=one.value,
                qualifier=one.qualifier,
                version=partner.version + 1,
                changed_by=by,
                is_cleared=is_cleared,
            )
            return await self._changed(tx, now, by, event)

    async def agree(
        self, scope: Scope, named: str, said: Agreement, *, by: str, is_cleared: bool = False
    ) -> Partner:
        """Say what is agreed of a document, otherwise than before, or no longer."""
        one = replace(model.check_agreement(said), document=said.document.strip())
        async with self._database.transaction(scope) as tx:
            partner = await self._one(tx, named)
            if is_cleared:
                if not await store.end_agreement(tx, partner.partner, one):
                    raise NotFound(f"{one.document} is not agreed on with {partner.name}")
            elif one in partner.agreements:
                return partner
            else:
                await store.agree(tx, partner.partner, one)
            now = await _found(tx, partner.partner)
            _keep_steps(now)
            event = PartnerAgreementChanged(
                partner=partner.partner,
                agreement=one,
                version=partner.version + 1,
                changed_by=by,
                is_cleared=is_cleared,
            )
            return await self._changed(tx, now, by, event)

    async def advance(
        self, scope: Scope, named: str, to: OnboardingState, *, by: str
    ) -> PartnerShown:
        """Take a partner the next step; refused with all that is missing."""
        async with self._database.transaction(scope) as tx:
            partner = await self._one(tx, named)
            if partner.state is to:
                return await self._shown(tx, partner)
            _check_step(partner, to)
            traffic = await self._exchanged(tx, partner)
            if lacks := model.missing(partner, traffic, by=by):
                raise Conflict(
                    f"{partner.name} is not {to} yet: {'; '.join(lacks)}",
                    code="partner_gate",
                    hint=f"`crossdock partner show {partner.partner}` lists what is missing",
                )
            tested_by = by if to is OnboardingState.TESTED else partner.tested_by
            wanted = replace(partner, state=to, tested_by=tested_by)
            return await self._shown(tx, await self._changed(tx, wanted, by))

    async def set_back(
        self, scope: Scope, named: str, to: OnboardingState, *, because: str, by: str
    ) -> PartnerShown:
        """Take a partner back to an earlier step, and say why."""
        if not because.strip():
            raise Invalid("say why", where="/because")
        async with self._database.transaction(scope) as tx:
            partner = await self._one(tx, named)
            states = [*OnboardingState]
            if states.index(to) >= states.index(partner.state):
                raise Conflict(
                    f"{partner.name} is {partner.state}, and {to} is not before that",
                    code="partner_step",
                )
            changed = await self._changed(tx, replace(partner, state=to), by, because=because)
            return await self._shown(tx, changed)

    async def known_by(
        self, tx: Transaction, addressed: Sequence[Identity]
    ) -> Mapping[Identity, KnownPartner]:
        """Say whose these identities are, of those that are anybody's."""
        owners = await store.owners_of(tx, addressed)
        partners = {
            name: (await store.find(tx, name))[0].known for name in sorted({*owners.values()})
        }
        return {one: partners[name] for one, name in owners.items()}

    async def _one(self, tx: Transaction, named: str) -> Partner:
        """Give a partner who is about to be changed: one change after the other."""
        await tx.execute(store.IN_TURNS, tx.tenant)
        return await _found(tx, named)

    async def _shown(self, tx: Transaction, partner: Partner) -> PartnerShown:
        step = model.NEXT.get(partner.state)
        if partner.is_own or step is None:
            return PartnerShown(partner=partner, next="", missing=[])
        traffic = await self._exchanged(tx, partner)
        return PartnerShown(partner=partner, next=step, missing=model.missing(partner, traffic))

    async def _exchanged(self, tx: Transaction, partner: Partner) -> Traffic:
        agreed, now = partner.agreements, self._clock.now()
        return await self._traffic.traffic(tx, partner.partner, agreed, now)

    async def _changed(
        self,
        tx: Transaction,
        wanted: Partner,
        by: str,
        event: Payload | None = None,
        *,
        because: str = "",
    ) -> Partner:
        """Keep a partner as he is now, and tell the log."""
        if not by.strip():
            raise Invalid("say who does it", where="/by")
        now = self._clock.now()
        kept = replace(wanted, version=wanted.version + 1, changed_by=by, changed_at=now)
        await store.put(tx, kept)
        told = event or PartnerChanged(
            partner=kept.partner,
            name=kept.name,
            state=kept.state,
            version=kept.version,
            changed_by=by,
            roles=kept.roles,
            owner=kept.owner,
            contacts=kept.contacts,
            because=because,
        )
        fact = Fact(
            identity=f"partner:{kept.partner}:{kept.version}",
            payload=told,
            occurred_at=now,
            recorded_at=now,
            actor=by,
        )
        entry = Entry(tenant=tx.tenant, source=HUB, received_at=now, fact=fact)
        await event_log.append_once(tx, [entry])
        return kept


async def _found(tx: Transaction, named: str) -> Partner:
    found = await store.find(tx, named) if named and folded(named) else []
    if not found:
        raise NotFound(
            f"no partner is called {named!r}", hint="`crossdock partner list` shows them"
        )
    return found[0]


def _with(one: Partner, given: Mapping[str, object]) -> Partner:
    return replace(one, **given)  # type: ignore[arg-type]  # of the fields' own types, by name


def _keep_steps(partner: Partner) -> None:
    """Refuse a change that takes away what a step of the partner's stands on."""
    if lacks := model.lost(partner):
        raise Conflict(
            f"{partner.name} is {partner.state}, and would lack what that asks for:"
            f" {'; '.join(lacks)}",
            code="partner_gate",
            hint=f"set him back first: `crossdock partner set-back {partner.partner}`",
        )


def _check_step(partner: Partner, to: OnboardingState) -> None:
    if partner.is_own:
        raise Conflict(
            f"{partner.name} is a company of the house: nothing has to be tested with it",
            code="partner_step",
        )
    step = model.NEXT.get(partner.state)
    if step is not to:
        raise Conflict(
            f"{partner.name} is {partner.state}: "
            + (f"the next step is {step}, not {to}" if step else "there is no next step"),
            code="partner_step",
        )
