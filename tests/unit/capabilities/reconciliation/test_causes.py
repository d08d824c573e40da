"""The root cause follows from the strongest evidence there is (domain.md §4.4)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import model
from crossdock.capabilities.reconciliation.causes import (
    Cause,
    Facts,
    Level,
    Loose,
    Met,
    Verdict,
    cause_of,
    pairs,
    together,
)
from crossdock.capabilities.reconciliation.model import DAY, HOUR, Difference, Log, Posting

NOW = 30 * DAY
NOTHING = frozenset[str]()


def each(amount: float) -> int:
    return int(amount * MICROS)


def before(hours: int) -> int:
    return NOW - hours * HOUR


def shipped(amount: float, hours: int = 6, reference: str = "S1", kind: str = "SHIP") -> Posting:
    return Posting(reference, each(amount), before(hours), kind)


def facts(
    ours: float, theirs: float, *recent: Posting, posted: tuple[Posting, ...] | None = None
) -> Facts:
    their_log = None if posted is None else Log(posted)
    documents = tuple(model.documents(Log(recent), their_log, NOTHING, NOW))
    return Facts(
        difference=Difference(ours=each(ours), theirs=each(theirs), documents=documents),
        level=Level.TOTAL,
        cut=NOW,
        recent=recent,
    )


def replaced(posting: Posting, hours: int) -> Posting:
    return posting._replace(recorded=before(hours))


COUNTED = "COUNT_ADJUST"
FOUND = shipped(5, 6, "C2", COUNTED)
BACKDATED = Posting("B1", each(4), before(6), "RECEIPT", is_backdated=True)
CASES = replace(facts(288, 24), factors=[(1, 1), (12, 1)])
TABLE = [
    # by document, where both logs are shown
    ("posted there twice", facts(40, -20, shipped(-60), posted=(shipped(-60),) * 2), "MSG_DUP"),
    ("not posted there", facts(40, 100, shipped(-60), posted=()), "MSG_LOST"),
    (
        "refused there",
        replace(facts(40, 100, shipped(-60), posted=()), rejected=frozenset({"S1"})),
        "MSG_REJECTED",
    ),
    ("on its way", facts(40, 100, shipped(-60, hours=3), posted=()), "TIMING"),
    ("adjusted here only", facts(41, 40, shipped(1, kind="ADJUST"), posted=()), "MANUAL_ADJ"),
    ("counted here only", facts(41, 40, shipped(1, kind="COUNT_ADJUST"), posted=()), "COUNT"),
    (
        "counted there only",
        facts(40, 42, posted=(shipped(2, kind="COUNT_ADJUST"),)),
        "COUNT",
    ),
    # a count that found less, and what tells it from a loss
    ("counted as lost here", facts(37, 40, shipped(-3, kind=COUNTED), posted=()), "SHRINK"),
    ("counted as lost there", facts(40, 38, posted=(shipped(-2, kind=COUNTED),)), "SHRINK"),
    ("counted as lost, by hint", facts(37, 40, shipped(-3, kind=COUNTED)), "SHRINK"),
    ("counted as lost just now", facts(37, 40, shipped(-3, 2, kind=COUNTED), posted=()), "TIMING"),
    (
        "found again by a later count, which is not posted there either",
        facts(40, 43, shipped(-5, 8, kind=COUNTED), shipped(2, 6, "C2", COUNTED), posted=()),
        "COUNT",
    ),
    (
        "found again by a later count, which is posted there",
        facts(40, 45, shipped(-5, 8, kind=COUNTED), FOUND, posted=(FOUND,)),
        "COUNT",
    ),
    (
        "a part was found again, by hint",
        facts(40, 45, shipped(-5, 8, kind=COUNTED), shipped(2, 6, "C2", COUNTED)),
        "COUNT",
    ),
    (
        "an earlier count found more, which is no loss found again",
        facts(40, 45, shipped(-5, 6, kind=COUNTED), replaced(FOUND, hours=9)),
        "SHRINK",
    ),
    (
        "both counted, each another loss",
        facts(37, 35, shipped(-3, kind=COUNTED), posted=(shipped(-5, 6, "T1", COUNTED),)),
        "COUNT",
    ),
    (
        "what was counted as lost here left there by a document",
        facts(37, 37, shipped(-3, kind=COUNTED), posted=(shipped(-3, 6, "S9"),)),
        "MSG_LOST",
    ),
    (
        "what was counted as lost there left here by two",
        facts(30, 30, shipped(-4), shipped(-6, 6, "S2"), posted=(shipped(-10, 6, "T1", COUNTED),)),
        "MSG_LOST",
    ),
    (
        "another document accounts for a part of it alone",
        facts(37, 38, shipped(-3, kind=COUNTED), posted=(shipped(-2, 6, "S9"),)),
        "SHRINK",
    ),
    (
        "a return is not posted there",
        facts(41, 40, shipped(1, kind="RETURN_RECEIPT"), posted=()),
        "RETURN_UNPOSTED",
    ),
    (
        "a return came back there only",
        facts(40, 41, posted=(shipped(1, kind="RETURN_RECEIPT"),)),
        "RETURN_UNPOSTED",
    ),
    (
        "a transfer was not received there",
        facts(44, 40, shipped(4, kind="TRANSFER_RECEIVE"), posted=()),
        "TRANSFER_STUCK",
    ),
    (
        "a transfer did not leave here",
        facts(40, 36, posted=(shipped(-4, kind="TRANSFER_SHIP"),)),
        "TRANSFER_STUCK",
    ),
    (
        "a transfer was sent just now",
        facts(40, 44, shipped(-4, 2, kind="TRANSFER_SHIP"), posted=()),
        "TIMING",
    ),
    (
        "a return is missing there",
        facts(41, 40, shipped(1, kind="RETURN_RECEIPT")),
        "RETURN_UNPOSTED",
    ),
    ("adjusted there only", facts(40, 41, posted=(shipped(1, kind="ADJUST"),)), "MANUAL_ADJ"),
    ("never came here", facts(40, 41, posted=(shipped(1),)), "MSG_LOST"),
    ("another amount there", facts(40, 43, shipped(-5), posted=(shipped(-2),)), "MSG_ORDER"),
    ("recorded a day later", facts(44, 40, BACKDATED, posted=()), "CUTOFF"),
    # by the kind of number
    ("below zero here", replace(facts(-4, 0), least=each(-4)), "NEG_STOCK"),
    ("one bucket below zero", replace(facts(6, 10), least=each(-4)), "NEG_STOCK"),
    ("below zero there", facts(0, -4), "NEG_STOCK"),
    ("none there, which is no factor", replace(facts(12, 0), factors=[(12, 1)]), "UNKNOWN"),
    ("a case there (R5)", CASES, "UOM"),
    ("a case here", replace(facts(24, 288), factors=[(12, 1)]), "UOM"),
    ("thirds of a roll", replace(facts(9, 6), factors=[(3, 2)]), "UOM"),
    ("no factor fits", replace(facts(30, 24), factors=[(12, 1)]), "UNKNOWN"),
    ("half a unit", facts(40, 40.5), "ROUNDING"),
    # by hint, where only ours shows a log
    ("one shipment is missing there", facts(40, 100, shipped(-60)), "MSG_LOST"),
    ("one shipment is there twice", facts(40, -20, shipped(-60)), "NEG_STOCK"),
    ("one receipt is there twice", facts(100, 160, shipped(60)), "MSG_DUP"),
    ("one adjustment is missing there", facts(40, 39, shipped(1, kind="ADJUST")), "MANUAL_ADJ"),
    ("one late receipt is missing there", facts(44, 40, BACKDATED), "CUTOFF"),
    ("its sign is reversed there", facts(100, 60, shipped(20)), "UNKNOWN"),
    ("of two one fits", facts(100, 60, shipped(20), shipped(7, hours=5)), "UNKNOWN"),
    ("nothing fits", facts(40, 47, shipped(-60)), "UNKNOWN"),
    ("nothing is known", facts(40, 47), "UNKNOWN"),
]


@pytest.mark.parametrize(("what", "known", "cause"), TABLE, ids=[row[0] for row in TABLE])
def test_the_evidence_decides_the_cause(what: str, known: Facts, cause: str) -> None:
    assert cause_of(known).cause == cause, what


@pytest.mark.parametrize(
    ("level", "cause"),
    [
        (Level.STATUS, Cause.STATUS_MAP),
        (Level.LOT, Cause.LOT_SERIAL),
        (Level.OWNER, Cause.CONSIGNMENT_OWNER),
    ],
)
def test_totals_that_agree_leave_only_how_they_are_parted(level: Level, cause: Cause) -> None:
    verdict = cause_of(replace(facts(40, 40), level=level))

    assert verdict.cause is cause
    assert verdict.because


def test_a_reversed_sign_is_told_and_no_document_is_blamed_for_a_part() -> None:
    assert "its sign is reversed" in cause_of(facts(100, 60, shipped(20))).because
    assert cause_of(facts(40, 107, shipped(-60), posted=())).cause is Cause.UNKNOWN


def loose(number: int, location: str, item: str, unexplained: int) -> Loose:
    return Loose(number, location, item, unexplained)


def test_two_that_cancel_out_at_one_location_or_of_one_item_are_a_pair() -> None:
    at_one_place = [loose(0, "DC1", "A", 17), loose(1, "DC1", "B", -17)]
    of_one_item = [loose(2, "DC1", "C", 5), loose(3, "DC2", "C", -5)]

    assert pairs(at_one_place + of_one_item) == {0: 1, 1: 0, 2: 3, 3: 2}


def test_a_third_of_the_same_size_makes_it_chance() -> None:
    three = [loose(0, "DC1", "A", 2), loose(1, "DC1", "B", -2), loose(2, "DC1", "C", -2)]

    assert pairs(three) == {}
    assert pairs([loose(0, "DC1", "A", 2), loose(1, "DC1", "B", 2)]) == {}
    assert pairs([loose(0, "DC1", "A", 2), loose(1, "DC2", "B", -2)]) == {}


def test_who_has_a_partner_at_the_location_takes_no_second_of_the_item() -> None:
    chain = [loose(0, "DC1", "A", 9), loose(1, "DC1", "B", -9), loose(2, "DC2", "B", 9)]

    assert pairs(chain) == {0: 1, 1: 0}


@given(
    st.lists(
        st.tuples(st.sampled_from("XY"), st.sampled_from("ABC"), st.integers(-3, 3).filter(bool)),
        max_size=12,
        unique_by=lambda row: row[:2],
    )
)
def test_a_pair_is_mutual_and_cancels_out(rows: list[tuple[str, str, int]]) -> None:
    given_in = [Loose(n, *row) for n, row in enumerate(rows)]

    for one, other in pairs(given_in).items():
        assert pairs(given_in)[other] == one != other
        assert given_in[one].unexplained == -given_in[other].unexplained


def met(item: str, amount: int, cause: Cause, held_by: str = "", place: str = "DC1") -> Met:
    return Met(place, item, each(amount), Level.TOTAL, Verdict(cause, "", held_by))


BILL = {"SET": {"CUP": each(6), "TRAY": each(1)}}
EXPLODED = [
    met("SET", 10, Cause.MSG_LOST, "OURS"),
    met("CUP", -60, Cause.UNKNOWN),
    met("TRAY", -10, Cause.MSG_LOST, "THEIRS"),
]


def test_a_kit_that_left_whole_here_and_in_its_components_there_is_exploded() -> None:
    found = together(EXPLODED, BILL)

    assert {one.cause for one in found.values()} == {Cause.KIT_EXPLOSION}
    assert sorted(found) == [0, 1, 2]
    assert found[1].because.startswith("one side moved SET whole")


@pytest.mark.parametrize(
    ("what", "rows", "bills"),
    [
        ("no bill is known", EXPLODED, {}),
        ("a component differs by one less", [*EXPLODED[:2], met("TRAY", -9, Cause.UNKNOWN)], BILL),
        ("a component does not differ", EXPLODED[:2], BILL),
        (
            "a component is at another place",
            [*EXPLODED[:2], met("TRAY", -10, Cause.UNKNOWN, place="DC2")],
            BILL,
        ),
        (
            "it was put together here, and the books lack all of it",
            [
                met("SET", -10, Cause.MSG_LOST, "OURS"),
                met("CUP", 60, Cause.MSG_LOST, "OURS"),
                met("TRAY", 10, Cause.MSG_LOST, "OURS"),
            ],
            BILL,
        ),
        ("units decide already", [met("SET", 10, Cause.UOM), *EXPLODED[1:]], BILL),
        (
            "only the statuses differ",
            [replace(EXPLODED[0], level=Level.STATUS), *EXPLODED[1:]],
            BILL,
        ),
    ],
)
def test_what_is_no_kit_explosion(
    what: str, rows: list[Met], bills: dict[str, dict[str, int]]
) -> None:
    assert together(rows, bills) == {}, what


def test_a_loss_that_was_found_by_a_count_elsewhere_is_a_matter_of_counting() -> None:
    rows = [
        met("A", 7, Cause.SHRINK, "OURS"),
        met("B", -7, Cause.COUNT, "OURS"),
        met("C", 4, Cause.SHRINK, "OURS"),
        met("D", -4, Cause.SHRINK, "THEIRS"),
    ]
    found = together(rows, {})

    assert {number: one.cause for number, one in found.items()} == {0: Cause.COUNT}
    assert found[0].because == "as much of B was found by a count at DC1"
