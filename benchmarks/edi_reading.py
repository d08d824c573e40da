"""A file read as `crossdock edi` reads it, by itself so that its memory can be measured.

`python -m benchmarks.edi_reading KIND FILE` prints one JSON object: the peak of its memory.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.edi_files import X12
from benchmarks.edi_peers import peak_mib
from crossdock.connectivity.edi.edifact import acknowledging as edifact_acknowledging
from crossdock.connectivity.edi.edifact.envelope import events as edifact_events
from crossdock.connectivity.edi.edifact.reading import pages as edifact_pages
from crossdock.connectivity.edi.edifact.tables import known as edifact_known
from crossdock.connectivity.edi.edifact.validation import validated as edifact_validated
from crossdock.connectivity.edi.x12.answering import Numbers, answered
from crossdock.connectivity.edi.x12.envelope import events
from crossdock.connectivity.edi.x12.reading import pages
from crossdock.connectivity.edi.x12.tables import known
from crossdock.connectivity.edi.x12.validation import validated
from crossdock.interfaces.cli.files import read_chunks

NOW = datetime(2026, 11, 28, 5, 10, tzinfo=UTC)


def read(kind: str, depth: str, file: Path) -> Iterator[Any]:
    """Read a file: its envelopes, all that is in it, or what is answered to it."""
    chunks = read_chunks(file)
    if kind in X12:
        found = events(pages(chunks))
        if depth == "envelope":
            return found
        checked = validated(found, known)
        numbers = Numbers(interchange=1, at=NOW)
        return checked if depth == "full" else answered(checked, numbers)
    told = edifact_events(edifact_pages(chunks))
    if depth == "envelope":
        return told
    seen = edifact_validated(told, edifact_known)
    return seen if depth == "full" else edifact_acknowledging.answered(seen, first=1, at=NOW)


if __name__ == "__main__":
    for _ in read(sys.argv[1], "full", Path(sys.argv[2])):
        pass
    print(json.dumps({"peak_mib": peak_mib()}))
