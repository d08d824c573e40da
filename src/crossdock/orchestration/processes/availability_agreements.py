"""What is agreed for an item in a channel, as the row of the two says it."""

from datetime import timedelta
from typing import Any

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import (
    ShareMode,
    Terms,
    WhenStale,
    in_channel_units_up,
)
from crossdock.orchestration.processes.availability_state import Agreement


def agreement_of(row: Any) -> Agreement:
    """Put the channel's terms and the item's exceptions from them together."""
    return Agreement(
        terms=Terms(
            share_mode=ShareMode(row["share_mode"]),
            share_percent=row["share_percent"],
            share_fixed=row["item_share_fixed"],
            buffer=_buffer_of(row),
            cap=row["item_cap"],
            pack=row["pack"] or MICROS,
            is_excluded=bool(row["is_excluded"]),
            low_threshold=row["item_low_threshold"],
            levels=tuple(row["item_levels"]),
            jump_percent=row["jump_percent"],
            when_stale=WhenStale(row["when_stale"]),
            stale_buffer=row["stale_buffer"],
        ),
        coalesce=timedelta(seconds=row["coalesce_seconds"]),
        wait_for_order=timedelta(seconds=row["unexplained_seconds"]),
        corrections_max=row["corrections_max"],
        retry=timedelta(seconds=row["retry_seconds"]),
        is_active=row["is_active"],
    )


def _buffer_of(row: Any) -> int:
    """Give what is agreed to be held back, or the budget's, in whole packs, if that is more."""
    agreed: int = row["item_buffer"]
    if not row["has_budget"]:
        return agreed
    numerator, denominator = row["unit_numerator"] or 1, row["unit_denominator"] or 1
    budget = in_channel_units_up(row["budget"] or 0, numerator, denominator)
    pack = row["pack"] or MICROS
    return max(agreed, -(-budget // pack) * pack)
