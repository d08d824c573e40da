"""Every example of the documentation runs, or says why not."""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from crossdock.applications import generic_wms
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.canonical.inventory import MovementType, StockMoved
from crossdock.connectivity.sdk import Delivery
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.interfaces.cli.bench import NAMES
from tests.conftest import execute
from tests.docs.console import blocks, reading
from tests.docs.generate import DOCS

ROOT = DOCS.parent
README = ROOT / "README.md"

OWN_POSTGRES = "postgresql://crossdock:…@db.example.com:5432"


def python_blocks(page: Path) -> list[str]:
    return [block.body for block in blocks(page.read_text()) if block.kind == "python"]


PAGES = {page: "\n".join(python_blocks(page)) for page in sorted(DOCS.glob("**/*.md"))}
# Those of a hub at work are programs of their own, which the console of their page runs.
PROGRAMS = re.compile(r"Hub\.open|EmbeddedPostgres\.start")
PLAIN = [page for page, examples in PAGES.items() if examples and not PROGRAMS.search(examples)]
AT_WORK = [
    "how-to/choose-warehouses.md",
    "how-to/close-a-period.md",
    "how-to/connect-a-shop.md",
    "how-to/promise-by-date.md",
    "how-to/reconcile-invoices.md",
    "how-to/reconcile-orders.md",
    "how-to/replay-dead-letters.md",
    "how-to/set-an-oversell-budget.md",
    "how-to/share-out-scarce-stock.md",
    "how-to/use-your-own-postgresql.md",
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
DATABASE = "how-to/connect-a-database.md"
RECONCILED = "how-to/reconcile-stock.md"
OPEN_LINES = "how-to/reconcile-orders.md"
FOLLOWED = "how-to/reconcile-invoices.md"
PERIOD = "how-to/close-a-period.md"
BY_DATE = "how-to/promise-by-date.md"
EDI = "how-to/check-edi-files.md"
PARTNERS = "how-to/exchange-edi-with-partners.md"
AS2 = "how-to/open-as2-messages.md"
EXCHANGED = "how-to/exchange-as2-messages.md"
TYPED = {
    *WAREHOUSE,
    *SHOP,
    RESERVATIONS,
    SOURCING,
    OWN,
    BUDGET,
    BY_DATE,
    EDI,
    PARTNERS,
    AS2,
    EXCHANGED,
    DATABASE,
    OPEN_LINES,
    FOLLOWED,
    PERIOD,
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

# Every other fence without a name, by page and first words: what reads it, or why nothing can.
SHOWN = {
    ("README.md", "make demo"): "UNTYPED",
    ("docs/tutorial/first-steps.md", "make demo"): "UNTYPED",
    ("docs/how-to/keep-connections.md", "curl -X"): "UNTYPED",
    ("docs/how-to/connect-tryton.md", "crossdock connection"): "UNTYPED",
    ("docs/how-to/connect-a-shop.md", '{"shop_domain": "example.myshopify.com",'): (
        "test_the_form_of_a_shop_is_one_that_its_application_takes"
    ),
    ("docs/how-to/connect-a-warehouse.md", '{"type": "movement",'): (
        "test_the_webhook_of_a_warehouse_is_read_as_its_page_says"
    ),
    ("docs/how-to/use-your-own-postgresql.md", "create role"): (
        "test_a_postgresql_of_ones_own_is_used_as_the_page_says"
    ),
    ("docs/how-to/use-your-own-postgresql.md", "create database"): (
        "test_a_postgresql_of_ones_own_is_used_as_the_page_says"
    ),
    ("docs/explanation/performance.md", "crossdock bench"): (
        "test_every_measurement_that_the_page_names_is_one"
    ),
    ("docs/explanation/architecture.md", "__main__ >"): "the layers, which import-linter keeps",
    ("docs/explanation/architecture.md", "warehouse ─"): "a drawing",
    ("docs/explanation/inbox-and-outbox.md", "bytes ──"): "a drawing",
    ("docs/explanation/processes.md", "write 35"): "what is written and refused, in turn",
    ("docs/explanation/allocation.md", "max(0, min(maximum_g"): "a formula",
}
# The ERP that the page about databases takes for an example.
ERP = """
create table stock (id integer primary key, sku text, on_hand numeric, changed_at timestamptz);
create table orders (id integer primary key, changed_at timestamptz, ship_on date);
create table order_lines (order_id integer, no integer, sku text, qty numeric);
create table purchases (id integer, number text, confirmed boolean, changed_at timestamptz);
create table purchase_lines (id integer, no integer, purchase_id integer, sku text, qty numeric,
    received numeric, due date, changed_at timestamptz);
insert into stock values (1, 'BOLT', 12, '2026-03-02 08:00Z');
insert into orders values (7, '2026-03-02 08:00Z', '2026-03-05');
insert into order_lines values (7, 1, 'BOLT', 4);
insert into purchases values (3, '4711', true, '2026-03-02 08:00Z');
insert into purchase_lines values (9, 1, 3, 'BOLT', 20, 5, '2026-03-09', '2026-03-02 08:00Z');
create role reader login;
grant select on all tables in schema public to reader;
"""
ERP_DSN = "postgresql://reader:…@erp.example.com/erp"
A_PROMISE = "rsv_5cfd4db40bbe415b7d3b9c15e6677114"
A_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+ UTC")

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


MOVED = """
```console
$ crossdock stock available BOLT DC1 | head -n 1
BOLT at DC1: 10 EA...
```
"""


READ = """
```console
$ export CROSSDOCK_DATA_DIR=$PWD/hub CROSSDOCK_ALLOW_LOCAL_DATABASES=true
$ crossdock catalog add-location DC1
DC1 is known
$ crossdock catalog add-item BOLT
BOLT is known
```
"""
AS_READ = """
```console terminal
$ crossdock worker
...
```

```console eventually
$ crossdock stock available BOLT DC1 | head -n 3
BOLT at DC1: 8 EA...
  available              8 EA
  on_hand               12 EA
```
"""


def test_the_example_of_the_readme_is_short_and_prints_what_it_says() -> None:
    [example] = python_blocks(README)
    assert len([line for line in example.splitlines() if line]) < 10
    [said] = re.findall(r"It prints `([^`]*)`", README.read_text())
    with tempfile.TemporaryDirectory(prefix="crossdock-readme-") as folder:
        for _ in range(2):
            assert run(example, Path(folder)).strip() == said


def test_a_promise_is_asked_about_later_as_the_readme_says() -> None:
    [example] = python_blocks(README)
    asked = example.replace("print(promise.status", "print(promise.reservation_id, promise.status")
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-readme-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.ports[A_PROMISE] = run(asked, Path(folder)).split()[0]
        reader.follow("```console\n$ export CROSSDOCK_DATA_DIR=$PWD\n```\n")
        reader.follow(A_MOMENT.sub("... UTC", README.read_text()))


def test_every_fence_without_a_name_is_read_by_a_test_or_says_why_not() -> None:
    generated = {DOCS / "reference" / name for name in ("cli.md", "roles.md", "api.md")}
    found = Counter(
        (str(page.relative_to(ROOT)), " ".join(block.body.split()[:2]))
        for page in [*PAGES, README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
        for block in blocks(page.read_text())
        if block.kind not in {"console", "python"} and not block.manner and page not in generated
    )

    assert found == Counter(SHOWN.keys()), "two that begin alike are two"
    tests = {why for why in SHOWN.values() if why.startswith("test_")}
    assert tests <= globals().keys()


def test_the_form_of_a_shop_is_one_that_its_application_takes() -> None:
    [form] = unnamed("how-to/connect-a-shop.md", "json")

    settings = ShopifySettings.model_validate_json(form)
    assert settings.demand_location == "DC1"


def test_the_webhook_of_a_warehouse_is_read_as_its_page_says() -> None:
    page = "how-to/connect-a-warehouse.md"
    [message] = unnamed(page, "json")
    [form] = [
        block.body for block in blocks((DOCS / page).read_text()) if block.manner == "wms.json"
    ]
    receive = generic_wms.APPLICATION.receive
    assert receive

    told = receive(generic_wms.APPLICATION.settings.model_validate_json(form)).translate(
        Delivery(body=message.encode())
    )

    assert told.refused == ()
    [fact] = told.facts
    moved = fact.payload
    assert isinstance(moved, StockMoved)
    assert (moved.type, moved.item, str(moved.quantity)) == (MovementType.PICK, "SKU-1", "4 EA")
    assert (moved.demand_ref, fact.sequence) == ("shop:1001/1", 41)


def test_every_measurement_that_the_page_names_is_one() -> None:
    [typed] = unnamed("explanation/performance.md", "text")

    assert sorted(typed.splitlines()) == sorted(f"crossdock bench {one} --json" for one in NAMES)
    table = [
        row
        for row in (DOCS / "explanation/performance.md").read_text().splitlines()
        if row.startswith("| ")
    ]
    shown_by = [row.split(" | ")[-1].split("`")[1] for row in table[1:]]
    assert len(shown_by) > len(NAMES)
    assert set(shown_by) == {*(f"crossdock bench {one}" for one in NAMES), "make simulate"}


def unnamed(page: str, kind: str) -> list[str]:
    """Give the bodies of a page's fences that no file is made of."""
    found = blocks((DOCS / page).read_text())
    return [block.body for block in found if block.kind == kind and not block.manner]


def test_every_page_with_a_hub_at_work_is_followed_by_a_test_of_its_own() -> None:
    found = [str(page.relative_to(DOCS)) for page in PAGES if PROGRAMS.search(PAGES[page])]
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
    found = Counter(
        (str(page.relative_to(ROOT)), " ".join(block.body.split()[:2]))
        for page in [*PAGES, README, ROOT / "CONTRIBUTING.md"]
        for block in blocks(page.read_text())
        if block.kind in {"sh", "bash", "shell", "zsh"}
    )
    assert found == Counter(UNTYPED.keys())


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


def test_a_fence_that_says_nothing_of_itself_is_found_too() -> None:
    bare, behind = blocks("```\na ── b\n```\n\n```json\n{}\n```\n")
    assert (bare.kind, bare.manner, bare.body) == ("", "", "a ── b\n")
    assert (behind.kind, behind.body) == ("json", "{}\n")


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


@pytest.mark.parametrize("page", [OPEN_LINES, FOLLOWED, PERIOD, PARTNERS])
def test_documents_and_periods_are_kept_as_the_page_says(page: str) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / page).read_text())


def test_files_are_checked_and_acknowledged_as_the_page_says(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        reader.follow((DOCS / EDI).read_text())


def test_as2_messages_are_made_opened_and_matched_as_the_page_says(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        reader.follow((DOCS / AS2).read_text())


def test_documents_are_exchanged_by_as2_as_the_page_says() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / EXCHANGED).read_text())


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


async def test_a_database_is_connected_and_read_as_the_page_says() -> None:
    with tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder:
        server = await EmbeddedPostgres.start(Path(folder))  # the ERP's own
        try:
            await execute(server.dsn, "create database erp")
            await execute(server.dsn_of("erp"), ERP)
            with reading(Path(folder)) as reader:
                reader.ports[ERP_DSN] = f"postgresql://reader@/erp?host={folder}/postgres"
                await asyncio.to_thread(reader.follow, READ)
                await asyncio.to_thread(reader.follow, (DOCS / DATABASE).read_text())
                await asyncio.to_thread(reader.follow, AS_READ)
        finally:
            server.stop()


async def test_a_postgresql_of_ones_own_is_used_as_the_page_says() -> None:
    page = (DOCS / OWN).read_text()
    with tempfile.TemporaryDirectory(prefix="crossdock-how-to-") as folder:
        server = await EmbeddedPostgres.start(Path(folder))  # it stands for the team's own
        try:
            for statement in "".join(b.body for b in blocks(page) if b.kind == "sql").split(";"):
                if statement.strip():
                    await execute(server.dsn, statement)
            with reading(Path(folder)) as reader:
                for name in ("crossdock", "moved"):
                    reader.ports[f"{OWN_POSTGRES}/{name}"] = (
                        f"'postgresql://crossdock@/{name}?host={folder}/postgres'"
                    )
                for part in (GOODS.replace("reserved", "embedded"), page, MOVED):
                    await asyncio.to_thread(reader.follow, part)
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
