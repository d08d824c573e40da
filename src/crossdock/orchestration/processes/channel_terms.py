"""What is agreed with a sales channel, as values: its stock, its share, how soon it hears."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from types import MappingProxyType

from crossdock.canonical.errors import Invalid
from crossdock.canonical.money import minor_unit
from crossdock.canonical.quantities import AMOUNT_MAX, MICROS
from crossdock.capabilities.inventory.protection import Period
from crossdock.capabilities.inventory.publishing import ShareMode, WhenStale


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTerms:
    """What is different for one item; None means as the channel says.

    `low_threshold` and `levels` say when it is told at once; `()` is no levels at all.
    `numerator / denominator` base units make one unit that the channel sells (a case: 12/1).
    `pack` is the least that it sells of that unit. `unit_margin` is in the channel's currency.
    """

    item: str
    is_excluded: bool = False
    buffer: Decimal | None = None
    cap: Decimal | None = None
    low_threshold: Decimal | None = None
    levels: tuple[Decimal, ...] | None = None
    share_fixed: Decimal | None = None
    share_min: Decimal | None = None
    share_max: Decimal | None = None
    oversell_percent: Decimal | None = None
    unit_margin: Decimal | None = None
    pack: Decimal | None = None
    numerator: int = 1
    denominator: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One location of a channel connection. Amounts are in the unit that the channel sells.

    `source_locations` are what availability is asked of (nodes or groups); `wakes_on` are the
    locations whose changes concern it besides: the same, and what else is said. Those of groups
    and their members do by themselves. With an
    `oversell_percent` the buffer is computed so that orders which come in while a change is on its
    way exceed it so seldom, and `buffer` is its least (§3.7). `share_min` is kept for a PROTECTED
    channel, `share_max` limits it, each per `period` of the first source location's calendar
    (§3.6). `unit_margin` is what one unit sold earns, in `currency`. `channel` is whose maxima and
    minima of allocation hold for it, as its orders name it; "" is as the connection is called.
    While a source of its stock is silent for too long the channel is in safe mode, as `when_stale`
    says: it is never shown more than it shows; `stale_buffer` is held back besides (None: the
    buffer once more).
    """

    connection: str
    location: str
    source_locations: tuple[str, ...]
    wakes_on: tuple[str, ...] = ()
    share_mode: ShareMode = ShareMode.POOL
    share_percent: Decimal = Decimal(100)
    share_fixed: Decimal = Decimal(0)
    share_min: Decimal = Decimal(0)
    share_max: Decimal | None = None
    period: Period = Period.DAY
    buffer: Decimal = Decimal(0)
    oversell_percent: Decimal | None = None
    unit_margin: Decimal | None = None
    currency: str = ""
    cap: Decimal | None = None
    low_threshold: Decimal = Decimal(0)
    levels: tuple[Decimal, ...] = ()
    coalesce_seconds: int = 60
    jump_percent: int = 10
    unexplained_seconds: int = 30
    corrections_max: int = 8
    retry_seconds: int = 60
    when_stale: WhenStale = WhenStale.LOWER
    stale_buffer: Decimal | None = None
    is_active: bool = True
    channel: str = ""
    items: tuple[ItemTerms, ...] = field(default=())


BOUNDS: Mapping[str, tuple[Decimal | int, Decimal | int]] = MappingProxyType(
    {
        "share_percent": (0, 100),
        "oversell_percent": (Decimal("0.0001"), 50),
        "coalesce_seconds": (0, 3600),
        "jump_percent": (1, 100),
        "unexplained_seconds": (0, 86_400),
        "corrections_max": (1, 100),
        "retry_seconds": (1, 86_400),
        "pack": (Decimal(1) / MICROS, AMOUNT_MAX),
        "numerator": (1, AMOUNT_MAX),
        "denominator": (1, AMOUNT_MAX),
    }
)
"""The least and the most of each number in the terms; of any other, zero and `AMOUNT_MAX`."""


def check_terms(channel: Channel) -> None:
    """Refuse terms that nobody could keep, naming the place."""
    if not channel.source_locations:
        raise Invalid("no location to sell from", where="/source_locations")
    _check_numbers(channel, "")
    _check_margins(channel)
    _check_levels(channel.levels, "")
    named: set[str] = set()
    for number, terms in enumerate(channel.items):
        _check_numbers(terms, f"/items/{number}")
        _check_levels(terms.levels or (), f"/items/{number}")
        if terms.item in named:
            raise Invalid(f"{terms.item} is there twice", where=f"/items/{number}/item")
        named.add(terms.item)


def _check_margins(channel: Channel) -> None:
    """Refuse money without a currency, and a currency that there is not."""
    margins = [channel.unit_margin, *(terms.unit_margin for terms in channel.items)]
    if channel.currency:
        try:
            minor_unit(channel.currency)
        except Invalid as error:
            raise Invalid(error.message, where="/currency") from None
    elif any(margin is not None for margin in margins):
        raise Invalid("a margin without a currency", where="/currency", hint="EUR, for example")


def _check_numbers(terms: Channel | ItemTerms, at: str) -> None:
    for term in fields(terms):
        value = getattr(terms, term.name)
        if isinstance(value, int | Decimal):
            _check_number(term.name, value, f"{at}/{term.name}")


def _check_levels(levels: Sequence[Decimal], at: str) -> None:
    for number, level in enumerate(levels):
        _check_number("levels", level, f"{at}/levels/{number}")


def _check_number(name: str, value: int | Decimal, where: str) -> None:
    least, most = BOUNDS.get(name, (0, AMOUNT_MAX))
    if not Decimal(value).is_finite() or not least <= value <= most:
        raise Invalid(f"{value} is not between {least} and {most}", where=where)
    if name.endswith("_percent") and value * 10_000 % 1:
        raise Invalid(f"{value} has more than four decimals", where=where)
    if value * MICROS % 1:
        raise Invalid(f"{value} has more than six decimals", where=where)
