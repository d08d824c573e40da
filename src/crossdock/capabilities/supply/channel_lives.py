"""How much of what lies there a channel may be shown, by how long its goods have to keep (I8).

Its rule says so many days at delivery, behind so many of transit (`lives`); what nobody told the
life of is not shown where one is asked for. Read in the caller's transaction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple, Protocol

from crossdock.canonical.owing import Owing
from crossdock.capabilities.supply import goods_store, lasting, rule_store, rules
from crossdock.capabilities.supply.calendar import local_time
from crossdock.capabilities.supply.customers import Customers
from crossdock.capabilities.supply.lasting import Lying
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.reading import Read
from crossdock.capabilities.supply.ruled import Figures, KnowsPlaces, learn
from crossdock.capabilities.supply.rules import LifeTerms
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

LATEST = date.max.toordinal() - 1
"""No day behind this one has a midnight by every clock."""


class Wanted(NamedTuple):
    """What is to be shown of an item at a location in a channel.

    `above` are kits that it goes into there: what their rules ask for, is asked for of it, too.
    `is_alone` asks what a member of a group has itself; what the group needs is not taken off.
    """

    item: str
    location: str
    channel: str
    above: tuple[Key, ...] = ()
    is_alone: bool = False


class Lasting(NamedTuple):
    """So much of what lies there keeps as long as a channel's rule asks, until `changes_at`.

    Then some of it is too old; None is never. `days` are left at delivery, `transit_days` after
    the goods leave. Where shares have to add up, a member that bears its part of what its group
    owes has `for_shares`.
    """

    micros: int
    days: int
    transit_days: int
    changes_at: datetime | None
    owing: Owing | None = None
    for_shares: int = 0

    @property
    def members(self) -> Collection[str]:
        """Name the members of the group that owes, with the place itself."""
        return () if self.owing is None else self.owing.has

    def less(self, location: str, withheld: Mapping[str, int]) -> "Lasting":
        """Take off what is in doubt here, and say what shares are of."""
        micros = max(0, self.micros - withheld.get(location, 0))
        left = micros if self.owing is None else self.owing.left(withheld)[location]
        return self._replace(micros=micros, for_shares=min(micros, left))


class KnowsLying(Protocol):
    """Whoever keeps what lies where, and what claims it; inventory, usually."""

    async def groups(
        self, tx: Transaction, tenant: str, locations: Sequence[str]
    ) -> Mapping[str, str]:
        """Name the group of each location that has one, and of all its fellow members."""
        ...

    async def standing(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, Figures]:
        """Give the figures of each; `is_grouped` where it may be a group, or in one."""
        ...

    async def lots(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Sequence[tuple[str, str, str, str, int]]:
        """Give what is available, lot by lot: item, location, owner, lot, micros."""
        ...

    async def claimed_by(
        self, tx: Transaction, tenant: str, keys: Sequence[Key], customers: Iterable[str]
    ) -> Sequence[tuple[str, str, str, str, int]]:
        """Give what orders claim: item, location, customer, channel, micros."""
        ...


class ChannelLives:
    def __init__(
        self, clock: Clock, stock: KnowsLying, places: KnowsPlaces, customers: Customers
    ) -> None:
        self._clock = clock
        self._stock = stock
        self._places = places
        self._customers = customers

    async def lasting(
        self, tx: Transaction, tenant: str, wanted: Collection[Wanted]
    ) -> dict[Wanted, Lasting]:
        """Say what keeps long enough of each of these of which a rule asks how long it keeps."""
        tx = tx.of(tenant)
        if not wanted or not await rule_store.says_lives(tx):
            return {}
        read = Read(self._clock.now(), {})
        own = {(one.item, one.location) for one in wanted}
        await self._stand(tx, read, own.union(*(one.above for one in wanted)))
        asked = await self._asked(tx, read, wanted)
        if not asked:
            return {}
        keys = sorted({at for one in asked for at in read.kin((one.item, one.location))})
        places = sorted({at for _, at in keys})
        zones = await self._places.time_zones(tx, [(tenant, at) for at in places])
        days = {at: local_time(read.now, zones.get((tenant, at), "UTC")) for at in places}
        lying = await self._lying(tx, read, keys, days)
        return {one: _lasting(one, life, read, lying, days) for one, life in asked.items()}

    async def _stand(self, tx: Transaction, read: Read, wanted: Iterable[Key]) -> None:
        """Read the figures of these keys and of their groups, and the rules that hold there."""
        keys = sorted(wanted)
        read.standing |= await self._stock.standing(tx, tx.tenant, keys)
        grouped = sorted({key[1] for key in keys if read.standing[key][5]})
        if grouped and (groups := await self._stock.groups(tx, tx.tenant, grouped)):
            read.group(groups)
            keys = sorted({one for key in keys for one in read.kin(key)})
            more = [key for key in keys if key not in read.standing]
            read.standing |= await self._stock.standing(tx, tx.tenant, more)
        rules_of = {(item, at) for key in keys for item, _, at in rules.places(*key)}
        said = await rule_store.said_of(tx, sorted(rules_of))
        read.found.rules.update(await self._customers.ruled(tx, tx.tenant, said))
        await learn(tx, tx.tenant, read, keys, self._places)

    async def _asked(
        self, tx: Transaction, read: Read, wanted: Collection[Wanted]
    ) -> dict[Wanted, LifeTerms]:
        """Say how long goods have to keep, where any rule says so and stock limits them.

        A component that keeps for ever is good for every kit.
        """
        lives = {
            one: lasting.strictest(
                read.terms(at).life("", one.channel)
                for key in ((one.item, one.location), *one.above)
                for at in read.kin(key)
            )
            for one in wanted
        }
        parts = {one.item for one in wanted if one.above}
        expiring = await goods_store.expiring(tx, parts) if parts else frozenset[str]()
        return {
            one: life
            for one, life in lives.items()
            if life is not None
            and (not one.above or one.item in expiring)
            and read.terms((one.item, one.location)).mode is not AtpMode.INFINITE
        }

    async def _lying(
        self,
        tx: Transaction,
        read: Read,
        keys: Sequence[Key],
        days: Mapping[str, datetime],
    ) -> dict[Key, Lying]:
        """Put together what lies at each key and what is needed of it, by days."""
        lots = [one for one in await self._stock.lots(tx, tx.tenant, keys) if not one[2]]
        named = {(item, lot) for item, _, _, lot, _ in lots if lot}
        expiries = await goods_store.expiries(tx, tx.tenant, named)
        found = {key: Lying(Counter(), Counter()) for key in keys}
        for item, location, _, lot, micros in lots:
            last, today = expiries.get((item, lot)), days[location].date()
            keeps = lasting.UNTOLD if last is None else (last - today).days
            if last is None or keeps >= 0:
                found[item, location].keeping[keeps] += micros
        _, customers = read.cared_for(keys)
        parties = await self._customers.names_of(tx, tx.tenant, customers)
        ordered: Counter[Key] = Counter()
        claimed = await self._stock.claimed_by(tx, tx.tenant, keys, parties)
        for item, location, customer, channel, micros in claimed:
            key = (item, location)
            needed, life = found[key].needed, read.terms(key).life
            needed[_days(life(parties.get(customer, customer), channel))] += micros
            if customer:
                needed[_days(life("", channel))] -= micros
            else:
                ordered[key] += micros
        for key in keys:
            _, hard, soft, safety, *_ = read.standing[key]
            held = max(0, hard + soft - ordered[key])
            found[key] = found[key]._replace(held=held, safety=safety)
        return found


def _days(life: LifeTerms | None) -> int:
    """Count the days that goods have to keep from the day on which they leave."""
    return lasting.UNTOLD if life is None else life.days + life.transit_days


def _lasting(
    one: Wanted,
    life: LifeTerms,
    read: Read,
    lying: Mapping[Key, Lying],
    days: Mapping[str, datetime],
) -> Lasting:
    """Say what keeps so long: at the place, and in its group, which others are promised from."""
    key, needed = (one.item, one.location), _days(life)
    kin = read.kin(key)
    groups = [] if one.is_alone else [at for at in kin if read.is_group(at[1])]
    rooms = [
        lying[group].over([lying[at] for at in kin if at != group], needed).left(needed)
        for group in groups
    ]
    owing = None
    if key not in groups:
        has = {at: lying[item, at].left(needed) for item, at in kin if (item, at) not in groups}
        owing = Owing(sum(has.values()) - rooms[0], has) if rooms else None
        rooms.append(lying[key].left(needed))
    asked = {needed}.union(*(+lying[at].needed for at in kin))
    changes = (
        _midnight(days[at[1]], in_days)
        for at in kin
        if (in_days := lasting.changes_in(lying[at].keeping, asked)) is not None
    )
    until = min(changes, default=None)
    return Lasting(min(rooms), life.days, life.transit_days, until, owing)


def _midnight(local: datetime, days: int) -> datetime:
    """Give the moment at which it is so many days later, by the clock of a place."""
    day = date.fromordinal(min(local.date().toordinal() + days, LATEST))
    return datetime.combine(day, time(), tzinfo=local.tzinfo).astimezone(UTC)
