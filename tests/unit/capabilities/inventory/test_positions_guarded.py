"""What no source may say of a bucket, the database refuses too (domain.md §1.0, §1.3)."""

from typing import Any

import asyncpg
import pytest

from crossdock.canonical.inventory import StockStatus
from crossdock.foundation.database import Database
from tests.unit.capabilities.inventory.house import MAIN

UNITS_MAX = 10**12
MICROS_MAX = UNITS_MAX * 10**6
OPENED = {"opening_stream": 7, "opening_seq": 1, "opening_us": 1}


async def put(database: Database, **said: Any) -> None:
    """Write one bucket; what is not said is ten pieces at DC1."""
    row = {"tenant": "main", "item": "X", "location": "DC1", "status": "AVAILABLE",
           "micros": 10_000_000} | said  # fmt: skip
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    async with database.transaction(MAIN) as tx:
        await tx.execute(
            f"insert into inventory_position ({', '.join(row)}) values ({places})", *row.values()
        )


@pytest.mark.parametrize("status", StockStatus)
async def test_goods_lie_in_any_status_of_the_law(database: Database, status: StockStatus) -> None:
    await put(database, status=status.value)


@pytest.mark.parametrize(
    "said",
    [
        {"micros": -4_000_000},
        {"serial": "S-1", "micros": 2_000_000},
        {"owner": "ACME", "lot": "L-1"},
        {"micros": MICROS_MAX - 1, "opening_micros": 1 - MICROS_MAX} | OPENED,
    ],
    ids=["below zero", "a serial twice", "another's lot", "the largest"],
)
async def test_what_a_source_may_say_is_kept_however_odd(
    database: Database, said: dict[str, Any]
) -> None:
    await put(database, **said)


@pytest.mark.parametrize(
    ("said", "constraint"),
    [
        ({"status": "SHINY"}, "status"),
        ({"status": "available"}, "status"),
        ({"status": ""}, "status"),
        ({"item": ""}, "named"),
        ({"location": ""}, "named"),
        ({"unit": ""}, "named"),
        ({"micros": MICROS_MAX}, "bounds"),
        ({"micros": -MICROS_MAX}, "bounds"),
        ({"opening_micros": MICROS_MAX} | OPENED, "bounds"),
        ({"opening_micros": -MICROS_MAX} | OPENED, "bounds"),
        ({"opening_micros": 1}, "opening"),
        ({"opening_seq": 1}, "opening"),
        ({"opening_us": 1}, "opening"),
        (OPENED | {"opening_seq": None}, "opening"),
        (OPENED | {"opening_us": None}, "opening"),
    ],
)
async def test_what_no_source_may_say_is_refused_by_name(
    database: Database, said: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=f'"inventory_position_{constraint}"'):
        await put(database, **said)
