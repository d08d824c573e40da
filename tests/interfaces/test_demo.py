"""`crossdock demo` is the same for a seed, ends cleanly when told to, and by itself otherwise."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import SystemClock

pytestmark = pytest.mark.usefixtures("at_a_terminal")

SMALL = ("--orders", "12", "--items", "4")
# What a shell may have exported for a hub at work; the demo has a hub of its own.
AT_WORK = {
    "CROSSDOCK_DSN": "postgresql://crossdock:secret@127.0.0.1:1/production",
    "CROSSDOCK_TENANT": "zzz",
    "CROSSDOCK_DATA_DIR": "/nowhere",
    "CROSSDOCK_SOFT_HOLD_TTL_SECONDS": "1",
    "CROSSDOCK_LOG_LEVEL": "LOUD",
}
MEASURED = {"seconds", "propagation_ms"}
FIGURES = {"shop_orders", "branch_orders", "picks", "refused", "refused_in_vain"} | {
    "oversold_orders",
    "oversold_units",
}


# A hub that sold what there was not.
IN_TROUBLE = """
from crossdock.__main__ import main
from crossdock.canonical.errors import CrossdockError
from crossdock.interfaces.cli import demo_shell

demo_shell.trouble_of = lambda *_: CrossdockError("it oversold", code="demo_oversold")
main()
"""


@asynccontextmanager
async def demo(
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    program: tuple[str, ...] = ("-m", "crossdock"),
) -> AsyncIterator[Process]:
    """Start a demo whose database lies in `folder`; nothing of it is left when the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, "demo", *SMALL, *options),
        env={**os.environ, **(environment or {}), "TMPDIR": str(folder)},  # noqa: TID251  # a child needs a PATH
        stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        for left in (psutil.Process(pid) for pid in working_in(folder)):
            with suppress(psutil.Error):
                left.kill()


def working_in(folder: Path) -> list[int]:
    """Find the processes that were started for a database in this folder."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if f"{folder}{os.sep}crossdock-demo-" in " ".join(process.info["cmdline"] or ())
    ]


def is_any_data_left(folder: Path) -> bool:
    return any(folder.glob("crossdock-demo-*"))


async def played(
    folder: Path, *options: str, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    started = demo(folder, "--json", *options, environment=environment)
    async with started as process, asyncio.timeout(150):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert working_in(folder) == []
    found: dict[str, Any] = json.loads(out)
    return {name: value for name, value in found.items() if name not in MEASURED}


async def until_said(process: Process, what: str) -> str:
    assert process.stderr
    async with asyncio.timeout(90):
        while what not in (line := (await process.stderr.readline()).decode()):
            assert line, f"it ended without saying {what!r}"
    return line


async def interrupted(process: Process) -> tuple[str, str]:
    """Type Ctrl-C: the terminal tells the whole group."""
    os.killpg(process.pid, signal.SIGINT)
    return await ended(process)


async def ended(process: Process) -> tuple[str, str]:
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return out.decode(), err.decode()


async def test_a_seed_plays_the_same_figures_whatever_hub_the_environment_names(
    tmp_path: Path,
) -> None:
    first = await played(tmp_path)
    again = await played(tmp_path, environment=AT_WORK)
    other = await played(tmp_path, "--seed", "9")

    assert first == again
    assert first["batch_feed"].keys() == first["crossdock"].keys() == FIGURES
    assert first["crossdock"]["picks"] > 0
    assert first["batch_feed"]["oversold_orders"] > 0  # else there was nothing to prevent
    assert first["batch_feed"]["oversold_units"] > 0
    for day in (first, other):
        assert day["crossdock"]["shop_orders"] > 0
        assert (day["crossdock"]["oversold_orders"], day["crossdock"]["oversold_units"]) == (0, 0)
        [why] = day["explained"]["lines"]
        assert (day["explained"]["is_reproduced"], why["granted"]["value"] != "0") == (True, True)
    check_promotion(first["promotion"])
    check_drift(first["drift"])
    assert (first.pop("seed"), other.pop("seed")) == (7, 9)
    assert first != other


def check_promotion(told: dict[str, Any]) -> None:
    """See the market sell what was not kept for the shop, and the shop what was."""
    assert told["stock"] - told["kept_for_shop"] == told["shown_in_market"] == 20
    assert told["sold"] == {"market": 20, "branch": 0, "shop": 40}
    assert told["refused"] == {"market": 12, "branch": 4, "shop": 0}
    assert told["refusal"] == "channel_minimum"


def check_drift(told: dict[str, Any]) -> None:
    """See that the receipt which the ERP refused was all it lacked, and is there by evening."""
    assert (told["compared"], told["suspected"], told["resent"]) == (60, 1, 1)
    assert (told["cause"], told["unexplained"]) == ("MSG_REJECTED", "0")
    assert int(told["theirs"]) - int(told["ours"]) == int(told["explained"]) == -36
    assert told["document"] in told["because"]
    assert told["value"] == "450"  # 36 pieces at 12.50
    assert told["agrees"] is True
    assert told["theirs_after"] == told["ours"]


async def test_what_is_shown_ends_by_itself_where_there_is_no_terminal(tmp_path: Path) -> None:
    async with demo(tmp_path) as process, asyncio.timeout(150):
        out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    heading, old, new = [line.split() for line in out.decode().splitlines() if line][:3]
    assert heading == ["shop", "branches", "picks", "refused", "in", "vain", "oversold", "units"]
    assert (old[:3], new[0]) == (["two-hour", "batch", "feed"], "Crossdock")
    assert int(new[3]) > 0
    said = out.decode()
    assert "60 DRILL-18V, 40 kept for the shop: the market sold 20 and was refused 12" in said
    assert "a branch 4 (channel_minimum)" in " ".join(said.split())
    assert "worth 450; it refused" in said
    assert "sent again, both agree" in said
    assert "Try next" in said
    assert b"\x1b" not in out + err
    assert not is_any_data_left(tmp_path)


async def test_a_day_in_trouble_fails_and_is_not_kept_open(tmp_path: Path) -> None:
    bad = demo(tmp_path, "--json", "--keep", program=("-c", IN_TROUBLE))
    async with bad as process, asyncio.timeout(150):
        out, err = await process.communicate()

    assert process.returncode == 1, err.decode()
    assert json.loads(out)["trouble"]["error"] == "demo_oversold"
    assert working_in(tmp_path) == []
    assert not is_any_data_left(tmp_path)


async def test_what_it_proposes_to_try_next_works_as_it_stands(tmp_path: Path) -> None:
    """As after `make demo`, which leaves the command in a folder that no shell looks into."""
    program = Path(sys.executable).with_name("crossdock")
    here = program.parents[2]

    async def type_(command: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", command),
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
            cwd=here, stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        async with asyncio.timeout(150):
            out, err = await process.communicate()
        assert process.returncode == 0, (command, err.decode())
        return out.decode()

    small = " ".join(SMALL)
    said = await type_(f"{program.relative_to(here)} demo {small}")
    [proposed] = [line for line in said.splitlines() if line.startswith("Try next")]
    another, kept, served = [one.strip() for one in proposed.removeprefix("Try next").split("·")]

    assert json.loads(await type_(f"{another} {small} --json"))["seed"] == 8
    for command in (kept, served):
        assert command.partition(" ")[2].split()[0] in await type_(f"{command} --help")
    assert kept.endswith(" demo --keep")  # test_keep_leaves_it_serving...
    assert served.endswith(" serve")  # test_serve.py


def database_begun(folder: Path) -> bool:
    return any(folder.glob("crossdock-demo-*/postgres/*"))


def database_at_work(folder: Path) -> bool:
    return any(folder.glob("crossdock-demo-*/postgres/postmaster.pid"))


def always(_folder: Path) -> bool:
    return True


def tell_group(process: Process) -> None:
    os.killpg(process.pid, signal.SIGINT)


def tell_one(process: Process) -> None:
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("tell", [tell_group, tell_one])
@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("Crossdock demo", always),
        ("the day", database_begun),
        ("the day", database_at_work),
        ("10:00", always),
    ],
)
async def test_an_interrupt_ends_it_cleanly_and_leaves_nothing(
    tmp_path: Path,
    said: str,
    seen: Callable[[Path], bool],
    tell: Callable[[Process], None],
) -> None:
    async with demo(tmp_path) as process:
        await until_said(process, said)
        async with asyncio.timeout(30):
            while not seen(tmp_path):
                await asyncio.sleep(0.01)
        tell(process)
        out, err = await ended(process)

        assert (process.returncode, out) == (130, "")
        assert "Traceback" not in err
        assert working_in(tmp_path) == []
        assert not is_any_data_left(tmp_path)


@pytest.mark.parametrize(
    ("said", "seen"),
    [("the day", database_begun), ("the day", database_at_work), ("10:00", always)],
)
async def test_who_is_told_to_end_ends_cleanly_too_and_leaves_no_database(
    tmp_path: Path, said: str, seen: Callable[[Path], bool]
) -> None:
    """As `timeout`, a container's end and `kill` tell it; `make` hands it on."""
    async with demo(tmp_path) as process:
        await until_said(process, said)
        async with asyncio.timeout(30):
            while not seen(tmp_path):
                await asyncio.sleep(0.01)
        process.terminate()
        process.terminate()  # and told twice, it goes on ending
        out, err = await ended(process)

        assert (process.returncode, out) == (143, "")
        assert "Traceback" not in err
        assert working_in(tmp_path) == []
        assert not is_any_data_left(tmp_path)


async def test_keep_leaves_it_serving_until_it_is_interrupted(tmp_path: Path) -> None:
    async with demo(tmp_path, "--keep") as process:
        address = (await until_said(process, "serving ")).split()[1]
        async with HttpClient(
            address, clock=SystemClock(), allow_private_addresses=True
        ) as client:
            alive = await client.request("GET", "/livez")
            closed = await client.request("GET", "/v1/log")
        out, err = await interrupted(process)

        assert (alive.status, closed.status) == (200, 401)
        assert process.returncode == 130
        assert "Try next" in out
        assert "Traceback" not in err
        assert working_in(tmp_path) == []
        assert not is_any_data_left(tmp_path)
