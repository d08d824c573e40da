"""The words of reconciliation: what two systems say differently of the same stock, and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from crossdock.canonical.quantities import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceConfirmed:
    """Two systems differ, twice, with nothing on its way.

    `ours` is what `system` says: the hub's ledger (crossdock), the first of two other systems,
    what a channel was told (published), or the hub's open order lines (orders) or purchase order
    lines (purchases), or as orders:wms those of another system; of these, `document` and `line`
    name the key, and the quantities are what is open. Of invoiced prices (invoice_prices,
    supplier_prices) they are money, and their unit is its currency: what was agreed of a line, and
    what is invoiced.
    `ours` and `theirs` are both as of `cut`, which is also the watermark both were brought to;
    `explained` is what documents account for, `unexplained` the rest of theirs - ours. `cause` is
    the root-cause class that the evidence points to, `remedy` what the policy recommends.
    `value_at_risk` is in `currency` ("": the functional one); null while nobody has said what one
    costs.
    """

    TYPE: ClassVar[str] = "reconciliation.difference_confirmed.v1"

    finding_id: str
    against: str
    item: str
    location: str
    cut: datetime
    ours: Quantity
    theirs: Quantity
    explained: Quantity
    unexplained: Quantity
    cause: str
    remedy: str
    value_at_risk: Decimal | None = None
    currency: str = ""
    system: str = "crossdock"
    document: str = ""
    line: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceClosed:
    """A difference has its root cause: a person named it, or it was only on its way (TIMING)."""

    TYPE: ClassVar[str] = "reconciliation.difference_closed.v1"

    finding_id: str
    against: str
    item: str
    location: str
    root_cause: str
    closed_by: str
    system: str = "crossdock"
    document: str = ""
    line: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRejected:
    """What another system said of its stock cannot be: nothing was compared with it."""

    TYPE: ClassVar[str] = "reconciliation.snapshot_rejected.v1"

    run_id: str
    against: str
    reason: str

    @property
    def key(self) -> str:
        return self.against


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotBelieved:
    """What `run_id` rejected is right all the same: `believed_by` has looked at it (R7).

    `asked_by` gave it first. It was compared anew then, unless no one can believe it.
    """

    TYPE: ClassVar[str] = "reconciliation.snapshot_believed.v1"

    run_id: str
    against: str
    believed_by: str
    asked_by: str

    @property
    def key(self) -> str:
        return self.against


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodChanged:
    """The hub's and the books' figures at the end of a period were kept, or signed off (§4.1.7).

    `state` is CLOSED, once for each time that it was, and then SIGNED, for good; `changed_by` did
    it. Of `figures`, an item at a location each, `differing` differ.
    """

    TYPE: ClassVar[str] = "reconciliation.period_changed.v1"

    period: str
    against: str
    ends_at: datetime
    state: str
    figures: int
    differing: int
    changed_by: str
    because: str = ""

    @property
    def key(self) -> str:
        return self.period


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdingChanged:
    """Channels may be shown so much less than the ledger says, while `against` says less (§4.3).

    `withheld` is in base units; zero ends it.
    """

    TYPE: ClassVar[str] = "reconciliation.withholding_changed.v1"

    against: str
    item: str
    location: str
    withheld: Quantity

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTaskChanged:
    """A shelf is to be counted, was counted, cannot be counted, or need not be any more (§4.2).

    `status` is PROPOSED, DONE, REFUSED or WITHDRAWN; `reason` says why: RECOUNT, DIFFERENCE,
    NEGATIVE, TREND or CLASS_DUE, or what somebody asked for it by: RECALL, SHORT_PICK, EMPTY_SHELF
    or ZERO_BALANCE. The count is blind, so no quantity is named. A count posts its adjustment
    as a movement (COUNT_ADJUST), of zero where the shelf was right. `because` is what whoever
    refused it said. A RECOUNT is another person's than `not_by`, who counted first ("": nobody
    said who).
    """

    TYPE: ClassVar[str] = "reconciliation.count_task_changed.v1"

    count_id: str
    item: str
    location: str
    item_class: str
    reason: str
    status: str
    because: str = ""
    not_by: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class CountDecided:
    """A count of more money than the cap was approved or refused (§4.2, §7.3).

    `decision` is APPROVED or REFUSED, `because` what `decided_by` said. `count_ref` is the
    movement or snapshot of `told_by` that told the count; `adjusts` is what it adjusted, in the
    base unit, `value` what that is worth in `currency` ("": the functional one).
    """

    TYPE: ClassVar[str] = "reconciliation.count_decided.v1"

    counted_id: str
    item: str
    location: str
    count_ref: str
    told_by: str
    adjusts: Quantity
    value: Decimal
    decision: str
    decided_by: str
    because: str
    currency: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceGone:
    """A difference that was confirmed is not there any more: a later comparison did not find it.

    It is told once for each `difference_confirmed.v1`; one that comes back is confirmed anew.
    `last_seen` is the cut at which it was seen last. Why it was there is still for a person to
    say, unless a channel holds again what it was told: that is closed by itself (§4.4).
    """

    TYPE: ClassVar[str] = "reconciliation.difference_gone.v1"

    finding_id: str
    against: str
    item: str
    location: str
    last_seen: datetime
    system: str = "crossdock"
    document: str = ""
    line: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class MendingTried:
    """Mending of a difference was tried; a later comparison tells whether it is gone (§4.3).

    `how` is SENT_AGAIN (documents that `against` lacks), READ_AGAIN (what the ledger lacks, from
    whoever tells it), RECORDED (the word of who keeps the stock, or made the purchase) or
    REPUBLISHED (a channel's level). `outcome` is DONE (it was sent, is read, was recorded, or is
    written), REFUSED (who was asked does not do it) or FAILED (nothing came of it); `because` says
    why not, "" where it was done. `attempt` counts from 1.
    """

    TYPE: ClassVar[str] = "reconciliation.mending_tried.v1"

    finding_id: str
    against: str
    item: str
    location: str
    how: str
    attempt: int
    tried_by: str
    outcome: str = "DONE"
    because: str = ""
    system: str = "crossdock"
    document: str = ""
    line: str = ""

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationRulesChanged:
    """The next version of what is tolerated and what heals by itself was put (§4.2, §4.3).

    It holds from the next comparison on. Percents are of the booked quantity, by class A, B and C,
    and of an open order line; amounts are in base units, values and `most_value` money in
    `currency`, the functional one ("": nobody has named it). `most_percent`, `most_value` and
    `most_unpriced` (keys without a price) are how much one run may mend by itself. At a location
    `counts_a_day` second counts are asked for, and as many for the reasons in `count_when`. An
    invoiced line passes if it is priced otherwise than agreed by no more than its percent of
    price and no more than `tolerance_price_value`.
    """

    TYPE: ClassVar[str] = "reconciliation.rules_changed.v1"

    version: int
    changed_by: str
    tolerance_absolute: Decimal
    tolerance_percent_a: Decimal
    tolerance_percent_b: Decimal
    tolerance_percent_c: Decimal
    tolerance_value: Decimal
    tolerance_documents_percent: Decimal
    heals: tuple[str, ...]
    attempts: int
    most_percent: Decimal
    most_value: Decimal
    currency: str = ""
    most_unpriced: int = 100
    counts_a_day: int = 50
    count_when: tuple[str, ...] = ("RECALL", "SHORT_PICK", "ZERO_BALANCE")
    tolerance_price_percent_a: Decimal = Decimal(2)
    tolerance_price_percent_b: Decimal = Decimal(2)
    tolerance_price_percent_c: Decimal = Decimal(2)
    tolerance_price_value: Decimal = Decimal(50)

    @property
    def key(self) -> str:
        return "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationPolicyChanged:
    """A house decided otherwise who believes a rejected dump, and what is shown while in doubt.

    `four_eyes`: another than who gave it. `as_booked` are the classes of which channels are shown
    what the ledger says also while it is in doubt (§4.3).
    """

    TYPE: ClassVar[str] = "reconciliation.policy_changed.v1"

    version: int
    changed_by: str
    four_eyes: bool
    as_booked: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return "policy"
