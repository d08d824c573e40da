"""Pages that explain or guide show pictures, and say in words what is to be seen on them."""

import re
from pathlib import Path

import pytest

from tests.docs.generate import DOCS, PICTURES

SHOWN = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
PAGES = sorted(DOCS.glob("*/*.md"))
ILLUSTRATED = (
    "explanation/allocation.md",
    "explanation/inventory.md",
    "explanation/oversell-budget.md",
    "explanation/publishing.md",
    "explanation/reconciliation.md",
    "explanation/sourcing.md",
    "how-to/choose-warehouses.md",
    "how-to/promise-by-date.md",
    "how-to/reconcile-orders.md",
    "how-to/reconcile-stock.md",
    "how-to/set-an-oversell-budget.md",
    "how-to/share-out-scarce-stock.md",
    "reference/reservations.md",
)
"""Pages whose subject the hub draws."""
WORDS_LEAST = 5
"""With fewer words a picture is named, and what is to be seen on it is not said."""


def shown(page: Path) -> list[tuple[str, Path]]:
    return [(words, page.parent / path) for words, path in SHOWN.findall(page.read_text())]


@pytest.mark.parametrize("name", ILLUSTRATED)
def test_a_page_about_what_the_hub_draws_shows_a_picture_of_it(name: str) -> None:
    drawn = {path.name for _, path in shown(DOCS / name)}

    assert drawn & set(PICTURES)


def test_every_picture_is_there_and_what_is_to_be_seen_on_it_is_said() -> None:
    for page in PAGES:
        for words, path in shown(page):
            assert path.is_file(), f"{page.name}: {path}"
            assert len(words.split()) >= WORDS_LEAST, f"{page.name}: {words}"


def test_every_picture_that_is_drawn_is_shown_on_a_page() -> None:
    drawn = {path.name for page in PAGES for _, path in shown(page)}

    assert set(PICTURES) <= drawn
