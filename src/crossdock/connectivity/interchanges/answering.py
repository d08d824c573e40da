"""What a partner is answered, by what is agreed with him. Pure."""

from collections.abc import Sequence
from datetime import datetime

from crossdock.canonical.partners import Acknowledgment, Direction, KnownPartner
from crossdock.connectivity.edi.edifact.acknowledging import (
    interchange_answered as edifact_answered,
)
from crossdock.connectivity.edi.x12.acknowledging import GroupAnswer
from crossdock.connectivity.edi.x12.answering import Numbers, interchange_answered
from crossdock.connectivity.interchanges.model import ANSWERS, Interchange, X12Answered

_WITHOUT_GROUPS = frozenset({Acknowledgment.NONE, Acknowledgment.TA1})


def answer_to(found: Interchange, sender: KnownPartner, number: int, at: datetime) -> bytes:
    """Write the interchange that answers one; nothing where nothing is to be said.

    What is not agreed on is answered as is usual, by 997 or CONTRL. Where the interchange is
    refused itself, nothing is said of its groups.
    """
    agreed = {
        name: one.acknowledgment
        for name in found.counts
        if (one := sender.agreed(found.standard, name, Direction.IN)) is not None
    }
    if isinstance(found.answer, X12Answered):
        groups = () if found.is_wrong else found.answer.groups
        numbers = Numbers(interchange=number, at=at, is_999=Acknowledgment.X999 in agreed.values())
        return interchange_answered(
            found.answer.interchange,
            [one for one in groups if not _is_silent(one, agreed)],
            numbers,
        ).encode("latin-1", "replace")
    others = [name for name in found.counts if name not in ANSWERS]
    is_silent = others and all(agreed.get(name) is Acknowledgment.NONE for name in others)
    if found.answer is None or (is_silent and not found.is_wrong):
        return b""
    return edifact_answered(found.answer, str(number), at).encode("latin-1", "replace")


def _is_silent(group: GroupAnswer, agreed: dict[str, Acknowledgment]) -> bool:
    """Say whether nothing of a group is answered by a 997 or 999."""
    names: Sequence[str] = [one.set_id for one in group.sets]
    return bool(names) and all(agreed.get(name) in _WITHOUT_GROUPS for name in names)
