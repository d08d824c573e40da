"""Writes the reference pages that are made from the code: `make docs`.

`python -m tests.docs.generate picture` plays the demo and draws its end screen anew; with `freeze`
(`make freeze`) the contracts of events, as they are now, become those that later versions keep.
"""

import dataclasses
import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.inventory import budget
from crossdock.capabilities.inventory.budget import Seller
from crossdock.capabilities.supply import kept
from crossdock.capabilities.supply.answer import Atp, Claim, Kin, Node, Question, Standing
from crossdock.capabilities.supply.horizon import horizon
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.kept import KeptPromise, PromiseProof
from crossdock.capabilities.supply.promise import answered
from crossdock.capabilities.supply.rules import AtpRule, terms_of
from crossdock.connectivity.directory import installed_applications
from crossdock.connectivity.sdk import Application, Grade, roles
from crossdock.foundation.settings import Settings
from crossdock.governance.contracts import RELEASED, release_contracts, write_contracts
from crossdock.interfaces.api import atp_chart, backlog_chart
from crossdock.interfaces.api.budget_chart import drawn
from crossdock.interfaces.cli.entry import COMMANDS, command_app
from crossdock.orchestration.processes.oversell_shown import BudgetCurve
from tests.docs.frozen import problem_of, seal
from tests.docs.pictures import (
    accuracy_picture,
    allocation_picture,
    available_picture,
    choose_picture,
    difference_picture,
    explained_picture,
    groups_picture,
    open_line_picture,
    promise_proof_picture,
    publishing_picture,
    share_out_picture,
    sourcing_picture,
)
from tests.docs.routes import api_page

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference"
PICTURE = DOCS / "images" / "demo.svg"
MONDAY = datetime(2026, 5, 4, 9, tzinfo=UTC)
WIDTH = 100


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Read once at the start, from environment variables; an empty one is as none. A value",
        "that cannot be read stops the start with an error that names it; a variable of another",
        "name changes nothing, and `crossdock doctor` names it.",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "`~/.crossdock`" if name == "data_dir" else f"`{field.default}`"
        shown = "" if field.default in (None, "") else default
        lines.append(f"| `CROSSDOCK_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def cli_page() -> str:
    lines = [
        "# Commands",
        "",
        "Every command takes `--help` and `--json` (one JSON object on stdout; progress and",
        "errors go to stderr). Exit codes: 0 ok, 1 findings, 2 usage, 4 the other side did not",
        "answer, 130 interrupted.",
    ]
    for name, line in COMMANDS.items():
        lines += ["", f"## {name}", "", line, ""]
        for words in commands_of(name):
            shown = " ".join(("crossdock", name, *words))
            lines += ["```text", f"$ {shown} --help", _help(name, words), "```"]
    return "\n".join(lines) + "\n"


def commands_of(name: str) -> Iterator[tuple[str, ...]]:
    """Give the words behind a command's name: none, or one for each of its own commands."""
    command: Any = typer.main.get_command(command_app(name))
    for word in getattr(command, "commands", ()):
        yield (word,)
    if not hasattr(command, "commands"):
        yield ()


def _help(name: str, words: tuple[str, ...]) -> str:
    runner = CliRunner(env={"COLUMNS": str(WIDTH), "TERM": "dumb", "NO_COLOR": "1"})
    result = runner.invoke(command_app(name), [*words, "--help"], prog_name=f"crossdock {name}")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", result.output)
    return "\n".join(line.rstrip() for line in plain.strip().splitlines())


def roles_page() -> str:
    lines = [
        "# Roles",
        "",
        "What an application can be asked to do. A process asks for a role, never for a product.",
    ]
    for name in role_names():
        role: Any = getattr(roles, name)
        lines += ["", f"## {name}", "", inspect.getdoc(role) or "", "", "```text"]
        for method, function in inspect.getmembers(role, inspect.isfunction):
            if not method.startswith("_"):
                signature = re.sub(r"[a-z_]+\.(?=\w)", "", str(inspect.signature(function)))
                lines.append(f"async def {method}{signature}")
        lines.append("```")
    lines += ["", "# Commands and outcomes", ""]
    for name in ("SetAvailability", "PostMovement", "SetCountTask", "Outcome", "HeldQuantity"):
        shape = getattr(roles, name)
        lines += [f"## {name}", "", inspect.getdoc(shape) or "", ""]
        lines += [f"- `{field.name}`: {_type_name(field.type)}" for field in _fields(shape)]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def role_names() -> list[str]:
    found: list[str] = []
    for name, role in sorted(vars(roles).items()):
        is_protocol = inspect.isclass(role) and getattr(role, "_is_protocol", False)
        if is_protocol and role.__module__ == roles.__name__:
            found.append(name)
    return found


def _fields(shape: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(shape)


def _type_name(kind: Any) -> str:
    return f"`{kind.__name__}`" if isinstance(kind, type) else f"`{kind}`"


def applications_page() -> str:
    lines = [
        "# Applications",
        "",
        "What the hub can talk to, and the settings that `crossdock connection add` asks for.",
        "Secrets are stored encrypted and never shown again. The grade says how far an",
        "application is proven:",
        "",
        *_sentences(Grade),
    ]
    for name, application in sorted(installed_applications().items()):
        lines += ["", f"## {name}", "", f"{application.title}. {_abilities(application)}", ""]
        lines += ["| setting | default | |", "|---|---|---|"]
        lines += _setting_rows(application.settings)
    return "\n".join(lines) + "\n"


def _sentences(kind: type) -> list[str]:
    return [line for line in (inspect.getdoc(kind) or "").splitlines()[2:] if line]


def _abilities(application: Application) -> str:
    asked = ", ".join(sorted(f"`{role.__name__}`" for role in application.roles)) or "nothing"
    told = ", ".join(f"`{event.TYPE}`" for event in application.events)
    met = "the real product" if application.is_run_live else "its stand-in alone"
    grade = f"{application.kind}, {application.grade}, proven against {met}"
    sentences = f"{grade}.\n\nIt tells {told}.\nIt can be asked for {asked}."
    return sentences + "".join(_stock_sentences(application))


def _stock_sentences(application: Application) -> Iterator[str]:
    """Say what the product means by available, what the hub takes of it, and what it asks for."""
    if question := application.stock_question:
        keys, requests = question.keys_max, question.requests
        yield f"\n\nIt can be asked for the stock of single items (`reconcile ask`): up to {keys}"
        yield f" in a question,\nwhich counts as {requests} requests of its rate."
    if application.lists_open:
        kinds = " and ".join(application.lists_open)
        yield f"\n\nIt can be asked for all its open {kinds} (`reconcile run --kind"
        yield f" {application.lists_open[0]}`), and is\nso every few hours; a page of them counts"
        yield f" as {application.requests_a_listing} requests of its rate."
    if equation := application.stock_equation:
        yield f"\n\nIts own number: {equation.equation}.\nThe hub takes the inputs:\n"
        for entry in equation.inputs:
            yield f"\n- `{entry.field}` ({entry.meaning}) becomes `{entry.tells.TYPE}`"
        names = ", ".join(f"`{name}`" for name in equation.available)
        yield f"\n\nNever: {names}." if names else ""


def _setting_rows(form: type[BaseModel]) -> Iterator[str]:
    for name, field in form.model_fields.items():
        default = "" if field.default in (PydanticUndefined, None, "", ()) else field.default
        if field.default_factory is not None:
            default = ""
        shown = "required" if field.is_required() else f"`{default}`" if default != "" else ""
        shown = "" if "SecretStr" in shown else shown
        description = (field.description or "").replace("|", "\\|")
        yield f"| `{name}` | {shown} | {description} |"


def budget_picture() -> str:
    """Draw the budget of an item that sells 36 an hour over a path of ten seconds (A16)."""
    return _budget("36 an hour", 36, lump=1)


def cases_picture() -> str:
    """Draw the same of an item that is bought by the case of twelve."""
    return _budget("36 an hour in cases of 12", 36, lump=12)


def _budget(item: str, per_hour: int, *, lump: int) -> str:
    hour = per_hour * MICROS
    squares = lump * hour * MICROS
    seller = Seller(name="shop", peak=hour, taken=hour, squares=squares, order_ms=0)
    percent = Decimal(1)
    curve = BudgetCurve(
        item=item,
        oversell_percent=percent,
        seconds=Decimal(10),
        buffer=Decimal(budget.held_back([seller], 10_000, percent)) / MICROS,
        points=tuple(
            (Decimal(ms) / 1000, Decimal(held) / MICROS)
            for ms, held in budget.curve([seller], percent)
        ),
    )
    return drawn(curve)


def atp_of_the_how_to(pieces: int | None = None) -> Atp:
    """Answer what `docs/how-to/promise-by-date.md` asks, on a Monday."""

    def day(number: int) -> date:
        return MONDAY.date() + timedelta(days=number)

    def coming(name: str, pieces: int, evidence: SupplyEvidence, days: int) -> Supply:
        shipped = evidence is SupplyEvidence.SHIPPED
        kind = SupplyKind.ASN_LINE if shipped else SupplyKind.PO_SCHEDULE
        return Supply(name, "erp", kind, "DC1", pieces * MICROS, evidence, day(days))

    supplies = [
        coming("asn-5", 40, SupplyEvidence.SHIPPED, 2),
        coming("po-6/1", 60, SupplyEvidence.ACKNOWLEDGED, 3),
        coming("po-9/1", 50, SupplyEvidence.SENT, 1),
    ]
    terms = terms_of([AtpRule(weekdays="1234567")])
    standing = Standing(40 * MICROS, 35 * MICROS, is_known=True)
    node = Node(terms, standing, [Claim("order-7/1", 35 * MICROS, on=day(1))], supplies)
    question = Question("BOLT", "DC1", "EA", None if pieces is None else pieces * MICROS)
    return answered(question, Kin(node), horizon(terms, MONDAY), MONDAY)


def atp_picture() -> str:
    """Draw what can be promised of 40 when 35 are due tomorrow and 94 come."""
    return atp_chart.drawn(atp_of_the_how_to())


def promise_of_the_how_to() -> KeptPromise:
    """Promise sixty by date, in three parts."""
    answer = atp_of_the_how_to(60)
    [lines] = kept.lines_of(answer, 1, "order-77/1", {})
    return KeptPromise(
        promise_id="prm_019",
        client="shop",
        request_id="order-77",
        made_at=MONDAY,
        is_granted=True,
        released_at=None,
        replaced_by="",
        lines=tuple(lines),
        proof=PromiseProof(reasons=("",), answers=(answer,), rules=()),
    )


def promise_picture() -> str:
    """Draw sixty that leave in three parts, as goods come in."""
    return atp_chart.of_promise(promise_of_the_how_to())


class Difference(NamedTuple):
    cause: str
    age: str
    value_at_risk: Decimal | None
    currency: str = ""


BACKLOG = (
    *(Difference("MSG_REJECTED", age, Decimal(840)) for age in ("0-4 h", "0-4 h", "4-24 h")),
    *(Difference("MSG_DUP", age, Decimal(410)) for age in ("0-4 h", "1-3 d")),
    *(Difference("UOM", age, Decimal(330)) for age in ("4-24 h", "1-3 d", "1-3 d")),
    *(Difference("STATUS_MAP", age, Decimal(65)) for age in ("1-3 d", "3-7 d", "3-7 d", "> 7 d")),
    *(
        Difference("UNKNOWN", age, Decimal(120))
        for age in ("0-4 h", "0-4 h", "4-24 h", "4-24 h", "1-3 d", "> 7 d")
    ),
)


def backlog_picture() -> str:
    """Draw a backlog as a company with one ERP may have it."""
    return backlog_chart.drawn(BACKLOG)


def draw_demo() -> str:
    """Play the demo and draw what it leaves on a terminal."""
    command = "crossdock demo"
    programs = Path(sys.executable).parent
    program = [str(programs / "crossdock"), "demo"]
    path = f"{programs}:/usr/bin:/bin"
    environment = {"FORCE_COLOR": "1", "COLUMNS": "84", "PATH": path}
    played = subprocess.run(program, env=environment, check=True, capture_output=True, text=True)
    console = Console(width=84, record=True, file=open("/dev/null", "w"), force_terminal=True)  # noqa: PTH123, SIM115 - thrown away with the process
    console.print(f"[bold green]$[/] {command}", highlight=False)
    console.print(Text.from_ansi(played.stdout.rstrip()))
    # Without the fonts that rich would have the reader's browser fetch from elsewhere.
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title=command, unique_id="demo", code_format=template)


def api_reference() -> str:
    return api_page((REFERENCE / "api.md").read_text())


PAGES: MappingProxyType[str, Callable[[], str]] = MappingProxyType(
    {
        "settings.md": settings_page,
        "cli.md": cli_page,
        "roles.md": roles_page,
        "applications.md": applications_page,
        "api.md": api_reference,
    }
)


PICTURES: MappingProxyType[str, Callable[[], str]] = MappingProxyType(
    {
        "budget.svg": budget_picture,
        "budget-cases.svg": cases_picture,
        "atp.svg": atp_picture,
        "promise.svg": promise_picture,
        "backlog.svg": backlog_picture,
        "explained.svg": explained_picture,
        "difference.svg": difference_picture,
        "open-line.svg": open_line_picture,
        "available.svg": available_picture,
        "reservation.svg": promise_proof_picture,
        "accuracy.svg": accuracy_picture,
        "allocation.svg": allocation_picture,
        "allocation-groups.svg": groups_picture,
        "share-out.svg": share_out_picture,
        "sourcing.svg": sourcing_picture,
        "choose-warehouses.svg": choose_picture,
        "publishing.svg": publishing_picture,
    }
)
"""The pictures that the product draws, each from figures that are said here."""


def freeze(events: Path, changelog: str) -> str:
    """Freeze and seal the contracts; answer why not, if they break what was released."""
    if problem := problem_of(events / RELEASED):
        return f"nothing was frozen: {problem}"
    if found := release_contracts(events):
        return "\n".join(["nothing was frozen, this would break:", *map(str, found)])
    seal(events / RELEASED, changelog)
    return ""


def main(arguments: list[str]) -> None:
    if arguments == ["freeze"]:
        changelog = (DOCS.parent / "CHANGELOG.md").read_text()
        sys.exit(freeze(REFERENCE / "events", changelog) or None)
    if arguments == ["picture"]:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(draw_demo())
        return
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page())
    write_contracts(REFERENCE / "events")
    for name, drawing in PICTURES.items():
        (DOCS / "images" / name).write_text(drawing())


if __name__ == "__main__":
    main(sys.argv[1:])
