"""Allocation: which order lines are confirmed when stock is short, by rules and in runs."""

from crossdock.capabilities.allocation.alternatives import (
    Alternative,
    AlternativeState,
    Lack,
    Offer,
)
from crossdock.capabilities.allocation.asks import (
    Around,
    Claim,
    FindsAlternatives,
    Found,
    NobodyElse,
    Outlook,
    Share,
    Stock,
)
from crossdock.capabilities.allocation.figures import Figures
from crossdock.capabilities.allocation.group_reads import groups_in
from crossdock.capabilities.allocation.grouping import GroupBook
from crossdock.capabilities.allocation.groups import AllocationGroup
from crossdock.capabilities.allocation.keeping import Had, had_of, kept_now, turns_next
from crossdock.capabilities.allocation.marking import look_again
from crossdock.capabilities.allocation.model import Expected, Protection, RunException, Why
from crossdock.capabilities.allocation.ordering import OrderedBy
from crossdock.capabilities.allocation.oversold import SoldOn, sold_by_day, still_early
from crossdock.capabilities.allocation.protection import AllocationProtection, one_of
from crossdock.capabilities.allocation.reactions import allocation_reader
from crossdock.capabilities.allocation.rulebook import (
    AllocationPolicy,
    AllocationRule,
    Applies,
    Rulebook,
)
from crossdock.capabilities.allocation.run_proof import is_reproduced as is_run_reproduced
from crossdock.capabilities.allocation.service import AllocatedLine, Allocation, Confirmation
from crossdock.capabilities.allocation.shapes import (
    OpenShortage,
    Run,
    RunLine,
    RunState,
    Short,
    digest_of_short,
)
from crossdock.capabilities.allocation.working import Work

__all__ = [
    "AllocatedLine",
    "Allocation",
    "AllocationGroup",
    "AllocationPolicy",
    "AllocationProtection",
    "AllocationRule",
    "Alternative",
    "AlternativeState",
    "Applies",
    "Around",
    "Claim",
    "Confirmation",
    "Expected",
    "Figures",
    "FindsAlternatives",
    "Found",
    "GroupBook",
    "Had",
    "Lack",
    "NobodyElse",
    "Offer",
    "OpenShortage",
    "OrderedBy",
    "Outlook",
    "Protection",
    "Rulebook",
    "Run",
    "RunException",
    "RunLine",
    "RunState",
    "Share",
    "Short",
    "SoldOn",
    "Stock",
    "Why",
    "Work",
    "allocation_reader",
    "digest_of_short",
    "groups_in",
    "had_of",
    "is_run_reproduced",
    "kept_now",
    "look_again",
    "one_of",
    "sold_by_day",
    "still_early",
    "turns_next",
]
