"""What differs between two documents: segments that are in one alone, and elements. Pure.

Delimiters, layout, control numbers and the dates of envelopes are no difference.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise, zip_longest

from crossdock.connectivity.edi.documents import Document, Segment, segments_of

CLOSELY_MAX = 400
"""So many segments between two that are certain are compared each with each."""


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
    for start, stop, other_start, other_stop in _unlike(before, after):
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


Stretch = tuple[int, int, int, int]
"""Where segments begin and end in the earlier document, and where in the later."""


def _unlike(before: Sequence[Segment], after: Sequence[Segment]) -> Iterator[Stretch]:
    """Give the stretches that differ, in time that does not grow with the square of a document.

    Segments that each document has once, in the same order in both, are certain to be the same;
    between two of them all are compared with all, or where these are too many, side by side.
    """
    certain = [(-1, -1), *_certain(before, after), (len(before), len(after))]
    for (left, other_left), (right, other_right) in pairwise(certain):
        start, other = left + 1, other_left + 1
        while start < right and other < other_right and before[start] == after[other]:
            start, other = start + 1, other + 1
        stop, other_stop = right, other_right
        while start < stop and other < other_stop and before[stop - 1] == after[other_stop - 1]:
            stop, other_stop = stop - 1, other_stop - 1
        if start == stop and other == other_stop:
            continue
        if max(stop - start, other_stop - other) > CLOSELY_MAX:
            yield from _side_by_side(before, after, (start, stop, other, other_stop))
            continue
        matcher = SequenceMatcher(
            None, before[start:stop], after[other:other_stop], autojunk=False
        )
        for kind, one_from, one_to, other_from, other_to in matcher.get_opcodes():
            if kind != "equal":
                yield start + one_from, start + one_to, other + other_from, other + other_to


def _certain(before: Sequence[Segment], after: Sequence[Segment]) -> list[tuple[int, int]]:
    """Give the longest row of segments that are in both once, in an order that both have."""
    counts, others = Counter(before), Counter(after)
    places = {one: at for at, one in enumerate(after) if others[one] == 1}
    pairs = [
        (at, places[one]) for at, one in enumerate(before) if counts[one] == 1 and one in places
    ]
    ends: list[int] = []
    last: list[int] = []
    back: list[int] = []
    for number, (_, other) in enumerate(pairs):
        length = bisect_left(ends, other)
        back.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [other]
        last[length : length + 1] = [number]
    found: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = back[number]
    return found[::-1]


def _side_by_side(
    before: Sequence[Segment], after: Sequence[Segment], within: Stretch
) -> Iterator[Stretch]:
    """Give each place where the two do not stand beside their like."""
    start, stop, other, other_stop = within
    while start < stop and other < other_stop:
        if before[start] != after[other]:
            yield start, start + 1, other, other + 1
        start, other = start + 1, other + 1
    if start < stop or other < other_stop:
        yield start, stop, other, other_stop


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
