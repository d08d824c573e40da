"""How the warehouse system is listened to: webhooks that are checked, a folder that is read."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Container, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from crossdock.applications.generic_wms.asking import Asks, asking, stock_of, told_again
from crossdock.applications.generic_wms.counts import Counts
from crossdock.applications.generic_wms.folders import (
    admits_folder,
    admits_folders,
    admits_tasks_folder,
)
from crossdock.applications.generic_wms.mapping import kept, translated, understood
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.applications.generic_wms.signature import check_signature, secret_key
from crossdock.applications.generic_wms.telling import PostsTasks, WritesTasks, not_played
from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.connectivity.sdk import (
    Delivery,
    Outcome,
    Poll,
    Ports,
    SetCountTask,
    StockAnswer,
    ToldAgain,
    Translation,
)
from crossdock.connectivity.sdk.facts import Untranslatable
from crossdock.connectivity.sdk.stock_records import Counted
from crossdock.connectivity.transports.files import ClaimedFile, DropFolder
from crossdock.connectivity.transports.http import HttpClient
from crossdock.connectivity.transports.pieces import pieces

ANSWER_BYTES_MAX = 64 * 1024


class Receiving:
    """The webhook dialect; pure."""

    def __init__(self, settings: GenericWmsSettings) -> None:
        self._settings = settings
        self._keys = [secret_key(secret.get_secret_value()) for secret in settings.secrets]

    def verify(self, delivery: Delivery, now: datetime) -> None:
        tolerance = timedelta(seconds=self._settings.tolerance_seconds)
        check_signature(self._keys, delivery.headers, delivery.body, now, tolerance)

    def translate(self, delivery: Delivery) -> Translation:
        return translated(delivery, self._settings)


class ReceivingFiles:
    """The file dialect; pure. Pieces of files are not signed: nothing else is let in here."""

    def __init__(self, settings: GenericWmsFilesSettings) -> None:
        self._settings = settings

    def verify(self, delivery: Delivery, now: datetime) -> None:
        del now
        if ":file" not in delivery.headers:
            raise Forbidden("This connection takes files from its folder", code="file_expected")

    def translate(self, delivery: Delivery) -> Translation:
        return translated(delivery, self._settings)


class Listening:
    """The webhook dialect: its messages come by themselves, and count tasks are posted to it.

    Without an address it calls nobody, and plays no role.
    """

    def __init__(
        self,
        settings: GenericWmsSettings,
        tasks: PostsTasks | None = None,
        events: Asks | None = None,
        stock: Asks | None = None,
    ) -> None:
        self._settings = settings
        self._secrets_count = len(settings.secrets)
        self._tasks = tasks
        self._events = events
        self._stock = stock

    async def check(self) -> str:
        heard = f"Webhooks are accepted, signed with any of {self._secrets_count} secret(s)"
        return f"{heard}; {await self._tasks.check()}" if self._tasks else heard

    async def set_count_tasks(self, commands: Sequence[SetCountTask]) -> Sequence[Outcome]:
        if self._tasks is None:
            return not_played(commands, "tasks_url")
        return await self._tasks.set_count_tasks(commands)

    async def tell_again(self, stream: str, first: int, last: int) -> ToldAgain:
        return await told_again(self._events, self._settings, stream, first, last)

    async def stock_of(self, location: str, items: Sequence[str]) -> StockAnswer:
        return await stock_of(self._stock, self._settings, location, items)


_BEGUN_BEFORE = "its file was begun by an older version of the hub"


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a file has been taken in; `failure` says why it goes no further.

    `counts` are the counts that its pieces belong to, until `is_closed`.
    """

    identity: str = ""
    line: int = 0
    failure: str = ""
    counts: Counts = field(default_factory=Counts)
    is_closed: bool = False

    @classmethod
    def read(cls, cursor: str) -> "_Mark":
        found: dict[str, Any] = json.loads(cursor) if cursor else {}
        line = found.get("line", 0)
        # What a version that kept no counts read of a file, and refused of it, is not known.
        unknown = {"problem": _BEGUN_BEFORE} if line else {}
        return cls(
            found.get("file", ""),
            line,
            found.get("failure", ""),
            Counts.read(found.get("counts", unknown)),
            found.get("is_closed", False),
        )

    def written(self) -> str:
        mark = {
            "file": self.identity,
            "line": self.line,
            "failure": self.failure,
            "counts": self.counts.written(),
            "is_closed": self.is_closed,
        }
        return json.dumps(mark)

    def of(self, file: ClaimedFile) -> "_Mark":
        """Go on from here if this file is what was begun; else begin."""
        return self if self.identity == file.identity else _Mark(file.identity)


class ReadingFolder:
    """Hands in one piece of one file a time.

    Being asked for what follows a cursor proves that everything up to it is recorded: only then a
    file is put away. `admit` refuses a folder that is not ours by now.
    """

    def __init__(
        self,
        settings: GenericWmsFilesSettings,
        folder: DropFolder,
        admit: Callable[[], object] = lambda: None,
        tasks: WritesTasks | None = None,
    ) -> None:
        self._settings = settings
        self._tasks = tasks
        self._folder = folder
        self._admit = admit
        self._is_prepared = False
        self._file: ClaimedFile | None = None
        self._pieces: AsyncGenerator[Delivery] | None = None
        self._handed_in = ("", 0)
        self._counted: Counted = set()

    async def check(self) -> str:
        await asyncio.to_thread(self._admit)
        await self._folder.check()
        waiting = len(await self._folder.ready()) + len(await self._folder.claimed())
        read = f"Folder {self._settings.folder}: {waiting} file(s) ready to be read"
        return f"{read}; {await self._tasks.check()}" if self._tasks else read

    async def set_count_tasks(self, commands: Sequence[SetCountTask]) -> Sequence[Outcome]:
        if self._tasks is None:
            return not_played(commands, "tasks_folder")
        return await self._tasks.set_count_tasks(commands)

    async def poll(self, cursor: str) -> Poll:
        """Read one page after `cursor`: a piece of a file, or nothing."""
        await self._prepare()
        mark, held = _Mark.read(cursor), set[Path]()
        while file := await self._next_file(mark, held):
            if mark.failure and mark.identity == file.identity:
                await self._folder.fail(file, mark.failure)
            elif await self._folder.was_seen(file):
                await self._folder.archive(file)
            else:
                read = await self._read(file, mark.of(file))
                # Asked once: who has it open may close it at any moment, and what was read may
                # break off in the middle of a number.
                if await self._folder.is_written_to(file):
                    is_released = await self._folder.release(file)
                    held.add(Path(file.name) if is_released else file.path)
                elif poll := self._page(file, mark.of(file), read):
                    return poll
                else:
                    await self._folder.archive(file)
            await self.aclose()
        return Poll(
            translation=Translation(),
            cursor=cursor,
            raw=b"",
            is_caught_up=True,
            proves_alive=False,
            warning=_warning(await self._folder.left_lying()),
        )

    async def aclose(self) -> None:
        if self._pieces:
            await self._pieces.aclose()
        self._file = self._pieces = None
        self._counted = set()

    async def _prepare(self) -> None:
        await asyncio.to_thread(self._admit)
        if not self._is_prepared:
            await self._folder.prepare()
            self._is_prepared = True

    async def _next_file(self, mark: _Mark, held: Container[Path]) -> ClaimedFile | None:
        """Go on with the file at hand, else with what a crash left, else with the oldest."""
        if self._file:
            return self._file
        left = [file for file in await self._folder.claimed() if file.path not in held]
        begun = [file for file in left if file.identity == mark.identity] or left
        if begun:
            self._file = begun[0]
            return self._file
        for name in await self._folder.ready():
            if Path(name) in held:
                continue  # it was given back, and would be for as long as it is written to
            self._file = await self._folder.claim(name)
            if self._file:
                return self._file
        return None

    async def _read(self, file: ClaimedFile, mark: _Mark) -> Delivery | Invalid | None:
        """Read what follows this mark: a piece, why there is none, or None at the end."""
        start = mark.line
        if self._pieces is None or self._handed_in != (file.identity, start):
            if self._pieces:
                await self._pieces.aclose()
            lines_max = self._settings.piece_lines_max
            self._counted = await self._counted_before(file, mark)
            self._pieces = pieces(file, after_line=start, lines_max=lines_max)
        try:
            return await anext(self._pieces, None)
        except Invalid as problem:
            self._pieces = None  # it is over: asked again from here it would say "the end"
            return problem

    async def _counted_before(self, file: ClaimedFile, mark: _Mark) -> Counted:
        """Read again what was counted before a restart: no bucket is counted in two pieces."""
        counted: Counted = set()
        if mark.line and mark.counts.heads:
            lines_max = self._settings.piece_lines_max
            async with aclosing(
                pieces(file, until_line=mark.line, lines_max=lines_max)
            ) as earlier:
                async for delivery in earlier:
                    understood(delivery, self._settings, counted)
        return counted

    def _page(
        self, file: ClaimedFile, mark: _Mark, read: Delivery | Invalid | None
    ) -> Poll | None:
        """Hand in what was read; None: all of the file is."""
        if read is None:
            return self._closing(file, mark)
        if isinstance(read, Invalid):
            return self._failure(file, mark, read)
        return self._piece(file, mark, read)

    def _piece(self, file: ClaimedFile, mark: _Mark, delivery: Delivery) -> Poll:
        line = int(delivery.headers[":lines"].rpartition("-")[2])
        self._handed_in = (file.identity, line)
        found = understood(delivery, self._settings, self._counted)
        counts = mark.counts.then(found.levels, found.translation.refused)
        if delivery.headers[":whole"] == "yes" and not counts.problem:
            counts = Counts()  # its own facts say that they are full
        return Poll(
            translation=found.whole,
            cursor=_Mark(file.identity, line, counts=counts).written(),
            raw=kept(delivery),
            is_caught_up=False,
        )

    def _closing(self, file: ClaimedFile, mark: _Mark) -> Poll | None:
        """Say behind the last piece that its full counts were all, or that they are not full."""
        counts = mark.counts
        if mark.is_closed or not counts.full:
            return None
        raw, translation = b"", Translation(refused=(counts.not_full(file.name),))
        if not counts.problem:
            end = Delivery(body=counts.closing(), headers={":file": file.name})
            raw, translation = kept(end), translated(end, self._settings)
        return Poll(
            translation=translation,
            cursor=replace(mark, is_closed=True).written(),
            raw=raw,
            is_caught_up=False,
        )

    def _failure(self, file: ClaimedFile, mark: _Mark, problem: Invalid) -> Poll:
        reason = f"{file.name}, {problem.where}: {problem.message}"
        refused = [Untranslatable(code="EVT-SCHEMA", where=problem.where, reason=reason)]
        if mark.counts.full:
            counts = mark.counts.then((), refused)
            refused.append(counts.not_full(file.name))
        return Poll(
            translation=Translation(refused=tuple(refused)),
            cursor=_Mark(file.identity, mark.line, reason).written(),
            raw=b"",
            is_caught_up=False,
        )


def _warning(left_lying: Sequence[str]) -> str:
    return f"{len(left_lying)} file(s) left lying: {'; '.join(left_lying)}" if left_lying else ""


@asynccontextmanager
async def listening(settings: GenericWmsSettings, ports: Ports) -> AsyncGenerator[Listening]:
    async with (
        asking(settings.events_url, settings, ports) as events,
        asking(settings.stock_url, settings, ports) as stock,
        _posting(settings, ports) as tasks,
    ):
        yield Listening(settings, tasks, events, stock)


@asynccontextmanager
async def _posting(
    settings: GenericWmsSettings, ports: Ports
) -> AsyncGenerator[PostsTasks | None]:
    if not settings.tasks_url:
        yield None
        return
    client = HttpClient(
        settings.tasks_url,
        clock=ports.clock,
        allow_private_addresses=ports.allow_private_addresses,
        response_bytes_max=ANSWER_BYTES_MAX,
    )
    async with client:
        yield PostsTasks(settings, client, ports)


@asynccontextmanager
async def reading_folder(
    settings: GenericWmsFilesSettings, ports: Ports
) -> AsyncGenerator[ReadingFolder]:
    # A link may be laid at any time: each poll, and each task, looks where the folders lead.
    admit = partial(admits_folders, settings, ports)
    admit()
    folder = DropFolder(
        admits_folder(settings, ports),
        clock=ports.clock,
        pattern=settings.file_pattern,
        settle_seconds=settings.settle_seconds,
        needs_done_marker=settings.needs_done_marker,
    )
    tasks = None
    if settings.tasks_folder:
        tasks = WritesTasks(
            settings, partial(admits_tasks_folder, settings, ports, settings.tasks_folder), ports
        )
    async with aclosing(ReadingFolder(settings, folder, admit, tasks)) as reading:
        yield reading
