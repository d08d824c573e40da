"""What is late of what is to come: by its day, by its age where it has none, by its answer."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply import rules
from crossdock.capabilities.supply.rule_store import rule_of
from crossdock.capabilities.supply.rules import AtpTerms
from crossdock.capabilities.supply.store import ANNOUNCED, LAST_WORD, ROOM, Key
from crossdock.foundation.database import Transaction

UNDATED_DAYS = 30
"""What is under way without a date should be there by then, where no rule knows a lead time."""

SUPPLIERS_OWN = SupplyKind.VENDOR_STOCK.value
AT_THE_DOCK = SupplyEvidence.ARRIVED.value
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

# Each commitment with what is open of it as answers by date count it: what a notice has announced
# of a purchase is late, or not, as the notice's, and notices never come to more than the purchase.
_OPEN = f"""
select l.document, l.supply_id, l.source, l.kind, l.evidence, l.item, l.location,
    case when l.room is null then l.left_over else least(l.left_over, l.room) end as micros, l.eta,
    l.acknowledgment_due, l.heard_us, l.sent_us, l.shipped_us
from (select s.*, split_part(s.supply_id, '/', 1) as document,
        s.micros - {ANNOUNCED} as left_over, {ROOM} as room
    from supply_commitment s
    where s.tenant = $1 and s.micros > 0 and %s and {LAST_WORD}) l
where l.left_over > 0 and (l.room is null or l.room > 0)
order by l.document, l.supply_id
"""  # noqa: S608  # the parts above
LATE = _OPEN % "s.eta < $2 and s.kind <> $3 and s.evidence <> $4"

# Under way or bought without a date; sent and not answered.
WAITING = (
    _OPEN
    % """s.heard_us < $2
        and (s.eta is null and (s.evidence = 'SHIPPED' or s.kind = 'PO_SCHEDULE')
            or s.evidence = 'SENT' and s.kind = 'PO_SCHEDULE')"""
)

RULES = """
select r.item, r.item_class, r.location, r.rule from supply_rule r
where r.tenant = $1 and r.rule is not null and r.item = any($2) and r.location = any($3)
"""


class LateLine(NamedTuple):
    """A commitment whose day is over; `micros` of the item's base unit are still to come.

    `basis` says how the day is known that no source said. `is_unanswered`: its day is that of its
    supplier's answer.
    """

    document: str
    supply_id: str
    source: str
    kind: str
    evidence: str
    item: str
    location: str
    micros: int
    eta: date
    basis: str = ""
    is_unanswered: bool = False


class Waiting(NamedTuple):
    """A commitment that may be late by its age: since when it is known, sent and shipped."""

    line: LateLine
    has_date: bool
    answer_due: date | None
    heard_on: date
    sent_on: date | None
    shipped_on: date | None


class KnowsClasses(Protocol):
    """Whoever knows the items' classes; the catalogue, usually."""

    async def item_classes(self, tx: Transaction, items: Sequence[str]) -> Mapping[str, str]:
        """Name the class of each of these items that has one."""
        ...


async def late_lines(tx: Transaction, day: date, classes: KnowsClasses) -> list[LateLine]:
    """Give what should have come, or been answered, before a day."""
    rows = await tx.fetch(LATE, tx.tenant, day, SUPPLIERS_OWN, AT_THE_DOCK)
    found = [LateLine(*tuple(row)[:9]) for row in rows]
    before = (datetime(day.year, day.month, day.day, tzinfo=UTC) - _EPOCH) // _MICROSECOND
    waiting = [_waiting(row) for row in await tx.fetch(WAITING, tx.tenant, before)]
    if waiting:
        terms = await terms_of_keys(
            tx, {(one.line.item, one.line.location) for one in waiting}, classes
        )
        for one in waiting:
            found += late_of(one, terms[one.line.item, one.line.location], day)
    return found


def late_of(waiting: Waiting, terms: AtpTerms, day: date) -> list[LateLine]:
    """Give what is late of one before a day: its answer, and its goods where nobody dated them."""
    line = waiting.line
    found = ((False, *_undated(waiting, terms)), (True, *_unanswered(waiting, terms)))
    return [
        line._replace(eta=due, basis=basis, is_unanswered=is_unanswered)
        for is_unanswered, due, basis in found
        if due is not None and due < day
    ]


def _undated(waiting: Waiting, terms: AtpTerms) -> tuple[date | None, str]:
    """Say when goods without a date should have come, and why; None is that nobody knows."""
    line, lead = waiting.line, terms.lead_time_days
    if waiting.has_date or line.kind == SupplyKind.RMA_EXPECTED.value:
        return None, ""
    if line.evidence == SupplyEvidence.SHIPPED.value:
        since, told = waiting.shipped_on or waiting.heard_on, "shipped"
        why = f"a lead time of {lead} days" if lead else f"{UNDATED_DAYS} days at the most"
        lead = lead or UNDATED_DAYS
    else:
        since, told, why = waiting.heard_on, "ordered", f"a lead time of {lead} days"
    if not lead:
        return None, ""
    due = terms.calendar.next_working_day(since + timedelta(days=lead))
    return due, f"no date is told: {told} on {since}, with {why}"


def _unanswered(waiting: Waiting, terms: AtpTerms) -> tuple[date | None, str]:
    """Say by when a supplier was to answer a purchase that was sent, and by whose word."""
    line, sent = waiting.line, waiting.sent_on
    if (line.kind, line.evidence) != (SupplyKind.PO_SCHEDULE.value, SupplyEvidence.SENT.value):
        return None, ""
    if waiting.answer_due is not None:
        return waiting.answer_due, "its source says by when an answer is due"
    if sent is None or not terms.acknowledge_days:
        return None, ""
    due = terms.calendar.plus_working_days(sent, terms.acknowledge_days)
    return due, f"sent on {sent}, to be answered in {terms.acknowledge_days} working days"


def _waiting(row: Any) -> Waiting:
    has_date = row["eta"] is not None
    line = LateLine._make((*tuple(row)[:8], row["eta"] or date.min, "", False))
    sent, shipped = _day(row["sent_us"]), _day(row["shipped_us"])
    return Waiting(line, has_date, row["acknowledgment_due"], _on(row["heard_us"]), sent, shipped)


def _day(us: int | None) -> date | None:
    return None if us is None else _on(us)


def _on(us: int) -> date:
    return (_EPOCH + us * _MICROSECOND).date()


async def terms_of_keys(
    tx: Transaction, keys: Collection[Key], classes: KnowsClasses
) -> dict[Key, AtpTerms]:
    """Give what holds for each of these keys."""
    items, places = sorted({item for item, _ in keys}), {location for _, location in keys}
    said = await tx.fetch(RULES, tx.tenant, [*items, rules.ALL], [*sorted(places), rules.ALL])
    held = {(row[0], row[1], row[2]): rule_of(row["rule"]) for row in said}
    of = await classes.item_classes(tx, items) if any(name for _, name, _ in held) else {}
    return {
        key: rules.terms_of(
            held[at] for at in rules.places(*key, of.get(key[0], "")) if at in held
        )
        for key in keys
    }
