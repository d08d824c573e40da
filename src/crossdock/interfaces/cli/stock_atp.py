"""`crossdock stock atp`: what can be promised by when, and the rules it goes by."""

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import Found, KnownGoods, Named
from crossdock.capabilities.supply import (
    AtpMode,
    AtpRule,
    Basis,
    LifeTerms,
    PlacedRule,
    Question,
)
from crossdock.interfaces.api.atp_chart import drawn
from crossdock.interfaces.api.atp_shapes import (
    AtpShown,
    DerivationShown,
    LotShown,
    PartOfShown,
    SupplyShown,
    atp_shown,
)
from crossdock.interfaces.api.rules_said import place_said
from crossdock.interfaces.api.stock_shapes import AmountShown, doubts_shown
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_object, write_text
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.stock_doubts import print_doubts

ACTOR = "command-line"
KEY = "ITEM@LOCATION"
RuleItem = Annotated[str, typer.Argument(metavar="ITEM", help='The hub\'s item id, or "*".')]
RuleAt = Annotated[
    str, typer.Argument(metavar="LOCATION", help='Location or group of locations, or "*".')
]
RuleClass = Annotated[
    str, typer.Option("--class", help='Of the items of a class alone; the item is "*" then.')
]


def atp(
    keys: Annotated[list[str], typer.Argument(metavar=f"{KEY}...", help="What, and where.")],
    quantity: Annotated[
        str | None, typer.Option(help="How much is wanted of each, in its base unit.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="DATE", help="How much there is by this day: 2026-06-30.")
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(help="An order line that is asked about once more; repeatable."),
    ] = None,
    life_days: Annotated[
        int | None,
        typer.Option(min=0, max=3650, help="Days of life that have to be left at delivery."),
    ] = None,
    transit_days: Annotated[
        int | None, typer.Option(min=0, max=365, help="Days between leaving and delivery.")
    ] = None,
    customer: Annotated[str, typer.Option(help="Whose rules of life and alternatives hold.")] = "",
    channel: Annotated[str, typer.Option(help="Whose rules of life and alternatives hold.")] = "",
    dropship: Annotated[
        bool, typer.Option("--dropship", help="What its supplier could send himself: advice.")
    ] = False,
    chart: Annotated[
        Path | None, typer.Option(help="Draw the answer of one item into this SVG file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what can be promised by when, with the derivation; exit code 1 if one has no date."""
    named = [_named(key, quantity) for key in keys]
    if chart is not None and len(named) != 1:
        raise Invalid("a chart is of one item at one location", where=KEY, hint="name one")
    day = None if by is None else _day(by)

    async def asked(hub: Hub) -> int:
        found = await KnownGoods(hub.catalog).find(hub.scope, named, where="")
        asks = Question("", "", "", None, day, frozenset(own or []), life_days, transit_days)
        asks = asks._replace(customer=customer, channel=channel, is_dropship=dropship)
        questions = [_question(one, quantity, asks) for one in found]
        answers = await hub.promise_dates(questions)
        doubts = await hub.doubts.of(hub.scope, [(one.item, one.location) for one in found])
        shown = [
            atp_shown(one, doubts_shown(doubts.get(key, ())), with_derivation=True)
            for one in answers
            for key in [(one.item, one.location)]
        ]
        if chart is not None:
            write_text(chart, drawn(answers[0]))
        if as_json:
            print_json({"answers": shown})
        else:
            for answer in shown:
                _show(answer)
            if chart is not None:
                stdout.print(f"drawn: {chart}")
        is_short = any(one.quantity and one.basis is Basis.NONE for one in shown)
        return EXIT_FINDINGS if is_short else 0

    raise typer.Exit(with_hub(asked))


def atp_rules(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rules listed, at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the rules of answers by date: an item before its class, a location before all."""

    async def listed(hub: Hub) -> None:
        rules = await hub.supply.rules(hub.scope, limit=limit)
        if as_json:
            print_json(rules)
            return
        table(
            ("item", "class", "location", "says"),
            [(one.item, one.item_class, one.location, rule_said(one.rule)) for one in rules],
            empty="no rules yet: the defaults hold (docs/how-to/promise-by-date.md)",
        )

    with_hub(listed)


def atp_rule(
    item: RuleItem,
    location: RuleAt,
    item_class: RuleClass = "",
    mode: Annotated[AtpMode | None, typer.Option(help="How far an answer looks ahead.")] = None,
    lead_time: Annotated[
        int | None, typer.Option(help="Days in which a replenishable item can be had anew.")
    ] = None,
    replenishable: Annotated[
        bool | None,
        typer.Option("--replenishable/--not-replenishable", help="Whether it is ordered anew."),
    ] = None,
    fence: Annotated[
        int | None, typer.Option(help="Days from which on supply counts as infinite; 0 is none.")
    ] = None,
    weekdays: Annotated[
        str | None, typer.Option(help="Working days: 12345 is Monday to Friday.")
    ] = None,
    cutoff: Annotated[
        str | None, typer.Option(help="Local time at which today is over: 15:30.")
    ] = None,
    pack: Annotated[str | None, typer.Option(help="Sold in multiples of so much.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="JSON file with more: fields of a rule, classes too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say a rule; it replaces what was said for the same."""
    options: dict[str, Any] = {
        "mode": mode,
        "lead_time_days": lead_time,
        "is_replenishable": replenishable,
        "fence_days": fence,
        "weekdays": weekdays,
        "cutoff": cutoff,
        "pack": pack,
    }
    said = {name: value for name, value in options.items() if value is not None}
    placed = PlacedRule(
        item=item,
        item_class=item_class,
        location=location,
        rule=_rule((read_object(file) if file else {}) | said),
    )

    async def asked(hub: Hub) -> None:
        known = await place_said(hub.catalog, hub.scope, placed)
        await hub.supply.put_rule(hub.scope, known, by=ACTOR)
        if as_json:
            print_json(known)
        else:
            whose = f"class {known.item_class}" if known.item_class else known.item
            stdout.print(f"{whose} at {known.location}: {rule_said(known.rule)}")

    with_hub(asked)


def drop_atp_rule(
    item: RuleItem, location: RuleAt, item_class: RuleClass = "", as_json: AsJson = False
) -> None:
    """Take a rule back: the next wider one holds again."""

    async def asked(hub: Hub) -> None:
        placed = PlacedRule(item=item, item_class=item_class, location=location)
        known = await place_said(hub.catalog, hub.scope, placed)
        key, of_class = (known.item, known.location), known.item_class
        await hub.supply.drop_rule(hub.scope, *key, item_class=of_class, by=ACTOR)
        answer = {"item": known.item, "item_class": of_class, "location": known.location}
        print_json(answer) if as_json else stdout.print("taken back")

    with_hub(asked)


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `crossdock stock`."""
    app.command()(atp)
    app.command(name="atp-rules")(atp_rules)
    app.command(name="atp-rule")(atp_rule)
    app.command(name="drop-atp-rule")(drop_atp_rule)


def _named(key: str, quantity: str | None) -> Named:
    item, _, location = key.rpartition("@")
    if not item or not location:
        raise Invalid(f"{key!r} is not {KEY}", where=KEY, hint="BOLT@DC1")
    wanted = None if quantity is None else Quantity.of(quantity, "")
    if wanted is not None and wanted.micros <= 0:
        raise Invalid("more than zero is wanted", where="--quantity")
    return Named(item, location, wanted)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no day", where="--by", hint="2026-06-30") from None


def _question(found: Found, quantity: str | None, asks: Question) -> Question:
    micros = None if quantity is None else found.micros
    return asks._replace(
        item=found.item, location=found.location, unit=found.base_unit, micros=micros
    )


def _rule(said: dict[str, Any]) -> AtpRule:
    known = [field.name for field in fields(AtpRule)]
    for name in said:
        if name not in known:
            raise Invalid(
                f"a rule says nothing of {name!r}",
                where=f"/{name}",
                hint=f"one of {', '.join(known)}",
            )
    try:
        return msgspec.convert(said, AtpRule)
    except msgspec.ValidationError as error:
        raise Invalid(f"this is no rule: {error}", where="rule") from None


def rule_said(rule: AtpRule) -> str:
    parts: list[str] = []
    for field in fields(rule):
        value = getattr(rule, field.name)
        if field.name == "classes":
            parts += [f"{one.confidence} {one.percent} % +{one.buffer_days}" for one in value]
        elif field.name == "lives":
            parts += [_life(one) for one in value]
        elif field.name == "owners":
            whose = (f"{one.owner} {'first' if one.is_first else 'last'}" for one in value or ())
            parts += [f"goods of {one}" for one in whose]
        elif value is not None:
            parts.append(f"{field.name} {value}")
    return ", ".join(parts) or "nothing"


def _life(one: LifeTerms) -> str:
    who = " in ".join(name for name in (one.customer, one.channel) if name) or "all"
    return f"life for {who} {one.days} after {one.transit_days}"


def _show(answer: AtpShown) -> None:
    unknown = "" if answer.is_known else "  [yellow]what lies there is unknown[/]"
    if answer.is_stale:
        unknown += f"  [yellow]stale: {_silent(answer)}[/]"
    unknown += "  [yellow]advice: a supplier's own stock[/]" if answer.is_advice else ""
    place = f"{answer.item} at {answer.location}"
    now = "unlimited" if answer.is_unlimited else f"[bold]{_amount(answer.now)}[/] now"
    stdout.print(f"{place}: {now}{unknown}")
    print_doubts(answer.doubts)
    if answer.quantity:
        on = answer.promised_on or "no date"
        stdout.print(f"  {_amount(answer.quantity)}: [bold]{on}[/], {answer.reason}")
        for part in answer.schedule:
            stdout.print(f"    {part.on}  {_amount(part.quantity)}")
        if answer.left_over.value != "0":
            stdout.print(f"    never       {_amount(answer.left_over)}")
        if answer.remainder.value != "0":
            stdout.print(f"    less than a pack: {_amount(answer.remainder)}")
    if answer.by_then:
        stdout.print(f"  by {answer.by}: {_amount(answer.by_then)}")
    _show_goods(answer)
    if answer.derivation:
        show_derivation(answer.derivation)


def _silent(answer: AtpShown) -> str:
    """Name the sources that have been silent for too long, and when they last spoke."""
    silent = [one for one in answer.sources if one.is_stale]
    return ", ".join(
        f"{escape(one.source)} last spoke {one.heard_at or 'never'}" for one in silent
    )


def _show_goods(answer: AtpShown) -> None:
    """Tell which lots to take, what may stand in, and what it will weigh."""
    for pick in answer.picks:
        lot = "what is to come" if pick.lot is None else f"lot {pick.lot or '(none)'}"
        whose = f" of {pick.owner}" if pick.owner else ""
        line = f"    pick on {pick.on}: {_amount(pick.quantity)} of {lot}{whose}"
        stdout.print(line, soft_wrap=True, markup=False)
    for one in answer.alternatives:
        line = f"  {one.item} covers {_amount(one.covers)}: {_amount(one.on_time)} on time"
        rule = f"rule of {one.ruled}, version {one.version}"
        rule += ", to be approved" if one.requires_approval else ""
        stdout.print(f"{line}; {one.reason} ({rule})", soft_wrap=True, markup=False)
    for share in answer.proposal:
        line = f"    propose {_amount(share.quantity)} of {share.item}: {share.on or 'no date'}"
        if share.quantity.value == "0":
            line = f"    leave {_amount(share.covers)} of {share.item}: less than a pack"
        stdout.print(line, soft_wrap=True, markup=False)
    if answer.weight:
        weighed = answer.weight.quantity or answer.weight.now
        stdout.print(
            f"  {_amount(weighed.pieces)} weigh about {_amount(weighed.estimated)}"
            f" ({weighed.at_least.value} to {weighed.at_most.value}), an estimate"
        )


def show_derivation(derivation: DerivationShown) -> None:
    """Print what an answer was made from: figures, balances, supply, lots and parts."""
    shown = ("nettable", "expired", "hard", "soft", "safety")
    figures = [f"{name} {getattr(derivation, name).value}" for name in shown]
    stdout.print(f"  [dim]{', '.join(figures)}[/]", soft_wrap=True)
    table(
        ("  day", "supply", "demand", "balance", "promisable"),
        [
            (
                f"  {one.day}",
                *(each.value for each in (one.supply, one.demand, one.balance, one.promisable)),
            )
            for one in derivation.buckets
        ],
        empty="",
    )
    for one in derivation.supplies:
        _show_supply(one)
    for lot in derivation.lots:
        _show_lot(lot)
    for part in derivation.parts:
        of = f"{_amount(part.per)} of" if part.per else "member"
        now = _amount(part.buckets[0].promisable)
        line = f"  {of} {part.item} at {part.location}: {now} now{_levels(part)}"
        stdout.print(line, soft_wrap=True, markup=False)
        for one in part.supplies:
            _show_supply(one)
        for lot in part.lots:
            _show_lot(lot)


def _levels(part: PartOfShown) -> str:
    """Say which kits take an item that goes deeper, and how much of it a promise takes."""
    said = ""
    if part.level > 1 or part.needed:
        takes = ", ".join(f"{one.per.value} into {one.kit}" for one in part.into)
        said = f", level {part.level}: {takes}"
    if part.needed and part.made:
        said += f"; {part.needed.value} needed, {part.made.value} of them put together"
    return said


def _show_lot(one: LotShown) -> None:
    whose = f" of {one.owner}" if one.owner else ""
    counts = "counts" if one.is_eligible else "does not count"
    line = f"  lot {one.lot or '(none)'}{whose} {_amount(one.quantity)}: {counts}; {one.reason}"
    stdout.print(line, soft_wrap=True, markup=False)


def _show_supply(one: SupplyShown) -> None:
    counts = f"{_amount(one.counts)} on {one.on}" if one.on else "does not count"
    line = f"  {one.confidence} {one.supply_id} {_amount(one.open)}: {counts}"
    stdout.print(f"{line}; {one.reason}", soft_wrap=True, markup=False)


def _amount(shown: AmountShown) -> str:
    return f"{shown.value} {shown.unit}"
