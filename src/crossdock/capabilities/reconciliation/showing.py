"""Findings as people see them, due while the place works that they are of (§4.5)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from crossdock.canonical.calendars import Calendar, WorkingTime
from crossdock.capabilities.reconciliation import findings
from crossdock.capabilities.reconciliation.findings import Finding
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.ports import TimedDesk
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.foundation.database import Transaction

AROUND_THE_CLOCK = WorkingTime(Calendar(), UTC)
"""What a channel is shown: it sells at night too."""


async def shown(
    tx: Transaction, cases: TimedDesk, rows: Sequence[FindingRow], now: datetime, house: str
) -> list[Finding]:
    """Show these findings; `house` names the functional currency."""
    places = {row.location for row in rows if row.location and row.system != Kind.PUBLISHED}
    working = await cases.working(tx, places)
    return [
        findings.finding_shown(
            row,
            now,
            house,
            AROUND_THE_CLOCK
            if row.system == Kind.PUBLISHED
            else working.get(row.location, AROUND_THE_CLOCK),
        )
        for row in rows
    ]
