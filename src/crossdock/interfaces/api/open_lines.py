"""`/v1/reconciliations/open-lines`: lines of documents compared with a system's own."""

from collections.abc import Callable, Iterator
from typing import Annotated, Protocol

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import (
    NO_COST,
    Kind,
    OpenAsked,
    OpenRow,
    OpenSaid,
    Run,
    Spelled,
    currency_of,
    instant_of,
    micros_of,
    numbered,
    price_of,
    said_micros,
)
from crossdock.interfaces.api.caller import Caller, needs, who
from crossdock.interfaces.api.hub import Hub
from crossdock.interfaces.api.reconciliations import Signed
from crossdock.interfaces.api.shapes import AmountText, Code, CurrencyText, Person, Text

ItemClassSaid = Annotated[str, Field(pattern="^[ABC]?$")]


class OpenLineSaid(BaseModel):
    """What is still open of a line of a document, zero is closed; or what followed of it in all.

    Without `line` the document's name holds it, as in po:4711/1. `unit` is left out for the base
    unit; `changed_at` is when the line was changed last; `unit_cost` is money per base
    unit in `currency` (ISO 4217; left out, the functional one). Rows of a line are added up; a
    credit is invoiced below zero. `proof` is of a delivery: "" counts as not delivered. Of
    invoiced prices two are said: `unit_price`, `agreed_price` (money of one `unit`), `amount`.
    """

    model_config = ConfigDict(extra="forbid")

    document: Code
    line: Text = ""
    item: Code
    location: Code
    quantity: Signed
    unit: Text = ""
    as_of: AwareDatetime | None = None
    changed_at: AwareDatetime | None = None
    unit_cost: AmountText | None = None
    proof: Text | None = None
    currency: CurrencyText = ""
    unit_price: AmountText | None = None
    agreed_price: AmountText | None = None
    amount: Signed | None = None
    item_class: ItemClassSaid = Field(default="", alias="class")


class OpenSideSaid(BaseModel):
    """One of two systems and what it says is open; without lines the connection is asked now.

    `as_of` is when the extraction began, for lines that do not say. `is_full`: a line that it
    leaves out, at a location that it names, is closed there.
    """

    model_config = ConfigDict(extra="forbid")

    system: Code
    lines: list[OpenLineSaid] = Field(default_factory=list[OpenLineSaid], max_length=20_000)
    as_of: AwareDatetime | None = None
    is_full: bool = Field(default=False, strict=True)


class OpenBetweenSaid(BaseModel):
    """Two systems whose open lines are compared: `ours` of a finding is the first one's.

    `kind` is orders or purchases.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    first: OpenSideSaid
    second: OpenSideSaid
    lag_minutes: int | None = Field(default=None, strict=True)
    by: Person = ""

    def asked(self, by: str) -> OpenAsked:
        first, second = self.first, self.second
        return OpenAsked(
            kind=self.kind,
            first=first.system,
            first_said=_reader(self.kind, first, "/first"),
            against=second.system,
            said=_reader(self.kind, second, "/second"),
            by=by,
            lag_minutes=self.lag_minutes,
        )


class OpenLinesSaid(BaseModel):
    """What a system says; without lines the connection `against` is asked for what is open.

    `kind` is orders or purchases, of which is said what is open; or what followed upon goods in
    all: invoices, deliveries or supplier_invoices.
    `as_of` is when the extraction began, for lines that do not say. `is_full`: a line that it
    leaves out, at a location that it names, is closed there. `heard_from` is whose words of ours
    are compared, left out for anybody's. `lag_minutes` is how long it may take to book what
    changes, 15 if left out; or to follow upon goods: a day, five days or a week. `believe` is the
    run that rejected these very lines, `by` who gives or believes them, where the key is not named
    after a person.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    against: Code
    lines: list[OpenLineSaid] = Field(default_factory=list[OpenLineSaid], max_length=20_000)
    as_of: AwareDatetime | None = None
    is_full: bool = Field(default=False, strict=True)
    heard_from: Text = ""
    lag_minutes: int | None = Field(default=None, strict=True)
    believe: Text = ""
    by: Person = ""

    def asked(self, by: str) -> OpenAsked:
        return OpenAsked(
            kind=self.kind,
            against=self.against,
            by=by,
            said=_reader(self.kind, self),
            heard_from=self.heard_from,
            lag_minutes=self.lag_minutes,
            believe=self.believe,
        )


class Dumped(Protocol):
    """Lines that a system says, as of when, and whether they are all."""

    lines: list[OpenLineSaid]
    as_of: AwareDatetime | None
    is_full: bool


def _reader(kind: Kind, said: Dumped, where: str = "") -> Callable[[Spelled], OpenSaid] | None:
    """Read the lines when it is known how names are spelled; None has the connection read."""
    if not said.lines and said.is_full:
        raise Invalid(
            "there are no lines",
            where=f"{where}/lines",
            hint="leave is_full out, too, to have the connection read",
        )

    def read(spelled: Spelled) -> OpenSaid:
        return OpenSaid(rows=_rows(kind, said, spelled, where), is_full=said.is_full)

    return read if said.lines else None


def _rows(kind: Kind, said: Dumped, spelled: Spelled, within: str) -> Iterator[OpenRow]:
    for number, line in enumerate(said.lines):
        where = f"{within}/lines/{number}"
        as_of = line.as_of or said.as_of
        if as_of is None:
            raise Invalid(
                "the line does not say as of when",
                where=f"{where}/as_of",
                hint="or say for all lines when the extraction began: as_of",
            )
        yield OpenRow(
            *numbered(line.document.strip(), line.line.strip()),
            spelled(line.location),
            spelled(line.item),
            said_micros(kind, line.quantity, line.proof, f"{where}/quantity"),
            line.unit,
            instant_of(as_of.isoformat()),
            0 if line.changed_at is None else instant_of(line.changed_at.isoformat()),
            line.item_class,
            NO_COST if line.unit_cost is None else micros_of(line.unit_cost, "unit_cost"),
            currency_of(line.currency, f"{where}/currency"),
            _price(line.unit_price, "unit_price"),
            _price(line.agreed_price, "agreed_price"),
            None if line.amount is None else micros_of(line.amount, "amount"),
        )


def _price(text: str | None, where: str) -> int:
    return NO_COST if text is None else price_of(text, where)


def router(hub: Hub) -> APIRouter:
    routes = APIRouter(prefix="/v1/reconciliations", tags=["reconciliation"])

    @routes.post("/open-lines", **needs("cases:write"))
    async def compare_open_lines(said: OpenLinesSaid, caller: Caller) -> Run:
        """Compare what is open, invoiced or delivered with a system's own; none is changed."""
        return await hub.open_lines.compare(caller.scope, said.asked(who(caller, said.by)))

    @routes.post("/open-lines/between", **needs("cases:write"))
    async def compare_open_lines_of_two(said: OpenBetweenSaid, caller: Caller) -> Run:
        """Compare what two other systems say is open with each other; none is changed."""
        return await hub.open_lines.compare(caller.scope, said.asked(who(caller, said.by)))

    return routes
