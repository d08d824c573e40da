"""What `crossdock doctor` finds of things that stopped and wait for a person."""

from datetime import timedelta

from crossdock.assembly import Hub
from crossdock.foundation.health import Check, State

WAITED = timedelta(minutes=5)


async def standing_still(hub: Hub) -> list[Check]:
    """Look at everything that is set aside instead of stopping the rest."""
    scope = hub.scope
    counts = [
        ("Quarantine", await hub.quarantine.count_open(scope), "messages not recorded",
         "crossdock msg list"),
        ("Waiting room", await hub.waiting_room.count_since(scope, hub.clock.now() - WAITED),
         "facts wait for more than 5 min", "crossdock msg waiting"),
        ("Refused events", await hub.refusals.count(scope), "events not applied",
         "crossdock msg refused"),
        ("Parked instances", await hub.instances.count_parked(scope), "instances not decided",
         "crossdock process list"),
        ("Cases", await hub.cases.count_overdue(scope), "open cases past their deadline",
         "crossdock case list"),
    ]  # fmt: skip
    return [
        *(_counted(name, count, what, fix) for name, count, what, fix in counts),
        *await _jobs(hub),
        *await _sources(hub),
    ]


def _counted(name: str, count: int, what: str, fix: str) -> Check:
    if count:
        return Check(name, State.WARN, f"{count} {what}", fix)
    return Check(name, State.OK, f"no {what}")


async def _jobs(hub: Hub) -> list[Check]:
    failed = [job for job in await hub.jobs.listed() if job.failure]
    if not failed:
        return [Check("Jobs", State.OK, "none failed")]
    return [
        Check(
            "Jobs",
            State.WARN,
            f"{job.name} failed: {job.failure}",
            f"mend that; a worker tries again at {job.due_at:%H:%M:%S} UTC: crossdock worker",
        )
        for job in failed
    ]


async def _sources(hub: Hub) -> list[Check]:
    silent = await hub.inventory.upkeep.silent_sources(hub.scope)
    if not silent:
        return [Check("Sources", State.OK, "none silent for too long")]
    connected = {entry.name for entry in await hub.directory.entries(hub.scope)}
    return [
        Check(
            "Sources",
            State.WARN,
            f"{one.source} is silent since {one.heard_at:%Y-%m-%d %H:%M:%S} UTC; its stock is"
            " stale",
            f"crossdock connection check {one.source}"
            if one.source in connected
            else f"have {one.source} tell its stock again: POST /v1/events",
        )
        for one in silent
    ]
