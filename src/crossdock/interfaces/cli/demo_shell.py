"""What the demo shows: progress while it plays, the table at the end, what to try next."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from crossdock.canonical.errors import CrossdockError
from crossdock.canonical.quantities import plain
from crossdock.foundation import telemetry
from crossdock.foundation.settings import SettingsAlone
from crossdock.interfaces.api.promise_shapes import PromiseShown
from crossdock.interfaces.cli import demo_drift, trading_day
from crossdock.interfaces.cli.demo_drift import Drift
from crossdock.interfaces.cli.demo_promotion import Promotion
from crossdock.interfaces.cli.demo_run import OPENING, Played, enter, picks_of, play_in
from crossdock.interfaces.cli.demo_world import SITE, World
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import run
from crossdock.interfaces.cli.output import (
    error_object,
    lines_to,
    print_error,
    print_json,
    stderr,
    stdout,
)
from crossdock.interfaces.cli.trading_day import DAY_SECONDS, Channel, Day, Tally
from crossdock.interfaces.cli.typed import this_command

LABEL_WIDTH = 18


def run_day(day: Day, old: Tally, *, port: int, keep: bool, as_json: bool) -> None:
    telemetry.configure(SettingsAlone(log_level="ERROR"))
    with tempfile.TemporaryDirectory(prefix="crossdock-demo-") as folder:
        went_well = run(_run(day, old, Path(folder), port=port, keep=keep, as_json=as_json))
    if not went_well:
        raise typer.Exit(EXIT_FINDINGS)


async def _run(
    day: Day, old: Tally, folder: Path, *, port: int, keep: bool, as_json: bool
) -> bool:
    started = time.perf_counter()
    async with AsyncExitStack() as stack:
        world = await enter(stack, day, folder, port)
        seconds = time.perf_counter() - started
        stderr.print(f"  [green]✓[/] the hub   embedded PostgreSQL in {folder}  {seconds:.1f} s")
        stderr.print(
            "  [green]✓[/] the ends  warehouses by signed webhooks, shops by Admin GraphQL,"
        )
        stderr.print("              an ERP by JSON-RPC")
        played = await _play(world, day)
        seconds = time.perf_counter() - started
        went_well = tell(day, old, played, seconds, as_json=as_json)
        if keep and went_well:
            await _keep(world)
        return went_well


def tell(day: Day, old: Tally, played: Played, seconds: float, *, as_json: bool) -> bool:
    """Print what the day came to, in JSON as one object; say whether it ended as it has to."""
    trouble = trouble_of(day, played)
    if as_json:
        print_json(
            {**_as_object(day, old, played, seconds), "trouble": trouble and error_object(trouble)}
        )
    else:
        _show(day, old, played, seconds)
    if trouble:
        print_error(trouble, as_json=False)
    return trouble is None


def trouble_of(day: Day, played: Played) -> CrossdockError | None:
    """Find where the day did not end as it has to (`demo_oversold`, `demo_drift`): a defect."""
    for code, trouble in (
        ("demo_oversold", trading_day.trouble_of(played.tally)),
        ("demo_drift", demo_drift.trouble_of(played.drift)),
    ):
        if trouble:
            return CrossdockError(trouble, code=code, hint=f"report the seed: {day.seed}")
    return None


async def _play(world: World, day: Day) -> Played:
    columns = (
        TextColumn("  playing "),
        BarColumn(),
        TextColumn("{task.fields[at]}  {task.fields[orders]} orders"),
        TimeRemainingColumn(),
    )
    is_live = stderr.is_terminal
    with Progress(*columns, console=stderr, transient=True, disable=not is_live) as progress:
        task = progress.add_task("day", total=DAY_SECONDS, at="08:00", orders=0)

        def advance(end: int, played: Played) -> None:
            at = f"{8 + end // 3600:02}:{end % 3600 // 60:02}"
            count = sum(played.tally.accepted.values())
            progress.update(task, completed=end, at=at, orders=count)
            if not is_live and end % 7200 == 0:
                stderr.print(f"  {at}  {count} orders", highlight=False)

        return await play_in(world, day, advance)


def _as_object(day: Day, old: Tally, played: Played, seconds: float) -> dict[str, object]:
    return {
        "seed": day.seed,
        "seconds": round(seconds, 1),
        "batch_feed": _tally(old, picks_of(day, old)),
        "crossdock": _tally(played.tally, played.picks),
        "messages": played.messages,
        "propagation_ms": {"p50": _quantile(played, 50), "p99": _quantile(played, 99)},
        "on_hand": played.on_hand,
        "promised": played.promised,
        "shown_in_shop": played.shown,
        "explained": played.explained,
        "promotion": _promotion(played.promotion),
        "drift": played.drift,
    }


def _promotion(one: Promotion) -> dict[str, object]:
    return {
        "item": one.item,
        "stock": one.stock,
        "kept_for_shop": int(one.kept),
        "shown_in_market": one.shown,
        "sold": one.sold,
        "refused": one.refused,
        "refusal": one.refusal,
    }


def _tally(tally: Tally, picks: int) -> dict[str, int]:
    return {
        "shop_orders": tally.accepted[Channel.SHOP],
        "branch_orders": tally.accepted[Channel.BRANCH],
        "picks": picks,
        "refused": sum(tally.refused.values()),
        "refused_in_vain": tally.refused_in_vain,
        "oversold_orders": tally.oversold_orders,
        "oversold_units": tally.oversold_units,
    }


def _show(day: Day, old: Tally, played: Played, seconds: float) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "shop", "branches", "picks", "refused", "in vain", "oversold", "units"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, tally, picks in (
        ("two-hour batch feed", old, picks_of(day, old)),
        ("Crossdock", played.tally, played.picks),
    ):
        colour = "red" if tally.oversold_orders else "green"
        table.add_row(
            name,
            *(str(tally.accepted[channel]) for channel in Channel),
            str(picks),
            str(sum(tally.refused.values())),
            str(tally.refused_in_vain),
            f"[{colour}]{tally.oversold_orders}[/]",
            f"[{colour}]{tally.oversold_units}[/]",
        )
    stdout.print()
    stdout.print(table)
    stdout.print()
    stdout.print(
        f"movement to shop  p50 {_quantile(played, 50)} ms, p99 {_quantile(played, 99)} ms"
        f"  [dim]({len(played.delays)} rounds over HTTP)[/]"
    )
    stdout.print(
        f"now at {SITE}        {played.on_hand} on hand, {played.promised} promised,"
        f" {played.shown} shown in the shop"
    )
    if played.explained:
        _print_labelled(_why(played.explained))
    _print_labelled(_sold(played.promotion))
    if played.drift:
        _print_labelled(_healed(played.drift))
    stdout.print(f"the day took      {seconds:.1f} s, seed {day.seed}")
    stdout.print()
    words = ("demo --seed 8", "demo --keep", "serve")
    proposed = "  ·  ".join(escape(f"{this_command()} {one}") for one in words)
    stdout.print(f"[bold]Try next[/]  {proposed}", soft_wrap=True)


def _print_labelled(line: str) -> None:
    """Print a line so that what is folded stays behind its label."""
    drawn = Table.grid()
    drawn.add_column(width=LABEL_WIDTH, no_wrap=True)
    drawn.add_column()
    drawn.add_row(line[:LABEL_WIDTH], line[LABEL_WIDTH:])
    lines_to().print(drawn)


def _why(promise: PromiseShown) -> str:
    """Say why a counter was answered as it was; the hub can say so for ever."""
    [line] = promise.lines
    again = "the same" if promise.is_reproduced else "not the same"
    return (
        f"why, asked later  {promise.request_id} at {promise.decided_at:%H:%M}, {line.item}:"
        f" {line.because}  [dim]({line.nettable.value} nettable - {line.claimed.value} claimed;"
        f" decided once more: {again})[/]"
    )


def _sold(one: Promotion) -> str:
    """Say what the market could not sell because it was kept for the shop."""
    return (
        f"the promotion     {one.stock} {one.item}, {plain(one.kept)} kept for the shop:"
        f" the market sold {one.sold['market']} and was refused {one.refused['market']},"
        f" a branch {_at_counter(one)}, the shop sold {one.sold['shop']}"
    )


def _at_counter(one: Promotion) -> str:
    return f"{one.refused['branch']} ({one.refusal})" if one.refusal else "was served"


def _healed(one: Drift) -> str:
    """Say what an ERP lacked, by which document, what it was worth, and whether it is mended."""
    after = "both agree" if one.agrees else "they still differ"
    again = "sent again" if one.resent else "nothing could be sent again"
    why = f"it refused {one.document}" if one.cause == "MSG_REJECTED" else one.because
    return (
        f"the drift         {one.item} at {one.location}: {plain(one.ours)} here,"
        f" {plain(one.theirs)} in the ERP, worth {plain(one.value)}; {why}"
        f" [dim]({one.cause})[/]; {again}, {after}"
    )


def _quantile(played: Played, percent: int) -> float:
    ordered = sorted(played.delays)
    if not ordered:
        return 0.0
    return round(1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 1)


async def _keep(world: World) -> None:
    """Serve until interrupted; the clock of the demo stands where the day ended."""
    stderr.print(f"\nserving {world.address}  key {world.owner_key}  (Ctrl-C ends it)")
    stderr.print(
        f"the demo's clock stands at {world.clock.now():%H:%M}, opened at {OPENING:%H:%M}"
    )
    await asyncio.Event().wait()
