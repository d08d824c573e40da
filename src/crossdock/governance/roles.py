"""What a caller may do: verbs (`stock:write`), the roles that bundle them, and the check."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Self

from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.foundation.scope import Scope


class Unauthenticated(Forbidden):
    """Nobody knows who is calling: no key, a key that is none, expired or revoked."""

    code = "unauthenticated"


class Area(StrEnum):
    """STOCK: availability and reservations. ALLOCATION: who is confirmed when stock is short.

    EVENTS: facts in, the log out. TELEMETRY: figures. PROCESSES: their instances. CASES: what a
    person must know of, with an owner and a deadline. FINANCE: what adjusts more than the cap.
    PARTNERS: trading partners, and what is agreed with them.
    """

    STOCK = "stock"
    ALLOCATION = "allocation"
    EVENTS = "events"
    CATALOG = "catalog"
    CONNECTIONS = "connections"
    PARTNERS = "partners"
    MESSAGES = "messages"
    DLQ = "dlq"
    PROCESSES = "processes"
    CASES = "cases"
    FINANCE = "finance"
    KEYS = "keys"
    TELEMETRY = "telemetry"


class Level(IntEnum):
    """Each level includes those below it."""

    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Verb:
    area: Area
    level: Level

    @classmethod
    def of(cls, text: str) -> Self:
        """Read `stock:write`."""
        area, _, level = text.partition(":")
        try:
            return cls(Area(area), Level[level.upper()])
        except (KeyError, ValueError):
            raise Invalid(
                f"{text!r} is no verb",
                where="/verbs",
                hint=f"area:level, with {', '.join(Area)} and read, write, admin",
            ) from None

    def __str__(self) -> str:
        return f"{self.area}:{self.level.name.lower()}"


def verbs_of(texts: Iterable[str]) -> frozenset[Verb]:
    return frozenset(Verb.of(text) for text in texts)


ROLES: Mapping[str, frozenset[Verb]] = MappingProxyType(
    {
        "owner": frozenset(Verb(area, Level.ADMIN) for area in Area),
        "operator": verbs_of(
            [
                "stock:write",
                "allocation:write",
                "events:read",
                "catalog:write",
                "connections:write",
                "partners:write",
                "messages:write",
                "dlq:write",
                "processes:write",
                "cases:write",
                "telemetry:read",
            ]
        ),
        "finance": verbs_of(["stock:read", "catalog:read", "cases:write", "finance:write"]),
        "channel": verbs_of(["stock:write", "catalog:read"]),
        "source": verbs_of(["events:write", "catalog:read"]),
        "reader": frozenset(Verb(area, Level.READ) for area in Area if area is not Area.KEYS),
        "metrics": verbs_of(["telemetry:read"]),
    }
)
"""Names for the bundles that are usually wanted; a key stores the verbs, never the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever a credential proved the caller to be.

    Keys of one name are one client: a key is replaced by another of its name, and a request that
    is repeated with the new one is still the same request. `channels` are those that it may
    promise and plan for, as they are spelled; none is whichever it names.
    """

    tenant: str
    verbs: frozenset[Verb]
    key_id: str
    name: str = ""
    partner: str = ""
    channels: frozenset[str] = frozenset()
    scope: Scope = field(init=False, repr=False, compare=False)
    _levels: Mapping[Area, Level] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Keep what every request asks of its caller."""
        levels: dict[Area, Level] = {}
        for verb in self.verbs:
            levels[verb.area] = max(verb.level, levels.get(verb.area, verb.level))
        object.__setattr__(self, "scope", Scope(self.tenant, self.partner))
        object.__setattr__(self, "_levels", levels)

    @property
    def client(self) -> str:
        """Name the caller for what must be idempotent: by what survives a change of keys."""
        return self.name or self.key_id

    def may(self, verb: Verb) -> bool:
        return self._levels.get(verb.area, 0) >= verb.level

    def speaks_for(self, channel: str) -> str:
        """Give the channel of what is asked for `channel`, or raise `Forbidden` if it may not be.

        Who is bound to one channel speaks for it without naming it ("").
        """
        if not self.channels or channel in self.channels:
            return channel
        if not channel and len(self.channels) == 1:
            return next(iter(self.channels))
        own = ", ".join(sorted(self.channels))
        raise Forbidden(
            f"key {self.key_id} may not speak for channel {channel!r}"
            if channel
            else f"key {self.key_id} may speak for several channels, and none is named",
            code="channel_scope",
            hint=f"name one of its own in `channel`: {own}",
        )


def require(principal: Principal, verb: Verb) -> None:
    """Let the principal pass, or raise `Forbidden` naming the verb it lacks."""
    if not principal.may(verb):
        raise Forbidden(
            f"key {principal.key_id} lacks {verb}",
            code="verb_missing",
            hint="ask whoever keeps the keys for one with this verb",
        )
