"""Who gets what of stock that is asked for: exact first-fit, in the order asked (§3.4, §3.6).

Pure functions on frozen values; amounts are micros.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import kits
from crossdock.capabilities.inventory.drawing import Drawn, Draws
from crossdock.capabilities.inventory.kits import Part, Recipe
from crossdock.capabilities.inventory.room import (
    NOTHING_DRAWN,
    UNGUARDED,
    UNLIMITED,
    Ask,
    Counter,
    Free,
    Given,
    Guards,
    Limit,
    Room,
)

__all__ = [
    "NOTHING_DRAWN",
    "UNGUARDED",
    "UNLIMITED",
    "Ask",
    "Counter",
    "Free",
    "Given",
    "Guards",
    "Limit",
    "Room",
    "decided",
    "free_for",
    "free_now",
    "grants",
    "in_buildings",
]


def free_for(
    counter_id: int,
    counters: Mapping[int, Counter],
    own: int | None = None,
    channel: str = "",
    had: int = 0,
    *,
    is_unlimited: bool = False,
) -> Free:
    """Say what one counter can promise to a channel, its group's holds left covered.

    To an order line of which `own` is open and counted in `hard`, up to that (A25), beside `had`
    of it, which the channel has had. Of what no stock limits there is no end.
    """
    room = Room(counters)
    if is_unlimited:
        found = room.unlimited(counter_id, channel, had)
        return found if own is None else replace(found, micros=min(own, found.micros))
    if own is None:
        return room.free(counter_id, channel)
    found = room.left_for(counter_id, own, channel, had)
    return replace(found, micros=min(own, found.micros))


def free_now(counter_id: int, counters: Mapping[int, Counter], own: int | None = None) -> int:
    """Say what one counter can promise to a channel of which nothing is said."""
    return free_for(counter_id, counters, own).micros


def grants(asks: Sequence[Ask], counters: Mapping[int, Counter]) -> list[tuple[int, ...]]:
    """Decide each request in turn: how much each of its lines gets."""
    return [tuple(got.micros for got in given) for given in decided(asks, counters)]


def decided(
    asks: Sequence[Ask], counters: Mapping[int, Counter], drawn: Drawn = NOTHING_DRAWN
) -> list[tuple[Given, ...]]:
    """Decide each request in turn: how much each of its lines gets, and what cut it beside stock.

    All or nothing, unless the request allows part. Lines on one counter share it, so the same
    item twice in one request is summed before it is checked. `drawn` is what promises draw of
    the claims of orders before.
    """
    room = Room(counters, draws=Draws(drawn))
    all_given: list[tuple[Given, ...]] = []
    for ask in asks:
        before = dict(room.taken), dict(room.by_channel), room.draws.copy()
        given = tuple(_given(room, ask, number) for number in range(len(ask.lines)))
        each = zip(given, ask.lines, strict=True)
        is_whole = all(got.micros + got.made == asked for got, (_, asked) in each)
        if not is_whole and not ask.allow_partial:
            room.taken, room.by_channel, room.draws = before
            given = tuple(Given(0, got.limit, own=got.own) for got in given)
        all_given.append(given)
    return all_given


def _given(room: Room, ask: Ask, number: int) -> Given:
    if number in ask.unlimited:
        return _given_unlimited(room, ask, number)
    if recipe := ask.recipes.get(number):
        return _given_kits(room, ask, number, recipe)
    counter_id, asked = ask.lines[number]
    own, channel = room.own(ask, number), ask.channel_of(number)
    if own is not None:
        # The order's demand is in `hard`: what it may have is what stock leaves for it, and
        # giving it that takes nothing more from anybody.
        had = ask.had_of(number)
        free = room.left_for(counter_id, own, channel, had)
        wanted = min(asked, own)
        got = ask.whole(number, min(wanted, free.micros))
        more = max(0, got - had)
        room.note(counter_id, more, channel, more)
        room.draw(ask, number, got)
        return Given(got, free.limit(wanted), own=own)
    free = room.free(counter_id, channel)
    got = ask.whole(number, min(asked, free.micros))
    room.take(counter_id, got, channel)
    return Given(got, free.limit(asked))


def _given_unlimited(room: Room, ask: Ask, number: int) -> Given:
    """Give what no stock limits: it takes nothing from anybody, and counts for its channel."""
    (counter_id, asked), channel = ask.lines[number], ask.channel_of(number)
    own, had = ask.own[number] if ask.own else None, ask.had_of(number)
    wanted = asked if own is None else min(asked, own)
    free = room.unlimited(counter_id, channel, had)
    got = ask.whole(number, min(wanted, free.micros))
    more = max(0, got - had)
    room.note(counter_id, more, channel, 0 if own is None else more)
    return Given(got, free.limit(wanted))


def _given_kits(room: Room, ask: Ask, number: int, recipe: Recipe) -> Given:
    """Give those that lie assembled first, and of the rest all parts, or whole kits fewer."""
    (counter_id, asked), channel = ask.lines[number], ask.channel_of(number)
    own, had = room.own(ask, number), ask.had_of(number)
    if own is None:
        free = room.free(counter_id, channel)
    else:
        free = room.left_for(counter_id, own, channel, had)
        free = replace(free, micros=min(own, free.micros))
        # A line of which promises hold kits in parts already has only the rest to be made.
        rest = max(0, (ask.own[number] or 0) - room.draws.made(ask.ref_of(number)))
        asked = min(asked, max(free.micros, rest))
    has = {part.counter: _of_part(room, part, channel) for part in recipe.parts}

    def drawn(wanted: int) -> dict[str, int] | None:
        lacking = kits.whole(max(0, wanted - free.micros))
        if lacking and recipe.buildings and lacking > in_buildings(room, recipe):
            return None
        return recipe.drawn(lacking, lambda part: has[part.counter].micros)

    wanted = asked
    taken = drawn(wanted)
    if taken is None:
        wanted = kits.most(asked, lambda some: drawn(some) is not None)
        taken = drawn(wanted) or {}
    if (packed := ask.whole_kits(number, wanted)) < wanted:
        wanted = packed
        taken = drawn(wanted) or {}
    got = min(wanted, free.micros)
    _take(room, counter_id, got, channel, own=own, had=had)
    if own is not None:
        room.draw(ask, number, got, wanted - got)
    parts = tuple(
        (_taken_part(room, part, taken[part.item], channel), taken[part.item])
        for part in recipe.parts
        if taken.get(part.item)
    )
    limits = [free.limit(asked), *(one.limit(one.pool) for one in has.values())]
    limit = next((one for one in limits if one), Limit.NONE) if wanted < asked else Limit.NONE
    return Given(got, limit, wanted - got, parts, own)


def _of_part(room: Room, part: Part, channel: str) -> Free:
    """Say what there is of a part: of its order's own claim, or beside it if that is more."""
    free = room.free(part.counter, channel)
    mine = _claimed_part(room, part, channel)
    return mine if mine is not None and mine.micros > free.micros else free


def _claimed_part(room: Room, part: Part, channel: str) -> Free | None:
    """Say what there is of what the kit's order claims of a part itself, and nothing draws yet."""
    if part.own is None or part.pool is None:
        return None
    own = min(part.own, room.draws.left(part.pool))
    found = room.left_for(part.counter, own, channel, 0)
    return replace(found, micros=min(own, found.micros))


def _taken_part(room: Room, part: Part, micros: int, channel: str) -> Part:
    """Take a part: all of it of its order's own claim if that is enough, else all beside it."""
    mine = _claimed_part(room, part, channel)
    if mine is None or part.pool is None or part.own is None or micros > mine.micros:
        _take(room, part.counter, micros, channel, own=None)
        return part._replace(own=None)
    own = min(part.own, room.draws.left(part.pool))
    _take(room, part.counter, micros, channel, own=own)
    room.draws.draw(part.pool, micros)
    return part._replace(own=own)


def _take(
    room: Room, counter_id: int, micros: int, channel: str, *, own: int | None, had: int = 0
) -> None:
    """Take so much; what an order claims already takes nothing more from anybody."""
    if own is None:
        room.take(counter_id, micros, channel)
    else:
        more = max(0, micros - had)
        room.note(counter_id, more, channel, more)


def _looked_up(has: Mapping[int, int], part: Part) -> int:
    return has[part.counter]


def in_buildings(room: Room, recipe: Recipe) -> int:
    """Say how many kits a group's members can put together, each of what lies there itself.

    Less as many as the group's promises may need: which building has those is not chosen yet.
    """
    needs = recipe.needs()
    there = owed = 0
    for at in recipe.buildings:
        has = {part.counter: room.there_is(at[part.item]) for part in recipe.parts}
        there += recipe.most(kits.ENOUGH, partial(_looked_up, has))
    for part in recipe.parts:
        owed = max(owed, -(-room.promised(part.counter) // needs[part.item]) * MICROS)
    return there - owed
