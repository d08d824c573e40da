"""The B2B gateway put together: partners, what is exchanged with them, what is overdue."""

from dataclasses import dataclass

from crossdock.capabilities.partners import Partners
from crossdock.connectivity.interchanges import (
    Exchanged,
    ExchangedTraffic,
    Interchanges,
    OverdueAcknowledgments,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import Ids
from crossdock.orchestration.case_desk import CaseDesk


@dataclass(frozen=True, slots=True)
class Gateway:
    """`partners` are who we exchange documents with, `interchanges` takes them in."""

    partners: Partners
    interchanges: Interchanges
    exchanged: Exchanged
    overdue: OverdueAcknowledgments


def over(database: Database, clock: Clock, ids: Ids) -> Gateway:
    desk = CaseDesk()
    partners = Partners(database, clock, ids, ExchangedTraffic())
    return Gateway(
        partners,
        Interchanges(database, clock, ids, partners, desk),
        Exchanged(database),
        OverdueAcknowledgments(database, clock, desk),
    )
