"""Who there is to tell the hub something: connections, and whoever spoke through the API."""

from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

KNOWS = """
select exists (select from connection where tenant = $1 and name = $2)
    or exists (select from raw_message where tenant = $1 and source = $2)
"""


class Sources:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def knows(self, scope: Scope, source: str) -> bool:
        """Tell whether a connection has this name, or a message ever came from it."""
        async with self._database.transaction(scope) as tx:
            return bool(await tx.fetchval(KNOWS, scope.tenant, source))
