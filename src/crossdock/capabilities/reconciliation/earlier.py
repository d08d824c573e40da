"""What an earlier comparison found, beside what is found now; and how both are told."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crossdock.canonical.envelope import Fact, Payload
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.model import Before, State
from crossdock.capabilities.reconciliation.store import HUB, FindingRow
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry


def us_of(moment: datetime) -> int:
    """Count microseconds since 1970."""
    return (moment - instant(0)) // timedelta(microseconds=1)


def before_of(row: FindingRow) -> Before:
    """Give what was found before; what was gone since begins anew."""
    state = State.TOLERATED if row.is_gone else State(row.state)
    return Before(state, us_of(row.first_cut), row.at_stake, row.value_at_risk, row.currency)


def state_now(state: str, before: FindingRow | None, walked: FindingRow | None) -> str:
    """Correct a state that was judged by a finding which another has changed meanwhile.

    What another has found to be gone is suspected anew: one look more does not confirm it.
    """
    if state == State.SUSPECTED and before and not before.is_gone and was_confirmed(before):
        return State.CONFIRMED
    is_same = before and walked and before.finding_id == walked.finding_id
    is_new = not is_same and not was_confirmed(before)
    if state == State.CONFIRMED and (is_new or (before is not None and before.is_gone)):
        return State.SUSPECTED
    return state


def was_confirmed(before: FindingRow | None) -> bool:
    return before is not None and before.state == State.CONFIRMED


async def tell(tx: Transaction, said: Sequence[tuple[str, Payload]], now: datetime) -> None:
    """Tell the log, each once."""
    await event_log.append_once(
        tx,
        [
            Entry(
                tenant=tx.tenant,
                source=HUB,
                received_at=now,
                fact=Fact(identity=identity, payload=payload, occurred_at=now, recorded_at=now),
            )
            for identity, payload in said
        ],
    )
