"""An acknowledgment leaves with the bytes that came: no encoding of the terminal touches them."""

import subprocess
import sys
from pathlib import Path

from tests.unit.connectivity.edi.x12.interchanges import interchange


def test_an_answer_names_a_sender_by_the_bytes_of_its_header(tmp_path: Path) -> None:
    asked = interchange().encode("latin-1")
    sender = asked.split(b"*")[6]
    named = "MÜLLER".encode("latin-1").ljust(len(sender))
    (tmp_path / "order.edi").write_bytes(asked.replace(sender, named, 1))

    words = [sys.executable, "-m", "crossdock", "edi", "ack", str(tmp_path / "order.edi")]
    answer = subprocess.run(words, check=True, capture_output=True).stdout

    assert answer.startswith(b"ISA*")
    assert answer.split(b"*")[8] == named
