"""A version of sourcing rules in the words of the log (§3.5). Pure."""

from datetime import datetime

from crossdock.canonical.sourcing import SourcingAlternatives, SourcingRulesChanged
from crossdock.capabilities.sourcing.document import RuleVersion, version_shown


def rules_changed(made: RuleVersion, now: datetime) -> SourcingRulesChanged:
    """Word a version for the log, in full; amounts in units, not in micros."""
    rules = version_shown(made).rules
    knobs = rules.alternatives
    return SourcingRulesChanged(
        scope=made.scope,
        version=made.version,
        valid_from=made.valid_from or now,
        changed_by=made.put_by,
        policy=rules.policy,
        filters=rules.filters,
        preferences=rules.preferences,
        max_shipments=rules.max_shipments,
        min_line_split_qty=rules.min_line_split_qty,
        alternatives=SourcingAlternatives(
            substitute=knobs.substitute,
            chooses=knobs.chooses,
            keeps_rest=knobs.keeps_rest,
            when=knobs.when,
        ),
    )
