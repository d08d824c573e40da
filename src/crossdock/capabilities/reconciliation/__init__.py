"""Reconciliation: where another system and the hub's ledger differ, why, and what is done."""

from crossdock.capabilities.reconciliation.accuracy import Accuracy, AccuracyReport
from crossdock.capabilities.reconciliation.ageing import Backlog
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.count_store import TaskStatus
from crossdock.capabilities.reconciliation.count_tasks import CountTask, CountTasks
from crossdock.capabilities.reconciliation.counted_store import CountsWanted
from crossdock.capabilities.reconciliation.counts import Counts, CountShown
from crossdock.capabilities.reconciliation.doubts import Doubt
from crossdock.capabilities.reconciliation.dumps import (
    NO_COST,
    Dump,
    Line,
    LogDump,
    LogLine,
    Parts,
    Reading,
    groups_of,
    instant_of,
    micros_of,
)
from crossdock.capabilities.reconciliation.findings import Finding, Run
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.healing import Healing
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.kinds import LABELS, Kind, first_of, ours_of
from crossdock.capabilities.reconciliation.model import ItemClass, State, Tolerance
from crossdock.capabilities.reconciliation.money import currency_of
from crossdock.capabilities.reconciliation.open_dumps import (
    OpenDump,
    OpenRow,
    OpenSaid,
    numbered,
    price_of,
    said_micros,
)
from crossdock.capabilities.reconciliation.open_ports import LineInformants
from crossdock.capabilities.reconciliation.open_rounds import OpenRounds
from crossdock.capabilities.reconciliation.open_service import OpenAsked, OpenLines
from crossdock.capabilities.reconciliation.period_model import (
    ClosedPeriod,
    Figure,
    PeriodAsked,
    SignOff,
)
from crossdock.capabilities.reconciliation.periods import Periods
from crossdock.capabilities.reconciliation.planning import Plan
from crossdock.capabilities.reconciliation.ports import Informants
from crossdock.capabilities.reconciliation.price_limits import PriceTolerance
from crossdock.capabilities.reconciliation.ranking import CountProposal, CountReason, Remedy
from crossdock.capabilities.reconciliation.rules import (
    HEALABLE,
    ReconciliationRulesShown,
    Rules,
    Version,
    rules_shown,
)
from crossdock.capabilities.reconciliation.sampling import Sampled, Sampler
from crossdock.capabilities.reconciliation.service import Asked, Reconciliation
from crossdock.capabilities.reconciliation.settling import CountApproval, Matter
from crossdock.capabilities.reconciliation.sides import Said, Spelled
from crossdock.capabilities.reconciliation.stock_sampling import StockAsked, StockSampler
from crossdock.capabilities.reconciliation.store import Wanted
from crossdock.capabilities.reconciliation.telling_again import SentTo
from crossdock.capabilities.reconciliation.triggers import Counting
from crossdock.capabilities.reconciliation.withholding import HousePolicy

__all__ = [
    "HEALABLE",
    "LABELS",
    "NO_COST",
    "Accuracy",
    "AccuracyReport",
    "Asked",
    "Backlog",
    "Brake",
    "Cause",
    "ClosedPeriod",
    "CountApproval",
    "CountProposal",
    "CountReason",
    "CountShown",
    "CountTask",
    "CountTasks",
    "Counting",
    "Counts",
    "CountsWanted",
    "Doubt",
    "Dump",
    "Figure",
    "Finding",
    "Healing",
    "HousePolicy",
    "Informants",
    "ItemClass",
    "Kind",
    "Line",
    "LineInformants",
    "LogDump",
    "LogLine",
    "Matter",
    "OpenAsked",
    "OpenDump",
    "OpenLines",
    "OpenRounds",
    "OpenRow",
    "OpenSaid",
    "Parts",
    "PeriodAsked",
    "Periods",
    "Plan",
    "Policy",
    "PriceTolerance",
    "Reading",
    "Reconciliation",
    "ReconciliationRulesShown",
    "Remedy",
    "Rules",
    "Run",
    "Said",
    "Sampled",
    "Sampler",
    "SentTo",
    "SignOff",
    "Spelled",
    "State",
    "StockAsked",
    "StockSampler",
    "TaskStatus",
    "Tolerance",
    "Version",
    "Wanted",
    "currency_of",
    "first_of",
    "groups_of",
    "instant_of",
    "micros_of",
    "numbered",
    "ours_of",
    "price_of",
    "rules_shown",
    "said_micros",
]
