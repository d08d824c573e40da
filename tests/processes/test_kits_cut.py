"""Parts of kits that an order claims less of, or more again: held as its line says (§3.8)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from crossdock.canonical.inventory import MovementType
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.inventory import Reservation
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.processes.test_kits_reserved import (
    claimed,
    free,
    held,
    line,
    moved,
    ordered,
    reserve,
)
from tests.processes.test_kits_shown import Bench, opened

WAITING = "select distinct demand_ref from inventory_kit_wait where tenant = $1"


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def three(bench: Bench, there: int = 10) -> Reservation:
    """Reserve three P of two X each for an order that claims them."""
    await bench.kit("P", X=2)
    await bench.count(X=there, P=0)
    await ordered(bench, line("o1/1", "P", 3))
    made = await reserve(bench, ("P", 3, "o1/1"))
    assert made.is_granted
    return made


async def now(bench: Bench, made: Reservation) -> list[tuple[str, int, int]]:
    return held(await bench.hub.inventory.get(bench.hub.scope, made.reservation_id))


async def test_a_line_that_is_cut_gives_the_parts_of_the_kits_back_that_it_claims_no_more(
    bench: Bench,
) -> None:
    made = await three(bench)
    assert await free(bench, "X") == [4]

    await ordered(bench, line("o1/1", "P", 1))

    assert await free(bench, "X") == [8]
    assert await now(bench, made) == [("P", 1, 1), ("X", 2, 2)]
    assert held(await reserve(bench, ("X", 8))) == [("X", 8, 8)]
    explained = await bench.hub.inventory.explain(bench.hub.scope, made.reservation_id)
    assert explained.is_reproduced


async def test_a_line_that_is_cancelled_gives_all_parts_back_and_is_still_open_to_be_raised(
    bench: Bench,
) -> None:
    made = await three(bench)

    await ordered(bench, line("o1/1", "P", 3, cancelled=3))

    assert await free(bench, "X") == [10]
    assert await claimed(bench, "P", "X") == [0, 0]
    gone = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert str(gone.status) == "ACTIVE"
    await ordered(bench, line("o1/1", "P", 3, cancelled=1))
    assert await claimed(bench, "P", "X") == [2, 4]


async def test_a_line_that_is_raised_again_claims_as_many_whole_kits_as_there_is_room_for(
    bench: Bench,
) -> None:
    made = await three(bench)
    await ordered(bench, line("o1/1", "P", 1))
    assert (await reserve(bench, ("X", 5))).is_granted

    await ordered(bench, line("o1/1", "P", 3))

    assert await claimed(bench, "X") == [9]
    assert await now(bench, made) == [("P", 2, 2), ("X", 4, 4)]
    assert await waiting(bench) == ["o1/1"]
    # What it could not have, it has as soon as it is there.
    await bench.count(X=12)
    assert await now(bench, made) == [("P", 3, 3), ("X", 6, 6)]
    assert await waiting(bench) == []


async def waiting(bench: Bench) -> list[str]:
    """Name the order lines that wait for parts, once all is settled."""
    await bench.hub.settle()
    async with bench.hub.database.transaction(bench.hub.scope) as tx:
        rows = await tx.fetch(WAITING, tx.tenant)
    return [row["demand_ref"] for row in rows]


@pytest.mark.parametrize("given_up", ["X at DC1", "X at EAST", "P for another order"])
async def test_a_raised_line_has_its_parts_as_soon_as_others_give_them_up(
    bench: Bench, given_up: str
) -> None:
    made = await three(bench, 6)
    await ordered(bench, line("o1/1", "P", 1))
    if given_up.startswith("X"):
        taken = await reserve(bench, ("X", 4), at=given_up[-4:].strip())
    else:
        await ordered(bench, line("o2/1", "P", 2), order="o2")
        taken = await reserve(bench, ("P", 2, "o2/1"))
    assert taken.is_granted
    await ordered(bench, line("o1/1", "P", 3))
    assert await waiting(bench) == ["o1/1"]
    assert await now(bench, made) == [("P", 1, 1), ("X", 2, 2)]

    if given_up.startswith("X"):
        await bench.hub.inventory.release(bench.hub.scope, taken.reservation_id)
        await bench.hub.inventory.upkeep.tell()
    else:
        await ordered(bench, line("o2/1", "P", 0), order="o2")

    assert await waiting(bench) == []
    assert await now(bench, made) == [("P", 3, 3), ("X", 6, 6)]


async def test_a_line_waits_for_no_more_than_it_claims_and_for_nothing_once_it_is_over(
    bench: Bench,
) -> None:
    made = await three(bench, 6)
    await ordered(bench, line("o1/1", "P", 1))
    taken = await reserve(bench, ("X", 4))
    await ordered(bench, line("o1/1", "P", 3))
    assert await waiting(bench) == ["o1/1"]
    await ordered(bench, line("o1/1", "P", 1))
    assert await waiting(bench) == []
    await ordered(bench, line("o1/1", "P", 2))
    assert await waiting(bench) == ["o1/1"]

    await bench.hub.inventory.release(bench.hub.scope, made.reservation_id)
    await bench.hub.inventory.release(bench.hub.scope, taken.reservation_id)
    await bench.hub.inventory.upkeep.tell()

    assert await waiting(bench) == []
    # Nobody reserves for the order any more, so it has its parts by itself.
    assert await claimed(bench, "X") == [4]


async def test_what_was_shipped_of_a_cut_line_stays_shipped(bench: Bench) -> None:
    made = await three(bench)
    await moved(bench, MovementType.PICK, "X", 2, "o1/1/X")

    await ordered(bench, line("o1/1", "P", 2))
    assert await now(bench, made) == [("P", 2, 1), ("X", 4, 2)]
    await ordered(bench, line("o1/1", "P", 0))

    over = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert (held(over), str(over.status)) == ([("P", 1, 0), ("X", 2, 0)], "CONSUMED")
    assert await free(bench, "X") == [8]


async def test_kits_that_lie_assembled_are_kept_for_a_cut_line_before_those_in_parts(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5, P=1)
    await ordered(bench, line("o1/1", "P", 3))
    made = await reserve(bench, ("P", 3, "o1/1"))

    await ordered(bench, line("o1/1", "P", 2))
    assert (await now(bench, made), await free(bench, "X")) == ([("P", 2, 2), ("X", 1, 1)], [4])
    await ordered(bench, line("o1/1", "P", 1))
    assert (await now(bench, made), await free(bench, "X")) == ([("P", 1, 1), ("X", 0, 0)], [5])
    await moved(bench, MovementType.PICK, "P", 1, "o1/1")
    assert await claimed(bench, "P", "X") == [0, 0]


async def test_kits_that_are_put_together_for_an_ordered_line_are_counted_once(
    bench: Bench,
) -> None:
    await three(bench)

    await moved(bench, MovementType.ASSEMBLE, "X", 4, "o1/1/X")
    await moved(bench, MovementType.ASSEMBLE, "P", 2, "", comes=True)

    assert await claimed(bench, "P", "X") == [3, 2]
    await ordered(bench, line("o1/1", "P", 2))
    assert await claimed(bench, "P", "X") == [2, 0]


async def test_of_two_promises_of_a_line_the_oldest_keeps_its_parts(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=9)
    await ordered(bench, line("o1/1", "P", 2))
    first = await reserve(bench, ("P", 2, "o1/1"))
    await ordered(bench, line("o1/1", "P", 4))
    second = await reserve(bench, ("P", 2, "o1/1"))

    await ordered(bench, line("o1/1", "P", 3))

    assert await free(bench, "X") == [6]
    assert [await now(bench, one) for one in (first, second)] == [
        [("P", 2, 2), ("X", 2, 2)],
        [("P", 1, 1), ("X", 1, 1)],
    ]


async def test_parts_of_a_kit_of_kits_go_back_so_that_what_is_left_can_be_put_together(
    bench: Bench,
) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3)
    await bench.count(K=0, S=1, A=9, X=9)
    await ordered(bench, line("o1/1", "K", 2))
    made = await reserve(bench, ("K", 2, "o1/1"))
    assert sorted(await now(bench, made)) == [("A", 2, 2), ("K", 2, 2), ("S", 1, 1), ("X", 9, 9)]

    await ordered(bench, line("o1/1", "K", 1))

    assert sorted(await now(bench, made)) == [("A", 1, 1), ("K", 1, 1), ("S", 1, 1), ("X", 5, 5)]


async def test_what_is_kept_for_another_channel_is_not_claimed_again(bench: Bench) -> None:
    made = await three(bench, 6)
    await ordered(bench, line("o1/1", "P", 1))
    kept = AllocationProtection(
        item="X", location="DC1", channel="web", minimum=3 * MICROS, maximum=None,
        starts_at=NOON, ends_at=NOON + timedelta(days=9),
    )  # fmt: skip
    await bench.hub.allocation.rulebook.protect(bench.hub.scope, kept, by="test")

    await ordered(bench, line("o1/1", "P", 3))

    assert await now(bench, made) == [("P", 1, 1), ("X", 2, 2)]


async def test_what_a_group_has_promised_is_not_claimed_again_at_a_member(bench: Bench) -> None:
    made = await three(bench, 6)
    await ordered(bench, line("o1/1", "P", 1))
    assert (await reserve(bench, ("X", 3), at="EAST")).is_granted

    await ordered(bench, line("o1/1", "P", 3))

    assert await now(bench, made) == [("P", 1, 1), ("X", 2, 2)]


async def test_lines_that_give_back_and_take_in_one_word_find_each_others_parts(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=1)
    await bench.count(X=4)
    both = line("o1/1", "P", 4), line("o1/2", "Q", 4)
    await ordered(bench, *both)
    await reserve(bench, ("P", 4, "o1/1"))
    await ordered(bench, line("o1/1", "P", 1), both[1])
    await reserve(bench, ("Q", 3, "o1/2"))

    await ordered(bench, line("o1/1", "P", 3), line("o1/2", "Q", 1))

    assert await claimed(bench, "X") == [4]
    await ordered(bench, line("o1/1", "P", 1), line("o1/2", "Q", 3))
    assert await claimed(bench, "X") == [4]


@pytest.mark.parametrize("seed", range(4))
async def test_i2_no_part_is_oversold_however_lines_are_cut_raised_and_shipped(
    bench: Bench, seed: int
) -> None:
    random = Random(seed)
    await bench.kit("P", X=1, Z=2)
    await bench.kit("Q", X=2)
    there = {"X": 9, "Z": 9}
    await bench.count(P=1, Q=0, **there)
    names: list[str] = []
    wanted = {"o1/1": 3, "o2/1": 3, "o3/1": 2}
    kit = {"o1/1": "P", "o2/1": "Q", "o3/1": "P"}
    for ref, pieces in wanted.items():
        await ordered(bench, line(ref, kit[ref], pieces), order=ref[:2])
        names.append((await reserve(bench, (kit[ref], pieces, ref), partial=True)).reservation_id)
    inventory, scope = bench.hub.inventory, bench.hub.scope
    for _ in range(25):
        ref = random.choice(sorted(wanted))
        match random.randrange(4):
            case 0:
                await reserve(bench, (random.choice("XZ"), random.randint(1, 3)), partial=True)
            case _:
                one = line(ref, kit[ref], random.randint(0, 4))
                for _ in range(random.choice((1, 2))):
                    await ordered(bench, one, order=ref[:2])
        assert all(
            found <= pieces
            for found, pieces in zip(await claimed(bench, *there), there.values(), strict=True)
        )
        for name in names:
            now = await inventory.get(scope, name)
            assert all(0 <= part.used <= part.granted <= part.requested for part in now.parts)
    for ref in wanted:
        await ordered(bench, line(ref, kit[ref], 0), order=ref[:2])
    for name in names:
        now = await inventory.get(scope, name)
        assert sum(part.hold for part in now.parts) == 0
        assert (await inventory.explain(scope, name)).is_reproduced
