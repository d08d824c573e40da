"""Whose a confirmed difference is, how urgent, and by when it is to be settled (§4.3, §7.2). Pure.

What more money is at risk of than the policy lets one run mend is escalated, and stays so.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from crossdock.canonical.calendars import WorkingTime
from crossdock.capabilities.reconciliation import money, ranking
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.kinds import FOLLOWING, Kind, kind_of
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ranking import Remedy

MASTER_DATA, INVENTORY, FINANCE = "Master data", "Inventory control", "Finance"
INTEGRATION = "Integration"
SUSPECT = "INV-SUSPECT"
_CODES: Mapping[Cause, tuple[str, str]] = {
    Cause.UOM: ("MD-UOM", MASTER_DATA),
    Cause.XREF: ("MD-ITEM-XREF", MASTER_DATA),
    Cause.NEG_STOCK: ("INV-NEG", INVENTORY),
}
_DESKS: Mapping[Kind, str] = {
    Kind.ORDERS: "Order desk",
    Kind.PURCHASES: "Buyer",
    Kind.INVOICES: "Finance AR",
    Kind.SUPPLIER_INVOICES: "AP",
    Kind.DELIVERIES: "Transport",
    Kind.INVOICE_PRICES: "Pricing/sales",
    Kind.SUPPLIER_PRICES: "AP",
}
_PRICED: Mapping[Kind, str] = {
    Kind.INVOICE_PRICES: "ORD-PRICE",
    Kind.SUPPLIER_PRICES: "INVM-PRICE",
}
"""What is the matter where another price is invoiced than was agreed."""
_LACKING: Mapping[Kind, str] = {
    Kind.INVOICES: "SHP-NOINV",
    Kind.SUPPLIER_INVOICES: "INVM-QTY",
    Kind.DELIVERIES: "SHP-LATE",
}
"""What is the matter where less followed than goods moved."""
_BEYOND: Mapping[Kind, str] = {
    Kind.INVOICES: "ORD-LEDGER",
    Kind.SUPPLIER_INVOICES: "INVM-NORCPT",
    Kind.DELIVERIES: "ORD-LEDGER",
}
"""What is the matter where more followed: more than was shipped is invoiced, or delivered."""
_DOUBLED: Mapping[Kind, str] = {
    Kind.ORDERS: "ORD-DUP",
    Kind.PURCHASES: "PO-DUP",
    Kind.SUPPLIER_INVOICES: "INVM-DUP",
}
_OWNERS: Mapping[Remedy, str] = {
    Remedy.FINANCE_TASK: FINANCE,
    Remedy.REDRIVE: INTEGRATION,
    Remedy.REFETCH: INTEGRATION,
}
_URGENT_WITHIN: Mapping[str, timedelta] = {
    SUSPECT: timedelta(hours=8),
    "INV-NEG": timedelta(hours=4),
    "MD-UOM": timedelta(hours=4),
    "MD-ITEM-XREF": timedelta(hours=4),
    "ORD-DUP": timedelta(hours=2),
    "PO-DUP": timedelta(hours=4),
    "SHP-NOINV": timedelta(days=1),
    "SHP-LATE": timedelta(hours=4),
    "ORD-LEDGER": timedelta(hours=1),
    "INVM-DUP": timedelta(hours=4),
    "INVM-QTY": timedelta(days=2),
    "INVM-NORCPT": timedelta(days=2),
    "ORD-PRICE": timedelta(hours=4),
    "INVM-PRICE": timedelta(days=2),
}
"""How long there is for what is escalated, whatever its class (§7.2)."""


class Difference(Protocol):
    """As much of a confirmed difference as says whose it is."""

    @property
    def system(self) -> str: ...

    @property
    def class_(self) -> str: ...

    @property
    def cause(self) -> str: ...

    @property
    def remedy(self) -> str: ...

    @property
    def ours(self) -> int: ...

    @property
    def theirs(self) -> int: ...

    @property
    def value_at_risk(self) -> int | None: ...

    @property
    def currency(self) -> str: ...

    @property
    def found_at(self) -> datetime: ...

    @property
    def escalated_at(self) -> datetime | None: ...


def is_above(row: Difference, brake: Brake) -> bool:
    """Say whether more money is at risk than the cap; of what has no price nobody knows."""
    return money.is_above(row, brake.value, brake.currency)


def is_escalated(row: Difference, brake: Brake) -> bool:
    """Say whether it is, or was once, worth more than the cap: it never gets less urgent."""
    return row.escalated_at is not None or is_above(row, brake)


def code_of(row: Difference) -> str:
    kind, cause = kind_of(row.system), Cause(row.cause)
    code, _ = _CODES.get(cause, (SUSPECT, ""))
    if kind in FOLLOWING and cause not in _CODES:
        code = _BEYOND[kind] if row.theirs > row.ours else _LACKING[kind]
    if cause is Cause.PRICE:
        code = _PRICED.get(kind, code)
    return _DOUBLED.get(kind, code) if cause is Cause.MSG_DUP else code


def owner_of(row: Difference, brake: Brake) -> str:
    """Name whose it is; above the cap stock is inventory control's, whatever would mend it (§4.3).

    What finance alone can reverse stays with it, as does what is wrong with units and names, or
    with a line of a document.
    """
    cause = Cause(row.cause)
    if cause in _CODES:
        return _CODES[cause][1]
    if desk := _DESKS.get(kind_of(row.system)):
        return desk
    if is_escalated(row, brake) and cause is not Cause.MSG_DUP:
        return INVENTORY
    return _OWNERS.get(Remedy(row.remedy), INVENTORY)


def severity_of(row: Difference, brake: Brake) -> str:
    return "S2" if row.class_ == ItemClass.A or is_escalated(row, brake) else "S3"


def within(row: Difference, brake: Brake) -> timedelta:
    """Say how long it may take from now on, in working time: never longer than its class has."""
    by_class = timedelta(microseconds=ranking.due_within(ItemClass(row.class_)))
    return min(by_class, _urgent(row)) if is_escalated(row, brake) else by_class


def due_at(row: Difference, working: WorkingTime) -> datetime:
    """Say by when it is to be settled: by its class since found, or since it was escalated.

    `working` is when its place works: hours are working hours, days working days (§4.5).
    """
    by_class = timedelta(microseconds=ranking.due_within(ItemClass(row.class_)))
    due = working.later(row.found_at, by_class)
    if row.escalated_at is None:
        return due
    return min(due, working.later(row.escalated_at, _urgent(row)))


def _urgent(row: Difference) -> timedelta:
    return _URGENT_WITHIN[code_of(row)]
