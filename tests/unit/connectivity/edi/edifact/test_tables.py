"""Messages as partners send them are right by the tables, and wrong where they are."""

from collections.abc import Sequence

import pytest

from crossdock.connectivity.edi.edifact.tables import known
from crossdock.connectivity.edi.edifact.writing import Value
from tests.unit.connectivity.edi.edifact.interchanges import (
    NOTICE,
    ORDER,
    found,
    interchange,
    message,
)

Body = Sequence[Sequence[Value]]
HEAD: Body = (
    ("DTM", ("137", "20261128", "102")),
    ("RFF", ("ON", "4711")),
    ("DTM", ("171", "20261120", "102")),
    ("NAD", "SU", ("4098765000010", "", "9")),
    (
        "NAD",
        "BY",
        ("4012345000009", "", "9"),
        "",
        "ACME GMBH",
        "DOCK ROAD 1",
        "BERLIN",
        "",
        "10115",
    ),
    ("RFF", ("VA", "DE123456789")),
)
RESPONSE: Body = (
    ("BGM", "231", "R1", "29"),
    *HEAD,
    ("CUX", ("2", "EUR", "9")),
    ("LIN", "1", "3", ("4006381333931", "EN")),
    ("QTY", ("21", "10", "PCE")),
    ("DTM", ("67", "20261205", "102")),
    ("PRI", ("AAA", "9.25")),
    ("RFF", ("ON", "4711", "1")),
    ("LIN", "2", "7", ("NUT-8", "SA")),
    ("QTY", ("83", "3")),
    ("UNS", "S"),
    ("CNT", ("2", "2")),
)
INVOICE: Body = (
    ("BGM", "380", "F1", "9"),
    *HEAD,
    ("CUX", ("2", "EUR", "4"), ("3", "USD", "11"), "1.09"),
    ("PAT", "1", "", ("5", "3", "D", "30")),
    ("ALC", "A", "", "", "", "DI"),
    ("PCD", ("1", "2.5")),
    ("MOA", ("8", "2.31")),
    ("LIN", "1", "", ("4006381333931", "EN")),
    ("QTY", ("47", "10", "PCE")),
    ("MOA", ("203", "92.5")),
    ("PRI", ("AAA", "9.25")),
    ("TAX", "7", "VAT", "", "", ("", "", "", "19"), "S"),
    ("UNS", "S"),
    ("CNT", ("2", "1")),
    ("MOA", ("77", "107.33")),
    ("MOA", ("125", "90.19")),
    ("TAX", "7", "VAT", "", "", ("", "", "", "19"), "S"),
    ("MOA", ("124", "17.14")),
)
RECEIPT: Body = (
    ("BGM", "632", "E1", "9"),
    *HEAD,
    ("CPS", "1"),
    ("PAC", "2", "", "CT"),
    ("LIN", "1", "", ("4006381333931", "EN")),
    ("QTY", ("12", "12", "PCE")),
    ("QTY", ("194", "10", "PCE")),
    ("QVR", ("-2", "12"), "", "BP"),
    ("DTM", ("50", "20261130", "102")),
    ("RFF", ("ON", "4711", "1")),
    ("CNT", ("2", "1")),
)
ORDER_CHANGE: Body = (("BGM", "230", "C1", "4"), *HEAD, *ORDER[6:])
REPORT_HEAD: Body = (("BGM", "35", "S1", "9"), *HEAD, ("LIN", "1", "", ("4006381333931", "EN")))
REPORT: Body = (*REPORT_HEAD, ("QTY", ("145", "90")), ("INV", "", "1"), ("LOC", "18", "DC1"))
LATER_REPORT: Body = (*REPORT_HEAD, ("INV", "", "1"), ("QTY", ("145", "90")), ("LOC", "18", "DC1"))
BOTH = {
    "ORDERS": ORDER,
    "ORDRSP": RESPONSE,
    "ORDCHG": ORDER_CHANGE,
    "DESADV": NOTICE,
    "INVOIC": INVOICE,
    "RECADV": RECEIPT,
}
EARLY, LATE = ("D", "96A", "UN", "EAN008"), ("D", "01B", "UN", "EAN010")


@pytest.mark.parametrize("version", [EARLY, LATE])
@pytest.mark.parametrize("kind", BOTH)
def test_a_message_as_partners_send_it_is_right(kind: str, version: Sequence[str]) -> None:
    assert found(interchange(message(BOTH[kind], kind, version)), notes=True) == []


@pytest.mark.parametrize(("version", "body"), [(EARLY, REPORT), (LATE, LATER_REPORT)])
def test_stock_is_reported_as_each_version_has_it(version: Sequence[str], body: Body) -> None:
    assert found(interchange(message(body, "INVRPT", version))) == []
    other = LATER_REPORT if body is REPORT else REPORT
    assert found(interchange(message(other, "INVRPT", version))) != []


@pytest.mark.parametrize("kind", BOTH)
def test_a_message_without_its_beginning_is_wrong(kind: str) -> None:
    told = found(interchange(message(BOTH[kind][1:], kind, EARLY)))
    assert [(one.code, one.place.tag) for one in told] == [("SEGMENT-MISSING", "BGM")]


def test_a_text_that_is_too_long_in_one_version_is_right_in_a_later_one() -> None:
    text = ("IMD", "F", "", ("", "", "", "X" * 60))
    body = [*ORDER[:9], text, *ORDER[9:]]
    [told] = found(interchange(message(body, "ORDERS", EARLY)))
    assert (told.code, told.place.name, told.data_element) == ("ELEMENT-LONG", "IMD03-4", "7008")
    assert found(interchange(message(body, "ORDERS", LATE))) == []


def test_releases_are_read_by_the_table_before_them_across_the_century() -> None:
    assert known("D:99B") is known("D:96A")
    assert known("D:00A") is known("D:96A")
    assert known("D:03B") is known("D:01B") is not known("D:96A")
