"""What a count task makes a process tell, whatever is answered and in whatever order."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Settlement
from crossdock.connectivity.sdk.roles import COUNT_REFUSED
from crossdock.orchestration.decision import CloseCase
from crossdock.orchestration.processes.count_sending import (
    GIVEN_UP,
    WITHDRAWN,
    Facts,
    Sent,
    Task,
    decide,
)
from tests.conftest import NOON

TASK = Task(
    connection="wms",
    count_id="cnt_1",
    item="BOLT",
    location="DC1",
    item_class="A",
    reason="DIFFERENCE",
)
TOLD = Sent(version=1, told="DIFFERENCE")
OPEN = Facts(task=TASK)


def heard(settlement: Settlement | None, code: str = "", **more: Any) -> Facts:
    return replace(
        OPEN,
        **{"heard": 7, "settled_version": 1, "settlement": settlement, "code": code} | more,
    )


def test_a_task_is_told_once_and_names_no_quantity() -> None:
    first = decide(Sent(), OPEN, NOON)
    [command] = first.commands

    assert (command.connection, command.subject, command.version) == ("wms", "cnt_1", 1)
    assert command.arguments == {
        "count_id": "cnt_1",
        "item": "BOLT",
        "location": "DC1",
        "reason": "DIFFERENCE",
        "item_class": "A",
        "is_withdrawn": False,
        "because": "",
        "not_by": "",
    }
    assert decide(first.ledger, OPEN, NOON).commands == ()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (heard(Settlement.DONE, detail="task 4711"), "taken over: task 4711"),
        (heard(Settlement.REFUSED, COUNT_REFUSED, detail="blocked"), "refused by the warehouse"),
        (heard(Settlement.REFUSED, min(GIVEN_UP)), "given up"),
        (heard(Settlement.SUPERSEDED), "given up"),
    ],
)
def test_an_answer_that_needs_nobody_is_noted(facts: Facts, said: str) -> None:
    decision = decide(TOLD, facts, NOON)

    assert decision.note.startswith(said)
    assert (decision.cases, decision.commands) == ((), ())
    assert decision.ledger.heard == 7
    assert decide(decision.ledger, facts, NOON).note == ""


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (heard(Settlement.REFUSED, "rejected"), "TGT-REJECT"),
        (heard(Settlement.REFUSED, "MD-ITEM-XREF"), "MD-ITEM-XREF"),
        (heard(Settlement.PARKED, "tries_used_up"), "TGT-DOWN"),
    ],
)
def test_what_got_nowhere_is_a_case_until_it_is_taken_over_or_over(
    facts: Facts, code: str
) -> None:
    troubled = decide(TOLD, facts, NOON)
    taken = decide(troubled.ledger, replace(facts, heard=8, settlement=Settlement.DONE), NOON)
    over = decide(troubled.ledger, replace(facts, status="DONE"), NOON)

    [case] = troubled.cases
    assert isinstance(case, OpenCase)
    assert case.code == code
    for ending in (taken, over):
        [closed] = ending.cases
        assert isinstance(closed, CloseCase)
        assert closed.fingerprint == case.fingerprint
        assert not ending.ledger.is_troubled


@pytest.mark.parametrize(
    ("settlement", "code"),
    [(Settlement.PARKED, "tries_used_up"), (Settlement.REFUSED, "rejected")],
)
def test_a_withdrawal_that_gets_nowhere_is_a_case_until_it_is_taken_or_given_up(
    settlement: Settlement, code: str
) -> None:
    back = Sent(version=2, told=WITHDRAWN, is_troubled=True)
    facts = replace(heard(settlement, code, status="WITHDRAWN"), settled_version=2)
    troubled = decide(back, facts, NOON)
    done = replace(facts, heard=8, settlement=Settlement.DONE, code="")
    given_up = replace(facts, heard=8, settlement=Settlement.REFUSED, code=min(GIVEN_UP))

    [case] = troubled.cases
    assert isinstance(case, OpenCase)
    assert "withdrawn from" in case.title
    assert (troubled.commands, troubled.ledger.is_troubled) == ((), True)
    assert decide(troubled.ledger, facts, NOON).cases == ()
    for ending in (done, given_up):
        [closed] = decide(troubled.ledger, ending, NOON).cases
        assert isinstance(closed, CloseCase)
        assert closed.fingerprint == case.fingerprint


@pytest.mark.parametrize(
    ("what", "sent", "facts", "is_withdrawn"),
    [
        ("it was never told", Sent(), replace(OPEN, status="DONE"), False),
        ("it lies there", TOLD, heard(Settlement.DONE, status="WITHDRAWN"), True),
        ("it was counted there", TOLD, heard(Settlement.DONE, status="DONE"), False),
        ("it was counted, and is on its way", TOLD, replace(OPEN, status="DONE"), True),
        ("it may lie there", TOLD, heard(Settlement.PARKED, status="DONE"), True),
        ("it never got there", TOLD, heard(Settlement.REFUSED, status="WITHDRAWN"), False),
        ("it lies there as it was told first", replace(TOLD, version=2),
         heard(Settlement.DONE, status="DONE"), True),
        ("nobody takes tasks there by now", TOLD,
         heard(Settlement.DONE, status="WITHDRAWN", is_told=False), False),
        ("it is taken back already", Sent(version=2, told=WITHDRAWN),
         replace(OPEN, status="WITHDRAWN"), False),
    ],
)  # fmt: skip
def test_what_is_over_is_taken_back_where_it_may_lie_still(
    what: str,
    sent: Sent,
    facts: Facts,
    is_withdrawn: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    commands = decide(sent, facts, NOON).commands

    assert [one.arguments["is_withdrawn"] for one in commands] == [True] * is_withdrawn, what


SETTLEMENTS = st.sampled_from([None, *Settlement])
STATUSES = st.sampled_from(["PROPOSED", "DONE", "REFUSED", "WITHDRAWN"])
STEPS = st.lists(
    st.tuples(STATUSES, SETTLEMENTS, st.sampled_from(["DIFFERENCE", "RECALL"]), st.booleans()),
    max_size=12,
)


@given(steps=STEPS)
def test_versions_only_rise_and_nothing_is_told_twice(
    steps: list[tuple[str, Settlement | None, str, bool]],
) -> None:
    sent, told = Sent(), list[tuple[int, str]]()
    is_over = False
    for number, (status, settlement, reason, is_told) in enumerate(steps, start=1):
        is_over = is_over or status != "PROPOSED"
        facts = replace(
            OPEN,
            task=replace(TASK, reason=reason),
            status="WITHDRAWN" if is_over else status,
            is_told=is_told,
            heard=number if settlement else 0,
            settled_version=sent.version if settlement else 0,
            settlement=settlement,
        )
        decision = decide(sent, facts, NOON)
        told += [(one.version, decision.ledger.told) for one in decision.commands]
        sent = decision.ledger

    assert [version for version, _ in told] == list(range(1, len(told) + 1))
    assert all(one[1] != other[1] for one, other in pairwise(told))
    assert WITHDRAWN not in [said for _, said in told[:-1]]
