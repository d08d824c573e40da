"""What allocation asks of others, in its own words; `assembly` hands it their services."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import NamedTuple, Protocol

from crossdock.capabilities.allocation.alternatives import Lack, Offer
from crossdock.capabilities.allocation.shapes import OpenShortage, Run, Short
from crossdock.foundation.database import Transaction
from crossdock.foundation.scope import Scope

Key = tuple[str, str]
"""Item, location."""


class Claim(NamedTuple):
    """An order line as stock knows it, in micros: still open, picked, promised by reservations.

    Of a kit promises hold `in_parts` of what is open as parts: those take nothing of the kit's.
    """

    demand_ref: str
    open: int
    picked: int
    promised: int
    in_parts: int = 0

    @property
    def net(self) -> int:
        """Say what was ordered of it, less what was cancelled."""
        return self.open + self.picked


class Stock(NamedTuple):
    """An item at a location and the order lines asked for that claim it, as of one moment."""

    unit: str
    version: int
    nettable: int
    hard: int
    soft: int
    safety: int
    claims: Mapping[str, Claim]


class Share(NamedTuple):
    """What a channel, or an allocation group, has of an item at a location in a period."""

    item: str
    location: str
    group: str
    starts_at: datetime
    ends_at: datetime


class KnowsStock(Protocol):
    async def stock(
        self, tx: Transaction, tenant: str, keys: Sequence[Key], demand_refs: Sequence[str]
    ) -> Mapping[Key, Stock]:
        """Tell what lies there and what of these order lines claims it; unknown is left out."""
        ...

    async def counted(self, tx: Transaction, tenant: str, keys: Sequence[Key]) -> frozenset[Key]:
        """Name those of which anybody ever said what lies there: unknown is not zero."""
        ...

    async def had(self, tx: Transaction, shares: Sequence[Share], now: datetime) -> Sequence[int]:
        """Tell what each channel has had, in micros, by the sum that promises are held to (§3.6).

        Left out is what its open order lines have confirmed and not yet picked.
        """
        ...

    async def groups(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        """Name the group of each (tenant, location) that is a member of one."""
        ...

    async def zones(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        """Name the time zone of each (tenant, location); one that nobody knows is left out."""
        ...

    async def guard(self, tx: Transaction, item: str, location: str, *, is_guarded: bool) -> None:
        """Have promises ask for the maxima and minima there, or no longer."""
        ...

    async def unheard(self, tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
        """Name those of which its figures count an order that allocation has not heard of."""
        ...

    async def heard(
        self, tx: Transaction, tenant: str, positions: Sequence[int]
    ) -> frozenset[int]:
        """Tell which of these events of the log are in its figures."""
        ...


class Outlook(NamedTuple):
    """When so much could leave at the soonest: in which parts, and all of it (None: never).

    `instead` are items that may stand in for it.
    """

    parts: Sequence[tuple[date, int]]
    rest_on: date | None
    instead: Sequence[str] = ()


class KnowsSupply(Protocol):
    async def expected(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, Mapping[str, int | None]]],
        now: datetime,
    ) -> Mapping[Key, Sequence[tuple[date, int]]]:
        """Tell what there would be by each day, in micros, if these order lines took nothing.

        In all, with what lies there now, beside everybody else's claims; supply that nobody may
        promise from is not in it (§3.3, I6). Asked by the item's base unit and the lines: each
        with what is set aside for it. It keeps what was promised to it by date beyond that, and
        what is pegged to it (A32); None: it is to be served of all, and keeps neither.
        """
        ...

    async def outlook(
        self,
        tx: Transaction,
        asked: Mapping[Key, tuple[str, int, frozenset[str]]],
        now: datetime,
    ) -> Mapping[Key, Outlook]:
        """Tell when so much could leave for these order lines together, beside everybody else.

        Asked by the item's base unit, how much in micros, and the lines.
        """
        ...


class Found(NamedTuple):
    """What is offered by order line, and whose lines there was no time to ask for."""

    offers: Mapping[str, Sequence[Offer]] = MappingProxyType({})
    unasked: frozenset[Key] = frozenset()


class FindsAlternatives(Protocol):
    """Whoever knows what other places, or other items, may serve order lines that stay short."""

    async def knows_any(self, scope: Scope, /) -> bool:
        """Say whether there is any place to ask about."""
        ...

    async def offers(
        self, scope: Scope, lacks: Sequence[Lack], taken: Mapping[Key, int], now: datetime, /
    ) -> Found:
        """Offer by order line what lies free elsewhere, to the first first, each unit once.

        What an order's rules do not let a back-order run ask for is not offered, nor what is
        `taken` already at (item, location), in micros. Where it is too much for one look, the
        next one asks for those that this one did not come to.
        """
        ...


class HoldsAlternatives(Protocol):
    """Whoever promises stock. Each is in the caller's transaction."""

    async def hold_in(
        self, tx: Transaction, request_id: str, goods: tuple[str, str, int], whose: tuple[str, str]
    ) -> str:
        """Promise all of item, location, micros to a channel's customer, once for each request.

        Give the reservation's id; "" if there is not enough any more.
        """
        ...

    async def let_go_in(self, tx: Transaction, reservation_id: str) -> None:
        """Give back what is still held."""
        ...

    async def left_in(self, tx: Transaction, reservation_ids: Sequence[str]) -> Mapping[str, int]:
        """Say how much of each is still held, in micros; what is over is left out."""
        ...


class NobodyElse:
    """Offers nothing: nobody knows of another place."""

    async def knows_any(self, _scope: Scope) -> bool:
        return False

    async def offers(
        self, _scope: Scope, _lacks: Sequence[Lack], _taken: Mapping[Key, int], _now: datetime
    ) -> Found:
        return Found()


class KnowsParties(Protocol):
    async def known_as(
        self, tx: Transaction, tenant: str, names: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Give all names of each customer: of a known party its id first, then its others."""
        ...


class KnowsChannels(Protocol):
    async def shown_stock(self, tx: Transaction, channels: Collection[str]) -> frozenset[str]:
        """Name those that are told what there is, and sell by it."""
        ...


class ShowsChannels(Protocol):
    """Whoever shows channels what maxima and minima leave them."""

    async def claims_moved(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]], now: datetime
    ) -> None:
        """Hear of (tenant, item, location) where orders of channels are others now."""
        ...


class Escalates(Protocol):
    async def open(
        self,
        tx: Transaction,
        tenant: str,
        run: Run,
        short: Sequence[Short] = (),
        outlook: Outlook | None = None,
    ) -> None:
        """Let a person know of a run that was refused, that waits, or that leaves lines short."""
        ...

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, OpenShortage]:
        """Tell what the newest cases of these say whose causes go on; who has none is left out."""
        ...

    async def close(self, tx: Transaction, tenant: str, key: Key, resolution: str) -> None:
        """Say that nothing waits for a person any more at this item and location."""
        ...


@dataclass(frozen=True, slots=True)
class Around:
    """Whom allocation asks and tells."""

    stock: KnowsStock
    supply: KnowsSupply
    channels: KnowsChannels
    desk: Escalates
    parties: KnowsParties
    finder: FindsAlternatives
    holder: HoldsAlternatives
    shows: ShowsChannels
