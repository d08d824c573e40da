"""How far the reading back of each channel has come, and what was refused meanwhile (§4.1.7)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crossdock.capabilities.reconciliation import findings
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.planning import Plan
from crossdock.foundation.database import Transaction

REASON_MAX = 300
IN_ROW_MAX = 12
"""Where so many calls are refused in a row it is no single listing: whole pages are set aside."""

OF = """
select * from reconciliation_round
where tenant = $1 and connection = $2 and location = $3 and kind = $4
"""
ALL = "select * from reconciliation_round where tenant = $1 and kind = $2"
PUT = """
insert into reconciliation_round (tenant, connection, location, after, again_after, calls,
    sampled_at, began_at, refusal, refused_at, set_aside, aside_because, narrow, in_row, kind,
    passes)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (tenant, kind, connection, location) do update set after = excluded.after,
    again_after = excluded.again_after, calls = excluded.calls, sampled_at = excluded.sampled_at,
    began_at = case when excluded.after = '' then excluded.began_at
        else reconciliation_round.began_at end,
    refusal = excluded.refusal, refused_at = excluded.refused_at,
    set_aside = excluded.set_aside, aside_because = excluded.aside_because,
    narrow = excluded.narrow, in_row = excluded.in_row, passes = excluded.passes
"""


@dataclass(slots=True, kw_only=True)
class Round:
    """How far a channel is read; `made` is up to when its calls were made, in microseconds.

    `refusal` is why the channel as a whole could not be asked last; `set_aside` is how many
    listings of this round it refused to tell, `aside_because` the last of them and why. After a
    refusal a call asks for half as many, `narrow` times. `passes` counts how often all were read.
    """

    after: str = ""
    again_after: str = ""
    calls: int = 0
    made: int | None = None
    refusal: str = ""
    refused_at: datetime | None = None
    set_aside: int = 0
    aside_because: str = ""
    narrow: int = 0
    in_row: int = 0
    passes: int = 0

    def narrowed(self, limit: int) -> int:
        """Say how many listings the next call asks for: at least one, if there is room for any."""
        if self.in_row >= IN_ROW_MAX:
            return limit
        return max(1, limit >> self.narrow) if limit else 0

    def answer(self) -> bool:
        """Take note that a call was answered; what it asked for is done."""
        self.refusal, self.in_row, self.narrow = "", 0, max(0, self.narrow - 1)
        if not self.after:
            self.set_aside, self.aside_because = 0, ""
        return True

    def refuse(self, items: Sequence[str], asked: int, reason: str, now: datetime) -> bool:
        """Take note that a call was refused; answer whether its listings are set aside."""
        self.refused_at = now
        self.in_row += 1
        is_over = asked == 1 or self.in_row > IN_ROW_MAX
        if not is_over:
            self.narrow += 1
            return False
        if items:
            if not self.after:
                self.set_aside = 0
            self.set_aside += len(items)
            span = items[0] if len(items) == 1 else f"{items[0]} to {items[-1]}"
            self.aside_because = f"{span}: {reason}"[:REASON_MAX]
        return True


async def of(tx: Transaction, plan: Plan) -> Round:
    row = await tx.fetchrow(OF, tx.tenant, plan.connection, plan.location, plan.kind)
    return Round() if row is None else _round(row)


async def all_in(tx: Transaction, kind: str) -> dict[tuple[str, str], Round]:
    rows = await tx.fetch(ALL, tx.tenant, kind)
    return {(row["connection"], row["location"]): _round(row) for row in rows}


async def put(tx: Transaction, plan: Plan, at: Round, now: datetime) -> None:
    await tx.execute(
        PUT,
        tx.tenant,
        plan.connection,
        plan.location,
        at.after,
        at.again_after,
        at.calls,
        None if at.made is None else instant(at.made),
        now,
        at.refusal,
        at.refused_at,
        at.set_aside,
        at.aside_because,
        at.narrow,
        at.in_row,
        plan.kind,
        at.passes,
    )


def shown(plan: Plan, at: Round | None) -> Plan:
    """Say of a plan what was refused, too."""
    if at is None:
        return plan
    return replace(
        plan,
        refusal=at.refusal,
        refused_at=at.refused_at,
        set_aside=at.set_aside,
        set_aside_because=at.aside_because,
    )


def _round(row: Any) -> Round:
    made = row["sampled_at"]
    return Round(
        after=row["after"],
        again_after=row["again_after"],
        calls=row["calls"],
        made=None if made is None else findings.microseconds(made),
        refusal=row["refusal"],
        refused_at=row["refused_at"],
        set_aside=row["set_aside"],
        aside_because=row["aside_because"],
        narrow=row["narrow"],
        in_row=row["in_row"],
        passes=row["passes"],
    )
