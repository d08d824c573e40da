"""What an application hands in: facts in canonical words, and what it could not translate."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossdock.canonical.envelope import Fact, Payload
from crossdock.foundation.content import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Untranslatable:
    """A message, or one record of it, that the mapping refuses: kept, visible, replayable.

    `code` is from the exception taxonomy (`EVT-SCHEMA`, `MD-UOM` ...), `where` a JSON pointer, a
    column or a line number, `reason` the sentence a person reads.
    """

    code: str
    where: str
    reason: str
    record: bytes = b""


def versioned(identity: str, version: int) -> str:
    """Name one version of a whole state (an item, an order): each is a fact of its own.

    `version` is the source's revision: two contents under one of it are a conflict.
    """
    return f"{identity}@{version}"


def stamped(identity: str, micros: int, state: Payload) -> str:
    """Name one version of a whole state by a time of its source, where that counts no revisions.

    A clock does not tell all versions apart: seconds are coarse, and a transaction that stamps
    with its start may commit after a younger one. So what is said is part of the name, and of two
    states under one time the one that is received later is the newer.
    """
    return f"{versioned(identity, micros)}:{digest(state)}"


@dataclass(frozen=True, slots=True)
class Translation:
    """What one native message says. Both lists empty: the message is known and says nothing."""

    facts: tuple[Fact, ...] = ()
    refused: tuple[Untranslatable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that came in by itself: a webhook call or a dropped file.

    Header names are lower case. `body` is exactly what came over the wire. `name` is the file's
    name, or the route's tail.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One page of what is new. `cursor` is opaque to the hub and stored in the facts' transaction.

    `raw` is the native page as read, kept beside the facts. `is_caught_up` ends the round: there
    is nothing more until the next one. `proves_alive` says that the source itself gave this
    answer, so its silence means that nothing changed; an empty folder proves nothing of who fills
    it. `warning` of a page that is caught up says what was passed over, why, and what to do: it
    stands with the connection until a later round says otherwise.
    """

    translation: Translation
    cursor: str
    raw: bytes
    is_caught_up: bool
    proves_alive: bool = True
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ToldAgain:
    """Messages of a stream that were asked for again by their numbers.

    `raw` is the native answer: `translate` reads it again as the same facts.
    """

    translation: Translation
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAnswer:
    """What lies of the keys that were asked for, as snapshots that are not full.

    Each snapshot is `recorded_at` the moment as of which it holds. Of a key of which nothing lies
    there it says zero; a key of which nobody can tell just now is left out. `raw` is the native
    answer: `translate` reads it again as the same facts.
    """

    translation: Translation
    raw: bytes
