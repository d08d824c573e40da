"""`crossdock reconcile rules` and `put-rules`: what is tolerated, and what heals by itself."""

from decimal import Decimal
from typing import Annotated, Any

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import (
    ReconciliationRulesShown,
    Rules,
    Version,
    rules_shown,
)
from crossdock.interfaces.api.reconciliation_rules import ReconciliationRulesSaid
from crossdock.interfaces.api.sourcing_shapes import said_as
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

BY = "command line"
NONE = "NONE"
PricePercent = Annotated[
    list[str] | None,
    typer.Option(metavar="CLASS=PERCENT", help="Of what was agreed of an invoiced line, A=2."),
]
PriceValue = Annotated[
    str | None, typer.Option(help="More money on an invoiced line is never let pass.")
]
CountWhen = Annotated[
    list[str] | None,
    typer.Option(help="RECALL, SHORT_PICK, ZERO_BALANCE; repeatable. NONE: ask by yourself."),
]


def rules(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List every version of what is tolerated and heals by itself; the first one holds."""

    async def listed(hub: Hub) -> None:
        found = [
            rules_shown(one) for one in await hub.reconciliation.rules(hub.scope, limit=limit)
        ]
        if as_json:
            print_json({"rules": found})
            return
        table(
            ("version", "put by", "tolerance", "value", "heals", "attempts", "at most"),
            [
                (
                    one.version,
                    one.put_by or "built in",
                    _tolerance(one),
                    _money(one.tolerance_value, one),
                    " ".join(one.heals) or "nothing",
                    one.attempts,
                    _most(one),
                )
                for one in found
            ],
            empty="",
        )

    with_hub(listed)


def put_rules(
    percent: Annotated[
        list[str] | None,
        typer.Option(metavar="CLASS=PERCENT", help="Of the booked quantity, A=0.5; repeatable."),
    ] = None,
    absolute: Annotated[str | None, typer.Option(help="So many base units are let pass.")] = None,
    value: Annotated[str | None, typer.Option(help="More money is never let pass.")] = None,
    documents_percent: Annotated[
        str | None, typer.Option(help="Of what is open of an order or purchase order line.")
    ] = None,
    price_percent: PricePercent = None,
    price_value: PriceValue = None,
    heal: Annotated[
        list[str] | None,
        typer.Option(help="REDRIVE, REFETCH, REPUBLISH; repeatable. NONE: all is for a person."),
    ] = None,
    attempts: Annotated[int | None, typer.Option(help="So often a document is tried.")] = None,
    most_percent: Annotated[
        str | None, typer.Option(help="Of the compared keys, mended by one run at most.")
    ] = None,
    most_value: Annotated[str | None, typer.Option(help="Money, mended by one run.")] = None,
    most_unpriced: Annotated[
        int | None, typer.Option(help="Keys without a price, mended by one run.")
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="What money is in that names no currency, as EUR.")
    ] = None,
    counts_a_day: Annotated[
        int | None, typer.Option(help="Second counts at a location, and as many others.")
    ] = None,
    count_when: CountWhen = None,
    as_json: AsJson = False,
) -> None:
    """Put the next version of the rules; what is not said stays. No version is ever changed."""
    said = {
        "tolerance_absolute": absolute,
        "tolerance_value": value,
        "tolerance_documents_percent": documents_percent,
        "tolerance_price_value": price_value,
        "heals": _named(heal),
        "attempts": attempts,
        "most_percent": most_percent,
        "most_value": most_value,
        "most_unpriced": most_unpriced,
        "counts_a_day": counts_a_day,
        "count_when": _named(count_when),
        "currency": None if currency is None else currency.upper(),
    }
    given: dict[str, Any] = {name: one for name, one in said.items() if one is not None}
    given["tolerance_percent"] = dict(_share(one, "--percent") for one in percent or ())
    shares = dict(_share(one, "--price-percent") for one in price_percent or ())
    given["tolerance_price_percent"] = shares

    async def put(hub: Hub) -> ReconciliationRulesShown:
        [now] = await hub.reconciliation.rules(hub.scope, limit=1)
        new = said_as(ReconciliationRulesSaid, given).rules(now.rules)
        return rules_shown(await hub.reconciliation.put_rules(hub.scope, new, by=BY))

    done = with_hub(put)
    print_json(done) if as_json else _print_put(done)


def _print_put(done: ReconciliationRulesShown) -> None:
    stdout.print(f"version {done.version}: tolerates {_tolerance(done)}", markup=False)
    stdout.print(f"heals by itself: {' '.join(done.heals) or 'nothing'}", markup=False)
    counted = " ".join(done.count_when) or "nothing"
    stdout.print(f"has counted: {counted}, {done.counts_a_day} a day at most", markup=False)


def _named(said: list[str] | None) -> list[str] | None:
    return None if said is None else [one.upper() for one in said if one.upper() != NONE]


def _share(text: str, option: str) -> tuple[str, str]:
    of, is_said, share = text.partition("=")
    if not is_said:
        raise Invalid(f"{text[:40]!r} names no percent", where=option, hint="as in A=0.5")
    return of.strip().upper(), share.strip()


def _most(one: ReconciliationRulesShown) -> str:
    keys, money = f"{plain(one.most_percent)} % of keys", _money(one.most_value, one)
    return f"{keys}, {money}, {one.most_unpriced} without a price"


def _money(amount: Decimal, one: ReconciliationRulesShown) -> str:
    return f"{plain(amount)} {one.currency}".strip()


def _tolerance(one: ReconciliationRulesShown) -> str:
    shares = ", ".join(f"{of} {plain(share)} %" for of, share in one.tolerance_percent.items())
    documents = plain(one.tolerance_documents_percent)
    lines = f"; of open lines {documents} %" if documents != "0" else ""
    return f"{shares} or {plain(one.tolerance_absolute)}{lines}{_prices(one)}"


def _prices(one: ReconciliationRulesShown) -> str:
    """Word by how much invoices may be priced otherwise, where that is not as built in."""
    built_in = rules_shown(Version(version=0, put_at=None, put_by="", rules=Rules()))
    if (one.tolerance_price_percent, one.tolerance_price_value) == (
        built_in.tolerance_price_percent,
        built_in.tolerance_price_value,
    ):
        return ""
    shares = ", ".join(f"{of} {plain(part)} %" for of, part in one.tolerance_price_percent.items())
    return f"; of prices {shares} and {_money(one.tolerance_price_value, one)}"
