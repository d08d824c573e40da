"""How `crossdock stock` says that a number is in doubt, and by how much, or leaves some out."""

from collections.abc import Iterable, Sequence

from rich.markup import escape

from crossdock.interfaces.api.stock_shapes import DoubtShown
from crossdock.interfaces.cli.output import stdout


def print_doubts(doubts: Iterable[DoubtShown]) -> None:
    for one in doubts:
        stdout.print(
            f"  [yellow]suspect[/]: {escape(one.against)} says {_size(one)}"
            f" ({one.state.lower()}; crossdock reconcile show {one.finding_id})",
            soft_wrap=True,
        )


def _size(one: DoubtShown) -> str:
    value, unit = one.difference.value, one.difference.unit
    if value == "0":
        return "as much can be sold, and parts the rest otherwise"
    return f"{value.lstrip('-')} {unit} {'less' if value.startswith('-') else 'more'}"


def print_left_out(members: Sequence[str]) -> None:
    """Name the locations of a group that its figure leaves out."""
    if members:
        names = escape(", ".join(members))
        stdout.print(f"  [yellow]left out[/], for nobody said what lies there: {names}")
