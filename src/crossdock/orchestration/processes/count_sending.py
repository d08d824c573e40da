"""Has warehouse systems count what the hub proposes to be counted (§4.2, §4.3).

One instance per count task and connection that takes such tasks at its location. A task is told
when it is proposed, told again when it becomes more urgent, and withdrawn when it is not needed
any more or a person refuses it. What the warehouse has taken over and counted is over without a
word: it knows. A task that is told again, late or twice is the same task by its `count_id`.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Settlement
from crossdock.connectivity.sdk.roles import COUNT_REFUSED
from crossdock.orchestration.decision import CloseCase, Decision, Send

NAME = "count_sending"
ROLE = "TakesCountTasks"

PROPOSED, DONE = "PROPOSED", "DONE"
WITHDRAWN = "WITHDRAWN"

GIVEN_UP = frozenset({"discarded", "removed"})
"""The codes of a command that a person has given up: alone, or with the whole connection."""
OVERTAKEN = frozenset({Settlement.SUPERSEDED, Settlement.STALE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be counted, in the hub's own keys, and not by whom. No quantity is named."""

    connection: str
    count_id: str
    item: str
    location: str
    item_class: str
    reason: str
    not_by: str = ""

    @property
    def instance(self) -> str:
        return f"{self.count_id}/{self.connection}"

    def __str__(self) -> str:
        return f"the count of {self.item} at {self.location}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What an instance remembers: what it told last, and the last outcome that it knows.

    `told` is the reason for which it told the task, or WITHDRAWN.
    """

    version: int = 0
    told: str = ""
    heard: int = 0
    is_troubled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The task as it is now, and the newest outcome with its place in the log (0: none yet).

    `is_told`: the connection still takes tasks at the location.
    """

    task: Task
    status: str = PROPOSED
    because: str = ""
    is_told: bool = True
    heard: int = 0
    settled_version: int = 0
    settlement: Settlement | None = None
    code: str = ""
    detail: str = ""


def decide(sent: Sent, facts: Facts, now: datetime) -> Decision[Sent]:
    """Tell a task, tell it again, or take it back; have a person look at one that got nowhere."""
    del now  # what is to be counted is told at once, and nothing is waited for but the outcome
    if facts.status == PROPOSED:
        return _wanted(sent, facts)
    return _ended(sent, facts)


def _wanted(sent: Sent, facts: Facts) -> Decision[Sent]:
    if sent.told != facts.task.reason and facts.is_told:
        told = replace(sent, version=sent.version + 1, told=facts.task.reason, heard=facts.heard)
        return Decision(
            ledger=told,
            commands=(_send(told, facts),),
            note=f"have {facts.task} made: {facts.task.reason}",
        )
    if not _is_news(sent, facts):
        return Decision(ledger=sent)
    heard = replace(sent, heard=facts.heard)
    if said := _answer(facts):
        said = f"{said}: {facts.detail}" if facts.detail else said
        return _untroubled(heard, facts, said)
    return _troubled(heard, facts)


def _troubled(sent: Sent, facts: Facts) -> Decision[Sent]:
    case = _case(facts, is_withdrawn=sent.told == WITHDRAWN)
    return Decision(ledger=replace(sent, is_troubled=True), note=case.title, cases=(case,))


def _got_nowhere(facts: Facts) -> bool:
    return facts.settlement is not None and not _answer(facts)


def _answer(facts: Facts) -> str:
    """Name an answer that needs nobody; "" for one that a person has to look at."""
    if facts.settlement is Settlement.DONE:
        return "taken over"
    if facts.code == COUNT_REFUSED:
        return "refused by the warehouse"
    is_given_up = facts.code in GIVEN_UP or facts.settlement in OVERTAKEN
    return "given up" if is_given_up else ""


def _ended(sent: Sent, facts: Facts) -> Decision[Sent]:
    """Take back what may lie there still; whoever counted it, or refused it, knows already."""
    if sent.told == WITHDRAWN and _is_news(sent, facts) and _got_nowhere(facts):
        return _troubled(replace(sent, heard=facts.heard), facts)
    over = _untroubled(replace(sent, heard=facts.heard), facts, f"{facts.task}: {facts.status}")
    if sent.told == WITHDRAWN and sent.is_troubled and not _is_news(sent, facts):
        return Decision(ledger=sent)  # it may lie there still
    if not sent.version or sent.told == WITHDRAWN or _is_known_there(sent, facts):
        return over if sent.is_troubled else Decision(ledger=over.ledger)
    told = replace(over.ledger, version=sent.version + 1, told=WITHDRAWN)
    return replace(over, ledger=told, commands=(_send(told, facts),))


def _is_known_there(sent: Sent, facts: Facts) -> bool:
    if not facts.is_told:
        return True
    if facts.settled_version != sent.version:
        return False  # it is on its way
    is_counted = facts.status == DONE and facts.settlement is Settlement.DONE
    return is_counted or facts.settlement is Settlement.REFUSED


def _is_news(sent: Sent, facts: Facts) -> bool:
    return facts.heard != sent.heard and facts.settled_version == sent.version


def _untroubled(sent: Sent, facts: Facts, said: str) -> Decision[Sent]:
    closing = CloseCase(fingerprint=_fingerprint(facts), resolution=said)
    return Decision(
        ledger=replace(sent, is_troubled=False),
        note=said,
        cases=(closing,) if sent.is_troubled else (),
    )


def _send(sent: Sent, facts: Facts) -> Send:
    task = facts.task
    is_withdrawn = sent.told == WITHDRAWN
    return Send(
        connection=task.connection,
        role=ROLE,
        subject=task.count_id,
        version=sent.version,
        arguments={
            "count_id": task.count_id,
            "item": task.item,
            "location": task.location,
            "reason": task.reason,
            "item_class": task.item_class,
            "not_by": task.not_by,
            "is_withdrawn": is_withdrawn,
            "because": (facts.because or facts.status) if is_withdrawn else "",
        },
    )


def _case(facts: Facts, *, is_withdrawn: bool) -> OpenCase:
    """Word what went wrong by the exception taxonomy (§7.2): who mends it, and how soon."""
    code, severity, owner, within = _TROUBLES.get(
        facts.code, _UNKNOWN if facts.settlement is Settlement.PARKED else _REFUSED
    )
    kind = "not taken back" if is_withdrawn else "not taken over"
    said = "has no known outcome" if facts.settlement is Settlement.PARKED else f"was {kind}"
    task, telling = facts.task, "withdrawn from" if is_withdrawn else "told to"
    return OpenCase(
        code=code,
        fingerprint=_fingerprint(facts),
        severity=severity,
        owner_role=owner,
        within=within,
        entity=task.item,
        title=f"{task}, {telling} {task.connection}, {said}: {facts.detail or 'no reason'}",
        evidence={"count_id": task.count_id, "code": facts.code, "detail": facts.detail},
    )


_REFUSED = ("TGT-REJECT", "S3", "Inventory control", timedelta(hours=8))
_UNKNOWN = ("TGT-DOWN", "S3", "Integration", timedelta(hours=8))
_TROUBLES = {
    "MD-ITEM-XREF": ("MD-ITEM-XREF", "S3", "Master data", timedelta(hours=8)),
    "MD-LOC": ("MD-LOC", "S3", "Master data", timedelta(days=1)),
}


def _fingerprint(facts: Facts) -> str:
    return f"{NAME}:{facts.task.instance}"
