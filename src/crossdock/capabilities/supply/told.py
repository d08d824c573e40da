"""What the log is told when somebody changes a rule of supply."""

from crossdock.canonical.envelope import Fact
from crossdock.canonical.supply import SubstitutionChanged
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
