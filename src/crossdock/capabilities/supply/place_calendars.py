"""When places work: said by a location's rule for every item, asked by all who plan (§1.3)."""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.canonical.calendars import Calendar
from crossdock.capabilities.supply import rule_checks, rule_store, rules, told
from crossdock.capabilities.supply.calendar_rules import CalendarSaid
from crossdock.capabilities.supply.rule_store import Word
from crossdock.capabilities.supply.rules import ALL, AtpRule, PlacedRule
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope


async def calendars_in(tx: Transaction, locations: Sequence[str]) -> dict[str, Calendar]:
    """Give when each place works, by what is said of it, of all places, and the defaults."""
    said = await rule_store.of_places(tx, locations)
    of_all = [said[ALL]] if ALL in said else []
    else_ = rules.calendar_of(of_all)
    return {
        at: rules.calendar_of([said[at], *of_all]) if at in said else else_ for at in locations
    }


class PlaceCalendars:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def calendars(self, scope: Scope, locations: Sequence[str]) -> dict[str, Calendar]:
        """Give when each place works, by what is said of it, of all places, and the defaults."""
        async with self._database.transaction(scope) as tx:
            return await calendars_in(tx, locations)

    async def put(self, scope: Scope, location: str, said: CalendarSaid, *, by: str) -> PlacedRule:
        """Say when a place works; what else its rule says stays as it is."""
        word = Word(by, self._clock.now())
        async with self._database.transaction(scope) as tx:
            await rule_store.alone(tx)
            before = (await rule_store.of_places(tx, [location])).get(location, AtpRule())
            placed = PlacedRule(
                location=location,
                rule=replace(
                    before,
                    weekdays=before.weekdays if said.weekdays is None else said.weekdays,
                    holidays=before.holidays if said.holidays is None else said.holidays,
                    cutoff=before.cutoff if said.cutoff is None else said.cutoff,
                    hours=before.hours if said.hours is None else said.hours,
                ),
            )
            rule_checks.check_placed(placed)
            version = await rule_store.put_rule(tx, placed, word)
            if version is not None:
                await event_log.append(tx, [told.rule(tx.tenant, placed, version, word)])
        return placed
