"""Interchanges, their documents, bytes and numbers as stored."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from crossdock.canonical.partners import Agreement, Direction, Standard, Traffic
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.edi.findings import Finding, Severity
from crossdock.connectivity.interchanges.model import (
    TEXT_MAX,
    Document,
    DocumentIs,
    Expected,
    Interchange,
    Numbers,
    State,
    numbered,
    same,
)
from crossdock.foundation.database import Transaction

PARTS_READ = 16
# One pair at a time: its numbers count up, and each is used once.
IN_TURNS = "select pg_advisory_xact_lock(hashtextextended('edi/' || $1 || '/' || $2, 0))"
KEEP_PART = """
insert into edi_interchange_part (tenant, interchange, part, body) values ($1, $2, $3, $4)
"""
PARTS = """
select body from edi_interchange_part
where tenant = $1 and interchange = $2 and part >= $3 order by part limit $4
"""
SAME_CONTENT = """
select * from edi_interchange where tenant = $1 and direction = $2 and digest = $3
"""
SAME_NUMBER = """
select interchange from edi_interchange
where tenant = $1 and direction = $2 and standard = $3 and sender = $4 and receiver = $5
    and application = $6 and control = $7 and is_test = $8
    and state in ('TAKEN', 'WRITTEN', 'SENT')
"""
PUT = """
insert into edi_interchange (tenant, interchange, partner, direction, standard, sender, receiver,
    application, control, control_written, state, code, because, is_test, groups, documents,
    rejected, repeated, size, digest, name, said_by, kept_at, findings, answers)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23, $24::jsonb, $25)
on conflict (tenant, interchange) do update set
    partner = excluded.partner, state = excluded.state, code = excluded.code,
    because = excluded.because, groups = excluded.groups, documents = excluded.documents,
    rejected = excluded.rejected, repeated = excluded.repeated, findings = excluded.findings
"""
PUT_DOCUMENTS = """
insert into edi_document (tenant, interchange, place, partner, direction, standard, sender,
    receiver, functional_id, group_control, document, control, version, state, segments, errors,
    digest, expects, due_at)
select $1, $2, d.place, $3, $4, $5, $6, $7, d.functional_id, d.group_control, d.document,
    d.control, d.version, d.state, d.segments, d.errors, d.digest, d.expects, d.due_at
from unnest($8::integer[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::text[], $15::integer[], $16::integer[], $17::bytea[], $18::text[], $19::timestamptz[])
    as d(place, functional_id, group_control, document, control, version, state, segments,
        errors, digest, expects, due_at)
"""
TAKEN_BEFORE = """
select distinct digest from edi_document
where tenant = $1 and digest = any($2::bytea[]) and direction = 'IN' and state = 'TAKEN'
    and standard = $3 and sender = $4 and receiver = $5
"""
REPEAT = """
update edi_interchange set repeats = repeats + 1, repeated_at = $3
where tenant = $1 and interchange = $2
"""
ANSWER_OF = """
select interchange from edi_interchange where tenant = $1 and answers = $2 limit 1
"""
NUMBERS = """
select highest, gaps from edi_numbers
where tenant = $1 and direction = $2 and standard = $3 and sender = $4 and receiver = $5
    and is_test = $6
"""
PUT_NUMBERS = """
insert into edi_numbers (tenant, direction, standard, sender, receiver, is_test, partner, highest,
    gaps, heard_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10)
on conflict (tenant, direction, standard, sender, receiver, is_test) do update set
    partner = excluded.partner, highest = excluded.highest, gaps = excluded.gaps,
    heard_at = excluded.heard_at
"""
FIND = """
select * from edi_interchange
where tenant = $1 and ($2 = '' or direction = $2) and ($3 = '' or state = $3)
    and ($4 = '' or partner = $4) and ($5 = '' or control = $5)
    and ($6 = '' or (kept_at, interchange) < (select kept_at, interchange from edi_interchange
        where tenant = $1 and interchange = $6))
    and ($7 = '' or interchange = $7)
    and ($8 = '' or exists (select from edi_document d where d.tenant = $1
        and d.interchange = edi_interchange.interchange and d.document = $8))
order by kept_at desc, interchange desc limit $9
"""
# Their ids are in the order in which they came.
HELD = """
select interchange from edi_interchange
where tenant = $1 and state = 'QUARANTINED' and interchange > $2
order by interchange limit $3
"""
LOCK = """
select * from edi_interchange where tenant = $1 and interchange = $2 for update
"""
STILL_HELD = """
select exists (select from edi_interchange where tenant = $1 and state = 'QUARANTINED'
    and sender = $2 and receiver = $3 and standard = $4)
"""
DOCUMENTS = """
select * from edi_document where tenant = $1 and interchange = $2 and place > $3
order by place limit $4
"""
GAPS = """
select * from edi_numbers
where tenant = $1 and direction = 'IN' and gaps <> '[]'::jsonb and ($2 = '' or partner = $2)
order by standard, sender, receiver
"""
TRAFFIC = """
select w.standard, w.document, w.direction
from unnest($3::text[], $4::text[], $5::text[]) as w(standard, document, direction)
where exists (select from edi_document d where d.tenant = $1 and d.partner = $2
    and d.standard = w.standard and d.document = w.document and d.direction = w.direction
    and d.state = case w.direction when 'IN' then 'TAKEN' else 'ACCEPTED' end)
"""
# What was refused and has been taken since, when it was sent anew, is settled.
UNSETTLED = """
select count(*) from edi_document
where tenant = $1 and partner = $2 and direction = 'OUT'
    and state in ('SENT', 'REJECTED')
    and (state = 'SENT' and due_at < $3 or state = 'REJECTED' and not exists (
        select from edi_document later where later.tenant = $1 and later.partner = $2
            and later.direction = 'OUT' and later.standard = edi_document.standard
            and later.document = edi_document.document and later.state = 'ACCEPTED'
            and later.interchange > edi_document.interchange))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How an interchange is kept: as what, for whom, and why so."""

    interchange: str
    direction: Direction
    state: State
    partner: str = ""
    code: str = ""
    because: str = ""
    name: str = ""
    said_by: str = ""
    answers: str = ""
    rejected: int = 0
    repeated: int = 0


NOTHING_EXPECTED = Expected()


@dataclass(frozen=True, slots=True)
class DocumentState:
    """What became of a document, and what is expected of it by when."""

    state: DocumentIs
    expected: Expected = NOTHING_EXPECTED


def text(said: str) -> str:
    """Give a text of an envelope as it can be kept."""
    return storable(said, TEXT_MAX)


def pair(found: Interchange) -> tuple[str, str, str]:
    return found.standard.value, text(found.sender.written), text(found.receiver.written)


async def keep_part(tx: Transaction, interchange: str, number: int, body: bytes) -> None:
    await tx.execute(KEEP_PART, tx.tenant, interchange, number, body)


async def bodies(tx: Transaction, interchange: str) -> AsyncIterator[bytes]:
    """Give the bytes of an interchange, part by part."""
    after = 1
    while rows := await tx.fetch(PARTS, tx.tenant, interchange, after, PARTS_READ):
        for row in rows:
            yield row["body"]
        after += len(rows)


async def in_turns(tx: Transaction, found: Interchange) -> None:
    """Let no other transaction take anything of the same pair, either way, until this ends."""
    sides = sorted(pair(found)[1:])
    await tx.execute(IN_TURNS, tx.tenant, "/".join(sides))


async def same_content(tx: Transaction, direction: Direction, digest: bytes) -> Any:
    return await tx.fetchrow(SAME_CONTENT, tx.tenant, direction, digest)


async def same_number(tx: Transaction, direction: Direction, found: Interchange) -> str:
    number = text(found.application), text(same(found.control)), found.is_test
    return await tx.fetchval(SAME_NUMBER, tx.tenant, direction, *pair(found), *number) or ""


async def put(
    tx: Transaction,
    kept: Kept,
    found: Interchange,
    findings: Sequence[tuple[str, Finding]],
    now: datetime,
) -> None:
    await tx.execute(
        PUT,
        tx.tenant,
        kept.interchange,
        kept.partner,
        kept.direction,
        *pair(found),
        text(found.application),
        text(same(found.control)),
        text(found.control),
        kept.state,
        kept.code,
        storable(kept.because),
        found.is_test,
        found.groups,
        len(found.documents),
        kept.rejected,
        kept.repeated,
        found.size,
        found.digest,
        storable(kept.name, TEXT_MAX),
        kept.said_by,
        now,
        msgspec.json.encode([shown(control, one) for control, one in findings]).decode(),
        kept.answers,
    )


def shown(control: str, one: Finding) -> Mapping[str, Any]:
    """Write a finding down; texts of the file are made fit to be kept."""
    place = one.place
    return {
        "set": text(control),
        "code": one.code,
        "severity": one.severity.value,
        "level": one.level.value,
        "byte": place.offset,
        "segment": place.segment,
        "place": text(place.name),
        "says": storable(one.says),
        "asks": storable(one.asks),
        "acknowledged_by": one.acknowledged_by,
    }


async def put_documents(
    tx: Transaction,
    kept: Kept,
    found: Interchange,
    states: Sequence[DocumentState],
    now: datetime,
) -> None:
    documents = found.documents
    await tx.execute(
        PUT_DOCUMENTS,
        tx.tenant,
        kept.interchange,
        kept.partner,
        kept.direction,
        *pair(found),
        list(range(1, len(documents) + 1)),
        [text(one.functional_id) for one in documents],
        [text(same(one.group)) for one in documents],
        [text(one.document) for one in documents],
        [text(same(one.control)) for one in documents],
        [text(one.version) for one in documents],
        [one.state for one in states],
        [one.segments for one in documents],
        [_errors(one) for one in documents],
        [one.digest for one in documents],
        [one.expected.acknowledgment for one in states],
        [_due(one.expected, now) for one in states],
    )


def _errors(one: Document) -> int:
    return sum(each.severity is Severity.ERROR for each in one.findings)


def _due(one: Expected, now: datetime) -> datetime | None:
    return now + timedelta(minutes=one.within_minutes) if one.within_minutes else None


async def taken_before(tx: Transaction, found: Interchange) -> set[bytes]:
    """Give the digests of documents here that were taken from this pair before."""
    digests = [one.digest for one in found.documents]
    rows = await tx.fetch(TAKEN_BEFORE, tx.tenant, digests, *pair(found))
    return {row["digest"] for row in rows}


async def repeat(tx: Transaction, interchange: str, now: datetime) -> None:
    await tx.execute(REPEAT, tx.tenant, interchange, now)


async def answer_of(tx: Transaction, interchange: str) -> str:
    return await tx.fetchval(ANSWER_OF, tx.tenant, interchange) or ""


class Counted(NamedTuple):
    """What is counted by itself; what goes out is numbered through, tests or none."""

    direction: Direction
    standard: str
    sender: str
    receiver: str
    is_test: bool = False


async def numbers(tx: Transaction, of: Counted) -> Numbers:
    row = await tx.fetchrow(NUMBERS, tx.tenant, *of)
    if row is None:
        return Numbers()
    gaps = msgspec.json.decode(row["gaps"], type=tuple[tuple[int, int], ...])
    return Numbers(row["highest"], gaps)


async def count(
    tx: Transaction, of: Counted, number: int | None, partner: str, now: datetime
) -> None:
    """Hear of a control number: gaps are shown, and what is written is numbered behind."""
    if number is None:
        return
    found = numbered(await numbers(tx, of), number)
    gaps = msgspec.json.encode(found.gaps).decode()
    await tx.execute(PUT_NUMBERS, tx.tenant, *of, partner, found.highest, gaps, now)


class ExchangedTraffic:
    """Tells what was exchanged with a partner, to who takes him towards production."""

    async def traffic(
        self, tx: Transaction, partner: str, agreed: Sequence[Agreement], now: datetime
    ) -> Traffic:
        rows = await tx.fetch(
            TRAFFIC,
            tx.tenant,
            partner,
            [one.standard for one in agreed],
            [one.document for one in agreed],
            [one.direction for one in agreed],
        )
        unsettled = await tx.fetchval(UNSETTLED, tx.tenant, partner, now)
        return Traffic(
            frozenset(
                (Standard(row["standard"]), row["document"], Direction(row["direction"]))
                for row in rows
            ),
            unsettled,
        )
