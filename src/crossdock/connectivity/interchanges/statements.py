"""What acknowledgments say of what was sent: TA1, 997, 999 and CONTRL. Pure."""

from collections.abc import Iterator, Sequence

from crossdock.connectivity.edi.edifact.delimiters import Delimiters, component, plain
from crossdock.connectivity.interchanges.model import About, Statement, Verdict

SEGMENTS_MAX = 50_000
"""So many segments of an acknowledgment are read."""
_ACCEPTED = frozenset("AE")
_EDIFACT = {"7": Verdict.ACCEPTED, "4": Verdict.REJECTED, "8": Verdict.RECEIVED}
_CODES_MAX = 5
_CODE = 10


def of_ta1(elements: Sequence[str]) -> Statement:
    """Read a TA1: which interchange of ours, taken or not, and the note."""
    number, _, _, status, note, *_ = (*elements, "", "", "", "", "")
    return Statement(
        about=About.INTERCHANGE,
        interchange=number,
        verdict=_verdict(status),
        codes=_codes([] if note in {"", "000"} else [note]),
    )


def of_functional(segments: Sequence[str], separator: str) -> Iterator[Statement]:
    """Read a 997 or 999: what it says of sets, and then of their group.

    Of a group that is partly taken, sets that are not named are taken.
    """
    group = document = ("", "")
    for segment in segments[:SEGMENTS_MAX]:
        tag, *parts = segment.split(separator)
        first, second, *_ = (*parts, "", "")
        if tag == "AK1":
            group = (first, second)
        elif tag == "AK2":
            document = (first, second)
        elif tag in {"AK5", "IK5"}:
            yield Statement(
                about=About.SET,
                verdict=_verdict(first),
                functional_id=group[0],
                group=group[1],
                document=document[0],
                control=document[1],
                codes=_codes(parts[1:]),
            )
        elif tag == "AK9":
            yield Statement(
                about=About.GROUP,
                verdict=Verdict.ACCEPTED if first == "P" else _verdict(first),
                functional_id=group[0],
                group=group[1],
                codes=_codes(parts[4:]),
            )


def of_contrl(segments: Sequence[str], delimiters: Delimiters) -> list[Statement]:
    """Read a CONTRL: what it says of messages and groups, and then of the interchange."""
    found: list[Statement] = []
    interchange, of, group = "", Verdict.RECEIVED, ""
    codes: tuple[str, ...] = ()
    for segment in segments[:SEGMENTS_MAX]:
        tag, *parts = segment.split(delimiters.element)
        elements = tuple(
            tuple(plain(one, delimiters) for one in part.split(delimiters.component))
            for part in parts
        )
        number = component(elements, 1, 1)
        if tag == "UCI":
            interchange = number
            of, codes = _said(elements, 4)
        elif tag == "UCF":
            group = number
            verdict, told = _said(elements, 4)
            found.append(
                Statement(
                    about=About.GROUP,
                    verdict=verdict,
                    interchange=interchange,
                    group=group,
                    codes=told,
                )
            )
        elif tag == "UCM":
            verdict, told = _said(elements, 3)
            found.append(
                Statement(
                    about=About.SET,
                    verdict=verdict,
                    interchange=interchange,
                    document=component(elements, 2, 1),
                    control=number,
                    group=group,
                    codes=told,
                )
            )
    if interchange:
        found.append(
            Statement(about=About.INTERCHANGE, verdict=of, interchange=interchange, codes=codes)
        )
    turn = [About.SET, About.GROUP, About.INTERCHANGE]
    return sorted(found, key=lambda one: turn.index(one.about))


def _verdict(status: str) -> Verdict:
    """Read a status: E is taken with errors; whatever is none of the known ones refuses."""
    return Verdict.ACCEPTED if status in _ACCEPTED else Verdict.REJECTED


def _said(elements: tuple[tuple[str, ...], ...], action: int) -> tuple[Verdict, tuple[str, ...]]:
    verdict = _EDIFACT.get(component(elements, action, 1), Verdict.REJECTED)
    return verdict, _codes([component(elements, action + 1, 1)])


def _codes(said: Sequence[str]) -> tuple[str, ...]:
    return tuple(one[:_CODE] for one in said if one)[:_CODES_MAX]
