"""A difference is drawn with both numbers, what documents explain of it, and what is left."""

import re
import xml.etree.ElementTree as ET  # of our own making
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.interfaces.api.finding_chart import DRAWN_MAX, FROM, TO, drawn
from tests.docs.pictures import (
    difference_explained,
    difference_of_the_how_to,
    open_line_of_the_how_to,
)
from tests.interfaces.test_charts import SVG, parsed, said, words

AMOUNTS = st.decimals(-(10**9), 10**9, places=3)


def places(picture: str) -> list[float]:
    """Say where marks and bars begin and end."""
    root = parsed(picture)
    marks = [float(one.attrib["cx"]) for one in root.iter(f"{SVG}circle")]
    bars = [one for one in root.iter(f"{SVG}rect") if one.attrib["class"] != "paper"]
    return marks + [place for one in bars for place in ends(one)]


def ends(bar: ET.Element) -> tuple[float, float]:
    start = float(bar.attrib["x"])
    return start, start + float(bar.attrib["width"])


def test_what_documents_explain_stands_apart_from_what_is_left() -> None:
    picture = drawn(difference_explained())

    assert {"847 EA", "-40", "+5", "812 EA"} <= set(words(picture))
    assert said(picture).startswith(
        "the hub says: 847 EA; documents explain: -40; not explained: +5; erp says: 812 EA;"
        " RCV-0815: 25 here, 0 there, not posted there"
    )
    [_, explained, left] = parsed(picture).iter(f"{SVG}rect")
    assert (explained.attrib["class"], left.attrib["class"]) == ("o1", "c1")
    assert float(explained.attrib["width"]) == 8 * float(left.attrib["width"])


def test_a_difference_that_no_document_explains_is_all_left() -> None:
    found = words(drawn(difference_of_the_how_to()))

    assert "documents explain" not in found
    assert {"not explained", "+3", "cause: UNKNOWN", "remedy: COUNT"} <= set(found)


def test_an_open_line_is_drawn_with_its_document() -> None:
    assert words(drawn(open_line_of_the_how_to()))[0] == (
        "shop:1002 line 1: BOLT at DC1: 4 and 6 EA, confirmed"
    )


def test_two_other_systems_are_named_and_what_channels_are_not_shown_is_said() -> None:
    found = difference_of_the_how_to()
    between = words(drawn(replace(found, system="wms")))
    withheld = words(drawn(replace(found, withheld=Decimal(2), because="a case of 12")))

    assert {"wms says", "erp says"} <= set(between)
    assert {"2 EA withheld from channels", "cause: UNKNOWN, a case of 12"} <= set(withheld)
    assert "gone: both agree again" in words(drawn(replace(found, is_gone=True)))


def test_statuses_that_differ_within_an_equal_total_are_told() -> None:
    buckets = [
        {"status": "AVAILABLE", "ours": "7", "theirs": "10"},
        {"status": "DAMAGED", "lot": "L1", "ours": "3", "theirs": "0"},
        {"status": "QC_HOLD", "ours": "1", "theirs": "1"},
    ]
    nothing = Decimal(0)
    found = replace(
        difference_of_the_how_to(),
        theirs=Decimal(6),
        unexplained=nothing,
        evidence={"buckets": buckets},
    )
    told = words(drawn(found))

    assert {"AVAILABLE: 7 here, 10 there", "DAMAGED L1: 3 here, 0 there"} <= set(told)
    assert not any("QC_HOLD" in text for text in told)


def test_of_more_documents_than_are_named_the_rest_is_counted() -> None:
    found = difference_explained()
    [first, _] = found.evidence["documents"]
    many = replace(found, evidence={"documents": [first] * (DRAWN_MAX + 2)})

    assert "2 more are not drawn" in words(drawn(many))


@given(AMOUNTS, AMOUNTS, AMOUNTS, st.text(max_size=60))
def test_whatever_differs_is_drawn_between_the_words_and_the_figures(
    ours: Decimal, theirs: Decimal, explained: Decimal, name: str
) -> None:
    left = theirs - ours - explained
    found = replace(
        difference_of_the_how_to(),
        ours=ours,
        theirs=theirs,
        explained=explained,
        unexplained=left,
        system=name,
        item=name,
        because=name,
    )
    picture = drawn(found)

    assert all(FROM <= place <= TO + 0.1 for place in places(picture))
    assert not re.search(r"[0-9]E[+-]", picture)
