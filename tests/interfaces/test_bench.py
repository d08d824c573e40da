"""A benchmark prints one object of a fixed shape; its exit code says if a goal is missed."""

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.growth_way import Way
from benchmarks.processes import locked
from benchmarks.report import Goal, Report, percentile
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.interfaces.cli.bench import NAMES

ROOT = Path(__file__).parents[2]
KEYS = ["bench", "goals", "rounds", "machine"]
# Where PostgreSQL's share is not in what a round says of its cost, as the changelog says, too.
COST_OF_A_PART = {
    ("newcomer", "demo"): "demo_cpu_us",  # the demo ends its own PostgreSQL
    ("reservations", "under fire"): "hub_cpu_us",  # the database is killed under it
}
# Of a hub at work, which a measurement must leave alone.
AT_WORK = {"CROSSDOCK_DSN": "postgresql://127.0.0.1:1/production", "CROSSDOCK_TENANT": "zzz"}
KEYS_OF_A_GOAL = ["name", "value", "unit", "goal", "holds"]

# A measurement that takes no time, beside the real report that it fills.
MEASURED = """
from benchmarks.report import Goal, Report


async def run(rounds: int, quick: bool) -> Report:
    goals = [
        Goal("[bold]a ratio[/bold] [sic]", {value}, "ratio", ">= 0.8"),
        Goal("lost " + "x" * 200, 0, "promises", "== 0"),
    ]
    figures = [{{"round": one + 1, "side": "hub", "cpu_us": 12.5}} for one in range(rounds)]
    return Report("{name}", goals, figures, {{"cores": 2}})
"""


def measured(folder: Path, name: str, *, value: float) -> None:
    """Lay a clone's benchmarks down in a folder: the real report, and a measurement of ours."""
    benchmarks = folder / "benchmarks"
    benchmarks.mkdir(exist_ok=True)
    (benchmarks / "report.py").write_text((ROOT / "benchmarks" / "report.py").read_text())
    (benchmarks / f"{name}.py").write_text(MEASURED.format(name=name, value=value))


def bench(folder: Path, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crossdock", "bench", *words],
        env={
            "PATH": os.environ["PATH"],  # noqa: TID251  # whose programs it runs
            "HOME": str(folder),
            "COLUMNS": "60",
            **AT_WORK,
        },
        cwd=folder, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def check_shape(said: Any, name: str) -> None:
    assert list(said) == KEYS
    assert said["bench"] == name
    assert said["goals"]
    assert said["rounds"]
    for goal in said["goals"]:
        assert list(goal) == KEYS_OF_A_GOAL
        kinds = {key: type(value) for key, value in goal.items() if key != "value"}
        assert kinds == {"name": str, "unit": str, "goal": str, "holds": bool}
        assert isinstance(goal["value"], int | float)
    for figures in said["rounds"]:
        cost = COST_OF_A_PART.get((name, figures.get("side")), "cpu_us")
        assert cost in figures, "what did an operation cost, PostgreSQL's share with it?"
    for figures in (*said["rounds"], said["machine"]):
        assert all(isinstance(value, int | float | str) for value in figures.values())


@pytest.mark.parametrize(
    ("goal", "value", "holds"),
    [
        (">= 0.8", 0.8, True), (">= 0.8", 0.7999, False), (">= 40,000", 39_999, False),
        ("<= 1.1", 1.1, True), ("<= 1.1", 1.1001, False),
        ("== 0", 0, True), ("== 0", 1, False), ("== 0", -1, False),
    ],
)  # fmt: skip
def test_a_goal_holds_on_its_own_side_of_its_bound(
    goal: str, value: float, *, holds: bool
) -> None:
    assert Goal("any", value, "units", goal).holds is holds


def test_a_report_is_one_object_and_holds_if_all_its_goals_do() -> None:
    kept, missed = Goal("kept", 1.23456, "x", ">= 1"), Goal("missed", 3, "units", "== 0")
    report = Report("any", [kept], [{"round": 1, "cpu_us": 2.5}], {"cores": 2})

    assert report.holds
    assert report.as_object() == {
        "bench": "any",
        "goals": [{"name": "kept", "value": 1.2346, "unit": "x", "goal": ">= 1", "holds": True}],
        "rounds": [{"round": 1, "cpu_us": 2.5}],
        "machine": {"cores": 2},
    }
    assert json.loads(report.as_json()) == report.as_object()
    assert not Report("any", [kept, missed]).holds


@pytest.mark.parametrize(("value", "code"), [(0.9, 0), (0.5, 1)])
def test_the_exit_code_says_if_a_goal_was_missed(tmp_path: Path, value: float, code: int) -> None:
    measured(tmp_path, "atp", value=value)

    told, shown = bench(tmp_path, "atp", "--json"), bench(tmp_path, "atp")

    assert (told.returncode, shown.returncode) == (code, code), told.stderr + shown.stderr
    said = json.loads(told.stdout)
    check_shape(said, "atp")
    assert [goal["holds"] for goal in said["goals"]] == [not code, True]
    assert len(said["rounds"]) == 5
    assert ("a goal was missed" in told.stderr) is bool(code)
    assert ("MISSED" in shown.stdout) is bool(code)


def test_what_a_goal_is_called_reaches_the_reader_as_it_is(tmp_path: Path) -> None:
    """No bracket is taken for an instruction, and no long name broken, on a narrow screen."""
    measured(tmp_path, "atp", value=1)

    names = [goal["name"] for goal in json.loads(bench(tmp_path, "atp", "--json").stdout)["goals"]]

    assert names == ["[bold]a ratio[/bold] [sic]", "lost " + "x" * 200]
    assert "[bold]a ratio[/bold] [sic]" in bench(tmp_path, "atp").stdout


def test_what_is_no_benchmark_or_not_here_is_named(tmp_path: Path) -> None:
    for word, said in (("speed", "no benchmark is called"), ("atp", "is not here")):
        ran = bench(tmp_path, word, "--json")

        assert ran.returncode == 1
        assert said in json.loads(ran.stdout)["message"]


def test_how_a_shop_is_delivered_to_can_be_said_of_propagation_alone(tmp_path: Path) -> None:
    measure = importlib.import_module("benchmarks.propagation").run
    inspect.signature(measure).bind(rounds=1, quick=True, workers=2, rate=8.0)

    ran = bench(tmp_path, "atp", "--workers", "2", "--rate", "8", "--json")

    assert ran.returncode == 2
    assert "bench propagation" in json.loads(ran.stdout)["message"]


# What is not run here even at its smallest, and why: it would take longer than all that is. The
# command that runs it is `crossdock bench NAME --quick`; a minute each on two idle cores.
NOT_RUN = {
    "reservations": "ten hubs and databases are killed: test_inventory_stampede kills some",
    "propagation": "minutes of movements: test_availability_publishing and end_to_end go the way",
    "growth": "fills a database with history: the whole way, which it lays down, is walked below",
    "processes": "installs its peer from the registry",
    "atp": "fills a database with positions",
    "reconcile": "fills a database with positions",
    "edi": "installs its peers from the registry: test_bench_edi walks our side",
    "peers": "installs and runs a real Tryton: tests/peers/tryton/test_assign.py",
}
RUN = {"explain", "newcomer"}


def test_every_measurement_is_run_or_says_why_not() -> None:
    assert {*NOT_RUN, *RUN} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_measurement_can_be_asked_for_as_the_command_asks(name: str) -> None:
    measure = importlib.import_module(f"benchmarks.{name}").run

    inspect.signature(measure).bind(rounds=1, quick=True)
    assert inspect.iscoroutinefunction(measure)


def test_a_child_hears_nothing_that_was_said_to_another_hub_or_to_postgresql() -> None:
    said = {"CROSSDOCK_DSN": "postgresql:///x", "PGOPTIONS": "-c jit=on", "LANG": "C.UTF-8"}
    program = "import json; from benchmarks.children import surroundings"
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}; print(json.dumps(surroundings(CROSSDOCK_PORT='0')))"],
        env={**os.environ, **said},  # noqa: TID251  # a child needs a PATH
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip

    heard = json.loads(ran.stdout)
    assert (heard["CROSSDOCK_PORT"], heard["LANG"]) == ("0", "C.UTF-8")
    assert not {"CROSSDOCK_DSN", "PGOPTIONS"} & heard.keys()


def test_a_real_measurement_prints_the_object_and_nothing_else() -> None:
    ran = bench(ROOT, "explain", "--quick", "--rounds", "1", "--json", timeout=300)

    assert ran.returncode in {0, 1}, ran.stderr
    said = json.loads(ran.stdout)
    check_shape(said, "explain")
    assert ran.returncode == int(not all(goal["holds"] for goal in said["goals"])), said["goals"]


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [
        ([7.0], 99, 7.0), ([7.0], 0, 7.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 101)], 50, 50.0),
        ([float(n) for n in range(100, 0, -1)], 100, 100.0),
        # One slow round of five is a fifth of all movements, whatever the median of rounds says.
        ([100.0] * 400 + [900.0] * 100, 99, 900.0),
        ([100.0] * 495 + [900.0] * 5, 99, 100.0), ([100.0] * 494 + [900.0] * 6, 99, 900.0),
    ],
)  # fmt: skip
def test_a_percentile_is_a_value_that_was_measured(
    values: list[float], percent: int, found: float
) -> None:
    assert percentile(values, percent) == found


def test_what_a_newcomer_waits_for_is_measured_in_the_same_shape() -> None:
    ran = bench(ROOT, "newcomer", "--quick", "--rounds", "1", "--json", timeout=300)

    assert ran.returncode in {0, 1}, ran.stderr
    said = json.loads(ran.stdout)
    check_shape(said, "newcomer")
    assert [goal["goal"] for goal in said["goals"]] == ["<= 1", "<= 60"]
    [one] = said["rounds"]
    assert 0 < one["seconds_to_first_line"] < one["seconds_to_table"] <= one["seconds"]


def test_an_environment_is_made_anew_when_its_lock_changes_and_only_then(tmp_path: Path) -> None:
    lock, venv = tmp_path / "lock.txt", tmp_path / "venv"
    lock.write_text("# nothing yet\n")
    python = locked(venv, lock)
    assert python.exists()
    (venv / "kept").touch()

    locked(venv, lock)
    assert (venv / "kept").exists()
    lock.write_text("# nothing any more\n")
    locked(venv, lock)

    assert python.exists()
    assert not (venv / "kept").exists()


async def test_every_listing_that_is_laid_down_for_growth_is_sold(
    postgres: EmbeddedPostgres,
) -> None:
    """Each movement leads to one write, or the measurement breaks off."""
    async with Way.opened(postgres, os.getpid(), 40, 40) as way:
        one = await way.movements()
        [outcome] = way.outcomes

    assert (one["operations"], outcome["operations"]) == (40, 40)
    assert "cpu_us" in one
