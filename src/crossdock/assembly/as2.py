"""AS2 with the hub's vault and its cases."""

from random import Random

from crossdock.connectivity.as2 import exchange
from crossdock.connectivity.as2.exchange import Exchange
from crossdock.connectivity.vault import Vault, master_key_of
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import Ids
from crossdock.foundation.settings import Settings
from crossdock.orchestration.case_desk import CaseDesk


def over(
    settings: Settings, database: Database, clock: Clock, chance: tuple[Ids, Random]
) -> Exchange:
    around = Vault(master_key_of(settings)), CaseDesk()
    is_private_allowed = settings.allow_private_addresses
    return exchange.over(
        database, clock, chance, around, allow_private_addresses=is_private_allowed
    )
