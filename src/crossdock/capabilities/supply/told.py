"""What the log is told when somebody changes a rule of supply."""

from datetime import datetime

from crossdock.canonical.envelope import Fact
from crossdock.canonical.supply import PromiseLapsed, SubstitutionChanged
from crossdock.capabilities.supply.kept import KeptPromise
from crossdock.capabilities.supply.substitution import SubstitutionVersion
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""The source name of the hub's own facts."""


def substitution(tenant: str, made: SubstitutionVersion) -> Entry:
    rule = made.rule
    fact = Fact(
        identity=f"substitution:{rule.item}:{made.version}",
        payload=SubstitutionChanged(
            item=rule.item,
            version=made.version,
            changed_by=made.put_by,
            alternatives=tuple(
                one.item for one in sorted(rule.alternatives, key=lambda one: one.rank)
            ),
            chooses=rule.chooses,
            keeps_rest=rule.keeps_rest,
        ),
        occurred_at=made.put_at,
        recorded_at=made.put_at,
    )
    return Entry(tenant=tenant, source=HUB, received_at=made.put_at, fact=fact)


def lapse(tenant: str, promise: KeptPromise, expires_at: datetime, now: datetime) -> Entry:
    fact = Fact(
        identity=f"promise-lapsed:{promise.promise_id}",
        payload=PromiseLapsed(
            promise_id=promise.promise_id,
            client=promise.client,
            request_id=promise.request_id,
            expires_at=expires_at,
        ),
        occurred_at=expires_at,
        recorded_at=now,
    )
    return Entry(tenant=tenant, source=HUB, received_at=now, fact=fact)
