"""What the log is told when somebody changes what is agreed with a sales channel (§3.7)."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from crossdock.canonical.channels import ChannelTermsChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.quantities import plain
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry
from crossdock.orchestration.processes.channel_terms import Channel

HUB = "crossdock"
"""The source name of the hub's own facts."""

# Whoever changes terms of a tenant takes his turn, so that no two tell of one change.
ALONE = "select pg_advisory_xact_lock(hashtextextended('channel terms ' || $1, 0))"

CHANGE = """
update publishing_channel set version = version + 1, changed_by = $4, changed_at = $5
where tenant = $1 and connection = $2 and location = $3
returning version
"""


@dataclass(frozen=True, slots=True)
class Word:
    """Who changed something, and when."""

    by: str
    at: datetime


async def alone(tx: Transaction) -> None:
    """Let nobody else change the terms of a channel until the transaction ends."""
    await tx.execute(ALONE, tx.tenant)


async def changed(tx: Transaction, before: Channel | None, channel: Channel, word: Word) -> None:
    """Count a new version of a channel's terms, and tell of it; the same again is none.

    `before` is what was agreed until now (None: nothing); the new terms are written already.
    """
    if before is not None and _in_order(before) == _in_order(channel):
        return
    place = (channel.connection, channel.location)
    version: int = await tx.fetchval(CHANGE, tx.tenant, *place, word.by, word.at)
    payload = _told(before, channel, version, word.by)
    fact = Fact(
        identity=joined("channel_terms", channel.connection, channel.location, str(version)),
        payload=payload,
        occurred_at=word.at,
        recorded_at=word.at,
    )
    entry = Entry(tenant=tx.tenant, source=HUB, received_at=word.at, fact=fact)
    await event_log.append(tx, [entry])


def _in_order(channel: Channel) -> tuple[object, ...]:
    """Give all of it, so that what is listed in another order is the same."""
    items = sorted(channel.items, key=lambda terms: terms.item)
    names = [one.name for one in fields(channel) if one.name != "items"]
    return (*(getattr(channel, name) for name in names), *items)


def _told(before: Channel | None, channel: Channel, version: int, by: str) -> ChannelTermsChanged:
    known = {terms.item: terms for terms in (before.items if before else ())}
    new = {terms.item: terms for terms in channel.items}
    return ChannelTermsChanged(
        connection=channel.connection,
        location=channel.location,
        version=version,
        changed_by=by,
        is_active=channel.is_active,
        source_locations=channel.source_locations,
        share_mode=channel.share_mode,
        share_percent=_plain(channel.share_percent),
        share_fixed=_plain(channel.share_fixed),
        share_min=_plain(channel.share_min),
        share_max=_optional(channel.share_max),
        period=channel.period,
        buffer=_plain(channel.buffer),
        oversell_percent=_optional(channel.oversell_percent),
        unit_margin=_optional(channel.unit_margin),
        currency=channel.currency,
        cap=_optional(channel.cap),
        low_threshold=_plain(channel.low_threshold),
        levels=_all(channel.levels),
        coalesce_seconds=channel.coalesce_seconds,
        when_stale=channel.when_stale,
        stale_buffer=_optional(channel.stale_buffer),
        channel=channel.channel,
        items=len(new),
        items_changed=sum(known.get(item) != new.get(item) for item in known.keys() | new.keys()),
    )


def _all(values: Sequence[Decimal]) -> tuple[Decimal, ...]:
    return tuple(_plain(value) for value in values)


def _optional(value: Decimal | None) -> Decimal | None:
    return None if value is None else _plain(value)


def _plain(value: Decimal) -> Decimal:
    """Write it out: no exponent, no zeros behind it."""
    return Decimal(plain(value))
