"""One batch of due instances: claim, load, decide, write; all of it in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Command
from crossdock.foundation import metrics, telemetry
from crossdock.foundation.database import Transaction, WorkersSql
from crossdock.foundation.ids import derived_uuid, prefixed
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Said
from crossdock.orchestration.decision import Decision, Send
from crossdock.orchestration.engine.journal import parked_name
from crossdock.orchestration.engine.process import Key, Process, SendsCommands

log = structlog.get_logger(__name__)

PARKED_WITHIN = timedelta(hours=4)
TITLE_MOST = 200

# Whoever is locked is another worker's; a killed worker's locks end with its connection.
CLAIM = WorkersSql("""
select tenant, instance, ledger, step, correlation_id, causation_id from process_instance
where process = $1 and due_at <= $2 and parked_at is null
order by due_at limit $3
for update skip locked
""")

CLAIM_KEYS = """
select tenant, instance, ledger, step, correlation_id, causation_id from process_instance
where process = $1 and due_at <= $2 and parked_at is null
    and (tenant, instance) in (select * from unnest($3::text[], $4::text[]))
for update skip locked
"""

# Both at once: where each instance stands now, and what it did. A step without a note and
# without commands has no journal entry. Every row exists and is ours, so this is an update; said
# as an upsert it finds each row by its key whatever the planner believes about a growing table.
WRITE = """
with decided as (
    select * from json_to_recordset($4::json) as d(tenant text, instance text, ledger jsonb,
        timers jsonb, due_at timestamptz, step bigint, correlation_id text, causation_id text,
        note text, commands jsonb)
), journal as (
    insert into process_journal (tenant, process, instance, step, decided_at, worker,
        correlation_id, causation_id, note, commands)
    select tenant, $1, instance, step, $2, $3, correlation_id, causation_id, note, commands
    from decided where note <> '' or commands <> '[]'
)
insert into process_instance (process, tenant, instance, ledger, timers, due_at, step, decided_at)
select $1, tenant, instance, ledger, timers, due_at, step, $2 from decided
on conflict (process, tenant, instance) do update set
    ledger = excluded.ledger, timers = excluded.timers, due_at = excluded.due_at,
    step = excluded.step, decided_at = excluded.decided_at
"""

REST = """
insert into process_instance (process, tenant, instance)
select $1, * from unnest($2::text[], $3::text[])
on conflict (process, tenant, instance) do update set due_at = null
"""

PARK = """
update process_instance set parked_at = $4, parked_reason = $5
where process = $1 and tenant = $2 and instance = $3 returning correlation_id
"""

PARKED = WorkersSql("""
select process, count(*) as instances from process_instance
where parked_at is not null group by process
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An instance this worker holds until its transaction ends."""

    key: Key
    ledger: Any
    step: int
    correlation_id: str
    causation_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one claimed instance decided."""

    claimed: Claimed
    decision: Decision[Any]
    commands: tuple[Command, ...]

    @property
    def due_at(self) -> datetime | None:
        return min(self.decision.timers.values(), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Decides batches of one process. `name` is who, in the journal."""

    process: Process[Any, Any]
    outbox: SendsCommands
    name: str = "worker"

    async def claim(
        self, tx: Transaction, now: datetime, *, limit: int, keys: Sequence[Key] = ()
    ) -> list[Any]:
        if not keys:
            return await tx.fetch(CLAIM, self.process.name, now, limit)
        tenants, instances = [key.tenant for key in keys], [key.instance for key in keys]
        return await tx.fetch(CLAIM_KEYS, self.process.name, now, tenants, instances)

    async def work(self, tx: Transaction, rows: Sequence[Any], now: datetime) -> None:
        """Decide the claimed instances and write what they decided.

        An instance whose decision raises is parked with the reason; the others go on.
        """
        facts = await self.process.load(tx, [Key(row["tenant"], row["instance"]) for row in rows])
        steps: list[Step] = []
        resting: list[Key] = []
        failed: dict[str, tuple[Key, BaseException]] = {}
        for row in rows:
            key = Key(row["tenant"], row["instance"])
            if key not in facts:
                resting.append(key)
                continue
            try:
                steps.append(self._step(row, facts, now))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is this instance's
                await park(tx, self.process.name, key, now, error)
                failed[key.tenant] = (key, error)
        await self._write(tx, steps, now)
        await tell_parked(tx, self.process.name, failed, now)
        if resting:
            await tx.execute(
                REST, self.process.name, [k.tenant for k in resting], [k.instance for k in resting]
            )

    def _step(self, row: Any, facts: Mapping[Key, Any], now: datetime) -> Step:
        claimed = claimed_of(row, self.process)
        decision = self.process.decide(claimed.ledger, facts[claimed.key], now)
        return Step(claimed, decision, commands_of(self.process.name, claimed, decision.commands))

    async def _write(self, tx: Transaction, steps: Sequence[Step], now: datetime) -> None:
        if not steps:
            return
        if commands := [command for step in steps for command in step.commands]:
            await self.outbox.enqueue(tx, commands)
        written = msgspec.json.encode([_row(step) for step in steps]).decode()
        await tx.execute(WRITE, self.process.name, now, self.name, written)
        said = [
            Said(step.claimed.key.tenant, step.claimed.correlation_id, case)
            for step in steps
            for case in step.decision.cases
        ]
        await cases.record(tx, said, now)
        decisions = metrics.PROCESS_DECISIONS.labels(self.process.name)
        tx.afterwards(lambda: decisions.inc(len(steps)))


async def park(
    tx: Transaction, process: str, key: Key, now: datetime, error: BaseException
) -> None:
    """Set a poisonous instance aside, in sight, so that it stops nobody else."""
    thread = await tx.fetchval(PARK, process, key.tenant, key.instance, now, repr(error))
    with telemetry.correlated(thread or ""):
        log.error(
            "instance parked",
            process=process,
            tenant=key.tenant,
            instance=key.instance,
            exc_info=error,
        )


async def tell_parked(
    tx: Transaction, process: str, failed: Mapping[str, tuple[Key, BaseException]], now: datetime
) -> None:
    """Open a case of each tenant whose instances were set aside, with the last: one of a process.

    It is closed when all of them are resumed (`instances.py`).
    """
    said = [
        Said(
            tenant,
            "",
            OpenCase(
                code="PRC-PARKED",
                fingerprint=parked_name(process),
                severity="S2",
                owner_role="Integration",
                within=PARKED_WITHIN,
                entity=process,
                title=f"{process} goes on without {key.instance}: {error!r}"[:TITLE_MOST],
                evidence={"process": process, "instance": key.instance, "reason": repr(error)},
            ),
        )
        for tenant, (key, error) in sorted(failed.items(), key=lambda each: each[0])
    ]
    await cases.record(tx, said, now)


async def measure(tx: Transaction) -> None:
    """Fill the figures of what processes have set aside."""
    rows = await tx.fetch(PARKED)
    metrics.fill(metrics.PROCESS_PARKED, [((row["process"],), row["instances"]) for row in rows])


def claimed_of(row: Any, process: Process[Any, Any]) -> Claimed:
    ledger = row["ledger"]
    return Claimed(
        key=Key(row["tenant"], row["instance"]),
        ledger=(
            process.ledger()
            if ledger is None
            else msgspec.json.decode(ledger, type=process.ledger)
        ),
        step=row["step"] + 1,
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
    )


def commands_of(process: str, claimed: Claimed, sends: Sequence[Send]) -> tuple[Command, ...]:
    """Give each command its id: the same step decided again, after a crash, gives the same."""
    if not sends:
        return ()
    return tuple(
        Command(
            command_id=prefixed(
                "cmd",
                derived_uuid("command", process, *claimed.key, str(claimed.step), str(number)),
            ),
            tenant=claimed.key.tenant,
            connection=send.connection,
            role=send.role,
            subject=send.subject,
            version=send.version,
            arguments=send.arguments,
            lane=send.lane,
            process=process,
            instance=claimed.key.instance,
            correlation_id=claimed.correlation_id,
            causation_id=claimed.causation_id,
        )
        for number, send in enumerate(sends)
    )


def _row(step: Step) -> dict[str, Any]:
    claimed, decision = step.claimed, step.decision
    return {
        "tenant": claimed.key.tenant,
        "instance": claimed.key.instance,
        "ledger": decision.ledger,
        "timers": decision.timers,
        "due_at": step.due_at,
        "step": claimed.step,
        "correlation_id": claimed.correlation_id,
        "causation_id": claimed.causation_id,
        "note": decision.note,
        "commands": step.commands,
    }
