"""What an interchange is once it is read, and what becomes of it. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from crossdock.canonical.identifiers import joined
from crossdock.canonical.partners import (
    Acknowledgment,
    Direction,
    Identity,
    IdentityKind,
    KnownPartner,
    OnboardingState,
    Standard,
)
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.edi.edifact.acknowledging import Answer as EdifactAnswer
from crossdock.connectivity.edi.findings import Finding, Level, Place, Severity
from crossdock.connectivity.edi.x12.acknowledging import GroupAnswer, InterchangeAnswer

TEXT_MAX = 200
"""So much is kept of a text that an envelope says."""
GAPS_MAX = 200
"""So many gaps are kept of a pair; of more the oldest are let go."""
REMARKS_MAX = 100
LAP = 1_000
"""A number this near to the end, followed by one this near to 1, is the next lap."""
NUMBER_MAX = 999_999_999
ANSWERS = frozenset({"997", "999", "TA1", "CONTRL"})


class State(StrEnum):
    """TAKEN, REFUSED and QUARANTINED are of what came; WRITTEN and SENT of what goes out.

    REPEATED came before with the very same content, and had its effect then.
    """

    TAKEN = "TAKEN"
    REFUSED = "REFUSED"
    QUARANTINED = "QUARANTINED"
    REPEATED = "REPEATED"
    WRITTEN = "WRITTEN"
    SENT = "SENT"


class Verdict(StrEnum):
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    RECEIVED = "RECEIVED"


class About(StrEnum):
    INTERCHANGE = "INTERCHANGE"
    GROUP = "GROUP"
    SET = "SET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What an acknowledgment says: of an interchange, a group, or a set, by their numbers."""

    about: About
    verdict: Verdict
    interchange: str = ""
    functional_id: str = ""
    group: str = ""
    document: str = ""
    control: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """One side of an interchange: how it is written, and by what identity it is known."""

    written: str
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A set or message as it came; `digest` is of its content, its header left out."""

    document: str
    control: str
    version: str
    functional_id: str
    group: str
    segments: int
    digest: bytes
    findings: tuple[Finding, ...]
    statements: tuple[Statement, ...] = ()

    @property
    def is_wrong(self) -> bool:
        return any(one.severity is Severity.ERROR for one in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class X12Answered:
    """What may be answered to an interchange of X12."""

    interchange: InterchangeAnswer
    groups: tuple[GroupAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """An interchange, read to its end. `repeated` is what is told if its number was used before.

    `application` tells numbers of one sender apart as well (0026 of EDIFACT).
    """

    standard: Standard
    sender: Party
    receiver: Party
    control: str
    is_test: bool
    documents: tuple[Document, ...]
    groups: int
    size: int
    digest: bytes
    findings: tuple[tuple[str, Finding], ...]
    is_wrong: bool
    repeated: Finding
    application: str = ""
    statements: tuple[Statement, ...] = ()
    answer: X12Answered | EdifactAnswer | None = None

    @property
    def number(self) -> int | None:
        """Give its control number as a number, where it is one that can follow another."""
        return number_of(self.control)

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(one.document for one in self.documents))


def number_of(control: str) -> int | None:
    is_number = control.isascii() and control.isdigit() and len(control) <= 9  # noqa: PLR2004  # as X12 has them
    return int(control) if is_number else None


def same(control: str) -> str:
    """Give a control number in the form in which they compare: however it is padded."""
    text = control.strip()
    return text.lstrip("0") or "0" if text.isascii() and text.isdigit() else text


def x12_party(qualifier: str, value: str) -> Party:
    qualifier, value = storable(qualifier, TEXT_MAX), storable(value, TEXT_MAX)
    return Party(joined(qualifier, value), Identity(IdentityKind.ISA, value, qualifier))


def edifact_party(parts: Sequence[str]) -> Party:
    """Read a side of a UNB: its identification, the qualifier of that, what is behind it."""
    written = [storable(one.strip(), TEXT_MAX) for one in parts[:3]]
    value, qualifier, *_ = (*written, "", "")
    return Party(
        storable(joined(*written), TEXT_MAX), Identity(IdentityKind.UNB, value, qualifier)
    )


@dataclass(frozen=True, slots=True)
class Held:
    """Why an interchange is set aside, until somebody has mended that."""

    code: str
    says: str


def held(
    sender: KnownPartner | None, receiver: KnownPartner | None, found: Interchange
) -> Held | None:
    """Say why what came is not taken in; None is nothing."""
    if sender is None:
        return Held("SENDER-UNKNOWN", f"{found.sender.identity} is nobody's identity here")
    if sender.is_own:
        return Held("SENDER-OWN", f"{found.sender.identity} is a company of the house")
    if receiver is None or not receiver.is_own:
        return Held("RECEIVER-UNKNOWN", f"{found.receiver.identity} is no company of the house")
    return _too_early(sender, is_test=found.is_test)


def _too_early(sender: KnownPartner, *, is_test: bool) -> Held | None:
    """Say why a partner may not send this yet: tests once he is connected, all once he is live."""
    if sender.state is OnboardingState.INVITED:
        return Held("PARTNER-NOT-CONNECTED", f"{sender.name} is invited, and not connected yet")
    if not is_test and sender.state is not OnboardingState.LIVE:
        says = f"{sender.name} is {sender.state}: he may send tests, and this is none"
        return Held("PARTNER-NOT-LIVE", says)
    return None


def addressed_to(
    sender: KnownPartner | None, receiver: KnownPartner | None, found: Interchange
) -> Held | None:
    """Say why what was sent is none of ours."""
    if sender is None or not sender.is_own:
        return Held("SENDER-UNKNOWN", f"{found.sender.identity} is no company of the house")
    if receiver is None or receiver.is_own:
        return Held("RECEIVER-UNKNOWN", f"{found.receiver.identity} is nobody's identity here")
    return None


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which control numbers of a pair came: the highest, and the gaps below it, both ends in."""

    highest: int = 0
    gaps: tuple[tuple[int, int], ...] = ()


def numbered(before: Numbers, number: int) -> Numbers:
    """Hear of a number: it may leave a gap behind the highest, fill one, or begin a new lap.

    The first number of a pair leaves no gap: nobody knows where it began to count.
    """
    if not before.highest or _is_lap(before.highest, number):
        return Numbers(number, before.gaps)
    if number > before.highest:
        gap = (before.highest + 1, number - 1)
        gaps = before.gaps if gap[0] > gap[1] else (*before.gaps, gap)
        return Numbers(number, gaps[-GAPS_MAX:])
    gaps = tuple(part for gap in before.gaps for part in _without(gap, number))
    return Numbers(before.highest, gaps[-GAPS_MAX:])


def _is_lap(highest: int, number: int) -> bool:
    return highest > NUMBER_MAX - LAP and number <= LAP


def _without(gap: tuple[int, int], number: int) -> list[tuple[int, int]]:
    first, last = gap
    if not first <= number <= last:
        return [gap]
    parts = [(first, number - 1), (number + 1, last)]
    return [(begin, end) for begin, end in parts if begin <= end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What answers a document that was sent, and how long it is waited for."""

    acknowledgment: Acknowledgment = Acknowledgment.NONE
    within_minutes: int = 0


def expected(receiver: KnownPartner, standard: Standard, document: str) -> Expected:
    found = receiver.agreed(standard, document, Direction.OUT)
    if found is None or document in ANSWERS:
        return Expected()
    return Expected(acknowledgment=found.acknowledgment, within_minutes=found.within_minutes)


def refused_as_used(found: Interchange) -> Interchange:
    """Refuse an interchange whose number one of other content had before."""
    errors, answer = (found.repeated,), found.answer
    if isinstance(answer, X12Answered):
        said = replace(answer.interchange, findings=(*answer.interchange.findings, *errors))
        answer = replace(answer, interchange=said)
    elif answer is not None:
        answer = replace(answer, findings=(*answer.findings, *errors))
    findings = (("", found.repeated), *found.findings)
    return replace(found, findings=findings, answer=answer, is_wrong=True)


class DocumentIs(StrEnum):
    """TAKEN has its effect, REJECTED is refused, REPEATED had it when it came before.

    SENT waits for its acknowledgment, if any is expected; ACCEPTED has it. WRITTEN is an
    acknowledgment itself.
    """

    TAKEN = "TAKEN"
    REJECTED = "REJECTED"
    REPEATED = "REPEATED"
    WRITTEN = "WRITTEN"
    SENT = "SENT"
    ACCEPTED = "ACCEPTED"


def judged(found: Interchange, before: Collection[bytes]) -> list[DocumentIs]:
    """Say what becomes of each document; `before` are the digests of those taken before."""
    seen, states = set(before), list[DocumentIs]()
    for one in found.documents:
        if found.is_wrong or one.is_wrong:
            states.append(DocumentIs.REJECTED)
        elif one.digest in seen:
            states.append(DocumentIs.REPEATED)
        else:
            seen.add(one.digest)
            states.append(DocumentIs.TAKEN)
    return states


def remarks(
    found: Interchange, states: Sequence[DocumentIs], sender: KnownPartner
) -> list[tuple[str, Finding]]:
    """Tell of documents that came before, or that nobody agreed on; the partner is not told."""
    said: list[tuple[str, Finding]] = []
    for one, state in zip(found.documents, states, strict=True):
        agreed = sender.agreed(found.standard, one.document, Direction.IN)
        if state is DocumentIs.REPEATED:
            says = f"{one.document} {one.control} came before with the same content: it was not"
            said.append((one.control, _remark("DOCUMENT-REPEATED", f"{says} taken again")))
        elif agreed is None and one.document not in ANSWERS:
            says = f"{one.document} is not agreed on with {sender.name}"
            said.append((one.control, _remark("DOCUMENT-NOT-AGREED", says)))
    return said[:REMARKS_MAX]


def _remark(code: str, says: str) -> Finding:
    place, level = Place(offset=0), Level.SET
    return Finding(code=code, severity=Severity.WARNING, level=level, place=place, says=says)


@dataclass(slots=True)
class Outcome:
    """What became of an interchange, as whoever handed it in is told.

    `documents` counts those that it holds, by what they are; `answer` is the interchange that
    answers it.
    """

    interchange: str
    state: State
    standard: Standard
    sender: str
    receiver: str
    control: str
    partner: str = ""
    code: str = ""
    because: str = ""
    documents: Mapping[str, int] = field(default_factory=dict[str, int])
    rejected: int = 0
    repeated: int = 0
    answer: str = ""
