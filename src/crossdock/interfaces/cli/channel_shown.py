"""What `crossdock channel show` prints: the items of a channel, and whether it is in safe mode."""

from collections.abc import Iterator
from decimal import Decimal

from crossdock.canonical.quantities import plain
from crossdock.interfaces.api.channel_chart import asked
from crossdock.interfaces.cli.output import stdout, table
from crossdock.orchestration.processes.availability_exposure import (
    ChannelExposure,
    ItemExposure,
    KitExposure,
)
from crossdock.orchestration.processes.safe_mode import policy


def print_exposure(shown: ChannelExposure) -> None:
    others = ", ".join(f"{name} ({mode})" for name, mode in shown.others.items())
    stdout.print(
        f"{shown.connection} at {shown.location} ({shown.share_mode})"
        f" sells from one pool with {others or 'nobody else'}"
    )
    for line in _feeds(shown):
        stdout.print(line)
    table(
        (
            "item",
            "there is",
            "others'",
            "may take",
            "buffer",
            "to show",
            "shown",
            "all",
            "beyond",
            "",
        ),
        [
            (
                one.item,
                _known(one.pool),
                plain(one.kept_for_others),
                "" if one.allowance is None else plain(one.allowance),
                plain(one.buffer),
                _known(one.exposed),
                _known(one.shown),
                plain(one.together),
                plain(one.beyond),
                _remark(one),
            )
            for one in shown.items
        ],
        empty="it was told of no item yet",
    )


def _feeds(shown: ChannelExposure) -> Iterator[str]:
    """Say who tells of its stock, and in which words it is in safe mode."""
    if not shown.feeds.sources:
        yield (
            "nobody is known to tell of its stock: what nobody told of is not written, and the"
            " channel keeps the number it has"
        )
        return
    for one in shown.feeds.silent:
        heard = "never spoke" if one.heard_at is None else f"spoke last at {one.heard_at:%H:%M}"
        safely = policy(shown.when_stale, shown.stale_buffer)
        yield f"safe mode since {one.since:%Y-%m-%d %H:%M} UTC: {one.source} {heard}; {safely}"
    if not shown.feeds.silent:
        yield f"its stock is told by {', '.join(shown.feeds.sources)}; none of them is silent"


def _remark(one: ItemExposure) -> str:
    remarks: list[str] = []
    if one.silent:
        remarks.append(f"safe mode: {', '.join(one.silent)} silent")
    elif one.untold:
        remarks.append(f"nobody told of {', '.join(one.untold)}")
    if one.short_dated:
        remarks.append(f"{plain(one.short_dated)} short-dated: {asked(one.lives)}")
    remarks += [_kit_remark(kit) for kit in one.kits]
    return "; ".join(remarks)


def _kit_remark(kit: KitExposure) -> str:
    """Say how many of a kit a building has, and what there is too little of for one more."""
    untold = ", ".join(one.item for one in kit.components if not one.is_known)
    limits = ", ".join(kit.limited_by)
    return (
        f"{kit.location}: {plain(kit.assembled)} assembled and {plain(kit.put_together)} to put"
        f" together, limited by {limits}" + (f" (nobody told of {untold})" if untold else "")
    )


def _known(units: Decimal | None) -> str:
    return "unknown" if units is None else plain(units)
