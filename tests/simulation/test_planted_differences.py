"""The benchmark's world, small: every planted difference is found, none besides, while goods move.

They are of every root-cause class of domain.md §4.4.

The same is measured with a million positions by `crossdock bench reconcile`.
"""

from benchmarks.reconcile import measured
from benchmarks.reconcile_world import CAUSES
from crossdock.capabilities.reconciliation import Cause


def test_every_class_is_planted() -> None:
    assert sorted(CAUSES) == sorted(set(Cause) - {Cause.PRICE})  # of money, not of goods


async def test_every_planted_difference_is_found_and_nothing_else() -> None:
    report = await measured(size=3_000, differences=60)

    goals = {goal.name: goal for goal in report.goals}
    assert goals["planted differences found"].value == 60
    assert goals["false differences"].value == 0
    assert goals["classes right"].value >= 95
