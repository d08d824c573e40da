"""`/v1/reconciliations/periods`: both figures at the close of a period, kept and signed off."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import (
    ClosedPeriod,
    Figure,
    PeriodAsked,
    SignOff,
)
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.reconciliations import LineSaid, StockSaid
from crossdock.interfaces.api.shapes import Code, Limit, Person, Reason, Text

PeriodName = Annotated[Text, Field(min_length=1, max_length=40, pattern=r"\S")]
Flag = Annotated[bool, Query(description="Only what differs or was posted late.")]
After = Annotated[Text, Query(description="The last location of the page before.")]
AfterItem = Annotated[Text, Query(description="The last item of the page before.")]


class PeriodClosing(BaseModel):
    """What the books say lay there at the end; what they leave out of a location is zero there.

    `by`: who closes it, where the key is not named after a person.
    """

    model_config = ConfigDict(extra="forbid")

    period: PeriodName
    against: Code
    ends_at: AwareDatetime
    lines: list[LineSaid] = Field(min_length=1, max_length=20_000)
    by: Person = ""

    def asked(self, by: str) -> PeriodAsked:
        stock = StockSaid(lines=self.lines, as_of=self.ends_at, is_full=True)
        read = stock.read()
        if read is None:
            raise Invalid("there are no lines", where="/lines")
        return PeriodAsked(
            period=self.period.strip(),
            against=self.against,
            ends_at=self.ends_at,
            by=by,
            said=read,
        )


class PeriodSigning(BaseModel):
    """Who signs it off, where the key is not named after a person, and why.

    `closed_at` is of the period that was looked at: one that was closed anew since is refused.
    `despite_unknown`: although the books name items or units that nobody knows.
    """

    model_config = ConfigDict(extra="forbid")

    against: Code
    closed_at: AwareDatetime
    because: Reason
    by: Person = ""
    despite_unknown: bool = False

    def asked(self, period: str, by: str) -> SignOff:
        return SignOff(
            period=period,
            against=self.against,
            closed_at=self.closed_at,
            because=self.because,
            by=by,
            despite_unknown=self.despite_unknown,
        )


class PeriodsShown(BaseModel):
    """Those that end last first."""

    periods: list[ClosedPeriod]


class PeriodShown(BaseModel):
    """A period and its figures, by location and item; page on behind the last of them."""

    period: ClosedPeriod
    figures: list[Figure]


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.post("/periods", **needs("cases:write"))
    async def close_period(said: PeriodClosing, caller: Caller) -> ClosedPeriod:
        """Keep what the hub and the books say at the end of a period; nothing is adjusted."""
        return await hub.periods.close(caller.scope, said.asked(who(caller, said.by)))

    @routes.get("/periods", **needs("cases:read"))
    async def list_periods(
        caller: Caller, *, against: Text = "", limit: Limit = 100
    ) -> PeriodsShown:
        found = await hub.periods.listed(caller.scope, against=against, limit=limit)
        return PeriodsShown(periods=found)

    @routes.get("/periods/{period}", **needs("cases:read"))
    async def show_period(  # noqa: PLR0913 - what one may ask for
        period: Text,
        caller: Caller,
        *,
        against: Text,
        differing: Flag = False,
        after: After = "",
        after_item: AfterItem = "",
        limit: Limit = 100,
    ) -> PeriodShown:
        """Show both figures of each item and location, and what was posted late since."""
        one = await hub.periods.one(caller.scope, period, against)
        figures = await hub.periods.figures(
            caller.scope,
            period,
            against,
            differing=differing,
            after=(after, after_item),
            limit=limit,
        )
        return PeriodShown(period=one, figures=figures)

    @routes.post("/periods/{period}/sign", **needs("finance:write"))
    async def sign_period(period: Text, said: PeriodSigning, caller: Caller) -> ClosedPeriod:
        """Sign a period off, for good; with four eyes another one than closed it."""
        return await hub.periods.sign(caller.scope, said.asked(period, who(caller, said.by)))

    return routes
