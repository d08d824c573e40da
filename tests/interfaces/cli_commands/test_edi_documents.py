"""EDI files are read, written, compared, parted and masked on the command line, and by pipes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.connectivity.edi.edifact.interchanges import interchange as edifact
from tests.unit.connectivity.edi.x12.interchanges import interchange


def crossdock(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "crossdock", "edi", *words],
        check=False,
        input=given,
        capture_output=True,
    )


@pytest.mark.parametrize("text", [interchange(), edifact()])
def test_a_file_is_the_same_through_parse_and_generate(text: str) -> None:
    parsed = crossdock("parse", "-", given=text.encode())

    assert crossdock("generate", "-", given=parsed.stdout).stdout == text.encode()


def test_a_file_with_faults_ends_with_1_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "order.edi"
    file.write_text(interchange().replace("CTT*2", "CTT*3"))

    told = crossdock("explain", str(file), "--faults")

    assert told.returncode == 1
    lines = told.stdout.decode().splitlines()
    assert [one.strip() for one in lines[1:]] == [
        "13    CTT totals: number of lines 3",
        "| CTT*3",
        "|     ^ CTT01: CTT01 says 3, and there are 2 PO1",
        "ask to send CTT01 put right",
    ]


def test_a_right_file_has_no_faults_and_ends_with_0() -> None:
    told = crossdock("explain", "-", "--faults", given=interchange().encode())

    assert (told.returncode, len(told.stdout.splitlines())) == (0, 1)


def test_a_file_without_a_set_says_so() -> None:
    for command in ("parse", "explain"):
        told = crossdock(command, "-", given=b"not edi at all")
        assert (told.returncode, told.stdout) == (0, b"")
        assert b"there is no set in this file" in told.stderr


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"not json", b"line 1 is no JSON object"),
        (b"[]", b"line 1 is no JSON object"),
        (b'{"segments": ' + b"[" * 100_000, b"line 1 is no JSON object"),
        (b"{}", b"line 1: standard is missing"),
        (b'{"standard": "X12", "kind": "850", "segments": [["BEG", 1]]}', b'texts, too: "12"'),
    ],
)
def test_what_is_no_document_is_refused_by_its_line(line: bytes, says: bytes) -> None:
    told = crossdock("generate", "-", given=b"\n" + line + b"\n")

    assert told.returncode != 0
    assert says in told.stderr
    assert b"Traceback" not in told.stderr


def test_sets_are_parted_into_files_that_no_number_leads_elsewhere(tmp_path: Path) -> None:
    file, folder = tmp_path / "order.edi", tmp_path / "parts"
    file.write_text(interchange().replace("ST*850*0001", "ST*850*../../x"))

    told = crossdock("split", str(file), "--into", str(folder))

    [part] = folder.iterdir()
    assert told.returncode == 0
    assert part.name == "00001-850-_.._x.edi"
    again = crossdock("split", str(file), "--into", str(folder))
    assert again.returncode != 0
    assert b"is there already" in again.stderr


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    told = crossdock("split", "-", "--into", str(tmp_path / "taken"), given=interchange().encode())

    assert told.returncode != 0
    assert b"invalid" in told.stderr
    assert b"Traceback" not in told.stderr


def test_differences_are_told_and_end_with_1(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(interchange())
    (tmp_path / "b").write_text(interchange().replace("*12*EA*", "*14*EA*"))

    told = crossdock("diff", str(tmp_path / "a"), str(tmp_path / "b"))
    same = crossdock("diff", str(tmp_path / "a"), str(tmp_path / "a"))

    assert told.returncode == 1
    assert told.stdout.decode().splitlines()[0] == "850 0001, segment 10: PO102"
    assert (same.returncode, same.stdout) == (0, b"no difference\n")


def test_one_key_masks_two_files_alike_and_without_one_nobody_can_tell() -> None:
    given = interchange().encode()
    one, other = (crossdock("mask", "-", "--key", "autumn", given=given).stdout for _ in "ab")
    free = crossdock("mask", "-", given=given).stdout

    assert one == other != free
    assert b"BUYER" not in one + free


def test_explanations_as_json_are_a_line_for_each_set() -> None:
    given = (interchange() + interchange(control=2)).encode()

    told = crossdock("explain", "-", "--json", given=given)

    said = [json.loads(line) for line in told.stdout.splitlines()]
    assert [one["number"] for one in said] == ["0001", "0001"]
    assert said[0]["lines"][0]["finding"] is None
