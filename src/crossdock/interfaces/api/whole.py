"""A request and its answer in one piece each, from a server that can: an extension of ASGI.

ASGI has a message for every part of a body and of an answer, which a small one pays for many
times over. Where a server offers this, the hot routes read and answer at once; where it does not,
or the caller cannot take an answer just now, they go by messages as everything else does.
"""

from collections.abc import Mapping
from typing import Any, Protocol, cast

EXTENSION = "crossdock.whole"


class Whole(Protocol):
    @property
    def body(self) -> bytes | None:
        """The body, once all of it has come; None while some is on its way."""
        ...

    def answer(self, status: int, head: bytes, body: bytes) -> bool:
        """Send it all; `head` is whole header lines. False: nothing was sent, send messages."""
        ...


def whole_of(scope: Mapping[str, Any]) -> Whole | None:
    extensions = scope.get("extensions")
    return cast("Whole | None", extensions.get(EXTENSION)) if extensions else None
