"""Receipts of partners held against what was sent, and what is settled by them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.connectivity.as2.faults import As2Invalid
from crossdock.connectivity.as2.matching import Match, Verdict, matched
from crossdock.connectivity.as2.messages import (
    GOOD,
    OPEN,
    SOURCE,
    MessageState,
    awaited_of,
    settled_event,
)
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.partners import Sides
from crossdock.connectivity.as2.receipts import Receipt, read_receipt
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk

log = structlog.get_logger(__name__)

SENT = """
select message, house, partner_name, message_id, state, mics, repeats from as2_message
where tenant = $1 and direction = 'OUT' and house = $2 and partner_name = $3 and message_id = $4
for update
"""
SETTLE = """
update as2_message set state = $3, because = $4, receipt = coalesce($5, receipt),
    mic = coalesce($6, mic), signed_by = coalesce($7, signed_by), due_at = null, settled_at = $8,
    repeats = repeats + 1
where tenant = $1 and message = $2
"""
NOTE = "update as2_message set because = $3 where tenant = $1 and message = $2"


@dataclass(frozen=True, slots=True)
class Heard:
    """A receipt and what it proves; `receipt` is None where it could not be read."""

    match: Match
    receipt: Receipt | None = None


def heard(message: Entity, sides: Sides, row: Any, at: datetime) -> Heard:
    """Read a receipt and hold it against the message that it is said to be for."""
    terms = sides.profile.terms()
    try:
        receipt = read_receipt(message, terms, at)
    except As2Invalid as error:
        said = f"the receipt does not hold: {error.message}"
        return Heard(Match(Verdict.UNPROVEN, (said,)))
    return Heard(matched(receipt, awaited_of(row), terms.incoming), receipt)


def stands(state: MessageState, new: MessageState) -> bool:
    """Say whether what is settled stands, whatever another receipt says: proof is not lost.

    What was refused, or given up, a proof settles anew.
    """
    if state in OPEN or state is MessageState.FAILED:
        return False
    return state in GOOD or new not in GOOD


@dataclass(frozen=True, slots=True)
class Hearing:
    database: Database
    clock: Clock
    desk: Desk

    async def hear(self, scope: Scope, sides: Sides, message: Entity) -> None:
        """Take a receipt that a partner brings by a call of its own.

        Nobody vouches for the caller: what is neither signed nor agreed to go unsigned is noted,
        and the receipt awaited on.
        """
        now = self.clock.now()
        try:
            receipt = await asyncio.to_thread(read_receipt, message, sides.profile.terms(), now)
        except As2Invalid as error:
            sender = sides.profile.partner
            log.warning("as2: receipt not taken", sender=sender, because=error.message)
            raise Invalid(f"the receipt was not taken: {error.fault}") from None
        whose = (sides.house.name, sides.profile.partner, receipt.original_message_id)
        async with self.database.transaction(scope) as tx:
            row = await tx.fetchrow(SENT, tx.tenant, *whose)
            if row is None:
                raise NotFound(f"no message <{receipt.original_message_id}> went to you")
            match = matched(receipt, awaited_of(row), sides.profile.incoming)
            if match.verdict is Verdict.UNPROVEN and receipt.signature is None:
                because = "; ".join(("a receipt was not taken", *match.findings))[:2000]
                if MessageState(row["state"]) in OPEN:
                    await tx.execute(NOTE, tx.tenant, row["message"], because)
                return
            await self.settle(tx, row, Heard(match, receipt), message.written())

    async def settle(
        self, tx: Transaction, row: Mapping[str, Any], said: Heard, raw: bytes | None
    ) -> MessageState:
        """Settle a message by its receipt; say how it stands."""
        state = MessageState(said.match.verdict.value)
        told = said.receipt and said.receipt.disposition
        is_odd = told and state is MessageState.UNPROVEN and not told.is_processed
        findings = (*said.match.findings, str(told)) if is_odd else said.match.findings
        because = "; ".join(findings)[:2000]
        return await self.settle_as(tx, row, state, because, raw=raw, receipt=said.receipt)

    async def settle_as(
        self,
        tx: Transaction,
        row: Mapping[str, Any],
        state: MessageState,
        because: str,
        *,
        raw: bytes | None = None,
        receipt: Receipt | None = None,
    ) -> MessageState:
        before = MessageState(row["state"])
        if stands(before, state):
            return before
        now = self.clock.now()
        mic = f"{receipt.mic}, {receipt.mic_digest}" if receipt and receipt.mic else None
        signature = receipt.signature if receipt else None
        signer = signature.certificate.fingerprint if signature else None
        proof = (raw, mic, signer)
        await tx.execute(SETTLE, tx.tenant, row["message"], state, because, *proof, now)
        fact = Fact(
            identity=f"settled:{row['message']}:{row['repeats']}",
            payload=settled_event(row, state, because),
            occurred_at=now,
        )
        entry = event_log.Entry(tenant=tx.tenant, source=SOURCE, received_at=now, fact=fact)
        await event_log.append_once(tx, [entry])
        if state in GOOD:
            fingerprint = f"as2/{row['message']}"
            await self.desk.closed(tx, [fingerprint], "the partner has it by now", now)
        else:
            await self.desk.opened(tx, [case_of(row, state, because)], now)
        return state


def case_of(row: Mapping[str, Any], state: MessageState, because: str) -> OpenCase:
    """Word the case of a message that its partner does not have, or does not say it has."""
    title = {
        MessageState.REFUSED: f"{row['partner_name']} has refused a message",
        MessageState.UNPROVEN: f"{row['partner_name']} has not proven that it has what was sent",
    }.get(state, f"{row['partner_name']} cannot be sent a message")
    return OpenCase(
        code="TGT-DOWN" if state is MessageState.FAILED else "TGT-REJECT",
        fingerprint=f"as2/{row['message']}",
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=1 if state is MessageState.FAILED else 4),
        entity=row["message"],
        title=title,
        evidence={
            "message": row["message"],
            "message_id": row["message_id"],
            "from": row["house"],
            "to": row["partner_name"],
            "state": state.value,
            "because": because,
        },
    )
