"""Every Python example of the documentation runs."""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from crossdock.foundation.postgres import EmbeddedPostgres
from tests.conftest import execute
from tests.docs.console import blocks, reading
from tests.docs.generate import DOCS

ROOT = DOCS.parent
README = ROOT / "README.md"

OWN_POSTGRES = "postgresql://crossdock:…@db.example.com:5432/crossdock"


def python_blocks(page: Path) -> list[str]:
    return [block.body for block in blocks(page.read_text()) if block.kind == "python"]


PAGES = {page: "\n".join(python_blocks(page)) for page in sorted(DOCS.glob("**/*.md"))}
# Those of a hub at work are programs of their own, which the console of their page runs.
PLAIN = [page for page, examples in PAGES.items() if examples and "Hub.open" not in examples]
AT_WORK = ["how-to/connect-a-shop.md", "how-to/replay-dead-letters.md", "tutorial/first-steps.md"]


def test_the_example_of_the_readme_is_short_and_prints_what_it_says() -> None:
    [example] = python_blocks(README)
    assert len([line for line in example.splitlines() if line]) < 10
    [said] = re.findall(r"It prints `([^`]*)`", README.read_text())
    with tempfile.TemporaryDirectory(prefix="crossdock-readme-") as folder:
        for _ in range(2):
            assert run(example, Path(folder)).strip() == said


def test_every_page_with_a_hub_at_work_is_followed_by_a_test_of_its_own() -> None:
    found = [str(page.relative_to(DOCS)) for page in PAGES if "Hub.open" in PAGES[page]]
    assert found == AT_WORK


@pytest.mark.parametrize("page", PLAIN, ids=lambda page: str(page.relative_to(DOCS)))
def test_the_examples_of_a_page_run_one_after_the_other(page: Path, tmp_path: Path) -> None:
    run(PAGES[page], tmp_path)


def test_a_warehouse_is_connected_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / "how-to" / "run-more-than-one-process.md").read_text())
        reader.follow((DOCS / "how-to" / "connect-a-warehouse.md").read_text())


def test_a_shop_is_connected_and_what_gets_stuck_is_mended_as_the_pages_say() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        for name in ("connect-a-shop", "replay-dead-letters", "observe"):
            reader.follow((DOCS / "how-to" / f"{name}.md").read_text())


async def test_a_postgresql_of_ones_own_is_used_as_the_page_says() -> None:
    page = (DOCS / "how-to" / "use-your-own-postgresql.md").read_text()
    with tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder:
        server = await EmbeddedPostgres.start(Path(folder))  # it stands for the team's own
        try:
            for statement in "".join(b.body for b in blocks(page) if b.kind == "sql").split(";"):
                if statement.strip():
                    await execute(server.dsn, statement)
            with reading(Path(folder)) as reader:
                reader.ports[OWN_POSTGRES] = (
                    f"'postgresql://crossdock@/crossdock?host={folder}/postgres'"
                )
                await asyncio.to_thread(reader.follow, page)
        finally:
            server.stop()


def run(example: str, folder: Path) -> str:
    """Run it as a reader would: a program of its own, on an embedded database of its own."""
    done = subprocess.run(
        [sys.executable, "-c", example],
        env={"CROSSDOCK_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
