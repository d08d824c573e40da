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
    ) -> frozenset[str]:
        """Send what was refused of these movements (`source:identity`) again; say which."""
        subjects = {f"{BOOKED_BY_HUB}{name}": name for name in movements}
        sent: set[str] = set()
        after = ""
        while True:
            wanted = Wanted(states=("DEAD",), connection=connection, role=ROLE, after=after)
            letters = await self._outbox.find(scope, wanted)
            if not letters:
                return frozenset(sent)
            after = letters[-1].command_id
            ids = tuple(one.command_id for one in letters if one.subject in subjects)
            if ids:
                by = By(actor="reconciliation", reason=reason)
                again = await self._outbox.replay(
                    scope, Wanted(states=("DEAD",), ids=ids, limit=len(ids)), by
                )
                again_ids = {one.command_id for one in again if one.result is Replayed.SENT}
                sent |= {subjects[one.subject] for one in letters if one.command_id in again_ids}
