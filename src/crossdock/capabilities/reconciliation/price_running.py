"""Compares what a dump of invoices says was agreed with what it says is invoiced (§5.4).

Both are in the dump; nothing of the hub's is read but items, their units and classes. What comes
of it is kept, confirmed and told as of any line of a document.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import model, money, prices, store
from crossdock.capabilities.reconciliation.causes import Cause, Level
from crossdock.capabilities.reconciliation.earlier import before_of
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.model import AMOUNT_MAX, MONEY_MAX, ItemClass, State
from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.reconciliation.open_lines import LineNumber, joined_line
from crossdock.capabilities.reconciliation.open_running import BATCH, OpenComparison
from crossdock.capabilities.reconciliation.open_sides import OpenSide
from crossdock.capabilities.reconciliation.open_walked import Walked
from crossdock.capabilities.reconciliation.ports import Goods
from crossdock.capabilities.reconciliation.prices import PricedLine, PricedRow
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.capabilities.reconciliation.tables import NO_COST
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import derived_uuid, prefixed

UNNAMED = "money"
"""The unit of amounts in the functional currency where nobody has named that."""


@dataclass(slots=True, kw_only=True)
class PriceComparison(OpenComparison):
    """A comparison of lines in money, in the place of one of amounts."""

    async def _walked(self, side: OpenSide) -> Walked:
        async with self.database.transaction(self.scope) as tx:
            rows = await store.open_of(tx, self.about.pair)
            befores = {LineNumber(row.document, row.line): row for row in rows}
            walked = Walked(befores=befores)
            batch: dict[str, list[OpenRow]] = {}
            for document, told in side.documents():
                batch[document] = told
                if len(batch) == BATCH:
                    await self._priced(tx, side, batch, walked)
                    batch = {}
            await self._priced(tx, side, batch, walked)
        return walked

    async def _priced(
        self, tx: Transaction, side: OpenSide, told: Mapping[str, list[OpenRow]], walked: Walked
    ) -> None:
        items = {row.item for rows in told.values() for row in rows}
        goods = await self.informants.names.goods(tx, items)
        for document, rows in told.items():
            lines: dict[str, list[OpenRow]] = defaultdict(list)
            for row in rows:
                lines[row.line].append(row)
            for line, those in lines.items():
                known, number = goods.get(those[0].item), LineNumber(document, line)
                found = line_of(those, self.policy.brake.currency)
                if found is None or known is None:
                    walked.met |= walked.befores.keys() & {number}
                    unread = those[0].item if known is None else joined_line(*number)
                    walked.tally.note([] if not any(_is_told(row) for row in those) else [unread])
                    continue
                self._judged(found, known, side, walked)

    def _judged(self, line: PricedLine, known: Goods, side: OpenSide, walked: Walked) -> None:
        number = LineNumber(line.document, line.line)
        before, tally = walked.befores.get(number), walked.tally
        tally.compared += 1
        if before is not None:
            walked.met.add(number)
        if not line.variance:
            tally.alike += 1
            walked.cleared |= walked.befores.keys() & {number}
            return
        of = ItemClass.first_of((side.classes.get(line.item, ""), known.item_class))
        favours_less = self.about.kind is Kind.SUPPLIER_PRICES
        is_foreign = money.is_foreign(line.currency, self.policy.brake.currency)
        if self.policy.prices.lets_pass(
            line.agreed, line.variance, of, favours_less=favours_less, is_foreign=is_foreign
        ):
            state = State.TOLERATED
        else:
            earlier = before_of(before) if before else None
            state = model.next_state(
                earlier, side.cut, line.variance, is_in_flight=False, apart=self.policy.apart
            )
        walked.take(self._row(line, known, side, (of, state)), self.policy.findings_max)

    def _row(
        self, line: PricedLine, known: Goods, side: OpenSide, judged: tuple[ItemClass, State]
    ) -> FindingRow:
        of, state = judged
        factors = [(n, d) for _, n, d in known.factors]
        verdict = prices.verdict(line, factors)
        name = derived_uuid(
            "finding", self.scope.tenant, self.about.run_id, line.document, line.line
        )
        cut, variance = instant(side.cut), line.variance
        return FindingRow(
            finding_id=prefixed("fnd", name),
            system=self.about.system,
            against=self.about.against,
            location=line.location,
            item=line.item,
            state=state,
            level=Level.TOTAL,
            cause=verdict.cause,
            because=verdict.because,
            remedy=_remedy(state, verdict.cause),
            unit=line.currency or self.policy.brake.currency or UNNAMED,
            ours=line.agreed,
            theirs=line.invoiced,
            explained=0,
            unexplained=variance,
            at_stake=variance,
            absolute=abs(variance),
            withheld=0,
            value_at_risk=min(MONEY_MAX, abs(variance)),
            currency=line.currency,
            class_=of,
            is_in_flight=False,
            is_gone=False,
            times=1,
            attempts=0,
            run_id=self.about.run_id,
            evidence=msgspec.json.encode(_evidence(line, self.about.against)).decode(),
            first_cut=cut,
            last_cut=cut,
            found_at=self.began_at,
            confirmed_at=None,
            closed_at=None,
            closed_by="",
            root_cause="",
            note="",
            document=line.document,
            line=line.line,
        )


def line_of(rows: Sequence[OpenRow], house: str) -> PricedLine | None:
    """Add up the rows of a line in money; None where one says too little, or they do not fit.

    `house` names the functional currency, or is "".
    """
    first = rows[0]
    named = {(row.item, row.location, row.currency) for row in rows}
    priced = [_row_of(row) for row in rows]
    if len(named) > 1 or not all(row.is_told for row in priced):
        return None
    each = [prices.totals(row, first.currency or house) for row in priced]
    agreed, invoiced = sum(one for one, _ in each), sum(one for _, one in each)
    if max(abs(agreed), abs(invoiced)) > AMOUNT_MAX:
        return None
    place = (first.document, first.line, first.item, first.location, first.currency)
    return PricedLine(*place, agreed, invoiced, tuple(priced))


def _row_of(row: OpenRow) -> PricedRow:
    price, agreed = (None if one == NO_COST else one for one in (row.price, row.agreed))
    return PricedRow(row.micros, row.unit, price, agreed, row.amount)


def _is_told(row: OpenRow) -> bool:
    return _row_of(row) != PricedRow(row.micros, row.unit, None, None, None)


def _remedy(state: State, cause: Cause) -> Remedy:
    """Recommend what a person does: no invoice is changed by the hub."""
    if state is not State.CONFIRMED:
        return Remedy.LOG if state is State.TOLERATED else Remedy.WAIT
    return Remedy.MASTER_DATA if cause is Cause.UOM else Remedy.FINANCE_TASK


def _evidence(line: PricedLine, against: str) -> dict[str, Any]:
    """Keep each row as it was priced."""

    def said(name: str, micros: int | None) -> dict[str, str]:
        return {} if micros is None else {name: plain(decimal_of(micros))}

    return {
        "is_sellable": True,
        "lines": [
            {
                "side": against,
                "quantity": f"{plain(decimal_of(row.micros))} {row.unit}".strip(),
                **said("unit_price", row.price),
                **said("agreed_price", row.agreed),
                **said("amount", row.amount),
            }
            for row in line.rows
        ],
        "source": against,
    }
