"""How a connection stands, written for a person."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.markup import escape

from crossdock.connectivity.connections import Standing
from crossdock.interfaces.cli.output import stdout

MASK = "••••••"


def print_standing(standing: Standing, now: datetime) -> None:
    stdout.print(f"[bold]{standing.name}[/]  {standing.application}, revision {standing.revision}")
    for name, value in _lines(standing, now):
        stdout.print(f"  [cyan]{name:<12}[/]{escape(value)}", soft_wrap=True)
    stdout.print("  [cyan]settings[/]")
    for name, value in masked(standing.settings, standing.secrets).items():
        stdout.print(f"    {escape(name):<24}{escape(str(value))}", soft_wrap=True)


def masked(settings: Mapping[str, Any], secrets: Sequence[str]) -> dict[str, Any]:
    """Show that a secret is there, and never what it is; what is set to nothing is left out."""
    names = {pointer.split("/")[1] for pointer in secrets}
    shown = {name: MASK if name in names else value for name, value in settings.items()}
    return {name: value for name, value in shown.items() if value is not None}


def _lines(standing: Standing, now: datetime) -> Iterator[tuple[str, str]]:
    if standing.is_paused:
        yield "paused", standing.pause_reason
    yield "circuit", f"{standing.circuit}, {standing.failures} failures"
    yield "answered", _ago(standing.answered_at, now)
    if standing.last_error:
        yield "last error", standing.last_error
    roles = [f"{role} {' '.join(at)}".strip() for role, at in standing.roles.items()]
    yield "roles", ", ".join(roles) or "all of its application"
    yield "rate", f"{standing.rate_per_second:g} calls a second, {standing.concurrency} at once"
    gap = standing.gap_seconds
    yield "gaps", "not watched" if gap is None else f"reported after {gap} s"
    heard = _ago(standing.heard_at, now)
    yield "freshness", f"heard {heard}; stale after {standing.freshness_seconds} s of silence"
    if polling := standing.polling:
        yield "read", f"{_ago(polling.moved_at, now)}, {polling.failures} failures"
        yield "cursor", polling.cursor or "at the beginning"
        if polling.last_error:
            yield "read error" if polling.failures else "passed over", polling.last_error
    if webhooks := standing.webhooks:
        yield "webhooks", webhooks.error or f"to {webhooks.address}"
    if stock := standing.stock:
        yield "its stock", stock.equation if stock.is_declared else f"not said: {stock.equation}"
        for taken in stock.taken:
            yield "  taken", f"{taken.field}: {taken.meaning}"
        yield "  not taken", ", ".join(stock.not_taken)


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return (
        f"{moment:%Y-%m-%d %H:%M:%S} UTC ({max(0, round((now - moment).total_seconds()))} s ago)"
    )
