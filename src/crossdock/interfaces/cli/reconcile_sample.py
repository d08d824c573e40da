"""`crossdock reconcile plan` and `sample`: what channels hold, read back a sample at a time."""

from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.capabilities.reconciliation import Sampled
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.reconcile_said import print_run


def plan(as_json: AsJson = False) -> None:
    """Show how often channels are read back, and what share of their quota it takes."""

    async def shown(hub: Hub) -> None:
        found = await hub.sampler.plans(hub.scope)
        if as_json:
            print_json(found)
            return
        table(
            ("channel", "listings", "keys a day", "calls a day", "of", "share", "days a round"),
            [
                (
                    f"{one.connection}/{one.location}",
                    one.listings,
                    one.keys_a_day,
                    one.calls_a_day,
                    one.quota_calls_a_day,
                    f"{one.share_ppm // 10_000}.{one.share_ppm % 10_000:04} %",
                    one.days_a_round,
                )
                for one in found
            ],
            empty="no channel that sells can be read back",
        )
        for one in found:
            name = f"{one.connection}/{one.location}"
            if one.refusal:
                stdout.print(f"{name} refuses: {one.refusal}", markup=False)
            if one.set_aside:
                said = f"{one.set_aside} listings are set aside, the last: {one.set_aside_because}"
                stdout.print(f"{name}: {said}", markup=False)

    with_hub(shown)


def sample(
    connection: Annotated[str, typer.Argument(help="The channel's connection.")],
    location: Annotated[str, typer.Argument(help="The channel's own location.")],
    item: Annotated[
        list[str] | None, typer.Option(help="Only this item; repeatable. Else the first.")
    ] = None,
    republish: Annotated[
        bool, typer.Option("--republish", help="Write again what was found twice to differ.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a channel what it holds, now, in one call of its quota; by itself a hub at work does."""

    async def read(hub: Hub) -> Sampled:
        return await hub.sampler.sample(
            hub.scope, connection, location, item or (), by="command line", republish=republish
        )

    done = with_hub(read)
    if as_json:
        print_json(done)
        return
    print_run(done.run)
    if done.stopped:
        stdout.print(f"nothing is written again: {done.stopped}")
    elif republish:
        stdout.print(f"{done.republished} levels are written again")
