"""Folders that the database keeps apart are those of which one is or holds the other."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.connectivity.drop_folders import PATH_BYTES_MAX, kept_path
from crossdock.foundation.database import Database
from tests.unit.connectivity.standins import MAIN

OVERLAPS = """
select folder_range(a || '/', a || '0') && folder_range(b || '/', b || '0') as is_shared
from unnest($1::text[], $2::text[]) as pair (a, b)
"""
names = st.sampled_from(["a", "a-", "a.", "a0", "A", "ä", "in"]) | st.text("a/0.-é")
paths = st.lists(names, max_size=3).map(lambda parts: Path("/" + "/".join(parts).lstrip("/")))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(paths, paths), min_size=1, max_size=50))
async def test_two_folders_overlap_if_one_is_or_holds_the_other(
    database: Database, pairs: list[tuple[Path, Path]]
) -> None:
    kept = [(kept_path(one), kept_path(other)) for one, other in pairs]
    async with database.transaction(MAIN) as tx:
        rows = await tx.fetch(OVERLAPS, [one for one, _ in kept], [other for _, other in kept])

    assert [row["is_shared"] for row in rows] == [
        one.is_relative_to(other) or other.is_relative_to(one) for one, other in pairs
    ]


def test_a_connection_without_a_folder_shares_none() -> None:
    assert kept_path(None) is None
    assert len(kept_path(Path("/" + "x" * (PATH_BYTES_MAX - 1))) or "") == PATH_BYTES_MAX
