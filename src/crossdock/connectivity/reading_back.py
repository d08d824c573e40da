"""Asks a channel what it holds now, for whoever doubts it; it shares the connection's rate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from crossdock.canonical.errors import Rejected
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.connectivity.asking_turn import take_turn
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk.application import Application
from crossdock.connectivity.sdk.roles import PublishesAvailability
from crossdock.foundation.scope import Scope

ROLE = "PublishesAvailability"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a connection allows: readings a second, and how many keys one of them may ask for.

    A reading of fewer keys may take fewer requests; this counts each as one of all of them.
    """

    rate_per_second: float
    keys_a_call: int


def requests_of(application: Application, keys: int) -> int:
    """Say how many requests a reading of so many keys takes, at most."""
    more = (application.requests_a_reading - 1) * keys
    return 1 + -(-more // application.batch_max)


class ReadBack:
    """`around` gives what calls need, for it is built after whoever asks."""

    def __init__(self, around: Callable[[], Surroundings]) -> None:
        self._around = around

    async def quota(self, scope: Scope, connection: str) -> Quota | None:
        """Tell what may be asked of a connection; None: it cannot be read back."""
        entries = {one.name: one for one in await self._around().directory.entries(scope)}
        entry = entries.get(connection)
        if entry is None or not self._is_read_back(entry):
            return None
        application = self._application_of(entry)
        rate = entry.rate_per_second or application.rate_per_second
        return Quota(rate / application.requests_a_reading, application.batch_max)

    async def held(
        self, scope: Scope, connection: str, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Decimal | None]:
        """Ask in one reading what a channel holds of (item, location), in its own unit.

        What it has no name for is left out. Raises `Busy` if its rate is used up just now,
        `Throttled` or `Unavailable` if it is paused or down, `Rejected` if it cannot be asked.
        """
        around = self._around()
        entry = await around.directory.get(scope, connection)
        if not self._is_read_back(entry):
            raise Rejected(f"{connection} cannot be read back", code="role_not_played")
        application = self._application_of(entry)
        await take_turn(around, scope, entry, requests_of(application, len(keys)))
        items = [Reference(ReferenceKind.ITEM, item) for item, _ in keys]
        places = [Reference(ReferenceKind.LOCATION, place) for _, place in keys]
        async with around.database.transaction(scope) as tx:
            names = await around.keys.native_keys(tx, entry.name, [*items, *places])
        asked = [
            (key, (names[item], names[place]))
            for key, item, place in zip(keys, items, places, strict=True)
            if item in names and place in names
        ]
        if not asked:
            return {}
        conversation = Conversation(around.database, around.directory, around.ports)
        try:
            async with conversation.lent(entry) as channel:
                if not isinstance(channel, PublishesAvailability):
                    raise Rejected(f"{connection} cannot be read back", code="role_not_played")
                answers = await channel.held_availability([native for _, native in asked])
        finally:
            await conversation.close()
        return {key: answer.quantity for (key, _), answer in zip(asked, answers, strict=True)}

    def _is_read_back(self, entry: Entry) -> bool:
        roles = self._application_of(entry).roles
        return PublishesAvailability in roles and entry.plays(ROLE)

    def _application_of(self, entry: Entry) -> Application:
        return self._around().directory.application_of(entry)
