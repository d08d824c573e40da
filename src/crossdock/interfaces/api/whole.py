"""A request and its answer in one piece each, from a server that can: an extension of ASGI.

ASGI has a message for every part of a body and of an answer, which a small one pays for many
times over. Where a server offers this, the hot routes read and answer at once; where it does not,
or the caller cannot take an answer just now, they go by messages as everything else does.
"""

from collections.abc import Callable, Mapping, Sequence
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


AnswerTaken = Callable[[int, bytes, bytes], None]
"""Takes the status, whole header lines and the body of the answer to a request that was taken."""


class TakesWhole(Protocol):
    """An application that answers some requests without the steps of ASGI."""

    def route_of(self, method: bytes, address: bytes) -> Any | None:
        """Name the route whose requests may be taken; None for all others."""
        ...

    def takes(
        self,
        route: Any,
        sent: Sequence[tuple[bytes, bytes]],
        body: bytes,
        answer_taken: AnswerTaken,
    ) -> bool:
        """Take a request whose body is here and answer it later, once. False: ASGI has it."""
        ...


def whole_of(scope: Mapping[str, Any]) -> Whole | None:
    extensions = scope.get("extensions")
    return cast("Whole | None", extensions.get(EXTENSION)) if extensions else None
