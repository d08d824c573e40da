"""`crossdock case`: business exceptions that a person must know of."""

from typing import Annotated

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="CASE", help="Case id, case_…")]


@app.command(name="list")
def list_cases(
    owner: Annotated[str, typer.Option(help="Only those that this role owns.")] = "",
    code: Annotated[str, typer.Option(help="Only with this code, such as PUB-FAIL.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    after: Annotated[str, typer.Option(help="Begin behind this case.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List open cases with owner and deadline, the most urgent first."""

    async def listed(hub: Hub) -> None:
        state = "" if every else "OPEN"
        found = await hub.cases.find(
            hub.scope, state=state, owner=owner, code=code, after=after, limit=limit
        )
        if as_json:
            print_json(found)
            return
        table(
            ("case", "code", "severity", "owner", "due", "times", "state", "what"),
            [
                (
                    one.case_id,
                    one.code,
                    one.severity,
                    one.owner_role,
                    f"{one.due_at:%m-%d %H:%M}",
                    one.count,
                    one.state,
                    f"{one.entity}: {one.title}",
                )
                for one in found
            ],
            empty="no cases yet" if every else "no case is open",
        )

    with_hub(listed)


@app.command()
def show(case: Id, as_json: AsJson = False) -> None:
    """Show a case with its evidence."""

    async def shown(hub: Hub) -> None:
        one = await hub.cases.show(hub.scope, case)
        if as_json:
            print_json(one)
            return
        stdout.print(f"[bold]{one.case_id}[/] {one.code} {one.severity}: {escape(one.title)}")
        for name, value in (
            ("about", one.entity),
            ("owner", one.owner_role),
            ("due", f"{one.due_at:%Y-%m-%d %H:%M:%S} UTC"),
            ("times", one.count),
            ("state", f"{one.state} {one.resolution}"),
            ("evidence", one.evidence),
        ):
            stdout.print(f"  {name:<9}{value}", soft_wrap=True, markup=False)

    with_hub(shown)


@app.command()
def close(
    case: Id,
    reason: Annotated[str, typer.Option(help="What was done; kept with the case.")],
    as_json: AsJson = False,
) -> None:
    """Close a case by hand; its cause, if it is met again, opens a new one."""

    async def closed(hub: Hub) -> None:
        one = await hub.cases.close(hub.scope, case, reason)
        print_json(one) if as_json else stdout.print(f"{case} closed")

    with_hub(closed)
