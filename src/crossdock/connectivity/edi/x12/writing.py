"""X12 written: segments of elements, in the delimiters of a partner. Pure.

X12 has no character that escapes another, so data may hold none of the delimiters. Who writes says
what becomes of one: it is refused, or something stands in its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.documents import BINARY
from crossdock.connectivity.edi.x12.delimiters import WIDTHS, Delimiters

CONTROL_MAX = 999_999_999
STANDARD = Delimiters(element="*", component=">", segment="~", repetition="^")
_REPETITION_SINCE = "00402"
_DELIMITERS_AT = (11, 16)

Value = str | Sequence[str] | Sequence[Sequence[str]]
"""An element, a composite as its components, or those of each of its repetitions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a partner wants to be written to.

    `line_end` stands behind each terminator. `instead` says what stands in a delimiter's place in
    data; one that it does not name is refused, as all that cannot be written is, or left out where
    it `leaves_out`.
    """

    delimiters: Delimiters = STANDARD
    line_end: str = ""
    instead: Mapping[str, str] = field(default_factory=dict[str, str])
    leaves_out: bool = False


def written(segments: Iterable[Sequence[Value]], form: Form) -> str:
    """Write segments, each as its tag and elements; empty ones at the end are left out.

    Raises `Invalid` for data that holds a delimiter or a control character.
    """
    end = form.delimiters.segment + form.line_end
    return "".join(_segment(segment, form) + end for segment in segments)


def _segment(segment: Sequence[Value], form: Form) -> str:
    parts: list[str] = []
    raw = BINARY.get(str(segment[0]), 0)
    for number, value in enumerate(segment):
        where = f"{segment[0]}{number:02}"
        if isinstance(value, str):
            is_raw = raw and number == raw
            parts.append(value if is_raw else _safe(value, form, where))
        else:
            parts.append(_composite(value, form, where))
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return form.delimiters.element.join(parts)


def _composite(value: Sequence[str] | Sequence[Sequence[str]], form: Form, where: str) -> str:
    components: list[str] = []
    repeated: list[str] = []
    for at, one in enumerate(value, 1):
        if isinstance(one, str):
            components.append(_safe(one, form, f"{where}-{at}"))
        else:
            repeated.append(_composite(one, form, where))
    if repeated:
        return _repeated(repeated, form, where)
    while components and not components[-1]:
        components.pop()
    return form.delimiters.component.join(components)


def _repeated(values: Sequence[str], form: Form, where: str) -> str:
    if not form.delimiters.repetition and len(values) > 1:
        raise Invalid(
            "an element is repeated, and nothing parts repetitions here",
            where=where,
            hint="write with a repetition separator, from version 00402 on, or send it once",
        )
    return form.delimiters.repetition.join(values)


def _safe(value: str, form: Form, where: str) -> str:
    for one in (*form.delimiters.all, "\r", "\n"):
        if one in value and one in form.instead:
            value = value.replace(one, form.instead[one])
    bad = next((one for one in value if one in form.delimiters.all or one < " "), None)
    if bad is None:
        return value
    if form.leaves_out:
        return "".join(one for one in value if one not in form.delimiters.all and one >= " ")
    raise Invalid(
        f"{value[:40]!r} holds {bad!r}, which parts elements or segments here",
        where=where,
        hint="name what stands in its place, or write with other delimiters",
    )


def header_written(  # noqa: PLR0913  # the elements of a header that differ
    sender: tuple[str, str],
    receiver: tuple[str, str],
    *,
    control: int,
    at: datetime,
    version: str = "00401",
    usage: str = "P",
    wants_acknowledgment: bool = False,
    form: Form,
) -> str:
    """Write the header (ISA) of an interchange, its elements filled up to their widths.

    `at` is written as it is, in its own zone. Raises `Invalid` for what does not fit.
    """
    delimiters = form.delimiters
    has_repetition = version >= _REPETITION_SINCE and delimiters.repetition
    said = (
        *("00", "", "00", "", *sender, *receiver, f"{at:%y%m%d}", f"{at:%H%M}"),
        *(delimiters.repetition if has_repetition else "U", version, f"{control:09}"),
        *("1" if wants_acknowledgment else "0", usage, delimiters.component),
    )
    return header_of(said, form)


def header_of(elements: Sequence[str], form: Form) -> str:
    """Write the sixteen elements of a header (ISA), filled up to their widths.

    Raises `Invalid` for what does not fit.
    """
    filled = ["ISA"]
    for number, (value, width) in enumerate(zip(elements, WIDTHS, strict=True), 1):
        where = f"ISA{number:02}"
        safe = value if number in _DELIMITERS_AT else _safe(value, form, where)
        if len(safe) > width and not form.leaves_out:
            raise Invalid(
                f"{value[:40]!r} has {len(value)} characters, and {width} are the most",
                where=where,
            )
        filled.append(safe[:width].ljust(width))
    return form.delimiters.element.join(filled) + form.delimiters.segment + form.line_end
