"""Sends again what books refused, by the movement it is about: for whoever found it missing."""

from collections.abc import Sequence

from crossdock.connectivity.outbox import By, Outbox, Replayed, Wanted
from crossdock.connectivity.sdk.roles import BOOKED_BY_HUB
from crossdock.foundation.scope import Scope

ROLE = "PostsMovements"


class Resender:
    """What has an unknown outcome is left to a person: only refused commands are sent again."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def send_again(
        self, scope: Scope, connection: str, movements: Sequence[str], reason: str
    ) -> int:
        """Send what was refused of these movements (`source:identity`) again; say how many."""
        subjects = {f"{BOOKED_BY_HUB}{name}" for name in movements}
        sent, after = 0, ""
        while True:
            wanted = Wanted(states=("DEAD",), connection=connection, role=ROLE, after=after)
            letters = await self._outbox.find(scope, wanted)
            if not letters:
                return sent
            after = letters[-1].command_id
            ids = tuple(one.command_id for one in letters if one.subject in subjects)
            if ids:
                by = By(actor="reconciliation", reason=reason)
                again = await self._outbox.replay(
                    scope, Wanted(states=("DEAD",), ids=ids, limit=len(ids)), by
                )
                sent += sum(one.result is Replayed.SENT for one in again)
