"""A real Tryton on loopback: installed once, founded once, copied for every run in a second."""

import asyncio
import hashlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements" / "peers-tryton.txt"
COMPANY = Path(__file__).with_name("company.py")
MODULES = ("company", "currency", "party", "product", "stock", "sale", "purchase")
USER = "admin"
PASSWORD = "dock-and-sons-2026"
READY_SECONDS_MAX = 60


@dataclass
class TrytonServer:
    """One `trytond` over one database. `base_url` stays the same over a restart."""

    home: Path
    venv: Path
    cluster_dsn: str
    database: str
    port: int
    process: asyncio.subprocess.Process | None = field(default=None)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dsn(self) -> str:
        """The database itself, for tests that need to misbehave beneath Tryton."""
        return dsn_of(self.cluster_dsn, self.database)

    async def start(self) -> None:
        log = (self.home / f"{self.database}.log").open("ab")
        self.process = await asyncio.create_subprocess_exec(
            self.venv / "bin" / "trytond",
            "-c",
            str(written_configuration(self.home, self.cluster_dsn, self.database, self.port)),
            "-d",
            self.database,
            stdout=log,
            stderr=log,
        )
        log.close()
        async with asyncio.timeout(READY_SECONDS_MAX):
            while not await answers(self.port):
                if self.process.returncode is not None:
                    raise RuntimeError(f"trytond ended: see {self.home / self.database}.log")
                await asyncio.sleep(0.1)

    async def stop(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        """End the process that `start` made; `by=SIGKILL` is a crash."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(by)
            await self.process.wait()
        self.process = None

    async def restart(self, *, by: signal.Signals = signal.SIGTERM) -> None:
        await self.stop(by=by)
        await self.start()


@asynccontextmanager
async def running(
    cluster_dsn: str, home: Path = ROOT / ".peers" / "tryton"
) -> AsyncIterator[TrytonServer]:
    """Run a Tryton with a fresh copy of the company, which is dropped at the end."""
    venv = await installed(home)
    template = await founded(home, venv, cluster_dsn)
    database = f"tryton_{os.getpid()}_{secrets.token_hex(3)}"
    await execute(cluster_dsn, f"create database {database} template {template}")
    server = TrytonServer(home, venv, cluster_dsn, database, free_port())
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        await execute(cluster_dsn, f"drop database if exists {database} with (force)")
        tidied(home, database)


async def installed(home: Path) -> Path:
    """Answer an environment of exactly the locked packages; make it if it is not there."""
    venv = home / "venv"
    stamp, wanted = venv / "crossdock-lock", digest(REQUIREMENTS)
    if stamp.exists() and stamp.read_text() == wanted:
        return venv
    uv = (Path(sys.executable), "-m", "uv")
    await run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv)
    await run(
        *(*uv, "pip", "install", "--quiet", "--python", venv / "bin" / "python"),
        *("--require-hashes", "-r", REQUIREMENTS),
    )
    stamp.write_text(wanted)
    return venv


async def founded(home: Path, venv: Path, cluster_dsn: str) -> str:
    """Answer the template database that holds the company; found it if it is not there."""
    name = f"tryton_base_{digest(REQUIREMENTS, COMPANY)[:12]}"
    if await exists(cluster_dsn, name):
        return name
    # Built under another name, so that a run that dies half-way leaves no half template.
    building = f"tryton_building_{os.getpid()}"
    await execute(cluster_dsn, f"drop database if exists {building} with (force)")
    await execute(cluster_dsn, f"create database {building} encoding 'UTF8' template template0")
    configuration = written_configuration(home, cluster_dsn, building, 0)
    password = home / "password"
    password.write_text(PASSWORD)
    await run(
        *(venv / "bin" / "trytond-admin", "-c", configuration, "-d", building),
        *("-u", *MODULES, "--activate-dependencies", "--email", "admin@example.com"),
        TRYTONPASSFILE=str(password),
    )
    await run(venv / "bin" / "python", COMPANY, building, configuration)
    tidied(home, building)
    try:
        await execute(cluster_dsn, f"alter database {building} rename to {name}")
    except asyncpg.DuplicateDatabaseError:  # somebody else was faster
        await execute(cluster_dsn, f"drop database {building} with (force)")
    return name


def written_configuration(home: Path, cluster_dsn: str, database: str, port: int) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{database}.conf"
    path.write_text(
        f"[database]\nuri = {dsn_of(cluster_dsn, '')}\npath = {home / 'files'}\n"
        f"[web]\nlisten = 127.0.0.1:{port}\n"
    )
    return path


def tidied(home: Path, database: str) -> None:
    for leftover in home.glob(f"{database}.*"):
        leftover.unlink()


def dsn_of(cluster_dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(cluster_dsn)._replace(path=f"/{database}"))


def digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def run(program: Path, *arguments: object, **environment: str) -> None:
    process = await asyncio.create_subprocess_exec(
        program,
        *map(str, arguments),
        env={**os.environ, **environment},  # noqa: TID251  # a child needs a PATH
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{program.name} failed:\n{output.decode(errors='replace')[-4000:]}")


async def exists(cluster_dsn: str, database: str) -> bool:
    connection = await asyncpg.connect(cluster_dsn)
    try:
        found = await connection.fetchval(
            "select true from pg_database where datname = $1", database
        )
        return bool(found)
    finally:
        await connection.close()


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
