"""Which PostgreSQL servers a connection may reach: not the hub's own, and none behind its back.

A DSN is input, as a URL is. Without this rule it could name the hub's own server by its socket,
where it is let in without a password, and read what belongs to every tenant.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from crossdock.canonical.errors import Invalid, Rejected
from crossdock.connectivity.transports.addresses import checked_host
from crossdock.connectivity.transports.database_dialling import Ways
from crossdock.connectivity.transports.database_tls import (
    SYSTEM,
    check_line,
    doubt_of_line,
    lines,
)
from crossdock.connectivity.transports.resolving import (
    Resolver,
    callable_addresses,
    resolve,
)

OwnServer = Callable[[], Awaitable[str]]

PORT_DEFAULT = 5432
RESOLVE_SECONDS_MAX = 10
PORT_MAX = 65_535
# Every name is qualified: whoever may make functions there must not answer in its place.
SYSTEM_IDENTIFIER = "select system_identifier::pg_catalog.text from pg_catalog.pg_control_system()"

# Each has the driver read a file of this machine for whoever may write a DSN.
FILES = (
    "service",
    "servicefile",
    "passfile",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "sslcrl",
    "gsslib",
)
# Whatever else a DSN says is a setting of the session to the driver, and would undo one of ours:
# `Statement_Timeout=1` ends the question whose server it is, and every query after it.
PARAMETERS = (
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "database",
    "sslmode",
    "sslnegotiation",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "target_session_attrs",
    "krbsrvname",
    "application_name",
)

_PLACE = r"([\w.%-]+|\[[\w.:%]+\])(:[0-9]+)?"
_PLACES = re.compile(f"{_PLACE}(,{_PLACE})*")

ENCODE = "of a login's name and password write / as %2F, ? as %3F, # as %23, @ as %40"
_LOCAL_HINT = (
    "name the server's host (`postgresql://user:password@host/database`), or, if every tenant's"
    " connections may read what lies on this machine, set CROSSDOCK_ALLOW_LOCAL_DATABASES=true"
)


def _trusted() -> Path:
    try:
        home = Path.home()
    except RuntimeError:  # whoever runs the hub has none
        home = Path("/")
    return home / ".postgresql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a database connection may dial.

    `own_server` asks for the system identifier of the hub's own server, which none may read. In
    `trusted` lies the certificate by which servers prove who they are. Of the `environment` no
    variable counts.
    """

    allow_private_addresses: bool = False
    allow_local_databases: bool = False
    own_server: OwnServer | None = None
    resolver: Resolver = resolve
    dial_seconds_max: float = 10
    trusted: Path = field(default_factory=_trusted)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def check(self, dsn: str) -> None:
        """Refuse what a DSN alone shows to lead where it may not; names are looked up later."""
        if self.allow_local_databases:
            _parameters(dsn, (*PARAMETERS, *FILES, "sslpassword"))
        else:
            _Parts.parsed(dsn)
            check_line(_parameters(dsn, PARAMETERS), self.environment)

    def doubt(self, dsn: str) -> str:
        """Say what of a DSN's server stays unproven against what may be expected; "" is none."""
        if self.allow_local_databases:  # the driver reads the environment then
            return ""
        return doubt_of_line(_parameters(dsn, PARAMETERS), self.trusted, self.environment)

    async def dialled(self, dsn: str) -> Sequence[Ways]:
        """Say where a DSN leads, address by address, and over what each is spoken to.

        Each was checked. It is lent neither the hub's password, from the environment or a file,
        nor the client certificate of the hub's user.
        """
        self.check(dsn)  # it may have been kept by an older version, which refused less
        if self.allow_local_databases:
            said = _parameters(dsn, (*PARAMETERS, *FILES, "sslpassword"))
            # The driver would take the word for a file's name.
            is_system = said.get("sslrootcert") == SYSTEM
            return [self._lines(said, "") if is_system else [{}]]
        parts, said = _Parts.parsed(dsn), _parameters(dsn, PARAMETERS)
        lent = {} if parts.has_password else {"password": ""}
        found = [
            [{"host": address, "port": port, **lent, **line} for line in self._lines(said, host)]
            for host, port in zip(parts.hosts, parts.ports, strict=True)
            for address in await self._checked(host, port)
        ]
        if said.get("target_session_attrs") != "prefer-standby":
            return found
        return [
            [{**way, "target_session_attrs": wanted} for way in ways]
            for wanted in ("standby", "any")
            for ways in found
        ]

    def _lines(self, said: Mapping[str, str], host: str) -> Ways:
        is_direct = said.get("sslnegotiation") == "direct"
        return [
            {"ssl": line, "direct_tls": bool(line) and is_direct}
            for line in lines(said, self.trusted, host)
        ]

    async def admit(self, opened: Any) -> None:
        """Refuse the hub's own server, by whatever address it was reached, and on any doubt.

        Only who answers with another identifier is another, or who has no such function at all:
        the hub's own server has it.
        """
        if self.own_server is None:
            return
        own = await self._own(self.own_server)
        try:
            theirs = await opened.fetchval(SYSTEM_IDENTIFIER)
        except asyncpg.UndefinedFunctionError:
            return
        except asyncpg.InsufficientPrivilegeError as problem:
            raise _untold("This PostgreSQL server does not tell its identifier", problem) from None
        if theirs == own:
            raise Rejected(
                "This is the hub's own PostgreSQL server: what lies there is every tenant's",
                code="own_server",
                hint="connect the server of the system that is to be read; if it has to be this"
                " one, set CROSSDOCK_ALLOW_LOCAL_DATABASES=true, which holds for every connection",
            )

    async def _own(self, own_server: OwnServer) -> str:
        try:
            return await own_server()
        except asyncpg.InsufficientPrivilegeError as problem:
            what = "The hub's own PostgreSQL server does not tell the hub its identifier"
            raise _untold(what, problem) from None

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        return await callable_addresses(
            host,
            port,
            resolver=self.resolver,
            allow_private_addresses=self.allow_private_addresses,
            seconds_max=RESOLVE_SECONDS_MAX,
        )


@dataclass(frozen=True, slots=True)
class _Parts:
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    has_password: bool

    @classmethod
    def parsed(cls, dsn: str) -> "_Parts":
        """Read a DSN as the driver does, of which nothing may stay unsaid."""
        said = _parameters(dsn, PARAMETERS)
        parts = urlsplit(dsn)
        login, at, spec = parts.netloc.partition("@")
        places = (spec if at else parts.netloc).split(",")
        if places == [""]:
            places = said.get("host", "").split(",")
        ports = _ports(said, len(places))
        if len(ports) != len(places):
            raise Invalid(f"The DSN has {len(places)} hosts and {len(ports)} ports", where="dsn")
        found = [_place(place, port) for place, port in zip(places, ports, strict=True)]
        return cls(
            tuple(host for host, _ in found),
            tuple(port for _, port in found),
            has_password=bool(at and login.partition(":")[2]) or bool(said.get("password")),
        )


def _parameters(dsn: str, allowed: Collection[str]) -> Mapping[str, str]:
    """Read what a DSN says behind its question mark, none of it unknown."""
    try:
        query = urlsplit(dsn).query
        said = dict(parse_qsl(query, strict_parsing=bool(query)))
    except ValueError:  # it quotes what may be part of a password
        raise Invalid("The DSN cannot be read", where="dsn", hint=ENCODE) from None
    if "\0" in unquote(dsn):
        # Behind it a login goes on as settings of the session.
        raise Invalid("The DSN has a zero byte", where="dsn")
    known = {*allowed, "sslrootcert"} if said.get("sslrootcert") == SYSTEM else allowed
    unknown = [name for name in said if name not in known]
    if unknown and "@" in unknown[0]:  # a login goes on behind a sign in it
        raise Invalid("The DSN cannot be read", where="dsn", hint=ENCODE)
    if unknown and unknown[0] in FILES:
        raise _local(f"The DSN has {unknown[0]!r}, which is read from a file of this machine")
    if unknown:
        raise Invalid(
            f"The DSN has {unknown[0][:40]!r}, which no connection may say of its session",
            where="dsn",
            code="dsn_parameter",
            hint=f"leave it out; a DSN may say {', '.join(PARAMETERS)}. What else the session"
            " needs, set for its login: `alter role reader set search_path = erp`",
        )
    return said


def server_named(dsn: str) -> str:
    """Name the server of a DSN for a message, and nothing of its login.

    Where signs that are not encoded leave open what is whose, it is not named.
    """
    unnamed = "the DSN's server"
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return unnamed
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    login, at, spec = parts.netloc.rpartition("@")
    is_cut = dsn.count("@") > login.count("@") + len(at)  # a login goes on behind a sign in it
    is_address = parts.scheme in {"postgresql", "postgres"}
    if is_cut or not is_address or (not spec and "password" in said):
        return unnamed
    if spec:
        return spec + parts.path if _PLACES.fullmatch(spec) else unnamed
    place = ":".join(said[name] for name in ("host", "port") if name in said)
    return place + parts.path if place else unnamed


def _ports(said: Mapping[str, str], count: int) -> list[int]:
    ports = [_port(text) for text in said.get("port", str(PORT_DEFAULT)).split(",")]
    return ports * count if len(ports) == 1 else ports


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(PORT_MAX))):
        raise Invalid(f"The DSN's port {text[:20]!r} is no number", where="dsn")
    if not 1 <= int(text) <= PORT_MAX:
        raise Invalid(f"The DSN's port {text} is none of 1 to {PORT_MAX}", where="dsn")
    return int(text)


def _place(place: str, port: int) -> tuple[str, int]:
    place = unquote(place)
    if not place or place.startswith(("/", "@")):
        raise _local("The DSN names a socket of this machine" if place else "The DSN has no host")
    host, colon, number = place.rpartition(":")
    if not colon or place.endswith("]"):
        return _host(place), port
    return _host(host), _port(number)


def _host(host: str) -> str:
    try:
        return checked_host(host)
    except Invalid as problem:
        raise Invalid(problem.message, where="dsn", hint=problem.hint) from None


def _local(what: str) -> Invalid:
    return Invalid(what, where="dsn", code="local_database", hint=_LOCAL_HINT)


def _untold(what: str, problem: asyncpg.PostgresError) -> Rejected:
    return Rejected(
        f"{what}, so the hub cannot know whether it is the hub's own: {problem}",
        code="server_untold",
        hint="let the login ask for it there: `grant execute on function"
        " pg_catalog.pg_control_system() to LOGIN`; if that cannot be, set"
        " CROSSDOCK_ALLOW_LOCAL_DATABASES=true, which holds for every connection",
    )
