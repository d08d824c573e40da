"""A dump that was rejected and is right all the same: believed when a person says so (R7)."""

from dataclasses import dataclass
from datetime import datetime

from crossdock.canonical.errors import Forbidden, Invalid, NotFound
from crossdock.canonical.people import may_be_same
from crossdock.canonical.reconciliation import SnapshotBelieved
from crossdock.capabilities.reconciliation import store, withholding
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.foundation.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """The dump that is given again, by whom; `run_id` is the run that rejected it."""

    run_id: str
    system: str
    against: str
    rows: int
    zeros: int
    by: str
    at: datetime


async def believe(tx: Transaction, again: Again) -> None:
    """Tell the log who believes it; refuse what was not rejected, or what nobody else saw."""
    found = await store.runs(tx, run_id=again.run_id, limit=1)
    if not found:
        raise NotFound(f"no comparison is called {again.run_id!r}")
    [run] = found
    is_same = (run.system, run.against, run.row_count, run.zero_count) == (
        again.system,
        again.against,
        again.rows,
        again.zeros,
    )
    if not run.is_rejected or not is_same:
        raise Invalid(
            f"{run.run_id} did not reject this dump",
            where="/believe",
            hint="run it without, look at why it is rejected, and then believe that run",
        )
    policy = await withholding.policy_in(tx)
    if policy.four_eyes and may_be_same(run.asked_by, again.by):
        raise Forbidden(
            f"{run.run_id} was asked for by {again.by}: another one has to believe it",
            code="four_eyes",
            hint="ask somebody else to look at it",
        )
    believed = SnapshotBelieved(
        run_id=run.run_id, against=again.against, believed_by=again.by, asked_by=run.asked_by
    )
    await tell(tx, [(f"snapshot_believed:{run.run_id}:{again.by}", believed)], again.at)
