"""What differs between two documents: segments that are in one alone, and elements. Pure.

Delimiters, layout, control numbers and the dates of envelopes are no difference.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from crossdock.connectivity.edi.documents import Document, Segment, segments_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A segment that differs: `before` None is added, `after` None taken away.

    `position` is that of the segment in its set, where the header is 1: of the earlier document,
    or of the later where the earlier has none. `elements` are the numbers of those that differ.
    """

    kind: str
    number: str
    position: int
    before: Segment | None
    after: Segment | None
    elements: tuple[int, ...] = ()


def differences(before: Iterable[Document], after: Iterable[Document]) -> Iterator[Difference]:
    """Compare documents in their order; one without its like is told segment by segment."""
    for one, other in zip_longest(before, after):
        if one is not None and other is not None and one.kind == other.kind:
            yield from _compared(one, _flat(one), _flat(other))
            continue
        if one is not None:
            yield from _compared(one, _flat(one), [])
        if other is not None:
            yield from _compared(other, [], _flat(other))


def _flat(document: Document) -> list[Segment]:
    return list(segments_of(document.parts))


def _compared(
    of: Document, before: Sequence[Segment], after: Sequence[Segment]
) -> Iterator[Difference]:
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, start, stop, other_start, other_stop in matcher.get_opcodes():
        if kind == "equal":
            continue
        for at, (one, other) in enumerate(
            _paired(before[start:stop], after[other_start:other_stop])
        ):
            changed = one is not None and other is not None
            yield Difference(
                kind=of.kind,
                number=of.number,
                position=(start if one is not None else other_start) + at + 2,
                before=one,
                after=other,
                elements=_elements(one, other) if changed and one and other else (),
            )


def _paired(
    before: Sequence[Segment], after: Sequence[Segment]
) -> Iterator[tuple[Segment | None, Segment | None]]:
    """Put beside each other what stands in the place of what; other tags stand for nothing."""
    for one, other in zip_longest(before, after):
        if one is not None and other is not None and one[0] != other[0]:
            yield one, None
            yield None, other
        else:
            yield one, other


def _elements(one: Segment, other: Segment) -> tuple[int, ...]:
    return tuple(
        at for at, (value, now) in enumerate(zip_longest(one, other, fillvalue="")) if value != now
    )
