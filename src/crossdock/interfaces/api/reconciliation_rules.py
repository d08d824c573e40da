"""`/v1/reconciliations/rules`: what is tolerated, and which differences heal by themselves."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.reconciliation import (
    Brake,
    Counting,
    CountReason,
    ItemClass,
    PriceTolerance,
    ReconciliationRulesShown,
    Remedy,
    Rules,
    Tolerance,
    micros_of,
    rules_shown,
)
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import AmountText, CurrencyText, Limit

Percent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", strict=True)]
TenthPercent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9])?$", strict=True)]


class ReconciliationRulesSaid(BaseModel):
    """What is left out stays as the newest version has it.

    A difference counts beyond `tolerance_absolute` base units and beyond `tolerance_percent` of
    the booked quantity of its item class, or beyond `tolerance_value` in money; one of an order or
    purchase order line beyond `tolerance_documents_percent` of what is open of it. An invoiced
    line passes if it is priced otherwise than agreed by no more than `tolerance_price_percent` of
    its class and no more than `tolerance_price_value`. `heals` are the
    remedies that are carried out by themselves, `attempts` times; a run that would change more
    than `most_percent` of the compared keys, `most_value` in money, or `most_unpriced` keys
    without a price, mends nothing. Money is in `currency` (ISO 4217), the functional one.
    At a location the hub asks for `counts_a_day` second counts by itself, and as many in all for
    the reasons in `count_when`: SHORT_PICK, ZERO_BALANCE, and RECALL beside that number.
    """

    model_config = ConfigDict(extra="forbid")

    tolerance_absolute: AmountText | None = None
    tolerance_percent: dict[ItemClass, Percent] = Field(default_factory=dict[ItemClass, str])
    tolerance_value: AmountText | None = None
    tolerance_documents_percent: Percent | None = None
    tolerance_price_percent: dict[ItemClass, Percent] = Field(default_factory=dict[ItemClass, str])
    tolerance_price_value: AmountText | None = None
    heals: list[Remedy] | None = Field(default=None, max_length=3)
    attempts: int | None = Field(default=None, strict=True)
    most_percent: TenthPercent | None = None
    most_value: AmountText | None = None
    currency: CurrencyText | None = None
    most_unpriced: int | None = Field(default=None, strict=True)
    counts_a_day: int | None = Field(default=None, strict=True)
    count_when: list[CountReason] | None = Field(default=None, max_length=3)

    def rules(self, now: Rules) -> Rules:
        """Give what is to hold, where `now` holds what is not said."""
        shares = _shares(self.tolerance_percent)
        priced = _shares(self.tolerance_price_percent)
        return Rules(
            tolerance=Tolerance(
                absolute=_said(
                    self.tolerance_absolute, "/tolerance_absolute", now.tolerance.absolute
                ),
                share_ppm={**now.tolerance.share_ppm, **shares},
                value=_said(self.tolerance_value, "/tolerance_value", now.tolerance.value),
            ),
            document_ppm=now.document_ppm
            if self.tolerance_documents_percent is None
            else int(Decimal(self.tolerance_documents_percent) * 10_000),
            prices=PriceTolerance(
                share_ppm={**now.prices.share_ppm, **priced},
                value=_said(
                    self.tolerance_price_value, "/tolerance_price_value", now.prices.value
                ),
            ),
            heals=now.heals if self.heals is None else tuple(self.heals),
            attempts=now.attempts if self.attempts is None else self.attempts,
            brake=Brake(
                keys_mille=now.brake.keys_mille
                if self.most_percent is None
                else int(Decimal(self.most_percent) * 10),
                value=_said(self.most_value, "/most_value", now.brake.value),
                currency=now.brake.currency if self.currency is None else self.currency,
                unpriced=now.brake.unpriced if self.most_unpriced is None else self.most_unpriced,
            ),
            counting=Counting(
                a_day=now.counting.a_day if self.counts_a_day is None else self.counts_a_day,
                when=now.counting.when if self.count_when is None else tuple(self.count_when),
            ),
        )


def _shares(said: Mapping[ItemClass, str]) -> dict[ItemClass, int]:
    return {of: int(Decimal(text) * 10_000) for of, text in said.items()}


def _said(text: str | None, where: str, otherwise: int) -> int:
    return otherwise if text is None else micros_of(text, where)


class ReconciliationRules(BaseModel):
    """Every version that was put, the newest first, which holds; the last is built in."""

    rules: list[ReconciliationRulesShown]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.get("/rules", **needs("cases:read"))
    async def list_reconciliation_rules(caller: Caller, limit: Limit = 100) -> ReconciliationRules:
        """List what is tolerated and what heals by itself, with who put it."""
        found = await hub.reconciliation.rules(caller.scope, limit=limit)
        return ReconciliationRules(rules=[rules_shown(one) for one in found])

    @routes.put("/rules", **needs("cases:admin"))
    async def put_reconciliation_rules(
        said: ReconciliationRulesSaid, caller: Caller
    ) -> ReconciliationRulesShown:
        """Put the next version; what is left out stays. It holds from the next comparison on."""
        [now] = await hub.reconciliation.rules(caller.scope, limit=1)
        put = await hub.reconciliation.put_rules(
            caller.scope, said.rules(now.rules), by=f"key {caller.key_id}"
        )
        return rules_shown(put)

    return routes
