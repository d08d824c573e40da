"""Which PostgreSQL servers a connection may reach: not the hub's own, and none behind its back.

A DSN is input, as a URL is. Without this rule it could name the hub's own server by its socket,
where it is let in without a password, and read what belongs to every tenant.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from crossdock.canonical.errors import Invalid, Rejected, Unavailable
from crossdock.connectivity.transports.addresses import checked_host, is_callable_address
from crossdock.connectivity.transports.http import Resolver, resolve

OwnServer = Callable[[], Awaitable[str]]

PORT_DEFAULT = 5432
RESOLVE_SECONDS_MAX = 10
SYSTEM_IDENTIFIER = "select system_identifier::text from pg_control_system()"

# Each has the driver read a file of this machine for whoever may write a DSN.
FILES = ("service", "passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "gsslib")

_LOCAL_HINT = (
    "name the server's host (`postgresql://user:password@host/database`), or, if every tenant's"
    " connections may read what lies on this machine, set CROSSDOCK_ALLOW_LOCAL_DATABASES=true"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a database connection may dial.

    `own_server` asks for the system identifier of the hub's own server, which none may read.
    """

    allow_private_addresses: bool = False
    allow_local_databases: bool = False
    own_server: OwnServer | None = None
    resolver: Resolver = resolve

    def check(self, dsn: str) -> None:
        """Refuse what a DSN alone shows to lead where it may not; names are looked up later."""
        if not self.allow_local_databases:
            _Parts.parsed(dsn)

    async def dialled(self, dsn: str) -> dict[str, Any]:
        """Say where a DSN leads, as arguments of the driver: to addresses that were checked.

        A name whose certificate is to be proven is dialled by name: no other server has its proof.
        """
        if self.allow_local_databases:
            return {}
        parts = _Parts.parsed(dsn)
        places = list(zip(parts.hosts, parts.ports, strict=True))
        found = [
            (address, port) for host, port in places for address in await self._checked(host, port)
        ]
        if parts.proves_name:
            found = places
        # Without a password of its own it is not lent the hub's, from the environment or a file.
        lent = {} if parts.has_password else {"password": ""}
        return {"host": [host for host, _ in found], "port": [port for _, port in found]} | lent

    async def admit(self, opened: Any) -> None:
        """Refuse the hub's own server, by whatever address it was reached."""
        if self.own_server is None:
            return
        try:
            theirs = await opened.fetchval(SYSTEM_IDENTIFIER)
        except asyncpg.PostgresError:
            return  # what does not know it, or does not tell us, is no server of the hub's making
        if theirs == await self.own_server():
            raise Rejected(
                "This is the hub's own PostgreSQL server: what lies there is every tenant's",
                code="own_server",
                hint="connect the server of the system that is to be read; if it has to be this"
                " one, set CROSSDOCK_ALLOW_LOCAL_DATABASES=true, which holds for every connection",
            )

    async def _checked(self, host: str, port: int) -> Iterable[str]:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS_MAX):
                addresses = await self.resolver(host, port)
        except (OSError, UnicodeError) as problem:
            raise Unavailable(f"PostgreSQL at {host} cannot be resolved: {problem}") from problem
        for address in addresses:
            # One bad address among good ones is how a name is turned round between two look-ups.
            if not is_callable_address(
                address, allow_private_addresses=self.allow_private_addresses
            ):
                raise Unavailable(
                    f"PostgreSQL at {host} is at {address}, which is not a public address",
                    code="address_refused",
                    hint="If the system is yours, set CROSSDOCK_ALLOW_PRIVATE_ADDRESSES=true; "
                    "it holds for every connection.",
                )
        return addresses


@dataclass(frozen=True, slots=True)
class _Parts:
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    has_password: bool
    proves_name: bool

    @classmethod
    def parsed(cls, dsn: str) -> "_Parts":
        """Read a DSN as the driver does, of which nothing may stay unsaid."""
        try:
            parts = urlsplit(dsn)
            said = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError as problem:
            raise Invalid(f"The DSN cannot be read: {problem}", where="dsn") from None
        if files := [name for name in said if name in FILES or name == "servicefile"]:
            raise _local(f"The DSN has {files[0]!r}, which is read from a file of this machine")
        login, at, spec = parts.netloc.partition("@")
        places = (spec if at else parts.netloc).split(",")
        if places == [""]:
            places = said.get("host", "").split(",")
        ports = _ports(said, len(places))
        found = [_place(place, port) for place, port in zip(places, ports, strict=True)]
        return cls(
            tuple(host for host, _ in found),
            tuple(port for _, port in found),
            has_password=bool(at and login.partition(":")[2]) or bool(said.get("password")),
            proves_name=said.get("sslmode") == "verify-full",
        )


def _ports(said: Mapping[str, str], count: int) -> list[int]:
    try:
        ports = [int(text) for text in said.get("port", str(PORT_DEFAULT)).split(",")]
    except ValueError:
        raise Invalid("The DSN's port is no number", where="dsn") from None
    return ports * count if len(ports) == 1 else ports


def _place(place: str, port: int) -> tuple[str, int]:
    place = unquote(place)
    if not place or place.startswith(("/", "@")):
        raise _local("The DSN names a socket of this machine" if place else "The DSN has no host")
    host, colon, number = place.rpartition(":")
    if not colon or place.endswith("]"):
        return _host(place), port
    if not number.isascii() or not number.isdigit():
        raise Invalid(f"The DSN's port {number[:20]!r} is no number", where="dsn")
    return _host(host), int(number)


def _host(host: str) -> str:
    try:
        return checked_host(host)
    except Invalid as problem:
        raise Invalid(problem.message, where="dsn", hint=problem.hint) from None


def _local(what: str) -> Invalid:
    return Invalid(what, where="dsn", code="local_database", hint=_LOCAL_HINT)
