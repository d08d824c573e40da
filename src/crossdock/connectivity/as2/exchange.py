"""AS2 as one part of the hub: partners, what comes, what goes, and what is kept of both."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from crossdock.canonical.cases import OpenCase
from crossdock.connectivity.as2.answering import Answering
from crossdock.connectivity.as2.hearing import Hearing
from crossdock.connectivity.as2.messages import Messages
from crossdock.connectivity.as2.partners import PartnerBook
from crossdock.connectivity.as2.posting import Posting
from crossdock.connectivity.vault import Vault
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.ids import Ids
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

EXPIRY = "as2/certificates"
LOOKED_AT = timedelta(hours=1)
SHOWN = 50

TENANTS = WorkersSql("select distinct tenant from as2_partner")


@dataclass(frozen=True, slots=True)
class Exchange:
    partners: PartnerBook
    messages: Messages
    answering: Answering
    posting: Posting
    expiry: "Expiry"

    @property
    def jobs(self) -> list[Job]:
        return [self.posting.job, self.expiry.job]


def over(
    database: Database,
    clock: Clock,
    chance: tuple[Ids, Random],
    around: tuple[Vault, Desk],
    *,
    allow_private_addresses: bool = False,
) -> Exchange:
    """Build it. `around` keeps secrets, and opens cases for persons."""
    vault, desk = around
    partners = PartnerBook(database, clock, vault)
    hearing = Hearing(database, clock, desk)
    return Exchange(
        partners=partners,
        messages=Messages(database),
        answering=Answering(database, clock, *chance, partners, hearing),
        posting=Posting(
            database, clock, *chance, partners, hearing,
            allow_private_addresses=allow_private_addresses,
        ),
        expiry=Expiry(database, clock, partners, desk),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expiry:
    """Looks for certificates that end soon: one case for all of a house, while there are any."""

    database: Database
    clock: Clock
    partners: PartnerBook = field(repr=False)
    desk: Desk

    @property
    def job(self) -> Job:
        return Job(name="watch AS2 certificates", every=LOOKED_AT, work=self.watch)

    async def watch(self) -> None:
        await each(await tenants(self.database, TENANTS), self._look)

    async def _look(self, scope: Scope) -> None:
        now = self.clock.now()
        ending = await self.partners.ending(scope)
        async with self.database.transaction(scope) as tx:
            is_open = bool(await self.desk.still_open(tx, [EXPIRY]))
            if ending and not is_open:
                await self.desk.opened(tx, [case_of(ending)], now)
            elif is_open and not ending:
                said = "each certificate that ends soon is followed by another"
                await self.desk.closed(tx, [EXPIRY], said, now)


def case_of(ending: list[str]) -> OpenCase:
    """Word the case of certificates that end, as they were when it opened."""
    return OpenCase(
        code="SEC-CRED",
        fingerprint=EXPIRY,
        severity="S2",
        owner_role="Security",
        within=timedelta(days=1),
        entity="AS2",
        title=f"Certificates of AS2 end soon, and none follows: {ending[0]}",
        evidence={"ending": ending[:SHOWN]},
    )
