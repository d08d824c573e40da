"""What an oversell budget comes to for a channel and an item, in units and money (§3.7, A16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from typing import Any

from crossdock.canonical.money import Money
from crossdock.canonical.quantities import MICROS, plain
from crossdock.capabilities.allocation import SoldOn
from crossdock.capabilities.inventory import budget
from crossdock.capabilities.inventory.budget import Seller
from crossdock.capabilities.inventory.publishing import in_channel_units, in_channel_units_up
from crossdock.orchestration.processes.channel_sales import ORDER, PUBLISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a seller takes of an item in his busiest hour, and how late his orders are heard."""

    seller: str
    per_hour: Decimal
    order_seconds: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemBudget:
    """What a channel's budget means for one item; amounts in the unit that the channel sells.

    `blind` is what sells on average while news is on its way. `buffer` is held back for it, and
    `batch_buffer` would be behind a file every two hours. `avoided` is how many units fewer are
    oversold, on average, each time the stock runs out. Money is None where no margin was given.
    """

    item: str
    oversell_percent: Decimal
    rates: tuple[Rate, ...]
    lump: Decimal
    blind: Decimal
    buffer: Decimal
    chance_percent: Decimal
    avoided: Decimal
    batch_buffer: Decimal
    held_money: Decimal | None
    avoided_money: Decimal | None
    batch_money: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetCurve:
    """What an item's buffer would be behind paths of other lengths: (seconds, buffer).

    `seconds` is how long news takes on the path that was measured, `buffer` what that needs.
    """

    item: str
    oversell_percent: Decimal
    seconds: Decimal
    buffer: Decimal
    points: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBudget:
    """A channel's delay, measured to the item: `publish_seconds` out, its `order_seconds` back.

    `days` are the last week's on which its orders took the last of an item at a place, or more:
    `oversold_percent` of all those sold more, which its target is for; None is that none sold out.
    """

    connection: str
    location: str
    publish_seconds: Decimal
    order_seconds: Decimal
    publish_samples: int
    order_samples: int
    currency: str
    items: tuple[ItemBudget, ...]
    days: tuple[SoldOn, ...]
    oversold_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Delays:
    """How late each connection hears of us, and we of it: samples by bucket."""

    samples: Mapping[tuple[str, str], Mapping[int, int]] = field(
        default_factory=dict[tuple[str, str], Mapping[int, int]]
    )

    def count(self, connection: str, path: str) -> int:
        return sum(self.samples.get((connection, path), {}).values())

    def ms(self, connection: str, path: str, percent: Decimal) -> int:
        return budget.slow_ms(self.samples.get((connection, path), {}), percent)


@dataclass(frozen=True, slots=True)
class Target:
    """A channel as its budget sees it."""

    tenant: str
    row: Any
    delays: Delays

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.tenant, self.row["connection"], self.row["location"])

    @property
    def names(self) -> list[str]:
        """Say how orders name it: as its terms say, or as its connection."""
        return sorted({self.row["connection"], self.row["channel"]} - {""})

    @property
    def percent(self) -> Decimal:
        """What its delays are told by where no item is meant; without a target, 1 %."""
        return self.row["oversell_percent"] or Decimal(1)

    def publish_ms(self, percent: Decimal) -> int:
        return self.delays.ms(self.row["connection"], PUBLISH, percent) + budget.HEARING_MS

    def seller_of(self, row: Any, percent: Decimal) -> Seller:
        return Seller(
            name=row["seller"],
            peak=int(row["peak"]),
            taken=int(row["taken"]),
            squares=int(row["squares"]),
            order_ms=self.delays.ms(row["seller"], ORDER, percent),
        )


@dataclass(frozen=True, slots=True)
class Selling:
    """An item, who takes of it, and what is agreed."""

    agreed: Any
    sellers: Sequence[Seller]
    percent: Decimal | None

    def held_back(self, target: Target) -> int:
        if self.percent is None:
            return 0
        return budget.held_back(self.sellers, target.publish_ms(self.percent), self.percent)


def channel_budget(
    target: Target, found: Sequence[Selling], days: Sequence[SoldOn] = ()
) -> ChannelBudget:
    connection = target.row["connection"]
    sold_out = sum(one.sold_out for one in days)
    oversold = Decimal(100 * sum(one.oversold for one in days))
    return ChannelBudget(
        connection=connection,
        location=target.row["location"],
        publish_seconds=_seconds(target.publish_ms(target.percent)),
        order_seconds=_seconds(target.delays.ms(connection, ORDER, target.percent)),
        publish_samples=target.delays.count(connection, PUBLISH),
        order_samples=target.delays.count(connection, ORDER),
        currency=target.row["currency"],
        items=tuple(
            _item_budget(target, one, one.percent) for one in found if one.percent is not None
        ),
        days=tuple(days),
        oversold_percent=_up(oversold / sold_out) if sold_out else None,
    )


def budget_curve(target: Target, selling: Selling) -> BudgetCurve:
    """Draw up the curve of an item; without a target it is that of one in a hundred."""
    percent = selling.percent or Decimal(1)
    publish_ms = target.publish_ms(percent)
    order_ms = target.delays.ms(target.row["connection"], ORDER, percent)
    return BudgetCurve(
        item=selling.agreed["item"],
        oversell_percent=Decimal(plain(percent)),
        seconds=_seconds(publish_ms + order_ms),
        buffer=_in_packs(selling.agreed, budget.held_back(selling.sellers, publish_ms, percent)),
        points=tuple(
            (_seconds(ms), _in_packs(selling.agreed, held))
            for ms, held in budget.curve(selling.sellers, percent)
        ),
    )


def _item_budget(target: Target, selling: Selling, percent: Decimal) -> ItemBudget:
    sellers, publish_ms = selling.sellers, target.publish_ms(percent)
    in_file = [replace(seller, order_ms=0) for seller in sellers]
    mean = budget.mean_lumps(sellers, publish_ms)
    lumps = budget.lumps_to_hold(mean, percent)
    lump = budget.lump(sellers, publish_ms)
    held = _in_packs(selling.agreed, budget.held_back(sellers, publish_ms, percent))
    in_batch = _in_packs(selling.agreed, budget.held_back(in_file, budget.BATCH_MS, percent))
    saved = budget.expected_beyond(mean, 0) - budget.expected_beyond(mean, lumps)
    avoided = _units_down(selling.agreed, int(saved * lump))
    money = _Money(
        selling.agreed["unit_margin"], target.row["unit_margin"], target.row["currency"]
    )
    return ItemBudget(
        item=selling.agreed["item"],
        oversell_percent=Decimal(plain(percent)),
        rates=tuple(
            Rate(
                seller=seller.name,
                per_hour=_units(selling.agreed, seller.peak),
                order_seconds=_seconds(seller.order_ms),
            )
            for seller in sellers
        ),
        lump=_units(selling.agreed, lump),
        blind=_units(selling.agreed, sum(seller.blind(publish_ms) for seller in sellers)),
        buffer=held,
        chance_percent=_up(100 * budget.chance_of_more(mean, lumps)),
        avoided=avoided,
        batch_buffer=in_batch,
        held_money=money.of(held),
        avoided_money=money.of(avoided),
        batch_money=money.of(in_batch),
    )


@dataclass(frozen=True, slots=True)
class _Money:
    own: int | None
    general: int | None
    currency: str

    def of(self, units: Decimal) -> Decimal | None:
        """Say what so many units earn, rounded once, to the smallest coin."""
        margin = self.general if self.own is None else self.own
        if margin is None or not self.currency:
            return None
        return Money(units * margin / MICROS, self.currency).rounded().amount


def _in_packs(agreed: Any, base: int) -> Decimal:
    pack = agreed["pack"] or MICROS
    amount = in_channel_units_up(base, agreed["numerator"], agreed["denominator"])
    return Decimal(-(-amount // pack) * pack) / MICROS


def _units(agreed: Any, base: int) -> Decimal:
    return Decimal(in_channel_units_up(base, agreed["numerator"], agreed["denominator"])) / MICROS


def _units_down(agreed: Any, base: int) -> Decimal:
    return Decimal(in_channel_units(base, agreed["numerator"], agreed["denominator"])) / MICROS


def _seconds(ms: int) -> Decimal:
    return Decimal(ms) / 1000


def _up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), ROUND_CEILING)
