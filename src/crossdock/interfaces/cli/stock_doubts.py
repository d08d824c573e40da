"""How `crossdock stock` says that a number is in doubt, and by how much."""

from collections.abc import Iterable

from rich.markup import escape

from crossdock.interfaces.api.stock_shapes import DoubtShown
from crossdock.interfaces.cli.output import stdout


def print_doubts(doubts: Iterable[DoubtShown]) -> None:
    for one in doubts:
        value = one.difference.value
        more = "less" if value.startswith("-") else "more"
        size = f"{value.lstrip('-')} {one.difference.unit} {more}"
        stdout.print(
            f"  [yellow]suspect[/]: {escape(one.against)} says {size}"
            f" ({one.state.lower()}; crossdock reconcile show {one.finding_id})",
            soft_wrap=True,
        )
