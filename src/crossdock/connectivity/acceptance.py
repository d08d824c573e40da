"""What every fact must satisfy before it may be recorded, whoever says it. Pure.

The log must be able to hold the fact for ever, so limits of the database are checked here: a fact
it would refuse must not take the good ones of its batch with it.
"""

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import msgspec

from crossdock.canonical.allocation import (
    AllocationRuleChanged,
    AllocationRunChanged,
    ConfirmationChanged,
)
from crossdock.canonical.channels import (
    ChannelSafeModeChanged,
    ChannelTermsChanged,
    OversellBudgetChanged,
)
from crossdock.canonical.commands import CommandSettled
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import gln
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    OrderLineOverPicked,
    ReservationChanged,
    SafetyStockChanged,
    SerialOvercounted,
    ShelfEmptied,
    StockCounted,
    StockWentNegative,
)
from crossdock.canonical.messages import MessageReceived, MessageSettled
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.partners import (
    InterchangeAcknowledged,
    InterchangeReceived,
    InterchangeWritten,
    PartnerAgreementChanged,
    PartnerChanged,
    PartnerIdentityChanged,
)
from crossdock.canonical.reconciliation import (
    CountDecided,
    CountTaskChanged,
    DifferenceClosed,
    DifferenceConfirmed,
    DifferenceGone,
    MendingTried,
    PeriodChanged,
    ReconciliationPolicyChanged,
    ReconciliationRulesChanged,
    SnapshotBelieved,
    SnapshotRejected,
    WithholdingChanged,
)
from crossdock.canonical.sourcing import (
    SourcingDecided,
    SourcingNodeChanged,
    SourcingRulesChanged,
)
from crossdock.canonical.supply import (
    AtpRuleChanged,
    PromiseByDateChanged,
    SubstitutionChanged,
)
from crossdock.connectivity.sdk.contract import breach_of
from crossdock.connectivity.sdk.facts import Translation, Untranslatable

IDENTITY_LENGTH_MAX = 500
TEXT_LENGTH_MAX = 500
PAYLOAD_BYTES_MAX = 4 * 1024 * 1024
SEQUENCE_MAX = 2**63 - 1

# An escape of NUL, and not the six characters of one after an escaped backslash.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
HUBS_OWN = (
    AvailabilityChanged,
    ReservationChanged,
    SafetyStockChanged,
    StockWentNegative,
    StockCounted,
    ShelfEmptied,
    SerialOvercounted,
    OrderLineOverPicked,
    ConfirmationChanged,
    CommandSettled,
    SourcingDecided,
    DifferenceConfirmed,
    DifferenceClosed,
    PeriodChanged,
    SnapshotBelieved,
    SnapshotRejected,
    CountTaskChanged,
    CountDecided,
    SourcingRulesChanged,
    SubstitutionChanged,
    AllocationRuleChanged,
    AllocationRunChanged,
    WithholdingChanged,
    AtpRuleChanged,
    ChannelTermsChanged,
    OversellBudgetChanged,
    ChannelSafeModeChanged,
    DifferenceGone,
    MendingTried,
    ReconciliationRulesChanged,
    ReconciliationPolicyChanged,
    SourcingNodeChanged,
    PromiseByDateChanged,
    PartnerChanged,
    PartnerIdentityChanged,
    PartnerAgreementChanged,
    InterchangeReceived,
    InterchangeWritten,
    InterchangeAcknowledged,
    MessageReceived,
    MessageSettled,
)
"""What the hub concludes by itself; nobody outside may put it into its mouth."""

_NAMES = ("item", "location", "sku", "code", "order_id", "source_place", "target_place")
_LISTS = ("lines", "members")
_TEXTS = ("stream", "correlation_id", "causation_id", "native_ref", "actor")


def sound(translation: Translation) -> Translation:
    """Refuse what a mapping gives among its facts that is none; the rest stays as it is."""
    given = [_as_said(one) for one in translation.facts]
    strangers = tuple(
        _refused(
            f"/facts/{number}",
            f"is {type(one).__name__}, and no fact: its mapping is to be mended; then replay it",
        )
        for number, one in enumerate(given)
        if not isinstance(one, Fact)
    )
    if not strangers:
        return translation
    facts = tuple(one for one in given if isinstance(one, Fact))
    return Translation(facts, (*translation.refused, *strangers))


def reason_to_refuse(
    fact: Fact, allowed: Iterable[type[Payload]] | None = None
) -> Untranslatable | None:
    """Find the first thing wrong with a fact; None when it may be recorded.

    `allowed` are the events that its application declares; None allows all. What is of another
    type than its event declares is refused before anybody looks into it.
    """
    return _type_problem(fact) or _problem(fact, allowed)


def _type_problem(fact: Fact) -> Untranslatable | None:
    if breach := breach_of(fact):
        hint = "its mapping or its source is to be mended; then replay it, or say it again"
        return _refused(breach.where, f"{breach.reason}: {hint}")
    return None


def _problem(fact: Fact, allowed: Iterable[type[Payload]] | None) -> Untranslatable | None:
    if isinstance(fact.payload, HUBS_OWN):
        return _refused("/payload", f"only the hub itself says {fact.payload.TYPE}")
    if allowed is not None and type(fact.payload) not in tuple(allowed):
        return _refused("/payload", f"its application does not declare {fact.payload.TYPE}")
    if not fact.identity or len(fact.identity) > IDENTITY_LENGTH_MAX:
        return _refused("/identity", f"an identity has 1 to {IDENTITY_LENGTH_MAX} characters")
    for name in ("identity", *_TEXTS):
        if problem := _text_problem(getattr(fact, name)):
            return _refused(f"/{name}", problem)
    return (
        _number_problem(fact)
        or _name_problem(fact.payload)
        or _number_of_party_problem(fact.payload)
        or _payload_problem(fact.payload)
    )


def is_numbered(fact: Fact) -> bool:
    """Say whether its number in its stream can be kept, whatever else may be wrong with it."""
    number, stream = map(_as_said, (fact.sequence, fact.stream))
    is_number = type(number) is int and abs(number) <= SEQUENCE_MAX
    return is_number and isinstance(stream, str) and not _text_problem(stream)


def _as_said(value: Any) -> Any:
    """Take a value as whoever maps has said it, which need not be what the fact declares."""
    return value


def _name_problem(payload: Payload) -> Untranslatable | None:
    place = _nameless(payload, "/payload")
    reason = "empty, so it names nothing: the source must send its code"
    return _refused(place, reason) if place else None


def _number_of_party_problem(payload: Payload) -> Untranslatable | None:
    """Refuse a GLN that does not prove itself (`MD-GTIN`): it is another's, or nobody's."""
    if not isinstance(payload, PartyChanged) or not payload.gln:
        return None
    try:
        gln(payload.gln)
    except Invalid as refusal:
        return Untranslatable(code=refusal.code, where="/payload/gln", reason=refusal.message)
    return None


def _nameless(part: Any, place: str) -> str:
    """Find an item or location without a code, which no catalogue could ever know; "": none."""
    if isinstance(part, str):
        return "" if part.strip() else place
    names, lists = _naming(part.__class__)
    for name in names:
        inner = getattr(part, name)
        if inner is not None and (found := _nameless(inner, f"{place}/{name}")):
            return found
    for name in lists:
        for number, inner in enumerate(getattr(part, name)):
            if found := _nameless(inner, f"{place}/{name}/{number}"):
                return found
    return ""


@cache
def _naming(kind: type[Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say which fields of a class name something, or hold parts that do; singly and in lists."""
    known = {each.name for each in fields(kind)} if is_dataclass(kind) else set[str]()
    return (
        tuple(name for name in _NAMES if name in known),
        tuple(name for name in _LISTS if name in known),
    )


def _text_problem(text: str) -> str:
    if len(text) > TEXT_LENGTH_MAX:
        return f"longer than {TEXT_LENGTH_MAX} characters"
    if "\0" in text:
        return "holds a NUL character"
    return "" if _is_unicode(text) else "holds half of a surrogate pair"


def _number_problem(fact: Fact) -> Untranslatable | None:
    for name in ("sequence", "version"):
        number: int | None = getattr(fact, name)
        if number is not None and not -SEQUENCE_MAX <= number <= SEQUENCE_MAX:
            return _refused(f"/{name}", f"{number} does not fit into 64 bits")
    return None


def _payload_problem(payload: Payload) -> Untranslatable | None:
    try:
        text = msgspec.json.encode(payload)
        key = payload.key
    except (TypeError, ValueError, OverflowError, RecursionError, UnicodeError) as error:
        return _refused("/payload", f"cannot be written as JSON: {error}")
    if len(text) > PAYLOAD_BYTES_MAX:
        return _refused("/payload", f"larger than {PAYLOAD_BYTES_MAX} bytes")
    if holds_nul(text):
        return _refused("/payload", "holds a NUL character")
    if problem := _text_problem(key):
        return _refused("/payload", f"its key {problem}")
    return None


def storable(text: str, length_max: int = 2000) -> str:
    """Make any text fit for the database: no NUL, no half surrogate, not endless."""
    clean = text.replace("\0", "␀").encode("utf-8", "replace").decode()
    return clean if len(clean) <= length_max else clean[: length_max - 1] + "…"


def holds_nul(json: bytes) -> bool:
    return bool(_ESCAPED_NUL.search(json))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refused(where: str, reason: str) -> Untranslatable:
    return Untranslatable(code="EVT-SCHEMA", where=where, reason=reason)
