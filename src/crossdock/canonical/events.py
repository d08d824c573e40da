"""Every event there is, by the type its messages carry."""

from collections.abc import Mapping
from types import MappingProxyType

from crossdock.canonical.allocation import (
    AllocationRuleChanged,
    AllocationRunChanged,
    ConfirmationChanged,
)
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    KitChanged,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.channels import (
    ChannelLevelHeard,
    ChannelSafeModeChanged,
    ChannelTermsChanged,
    OversellBudgetChanged,
)
from crossdock.canonical.commands import CommandSettled
from crossdock.canonical.envelope import Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    OrderLineOverPicked,
    ReservationChanged,
    SafetyStockChanged,
    SerialOvercounted,
    ShelfEmptied,
    SourceHeard,
    StockCounted,
    StockMoved,
    StockSnapshotTaken,
    StockWentNegative,
)
from crossdock.canonical.messages import MessageReceived, MessageSettled
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.partners import (
    InterchangeAcknowledged,
    InterchangeReceived,
    InterchangeWritten,
    PartnerAgreementChanged,
    PartnerChanged,
    PartnerIdentityChanged,
)
from crossdock.canonical.reconciliation import (
    CountDecided,
    CountTaskChanged,
    DifferenceClosed,
    DifferenceConfirmed,
    DifferenceGone,
    MendingTried,
    PeriodChanged,
    ReconciliationPolicyChanged,
    ReconciliationRulesChanged,
    SnapshotBelieved,
    SnapshotRejected,
    WithholdingChanged,
)
from crossdock.canonical.sourcing import (
    SourcingDecided,
    SourcingNodeChanged,
    SourcingRulesChanged,
)
from crossdock.canonical.supply import (
    AtpRuleChanged,
    PromiseByDateChanged,
    SubstitutionChanged,
    SupplyCommitmentChanged,
)

_PAYLOADS: tuple[type[Payload], ...] = (
    ItemChanged,
    LocationChanged,
    KitChanged,
    LotChanged,
    CatchWeightChanged,
    StockMoved,
    StockSnapshotTaken,
    SourceHeard,
    ChannelLevelHeard,
    AvailabilityChanged,
    ReservationChanged,
    SafetyStockChanged,
    StockWentNegative,
    StockCounted,
    ShelfEmptied,
    SerialOvercounted,
    OrderLineOverPicked,
    OrderChanged,
    SupplyCommitmentChanged,
    PartyChanged,
    MessageReceived,
    MessageSettled,
    PartnerChanged,
    PartnerIdentityChanged,
    PartnerAgreementChanged,
    InterchangeReceived,
    InterchangeWritten,
    InterchangeAcknowledged,
    CommandSettled,
    SourcingDecided,
    ConfirmationChanged,
    DifferenceConfirmed,
    DifferenceClosed,
    PeriodChanged,
    SnapshotBelieved,
    SnapshotRejected,
    WithholdingChanged,
    CountTaskChanged,
    CountDecided,
    SourcingRulesChanged,
    SubstitutionChanged,
    AllocationRuleChanged,
    AllocationRunChanged,
    AtpRuleChanged,
    PromiseByDateChanged,
    ChannelTermsChanged,
    OversellBudgetChanged,
    ChannelSafeModeChanged,
    DifferenceGone,
    MendingTried,
    ReconciliationRulesChanged,
    ReconciliationPolicyChanged,
    SourcingNodeChanged,
)

EVENTS: Mapping[str, type[Payload]] = MappingProxyType(
    {payload.TYPE: payload for payload in _PAYLOADS}
)


def payload_type(type_name: str) -> type[Payload]:
    """Find the class of an event's content; a type this version does not know is `Invalid`."""
    try:
        return EVENTS[type_name]
    except KeyError:
        raise Invalid(
            f"{type_name!r} is not an event this version knows", where="type", code="EVT-SCHEMA"
        ) from None
