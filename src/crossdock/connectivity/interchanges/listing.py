"""What was exchanged, as people see it: interchanges, documents, bytes, and missing numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from crossdock.canonical.errors import NotFound
from crossdock.connectivity.interchanges import store
from crossdock.connectivity.interchanges.model import same
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

DOCUMENTS_SHOWN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeShown:
    """An interchange as it is kept; `control` as it is written."""

    interchange: str
    direction: str
    state: str
    partner: str
    standard: str
    sender: str
    receiver: str
    control: str
    is_test: bool
    groups: int
    documents: int
    rejected: int
    repeated: int
    repeats: int
    size: int
    name: str
    said_by: str
    kept_at: datetime
    code: str
    because: str
    answers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentShown:
    """A set or message; of what was sent, what is expected by when, and who settled it."""

    place: int
    document: str
    control: str
    version: str
    functional_id: str
    group: str
    state: str
    segments: int
    errors: int
    expects: str
    due_at: datetime | None
    settled_by: str
    settled_at: datetime | None
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterchangeWhole:
    """An interchange with the first of its documents, what was found, and what answers it."""

    interchange: InterchangeShown
    documents: list[DocumentShown]
    findings: list[Mapping[str, Any]]
    answered_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersMissing:
    """Control numbers of a pair that never came; `gaps` are first and last of each.

    `is_test`: of its tests, which are counted by themselves.
    """

    partner: str
    standard: str
    sender: str
    receiver: str
    is_test: bool
    highest: int
    gaps: list[tuple[int, int]]
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which interchanges are asked for; "" is any. `document` is of one that it holds."""

    direction: str = ""
    state: str = ""
    partner: str = ""
    control: str = ""
    document: str = ""


class Exchanged:
    """What people may ask of interchanges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, scope: Scope, wanted: Wanted, *, after: str = "", limit: int = 100
    ) -> list[InterchangeShown]:
        """List interchanges, the newest first, behind `after`."""
        control = store.text(same(wanted.control)) if wanted.control else ""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(
                store.FIND,
                tx.tenant,
                wanted.direction,
                wanted.state,
                wanted.partner,
                control,
                after,
                "",
                wanted.document,
                limit,
            )
        return [_shown(row) for row in rows]

    async def show(self, scope: Scope, interchange: str) -> InterchangeWhole:
        async with self._database.transaction(scope) as tx:
            found = ("", "", "", "", "", interchange, "", 1)
            rows = await tx.fetch(store.FIND, tx.tenant, *found) if interchange else []
            if not rows:
                raise _unknown(interchange)
            documents = await tx.fetch(store.DOCUMENTS, tx.tenant, interchange, 0, DOCUMENTS_SHOWN)
            answered_by = await store.answer_of(tx, interchange)
        return InterchangeWhole(
            interchange=_shown(rows[0]),
            documents=[_document(row) for row in documents],
            findings=msgspec.json.decode(rows[0]["findings"]),
            answered_by=answered_by,
        )

    async def body(self, scope: Scope, interchange: str) -> list[bytes]:
        """Give the bytes of an interchange as they came, or went."""
        async with self._database.transaction(scope) as tx:
            parts = [body async for body in store.bodies(tx, interchange)]
        if not parts:
            raise _unknown(interchange)
        return parts

    async def missing(self, scope: Scope, *, partner: str = "") -> list[NumbersMissing]:
        """List the pairs of which numbers are missing among those that came."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.GAPS, tx.tenant, partner)
        return [
            NumbersMissing(
                partner=row["partner"],
                standard=row["standard"],
                sender=row["sender"],
                receiver=row["receiver"],
                is_test=row["is_test"],
                highest=row["highest"],
                gaps=msgspec.json.decode(row["gaps"], type=list[tuple[int, int]]),
                heard_at=row["heard_at"],
            )
            for row in rows
        ]


def _unknown(interchange: str) -> NotFound:
    return NotFound(
        f"no interchange is called {interchange!r}",
        hint="`crossdock edi interchanges` lists them",
    )


_FIELDS: Sequence[str] = [
    name for name in InterchangeShown.__dataclass_fields__ if name != "control"
]


def _shown(row: Any) -> InterchangeShown:
    return InterchangeShown(
        **{name: row[name] for name in _FIELDS}, control=row["control_written"]
    )


def _document(row: Any) -> DocumentShown:
    return DocumentShown(
        place=row["place"],
        document=row["document"],
        control=row["control"],
        version=row["version"],
        functional_id=row["functional_id"],
        group=row["group_control"],
        state=row["state"],
        segments=row["segments"],
        errors=row["errors"],
        expects=row["expects"],
        due_at=row["due_at"],
        settled_by=row["settled_by"],
        settled_at=row["settled_at"],
        codes=tuple(row["codes"]),
    )
