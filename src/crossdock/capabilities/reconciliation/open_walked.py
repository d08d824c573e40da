"""What a walk along both sides of open lines found, and what of it is to be written."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from crossdock.capabilities.reconciliation.earlier import state_now, us_of, was_confirmed
from crossdock.capabilities.reconciliation.model import State
from crossdock.capabilities.reconciliation.open_findings import Tally
from crossdock.capabilities.reconciliation.open_lines import LineNumber
from crossdock.capabilities.reconciliation.store import FindingRow


@dataclass(slots=True, kw_only=True)
class Walked:
    """What a walk along both sides found.

    Of the lines that were found before, `befores`, it met some, and some are `cleared`.
    """

    tally: Tally = field(default_factory=Tally)
    befores: Mapping[LineNumber, FindingRow] = field(default_factory=dict[LineNumber, FindingRow])
    rows: list[FindingRow] = field(default_factory=list[FindingRow])
    cleared: set[LineNumber] = field(default_factory=set[LineNumber])
    met: set[LineNumber] = field(default_factory=set[LineNumber])

    def take(self, row: FindingRow, most: int) -> None:
        """Keep what differs; of what a rule lets pass so many at most, the others are counted."""
        if row.state != State.TOLERATED:
            self.tally.different += 1
        elif len(self.rows) - self.tally.different >= most and (
            LineNumber(row.document, row.line) not in self.befores
        ):
            self.tally.untold += 1
            return
        self.rows.append(row)


def sorted_out(
    walked: Walked, befores: Mapping[LineNumber, FindingRow], cut: int
) -> tuple[list[FindingRow], list[FindingRow]]:
    """Say which findings are gone and which are to be written, by what is open at this moment.

    A dump that is older than what a finding was last seen in says nothing of it.
    """
    gone = [
        row
        for number, row in befores.items()
        if number in walked.cleared and us_of(row.last_cut) <= cut
    ]
    rows: list[FindingRow] = []
    for row in walked.rows:
        number = LineNumber(row.document, row.line)
        before, known = befores.get(number), walked.befores.get(number)
        if before is not None and us_of(before.last_cut) > cut:
            continue
        if before is not None and row.state == State.TOLERATED and was_confirmed(before):
            gone.append(before)
            continue
        state = state_now(row.state, before, known)
        name = before.finding_id if before else row.finding_id
        rows.append(replace(row, state=state, finding_id=name))
    return gone, rows
