"""Every example of the documentation runs, or says why not."""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
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
AT_WORK = [
    "how-to/choose-warehouses.md",
    "how-to/connect-a-shop.md",
    "how-to/promise-by-date.md",
    "how-to/reconcile-orders.md",
    "how-to/replay-dead-letters.md",
    "how-to/set-an-oversell-budget.md",
    "how-to/share-out-scarce-stock.md",
    "tutorial/first-steps.md",
]

# Pages that are typed in one sitting: each goes on where the one before ends.
WAREHOUSE = ("how-to/run-more-than-one-process.md", "how-to/connect-a-warehouse.md")
SHOP = (
    "how-to/connect-a-shop.md",
    "how-to/replay-dead-letters.md",
    "how-to/observe.md",
    "how-to/keep-connections.md",
)
RESERVATIONS = "reference/reservations.md"
SOURCING = "how-to/choose-warehouses.md"
OWN = "how-to/use-your-own-postgresql.md"
BUDGET = "how-to/set-an-oversell-budget.md"
SCARCE = "how-to/share-out-scarce-stock.md"
RECONCILED = "how-to/reconcile-stock.md"
OPEN_LINES = "how-to/reconcile-orders.md"
BY_DATE = "how-to/promise-by-date.md"
TYPED = {
    *WAREHOUSE,
    *SHOP,
    RESERVATIONS,
    SOURCING,
    OWN,
    BUDGET,
    BY_DATE,
    OPEN_LINES,
    RECONCILED,
    SCARCE,
    "how-to/connect-tryton.md",  # before a real Tryton: tests/peers/tryton/test_page.py
    "tutorial/first-steps.md",  # tests/docs/test_tutorial.py
}
# What a reader types and no test does, by page and first line.
UNTYPED = {
    ("README.md", "make demo"): "it installs from the network; test_wheel.py plays a shorter day",
    ("docs/tutorial/first-steps.md", "make demo"): "as in README.md",
    (
        "docs/how-to/keep-connections.md",
        "curl -X",
    ): "its key is the reader's own; test_backfill says the same",
    ("docs/how-to/connect-tryton.md", "crossdock connection"): "a moment of the reader's own;"
    " test_watermark rewinds a real Tryton to one",
}

# The page speaks of letters whose outcome nobody knows, and of a refused event: here they are.
# The stand-in answers, and no reader of ours refuses, so the last word is written by hand.
MORE_LETTERS = """
```python more.py
import asyncio

from crossdock import Hub


async def main() -> None:
    async with Hub.open() as hub:
        await hub.put_stock("LAMP-8", "DC1", 5)
        await hub.put_stock("LAMP-9", "DC1", 5)


asyncio.run(main())
```

```console
$ python more.py
```

```console eventually
$ crossdock dlq list --json | grep -oE 'LAMP-[89]' | sort -u | wc -l
2
```
"""
PARK = """
update outbox_command set state = 'PARKED', is_unknown = true, code = 'outcome_unknown'
where state = 'DEAD'
"""
REFUSE = """
insert into log_refusal (tenant, reader, position, refused_at, reason)
select tenant, 'catalog', position, now(), 'KeyError(''unit'')' from event_log
where type = 'catalog.item_changed.v1' order by position limit 1
"""
TROUBLES = {
    "## A change whose outcome nobody knows": (MORE_LETTERS, PARK),
    "## An event that a reader refused": ("", REFUSE),
}
GOODS = """
```python goods.py
import asyncio

from crossdock import Hub


async def main() -> None:
    async with Hub.open() as hub:
        await hub.put_stock("BOLT", "DC1", 10)
        await hub.put_stock("NUT", "DC1", 6)


asyncio.run(main())
```

```console
$ export CROSSDOCK_DATA_DIR=$PWD/reserved
$ python goods.py
```
"""


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


def test_every_page_that_shows_a_console_is_typed_by_a_test() -> None:
    shown = [
        str(page.relative_to(DOCS))
        for page in PAGES
        if any(block.kind == "console" for block in blocks(page.read_text()))
    ]
    assert sorted(TYPED) == shown


def test_what_a_reader_types_is_typed_by_a_test_or_says_why_not() -> None:
    found = {
        (str(page.relative_to(ROOT)), " ".join(block.body.split()[:2]))
        for page in [*PAGES, README, ROOT / "CONTRIBUTING.md"]
        for block in blocks(page.read_text())
        if block.kind in {"sh", "bash", "shell", "zsh"}
    }
    assert found == UNTYPED.keys()


def test_every_python_example_is_run_by_itself_or_by_the_console_of_its_page() -> None:
    silent = []
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        found = list(blocks(page.read_text()))
        typed = {block.body.strip() for block in found if block.kind == "console"}
        silent += [
            f"{page.relative_to(ROOT)}: {block.manner}"
            for block in found
            if block.kind == "python"
            and page not in PLAIN
            and f"$ python {block.manner}" not in "\n".join(typed).splitlines()
        ]
    assert silent == []


def test_a_fence_in_a_list_is_found_and_its_indent_is_not_its_own() -> None:
    [block] = blocks("1. Connect it:\n\n   ```console\n   $ a\n     b\n   ```\n")
    assert (block.kind, block.body) == ("console", "$ a\n  b\n")


@pytest.mark.parametrize(
    "session",
    [
        "```console\n$ echo 10 EA\n11 EA\n```\n",
        "```console\n$ echo 10 EA\n```\n",
        "```console\n$ true\n10 EA\n```\n",
        "```console terminal\n$ echo ready to sell\nready to ship\n```\n",
    ],
)
def test_a_page_that_promises_what_is_not_printed_is_not_followed(
    session: str, tmp_path: Path
) -> None:
    with reading(tmp_path) as reader, pytest.raises(AssertionError, match="expected"):
        reader.follow(session)


def test_a_warehouse_is_connected_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        for page in WAREHOUSE:
            reader.follow((DOCS / page).read_text())


async def test_a_shop_is_connected_and_what_gets_stuck_is_mended_as_the_pages_say() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        database = f"postgresql://postgres@/postgres?host={folder}/with-a-shop/postgres"
        for part in parted("".join((DOCS / page).read_text() for page in SHOP), TROUBLES):
            for heading, (typed, statement) in TROUBLES.items():
                if part.startswith(heading):
                    await asyncio.to_thread(reader.follow, typed)
                    await execute(database, statement)
            await asyncio.to_thread(reader.follow, part)


def test_reservations_are_made_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-reference-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow(GOODS)
        reader.follow((DOCS / RESERVATIONS).read_text())


def test_scarce_stock_is_shared_out_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / SCARCE).read_text())


def test_stock_is_reconciled_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow(GOODS)
        reader.follow((DOCS / RECONCILED).read_text())


def test_open_orders_are_compared_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / OPEN_LINES).read_text())


def test_warehouses_are_chosen_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / SOURCING).read_text())


def test_an_oversell_budget_is_set_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / BUDGET).read_text())


def test_promises_by_date_are_asked_for_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-by-date-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / BY_DATE).read_text())


async def test_a_postgresql_of_ones_own_is_used_as_the_page_says() -> None:
    page = (DOCS / OWN).read_text()
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


def parted(page: str, headings: Iterable[str]) -> list[str]:
    """Cut a page before each of these headings."""
    before = "|".join(re.escape(heading) for heading in headings)
    return re.split(f"^(?={before})", page, flags=re.MULTILINE)


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
