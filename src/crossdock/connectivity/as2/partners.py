"""Partners by AS2 and keys of our own, kept: every version of a profile, every key, for ever."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.connectivity.as2.certificates import (
    OwnKey,
    expiring,
    read_certificates,
    read_own_key,
)
from crossdock.connectivity.as2.names import written_name
from crossdock.connectivity.as2.profiles import (
    Profile,
    PutProfile,
    checked,
    ending,
    profile_json,
    profile_of,
)
from crossdock.connectivity.as2.terms import House
from crossdock.connectivity.transports.http import target_of
from crossdock.connectivity.vault import Vault
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

ENDS_SOON = timedelta(days=30)
KEYS_READ = 64

NEWEST = """
select version, profile, put_by, put_at from as2_partner
where tenant = $1 and house = $2 and partner_name = $3 order by version desc limit 1
"""
ALL = """
select distinct on (house, partner_name) version, profile, put_by, put_at from as2_partner
where tenant = $1 order by house, partner_name, version desc
"""
PUT = """
insert into as2_partner (tenant, house, partner_name, version, profile, put_by, put_at)
values ($1, $2, $3, $4, $5::jsonb, $6, $7)
"""
# Two who put a version at one moment are put one after the other.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended($1, 29))"
PUT_KEY = """
insert into as2_key (tenant, house, fingerprint, certificate, secret, put_by, put_at)
values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing
"""
RESEAL_KEY = """
update as2_key set secret = $4 where tenant = $1 and house = $2 and fingerprint = $3
"""
KEYS = """
select house, fingerprint, certificate, secret, put_by, put_at from as2_key
where tenant = $1 and ($2 = '' or house = $2) order by house, put_at, fingerprint
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key of our own, without what is secret of it. `certificate` is what partners are given."""

    house: str
    fingerprint: str
    subject: str
    certificate: str
    holds_from: datetime
    holds_until: datetime
    ends_soon: bool
    put_by: str
    put_at: datetime


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides of an exchange: we, with our keys, and what is agreed with the partner."""

    house: House
    profile: Profile


@dataclass(frozen=True, slots=True)
class PartnerBook:
    database: Database
    clock: Clock
    vault: Vault = field(repr=False)

    async def put(self, scope: Scope, profile: Profile, *, by: str) -> PutProfile:
        """Put the next version of what is agreed; the same again is no version."""
        profile = checked(profile)
        _check_addresses(profile)
        now = self.clock.now()
        async with self.database.transaction(scope) as tx:
            await tx.execute(ONE_AT_A_TIME, f"{tx.tenant}/{profile.house}/{profile.partner}")
            before = await _newest(tx, profile.house, profile.partner)
            if before and before.profile == profile:
                return before
            version = before.version + 1 if before else 1
            whose = (tx.tenant, profile.house, profile.partner)
            await tx.execute(PUT, *whose, version, profile_json(profile), by, now)
        return PutProfile(profile=profile, version=version, put_by=by, put_at=now)

    async def show(self, scope: Scope, house: str, partner: str) -> PutProfile:
        async with self.database.transaction(scope) as tx:
            found = await _newest(tx, house, partner)
        if found is None:
            raise NotFound(
                f"{house!r} has no partner {partner!r} by AS2",
                hint="`crossdock as2 partners` names them; names are told apart by case",
            )
        return found

    async def listed(self, scope: Scope) -> list[PutProfile]:
        async with self.database.transaction(scope) as tx:
            return [_put_of(row) for row in await tx.fetch(ALL, tx.tenant)]

    async def put_key(self, scope: Scope, house: str, pem: bytes, *, by: str) -> KnownKey:
        """Keep a key of our own beside those that are there: the newest that holds is used."""
        written_name(house)
        key = read_own_key(pem, where="/key")
        now = self.clock.now()
        fingerprint = key.certificate.fingerprint
        async with self.database.transaction(scope) as tx:
            named = _secret_name(house, fingerprint)
            sealed = await self.vault.seal(tx, tx.tenant, {named: pem.decode("latin-1")}, now)
            held = (fingerprint, key.certificate.pem(), sealed[named])
            await tx.execute(PUT_KEY, tx.tenant, house, *held, by, now)
        known = await self.keys(scope, house)
        return next(one for one in known if one.fingerprint == fingerprint)

    async def keys(self, scope: Scope, house: str = "") -> list[KnownKey]:
        async with self.database.transaction(scope) as tx:
            rows = await tx.fetch(KEYS, tx.tenant, house)
        return _known_keys(rows, self.clock.now())

    async def reseal(self, scope: Scope) -> None:
        """Seal every key of ours again, under the newest key of the vault."""
        now = self.clock.now()
        async with self.database.transaction(scope) as tx:
            for row in await tx.fetch(KEYS, tx.tenant, ""):
                named = _secret_name(row["house"], row["fingerprint"])
                opened = await self.vault.open(tx, tx.tenant, {named: row["secret"]})
                sealed = await self.vault.seal(tx, tx.tenant, opened, now)
                whose = (tx.tenant, row["house"], row["fingerprint"])
                await tx.execute(RESEAL_KEY, *whose, sealed[named])

    async def sides(self, tx: Transaction, house: str, partner: str) -> Sides | None:
        """Give both sides of an exchange, as of now; None where the two are no partners."""
        found = await _newest(tx, house, partner)
        return Sides(await self.house(tx, house), found.profile) if found else None

    async def house(self, tx: Transaction, name: str) -> House:
        """Give one of our names with its keys; a name that is not ours has none."""
        rows = await tx.fetch(KEYS, tx.tenant, name) if name else []
        sealed = {_secret_name(name, row["fingerprint"]): row["secret"] for row in rows}
        opened = await self.vault.open(tx, tx.tenant, sealed)
        keys = await asyncio.to_thread(lambda: tuple(map(_own, opened.values())))
        return House(name=name, keys=keys)

    async def ending(self, scope: Scope) -> list[str]:
        """Say in a sentence each which certificates end soon, and none follows them."""
        now = self.clock.now()
        said: list[str] = []
        for one in await self.listed(scope):
            whose = f"{one.profile.partner} (partner of {one.profile.house})"
            said += [
                f"{whose}: {found.subject} ends on {found.until:%Y-%m-%d}"
                for found in ending(one.profile, now, ENDS_SOON)
            ]
        for key in await self.keys(scope):
            if key.ends_soon:
                line = f"{key.house} (ours): {key.subject} ends on {key.holds_until:%Y-%m-%d}"
                said.append(line)
        return said


async def _newest(tx: Transaction, house: str, partner: str) -> PutProfile | None:
    row = await tx.fetchrow(NEWEST, tx.tenant, house, partner)
    return row and _put_of(row)


def _put_of(row: Any) -> PutProfile:
    return PutProfile(
        profile=profile_of(row["profile"]),
        version=row["version"],
        put_by=row["put_by"],
        put_at=row["put_at"],
    )


def _secret_name(house: str, fingerprint: str) -> str:
    return f"as2:{house}:{fingerprint}"


@lru_cache(maxsize=KEYS_READ)
def _own(pem: str) -> OwnKey:
    """Read a key; to check one takes fifty times as long as to sign with it."""
    return read_own_key(pem.encode("latin-1"))


def _known_keys(rows: Sequence[Any], now: datetime) -> list[KnownKey]:
    read = [(row, read_certificates(row["certificate"].encode())[0]) for row in rows]
    soon = [
        one
        for house in {row["house"] for row in rows}
        for one in expiring((c for row, c in read if row["house"] == house), now, ENDS_SOON)
    ]
    return [
        KnownKey(
            house=row["house"],
            fingerprint=row["fingerprint"],
            subject=certificate.subject,
            certificate=row["certificate"],
            holds_from=certificate.from_,
            holds_until=certificate.until,
            ends_soon=certificate in soon,
            put_by=row["put_by"],
            put_at=row["put_at"],
        )
        for row, certificate in read
    ]


def _check_addresses(profile: Profile) -> None:
    addresses = [("/url", profile.url), ("/receipt_url", profile.outgoing.receipt_url)]
    addresses += [("/receipt_urls", one) for one in sorted(profile.incoming.receipt_urls)]
    for where, url in addresses:
        if not url:
            continue
        try:
            target_of(url)
        except Invalid as error:
            raise Invalid(error.message, where=where, hint=error.hint) from None
