"""Count tasks and the directory, in the words of the process that sends tasks to warehouses."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.capabilities.catalog import Naming
from crossdock.capabilities.inventory import LedgerAtCut
from crossdock.capabilities.reconciliation import Counts, CountTasks, Reconciliation
from crossdock.connectivity.directory import Directory
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.counts_sent import CountsSent
from crossdock.orchestration.engine.process import Process
from crossdock.orchestration.processes.count_facts import Refused, Taker, count_sending
from crossdock.orchestration.processes.count_sending import ROLE


@dataclass(frozen=True, slots=True)
class _Takers:
    directory: Directory

    async def takers(self, tx: Transaction, tenants: Sequence[str]) -> Collection[Taker]:
        told = await self.directory.told(tx, tenants, ROLE)
        return {
            Taker(one.tenant, one.connection, location)
            for one in told
            for location in one.locations
        }


@dataclass(frozen=True, slots=True)
class _Refusals:
    tasks: CountTasks

    async def refused_by(self, tx: Transaction, refused: Sequence[Refused]) -> None:
        for one in refused:
            house = tx.of(one.tenant)
            await self.tasks.refused_by(house, one.count_id, one.because, one.connection)
            for topic in house.wakes:
                tx.wake(topic)


def over(
    database: Database,
    clock: Clock,
    ids: Ids,
    compared: tuple[Reconciliation, LedgerAtCut, Naming, Directory],
) -> tuple[CountTasks, Counts]:
    """Build what proposes counts and knows to whom they went, and what hears what they found."""
    proposes, ledger, names, directory = compared
    sent = CountsSent(_Takers(directory))
    tasks = CountTasks(database, clock, ids, proposes, ledger, sent=sent)
    return tasks, Counts(database, clock, ids, (names, ledger), CaseDesk())


def sending(directory: Directory, tasks: CountTasks) -> Process[Any, Any]:
    """Declare the process that has warehouses count."""
    return count_sending(_Takers(directory), _Refusals(tasks))
