"""`crossdock reconcile plan`, `sample` and `ask`: what others hold, a sample at a time."""

from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.capabilities.reconciliation import Plan, Sampled, StockAsked
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.reconcile_said import print_run


def plan(as_json: AsJson = False) -> None:
    """Show how often channels, stock and what is open are read, and of what share of a quota.

    Of orders and purchases it is what two readings take: what the first suspects is read again.
    """

    async def shown(hub: Hub) -> None:
        channels = await hub.sampler.plans(hub.scope)
        found = [*channels, *await hub.stock_sampler.plans(hub.scope)]
        found += await hub.open_rounds.plans(hub.scope)
        if as_json:
            print_json(found)
            return
        table(
            ("what", "of", "keys", "keys a day", "calls a day", "of", "share", "days a round"),
            [
                (
                    one.kind.lower(),
                    _name(one),
                    one.listings,
                    one.keys_a_day,
                    one.calls_a_day,
                    one.quota_calls_a_day,
                    f"{one.share_ppm // 10_000}.{one.share_ppm % 10_000:04} %",
                    one.days_a_round,
                )
                for one in found
            ],
            empty="no channel can be read back, and no system asked for stock or what is open",
        )
        for one in found:
            name = _name(one)
            if one.refusal:
                stdout.print(f"{name} refuses: {one.refusal}", markup=False)
            if one.set_aside:
                said = f"{one.set_aside} listings are set aside, the last: {one.set_aside_because}"
                stdout.print(f"{name}: {said}", markup=False)

    with_hub(shown)


def _name(plan: Plan) -> str:
    return f"{plan.connection}/{plan.location}" if plan.location else plan.connection


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


def ask(
    connection: Annotated[str, typer.Argument(help="The system's connection.")],
    location: Annotated[str, typer.Argument(help="The hub's location.")],
    item: Annotated[list[str], typer.Option(help="This item; repeatable.")],
    take: Annotated[
        bool, typer.Option("--take", help="Record it, if this system keeps the stock there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a system what lies of some items, now, and compare it; by itself a hub at work does."""

    async def asked(hub: Hub) -> StockAsked:
        return await hub.stock_sampler.ask(
            hub.scope, connection, location, item, by="command line", take=take
        )

    done = with_hub(asked)
    if as_json:
        print_json(done)
        return
    print_run(done.run)
    if take:
        stdout.print(f"{done.taken} counts of {connection} are recorded", markup=False)
