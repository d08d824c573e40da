"""Supply: what is still to come, what is due by when, and what can be promised by a date."""

from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Bucket,
    Offer,
    Part,
    Pick,
    Question,
    Share,
    Shelved,
    Weight,
)
from crossdock.capabilities.supply.bills import Bills
from crossdock.capabilities.supply.calendar_rules import CalendarSaid
from crossdock.capabilities.supply.channel_lives import ChannelLives, Lasting, Wanted
from crossdock.capabilities.supply.fill import LINES_LEAST, Fill
from crossdock.capabilities.supply.fill_store import FilledLine
from crossdock.capabilities.supply.inbound import Inbound
from crossdock.capabilities.supply.keeping import KeptPromises
from crossdock.capabilities.supply.kept import (
    AtRisk,
    DatedLine,
    KeptPromise,
    PromiseAsked,
    PromiseProof,
)
from crossdock.capabilities.supply.kit_recipes import KitRecipes
from crossdock.capabilities.supply.kits import Kits, Recipebook
from crossdock.capabilities.supply.kitting import Book, Count, Figures, KitStock
from crossdock.capabilities.supply.known import (
    KnownCommitment,
    KnownKit,
    KnownLot,
    KnownSupply,
    KnownWeight,
)
from crossdock.capabilities.supply.late import KnowsClasses
from crossdock.capabilities.supply.model import UNLIMITED, AtpMode, Limits, weight_of
from crossdock.capabilities.supply.notices import NoticeReceipts
from crossdock.capabilities.supply.open_supply import OpenSupply, Withdrawn
from crossdock.capabilities.supply.overdue import OverdueSupply
from crossdock.capabilities.supply.packs import Packs
from crossdock.capabilities.supply.pegging import pegs
from crossdock.capabilities.supply.place_calendars import calendars_in
from crossdock.capabilities.supply.reactions import supply_reader
from crossdock.capabilities.supply.received import GoodsReceived
from crossdock.capabilities.supply.risk_cases import RiskCases
from crossdock.capabilities.supply.rules import (
    ALL,
    AtpRule,
    ClassTerms,
    LifeTerms,
    OwnerTerms,
    PlacedRule,
)
from crossdock.capabilities.supply.securing import Securing
from crossdock.capabilities.supply.service import QUESTIONS_MAX, TURN, Supply
from crossdock.capabilities.supply.substitution import (
    Alternative,
    Option,
    SubstitutionKind,
    SubstitutionRule,
    SubstitutionVersion,
)
from crossdock.capabilities.supply.unlimited import Unlimited

__all__ = [
    "ALL",
    "LINES_LEAST",
    "QUESTIONS_MAX",
    "TURN",
    "UNLIMITED",
    "Alternative",
    "AtRisk",
    "Atp",
    "AtpMode",
    "AtpRule",
    "Basis",
    "Bills",
    "Book",
    "Bucket",
    "CalendarSaid",
    "ChannelLives",
    "ClassTerms",
    "Count",
    "DatedLine",
    "Figures",
    "Fill",
    "FilledLine",
    "GoodsReceived",
    "Inbound",
    "KeptPromise",
    "KeptPromises",
    "KitRecipes",
    "KitStock",
    "Kits",
    "KnownCommitment",
    "KnownKit",
    "KnownLot",
    "KnownSupply",
    "KnownWeight",
    "KnowsClasses",
    "Lasting",
    "LifeTerms",
    "Limits",
    "NoticeReceipts",
    "Offer",
    "OpenSupply",
    "Option",
    "OverdueSupply",
    "OwnerTerms",
    "Packs",
    "Part",
    "Pick",
    "PlacedRule",
    "PromiseAsked",
    "PromiseProof",
    "Question",
    "Recipebook",
    "RiskCases",
    "Securing",
    "Share",
    "Shelved",
    "SubstitutionKind",
    "SubstitutionRule",
    "SubstitutionVersion",
    "Supply",
    "Unlimited",
    "Wanted",
    "Weight",
    "Withdrawn",
    "calendars_in",
    "pegs",
    "supply_reader",
    "weight_of",
]
