"""EDI interchanges kept: what came, what went out, and what was said of it."""

from crossdock.connectivity.interchanges.listing import (
    DocumentShown,
    Exchanged,
    InterchangeShown,
    InterchangeWhole,
    NumbersMissing,
    Wanted,
)
from crossdock.connectivity.interchanges.model import Outcome
from crossdock.connectivity.interchanges.service import (
    Handed,
    Interchanges,
    KnowsPartners,
    TakenIn,
)
from crossdock.connectivity.interchanges.store import ExchangedTraffic
from crossdock.connectivity.interchanges.watching import OverdueAcknowledgments

__all__ = [
    "DocumentShown",
    "Exchanged",
    "ExchangedTraffic",
    "Handed",
    "InterchangeShown",
    "InterchangeWhole",
    "Interchanges",
    "KnowsPartners",
    "NumbersMissing",
    "Outcome",
    "OverdueAcknowledgments",
    "TakenIn",
    "Wanted",
]
