"""`/v1/reconciliations/rules`: what is tolerated, and which differences heal by themselves."""

from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crossdock.capabilities.reconciliation import (
    HEALABLE,
    Brake,
    ItemClass,
    ReconciliationRulesShown,
    Remedy,
    Rules,
    Tolerance,
    micros_of,
    rules_shown,
)
from crossdock.interfaces.api.caller import Caller, needs
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import AmountText, Limit

Percent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,4})?$", strict=True)]
TenthPercent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9])?$", strict=True)]
PERCENT = {ItemClass.A: "0.5", ItemClass.B: "1", ItemClass.C: "5"}


class ReconciliationRulesSaid(BaseModel):
    """What is left out is as the built-in rules have it.

    A difference counts beyond `tolerance_absolute` base units and beyond `tolerance_percent` of
    the booked quantity of its item class, or beyond `tolerance_value` in money; one of an order or
    purchase order line beyond `tolerance_documents_percent` of what is open of it. `heals` are the
    remedies that are carried out by themselves, `attempts` times; a run that would change more
    than `most_percent` of the compared keys, or `most_value` in money, mends nothing.
    """

    model_config = ConfigDict(extra="forbid")

    tolerance_absolute: AmountText = "0"
    tolerance_percent: dict[ItemClass, Percent] = Field(default_factory=dict[ItemClass, str])
    tolerance_value: AmountText = "250"
    tolerance_documents_percent: Percent = "0"
    heals: list[Remedy] = Field(default_factory=lambda: list(HEALABLE), max_length=3)
    attempts: int = Field(default=2, strict=True)
    most_percent: TenthPercent = "2"
    most_value: AmountText = "10000"

    def rules(self) -> Rules:
        percent = PERCENT | self.tolerance_percent
        return Rules(
            tolerance=Tolerance(
                absolute=micros_of(self.tolerance_absolute, "/tolerance_absolute"),
                share_ppm={of: int(Decimal(text) * 10_000) for of, text in percent.items()},
                value=micros_of(self.tolerance_value, "/tolerance_value"),
            ),
            document_ppm=int(Decimal(self.tolerance_documents_percent) * 10_000),
            heals=tuple(self.heals),
            attempts=self.attempts,
            brake=Brake(
                keys_mille=int(Decimal(self.most_percent) * 10),
                value=micros_of(self.most_value, "/most_value"),
            ),
        )


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
        """Put the next version; comparisons and what heals go by it from now on."""
        put = await hub.reconciliation.put_rules(
            caller.scope, said.rules(), by=f"key {caller.key_id}"
        )
        return rules_shown(put)

    return routes
