"""A file answered: for each interchange that came, one back with TA1 and 997 or 999. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crossdock.connectivity.edi.x12.acknowledging import (
    GROUP,
    Answer,
    GroupAnswer,
    InterchangeAnswer,
    answers,
    functional_segments,
    interchange_segment,
)
from crossdock.connectivity.edi.x12.envelope import Event, Group, Interchange
from crossdock.connectivity.edi.x12.writing import Form, Value, header_written, written

_ISA_VERSION, _VERSION = "00401", "004010"
"""In what an answer is written where the versions that came are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How an answer is numbered and dated: the first of its interchanges, and when it is made."""

    interchange: int
    at: datetime
    is_999: bool = False


def answered(events: Iterable[Event], numbers: Numbers) -> Iterator[str]:
    """Write an interchange for each that came and has anything to be answered.

    It goes back to who sent it, in the delimiters that it came in; what came and cannot be written
    in them is left out. A TA1 is written where it was asked for, or where the envelope is wrong.
    """
    groups: list[GroupAnswer] = []
    number = numbers.interchange
    for answer in answers(events):
        if isinstance(answer, GroupAnswer):
            groups.append(answer)
            continue
        text = interchange_answered(answer, groups, replace(numbers, interchange=number))
        if text:
            yield text
            number += 1
        groups = []


def interchange_answered(
    answer: InterchangeAnswer, groups: Sequence[GroupAnswer], numbers: Numbers
) -> str:
    """Write the interchange that answers one and its groups; "" where nothing is to be said."""
    of, number = answer.of, numbers.interchange
    end = "" if "\n" in of.delimiters.all else "\n"
    form = Form(delimiters=of.delimiters, line_end=end, leaves_out=True)
    acknowledged: list[list[Value]] = []
    if (of.wants_acknowledgment or answer.findings) and not answer.is_answer:
        acknowledged.append([*interchange_segment(answer)])
    bodies = [list(_group(one, numbers, at)) for at, one in enumerate(groups, 1)]
    if not acknowledged and not bodies:
        return ""
    header = header_written(
        of.receiver,
        of.sender,
        control=number,
        at=numbers.at,
        version=_version(of),
        usage="T" if of.is_test else "P",
        form=form,
    )
    trailer: list[Value] = ["IEA", str(len(bodies)), f"{number:09}"]
    body = [*acknowledged, *(segment for one in bodies for segment in one), trailer]
    return header + written(body, form)


def _version(of: Interchange) -> str:
    said = of.elements[11]
    return said if said.isascii() and said.isdigit() else _ISA_VERSION


def _release(of: Group) -> str:
    """Give the version that a group came in, unless it is none, or an early one."""
    said = of.version[: len(_VERSION)]
    is_release = said.isascii() and said.isdigit() and len(said) == len(_VERSION)
    return of.version if is_release and said >= _VERSION else _VERSION


def _group(answer: GroupAnswer, numbers: Numbers, number: int) -> Iterator[list[Value]]:
    of = answer.of
    set_id = "999" if numbers.is_999 else "997"
    yield [
        *("GS", GROUP, of.element(3), of.element(2), f"{numbers.at:%Y%m%d}", f"{numbers.at:%H%M}"),
        *(str(number), of.element(7) or "X", _release(of)),
    ]
    body = list(functional_segments(answer, is_999=numbers.is_999))
    yield ["ST", set_id, "0001"]
    yield from body
    yield ["SE", str(len(body) + 2), "0001"]
    yield ["GE", "1", str(number)]


__all__ = ["Answer", "Interchange", "Numbers", "answered", "interchange_answered"]
