"""EDIFACT written: segments of elements, in the delimiters of a partner. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.edifact.delimiters import STANDARD, Delimiters, released

Value = str | Sequence[str] | Sequence[Sequence[str]]
"""An element, a composite as its components, or those of each of its repetitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a partner wants to be written to; `line_end` stands behind each terminator.

    `has_advice`: the delimiters are said before the header (UNA). What cannot be written is
    refused, or left out where it `leaves_out`.
    """

    delimiters: Delimiters = STANDARD
    line_end: str = ""
    has_advice: bool = True
    leaves_out: bool = False


def advice(form: Form) -> str:
    """Write the service string advice, where there is one."""
    if not form.has_advice:
        return ""
    said = form.delimiters
    parts = said.component + said.element + said.decimal + (said.release or " ")
    return "UNA" + parts + (said.repetition or " ") + said.segment + form.line_end


def written(segments: Iterable[Sequence[Value]], form: Form) -> str:
    """Write segments, each as its tag and elements; what is empty at an end is left out.

    A delimiter in data is released. Raises `Invalid` where nothing can be, and for data that holds
    a control character.
    """
    end = form.delimiters.segment + form.line_end
    return "".join(_segment(segment, form) + end for segment in segments)


def _segment(segment: Sequence[Value], form: Form) -> str:
    parts = [
        _element(value, form, f"{segment[0]}{number:02}") for number, value in enumerate(segment)
    ]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return form.delimiters.element.join(parts)


def _element(value: Value, form: Form, where: str) -> str:
    if isinstance(value, str):
        return _safe(value, form, where)
    components: list[str] = []
    repeated: list[str] = []
    for one in value:
        if isinstance(one, str):
            components.append(_safe(one, form, where))
        else:
            repeated.append(_element(one, form, where))
    if len(repeated) > 1 and not form.delimiters.repetition:
        raise Invalid(
            "an element is repeated, and nothing parts repetitions here",
            where=where,
            hint="write in syntax 4, with a repetition separator, or send it once",
        )
    if repeated:
        return form.delimiters.repetition.join(repeated)
    while components and not components[-1]:
        components.pop()
    return form.delimiters.component.join(components)


def _safe(value: str, form: Form, where: str) -> str:
    delimiters = form.delimiters
    if form.leaves_out:
        gone = "" if delimiters.release else delimiters.all
        value = "".join(one for one in value if one >= " " and one not in gone)
    bad = next((one for one in value if one < " " and one not in delimiters.all), None)
    if bad is None and delimiters.release:
        return released(value, delimiters)
    bad = bad or next((one for one in value if one in delimiters.all), None)
    if bad is None:
        return value
    raise Invalid(
        f"{value[:40]!r} holds {bad!r}, which cannot be written here",
        where=where,
        hint="leave it out, or write with a release character",
    )
