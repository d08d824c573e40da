"""Open order lines and purchase order lines of two sides (domain.md §4.1.7, §4.4)."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.causes import Cause, Verdict
from crossdock.capabilities.reconciliation.guards import Plausible, Shape, unusual_lines
from crossdock.capabilities.reconciliation.judging import Policy, lagging
from crossdock.capabilities.reconciliation.kinds import (
    Kind,
    book_of,
    check_healed,
    first_of,
    kind_of,
    ours_of,
)
from crossdock.capabilities.reconciliation.model import (
    DAY,
    HOUR,
    MINUTE,
    Before,
    ItemClass,
    State,
)
from crossdock.capabilities.reconciliation.open_lines import (
    Around,
    Compared,
    LineNumber,
    Meets,
    Ours,
    Theirs,
    compared,
    is_tolerated,
    joined_line,
    line_of,
    parted,
    read_again_since,
    remedy_between,
    remedy_of,
    state_of,
)
from crossdock.capabilities.reconciliation.ranking import Remedy

CUT = 30 * DAY
LONG_AGO = CUT - 2 * DAY
POLICY = Policy()
FULL = Around(cut=CUT, until=CUT, against="erp", is_full=True, factors={"BOLT": [(1, 1), (12, 1)]})
PART = Around(cut=CUT, until=CUT, against="erp")


def ours(  # noqa: PLR0913 - a line has that many parts
    amount: float,
    *,
    line: str = "1",
    item: str = "BOLT",
    at: str = "DC1",
    source: str = "erp",
    picked: float = 0,
    changed: int = LONG_AGO,
) -> Ours:
    micros, left = int(amount * MICROS), int(picked * MICROS)
    return Ours("SO-7", line, item, at, source, micros, left, changed)


def theirs(
    *amounts: float, line: str = "1", item: str = "BOLT", at: str = "DC1", changed: int = 0
) -> Theirs:
    rows = tuple(int(amount * MICROS) for amount in amounts)
    return Theirs("SO-7", line, item, at, sum(rows), rows, changed)


# What an order desk or a buyer would be shown. The dump names all that is open at DC1, and nothing
# was changed for two days unless a case says so.
TABLE = [
    # case, ours, theirs, what comes of it, what it is said to be
    ("both have 10 open", [ours(10)], [theirs(10)], "alike", ""),
    ("in two deliveries of 6 and 4", [ours(10)], [theirs(6, 4)], "alike", ""),
    ("closed on both sides", [ours(0)], [theirs(0)], "alike", ""),
    ("closed here, not named there", [ours(0)], [], "alike", ""),
    ("closed there, never heard of here", [], [theirs(0)], "alike", ""),
    ("closed on both, of another item", [ours(0)], [theirs(0, item="NUT")], "alike", ""),
    ("open there, never came here", [], [theirs(10)], "MSG_LOST", "never came here"),
    ("open here, not there", [ours(10)], [], "MSG_LOST", "not among the open lines there"),
    ("there twice", [ours(10)], [theirs(10, 10)], "MSG_DUP", "there 2 times"),
    ("there twice, and 10 picked", [ours(10, picked=10)], [theirs(10, 10)], "MSG_DUP", "2 times"),
    ("a case of 12 for each", [ours(24)], [theirs(2)], "UOM", "the ratio is 12"),
    ("each for a case of 12", [ours(2)], [theirs(24)], "UOM", "the ratio is 12"),
    ("of another item", [ours(10)], [theirs(10, item="NUT")], "XREF", "there it is of item NUT"),
    ("at another place", [ours(10)], [theirs(10, at="DC2")], "XREF", "there it is at DC2"),
    (
        "of another item elsewhere",
        [ours(10)],
        [theirs(10, item="NUT", at="DC2")],
        "XREF",
        "there it is of item NUT and at DC2",
    ),
    (
        "of another item and amount",
        [ours(10)],
        [theirs(4, item="NUT")],
        "UNKNOWN",
        "there it is of item NUT, with another amount",
    ),
    (
        "in part of another item",
        [ours(10)],
        [theirs(6, 4)._replace(others=("NUT",))],
        "XREF",
        "there it is of item BOLT and NUT",
    ),
    ("line 1 is line 10 there", [ours(10)], [theirs(10, line="10")], "XREF", "called 10 there"),
    ("closed there, open here", [ours(10)], [theirs(0)], "STATUS_MAP", "closed there"),
    ("closed here, open there", [ours(0)], [theirs(10)], "STATUS_MAP", "closed here"),
    (
        "they changed it since we heard",
        [ours(10)],
        [theirs(8, changed=LONG_AGO + HOUR)],
        "MSG_LOST",
        "their last change of it never came here",
    ),
    (
        "we changed it since they did",
        [ours(10)],
        [theirs(8, changed=LONG_AGO - HOUR)],
        "MSG_LOST",
        "our last change of it is not there",
    ),
    ("less than one", [ours(10)], [theirs(10.5)], "ROUNDING", "less than one unit"),
    ("8 there, 10 here, nobody knows", [ours(10)], [theirs(8)], "UNKNOWN", ""),
    ("picked 10, not shipped there", [ours(0, picked=10)], [theirs(10)], "explained", ""),
    ("picked 4 of 10, shipped none", [ours(6, picked=4)], [theirs(10)], "explained", ""),
    ("picked 4, and 5 more there", [ours(6, picked=4)], [theirs(11)], "UNKNOWN", ""),
    ("shipped there, not picked here", [ours(10)], [theirs(4)], "UNKNOWN", ""),
    (
        "changed ten minutes ago here",
        [ours(10, changed=CUT - 10 * MINUTE)],
        [theirs(8)],
        "TIMING",
        "may be on its way",
    ),
    (
        "changed ten minutes ago there",
        [ours(10)],
        [theirs(8, changed=CUT - 10 * MINUTE)],
        "TIMING",
        "may be on its way",
    ),
    (
        "placed ten minutes ago here",
        [ours(10, changed=CUT - 10 * MINUTE)],
        [],
        "TIMING",
        "may be on its way",
    ),
    ("changed here after the cut", [ours(10, changed=CUT + HOUR)], [theirs(8)], "since", ""),
    ("placed here after the cut", [ours(10, changed=CUT + HOUR)], [], "since", ""),
]


def verdicts(found: Sequence[Compared]) -> list[tuple[str, str]]:
    return [
        (one.verdict.cause, one.verdict.because)
        if one.meets is Meets.DIFFERENT
        else (one.meets.lower(), "")
        for one in found
    ]


@pytest.mark.parametrize(
    ("own", "told", "what", "because"),
    [case[1:] for case in TABLE],
    ids=[case[0] for case in TABLE],
)
def test_a_line_of_two_sides_comes_to_what_a_person_would_say(
    own: list[Ours], told: list[Theirs], what: str, because: str
) -> None:
    [(cause, said)] = verdicts(compared(own, told, FULL, POLICY))

    assert (cause, because in said) == (what, True), said
    assert bool(because) == bool(said)


def test_what_a_part_dump_leaves_out_is_not_compared() -> None:
    assert compared([ours(10)], [], PART, POLICY) == []
    [(cause, _)] = verdicts(compared([ours(10), ours(3, line="2")], [theirs(8)], PART, POLICY))
    assert cause == Cause.UNKNOWN


def test_lines_that_swapped_their_numbers_twice_over_are_not_paired_by_chance() -> None:
    own = [ours(10), ours(10, line="2")]
    found = compared(own, [theirs(10, line="10"), theirs(10, line="20")], FULL, POLICY)

    assert [one.number.line for one in found] == ["1", "10", "2", "20"]
    assert {cause for cause, _ in verdicts(found)} == {Cause.MSG_LOST}


def test_a_line_that_is_read_while_it_changes_is_cut_through() -> None:
    long = Around(cut=CUT, until=CUT + HOUR, against="erp", is_full=True)
    changed = ours(10, changed=CUT + 10 * MINUTE)

    [one] = compared([changed], [theirs(8)], long, POLICY)

    assert (one.verdict.cause, one.is_in_flight) == (Cause.CUTOFF, True)


@pytest.mark.parametrize(
    "around",
    [
        Around(cut=CUT, until=CUT, against="erp", is_stirred=True),
        Around(cut=CUT, until=CUT, against="erp", is_behind=True),
    ],
)
def test_what_is_picked_or_not_heard_of_late_is_in_flight(around: Around) -> None:
    [one] = compared([ours(10)], [theirs(8)], around, POLICY)

    assert one.is_in_flight
    assert state_of(one, seen_before(-2), CUT, POLICY) is State.SUSPECTED


def test_a_line_that_changed_holds_up_the_whole_document() -> None:
    own = [ours(10), ours(5, line="2", changed=CUT - MINUTE)]

    first, _ = compared(own, [theirs(8), theirs(5, line="2")], FULL, POLICY)

    assert first.is_in_flight


def seen_before(at_stake: float, *, since: int = 2 * HOUR) -> Before:
    return Before(State.SUSPECTED, CUT - since, int(at_stake * MICROS))


def different(own: Ours | None, told: Theirs | None) -> Compared:
    [one] = compared([own] if own else [], [told] if told else [], FULL, POLICY)
    return one


def test_a_difference_is_confirmed_by_a_second_pass_half_an_hour_on() -> None:
    one = different(ours(10), theirs(8))

    assert state_of(one, None, CUT, POLICY) is State.SUSPECTED
    assert state_of(one, seen_before(-2, since=29 * MINUTE), CUT, POLICY) is State.SUSPECTED
    assert state_of(one, seen_before(-2, since=30 * MINUTE), CUT, POLICY) is State.CONFIRMED
    assert state_of(one, seen_before(+2), CUT, POLICY) is State.SUSPECTED


def test_documents_have_no_tolerance_unless_a_rule_says_otherwise() -> None:
    a_tenth = Policy(document_ppm=100_000)

    assert not is_tolerated(different(ours(1000), theirs(999)), POLICY)
    assert state_of(different(ours(10), theirs(9)), None, CUT, a_tenth) is State.TOLERATED
    assert not is_tolerated(different(ours(10), theirs(8)), a_tenth)
    assert not is_tolerated(different(ours(10), None), a_tenth)
    assert not is_tolerated(different(None, theirs(10)), a_tenth)
    anything = Policy(document_ppm=10**9)
    assert not is_tolerated(different(ours(10), theirs(10, item="NUT")), anything)


SHOP = ours(10, source="shop")
REMEDIES = [
    ("it never came here: read it again", None, theirs(10), "REFETCH"),
    ("their own line is not among theirs: read it again", ours(10), None, "REFETCH"),
    ("the shop's line never came there: send it again", SHOP, None, "REDRIVE"),
    ("their own line is closed there: read it again", ours(10), theirs(0), "REFETCH"),
    ("the shop's line is closed there", SHOP, theirs(0), "MAP_STATUS"),
    ("the shop's line stands otherwise there", SHOP, theirs(8), "REDRIVE"),
    (
        "they know more of the shop's line",
        SHOP,
        theirs(8, changed=LONG_AGO + HOUR),
        "REFETCH",
    ),
    ("it is there twice: a person reverses it", ours(10), theirs(10, 10), "FINANCE_TASK"),
    ("another unit", ours(24), theirs(2), "MASTER_DATA"),
    ("another item", ours(10), theirs(10, item="NUT"), "MASTER_DATA"),
]


@pytest.mark.parametrize(
    ("own", "told", "remedy"), [case[1:] for case in REMEDIES], ids=[case[0] for case in REMEDIES]
)
def test_a_document_is_read_again_and_never_changed(
    own: Ours | None, told: Theirs | None, remedy: str
) -> None:
    one = different(own, told)

    assert remedy_of(one, State.CONFIRMED, "erp") == remedy
    assert remedy_of(one, State.SUSPECTED, "erp") == "WAIT"
    assert remedy_of(one, State.TOLERATED, "erp") == "LOG"


@pytest.mark.parametrize(
    ("heard", "said", "since"),
    [
        (None, 0, CUT - DAY),  # it never came here, and they do not say since when it is there
        (None, CUT - HOUR, CUT - DAY),
        (None, CUT - 20 * DAY, CUT - 20 * DAY),
        (CUT - 20 * DAY, CUT - 3 * DAY, CUT - 3 * DAY),  # the change that was not heard
        (CUT - 20 * DAY, CUT - HOUR, CUT - DAY),
        (CUT - 3 * DAY, CUT - 20 * DAY, CUT - 20 * DAY),  # theirs is older: it is stale there
        (CUT - 20 * DAY, 0, CUT - 20 * DAY),  # some time behind what was heard last
    ],
)
def test_it_is_read_again_from_its_first_unheard_change_or_a_day_before(
    heard: int | None, said: int, since: int
) -> None:
    own = None if heard is None else ours(10)._replace(changed=heard)
    assert read_again_since(different(own, theirs(8, changed=said)), CUT) == since


def test_a_line_is_named_by_its_document_and_its_own_number() -> None:
    for name, found in (
        ("po:4711/1/1", LineNumber("po:4711", "1/1")),
        ("po:4711", LineNumber("po:4711", "")),
    ):
        assert parted(name) == found
        assert joined_line(*found) == name
    assert line_of("shop:1001", "shop:1001/2") == "2"
    assert line_of("po:9", "po:9") == parted("po:9").line == ""
    assert line_of("sale:17", "sale.line,5") == "sale.line,5"
    nobody = Compared(ours=None, theirs=None, meets=Meets.ALIKE, verdict=Verdict(Cause.UNKNOWN))
    assert nobody.number == LineNumber("", "")


def test_what_channels_show_is_not_mended_by_documents() -> None:
    for kind in (Kind.STOCK, Kind.ORDERS, Kind.PURCHASES):
        check_healed(kind)
    with pytest.raises(Invalid, match="not mended by documents"):
        check_healed(Kind.PUBLISHED)


def test_what_is_compared_is_known_by_whose_number_comes_first() -> None:
    assert kind_of("orders") is Kind.ORDERS
    assert kind_of("purchases") is Kind.PURCHASES
    assert kind_of("published") is Kind.PUBLISHED
    assert (kind_of("crossdock"), kind_of("wms")) == (Kind.STOCK, Kind.STOCK)


def test_the_first_of_two_other_systems_is_named_beside_the_kind_of_its_lines() -> None:
    system = book_of(Kind.ORDERS, "wms")
    assert (system, kind_of(system), first_of(system)) == ("orders:wms", Kind.ORDERS, "wms")
    assert (book_of(Kind.ORDERS), first_of("orders"), first_of("crossdock")) == ("orders", "", "")
    assert [first_of(one) for one in ("wms", "published")] == ["wms", "published"]
    named = {one: ours_of(one) for one in (system, "orders", "crossdock", "wms", "invoice_prices")}
    assert named == {
        system: "wms",
        "orders": "the hub",
        "crossdock": "the hub",
        "wms": "wms",
        "invoice_prices": "what was agreed",
    }


def test_of_two_other_systems_either_is_named_and_what_lacks_is_sent_there_again() -> None:
    between = replace(FULL, first="wms")
    pairs = (
        (ours(4, changed=CUT - 9 * HOUR), theirs(6, changed=CUT - 5 * HOUR)),
        (ours(4, changed=CUT - 5 * HOUR), theirs(6, changed=CUT - 9 * HOUR)),
        (ours(4), theirs(0)),
        (ours(4), None),
        (None, theirs(4)),
        (ours(4), theirs(48)),
    )
    found = [
        compared([own] if own else [], [told] if told else [], between, Policy())[0]
        for own, told in pairs
    ]
    assert [one.verdict.because for one in found] == [
        "the last change of it at erp is not at wms",
        "the last change of it at wms is not at erp",
        "it is closed at erp, and open at wms",
        "it is open at wms, and not among the open lines at erp",
        "it is open at erp, and not among the open lines at wms",
        "the ratio is 12, a factor of the item's units",
    ]
    assert [remedy_between(one, State.CONFIRMED) for one in found] == [
        Remedy.REDRIVE,
        Remedy.REDRIVE,
        Remedy.MAP_STATUS,
        Remedy.REDRIVE,
        Remedy.REDRIVE,
        Remedy.MASTER_DATA,
    ]
    assert remedy_between(found[0], State.SUSPECTED) is Remedy.WAIT
    assert remedy_between(found[0], State.TOLERATED) is Remedy.LOG


def test_what_is_booked_late_is_given_its_time() -> None:
    assert lagging(POLICY, None) is POLICY
    assert lagging(POLICY, 120).in_flight == 2 * HOUR
    for minutes in (-1, 7 * 24 * 60 + 1):
        with pytest.raises(Invalid, match="a lag is 0 to 10080 minutes"):
            lagging(POLICY, minutes)


def test_an_item_that_nobody_classed_is_held_to_the_strictest() -> None:
    assert tuple(map(ItemClass.first_of, ([], [""], ["C"]))) == (
        ItemClass.A,
        ItemClass.A,
        ItemClass.C,
    )
    assert ItemClass.first_of(("", "SERVICE", "B", "C")) is ItemClass.B


# Any document: what is alike is never a finding, what is planted is one, and order is nothing.

amounts = st.integers(0, 9).map(lambda pieces: pieces * MICROS)
items = st.sampled_from(["BOLT", "NUT"])
places = st.sampled_from(["DC1", "DC2"])


@st.composite
def documents(draw: st.DrawFn) -> list[Ours]:
    count = draw(st.integers(0, 8))
    return [
        Ours(
            "SO-7",
            str(number),
            draw(items),
            draw(places),
            "erp",
            draw(amounts),
            draw(amounts),
            draw(st.integers(0, CUT + DAY)),
        )
        for number in range(count)
    ]


def echoed(own: Ours) -> Theirs:
    place = (own.document, own.line, own.item, own.location)
    return Theirs(*place, own.micros, (own.micros,), own.changed)


@given(documents())
def test_a_dump_compared_with_itself_finds_nothing(own: list[Ours]) -> None:
    found = compared(own, [echoed(one) for one in own], FULL, POLICY)

    assert [one.meets for one in found] == [Meets.ALIKE] * len(own)


@given(documents(), st.data())
def test_each_planted_difference_is_found_once_and_nothing_else_is(
    own: list[Ours], data: st.DataObject
) -> None:
    told = {one.line: echoed(one) for one in own}
    open_long = [one for one in own if one.micros and one.changed < CUT - DAY]
    planted = data.draw(st.sets(st.sampled_from(open_long))) if open_long else set[Ours]()
    for one in planted:
        less = data.draw(st.integers(0, one.micros // MICROS - 1)) * MICROS
        told[one.line] = told[one.line]._replace(micros=less, rows=(less,))

    found = compared(own, list(told.values()), FULL, POLICY)

    lines = [one.number.line for one in found if one.meets is Meets.DIFFERENT]
    assert sorted(lines) == sorted(one.line for one in planted)


@given(documents(), documents(), st.integers(0, 2**32))
def test_the_order_of_lines_never_matters(own: list[Ours], other: list[Ours], seed: int) -> None:
    told = [echoed(one) for one in other]
    straight = compared(own, told, FULL, POLICY)
    chance = Random(seed)
    chance.shuffle(own)
    chance.shuffle(told)

    assert compared(own, told, FULL, POLICY) == straight


# A dump that cannot be is not believed (R7).

LIMITS = Plausible(rows_change_mille=500)


def shape(rows: int, zeros: int = 0, *, is_full: bool = True) -> Shape:
    return Shape(rows=rows, zeros=zeros, taken_at=CUT, is_full=is_full)


@pytest.mark.parametrize(
    ("now", "usual", "reason"),
    [
        (shape(400), None, ""),
        (shape(400), shape(0), ""),
        (shape(400), shape(300), ""),
        (shape(400), shape(200), "it has 400 rows, usually 200"),
        (shape(9), shape(3), ""),
        (shape(400), shape(99), ""),
        (shape(0), shape(99), "it has 0 rows, usually 99"),
        (shape(0), shape(100), "it has 0 rows, usually 100"),
        (shape(50), shape(100), ""),
        (shape(49), shape(100), "it has 49 rows, usually 100"),
        (shape(9, 9), shape(3, 0), "100% of its rows are zero, usually 0%"),
        (shape(100, 38), shape(100, 4), "38% of its rows are zero, usually 4%"),
        (shape(9, 9, is_full=False), shape(3, is_full=False), ""),
    ],
)
def test_mass_zeros_and_a_leap_in_rows_are_rejected(
    now: Shape, usual: Shape | None, reason: str
) -> None:
    assert unusual_lines(now, usual, LIMITS) == reason
