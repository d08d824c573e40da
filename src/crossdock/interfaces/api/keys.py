"""`/v1/keys`: make, list and revoke API keys."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock.canonical.errors import Invalid
from crossdock.governance.access import KeyRecord, NewKey
from crossdock.governance.roles import ROLES, verbs_of
from crossdock.interfaces.api.caller import VERB, Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import Text


class KeyRequest(BaseModel):
    """`verbs` name areas and levels (`stock:write`); `role` is a bundle of them instead.

    `channels` are those that it may promise and plan for, as they are spelled; none is any.
    """

    model_config = ConfigDict(extra="forbid")

    name: Text
    verbs: list[Text] = Field(default_factory=list, max_length=50)
    role: str = Field(default="", json_schema_extra={"enum": ["", *ROLES]})
    partner: str = ""
    expires_at: AwareDatetime | None = None
    channels: list[Text] = Field(default_factory=list, max_length=50)


class KeyShown(BaseModel):
    """`key` is shown this once; nobody can show it again."""

    key_id: str
    key: str


class Keys(BaseModel):
    keys: list[KeyRecord]


class OwnKey(BaseModel):
    key_id: str
    tenant: str
    partner: str
    verbs: list[str]
    channels: list[str]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/keys", tags=["keys"])

    @routes.post("", status_code=201, **needs("keys:admin", is_for_partners=True))
    async def create_key(asked: KeyRequest, caller: Caller) -> KeyShown:
        if asked.role and asked.role not in ROLES:
            raise Invalid(f"{asked.role!r} is no role: {', '.join(ROLES)}", where="/role")
        verbs = verbs_of(asked.verbs) | ROLES.get(asked.role, frozenset())
        new = NewKey(
            name=asked.name,
            verbs=verbs,
            partner=asked.partner,
            expires_at=asked.expires_at,
            channels=frozenset(asked.channels),
        )
        issued = await hub.access.create(caller, new)
        return KeyShown(key_id=issued.key_id, key=issued.token)

    @routes.get("", **needs("keys:read", is_for_partners=True))
    async def list_keys(caller: Caller) -> Keys:
        return Keys(keys=await hub.access.keys(caller.scope))

    @routes.delete("/{key_id}", status_code=204, **needs("keys:admin", is_for_partners=True))
    async def revoke_key(key_id: Text, caller: Caller) -> None:
        await hub.access.revoke(caller.scope, key_id, by=caller.key_id)

    @routes.get("/self", openapi_extra={VERB: ""})
    async def show_own_key(caller: Caller) -> OwnKey:
        return OwnKey(
            key_id=caller.key_id,
            tenant=caller.tenant,
            partner=caller.partner,
            verbs=sorted(map(str, caller.verbs)),
            channels=sorted(caller.channels),
        )

    return routes
