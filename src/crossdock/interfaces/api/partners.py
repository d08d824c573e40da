"""`/v1/partners`: trading partners, what is agreed with them, how far they are to production."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    Identity,
    IdentityKind,
    OnboardingState,
    Standard,
)
from crossdock.capabilities.partners import Partner, PartnerSaid, PartnerShown
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import After, Code, Limit, Person, Reason, Text

State = Annotated[OnboardingState | None, Query(description="Only those in this state.")]
Role = Annotated[PartyRole | None, Query(description="Only those with this role.")]
_STRICT = ConfigDict(extra="forbid")


class ContactSaid(BaseModel):
    model_config = _STRICT

    name: Code
    role: Person = ""
    email: Person = ""
    phone: Person = ""


class PartnerEntry(BaseModel):
    """What is said of a partner; what is left out stays as it is.

    `by`: who says so, where the key is not named after a person.
    """

    model_config = _STRICT

    name: Code
    roles: list[PartyRole] | None = Field(default=None, max_length=10)
    owner: Person | None = None
    contacts: list[ContactSaid] | None = Field(default=None, max_length=20)
    by: Person = ""

    def said(self) -> PartnerSaid:
        contacts = self.contacts
        return PartnerSaid(
            name=self.name,
            roles=None if self.roles is None else tuple(self.roles),
            owner=self.owner,
            contacts=None
            if contacts is None
            else tuple(Contact(**one.model_dump()) for one in contacts),
        )


class PartnerName(BaseModel):
    model_config = _STRICT

    name: Code
    by: Person = ""


class PartnerIdentity(BaseModel):
    """What a partner is addressed by; `is_cleared`: no longer."""

    model_config = _STRICT

    kind: IdentityKind
    value: Code
    qualifier: Annotated[Text, Field(max_length=10)] = ""
    is_cleared: Annotated[bool, Field(strict=True)] = False
    by: Person = ""


class PartnerAgreement(BaseModel):
    """What is agreed of a document in one direction; `is_cleared`: no longer.

    `acknowledgment` answers it; of what we send within `within_minutes`.
    """

    model_config = _STRICT

    standard: Standard
    document: Annotated[Text, Field(min_length=1, max_length=6)]
    direction: Direction
    version: Annotated[Text, Field(max_length=40)] = ""
    guide: Annotated[Text, Field(max_length=40)] = ""
    acknowledgment: Acknowledgment = Acknowledgment.NONE
    within_minutes: Annotated[int, Field(strict=True, ge=0, le=10_080)] = 0
    is_cleared: Annotated[bool, Field(strict=True)] = False
    by: Person = ""

    def said(self) -> Agreement:
        return Agreement(**self.model_dump(exclude={"is_cleared", "by"}))


class PartnerStep(BaseModel):
    """The state that a partner is taken to; back to an earlier one with a reason."""

    model_config = _STRICT

    to: OnboardingState
    by: Person = ""


class PartnerSetBack(BaseModel):
    model_config = _STRICT

    to: OnboardingState
    because: Reason
    by: Person = ""


class PartnersShown(BaseModel):
    partners: list[Partner]


def reading_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/partners", tags=["partners"])
    partners = hub.gateway.partners

    @routes.get("", **needs("partners:read"))
    async def list_partners(
        caller: Caller,
        *,
        state: State = None,
        role: Role = None,
        after: After = "",
        limit: Limit = 100,
    ) -> PartnersShown:
        """List partners by name; page on behind the last one's name."""
        found = await partners.listed(
            caller.scope, state=state or "", role=role or "", after=after, limit=limit
        )
        return PartnersShown(partners=found)

    @routes.get("/{partner}", **needs("partners:read"))
    async def show_partner(partner: Text, caller: Caller) -> PartnerShown:
        """Show a partner by id or name, and what is missing before the next step."""
        return await partners.show(caller.scope, partner)

    return routes


def entry_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/partners", tags=["partners"])
    partners = hub.gateway.partners

    @routes.put("", **needs("partners:write"))
    async def put_partner(said: PartnerEntry, caller: Caller) -> Partner:
        """Enter a partner, or change what is said of one."""
        return await partners.put(caller.scope, said.said(), by=who(caller, said.by))

    @routes.post("/{partner}/name", **needs("partners:write"))
    async def rename_partner(partner: Text, said: PartnerName, caller: Caller) -> Partner:
        by = who(caller, said.by)
        return await partners.rename(caller.scope, partner, said.name, by=by)

    @routes.post("/{partner}/identities", **needs("partners:write"))
    async def identify_partner(partner: Text, said: PartnerIdentity, caller: Caller) -> Partner:
        """Say what a partner is addressed by; 409 `identity_taken` where it is another's."""
        one = Identity(said.kind, said.value, said.qualifier)
        by = who(caller, said.by)
        return await partners.identify(
            caller.scope, partner, one, by=by, is_cleared=said.is_cleared
        )

    @routes.post("/{partner}/agreements", **needs("partners:write"))
    async def agree_with_partner(partner: Text, said: PartnerAgreement, caller: Caller) -> Partner:
        by = who(caller, said.by)
        return await partners.agree(
            caller.scope, partner, said.said(), by=by, is_cleared=said.is_cleared
        )

    @routes.post("/{partner}/advance", **needs("partners:write"))
    async def advance_partner(partner: Text, said: PartnerStep, caller: Caller) -> PartnerShown:
        """Take a partner the next step; 409 `partner_gate` says what is missing."""
        return await partners.advance(caller.scope, partner, said.to, by=who(caller, said.by))

    @routes.post("/{partner}/set-back", **needs("partners:write"))
    async def set_partner_back(
        partner: Text, said: PartnerSetBack, caller: Caller
    ) -> PartnerShown:
        by = who(caller, said.by)
        return await partners.set_back(caller.scope, partner, said.to, because=said.because, by=by)

    return routes
