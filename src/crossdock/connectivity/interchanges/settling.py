"""Acknowledgments that came, matched with what was sent; what is refused is somebody's case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.partners import InterchangeAcknowledged
from crossdock.connectivity.interchanges import store
from crossdock.connectivity.interchanges.model import About, Interchange, Statement, same
from crossdock.foundation.database import Transaction
from crossdock.foundation.watching import Desk

KEEP = """
insert into edi_statement (tenant, interchange, place, standard, sender, receiver, about, verdict,
    about_control, functional_id, group_control, document, control, codes)
select $1, $2, s.place, $3, $4, $5, s.about, s.verdict, s.about_control, s.functional_id,
    s.group_control, s.document, s.control, string_to_array(s.codes, ' ')
from unnest($6::integer[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
    $12::text[], $13::text[], $14::text[])
    as s(place, about, verdict, about_control, functional_id, group_control, document, control,
        codes)
"""
SAID = """
select * from edi_statement where tenant = $1 and interchange = $2 and not is_matched
order by interchange, functional_id, case when functional_id <> '' then group_control end,
    about_control, place
"""
# What was said before of what is sent: of its groups, or of the interchange by its number.
SAID_BEFORE = """
select * from (
    select s.* from unnest($5::text[], $6::text[]) k(functional_id, group_control)
    join edi_statement s on s.functional_id = k.functional_id
        and s.group_control = k.group_control
    where s.tenant = $1 and s.sender = $2 and s.receiver = $3 and s.standard = $4
        and s.functional_id <> '' and not s.is_matched
    union all
    select * from edi_statement
    where tenant = $1 and sender = $2 and receiver = $3 and standard = $4
        and functional_id = '' and about_control = $7 and not is_matched) s
order by interchange, functional_id, case when functional_id <> '' then group_control end,
    about_control, place
"""
MATCHED = """
update edi_statement s set is_matched = true
from unnest($2::text[], $3::integer[]) m(interchange, place)
where s.tenant = $1 and s.interchange = m.interchange and s.place = m.place
"""
# Of several interchanges with a group of such a number the newest that still waits is meant.
BY_GROUP = """
select interchange from edi_document
where tenant = $1 and direction = 'OUT' and sender = $2 and receiver = $3 and standard = $4
    and functional_id = $5 and group_control = $6
order by (state = 'SENT') desc, interchange desc limit 1
"""
BY_NUMBER = """
select interchange from edi_interchange
where tenant = $1 and direction = 'OUT' and sender = $2 and receiver = $3 and standard = $4
    and control = $5 and state in ('SENT', 'WRITTEN')
order by interchange desc limit 1
"""
SETTLE_SETS = """
update edi_document d set state = s.verdict, settled_by = s.by, settled_at = $3,
    codes = string_to_array(s.codes, ' ')
from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    as s(group_control, document, control, verdict, by, codes)
where d.tenant = $1 and d.interchange = $2 and d.state = 'SENT'
    and d.group_control = s.group_control and d.document = s.document and d.control = s.control
returning d.state
"""
# A TA1 that takes an interchange says nothing of its documents, unless no more was agreed on.
SETTLE_ALL = """
update edi_document set state = $3, settled_by = $4, settled_at = $5, codes = $6
where tenant = $1 and interchange = $2 and state = 'SENT'
    and ($7 = '' or functional_id = $8 and group_control = $7)
    and (not $9 or $3 = 'REJECTED' or expects = 'TA1')
returning state
"""
WAITS = """
select exists (select from edi_document where tenant = $1 and interchange = $2 and state = 'SENT'
    and due_at is not null)
"""
OF = "select partner, control_written from edi_interchange where tenant = $1 and interchange = $2"
FORGET = "delete from edi_told where tenant = $1 and interchange = $2 returning interchange"
WITHIN = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Settled:
    """What acknowledgments have said of an interchange that was sent."""

    interchange: str
    partner: str
    control: str
    by: str
    accepted: int
    rejected: int

    @property
    def event(self) -> tuple[str, InterchangeAcknowledged]:
        return f"acknowledged:{self.interchange}:{self.by}", InterchangeAcknowledged(
            interchange=self.interchange,
            partner=self.partner,
            control=self.control,
            by=self.by,
            accepted=self.accepted,
            rejected=self.rejected,
        )


async def keep(tx: Transaction, interchange: str, found: Interchange) -> None:
    """Keep what an interchange that came says of others."""
    said = [*(one for each in found.documents for one in each.statements), *found.statements]
    if not said:
        return
    await tx.execute(KEEP, tx.tenant, interchange, *store.pair(found), *_columns(said))


def _columns(said: Sequence[Statement]) -> list[list[Any]]:
    text = store.text
    return [
        list(range(1, len(said) + 1)),
        [one.about for one in said],
        [one.verdict for one in said],
        [text(same(one.interchange)) for one in said],
        [text(one.functional_id) for one in said],
        [text(same(one.group)) for one in said],
        [text(one.document) for one in said],
        [text(same(one.control)) for one in said],
        [text(" ".join(one.codes)) for one in said],
    ]


async def settle(tx: Transaction, interchange: str, desk: Desk, now: datetime) -> list[Settled]:
    """Match what an interchange that came says with what was sent.

    What it was said of may not be known yet: then it is matched as soon as that is.
    """
    rows = await tx.fetch(SAID, tx.tenant, interchange)
    return await _matched(tx, rows, desk, now)


async def settle_sent(
    tx: Transaction, found: Interchange, desk: Desk, now: datetime
) -> list[Settled]:
    """Match what is sent with what the partner has said of it already."""
    standard, ours, theirs = store.pair(found)
    groups = sorted({(one.functional_id, one.group) for one in found.documents})
    names = [store.text(of) for of, _ in groups], [store.text(same(one)) for _, one in groups]
    control = store.text(same(found.control))
    rows = await tx.fetch(SAID_BEFORE, tx.tenant, theirs, ours, standard, *names, control)
    return await _matched(tx, rows, desk, now)


async def _matched(
    tx: Transaction, rows: Sequence[Any], desk: Desk, now: datetime
) -> list[Settled]:
    """Settle what these say anything of; one interchange says what it does of another once."""
    states: dict[tuple[str, str], list[str]] = {}
    for _, these in groupby(rows, key=_target):
        said = list(these)
        sender, receiver, standard = (said[0][one] for one in ("sender", "receiver", "standard"))
        interchange = await _meant(tx, (receiver, sender, standard), said[0])
        if not interchange:
            continue
        became = states.setdefault((interchange, said[0]["interchange"]), [])
        became += await _settle(tx, interchange, said, now)
        keys = [one["interchange"] for one in said], [one["place"] for one in said]
        await tx.execute(MATCHED, tx.tenant, *keys)
    found: list[Settled] = []
    for (interchange, by), became in states.items():
        if became:
            of = await tx.fetchrow(OF, tx.tenant, interchange)
            counts = became.count("ACCEPTED"), became.count("REJECTED")
            one = Settled(interchange, of["partner"], of["control_written"], by, *counts)
            found.append(one)
            await _tell(tx, desk, one, now)
    return found


def _target(row: Any) -> tuple[str, ...]:
    """Name what a statement is about: a group of X12, or an interchange."""
    if row["functional_id"]:
        return row["interchange"], row["functional_id"], row["group_control"]
    return row["interchange"], "", row["about_control"]


async def _meant(tx: Transaction, ours: tuple[str, str, str], row: Any) -> str:
    if row["functional_id"]:
        key = row["functional_id"], row["group_control"]
        return await tx.fetchval(BY_GROUP, tx.tenant, *ours, *key) or ""
    return await tx.fetchval(BY_NUMBER, tx.tenant, *ours, row["about_control"]) or ""


async def _settle(
    tx: Transaction, interchange: str, said: Sequence[Any], now: datetime
) -> list[str]:
    sets = [one for one in said if one["about"] == About.SET and one["verdict"] != "RECEIVED"]
    states: list[str] = []
    if sets:
        rows = await tx.fetch(
            SETTLE_SETS,
            tx.tenant,
            interchange,
            now,
            [one["group_control"] for one in sets],
            [one["document"] for one in sets],
            [one["control"] for one in sets],
            [one["verdict"] for one in sets],
            [one["interchange"] for one in sets],
            [" ".join(one["codes"]) for one in sets],
        )
        states += [row["state"] for row in rows]
    for one in said:
        if one["about"] == About.SET or one["verdict"] == "RECEIVED":
            continue
        is_group = one["about"] == About.GROUP
        rows = await tx.fetch(
            SETTLE_ALL,
            tx.tenant,
            interchange,
            one["verdict"],
            one["interchange"],
            now,
            one["codes"],
            one["group_control"] if is_group else "",
            one["functional_id"],
            one["standard"] == "X12" and not is_group,
        )
        states += [row["state"] for row in rows]
    return states


async def _tell(tx: Transaction, desk: Desk, one: Settled, now: datetime) -> None:
    """Open a case of what is refused, and close that of what was waited for."""
    if one.rejected:
        await desk.opened(tx, [refused_case(one)], now)
    waits = await tx.fetchval(WAITS, tx.tenant, one.interchange)
    if not waits and await tx.fetchval(FORGET, tx.tenant, one.interchange):
        said = f"acknowledged by {one.by}"
        await desk.closed(tx, [overdue_name(one.interchange)], said, now)


def overdue_name(interchange: str) -> str:
    return f"edi/overdue/{interchange}"


def refused_case(one: Settled) -> OpenCase:
    return OpenCase(
        code="TGT-REJECT",
        fingerprint=f"edi/refused/{one.interchange}",
        severity="S2",
        owner_role="Integration",
        within=WITHIN,
        entity=one.interchange,
        title=f"{one.rejected} documents of interchange {one.control} were refused by the partner",
        evidence={
            "interchange": one.interchange,
            "control": one.control,
            "partner": one.partner,
            "refused_by": one.by,
            "rejected": one.rejected,
            "accepted": one.accepted,
        },
    )
