"""What a partner may be called by, and what is missing before he goes live. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crossdock.canonical.errors import Conflict, Invalid
from crossdock.canonical.identifiers import gln
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    Identity,
    IdentityKind,
    KnownPartner,
    OnboardingState,
    Standard,
    Traffic,
)
from crossdock.canonical.people import may_be_same

WITHIN_MAX = 7 * 24 * 60
NAME_MAX = 200
_LENGTHS = {
    IdentityKind.ISA: 15,
    IdentityKind.GS: 15,
    IdentityKind.UNB: 35,
    IdentityKind.AS2: 128,
    IdentityKind.GLN: 13,
    IdentityKind.DUNS: 9,
}
_QUALIFIERS = {IdentityKind.ISA: 2, IdentityKind.UNB: 4}
_GLN_IN_UNB, _DUNS_IN_UNB, _DUNS_IN_ISA = "14", "1", "01"
ANSWERS = {
    Standard.X12: (
        *(Acknowledgment.NONE, Acknowledgment.X997, Acknowledgment.X999),
        Acknowledgment.TA1,
    ),
    Standard.EDIFACT: (Acknowledgment.NONE, Acknowledgment.CONTRL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A partner as he was entered: `state` is how far he is on the way to production.

    `version` counts every change of him, his identities and agreements. `tested_by` says whose
    word it was that his documents are tested.
    """

    partner: str
    name: str
    roles: tuple[PartyRole, ...] = ()
    owner: str = ""
    contacts: tuple[Contact, ...] = ()
    state: OnboardingState = OnboardingState.INVITED
    version: int = 0
    tested_by: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None
    identities: tuple[Identity, ...] = ()
    agreements: tuple[Agreement, ...] = ()

    @property
    def is_own(self) -> bool:
        """Say whether it is a company of the house itself, which is not onboarded."""
        return PartyRole.LEGAL_ENTITY in self.roles

    @property
    def known(self) -> KnownPartner:
        return KnownPartner(
            partner=self.partner,
            name=self.name,
            state=self.state,
            owner=self.owner,
            is_own=self.is_own,
            agreements=self.agreements,
        )


def identity(kind: IdentityKind, value: str, qualifier: str = "") -> Identity:
    """Read an identity, or say what is wrong with it."""
    value, qualifier = value.strip(), qualifier.strip()
    longest = _LENGTHS[kind]
    if not value or len(value) > longest or not value.isprintable():
        raise Invalid(
            f"{kind} {value[:40]!r} is no identity: 1 to {longest} printable characters",
            where="/value",
        )
    if len(qualifier) > _QUALIFIERS.get(kind, 0) or not qualifier.isprintable():
        most = _QUALIFIERS.get(kind, 0)
        raise Invalid(
            f"qualifier {qualifier[:10]!r} of {kind} is none: "
            + (f"it has {most} characters at most" if most else f"{kind} has no qualifier"),
            where="/qualifier",
        )
    if kind is IdentityKind.ISA and not qualifier:
        raise Invalid(
            "an ISA id has a qualifier (ISA05)", where="/qualifier", hint="such as ZZ or 01"
        )
    if kind is IdentityKind.GLN:
        gln(value)
    if kind is IdentityKind.DUNS and not (value.isascii() and value.isdigit() and len(value) == 9):  # noqa: PLR2004  # as D&B gives them
        raise Invalid(f"{value!r} is no D-U-N-S number: 9 digits", where="/value")
    return Identity(kind, value, qualifier)


def address(one: Identity) -> str:
    """Give the one form in which identities compare, however an envelope writes them.

    A GLN is the same in a UNB with qualifier 14, a D-U-N-S number with 1, or 01 in an ISA.
    """
    kind, qualifier = one.kind, one.qualifier
    if kind is IdentityKind.UNB and qualifier == _GLN_IN_UNB:
        kind, qualifier = IdentityKind.GLN, ""
    elif (kind, qualifier) in {
        (IdentityKind.UNB, _DUNS_IN_UNB),
        (IdentityKind.ISA, _DUNS_IN_ISA),
    }:
        kind, qualifier = IdentityKind.DUNS, ""
    return f"{kind}\t{qualifier}\t{one.value}"


def taken(one: Identity, by: Partner) -> Conflict:
    """Say whose an identity is already."""
    return Conflict(
        f"{one} is an identity of {by.name} ({by.partner}) already",
        code="identity_taken",
        hint=f"clear it there first: `crossdock partner identity {by.partner} … --clear`",
    )


def check_agreement(said: Agreement) -> Agreement:
    """Refuse an agreement that nobody could keep."""
    document = said.document.strip()
    if not document.isascii() or not document.isalnum() or len(document) > 6:  # noqa: PLR2004  # such as ORDERS
        raise Invalid(
            f"{document[:20]!r} is no document", where="/document", hint="such as 850 or ORDERS"
        )
    for name, text in (("version", said.version), ("guide", said.guide)):
        if len(text) > 40 or not text.isprintable():  # noqa: PLR2004  # of a column
            raise Invalid(f"a {name} has 40 printable characters at most", where=f"/{name}")
    if said.acknowledgment not in ANSWERS[said.standard]:
        every = ", ".join(ANSWERS[said.standard])
        raise Invalid(
            f"{said.acknowledgment} answers no document of {said.standard}",
            where="/acknowledgment",
            hint=f"one of {every}",
        )
    _check_within(said)
    return said


def _check_within(said: Agreement) -> None:
    waits = said.direction is Direction.OUT and said.acknowledgment is not Acknowledgment.NONE
    if waits and not 0 < said.within_minutes <= WITHIN_MAX:
        raise Invalid(
            f"say within how many minutes {said.acknowledgment} is expected, 1 to {WITHIN_MAX}",
            where="/within_minutes",
        )
    if not waits and said.within_minutes:
        raise Invalid(
            "nothing is waited for: minutes are for what we send and they acknowledge",
            where="/within_minutes",
        )


NEXT = dict(zip(OnboardingState, [*OnboardingState][1:], strict=False))
"""The step behind each; behind LIVE there is none."""


def missing(partner: Partner, traffic: Traffic, *, by: str = "") -> list[str]:
    """Say what is missing before a partner may take the next step; nothing, or no step, is none.

    `by` is who would take it; "" is anybody who may.
    """
    gate = _GATES.get(partner.state)
    return gate(partner, traffic, by) if gate else []


def lost(partner: Partner) -> list[str]:
    """Say what a partner lacks by now of the steps that he has taken already."""
    if partner.state is OnboardingState.INVITED:
        return []
    found = _to_connected(partner, Traffic(), "")
    if partner.state is not OnboardingState.CONNECTED and not partner.agreements:
        found.append(_NO_AGREEMENT)
    return found


_NO_AGREEMENT = "no document is agreed on"


def _to_connected(partner: Partner, _traffic: Traffic, _by: str) -> list[str]:
    addressed = {IdentityKind.ISA, IdentityKind.UNB, IdentityKind.GLN, IdentityKind.DUNS}
    said = {
        "nobody owns the partner": bool(partner.owner.strip()),
        "no role is said": bool(partner.roles),
        "no contact has an e-mail address or a telephone number": any(
            one.email.strip() or one.phone.strip() for one in partner.contacts
        ),
        "no identity addresses an interchange (ISA, UNB, GLN or DUNS)": any(
            one.kind in addressed for one in partner.identities
        ),
    }
    return [lacks for lacks, is_there in said.items() if not is_there]


def _to_tested(partner: Partner, traffic: Traffic, _by: str) -> list[str]:
    if not partner.agreements:
        return [_NO_AGREEMENT]
    return [
        f"no {one.document} ({one.standard}, {_WAYS[one.direction]})"
        for one in partner.agreements
        if (one.standard, one.document, one.direction) not in traffic.taken
        and (one.direction is Direction.IN or one.acknowledgment is not Acknowledgment.NONE)
    ]


_WAYS = {
    Direction.IN: "from them, was taken in without a fault yet",
    Direction.OUT: "to them, was acknowledged yet",
}


def _to_approved(partner: Partner, traffic: Traffic, by: str) -> list[str]:
    found = _to_tested(partner, traffic, by)
    if by and may_be_same(by, partner.tested_by):
        found.append(f"{partner.tested_by} had it tested: another one has to approve")
    return found


def _to_live(partner: Partner, traffic: Traffic, by: str) -> list[str]:
    found = _to_tested(partner, traffic, by)
    if traffic.unsettled:
        count = traffic.unsettled
        found.append(f"{count} sent documents are refused, or not acknowledged in time")
    return found


_GATES: Mapping[OnboardingState, Callable[[Partner, Traffic, str], list[str]]] = {
    OnboardingState.INVITED: _to_connected,
    OnboardingState.CONNECTED: _to_tested,
    OnboardingState.TESTED: _to_approved,
    OnboardingState.APPROVED: _to_live,
}


def check(partner: Partner) -> None:
    """Refuse a partner who could not be shown, or found again."""
    name = partner.name
    if not name.strip() or name != name.strip() or len(name) > NAME_MAX or not name.isprintable():
        raise Invalid(
            f"a partner's name has 1 to {NAME_MAX} printable characters, no blank around",
            where="/name",
        )
    if name.startswith("prt_"):
        raise Invalid("a name does not begin as ids do (prt_)", where="/name")
    if PartyRole.OTHER in partner.roles:
        known = ", ".join(one for one in PartyRole if one is not PartyRole.OTHER)
        raise Invalid("a role is none of those known", where="/roles", hint=f"one of {known}")
    texts = [partner.owner, *(text for one in partner.contacts for text in _texts(one))]
    if any(len(text) > NAME_MAX or not text.isprintable() for text in texts):
        raise Invalid(
            f"an owner and what is said of a contact have {NAME_MAX} printable characters at most",
            where="/contacts",
        )
    if len(partner.contacts) > 20:  # noqa: PLR2004  # nobody calls more
        raise Invalid("a partner has 20 contacts at most", where="/contacts")


def _texts(one: Contact) -> Sequence[str]:
    return one.name, one.role, one.email, one.phone
