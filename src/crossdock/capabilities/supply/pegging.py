"""Which supply each part of a promise by date is served from. Pure.

What others claim is served from what comes last of what is in time for it, so that what lies there
and what comes first is left to the promise. Amounts are micros.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from crossdock.capabilities.supply.answer import Atp, Basis
from crossdock.capabilities.supply.model import AtpMode


class Peg(NamedTuple):
    """So much of what leaves on `day` comes from a supply; "" is what lies there, `on` None."""

    day: date
    micros: int
    supply_id: str = ""
    on: date | None = None


class _Source(NamedTuple):
    supply_id: str
    on: date | None


def pegs(answer: Atp) -> tuple[Peg, ...]:
    """Say what a promise is served from, part by part.

    Nothing is said where it comes out of several item-locations or of lots told apart (`draws`,
    `parts` and `picks` say it there), nor where the mode counts otherwise.
    """
    is_plain = not answer.parts and not answer.lots and answer.mode is AtpMode.CUMULATIVE
    if not is_plain or answer.basis is not Basis.SUPPLY:
        return ()
    left = _sources(answer)
    late = sum(_serve(left, one.day, one.demand) for one in reversed(answer.buckets))
    _take(left, list(left), late + answer.standing.safety)
    return tuple(
        Peg(part.day, micros, source.supply_id, source.on)
        for part in answer.schedule
        for source, micros in _take(left, _by(left, part.day), part.micros)
    )


def _sources(answer: Atp) -> dict[_Source, int]:
    """Give what lies there, and what comes, in the order in which it comes."""
    coming = sorted((one.on, one.supply.supply_id, one.micros) for one in answer.inbound if one.on)
    found = {_Source("", None): max(0, answer.standing.nettable)}
    for on, supply_id, micros in coming:
        source = _Source(supply_id, on)
        found[source] = found.get(source, 0) + micros
    return found


def _by(left: dict[_Source, int], day: date) -> list[_Source]:
    return [one for one in left if one.on is None or one.on <= day]


def _serve(left: dict[_Source, int], day: date, micros: int) -> int:
    """Serve what others claim by a day from the last that is in time; give what is not served."""
    return micros - sum(taken for _, taken in _take(left, _by(left, day)[::-1], micros))


def _take(
    left: dict[_Source, int], sources: Sequence[_Source], micros: int
) -> list[tuple[_Source, int]]:
    found: list[tuple[_Source, int]] = []
    for one in sources:
        if taken := min(micros, left[one]):
            left[one] -= taken
            micros -= taken
            found.append((one, taken))
    return found
