"""Supply: what is still to come, what is due by when, and what can be promised by a date."""

from crossdock.capabilities.supply.answer import Atp, Basis, Bucket, Part, Question
from crossdock.capabilities.supply.inbound import Inbound
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.reactions import supply_reader
from crossdock.capabilities.supply.rules import ALL, AtpRule, ClassTerms, PlacedRule
from crossdock.capabilities.supply.service import QUESTIONS_MAX, TURN, Supply

__all__ = [
    "ALL",
    "QUESTIONS_MAX",
    "TURN",
    "Atp",
    "AtpMode",
    "AtpRule",
    "Basis",
    "Bucket",
    "ClassTerms",
    "Inbound",
    "Part",
    "PlacedRule",
    "Question",
    "Supply",
    "supply_reader",
]
