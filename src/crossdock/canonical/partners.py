"""The words of the B2B gateway: who a partner is, what was agreed with him, what was exchanged."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from crossdock.canonical.parties import PartyRole


class Standard(StrEnum):
    X12 = "X12"
    EDIFACT = "EDIFACT"


class IdentityKind(StrEnum):
    """What a partner is addressed by.

    ISA and UNB have a qualifier; GS is the code of an application behind an ISA.
    """

    ISA = "ISA"
    GS = "GS"
    UNB = "UNB"
    AS2 = "AS2"
    GLN = "GLN"
    DUNS = "DUNS"


class Direction(StrEnum):
    """IN is from the partner to us, OUT from us to the partner."""

    IN = "IN"
    OUT = "OUT"


class Acknowledgment(StrEnum):
    """What answers a document; NONE is nothing at all."""

    NONE = "NONE"
    X997 = "997"
    X999 = "999"
    TA1 = "TA1"
    CONTRL = "CONTRL"


class OnboardingState(StrEnum):
    INVITED = "INVITED"
    CONNECTED = "CONNECTED"
    TESTED = "TESTED"
    APPROVED = "APPROVED"
    LIVE = "LIVE"


@dataclass(frozen=True, slots=True)
class Identity:
    """One name that a partner is addressed by; `qualifier` is "" where the kind has none."""

    kind: IdentityKind
    value: str
    qualifier: str = ""

    def __str__(self) -> str:
        qualifier = f"{self.qualifier}:" if self.qualifier else ""
        return f"{self.kind} {qualifier}{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was agreed of one document in one direction.

    `version` is what it is written in (004010, D:96A), `guide` the version of the partner's own
    guide. `acknowledgment` answers it, of what we send within so many minutes.
    """

    standard: Standard
    document: str
    direction: Direction
    version: str = ""
    guide: str = ""
    acknowledgment: Acknowledgment = Acknowledgment.NONE
    within_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    name: str
    role: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPartner:
    """A partner, as far as an interchange asks: `is_own` is a company of the house itself."""

    partner: str
    name: str
    state: OnboardingState
    owner: str = ""
    is_own: bool = False
    agreements: tuple[Agreement, ...] = ()

    def agreed(self, standard: Standard, document: str, direction: Direction) -> Agreement | None:
        wanted = (standard, document, direction)
        return next(
            (
                one
                for one in self.agreements
                if (one.standard, one.document, one.direction) == wanted
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was exchanged with a partner: documents that were taken, and what is not settled."""

    taken: frozenset[tuple[Standard, str, Direction]] = frozenset()
    unsettled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerChanged:
    """Somebody entered a partner, changed him, or took him a step on or back.

    `because` says why a step was taken back.
    """

    TYPE: ClassVar[str] = "partners.partner_changed.v1"

    partner: str
    name: str
    state: OnboardingState
    version: int
    changed_by: str
    roles: tuple[PartyRole, ...] = ()
    owner: str = ""
    contacts: tuple[Contact, ...] = ()
    because: str = ""

    @property
    def key(self) -> str:
        return self.partner


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerIdentityChanged:
    """A partner is addressed so from now on, or no longer (`is_cleared`)."""

    TYPE: ClassVar[str] = "partners.identity_changed.v1"

    partner: str
    kind: IdentityKind
    value: str
    version: int
    changed_by: str
    qualifier: str = ""
    is_cleared: bool = False

    @property
    def key(self) -> str:
        return self.partner


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerAgreementChanged:
    """A document was agreed on with a partner, otherwise than before, or no longer."""

    TYPE: ClassVar[str] = "partners.agreement_changed.v1"

    partner: str
    agreement: Agreement
    version: int
    changed_by: str
    is_cleared: bool = False

    @property
    def key(self) -> str:
        return self.partner


@dataclass(frozen=True, slots=True)
class DocumentCount:
    document: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeReceived:
    """An interchange of a partner was taken in, or refused; `documents` counts what was taken.

    What had come before, or is refused, is in `repeated` and `rejected`.
    """

    TYPE: ClassVar[str] = "partners.interchange_received.v1"

    interchange: str
    partner: str
    standard: Standard
    sender: str
    receiver: str
    control: str
    state: str
    is_test: bool = False
    documents: tuple[DocumentCount, ...] = ()
    repeated: int = 0
    rejected: int = 0

    @property
    def key(self) -> str:
        return self.partner or self.sender


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeWritten:
    """An interchange to a partner is kept: our answer to `answers`, which waits to be carried.

    `is_sent`: it was sent already, and is kept for what acknowledges it.
    """

    TYPE: ClassVar[str] = "partners.interchange_written.v1"

    interchange: str
    partner: str
    standard: Standard
    sender: str
    receiver: str
    control: str
    documents: tuple[DocumentCount, ...] = ()
    answers: str = ""
    is_sent: bool = False

    @property
    def key(self) -> str:
        return self.partner


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeAcknowledged:
    """A partner has said of documents of ours that he takes or refuses them."""

    TYPE: ClassVar[str] = "partners.interchange_acknowledged.v1"

    interchange: str
    partner: str
    control: str
    by: str
    accepted: int
    rejected: int

    @property
    def key(self) -> str:
        return self.partner
