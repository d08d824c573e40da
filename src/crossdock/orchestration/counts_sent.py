"""To whom count tasks went, and what was answered: for whoever lists the tasks."""

from collections.abc import Mapping, Sequence

from crossdock.canonical.commands import Settlement
from crossdock.capabilities.reconciliation import SentTo
from crossdock.foundation.database import Transaction

SENT = """
select count_id, connection, settlement, detail from count_sending
where tenant = $1 and count_id = any($2) order by count_id, connection
"""

ANSWERS = {
    Settlement.DONE: "TAKEN",
    Settlement.REFUSED: "REFUSED",
    Settlement.PARKED: "UNKNOWN",
}


class CountsSent:
    async def sent(
        self, tx: Transaction, count_ids: Sequence[str]
    ) -> Mapping[str, Sequence[SentTo]]:
        found: dict[str, list[SentTo]] = {}
        for row in await tx.fetch(SENT, tx.tenant, list(count_ids)):
            answer = ANSWERS.get(row["settlement"], "WAITING")
            said = SentTo(connection=row["connection"], answer=answer, detail=row["detail"])
            found.setdefault(row["count_id"], []).append(said)
        return found
