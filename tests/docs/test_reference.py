"""The documentation is complete and current, and its links lead somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from crossdock.canonical.events import EVENTS
from crossdock.connectivity.directory import installed_applications
from crossdock.foundation.settings import Settings
from crossdock.governance.contracts import contract_files
from crossdock.interfaces.cli.entry import COMMANDS, command_app
from tests.docs.generate import DOCS, PAGES, REFERENCE, commands_of, role_names

ROOT = DOCS.parent
PAGES_BY_HAND = [*sorted(DOCS.glob("**/*.md")), ROOT / "README.md"]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `make docs`"


def test_the_contracts_of_events_are_current() -> None:
    folder = REFERENCE / "events"
    written = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert written == contract_files()


def test_every_setting_command_event_role_and_application_is_documented() -> None:
    names = [f"`CROSSDOCK_{name.upper()}`" for name in Settings.model_fields]
    names += [
        " ".join(("$ crossdock", name, *words, "--help"))
        for name in COMMANDS
        for words in commands_of(name)
    ]
    names += [f"({event}.json)" for event in EVENTS]
    names += [f"## {name}" for name in [*role_names(), *installed_applications()]]
    reference = "\n".join(page.read_text() for page in REFERENCE.glob("**/*.md"))
    assert [name for name in names if name not in reference] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_says_what_it_does(name: str) -> None:
    group: Any = typer.main.get_command(command_app(name))
    commands = getattr(group, "commands", {"": group}).values()
    silent = [
        f"{command.name} {parameter.name}"
        for command in commands
        for parameter in command.params
        if not parameter.help
    ]
    assert silent == []


@pytest.mark.parametrize("page", PAGES_BY_HAND, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        leads_to = page.parent / target if target else page
        assert leads_to.exists(), target
        if anchor:
            assert anchor in anchors(leads_to.read_text()), f"{target}#{anchor}"


def test_every_page_is_reached_from_the_overview() -> None:
    overview = DOCS / "README.md"
    reached = {(DOCS / target).resolve() for target, _ in LINK.findall(overview.read_text())}
    pages = {page for page in DOCS.glob("**/*.md") if page.parent.name != "decisions"}
    assert pages - reached == {overview}


def anchors(page: str) -> set[str]:
    """Give the names that a reader's browser can jump to: headings, written small."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def test_the_page_of_the_architecture_names_the_folders_that_there_are() -> None:
    page = (DOCS / "explanation" / "architecture.md").read_text()
    house = ROOT / "src" / "crossdock"
    folders = {each.name for each in house.iterdir() if each.is_dir() and each.name[0] != "_"}
    capabilities = {
        each.name for each in (house / "capabilities").iterdir() if (each / "__init__.py").exists()
    }

    assert set(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE)) == folders
    [listed] = re.findall(r"one folder per business capability: (.*?)\.", page)
    assert set(re.findall(r"`(\w+)/`", listed)) == capabilities
    [layers] = re.findall(r"```text\n(__main__ .*?)```", page, re.DOTALL)
    assert set(re.findall(r"\w+", layers)) == folders | {"__main__"}


def test_every_command_that_an_error_or_a_page_names_is_one() -> None:
    """A hint that names no command leaves whoever follows it with a second error."""
    known = {(name, *words) for name in COMMANDS for words in commands_of(name)}
    alone = {name for name, *words in known if not words}
    named = re.compile(r"`crossdock ([a-z][a-z0-9-]*)(?: ([a-z][a-z0-9-]*))?(?=[ `])")
    found = {
        (file.name, *match.groups(""))
        for file in (*(DOCS.parent / "src").rglob("*.py"), *DOCS.rglob("*.md"))
        for match in named.finditer(file.read_text())
    }

    wrong = {one for one in found if one[1] not in alone and one[2] and one[1:] not in known}
    assert {one for one in found if one[1] not in COMMANDS} | wrong == set()
