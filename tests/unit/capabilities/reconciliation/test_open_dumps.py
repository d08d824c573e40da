"""Open lines as systems really write them, and what is said of those that cannot be read."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.catalog.naming import Goods
from crossdock.capabilities.reconciliation.dumps import Dump, Reading, instant_of
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.open_dumps import OpenDump, OpenRow
from crossdock.capabilities.reconciliation.open_units import lines_of

AS_OF = "2026-05-04T22:00:00+02:00"
NOON = instant_of("2026-05-04T12:00:00Z")
HEADER = "document,line,item,location,quantity"


def read(
    folder: Path, text: str, name: str = "open.csv", as_of: int | None = NOON
) -> list[OpenRow]:
    file = folder / name
    file.write_bytes(text.encode())
    return list(OpenDump(file, as_of, normalised).rows())


def row(line: str, quantity: int) -> OpenRow:
    return OpenRow("SO-7", line, "DC1", "BOLT", quantity * MICROS, "", NOON)


def test_a_spreadsheet_of_another_country_is_read(tmp_path: Path) -> None:
    text = (
        "Purchase_Order;Line_No;Site;SKU;Open;Uom;Changed_At;Unit_Cost;Abc;as_of;buyer\r\n"
        f"po:4711;1/1;dc1;bolt;1.5;CS;{AS_OF};0.25;B;{AS_OF};Ann\r\n"
    )

    [found] = read(tmp_path, text, as_of=None)

    at = instant_of(AS_OF)
    assert found == OpenRow("po:4711", "1/1", "DC1", "BOLT", 1_500_000, "CS", at, at, "B", 250_000)


def test_without_a_line_the_documents_name_holds_it(tmp_path: Path) -> None:
    found = read(tmp_path, "document,item,location,quantity\nSO-7/2,bolt,dc1,3\nSO-7,bolt,dc1,1\n")

    assert found == [row("2", 3), row("", 1)]


def test_one_object_a_line_is_read_too(tmp_path: Path) -> None:
    rows = [
        {"document": "SO-7", "line": 1, "item": "bolt", "location": "dc1", "quantity": 3},
        {"quantity": "2.5", "location": "dc1", "item": "bolt", "line": None, "document": "SO-7/2"},
    ]
    text = "\n\n".join(json.dumps(one) for one in rows)

    found = read(tmp_path, text, "open.jsonl")

    assert found == [row("1", 3), row("2", 1)._replace(micros=2_500_000)]


def test_stock_is_read_from_one_object_a_line_too(tmp_path: Path) -> None:
    file = tmp_path / "stock.ndjson"
    file.write_text('{"item": "bolt", "location": "dc1", "quantity": 0.1}\n')

    [found] = Dump(file, Reading(as_of=NOON), normalised).lines()

    assert (found.item, found.micros) == ("BOLT", 100_000)


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("", "no column document, item, location, quantity", "header"),
        ("item,location,quantity\n", "no column document", "header"),
        ("order,document,item,location,quantity\n", "document is there twice", "document"),
        (f"{HEADER}\n,1,BOLT,DC1,1\n", "names no document", "open.csv:2 document"),
        (f"{HEADER}\nSO-7,1,BOLT,DC1\n", "too short", "open.csv:2"),
        (f"{HEADER}\nSO-7,1,BOLT,DC1,1,5\n", "6 fields", "open.csv:2"),
        (f"{HEADER}\nSO-7,1,BOLT,DC1,-1\n", "less than nothing", "open.csv:2 quantity"),
        (f"{HEADER}\nSO-7,1,BOLT,DC1,many\n", "not a number", "open.csv:2 quantity"),
        (f"{HEADER}\nSO-7,1,BOLT,DC1,NaN\n", "not a number", "open.csv:2 quantity"),
        (f"{HEADER}\nSO-7,1,BOLT,,1\n", "1 to 200", "open.csv:2 location"),
        (f"{HEADER}\nSO-7,1,{'X' * 201},DC1,1\n", "1 to 200", "open.csv:2 item"),
        (f"{HEADER}\n{'X' * 201},1,BOLT,DC1,1\n", "longer than 200", "open.csv:2 document"),
        (f"{HEADER},as_of\nSO-7,1,BOLT,DC1,1,noon\n", "no instant", "open.csv:2 as_of"),
        (
            f"{HEADER},changed_at\nSO-7,1,BOLT,DC1,1,2026-05-04T12:00\n",
            "does not say its zone",
            "open.csv:2",
        ),
        (f"{HEADER},abc\nSO-7,1,BOLT,DC1,1,Z\n", "no class", "open.csv:2 class"),
        (f"{HEADER},unit_cost\nSO-7,1,BOLT,DC1,1,-1\n", "costs nothing or more", "unit_cost"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row(
    tmp_path: Path, text: str, said: str, where: str
) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        read(tmp_path, text)

    assert where in (caught.value.where or "")


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("", "no column", "header"),
        ("[1]\n", "no JSON object", "open.jsonl:1"),
        ("{\n", "no JSON", "open.jsonl:1"),
        ("[" * 100_000, "no JSON", "open.jsonl:1"),
        ('{"document": {"a": 1}}\n', "a text or a number", "open.jsonl:1"),
        ('{"document": true}\n', "a text or a number", "open.jsonl:1"),
        (
            '{"document":"A","item":"B","location":"C","quantity":1}\n{"as_of":"x"}\n',
            "the first line has no field 'as_of'",
            "open.jsonl:2",
        ),
        (
            '{"document":"A","item":"B","location":"C","quantity":NaN}\n',
            "not a number",
            "open.jsonl:1 quantity",
        ),
    ],
)
def test_lines_that_are_no_objects_are_named_with_their_number(
    tmp_path: Path, text: str, said: str, where: str
) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        read(tmp_path, text, "open.jsonl")

    assert where in (caught.value.where or "")


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    for name in ("open.jsonl", "open.csv"):
        file = tmp_path / name
        file.write_bytes(b'{"document": "\xff"}\n')
        with pytest.raises(Invalid, match="not UTF-8"):
            OpenDump(file, NOON, normalised)


def test_a_dump_says_as_of_when(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not say as of when"):
        read(tmp_path, f"{HEADER}\n", as_of=None)
    with pytest.raises(Invalid, match="the row does not say as of when"):
        read(tmp_path, f"{HEADER},as_of\nSO-7,1,BOLT,DC1,1,\n", as_of=None)


@given(st.binary(max_size=200), st.sampled_from(["open.csv", "open.jsonl"]))
def test_no_file_ever_breaks_the_reading(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    file = tmp_path_factory.mktemp("dumps") / name
    file.write_bytes(b"document,item,location,quantity\n" + content)

    read_rows: list[OpenRow] = []
    with suppress(Invalid):
        read_rows = list(OpenDump(file, NOON, normalised).rows())
    assert all(one.micros >= 0 and one.document for one in read_rows)


@given(
    st.binary(max_size=200),
    st.sampled_from(["", ",proof"]),
    st.sampled_from([Kind.INVOICES, Kind.SUPPLIER_INVOICES, Kind.DELIVERIES]),
)
def test_no_file_of_what_followed_ever_breaks_the_reading(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, proof: str, kind: Kind
) -> None:
    file = tmp_path_factory.mktemp("dumps") / "followed.csv"
    file.write_bytes(f"document,item,location,quantity{proof}\n".encode() + content)

    with suppress(Invalid):
        for one in OpenDump(file, NOON, normalised, kind).rows():
            assert one.document
            assert one.micros >= 0 or kind is not Kind.DELIVERIES


@pytest.mark.parametrize(
    ("kind", "header", "text", "micros"),
    [
        (Kind.INVOICES, HEADER, "-3", -3 * MICROS),
        (Kind.SUPPLIER_INVOICES, HEADER, "-0.5", -MICROS // 2),
        (Kind.DELIVERIES, f"{HEADER},pod", "3,J. Doe", 3 * MICROS),
        (Kind.DELIVERIES, f"{HEADER},proof", "3, ", 0),
        (Kind.DELIVERIES, HEADER, "3", 3 * MICROS),
        (Kind.INVOICES, f"{HEADER},proof", "3, ", 3 * MICROS),
    ],
)
def test_credits_are_below_zero_and_what_lacks_its_proof_is_not_delivered(
    tmp_path: Path, kind: Kind, header: str, text: str, micros: int
) -> None:
    file = tmp_path / "followed.csv"
    file.write_text(f"{header}\nSO-7,1,BOLT,DC1,{text}\n")
    assert [one.micros for one in OpenDump(file, NOON, normalised, kind).rows()] == [micros]


# Rows become lines in base units.

KNOWN = {"BOLT": Goods("EA", is_exact=False, factors=[("CS", 12, 1)])}


def base(unit: str) -> str:
    return unit.upper()


def test_rows_of_a_line_are_added_up_in_base_units() -> None:
    rows = [row("1", 6), row("1", 1)._replace(unit="cs"), row("2", 0)]

    read_lines = lines_of(rows, KNOWN, base)

    assert [(one.line, one.micros, one.rows) for one in read_lines.lines] == [
        ("1", 18 * MICROS, (6 * MICROS, 12 * MICROS)),
        ("2", 0, (0,)),
    ]
    assert (read_lines.unread, read_lines.unknown) == (set(), [])


@pytest.mark.parametrize(
    ("rows", "item", "others", "pieces"),
    [
        ([("BOLT", 6), ("NUT", 4)], "BOLT", ("NUT",), 10),
        ([("BOLT", 6), ("NUT", -6)], "BOLT", ("NUT",), 12),
        ([("NUT", 4), ("BOLT", 10), ("NUT", -4)], "BOLT", (), 10),
        ([("NUT", 0), ("BOLT", 10)], "BOLT", (), 10),
        ([("BOLT", 0), ("NUT", 0)], "BOLT", (), 0),
    ],
)
def test_rows_of_one_line_that_name_several_items_are_never_netted(
    rows: list[tuple[str, int]], item: str, others: tuple[str, ...], pieces: int
) -> None:
    known = {"BOLT": KNOWN["BOLT"], "NUT": KNOWN["BOLT"]}
    said = [row("1", quantity)._replace(item=name) for name, quantity in rows]

    [line] = lines_of(said, known, base).lines

    assert (line.item, line.others, line.micros) == (item, others, pieces * MICROS)


def test_a_line_of_unknown_units_or_items_says_nothing() -> None:
    rows = [
        row("1", 6),
        row("1", 1)._replace(unit="PAL"),
        row("2", 1)._replace(item="NOBODY"),
        row("3", 1),
    ]

    read_lines = lines_of(rows, KNOWN, base)

    assert [one.line for one in read_lines.lines] == ["3"]
    assert read_lines.unread == {"1", "2"}
    assert read_lines.unknown == ["BOLT in PAL", "NOBODY"]


def test_amounts_beyond_what_can_be_are_refused() -> None:
    huge = row("1", 10**12)

    for sign in (1, -1):
        rows = [huge._replace(micros=sign * huge.micros)] * 2
        with pytest.raises(Invalid, match="beyond what can be"):
            lines_of(rows, KNOWN, base)
