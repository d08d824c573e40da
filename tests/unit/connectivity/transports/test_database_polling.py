"""Somebody else's database is read whole, in order, and never written to."""

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import asyncpg
import pytest

from crossdock.canonical.errors import Forbidden, Invalid, Rejected, Unavailable
from crossdock.connectivity.transports.database import Bookmark, Page, PolledDatabase, Query
from crossdock.connectivity.transports.database_reach import Reach

LOCAL = Reach(allow_local_databases=True)

LEVELS = Query(
    name="levels",
    sql="select * from levels -- what lies where",
    change_column="changed_at",
    key_column="id",
    columns=("item", "quantity"),
    overlap=60,
)
NUMBERED = Query(
    name="numbered",
    sql="select * from levels;",
    change_column="change",
    key_column="id",
    overlap=5,
)


@pytest.fixture
async def erp(dsn: str) -> AsyncIterator[Any]:
    connection: Any = await asyncpg.connect(dsn)
    await connection.execute(
        "create table levels (id bigint generated always as identity primary key, item text,"
        " quantity numeric, changed_at timestamptz default now(), change bigserial, note text)"
    )
    yield connection
    await connection.close()


@pytest.fixture
async def polled(dsn: str) -> AsyncIterator[PolledDatabase]:
    async with PolledDatabase(dsn, reach=LOCAL, statement_seconds_max=2) as database:
        yield database


async def a_round(
    polled: PolledDatabase, query: Query, bookmark: Bookmark, rows_max: int = 3
) -> tuple[list[int], Bookmark]:
    ids: list[int] = []
    page = Page((), bookmark, is_last=False)
    while not page.is_last:
        page = await polled.page(query, page.bookmark, rows_max)
        assert len(page.rows) <= rows_max
        ids += [json.loads(row)["id"] for row in page.rows]
    return ids, page.bookmark


async def add(erp: Any, count: int, *, at: str = "now()") -> None:
    await erp.execute(
        f"insert into levels (item, quantity, changed_at)"
        f" select 'SKU-' || n, 0.1 + n, {at} from generate_series(1, {count}) n"
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("query", [LEVELS, NUMBERED])
async def test_rows_of_one_moment_are_all_read_across_pages(
    erp: Any, polled: PolledDatabase, query: Query, count: int
) -> None:
    await add(erp, count)

    ids, _ = await a_round(polled, query, Bookmark())

    assert ids == list(range(1, count + 1))


async def test_a_change_that_shows_behind_a_newer_one_is_not_lost(
    dsn: str, erp: Any, polled: PolledDatabase
) -> None:
    slow: Any = await asyncpg.connect(dsn)
    transaction = slow.transaction()
    await transaction.start()
    await add(slow, 4)  # stamped now, shown when it commits
    await asyncio.sleep(0.01)
    await add(erp, 1)

    seen, bookmark = await a_round(polled, LEVELS, Bookmark())
    await transaction.commit()
    await slow.close()
    later, _ = await a_round(polled, LEVELS, bookmark)

    assert seen == [5]
    assert set(later) == {1, 2, 3, 4, 5}


async def test_changes_during_a_long_round_are_found_by_the_next(
    erp: Any, polled: PolledDatabase
) -> None:
    await add(erp, 8, at="now() - n * interval '1 hour'")
    page = await polled.page(LEVELS, Bookmark(), 3)
    # The row that was read first changes while the round goes on.
    await erp.execute("update levels set quantity = 99, changed_at = now() where id = 8")
    while not page.is_last:
        page = await polled.page(LEVELS, page.bookmark, 3)

    ids, _ = await a_round(polled, LEVELS, page.bookmark)

    assert 8 in ids


async def test_a_row_dated_into_the_future_hides_nothing(erp: Any, polled: PolledDatabase) -> None:
    await add(erp, 1, at="timestamptz '2999-01-01'")
    _, bookmark = await a_round(polled, LEVELS, Bookmark())

    await add(erp, 1)
    ids, _ = await a_round(polled, LEVELS, bookmark)

    assert 2 in ids


async def test_only_the_overlap_is_read_again(erp: Any, polled: PolledDatabase) -> None:
    await add(erp, 5, at="now() - interval '1 day'")
    await add(erp, 2)

    _, bookmark = await a_round(polled, LEVELS, Bookmark())
    ids, _ = await a_round(polled, LEVELS, bookmark)

    assert ids == [6, 7]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_changes_between_pages_every_state_is_seen_in_the_end(
    erp: Any, polled: PolledDatabase, seed: int
) -> None:
    chance = Random(seed)
    await add(erp, 6)
    seen: dict[int, Any] = {}
    bookmark = Bookmark()
    for _ in range(40):
        if chance.random() < 0.5:
            await erp.execute(
                "update levels set quantity = quantity + 1, changed_at = clock_timestamp(),"
                " change = nextval('levels_change_seq') where id = $1",
                chance.randint(1, 6),
            )
        page = await polled.page(NUMBERED, bookmark, chance.randint(1, 4))
        bookmark = page.bookmark
        seen |= {json.loads(row)["id"]: json.loads(row)["quantity"] for row in page.rows}
    for _ in range(2):
        page = Page((), bookmark, is_last=False)
        while not page.is_last:
            page = await polled.page(NUMBERED, page.bookmark, 3)
            seen |= {json.loads(row)["id"]: json.loads(row)["quantity"] for row in page.rows}
        bookmark = page.bookmark

    truth = {row["id"]: float(row["quantity"]) for row in await erp.fetch("select * from levels")}
    assert seen == truth


async def test_no_digit_is_lost(erp: Any, polled: PolledDatabase) -> None:
    await erp.execute("insert into levels (item, quantity) values ('A', 123456789012.123456)")

    page = await polled.page(LEVELS, Bookmark(), 10)

    assert '"quantity":123456789012.123456,' in page.rows[0]


async def test_a_missing_column_is_named_with_the_query_and_what_is_there(
    erp: Any, polled: PolledDatabase
) -> None:
    assert erp
    query = Query(
        name="levels",
        sql="select id, item, changed_at from levels",
        change_column="changed_at",
        key_column="id",
        columns=("item", "qty"),
    )

    with pytest.raises(Invalid) as problem:
        await polled.page(query, Bookmark(), 1)

    assert str(problem.value) == (
        "Query 'levels' has no column 'qty'; it has 'id', 'item', 'changed_at'"
    )
    assert problem.value.where == "levels"


async def test_a_row_without_its_place_is_found_by_the_check(
    erp: Any, polled: PolledDatabase
) -> None:
    await polled.check(LEVELS)
    await erp.execute("insert into levels (changed_at) values (null)")

    with pytest.raises(Invalid, match=r"key 1.*would never be read"):
        await polled.check(LEVELS)


async def test_a_key_that_is_not_unique_is_refused_before_it_hides_a_row(
    erp: Any, polled: PolledDatabase
) -> None:
    await add(erp, 4)
    query = Query(
        name="q",
        sql="select 1 as id, changed_at from levels",
        change_column="changed_at",
        key_column="id",
    )

    with pytest.raises(Invalid, match="one of them would be skipped"):
        await polled.page(query, Bookmark(), 2)


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("delete from levels returning *", Invalid, "does not run"),
        ("with gone as (delete from levels returning *) select * from gone", Invalid, "WITH"),
        ("select 1) x; delete from levels; --", Invalid, "does not run"),
        (
            "select *, set_config('transaction_read_only', 'off', true) from levels",
            Invalid,
            "must be set before",
        ),
        ("select *, nextval('levels_change_seq') from levels", Rejected, "tries to write"),
        ("select *, pg_sleep(9) from levels", Unavailable, "longer than it may"),
        ("select *, 1 / (id - id) from levels", Invalid, "division by zero"),
        ("select * from nowhere", Invalid, "nowhere"),
        ("selec", Invalid, "syntax"),
        ("select id, item, quantity, note as changed_at from levels", Invalid, "is a text"),
    ],
)
async def test_what_a_query_must_not_do_is_refused(
    erp: Any, polled: PolledDatabase, sql: str, error: type[Exception], words: str
) -> None:
    await add(erp, 2)
    query = Query(name="bad", sql=sql, change_column="changed_at", key_column="id")

    with pytest.raises(error, match=words):
        await polled.page(query, Bookmark(), 5)

    assert await erp.fetchval("select count(*) from levels") == 2
    assert await erp.fetchval("select last_value from levels_change_seq") == 2
    assert (await polled.page(LEVELS, Bookmark(), 5)).rows  # the session goes on


async def test_a_session_that_was_ended_is_opened_again(erp: Any, polled: PolledDatabase) -> None:
    await add(erp, 1)
    await polled.check(LEVELS)
    await erp.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'crossdock' and datname = current_database()"
    )

    while True:
        try:
            page = await polled.page(LEVELS, Bookmark(), 5)
            break
        except Unavailable:
            continue

    assert len(page.rows) == 1


async def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    async with PolledDatabase(
        "postgresql://reader:hunter2@127.0.0.1:1/erp", reach=LOCAL
    ) as database:
        with pytest.raises(Unavailable) as problem:
            await database.version()

    assert "127.0.0.1:1/erp" in str(problem.value)
    assert "hunter2" not in str(problem.value)


async def test_a_user_that_may_not_read_is_told_so(dsn: str, erp: Any) -> None:
    role = f"reader_{id(erp)}"
    await erp.execute(f"create role {role} login")
    async with PolledDatabase(dsn.replace("//postgres:", f"//{role}:"), reach=LOCAL) as database:
        with pytest.raises(Forbidden, match="not allowed"):
            await database.page(LEVELS, Bookmark(), 1)
    await erp.execute(f"drop role {role}")


@pytest.mark.parametrize(
    "login", ["reader:sec/ret", "reader:sec?ret", "reader:sec#ret", "reader:s@ec:ret"]
)
async def test_a_login_whose_signs_are_not_encoded_is_said_without_a_part_of_it(
    login: str,
) -> None:
    dsn = f"postgresql://{login}@127.0.0.1:1/erp"
    with pytest.raises((Unavailable, Invalid, Rejected)) as refused:
        async with PolledDatabase(dsn, reach=LOCAL) as database:
            await database.page(LEVELS, Bookmark(), 1)

    said = f"{refused.value.message} {refused.value.hint}"
    assert not [part for part in ("sec", "ret", "s@ec") if part in said]
