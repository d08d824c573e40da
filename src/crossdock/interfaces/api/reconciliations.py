"""`/v1/reconciliations`: stock compared with what another system says, and the differences."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.reconciliation import (
    NO_COST,
    Asked,
    Backlog,
    Cause,
    CountProposal,
    Finding,
    Healing,
    HousePolicy,
    ItemClass,
    Kind,
    Line,
    LogLine,
    Parts,
    Run,
    Said,
    Spelled,
    State,
    Wanted,
    currency_of,
    groups_of,
    instant_of,
    micros_of,
)
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.shapes import (
    After,
    AmountText,
    Code,
    CurrencyText,
    KeysAsked,
    Limit,
    LongText,
    Person,
    Text,
)

Signed = Annotated[str, Field(pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$", strict=True)]
StateAsked = Annotated[State | None, Query(description="Left out: suspected and confirmed ones.")]
Days = Annotated[int, Query(ge=1, le=365, description="Of so many days.")]
ItemClassSaid = Annotated[str, Field(pattern="^[ABC]?$")]


class LineSaid(BaseModel):
    """How much of an item lies in one bucket. `unit` is left out for the base unit.

    `unit_cost` is money per base unit in `currency` (ISO 4217; left out, the functional one);
    `class` is its ABC class.
    """

    model_config = ConfigDict(extra="forbid")

    item: Code
    location: Code
    quantity: Signed
    status: Text = ""
    owner: Text = ""
    lot: Text = ""
    serial: Text = ""
    unit: Text = ""
    as_of: AwareDatetime | None = None
    unit_cost: AmountText | None = None
    currency: CurrencyText = ""
    item_class: ItemClassSaid = Field(default="", alias="class")


class PostingSaid(BaseModel):
    """What a document changed there, signed, and when it was recorded there."""

    model_config = ConfigDict(extra="forbid")

    reference: Code
    item: Code
    location: Code
    quantity: Signed
    recorded_at: AwareDatetime
    type: Text = ""
    status: Text = ""
    owner: Text = ""
    lot: Text = ""
    serial: Text = ""


class StockSaid(BaseModel):
    """What a system says; without lines, what it last told by itself.

    `as_of` is when the extraction began, for lines that do not say; `statuses` are words for
    several statuses of the hub. `is_full`: what it leaves out of a location is zero there.
    """

    model_config = ConfigDict(extra="forbid")

    lines: list[LineSaid] = Field(default_factory=list[LineSaid], max_length=20_000)
    log: list[PostingSaid] | None = Field(default=None, max_length=20_000)
    as_of: AwareDatetime | None = None
    is_full: bool = Field(default=False, strict=True)
    statuses: dict[Code, list[Code]] = Field(default_factory=dict[str, list[str]])

    def read(self) -> Callable[[Spelled], Said] | None:
        """Give its reader; None is what it last told by itself."""
        if not self.lines and self.is_full:
            raise Invalid(
                "there are no lines",
                where="/lines",
                hint="leave is_full out, too, to compare with what it last told by itself",
            )
        return self._said if self.lines else None

    def _said(self, spelled: Spelled) -> Said:
        groups = groups_of(self.statuses)
        told = {name for line in self.lines for name in Parts._fields if getattr(line, name)}
        log = None if self.log is None else [_posting(one, spelled) for one in self.log]
        return Said(
            lines=self._lines(spelled, groups),
            parts=Parts(*(name in told for name in Parts._fields)),
            groups=groups,
            log=log,
            is_full=self.is_full,
        )

    def _lines(self, spelled: Spelled, groups: Mapping[str, str]) -> Iterator[Line]:
        for number, line in enumerate(self.lines):
            as_of = line.as_of or self.as_of
            if as_of is None:
                raise Invalid(
                    "the line does not say as of when",
                    where=f"/lines/{number}/as_of",
                    hint="or say for all lines when the extraction began: as_of",
                )
            yield Line(
                spelled(line.location),
                spelled(line.item),
                _status_of(line, groups, f"/lines/{number}/status"),
                line.owner.strip(),
                line.lot.strip(),
                line.serial.strip(),
                micros_of(line.quantity, f"/lines/{number}/quantity"),
                line.unit,
                instant_of(as_of.isoformat()),
                line.item_class,
                NO_COST if line.unit_cost is None else micros_of(line.unit_cost, "unit_cost"),
                currency_of(line.currency, f"/lines/{number}/currency"),
            )


class ComparisonSaid(StockSaid):
    """Whose stock it is, and what it says; without lines, what `against` last told by itself.

    `lag_minutes` is how long it may take to book what moves, 15 if left out. `believe` is the run
    that rejected these very lines, though they are right; `by` who gives or believes them, where
    the key is not named after a person.
    """

    against: Code
    lag_minutes: int | None = Field(default=None, strict=True)
    believe: Text = ""
    by: Person = ""

    def asked(self, by: str) -> Asked:
        return Asked(
            against=self.against,
            by=by,
            said=self.read(),
            lag_minutes=self.lag_minutes,
            believe=self.believe,
        )


class SystemSaid(StockSaid):
    """One of two systems, by its name, and what it says."""

    system: Code


class BetweenSaid(BaseModel):
    """Two systems that are compared with each other: `ours` is the first one's number.

    `ask`: who gives no dump is asked now what lies of these items.
    """

    model_config = ConfigDict(extra="forbid")

    first: SystemSaid
    second: SystemSaid
    ask: KeysAsked | None = None
    lag_minutes: int | None = Field(default=None, strict=True)

    async def asked(self, hub: Hub, scope: Scope, by: str) -> Asked:
        asked = Asked(
            system=self.first.system,
            first=self.first.read(),
            against=self.second.system,
            said=self.second.read(),
            by=by,
            lag_minutes=self.lag_minutes,
        )
        if self.ask is None:
            return asked
        return await hub.stock_sampler.filled_in(scope, asked, self.ask.location, self.ask.items)


class ClosingSaid(BaseModel):
    model_config = ConfigDict(extra="forbid")

    root_cause: Cause
    note: LongText = ""


class DoubtPolicySaid(BaseModel):
    """`four_eyes`: a rejected dump is believed by another than who gave it.

    `as_booked`: item classes of which channels are shown what is booked also while it is in doubt.
    """

    model_config = ConfigDict(extra="forbid")

    four_eyes: bool = Field(default=False, strict=True)
    as_booked: list[ItemClass] = Field(default_factory=list[ItemClass], max_length=3)


class HealingSaid(BaseModel):
    """`dry_run`: say what would be sent, and send nothing.

    `kind` is stock, or orders or purchases: of these, what the hub lacks is read again.
    """

    model_config = ConfigDict(extra="forbid")

    against: Code
    dry_run: bool = Field(default=False, strict=True)
    kind: Kind = Kind.STOCK


class Runs(BaseModel):
    """The newest first."""

    runs: list[Run]


class Findings(BaseModel):
    """The most urgent first."""

    findings: list[Finding]


class CycleCounts(BaseModel):
    """The most urgent first. Counts are blind: no quantity is named."""

    cycle_counts: list[CountProposal]


def run_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.post("", **needs("cases:write"))
    async def compare_stock(said: ComparisonSaid, caller: Caller) -> Run:
        """Compare the ledger with another system; nothing is adjusted anywhere."""
        by = who(caller, said.by)
        return await hub.reconciliation.compare(caller.scope, said.asked(by))

    @routes.post("/between", **needs("cases:write"))
    async def compare_two_systems(said: BetweenSaid, caller: Caller) -> Run:
        """Compare two other systems with each other at one instant; nothing is adjusted."""
        asked = await said.asked(hub, caller.scope, who(caller))
        return await hub.reconciliation.compare(caller.scope, asked)

    @routes.get("", **needs("cases:read"))
    async def list_comparisons(
        caller: Caller, *, against: Text = "", after: After = "", limit: Limit = 100
    ) -> Runs:
        found = await hub.reconciliation.runs(
            caller.scope, against=against, after=after, limit=limit
        )
        return Runs(runs=found)

    @routes.get("/policy", **needs("cases:read"))
    async def show_reconciliation_policy(caller: Caller) -> HousePolicy:
        """Show what is decided of rejected dumps and of what channels see in doubt."""
        return await hub.reconciliation.policy(caller.scope)

    @routes.put("/policy", **needs("cases:write"))
    async def decide_reconciliation_policy(said: DoubtPolicySaid, caller: Caller) -> HousePolicy:
        """Decide it; channels hear at once of what they are shown otherwise."""
        wanted = HousePolicy(four_eyes=said.four_eyes, as_booked=tuple(said.as_booked))
        return await hub.reconciliation.set_policy(caller.scope, wanted, by=who(caller))

    @routes.get("/backlog", **needs("cases:read"))
    async def show_backlog(caller: Caller, days: Days = 30) -> Backlog:
        """Show what is open by age and money, and what the last days' differences came from."""
        return await hub.reconciliation.backlog(caller.scope, days=days)

    @routes.get("/cycle-counts", **needs("cases:read"))
    async def propose_counts(
        caller: Caller, location: Text = "", limit: Limit = 100
    ) -> CycleCounts:
        """Propose what to count: confirmed differences, negative stock, trends."""
        found = await hub.reconciliation.cycle_counts(caller.scope, location=location, limit=limit)
        return CycleCounts(cycle_counts=found)

    return routes


def finding_routes(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.get("/findings", **needs("cases:read"))
    async def list_differences(  # noqa: PLR0913 - what one may ask for
        caller: Caller,
        *,
        state: StateAsked = None,
        against: Text = "",
        location: Text = "",
        cause: Cause | None = None,
        kind: Kind | None = None,
        document: Text = "",
        limit: Limit = 100,
    ) -> Findings:
        """List differences by money at risk, what can be sold, and age."""
        wanted = Wanted(
            states=[state] if state else [State.SUSPECTED, State.CONFIRMED],
            against=against,
            location=location,
            cause=cause or "",
            kind=kind or "",
            document=document,
        )
        found = await hub.reconciliation.findings(caller.scope, wanted, limit=limit)
        return Findings(findings=found)

    @routes.get("/findings/{finding_id}", **needs("cases:read"))
    async def show_difference(finding_id: Text, caller: Caller) -> Finding:
        """Show both numbers at the cut, the documents, the cause and the remedy."""
        return await hub.reconciliation.finding(caller.scope, finding_id)

    @routes.post("/findings/{finding_id}/close", **needs("cases:write"))
    async def close_difference(finding_id: Text, said: ClosingSaid, caller: Caller) -> Finding:
        """Close a difference with its root cause; its case closes too."""
        return await hub.reconciliation.close(
            caller.scope, finding_id, said.root_cause, said.note, by=who(caller)
        )

    @routes.post("/heal", **needs("dlq:write"))
    async def send_missing_documents(said: HealingSaid, caller: Caller) -> Healing:
        """Send the documents again that another system is proven to lack; adjust nothing."""
        return await hub.reconciliation.heal(
            caller.scope,
            said.against,
            by=who(caller),
            dry_run=said.dry_run,
            kind=said.kind,
        )

    @routes.get("/{run_id}", **needs("cases:read"))
    async def show_comparison(run_id: Text, caller: Caller) -> Run:
        return await hub.reconciliation.run(caller.scope, run_id)

    return routes


def _posting(one: PostingSaid, spelled: Spelled) -> LogLine:
    return LogLine(
        spelled(one.location),
        spelled(one.item),
        one.reference.strip(),
        micros_of(one.quantity, "quantity"),
        instant_of(one.recorded_at.isoformat()),
        one.type.strip().upper(),
        one.status.strip().upper(),
        one.owner.strip(),
        one.lot.strip(),
        one.serial.strip(),
    )


def _status_of(line: LineSaid, groups: Mapping[str, str], where: str) -> str:
    """Read a status of the hub, or a word that `statuses` explains; "" is none."""
    status = line.status.strip().upper()
    if status and status not in StockStatus.__members__ and status not in groups.values():
        raise Invalid(
            f"{status[:40]!r} is no status",
            where=where,
            hint="say in `statuses` what it holds, with statuses of the hub",
        )
    return status
