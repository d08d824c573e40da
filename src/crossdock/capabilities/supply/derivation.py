"""What an answer by date was derived from, kept so that it can be derived once more (D8). Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from crossdock.canonical.units import step_micros
from crossdock.capabilities.supply.answer import Atp, Claim, Kin, Node, Question, Weight
from crossdock.capabilities.supply.horizon import Horizon, horizon
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.vendor import advised


class Seen(NamedTuple):
    """All that an answer is made of: figures, claims, supply with its fill, lots, terms, sources.

    `local` is the moment by the clock of the location; `weight` is told with the answer.
    """

    question: Question
    kin: Kin
    local: datetime
    weight: Weight | None = None


_SEEN = msgspec.json.Decoder(tuple[Seen, ...])


def answer_of(seen: Seen, ahead: Horizon, now: datetime) -> Atp:
    """Answer a question from what was seen, over buckets that are laid out already."""
    question = seen.question
    if question.is_dropship:
        return advised(question, seen.kin.own, ahead, now, step_micros(question.unit))
    answer = answered(question, seen.kin, ahead, now)
    return answer if seen.weight is None else replace(answer, weight=seen.weight)


def derived(seen: Seen, now: datetime) -> Atp:
    """Answer it as of that moment, from what was seen then and nothing else."""
    return answer_of(seen, horizon(seen.kin.own.terms, seen.local), now)


def is_reproduced(answers: Sequence[Atp], seen: str) -> bool:
    """Say whether what was seen gives the same answers once more, byte for byte."""
    kept = _SEEN.decode(seen)
    pairs = zip(kept, answers, strict=False)
    again = [derived(one, answer.as_of) for one, answer in pairs]
    is_whole = len(kept) == len(answers)
    return is_whole and msgspec.json.encode(again) == msgspec.json.encode(answers)


def kept_of(seen: Seen) -> Seen:
    """Leave out whose the claims are wherever it changes nothing, so that they are few."""
    question, kin = seen.question, seen.kin
    parts = [one._replace(kin=_bare(one.kin, question)) for one in kin.components]
    return seen._replace(kin=_bare(kin, question)._replace(components=parts))


def _bare(kin: Kin, question: Question) -> Kin:
    return kin._replace(
        own=_summed(kin.own, question),
        group=None if kin.group is None else _summed(kin.group, question),
        members=[_summed(one, question) for one in kin.members],
    )


def _summed(node: Node, question: Question) -> Node:
    """Sum the claims of a day that nothing tells apart: no peg, no life, no word of who asks."""
    named = {ref for ref, _ in question.keeping} | question.own | {""}
    named |= {ref for supply in node.supplies for ref, _ in supply.pegs}
    return node._replace(claims=tuple(_by_day(node.claims, named)))


def _by_day(claims: Iterable[Claim], named: set[str]) -> list[Claim]:
    apart: list[Claim] = []
    summed: dict[tuple[date | None, date | None], Claim] = {}
    for one in claims:
        if one.demand_ref in named or one.life_days is not None or one.transit_days:
            apart.append(one)
            continue
        day = (one.on, one.leaves)
        had = summed.get(day, Claim("", 0, 0, one.on, leaves=one.leaves))
        summed[day] = had._replace(hard=had.hard + one.hard, soft=had.soft + one.soft)
    return [*apart, *summed.values()]
