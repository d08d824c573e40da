"""Dumps as systems really write them, and what is said of those that cannot be read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.reconciliation.dumps import (
    NO_COST,
    Dump,
    Line,
    LogDump,
    LogLine,
    Parts,
    Reading,
    groups_of,
    instant_of,
    micros_of,
)

AS_OF = "2026-05-04T22:00:00+02:00"
NOON = instant_of("2026-05-04T12:00:00Z")


def read(folder: Path, text: str, reading: Reading | None = None) -> tuple[Parts, list[Line]]:
    file = folder / "erp.csv"
    file.write_bytes(text.encode())
    dump = Dump(file, reading or Reading(as_of=NOON), normalised)
    return dump.parts, list(dump.lines())


def line(item: str, quantity: int) -> Line:
    return Line("DC1", item, "", "", "", "", quantity, "", NOON)


def test_a_spreadsheet_of_another_country_is_read(tmp_path: Path) -> None:
    text = f"\ufeffSite;SKU;Remark;Qty;Abc;Unit_Cost;as_of\r\ndc1; bolt ;x;1.5;B;0.25;{AS_OF}\r\n"

    parts, [found] = read(tmp_path, text, Reading())

    assert parts == Parts(status=False, owner=False, lot=False, serial=False)
    expected = line("BOLT", 1_500_000)._replace(as_of=instant_of(AS_OF), of="B", cost=250_000)
    assert found == expected


def test_what_a_row_does_not_say_is_not_made_up(tmp_path: Path) -> None:
    _, [found] = read(tmp_path, "item,location,quantity,as_of,unit_cost\nBOLT,DC1,-3,,\n\n")

    assert found == line("BOLT", -3 * MICROS)
    assert found.cost == NO_COST


def test_quotes_tabs_and_all_columns(tmp_path: Path) -> None:
    header = "item\tlocation\tstatus\tquantity\tunit\towner\tbatch\tserial"
    parts, [found] = read(tmp_path, f'{header}\n"a ""b"""\tDC1\tavailable\t1e3\tCS\to\tl\ts\n')

    assert parts == Parts()
    assert found == Line("DC1", 'A "B"', "AVAILABLE", "o", "l", "s", 1000 * MICROS, "CS", NOON)


HEADER = "item,location,quantity"


@pytest.mark.parametrize(
    ("text", "said", "where"),
    [
        ("", "no column item, location, quantity", "header"),
        ("item,location\n", "no column quantity", "header"),
        ("item,sku,location,quantity\n", "item is there twice", "erp.csv: item"),
        (f"{HEADER}\nBOLT,DC1\n", "too short", "erp.csv:2"),
        (f"{HEADER}\nBOLT,DC1,many\n", "not a number", "erp.csv:2 quantity"),
        (f"{HEADER}\nBOLT,DC1,\n", "not a number", "erp.csv:2 quantity"),
        (f"{HEADER}\nBOLT,DC1,NaN\n", "not a number", "erp.csv:2 quantity"),
        (f"{HEADER}\nBOLT,DC1,1e999\n", "outside", "erp.csv:2 quantity"),
        (f"{HEADER}\nBOLT,DC1,0.0000001\n", "six decimals", "erp.csv:2 quantity"),
        (f"{HEADER}\nNUT,DC1,1\n ,DC1,1\n", "1 to 200 characters", "erp.csv:3 item"),
        (f"{HEADER}\n{'x' * 201},DC1,1\n", "1 to 200 characters", "erp.csv:2 item"),
        (f"{HEADER},lot\nBOLT,DC1,1,{'x' * 201}\n", "longer than 200", "erp.csv:2 lot"),
        (f"{HEADER},class\nBOLT,DC1,1,D\n", "'D' is no class", "erp.csv:2 class"),
        (f"{HEADER},status\nBOLT,DC1,1,HERE\n", "'HERE' is no status", "erp.csv:2 status"),
        (f"{HEADER},as_of\nBOLT,DC1,1,noon\n", "'noon' is no instant", "erp.csv:2 as_of"),
        (f"{HEADER},as_of\nBOLT,DC1,1,2026-05-04\n", "does not say its zone", "erp.csv:2 as_of"),
        (f'{HEADER}\n"BOLT,DC1,1\n', "no CSV", "erp.csv:"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row(
    tmp_path: Path, text: str, said: str, where: str
) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        read(tmp_path, text)
    assert where in refused.value.where


def test_what_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "erp.csv"
    for content in (b"item\xff,location,quantity\n", f"{HEADER}\n".encode() + b"\xff\xfe,x,1\n"):
        file.write_bytes(content)
        with pytest.raises(Invalid, match="not UTF-8"):
            list(Dump(file, Reading(as_of=NOON), str.strip).lines())
    for missing in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(Invalid, match="cannot be read"):
            Dump(missing, Reading(), str.strip)


def test_a_dump_must_say_as_of_when(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="as of when") as refused:
        read(tmp_path, f"{HEADER}\nBOLT,DC1,1\n", Reading())
    assert "--as-of" in refused.value.hint
    with pytest.raises(Invalid, match="as of when"):
        read(tmp_path, f"{HEADER},as_of\nBOLT,DC1,1,\n", Reading())


def test_their_words_for_several_statuses_are_read(tmp_path: Path) -> None:
    groups = groups_of({"unavailable": ["DAMAGED", "qc_hold"]})
    _, [found] = read(
        tmp_path,
        f"{HEADER},status\nBOLT,DC1,1,Unavailable\n",
        Reading(as_of=NOON, groups=groups),
    )

    assert groups == {"DAMAGED": "UNAVAILABLE", "QC_HOLD": "UNAVAILABLE"}
    assert found.status == "UNAVAILABLE"
    with pytest.raises(Invalid, match="no status of the hub"):
        groups_of({"BAD": ["BROKEN"]})
    with pytest.raises(Invalid, match="DAMAGED is in two"):
        groups_of({"BAD": ["DAMAGED"], "WORSE": ["DAMAGED"]})


def test_a_log_of_documents_is_read(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    header = "reference,item,location,quantity,recorded_at"
    file.write_text(f"{header},type\nS-1,bolt,dc1,-60,{AS_OF},ship\n")
    plain = tmp_path / "plain.csv"
    plain.write_text(f"{header}\nS-1,bolt,dc1,-60,{AS_OF}\n")

    expected = LogLine("DC1", "BOLT", "S-1", -60 * MICROS, instant_of(AS_OF), "SHIP")
    assert list(LogDump(file, normalised).lines()) == [expected]
    assert list(LogDump(plain, normalised).lines()) == [expected._replace(type="")]
    plain.write_text(f"{header}\nS-1,bolt\n")
    with pytest.raises(Invalid, match="too short"):
        list(LogDump(plain, normalised).lines())


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_amounts_are_read_to_the_millionth(micros: int) -> None:
    sign, whole = ("-" if micros < 0 else ""), abs(micros)

    assert micros_of(f"{sign}{whole // MICROS}.{whole % MICROS:06}", "quantity") == micros
