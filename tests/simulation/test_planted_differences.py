"""The benchmark's world, small: every planted difference is found, none besides, while goods move.

The same is measured with a million positions by `crossdock bench reconcile`.
"""

from benchmarks.reconcile import measured


async def test_every_planted_difference_is_found_and_nothing_else() -> None:
    report = await measured(size=3_000, differences=48)

    goals = {goal.name: goal for goal in report.goals}
    assert goals["planted differences found"].value == 48
    assert goals["false differences"].value == 0
    assert goals["classes right"].value >= 95
