"""`crossdock reconcile cycle-counts`, `count-tasks`, `ask-count` and `refuse-count`: counts."""

from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.capabilities.reconciliation import CountReason, SentTo, TaskStatus
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]
Location = Annotated[str, typer.Option(help="Only at this location.")]
BY = "command line"


def cycle_counts(location: Location = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """Propose what to count, the most urgent first. Counts are blind: no quantity is named."""

    async def proposed(hub: Hub) -> None:
        found = await hub.reconciliation.cycle_counts(hub.scope, location=location, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            ("item", "location", "class", "why"),
            [(one.item, one.location, one.of, one.reason) for one in found],
            empty="nothing needs to be counted",
        )

    with_hub(proposed)


def count_tasks(
    location: Location = "",
    status: Annotated[
        TaskStatus, typer.Option(help="Those that ended stay for about a day.")
    ] = TaskStatus.PROPOSED,
    after: Annotated[str, typer.Option(metavar="COUNT", help="Behind this task, cnt_…")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List what a hub at work has told to be counted, to whom, and what was answered."""

    async def listed(hub: Hub) -> None:
        found = await hub.count_tasks.listed(
            hub.scope, status=status, location=location, after=after, limit=limit
        )
        if as_json:
            print_json(found)
            return
        table(
            ("task", "item", "location", "class", "why", "since", "told to", "because"),
            [
                (
                    one.count_id,
                    one.item,
                    one.location,
                    one.item_class,
                    one.reason,
                    one.proposed_at.isoformat(timespec="minutes"),
                    "; ".join(map(_told, one.sent_to)),
                    one.because,
                )
                for one in found
            ],
            empty=f"no count task is {status}",
        )

    with_hub(listed)


def _told(sent: SentTo) -> str:
    """Say to whom a task went and what was answered, as in `wms TAKEN: task 4711`."""
    said = f"{sent.connection} {sent.answer}"
    return f"{said}: {sent.detail}" if sent.detail else said


def ask_count(
    item: Annotated[str, typer.Argument(help="What is to be counted.")],
    location: Annotated[str, typer.Argument(help="Where.")],
    reason: Annotated[
        CountReason, typer.Option(help="RECALL, SHORT_PICK, EMPTY_SHELF or ZERO_BALANCE.")
    ],
    as_json: AsJson = False,
) -> None:
    """Have a shelf counted that was picked short or found empty; a count task is told at once."""
    done = with_hub(lambda hub: hub.count_tasks.ask(hub.scope, item, location, reason))
    if as_json:
        print_json(done)
        return
    stdout.print(f"{done.count_id} {done.status}: {done.item} at {done.location}", markup=False)


def refuse_count(
    count_id: Annotated[str, typer.Argument(metavar="COUNT", help="Count task, cnt_…")],
    because: Annotated[str, typer.Option(help="Why it cannot be counted.")],
    as_json: AsJson = False,
) -> None:
    """End a count task that cannot be done now; it is told again after a day, if still needed."""
    done = with_hub(lambda hub: hub.count_tasks.refuse(hub.scope, count_id, because, by=BY))
    if as_json:
        print_json(done)
        return
    stdout.print(f"{count_id} is refused: {done.because}", markup=False)
