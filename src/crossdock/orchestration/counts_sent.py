"""To whom count tasks went, and what was answered: for whoever lists the tasks."""

from collections.abc import Mapping, Sequence

from crossdock.canonical.commands import Settlement
from crossdock.capabilities.reconciliation import SentTo
from crossdock.foundation.database import Transaction
from crossdock.orchestration.processes.count_facts import KnowsTakers

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
    """What was sent; with `directory` also what was not, to who takes tasks by now."""

    def __init__(self, directory: KnowsTakers | None = None) -> None:
        self._directory = directory

    async def untold(
        self, tx: Transaction, places: Mapping[str, str]
    ) -> Sequence[tuple[str, str]]:
        if self._directory is None or not places:
            return []
        takers = await self._directory.takers(tx, [tx.tenant])
        if not takers:
            return []
        rows = await tx.fetch(SENT, tx.tenant, list(places))
        told = {(row["count_id"], row["connection"]) for row in rows}
        wanted = {
            (count_id, one.connection)
            for count_id, location in places.items()
            for one in takers
            if one.location == location
        }
        return sorted(wanted - told)

    async def sent(
        self, tx: Transaction, count_ids: Sequence[str]
    ) -> Mapping[str, Sequence[SentTo]]:
        found: dict[str, list[SentTo]] = {}
        for row in await tx.fetch(SENT, tx.tenant, list(count_ids)):
            answer = ANSWERS.get(row["settlement"], "WAITING")
            said = SentTo(connection=row["connection"], answer=answer, detail=row["detail"])
            found.setdefault(row["count_id"], []).append(said)
        return found
