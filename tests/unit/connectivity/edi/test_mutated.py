"""Whatever a file has become on its way, it is read, and what is wrong with it is told.

`CROSSDOCK_MUTATED` says how many files to try (4,000 by default; `make mutated` 1,000,000).
"""

import os
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from crossdock.connectivity.edi.edifact import acknowledging
from crossdock.connectivity.edi.edifact.reading import pages as edifact_pages
from crossdock.connectivity.edi.findings import Finding, Level, Severity
from crossdock.connectivity.edi.recognising import recognised
from crossdock.connectivity.edi.x12.answering import Numbers, answered
from crossdock.connectivity.edi.x12.reading import pages
from tests.unit.connectivity.edi.edifact import interchanges as edifact
from tests.unit.connectivity.edi.mutating import mutated, samples
from tests.unit.connectivity.edi.x12 import interchanges as x12

CASES = int(os.environ.get("CROSSDOCK_MUTATED", "4000"))  # noqa: TID251 - how much to test
BATCH = 1_000
AT = datetime(2026, 11, 28, 5, 10, tzinfo=UTC)
SECONDS_MAX, GROWTH_MAX_KIB, FINDINGS_MAX = 1.0, 64 << 10, 5_000


def read(data: bytes, size: int) -> tuple[list[Finding], list[str]]:
    """Read a file as the command does; give what is found in it, and what is answered."""
    is_edifact, _ = recognised(x12.chunks(data, size))
    told: Sequence[object]
    if is_edifact:
        told = seen = edifact.read(data, size)
        answers = list(acknowledging.answered(seen, first=1, at=AT))
    else:
        told = heard = x12.read(data, size)
        answers = list(answered(heard, Numbers(interchange=1, at=AT)))
    raw = "".join(one.raw for one in (edifact_pages if is_edifact else pages)([data]))
    assert raw.encode("latin-1") == data, "not all of the file was read"
    return [one for event in told for one in getattr(event, "findings", ())], answers


def check(finding: Finding, size: int) -> None:
    """Hold a finding to a code, a sentence, and a place that is in the file."""
    place = finding.place
    assert finding.code
    assert finding.says
    assert 0 <= place.offset <= size
    if finding.severity is Severity.ERROR:
        assert finding.acknowledged_by
        assert finding.asks
    if finding.level is Level.ELEMENT:
        assert place.element >= 1 or "CHARACTER" in finding.code
    if finding.level in {Level.SEGMENT, Level.ELEMENT}:
        assert place.segment >= 1


def check_case(number: int) -> None:
    data, size = mutated(number)
    began = time.process_time()
    found, answers = read(data, size)
    took = time.process_time() - began
    assert took < SECONDS_MAX, f"{len(data)} bytes took {took:.1f} s"
    assert len(found) <= FINDINGS_MAX
    for one in found:
        check(one, len(data))
    for answer in answers:
        again, _ = read(answer.encode("latin-1", "replace"), 1 << 16)
        wrong = [one for one in again if one.severity is Severity.ERROR and is_own(one)]
        assert not wrong, f"{wrong[0].says} in {answer}"


def is_own(finding: Finding) -> bool:
    """Say whether a fault of an answer is its own: it names what was sent to it as it was."""
    is_of_segment = finding.level in {Level.SEGMENT, Level.ELEMENT}
    return not (is_of_segment or finding.code.startswith(("ELEMENT", "UNB02", "UNB03")))


def test_every_sample_is_right_before_it_is_mutated() -> None:
    for data in samples():
        found, _ = read(data, 1 << 16)
        if b"BIN*" in data:
            assert [one.says for one in found] == ["BIN is no segment of set 850"]
            continue
        assert not [one for one in found if one.severity is Severity.ERROR], data


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_no_file_is_too_wrong_to_be_read(first: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, min(first + BATCH, CASES)):
        try:
            check_case(number)
        except Exception as error:
            raise AssertionError(f"case {number}: {error!r}") from error
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_MAX_KIB
