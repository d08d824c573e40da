"""Who trades: customers, suppliers, carriers and our own legal entities."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Self

from crossdock.canonical.identifiers import KeyRule
from crossdock.canonical.open_enums import OpenEnum
from crossdock.canonical.references import Reference, Resolution

_NAMES = KeyRule()


class PartyKind(StrEnum):
    ORG = "ORG"
    PERSON = "PERSON"


class PartyRole(OpenEnum):
    CUSTOMER = "CUSTOMER"
    SUPPLIER = "SUPPLIER"
    CARRIER = "CARRIER"
    THIRD_PARTY_LOGISTICS = "3PL"
    LEGAL_ENTITY = "LEGAL_ENTITY"
    BRANCH = "BRANCH"
    OTHER = "OTHER"


class PartyStatus(OpenEnum):
    """ON_HOLD and BLOCKED stop new business; a BLOCKED supplier receives no purchase order."""

    PROSPECT = "PROSPECT"
    ACTIVE = "ACTIVE"
    ON_HOLD = "ON_HOLD"
    BLOCKED = "BLOCKED"
    CLOSED = "CLOSED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyChanged:
    """A party as its source knows it; one party may be known to many systems by many codes.

    `parent` is the party that it belongs to, in the source's own key; it need not be
    known yet. One that names itself belongs to nobody.
    """

    TYPE: ClassVar[str] = "partners.party_changed.v1"

    code: str
    legal_name: str = ""
    kind: PartyKind = PartyKind.ORG
    roles: tuple[PartyRole, ...] = ()
    status: PartyStatus = PartyStatus.ACTIVE
    parent: str = ""
    gln: str = ""
    duns: str = ""
    tax_ids: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.code

    def references(self) -> tuple[Reference, ...]:
        named = self.parent.strip()
        return (Reference.party(self.parent, may_be_unknown=True),) if named else ()

    def resolved(self, resolution: Resolution) -> Self:
        parent = resolution.party(self.parent) if self.parent.strip() else ""
        is_itself = parent == _NAMES.comparable(self.code)
        return replace(self, parent="" if is_itself else parent)
