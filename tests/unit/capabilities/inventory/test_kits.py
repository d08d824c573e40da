"""Kits in promises: what is taken of what lies there, beside a way that takes unit by unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import ReservationStatus
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Figures, PromisedLine, kits
from crossdock.capabilities.inventory.drawing import Pool
from crossdock.capabilities.inventory.granting import Ask, Counter, Given, Limit, decided
from crossdock.capabilities.inventory.kits import Part, Picked, Recipe
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.supply import explosion

Recipes = dict[int, dict[int, int]]
"""What goes into one of each kit: item and pieces; a part's number is above its kit's."""


def recipe(item: int, recipes: Recipes) -> Recipe:
    """Explode a kit; items are their own counters."""
    told = {
        str(kit): [(str(part), per * MICROS, "EA") for part, per in parts.items()]
        for kit, parts in recipes.items()
    }
    parts = explosion.exploded(str(item), told)
    return Recipe(str(item), tuple(Part(one.item, int(one.item), one.into) for one in parts))


def counters(stock: Mapping[int, int]) -> dict[int, Counter]:
    return {item: Counter(Figures(nettable=pieces * MICROS)) for item, pieces in stock.items()}


def ask(recipes: Recipes, lines: Sequence[tuple[int, int]], *, partly: bool = False) -> Ask:
    return Ask(
        tuple((item, pieces * MICROS) for item, pieces in lines),
        allow_partial=partly,
        recipes={
            number: recipe(item, recipes)
            for number, (item, _) in enumerate(lines)
            if recipes.get(item)
        },
    )


def pieces(given_out: Sequence[Given]) -> list[int]:
    return [(one.micros + one.made) // MICROS for one in given_out]


def test_a11_28_kits_are_granted_and_29_are_not() -> None:
    recipes = {0: {1: 2, 2: 1, 3: 4}}
    there = counters({0: 3, 1: 50, 2: 33, 3: 100})
    [[refused], [one]] = decided([ask(recipes, [(0, 29)]), ask(recipes, [(0, 28)])], there)
    assert refused == Given(0)
    assert (one.micros, one.made) == (3 * MICROS, 25 * MICROS)
    assert [(part.counter, micros // MICROS) for part, micros in one.parts] == [
        (1, 50), (2, 25), (3, 100),
    ]  # fmt: skip


def test_a30_two_p_leave_three_x_and_one_q() -> None:
    recipes = {0: {2: 1}, 1: {2: 2}}
    asks = [ask(recipes, [(0, 2)]), ask(recipes, [(1, 5)], partly=True)]
    assert [pieces(one) for one in decided(asks, counters({0: 0, 1: 0, 2: 5}))] == [[2], [1]]


@dataclass
class Shelf:
    """What lies there, taken unit by unit: of a kit first those assembled, then its parts."""

    recipes: Recipes
    stock: dict[int, int]

    def takes(self, item: int) -> bool:
        if self.stock[item]:
            self.stock[item] -= 1
            return True
        parts = self.recipes.get(item)
        return bool(parts) and all(
            self.takes(part) for part, per in (parts or {}).items() for _ in range(per)
        )

    def grants(self, lines: Sequence[tuple[int, int]], *, partly: bool) -> list[int]:
        before, got = dict(self.stock), list[int]()
        for item, asked in lines:
            count = 0
            for _ in range(asked):
                left = dict(self.stock)
                if not self.takes(item):
                    self.stock = left
                    break
                count += 1
            got.append(count)
        if got != [asked for _, asked in lines] and not partly:
            self.stock, got = before, [0] * len(lines)
        return got


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Recipes, dict[int, int]]:
    items = draw(st.integers(2, 6))
    recipes = {
        kit: draw(st.dictionaries(st.integers(kit + 1, items - 1), st.integers(1, 3), max_size=3))
        for kit in range(items - 1)
    }
    stock = {item: draw(st.integers(0, 12)) for item in range(items)}
    return {kit: parts for kit, parts in recipes.items() if parts}, stock


@given(worlds(), st.data())
def test_grants_are_what_taking_unit_by_unit_gives_and_no_part_is_oversold(
    world: tuple[Recipes, dict[int, int]], data: st.DataObject
) -> None:
    recipes, stock = world
    line = st.tuples(st.sampled_from(sorted(stock)), st.integers(1, 6))
    asked = data.draw(st.lists(st.tuples(st.lists(line, min_size=1, max_size=3), st.booleans())))
    asks = [ask(recipes, lines, partly=partly) for lines, partly in asked]
    shelf = Shelf(recipes, dict(stock))
    made = decided(asks, counters(stock))
    taken = dict.fromkeys(stock, 0)
    for (lines, partly), got in zip(asked, made, strict=True):
        assert pieces(got) == shelf.grants(lines, partly=partly)
        for (item, _), one in zip(lines, got, strict=True):
            taken[item] += one.micros
            for part, micros in one.parts:
                taken[part.counter] += micros
    assert all(taken[item] == (stock[item] - shelf.stock[item]) * MICROS for item in stock)


def test_half_a_kit_takes_the_parts_of_a_whole_one() -> None:
    half = Ask(((0, MICROS // 2),), recipes={0: recipe(0, {0: {1: 2}})})
    [[one]] = decided([half], counters({0: 0, 1: 2}))
    assert (one.micros, one.made, one.parts[0][1]) == (0, MICROS // 2, 2 * MICROS)


def test_what_an_order_claims_of_a_kit_and_of_its_parts_is_its_own() -> None:
    pool = Pool(("shop", "o1"), 1, 2 * MICROS)
    parts = (Part("1", 1, (("0", MICROS),), 2 * MICROS, pool),)
    one = Ask(
        ((0, 5 * MICROS),), own=(2 * MICROS,), allow_partial=True, recipes={0: Recipe("0", parts)}
    )
    claimed = {
        0: Counter(Figures(nettable=0, hard=2 * MICROS)),
        1: Counter(Figures(nettable=2 * MICROS, hard=2 * MICROS)),
    }
    [[got], [more]] = decided([one, Ask(((1, MICROS),))], claimed)
    assert (got.micros, got.made, more.micros) == (0, 2 * MICROS, 0)


def test_what_is_kept_of_a_part_for_another_channel_is_no_kits() -> None:
    kept = {
        0: Counter(Figures()),
        1: Counter(Figures(nettable=5 * MICROS), guards={"web": Claim(least=4 * MICROS)}),
    }
    one = ask({0: {1: 1}}, [(0, 3)], partly=True)
    [[got]] = decided([one], kept)
    assert (got.made, got.limit) == (MICROS, Limit.MINIMUM)


def test_at_a_group_kits_are_put_together_in_one_building_each() -> None:
    of_group = recipe(0, {0: {1: 1, 2: 1}})
    at_group = Recipe("0", of_group.parts, ({"1": 11, "2": 21}, {"1": 12, "2": 22}))

    def there(first: int, second: int, third: int, fourth: int) -> dict[int, Counter]:
        return {
            0: Counter(Figures(), members=(10,)),
            10: Counter(Figures(), group=0),
            1: Counter(Figures(), members=(11, 12)),
            2: Counter(Figures(), members=(21, 22)),
            11: Counter(Figures(nettable=first * MICROS), group=1),
            21: Counter(Figures(nettable=second * MICROS), group=2),
            12: Counter(Figures(nettable=third * MICROS), group=1),
            22: Counter(Figures(nettable=fourth * MICROS), group=2),
        }

    def grants(counted: dict[int, Counter], *asked: int) -> list[int]:
        asks = [Ask(((0, some * MICROS),), recipes={0: at_group}) for some in asked]
        return [pieces(one)[0] for one in decided(asks, counted)]

    assert grants(there(2, 1, 1, 2), 3, 2, 1) == [0, 2, 0]
    assert grants(there(2, 0, 0, 2), 1) == [0]
    assert grants(there(1, 1, 1, 0), 1, 1) == [1, 0]


def line(granted: int, made: int = 0, *, picked: int = 0) -> PromisedLine:
    return PromisedLine(
        1, "K", "DC1", ReservationStatus.ACTIVE, True, (granted + made) * MICROS,
        granted * MICROS, made=made * MICROS, picked=picked,
    )  # fmt: skip


def part(item: str, per: int, made: int) -> PromisedLine:
    return line(per * made)._replace(item=item, made=made * MICROS, into_line=1)


@given(
    st.integers(0, 4), st.integers(1, 4), st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.lists(st.integers(0, 8)),
)  # fmt: skip
def test_kits_that_are_told_to_have_left_take_their_parts_along(
    assembled: int, made: int, per: list[int], told: list[int]
) -> None:
    kit = line(assembled, made)
    parts = [part(f"P{number}", each, made) for number, each in enumerate(per)]
    most = 0
    for count in told:
        if count > assembled + made:
            with pytest.raises(Rejected):
                kits.consumed(kit, parts, count * MICROS)
            continue
        kit, parts = kits.consumed(kit, parts, count * MICROS)
        most = max(most, count)
        shown = kits.shown(kit, parts)
        assert (shown.granted, shown.used) == ((assembled + made) * MICROS, most * MICROS)
        assert [one.used // MICROS for one in parts] == [
            each * max(0, most - assembled) for each in per
        ]
        is_over = most == assembled + made
        assert (shown.status is ReservationStatus.CONSUMED) == is_over
        assert (kit.status is ReservationStatus.CONSUMED) == is_over


@given(st.integers(0, 3), st.integers(1, 3), st.data())
def test_kits_that_are_put_together_are_held_as_kits_and_those_that_left_as_parts_are_gone(
    assembled: int, made: int, data: st.DataObject
) -> None:
    done = data.draw(st.integers(0, made))
    as_parts = data.draw(st.integers(0, made - done))
    whole = data.draw(st.integers(0, assembled + done))
    kit = line(assembled, made, picked=whole * MICROS)
    parts = [
        part(item, per, made)._replace(picked=per * (done + as_parts) * MICROS)
        for item, per in (("A", 2), ("B", 1))
    ]
    put = [Picked(one, per * done * MICROS) for one, per in zip(parts, (2, 1), strict=True)]
    kit, parts = kits.settled(kit, put)
    shown = kits.shown(kit, parts)
    assert kit.remaining == (assembled + done - whole) * MICROS
    assert parts[0].remaining == 2 * (made - done - as_parts) * MICROS
    assert shown.remaining == (assembled + made - whole - as_parts) * MICROS
    # Told again it changes nothing.
    again = [Picked(one, each.assembled) for one, each in zip(parts, put, strict=True)]
    assert kits.settled(kit, again) == (kit, parts)


def test_a_kit_that_is_over_or_of_which_no_part_is_held_stays_as_it_is() -> None:
    over = line(0, 2)._replace(status=ReservationStatus.RELEASED)
    held = part("A", 1, 2)
    assert kits.settled(over, [Picked(held)]) == (over, [held])
    assert kits.settled(line(2), []) == (line(2), [])
    assert kits.shown(line(2), []) == line(2)
    assert kits.shown(over, [held]).granted == 2 * MICROS


def test_a_part_is_named_for_its_order_line_if_there_is_one() -> None:
    assert (kits.part_ref("o1/1", "X"), kits.part_ref("", "X")) == ("o1/1/X", "")


@given(
    st.integers(0, 3), st.integers(1, 4), st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 4),
)  # fmt: skip
def test_parts_are_held_for_as_many_kits_as_are_kept_whatever_was_kept_before(
    assembled: int, made: int, per: list[int], asked: list[int], gone: int
) -> None:
    gone = min(gone, made)
    kit = line(assembled, made)
    parts = [
        part(f"P{number}", each, made)._replace(picked=each * gone * MICROS)
        for number, each in enumerate(per)
    ]
    for some in asked:
        kit, parts = kits.keeping(kit, parts, some * MICROS)
        now = max(gone, min(some, made))
        assert (kit.granted, kit.made) == (assembled * MICROS, now * MICROS)
        assert kits.kept(parts) == now * MICROS
        assert [one.granted for one in parts] == [each * now * MICROS for each in per]
        assert [one.used for one in parts] == [each * gone * MICROS for each in per]
        assert all(one.used <= one.granted <= one.requested for one in parts)
    assert kits.keeping(kit, parts, asked[-1] * MICROS) == (kit, parts)


@given(st.integers(1, 5), st.integers(1, 10**7), st.integers(0, 5))
def test_a_share_of_parts_that_no_kit_divides_is_never_less_than_its_kits_need(
    made: int, micros: int, some: int
) -> None:
    one = part("X", 1, made)._replace(requested=micros, granted=micros)
    found = kits.share(one, some * MICROS)
    assert micros * min(some, made) <= found * made
    assert kits.share(one, made * MICROS) == micros
    if micros % MICROS == 0:
        assert found % MICROS == 0


def test_a_kit_of_which_nothing_is_claimed_is_not_over() -> None:
    kit, parts = kits.keeping(line(0, 2), [part("X", 1, 2)], 0)
    assert kits.ended(kit, parts).status is ReservationStatus.ACTIVE
    assert parts[0].status is ReservationStatus.ACTIVE


def test_kits_are_put_together_as_far_as_fewer_are_to_be_made_than_parts_were_held_for() -> None:
    parts = [part("A", 2, 3), part("B", 1, 3)]
    assert kits.along(line(3, 1), parts) == 2 * MICROS
    assert kits.along(line(3, 1, picked=4 * MICROS), parts) == 3 * MICROS
