"""Which verb a route needs, declared beside its address; refused unless the caller has it."""

from typing import Annotated, Any

from fastapi import Depends, Request

from crossdock.canonical.errors import Forbidden
from crossdock.canonical.people import by_key
from crossdock.governance.roles import Principal, Unauthenticated, Verb, require

VERB = "x-crossdock-verb"


def principal_of(request: Request) -> Principal:
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise Unauthenticated("this needs an API key")
    return principal


Caller = Annotated[Principal, Depends(principal_of)]


def admit(principal: Principal, verb: Verb, *, is_for_partners: bool = False) -> None:
    """Check the verb, and keep a partner's key away from what belongs to the whole tenant."""
    require(principal, verb)
    if principal.partner and not is_for_partners:
        raise Forbidden(
            f"key {principal.key_id} is a partner's, and this shows the whole house",
            code="partner_scope",
        )


def who(principal: Principal, person: str = "") -> str:
    """Name who decides, for ever: a key is replaced by another of its name."""
    return by_key(principal.client, person)


def needs(verb: str, *, is_for_partners: bool = False) -> dict[str, Any]:
    """Give a route's arguments: the check, and the verb in the OpenAPI document."""
    needed = Verb.of(verb)

    def check(principal: Caller) -> None:
        admit(principal, needed, is_for_partners=is_for_partners)

    return {"dependencies": [Depends(check)], "openapi_extra": {VERB: verb}}
