"""Nobody sends to a Tryton connection, but its kept pages can be read again."""

from datetime import UTC, datetime

import pytest

from crossdock.applications.tryton import APPLICATION
from crossdock.applications.tryton.client import ReadingPages
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.canonical.errors import Forbidden
from crossdock.connectivity.sdk import Receives

SETTINGS = TrytonSettings.model_validate(
    {
        "base_url": "http://127.0.0.1:1",
        "database": "company",
        "user": "hub",
        "password": "secret",
        "location_statuses": {"QC": "QC_HOLD"},
    }
)


def receiver() -> Receives:
    assert APPLICATION.receive is ReadingPages
    return APPLICATION.receive(SETTINGS)


def test_a_kept_page_is_read_again_as_it_was_polled() -> None:
    for sample in APPLICATION.samples:
        assert receiver().translate(sample.delivery) == sample.translation, sample.title


def test_whoever_sends_is_refused() -> None:
    for sample in APPLICATION.samples:
        with pytest.raises(Forbidden):
            receiver().verify(sample.delivery, datetime(2026, 5, 4, tzinfo=UTC))
