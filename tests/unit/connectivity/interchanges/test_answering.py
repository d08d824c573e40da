"""What a partner is answered, by what is agreed with him."""

from datetime import UTC, datetime

import pytest

from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Direction,
    KnownPartner,
    OnboardingState,
    Standard,
)
from crossdock.connectivity.interchanges import model
from crossdock.connectivity.interchanges.answering import answer_to
from crossdock.connectivity.interchanges.model import Interchange
from crossdock.connectivity.interchanges.reading import read
from tests.processes.exchanged import order, orders, said_997, x12

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def one(body: bytes) -> Interchange:
    [found] = [each for each in read([body]) if isinstance(each, Interchange)]
    return found


def by(*acknowledgments: Acknowledgment) -> KnownPartner:
    """Give a partner whose orders are answered so: of X12 and of EDIFACT."""
    kinds = ((Standard.X12, "850"), (Standard.EDIFACT, "ORDERS"))
    agreements = tuple(
        Agreement(standard=standard, document=kind, direction=Direction.IN, acknowledgment=answer)
        for (standard, kind), answer in zip(kinds, acknowledgments, strict=False)
    )
    return KnownPartner(
        partner="prt_1", name="Buyer", state=OnboardingState.LIVE, agreements=agreements
    )


@pytest.mark.parametrize(
    ("sender", "written"),
    [
        (by(), "ST*997"),
        (by(Acknowledgment.X997), "ST*997"),
        (by(Acknowledgment.X999), "ST*999"),
        (by(Acknowledgment.TA1), ""),
        (by(Acknowledgment.NONE), ""),
    ],
)
def test_an_order_of_x12_is_answered_as_agreed(sender: KnownPartner, written: str) -> None:
    text = answer_to(one(x12(1, order())), sender, 5, NOON).decode()

    assert written in text
    assert bool(text) == bool(written)


def test_a_ta1_is_written_where_it_is_asked_for() -> None:
    text = answer_to(one(x12(1, order(), wants=1)), by(Acknowledgment.TA1), 5, NOON).decode()

    assert "TA1*000000001*261128*0510*A*000~" in text
    assert "ST*" not in text


def test_nothing_is_said_of_groups_in_an_interchange_that_is_refused() -> None:
    refused = model.refused_as_used(one(x12(1, order())))

    text = answer_to(refused, by(), 5, NOON).decode()

    assert "*R*025~" in text
    assert "ST*" not in text


@pytest.mark.parametrize(
    ("sender", "is_answered"),
    [(by(), True), (by(Acknowledgment.NONE, Acknowledgment.CONTRL), True),
     (by(Acknowledgment.NONE, Acknowledgment.NONE), False)],
)  # fmt: skip
def test_an_order_of_edifact_is_answered_unless_nothing_is_agreed(
    sender: KnownPartner, *, is_answered: bool
) -> None:
    assert (b"UCI+7+" in answer_to(one(orders("7")), sender, 5, NOON)) == is_answered


def test_a_refused_interchange_of_edifact_is_answered_all_the_same() -> None:
    refused = model.refused_as_used(one(orders("7")))
    silent = by(Acknowledgment.NONE, Acknowledgment.NONE)

    assert b"+4+26+UNB+6'" in answer_to(refused, silent, 5, NOON)


@pytest.mark.parametrize(
    "body",
    [
        x12(1, said_997(1), functional="FA"),
        x12(2, beside="TA1*000000001*261128*0510*A*000~", wants=1),
        orders("7").replace(b"ORDERS:D:96A:UN:EAN008", b"CONTRL:D:3:UN"),
    ],
)
def test_an_acknowledgment_is_never_answered(body: bytes) -> None:
    assert answer_to(one(body), by(), 5, NOON) == b""
