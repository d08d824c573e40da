"""Inventory: what lies where, what may be promised of it, and to whom it is promised."""

from crossdock.capabilities.inventory.answering import Position
from crossdock.capabilities.inventory.asking import ItemRules, KnowsKits
from crossdock.capabilities.inventory.at_cut import LedgerAtCut
from crossdock.capabilities.inventory.claims import ClaimedStock, OrderLineClaim
from crossdock.capabilities.inventory.explaining import PROMISES_MAX, Explanation
from crossdock.capabilities.inventory.had import (
    ChannelProtection,
    Had,
    HadByOrders,
    KnowsProtections,
    OpenLine,
    Whose,
)
from crossdock.capabilities.inventory.holds import Hold
from crossdock.capabilities.inventory.late_postings import LatePostings
from crossdock.capabilities.inventory.leaks import LeakedHolds
from crossdock.capabilities.inventory.left import GoodsLeft
from crossdock.capabilities.inventory.model import (
    Figures,
    PromisedLine,
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.capabilities.inventory.negative import NegativeStock
from crossdock.capabilities.inventory.open_demand import OpenDemand
from crossdock.capabilities.inventory.over_picks import OverPicks
from crossdock.capabilities.inventory.promise_proof import LineProof, MemberProof
from crossdock.capabilities.inventory.proof import Availability, SourceAge
from crossdock.capabilities.inventory.reactions import inventory_reader, inventory_readers
from crossdock.capabilities.inventory.service import Inventory
from crossdock.capabilities.inventory.shares import ChannelShares
from crossdock.capabilities.inventory.standing import HeldClaim, Standing, Standings
from crossdock.capabilities.inventory.upkeep import Upkeep

__all__ = [
    "PROMISES_MAX",
    "Availability",
    "ChannelProtection",
    "ChannelShares",
    "ClaimedStock",
    "Explanation",
    "Figures",
    "GoodsLeft",
    "Had",
    "HadByOrders",
    "HeldClaim",
    "Hold",
    "Inventory",
    "ItemRules",
    "KnowsKits",
    "KnowsProtections",
    "LatePostings",
    "LeakedHolds",
    "LedgerAtCut",
    "LineProof",
    "MemberProof",
    "NegativeStock",
    "OpenDemand",
    "OpenLine",
    "OrderLineClaim",
    "OverPicks",
    "Position",
    "PromisedLine",
    "Reservation",
    "ReservationLine",
    "ReservationRequest",
    "SourceAge",
    "Standing",
    "Standings",
    "Upkeep",
    "Whose",
    "inventory_reader",
    "inventory_readers",
]
