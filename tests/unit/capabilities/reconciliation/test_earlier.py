"""What was found before, where another comparison has changed it meanwhile (§4.1)."""

from dataclasses import replace

import pytest

from crossdock.capabilities.reconciliation.earlier import state_now
from crossdock.capabilities.reconciliation.escalating import is_fresh
from crossdock.capabilities.reconciliation.store import FindingRow
from tests.unit.capabilities.reconciliation.test_responsible import ROW

CONFIRMED = replace(ROW, state="CONFIRMED", is_gone=False)
SUSPECTED = replace(CONFIRMED, state="SUSPECTED")
GONE = replace(CONFIRMED, is_gone=True)
ANOTHER = replace(CONFIRMED, finding_id="fnd_2")


@pytest.mark.parametrize(
    ("said", "before", "walked", "state"),
    [
        ("CONFIRMED", CONFIRMED, CONFIRMED, "CONFIRMED"),
        ("CONFIRMED", SUSPECTED, SUSPECTED, "CONFIRMED"),
        ("SUSPECTED", CONFIRMED, SUSPECTED, "CONFIRMED"),
        ("CONFIRMED", None, CONFIRMED, "SUSPECTED"),
        ("CONFIRMED", replace(ANOTHER, state="SUSPECTED"), CONFIRMED, "SUSPECTED"),
        # A sample has found it alike while the dump, which is older, was walked.
        ("CONFIRMED", GONE, CONFIRMED, "SUSPECTED"),
        ("SUSPECTED", GONE, GONE, "SUSPECTED"),
    ],
)
def test_what_was_found_gone_meanwhile_is_suspected_anew(
    said: str, before: FindingRow | None, walked: FindingRow | None, state: str
) -> None:
    assert state_now(said, before, walked) == state


def test_what_is_suspected_anew_is_fresh_once_it_is_confirmed_again() -> None:
    """So each time that it is told gone there was a time that it was told confirmed."""
    assert is_fresh(CONFIRMED, replace(SUSPECTED, confirmed_at=ROW.found_at))
