"""How `crossdock stock available` says what can be promised now, and of a kit out of what."""

from rich.markup import escape

from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.inventory import Availability
from crossdock.interfaces.api.stock_shapes import AvailabilityShown, KitStockShown
from crossdock.interfaces.cli.output import stdout
from crossdock.interfaces.cli.stock_doubts import print_doubts, print_left_out


def print_available(answer: Availability, shown: AvailabilityShown) -> None:
    _show(answer)
    if shown.kit is not None:
        _print_kit(shown.kit)
    print_doubts(shown.doubts)


def _show(answer: Availability) -> None:
    if not answer.is_known:
        stdout.print(f"{answer.item} at {answer.location}: [yellow]unknown[/], which is not zero")
        return
    stale = "  [yellow]stale: a source is silent[/]" if answer.is_stale else ""
    there_is = "unlimited" if answer.is_unlimited else answer.available
    stdout.print(f"{answer.item} at {answer.location}: [bold]{there_is}[/]{stale}")
    for name, value in _figures(answer).items():
        stdout.print(f"  {name:<10}{plain(value.value):>14} {value.unit}")
    print_left_out(answer.unknown_members)
    stdout.print(f"  [dim]{answer.rule}[/]", soft_wrap=True)


def _figures(answer: Availability) -> dict[str, Quantity]:
    figures = answer.figures
    return {
        "available": answer.available,
        "on_hand": answer.on_hand,
        "nettable": answer.quantity(figures.nettable),
        "expired": answer.quantity(answer.expired),
        "hard": answer.quantity(figures.hard),
        "soft": answer.quantity(figures.soft),
        "safety": answer.quantity(figures.safety),
        "net": answer.net,
        "withheld": answer.withheld,
        "shortage": answer.shortage,
    }


def _print_kit(kit: KitStockShown) -> None:
    """Say how many there are with those that can be put together, and what limits them."""
    there_is = "unknown" if kit.available is None else kit.available.value
    stdout.print(f"  as a kit [bold]{there_is}[/], with those that can be put together:")
    for one in kit.buildings:
        limits = ", ".join(one.limited_by)
        stdout.print(
            f"  {escape(one.location)}: {one.assembled.value} assembled,"
            f" {one.put_together.value} to put together; limited by {escape(limits)}",
            soft_wrap=True,
        )
        for part in one.components:
            unknown = "" if part.is_known else ", [yellow]of which nobody told[/]"
            stdout.print(
                f"    {escape(part.item)}: {part.into_one.value} {part.into_one.unit} into one,"
                f" {part.there_is.value} there{unknown}"
            )
