"""A promised kit whose order claims fewer of it gives its parts back (I9, A19)."""

from dataclasses import replace

from crossdock.canonical.inventory import MovementType
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Reservation
from crossdock.capabilities.supply import KeptPromise
from crossdock.interfaces.api.kept_promises import kept_shown
from tests.unit.capabilities.supply.test_promised_kits import moves, stocked
from tests.unit.capabilities.supply.test_promises_together import plain, together
from tests.unit.capabilities.supply.yard import STAGED, Yard, fact, kit, line, ordered


async def says(yard: Yard, pieces: int, version: int) -> None:
    await yard.hear(ordered("so1", replace(line("so1/1", pieces), item="K"), version=version))


async def free(yard: Yard) -> dict[str, int]:
    """Give in whole pieces what could be reserved of each item."""
    keys = [(item, "DC1") for item in ("K", "A", "P")]
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        found = await yard.hub.inventory.holding.free_in(tx, keys)
    return {item: micros // MICROS for (item, _), micros in found.items()}


async def promised(yard: Yard, pieces: int) -> KeptPromise:
    made = await together(yard, "r1", ("K", "DC1", pieces, "so1/1"))
    assert made.is_granted
    await says(yard, pieces, 1)
    return made


async def ended(yard: Yard, pieces: int) -> None:
    """Let so many kits leave, after which nothing stays behind."""
    await yard.hear(fact("movement:last", moves("last", "K", pieces, "so1/1")))
    assert await yard.hub.kept_promises.listed(yard.hub.scope) == []


async def holds(yard: Yard, ref: str) -> list[Reservation]:
    found = await yard.hub.inventory.explain_order(yard.hub.scope, ref)
    for one in found:
        assert one.is_reproduced
    return [one.reservation for one in found]


async def test_a_promised_kit_that_is_cut_gives_the_parts_back_that_it_claims_no_more(
    yard: Yard,
) -> None:
    await stocked(yard, K=6, A=20)
    made = await promised(yard, 10)
    assert await free(yard) == {"K": 0, "A": 16, "P": 0}
    for version, (pieces, kits, parts) in enumerate(
        [(8, 0, 18), (10, 0, 16), (7, 0, 19), (5, 1, 20), (9, 0, 17)], 2
    ):
        await says(yard, pieces, version)
        assert await free(yard) == {"K": kits, "A": parts, "P": 0}, pieces
    assert await yard.hub.securing.at_risk(yard.hub.scope) == ([], made.promise_id)
    await ended(yard, 9)
    assert await free(yard) == {"K": 0, "A": 20, "P": 0}


async def test_what_was_given_back_is_shown_and_the_hold_is_explained_as_it_was_granted(
    yard: Yard,
) -> None:
    await stocked(yard, A=10)
    made = await promised(yard, 10)
    await says(yard, 7, 2)
    now = kept_shown(await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id))
    assert [
        (one.item, one.quantity.value, one.held.value, one.made.value) for one in now.lines
    ] == [
        ("K", "10", "0", "7"),
        ("A", "7", "7", "0"),
    ]
    [hold] = await holds(yard, "so1/1/A")
    assert hold.lines[0].granted == 7 * MICROS


async def test_a_kit_that_is_raised_again_holds_parts_once_they_come(yard: Yard) -> None:
    await stocked(yard, A=10)
    made = await promised(yard, 10)
    await says(yard, 4, 2)
    assert await plain(yard, "cart", 6, item="A") == 6
    await says(yard, 9, 3)
    assert (await free(yard))["A"] == 0
    [risk], _ = await yard.hub.securing.at_risk(yard.hub.scope)
    assert (risk.line.item, risk.micros) == ("A", 5 * MICROS)
    # What comes in is the promise's first, without another word about the order.
    for name, pieces, left in (("m1", 3, 0), ("m2", 4, 2)):
        received = replace(moves(name, "A", pieces, is_in=True), type=MovementType.RECEIPT)
        await yard.hear(fact(f"movement:{name}", received))
        assert (await free(yard))["A"] == left
    assert await yard.hub.securing.at_risk(yard.hub.scope) == ([], made.promise_id)


async def test_what_is_held_while_others_are_short_of_it_stays_held_as_far_as_it_is_claimed(
    yard: Yard,
) -> None:
    await stocked(yard, A=10)
    await promised(yard, 10)
    lost = replace(moves("lost", "A", 8), type=MovementType.ADJUST)
    await yard.hear(fact("movement:lost", lost))
    await says(yard, 6, 2)
    assert sum(one.lines[0].granted for one in await holds(yard, "so1/1/A")) == 6 * MICROS


async def test_what_left_of_parts_or_was_put_together_is_not_given_back(yard: Yard) -> None:
    await stocked(yard, A=20)
    await promised(yard, 10)
    picked = replace(moves("p", "A", 2, "so1/1/A"), type=MovementType.PICK, target_place=STAGED)
    await yard.hear(fact("movement:p", picked))
    await yard.hear(
        fact("movement:a", moves("a", "A", 3, "so1/1/A")),
        fact("movement:k", moves("k", "K", 3, is_in=True)),
    )
    # Of ten, three lie assembled and two have left in parts; of seven, two parts are held.
    assert await free(yard) == {"K": 0, "A": 10, "P": 0}
    await says(yard, 7, 2)
    assert await free(yard) == {"K": 0, "A": 13, "P": 0}
    await says(yard, 3, 3)
    assert await free(yard) == {"K": 0, "A": 15, "P": 0}
    await says(yard, 10, 4)
    assert await free(yard) == {"K": 0, "A": 10, "P": 0}


async def test_of_a_kit_of_kits_what_is_left_can_be_put_together(yard: Yard) -> None:
    await stocked(yard, A=3, P=20)
    await yard.hear(kit("A", 1, P=2))
    made = await promised(yard, 6)
    assert await free(yard) == {"K": 0, "A": 0, "P": 14}
    await says(yard, 3, 2)
    # Each part keeps its share of three kits, in whole pieces.
    assert await free(yard) == {"K": 0, "A": 1, "P": 17}
    await says(yard, 0, 3)
    assert await free(yard) == {"K": 0, "A": 3, "P": 20}
    assert (await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)).released_at
