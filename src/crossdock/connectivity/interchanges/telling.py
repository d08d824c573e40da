"""What is told of interchanges: to the log, to who handed them in, to who has to look."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.partners import (
    DocumentCount,
    InterchangeReceived,
    InterchangeWritten,
    Standard,
)
from crossdock.connectivity.interchanges import store
from crossdock.connectivity.interchanges.model import DocumentIs, Interchange, Outcome, State
from crossdock.connectivity.interchanges.store import Kept
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
HELD_WITHIN = timedelta(hours=1)


def held_name(found: Interchange) -> str:
    return f"edi/held/{'/'.join(store.pair(found))}"


def held_case(kept: Kept, found: Interchange) -> OpenCase:
    """Make the case of what is set aside: one for each pair of addresses."""
    standard, sender, receiver = store.pair(found)
    return OpenCase(
        code="SEC-PARTNER",
        fingerprint=held_name(found),
        severity="S2",
        owner_role="Security",
        within=HELD_WITHIN,
        entity=kept.partner or sender,
        title=f"an interchange from {sender} to {receiver} was set aside: {kept.because}",
        evidence={
            "interchange": kept.interchange,
            "code": kept.code,
            "standard": standard,
            "sender": sender,
            "receiver": receiver,
            "control": store.text(found.control),
        },
    )


def received_event(
    kept: Kept, found: Interchange, states: Sequence[DocumentIs]
) -> tuple[str, Payload]:
    """Tell of what came: of the documents those that were taken."""
    taken = Counter(
        one.document
        for one, state in zip(found.documents, states, strict=False)
        if state is DocumentIs.TAKEN
    )
    standard, sender, receiver = store.pair(found)
    return f"interchange:{kept.interchange}:{kept.state}", InterchangeReceived(
        interchange=kept.interchange,
        partner=kept.partner,
        standard=Standard(standard),
        sender=sender,
        receiver=receiver,
        control=store.text(found.control),
        state=kept.state,
        is_test=found.is_test,
        documents=_counted(taken),
        repeated=kept.repeated,
        rejected=kept.rejected,
    )


def written_event(kept: Kept, found: Interchange) -> tuple[str, Payload]:
    standard, sender, receiver = store.pair(found)
    return f"interchange:{kept.interchange}:{kept.state}", InterchangeWritten(
        interchange=kept.interchange,
        partner=kept.partner,
        standard=Standard(standard),
        sender=sender,
        receiver=receiver,
        control=store.text(found.control),
        documents=_counted(found.counts),
        answers=kept.answers,
        is_sent=kept.state is State.SENT,
    )


def _counted(documents: Mapping[str, int]) -> tuple[DocumentCount, ...]:
    return tuple(
        DocumentCount(store.text(name), count) for name, count in sorted(documents.items())
    )


def outcome_of(kept: Kept, found: Interchange) -> Outcome:
    standard, sender, receiver = store.pair(found)
    return Outcome(
        interchange=kept.interchange,
        state=kept.state,
        partner=kept.partner,
        standard=Standard(standard),
        sender=sender,
        receiver=receiver,
        control=store.text(found.control),
        code=kept.code,
        because=kept.because,
        documents={store.text(name): count for name, count in found.counts.items()},
        rejected=kept.rejected,
        repeated=kept.repeated,
    )


async def tell(tx: Transaction, said: Sequence[tuple[str, Payload]], now: datetime) -> None:
    await event_log.append_once(
        tx,
        [
            Entry(
                tenant=tx.tenant,
                source=HUB,
                received_at=now,
                fact=Fact(identity=identity, payload=payload, occurred_at=now, recorded_at=now),
            )
            for identity, payload in said
        ],
    )
