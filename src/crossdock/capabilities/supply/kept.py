"""Promises by date that are kept, and what they claim of an item-location. Pure values.

Amounts are micros, millionths of the item's base unit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from crossdock.capabilities.supply import derivation
from crossdock.capabilities.supply.answer import Atp, Bucket, Claim, Question
from crossdock.capabilities.supply.rules import PlacedRule


class DatedLine(NamedTuple):
    """So much of a promise leaves on a day; `held` of it was reserved out of what lay there.

    When it was promised, `used` had left of its order line, and the order said `said` in all
    (less what it cancelled); None is that no order was known. `made` of a kit is put together:
    what it takes is promised in lines of its own, under the same number, for `part_ref`. Its order
    claims `cut` of what is made no more; of such a part `cut` is given back. Its goods have
    `life_days` left `transit_days` after they leave, None asks for none.
    """

    line_no: int
    item: str
    location: str
    demand_ref: str
    ship_date: date
    micros: int
    held: int = 0
    used: int = 0
    said: int | None = None
    made: int = 0
    life_days: int | None = None
    transit_days: int | None = None
    cut: int = 0

    @property
    def claimed(self) -> int:
        """Say how much is promised still; of a kit its order says it (`is_overruled`)."""
        return self.micros if self.made else self.micros - self.cut

    @property
    def to_make(self) -> int:
        return max(0, self.made - self.cut)


class Told(NamedTuple):
    """What is known of an order line: whether an order says it, how much in all, and where.

    `used` has left: picked, or consumed of its reservations, whichever is more; `open` is what
    its order still claims.
    """

    is_ordered: bool = False
    said: int = 0
    place: tuple[str, str] = ("", "")
    used: int = 0
    open: int = 0

    def is_elsewhere(self, item: str, location: str) -> bool:
        """Say whether its order counts it at another place."""
        return self.is_ordered and self.said > 0 and self.place != (item, location)


Held = tuple[str, str, str, int, int, bool, int, int, str, str]
"""Order line, item, location, hard, soft, whether its order counts it, used, said (`Told`), and
whose order it is: customer and channel."""


def told_of(held: Iterable[Held]) -> dict[str, Told]:
    """Put together what is known of each order line."""
    orders: dict[str, Told] = {}
    consumed: dict[str, int] = {}
    for ref, item, location, hard, _, is_order, used, said, *_ in held:
        if is_order or not item:
            orders[ref] = Told(is_order, said, (item, location), used, hard)
        else:
            consumed[ref] = consumed.get(ref, 0) + used
    for ref, used in consumed.items():
        one = orders.get(ref, Told())
        orders[ref] = one._replace(used=max(one.used, used))
    return orders


def part_ref(ref: str, item: str) -> str:
    """Name what is promised of an item for a kit of an order line."""
    return f"{ref}/{item}"


def own(lines: Iterable[DatedLine]) -> list[DatedLine]:
    """Leave out what is put together of a kit, which what it takes stands for, and what is cut."""
    return [
        line._replace(micros=line.micros - max(line.made, line.cut), made=0, cut=0)
        for line in lines
    ]


def lines_of(
    answer: Atp, number: int, ref: str, told: Mapping[str, Told]
) -> list[list[DatedLine]]:
    """Put an answer into the lines of a promise, item by item; of a kit all that it draws on."""
    known = told.get(ref, Told())
    rest = sum(draw.micros for draw in answer.draws if draw.item == answer.item)
    found: dict[str, list[DatedLine]] = {}
    for part in answer.schedule:
        there = min(rest, part.micros) if answer.draws else part.micros
        rest -= there
        line = DatedLine(number, answer.item, answer.location, ref, part.day, part.micros)
        said = known.said if known.is_ordered else None
        line = line._replace(used=known.used, said=said, made=part.micros - there)
        line = line._replace(life_days=answer.life_days, transit_days=answer.transit_days)
        found.setdefault(answer.item, []).append(line)
    for draw in answer.draws:
        if draw.item != answer.item:
            of = part_ref(ref, draw.item)
            line = DatedLine(number, draw.item, answer.location, of, draw.day, draw.micros)
            line = line._replace(used=told.get(of, Told()).used)
            found.setdefault(draw.item, []).append(line)
    return list(found.values())


def by_ref(lines: Iterable[DatedLine]) -> dict[str, list[DatedLine]]:
    """Sort lines by their order line."""
    found: dict[str, list[DatedLine]] = {}
    for line in lines:
        found.setdefault(line.demand_ref, []).append(line)
    return dict(sorted(found.items()))


class PromiseAsked(NamedTuple):
    """A request for a promise by date: all lines or none.

    A question's `by` is the day on which all of it must have left, None is as soon as it can.
    `refs` are the order lines it is for, "" is none. `replaces` names a promise that ends with it.
    Unless an order is known by then it lapses after `ttl_seconds`; None is never.
    """

    request_id: str
    questions: tuple[Question, ...]
    refs: tuple[str, ...]
    replaces: str = ""
    ttl_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseProof:
    """What a promise was derived from, each line at its turn; `rules` that were said then.

    `seen` of each line is kept as a text (`derivation.Seen`, JSON): it is read only by who asks
    whether the same comes out of it.
    """

    reasons: tuple[str, ...]
    answers: tuple[Atp, ...]
    rules: tuple[PlacedRule, ...]
    seen: str = "[]"

    @property
    def is_reproduced(self) -> bool:
        """Say whether the rules, run once more on what was seen, give the same answers."""
        return derivation.is_reproduced(self.answers, self.seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPromise:
    """A promise by date as it stands. Without `is_granted` it was refused, and claims nothing.

    It lapses at `expires_at` unless an order has become known; None is never.
    """

    promise_id: str
    client: str
    request_id: str
    made_at: datetime
    is_granted: bool
    released_at: datetime | None
    replaced_by: str
    lines: tuple[DatedLine, ...]
    proof: PromiseProof
    expires_at: datetime | None = None


class AtRisk(NamedTuple):
    """A line of an open promise of which `micros` are not covered on a day, and maybe behind."""

    promise_id: str
    line: DatedLine
    day: date
    micros: int


def left(lines: Sequence[DatedLine], told: Told) -> int:
    """Give what is still to leave of a promise, as far as the promise says (A26)."""
    promised = sum(line.micros for line in lines)
    return max(0, promised - max(0, told.used - lines[0].used))


def is_overruled(lines: Sequence[DatedLine], told: Told) -> bool:
    """Say whether its order has spoken since the promise was made: then that alone counts."""
    line = lines[0]
    return told.is_ordered and (
        told.said != line.said or told.is_elsewhere(line.item, line.location)
    )


def claims(lines: Sequence[DatedLine], held: Claim, told: Told) -> list[Claim]:
    """Give what a promise and its order line claim together, each unit once (A19, A26, I9).

    `held` is what the order line holds there already: as an order, or by reservations. An order
    that has spoken since counts alone, on the days of the promise; else the greater of both
    counts. What left, left first, and what is held is held of what leaves first. Goods keep as
    the stricter of both asks (I8).
    """
    made = sum(line.to_make for line in lines)
    lines = own(lines)
    if told.is_ordered:
        held = held._replace(hard=max(0, held.hard - made))
    rest = 0 if is_overruled(lines, told) else left(lines, told)
    if not told.is_ordered:
        found, _ = _latest(held, lines, max(0, rest - held.hard - held.soft))
        return [*_lying(held, lines, told), *found]
    found, rest = _latest(held, lines, max(held.hard, rest))
    return [*found, *_lying(held._replace(hard=rest), lines, told)]


def marked(claimed: Iterable[Claim], lines: Sequence[DatedLine], told: Told) -> list[Claim]:
    """Say of each claim how much of it the promise still says: what left, left first."""
    lines = own(lines)
    rest = 0 if is_overruled(lines, told) else left(lines, told)
    found: list[Claim] = []
    for one in claimed:
        promised = min(rest, one.hard) if one.on is not None else 0
        rest -= promised
        found.append(one._replace(promised=promised) if promised else one)
    return found


def dated(lines: Sequence[DatedLine], held: Claim, told: Told) -> list[Claim]:
    """Give what is to leave of a promise on its days, held or not: what is held may be lost."""
    if told.is_ordered:
        return [one for one in claims(lines, held, told) if one.on is not None]
    found, _ = _latest(held, own(lines), left(own(lines), told))
    return found


def is_held(lines: Sequence[DatedLine], told: Told) -> bool:
    """Say whether all that is to leave of a promise is reserved out of what lies there."""
    return sum(line.held for line in lines) >= left(own(lines), told)


def unheld(lines: Sequence[DatedLine], held: Claim, told: Told) -> tuple[date, int] | None:
    """Give what of a promise is to be held still, and when the first of it leaves; None is none.

    What an order claims is nobody else's already.
    """
    if told.is_ordered:
        return None
    rest = max(0, left(own(lines), told) - held.hard - held.soft)
    found, _ = _latest(held, own(lines), rest)
    days = [one.on for one in found if one.on is not None]
    return (min(days), rest) if days else None


def given_back(lines: Sequence[DatedLine], held: Claim, told: Told) -> int:
    """Say how much is held of a part beyond what its order claims of its kit."""
    if told.is_ordered or not any(line.cut and not line.made for line in lines):
        return 0
    return max(0, held.hard + held.soft - left(own(lines), told))


def is_over(lines: Sequence[DatedLine], told: Told) -> bool:
    """Say whether nothing of it is to leave any more: it left, or its order says otherwise."""
    if is_overruled(lines, told):
        return told.is_elsewhere(lines[0].item, lines[0].location) or not told.open
    return not left(lines, told) and not told.open


def risk(claimed: Sequence[Claim], buckets: Sequence[Bucket]) -> tuple[date, int] | None:
    """Say from which day, and by how much, what is to leave of a promise is not covered.

    It is not where the balance that counts it falls below zero on a day of its own (§3.3), nor,
    where it asks for goods that keep, where none that do serve it; where others claim the same
    goods, they are short of them too. None is that all of it is covered.
    """
    due = keeping = 0
    found: tuple[date, int] | None = None
    dated = [(one.on, one.hard, _asks_to_keep(one)) for one in claimed if one.on is not None]
    for on, micros, keeps in sorted(dated):
        due += micros
        keeping += micros if keeps else 0
        there = next((bucket for bucket in buckets if bucket.day >= on), None)
        if there is None:
            continue
        lacks = max(min(due, -there.pab), min(keeping, there.owed))
        if lacks > 0:
            day, most = found or (on, 0)
            found = day, max(most, lacks)
    return found


def spread(lines: Sequence[DatedLine], held: int) -> list[DatedLine]:
    """Say of what leaves first that it is held."""
    found: list[DatedLine] = []
    for line in sorted(lines, key=lambda line: line.ship_date):
        had = min(held, line.micros - max(line.made, line.cut))
        found.append(line._replace(held=had))
        held -= had
    return found


def _latest(held: Claim, lines: Sequence[DatedLine], rest: int) -> tuple[list[Claim], int]:
    """Date so much by what leaves last, and give what the lines do not cover."""
    found: list[Claim] = []
    for line in sorted(lines, key=lambda line: line.ship_date, reverse=True):
        if taken := min(rest, line.micros):
            part = held._replace(hard=taken, soft=0, on=line.ship_date, leaves=None)
            found.append(_keeping(part, line))
            rest -= taken
    return found, rest


def _lying(held: Claim, lines: Sequence[DatedLine], told: Told) -> list[Claim]:
    """Give what is held out of what lies there: with a life it keeps until each part leaves."""
    if not held.hard and not held.soft:
        return []
    ordered = sorted(lines, key=lambda line: line.ship_date)
    if not _asks_to_keep(_keeping(held, ordered[0])):
        return [held]
    gone = sum(line.micros for line in lines) - left(lines, told)
    found: list[Claim] = []
    for line in ordered:
        rest = max(0, line.micros - gone)
        gone -= line.micros - rest
        last = line is ordered[-1]
        hard = held.hard if last else min(held.hard, rest)
        soft = held.soft if last else min(held.soft, rest - hard)
        held = held._replace(hard=held.hard - hard, soft=held.soft - soft)
        if hard or soft:
            part = held._replace(hard=hard, soft=soft, leaves=line.ship_date)
            found.append(_keeping(part, line))
    return found


def _asks_to_keep(claim: Claim) -> bool:
    """Say whether its goods have to keep; transit alone asks that they are good on delivery."""
    return claim.life_days is not None or bool(claim.transit_days)


def _keeping(claim: Claim, line: DatedLine) -> Claim:
    said = [days for days in (claim.life_days, line.life_days) if days is not None]
    transit = max(claim.transit_days, line.transit_days or 0)
    return claim._replace(life_days=max(said, default=None), transit_days=transit)
