"""What nodes will have for the lines of an order, and what of it keeps long enough: one question.

Supply answers it by date (§3.3); sourcing weighs it. Neither knows of the other.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol

from crossdock.canonical.calendars import Calendar
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.sourcing import (
    DROPSHIP,
    Asked,
    Candidate,
    Keeps,
    KitAt,
    Line,
    Stock,
    SubstituteLine,
    days_on_the_way,
)
from crossdock.capabilities.supply import QUESTIONS_MAX, Atp, AtpMode, Bucket, Option, Question
from crossdock.foundation.scope import Scope

Place = tuple[str, str]


class KnowsCalendars(Protocol):
    """Whoever knows when places work."""

    async def calendars(self, scope: Scope, locations: Sequence[str]) -> Mapping[str, Calendar]:
        """Give the calendar of each of these places."""
        ...


class AnswersByDate(Protocol):
    """Whoever tells what can leave by when; supply, usually."""

    async def promise_dates(self, scope: Scope, questions: Sequence[Question]) -> Sequence[Atp]:
        """Answer questions, all of one moment, in their order."""
        ...

    async def substitutes(
        self, scope: Scope, items: Sequence[str], *, customer: str, channel: str
    ) -> Mapping[str, Sequence[Option]]:
        """Give what may stand in for each of these items for somebody, the first first."""
        ...

    @property
    def calendars(self) -> KnowsCalendars: ...


def is_asked(node: Candidate, asked: Asked) -> bool:
    """Say whether it matters what a node will have: it may serve the order with goods of ours."""
    can = set(node.capabilities)
    may = node.is_active and node.serves_customer and node.has_lane and node.ships_on is not None
    return bool(may and can - {DROPSHIP} and set(asked.order.needs) <= can)


async def by_date(
    answers_of: Callable[[Sequence[Question]], Awaitable[Sequence[Atp]]],
    asked: Asked,
    nodes: Sequence[Candidate],
    stocks: Mapping[str, Stock],
    demand: Mapping[int, tuple[Place, int]],
) -> dict[str, Stock]:
    """Ask one bulk question for all nodes and lines; give their stocks with what is to come.

    Lines that would be answered alike are asked once. A line's own order does not stand in its
    own way (A25), and gets of supply what it still has open, no more. Lines that may stand in are
    asked for the days on which they may leave. Goods that are to keep for some days are asked for
    once more where those that leave later may be longer on the way: what is to come keeps for the
    longest way, so that none is too old at delivery (I8).
    """
    may_leave = {one.line_no: one for one in asked.substitutes}
    wanted: dict[Question, int] = {}
    whose: list[tuple[Candidate, Line, int]] = []
    for node in nodes:
        for line in asked.all_lines:
            if not line.is_dropship:
                question = _question(asked, node, line, demand)
                whose.append((node, line, wanted.setdefault(question, len(wanted))))
    _check_count(len(wanted))
    answers = await answers_of(list(wanted)) if wanted else []
    later = await _later(answers_of, list(wanted), answers, whose)
    found: dict[str, Stock] = {}
    for node, line, number in whose:
        stock = found.get(node.node, stocks[node.node])
        is_own = demand.get(line.line_no, (("", ""), 0))[0] == (line.item, node.node)
        most = demand[line.line_no][1] if is_own else None
        stands_in = may_leave.get(line.line_no)
        both = answers[number], later.get((number, node.days_at_most), answers[number])
        found[node.node] = _with(stock, line, both, node, (most, stands_in))
    return found


async def _later(
    answers_of: Callable[[Sequence[Question]], Awaitable[Sequence[Atp]]],
    asked: Sequence[Question],
    answers: Sequence[Atp],
    whose: Sequence[tuple[Candidate, Line, int]],
) -> dict[tuple[int, int], Atp]:
    """Ask again what keeps for the longest way, by number of question and its days."""
    wanted = sorted(
        {
            (number, node.days_at_most)
            for node, _, number in whose
            if answers[number].life_days is not None
            and node.days_at_most > (asked[number].transit_days or 0)
        }
    )
    questions = [asked[number]._replace(transit_days=days) for number, days in wanted]
    told = await answers_of(questions) if questions else []
    return dict(zip(wanted, told, strict=True))


async def advised(
    answers_of: Callable[[Sequence[Question]], Awaitable[Sequence[Atp]]],
    asked: Asked,
    nodes: Sequence[Candidate],
    stocks: Mapping[str, Stock],
) -> dict[str, Stock]:
    """Ask what suppliers say that they have of drop-shipped lines; give their stocks with it.

    Who never said anything of a line's item has nothing said of it, which is not zero. No order
    is refused for what is advice: where it is more than can be asked, nobody is asked.
    """
    wanted: dict[Question, int] = {}
    whose: list[tuple[Candidate, Line, int]] = []
    for node in nodes:
        may = node.is_active and node.has_lane and node.serves_customer
        for line in asked.order.lines if may and DROPSHIP in node.capabilities else ():
            if line.is_dropship:
                unit = asked.units[line.item]
                question = Question(line.item, node.node, unit, is_dropship=True)
                whose.append((node, line, wanted.setdefault(question, len(wanted))))
    if not wanted or len(wanted) > QUESTIONS_MAX:
        return {}
    answers = await answers_of(list(wanted))
    found: dict[str, Stock] = {}
    for node, line, number in whose:
        answer = answers[number]
        if any(one.on is not None for one in answer.inbound):  # else too old to go by, or silent
            stock = found.get(node.node, stocks[node.node])
            steps = [(bucket.day, bucket.atp) for bucket in answer.buckets]
            found[node.node] = replace(stock, advised={**stock.advised, line.line_no: steps})
    return found


def _check_count(questions: int) -> None:
    if questions > QUESTIONS_MAX:
        raise Invalid(
            f"lines and nodes are {questions} questions by date, more than {QUESTIONS_MAX}",
            where="/lines",
            hint="ask with fewer lines",
        )


def _question(
    asked: Asked, node: Candidate, line: Line, demand: Mapping[int, tuple[Place, int]]
) -> Question:
    place, _ = demand.get(line.line_no, (("", ""), 0))
    is_own = place == (line.item, node.node)
    return Question(
        line.item,
        node.node,
        asked.units[line.item],
        own=frozenset({asked.demand_refs[line.line_no]} if is_own else ()),
        life_days=line.life_days,
        transit_days=days_on_the_way(node),
        customer=asked.order.customer,
        channel=asked.channel,
    )


def _with(
    stock: Stock,
    line: Line,
    answers: tuple[Atp, Atp],
    node: Candidate,
    bounds: tuple[int | None, SubstituteLine | None],
) -> Stock:
    """Add to a stock what a line can have by date, and what keeps long enough for it.

    `answers` are for what leaves today, and for what leaves later. `bounds` are what the line's
    own order has open there (None: the line is no order's there), and the line that it stands in
    by, which leaves on some days alone.
    """
    (answer, later), stands_in = answers, bounds[1]
    if answer.is_unlimited and stands_in is None:
        return _unlimited(stock, line, answer.now)
    if answer.mode is AtpMode.LEAD_TIME:
        stock = replace(stock, by_lead_time=stock.by_lead_time | {line.item})
    has = stock.has(line)
    if stands_in and not stands_in.may_leave(node.ships_on):
        has = 0
    keeps = stock.keeps
    if answer.life_days is not None:
        now = _now(answer.buckets, answer, node)
        keeps = {**keeps, line.line_no: Keeps(days=answer.life_days, micros=min(has, now))}
        has = min(has, now)
    steps = list(_steps(later, has, bounds))
    supply = {**stock.supply, line.line_no: steps} if steps else stock.supply
    stock = replace(stock, keeps=keeps, supply=supply)
    kit = stock.kits.get(line.line_no)
    return stock if kit is None else _with_parts(stock, line, answers, node, kit)


def _with_parts(
    stock: Stock, line: Line, answers: tuple[Atp, Atp], node: Candidate, kit: KitAt
) -> Stock:
    """Add what there will be of what goes into a kit; what does not keep is not there for it."""
    answer, later = answers
    if answer.life_days is not None:
        keeps = {part.item: _now(part.buckets, answer, node) for part in answer.parts}
        kit = replace(kit, keeps=keeps)
    return replace(
        stock,
        kits={**stock.kits, line.line_no: kit},
        coming={**stock.coming, line.line_no: _of_parts(kit.keeping(), later)},
    )


def _of_parts(kit: KitAt, answer: Atp) -> dict[str, list[tuple[date, int]]]:
    """Tell by when there is more of what goes into a kit than lies there."""
    found: dict[str, list[tuple[date, int]]] = {}
    for part in answer.parts:
        has = kit.has.get(part.item)
        if has is not None and (steps := list(_rising(part.buckets, max(0, has)))):
            found[part.item] = steps
    return found


def _rising(buckets: Sequence[Bucket], has: int) -> Iterator[tuple[date, int]]:
    for bucket in buckets:
        if bucket.atp > has:
            yield bucket.day, bucket.atp
            has = bucket.atp


def _unlimited(stock: Stock, line: Line, micros: int) -> Stock:
    """Say that no stock limits a line's item: it needs none, and waits for nothing."""
    if line.item in stock.unlimited:
        return stock
    own = {**stock.own, line.line_no: micros} if line.line_no in stock.own else stock.own
    return replace(
        stock,
        own=own,
        available={**stock.available, line.item: micros},
        kits={number: kit for number, kit in stock.kits.items() if kit.item != line.item},
        unlimited=stock.unlimited | {line.item},
    )


def _now(buckets: Sequence[Bucket], answer: Atp, node: Candidate) -> int:
    return max((one.atp for one in buckets if _is_now(one.day, answer, node)), default=0)


def _is_now(day: date, answer: Atp, node: Candidate) -> bool:
    first = answer.buckets[0].day
    return day == first or (node.ships_on is not None and day == node.ships_on)


def _steps(
    answer: Atp, has: int, bounds: tuple[int | None, SubstituteLine | None]
) -> Iterator[tuple[date, int]]:
    """Give the days on which there is more than before, from more than lies there on."""
    most, stands_in = bounds
    for day, atp in _leaving(answer, stands_in).items():
        micros = atp if most is None else min(atp, most)
        if micros > has:
            yield day, micros
            has = micros


def _leaving(answer: Atp, stands_in: SubstituteLine | None) -> dict[date, int]:
    """Tell what can leave by which day; what may not leave before a day leaves from then on."""
    if stands_in is None:
        return {bucket.day: bucket.atp for bucket in answer.buckets}
    first = stands_in.not_before or date.min
    by_day = {max(bucket.day, first): bucket.atp for bucket in answer.buckets}
    return {day: atp for day, atp in by_day.items() if stands_in.may_leave(day)}
