"""Asks a warehouse system for messages that never came, and for what lies of single items.

Both are GETs with a bearer token. An event store answers `{"events": [message, …]}`, each message
as its webhook was; stock is answered by one snapshot message that is not full.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode

from pydantic import SecretStr

from crossdock.applications.generic_wms.mapping import translated
from crossdock.applications.generic_wms.settings import GenericWmsSettings
from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.connectivity.sdk import Delivery, Ports, StockAnswer, ToldAgain, Translation
from crossdock.connectivity.transports.http import MIB, HttpClient, checked

NUMBERS_MAX = 500
ITEMS_MAX = 50
ANSWER_BYTES_MAX = 16 * MIB


class Asks:
    """One address of the warehouse, and the token that it knows the hub by."""

    def __init__(self, client: HttpClient, token: SecretStr | None) -> None:
        self._client = client
        self._token = token.get_secret_value() if token else ""

    async def get(self, query: Sequence[tuple[str, str]]) -> bytes:
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        path = "?" + urlencode(query, quote_via=quote)
        return checked(await self._client.request("GET", path, headers=headers)).body


@asynccontextmanager
async def asking(
    url: str, settings: GenericWmsSettings, ports: Ports
) -> AsyncGenerator[Asks | None]:
    """Open what is asked at this address; None without one."""
    if not url:
        yield None
        return
    client = HttpClient(
        url,
        clock=ports.clock,
        allow_private_addresses=ports.allow_private_addresses,
        response_bytes_max=ANSWER_BYTES_MAX,
    )
    async with client:
        yield Asks(client, settings.asks_token)


async def told_again(
    asks: Asks | None, settings: GenericWmsSettings, stream: str, first: int, last: int
) -> ToldAgain:
    """Ask the event store for the messages `first` to `last` of a stream."""
    if asks is None:
        raise Rejected("the connection has no events_url", code="role_not_played")
    query = (("stream", stream), ("from", str(first)), ("to", str(last)))
    raw = await asks.get(query)
    return ToldAgain(translated(Delivery(body=raw), settings), raw)


async def stock_of(
    asks: Asks | None, settings: GenericWmsSettings, location: str, items: Sequence[str]
) -> StockAnswer:
    """Ask what lies of these items; an answer that is no count of just them is refused whole."""
    if asks is None:
        raise Rejected("the connection has no stock_url", code="role_not_played")
    raw = await asks.get([("location", location), *(("item", item) for item in items)])
    translation = translated(Delivery(body=raw), settings)
    if problem := breach_of(translation, location, items):
        raise Rejected(f"the answer of stock_url {problem}", code="unexpected")
    return StockAnswer(translation=translation, raw=raw)


def breach_of(translation: Translation, location: str, items: Sequence[str]) -> str:
    """Say why an answer is none to the question; "" if it is.

    What is recorded of it says what lies there: a full count, say, would empty all that was not
    asked for, and a number would pass for that of a message.
    """
    if translation.refused:
        return f"cannot be read: {translation.refused[0].reason}"
    for fact in translation.facts:
        taken = fact.payload
        if not isinstance(taken, StockSnapshotTaken):
            return "tells more than what lies there"
        if taken.is_full or fact.sequence is not None:
            return "is full, or has a sequence: of single items it has neither"
        if taken.location != location or any(line.item not in items for line in taken.lines):
            return f"is of more than was asked for at {location!r}"
    return ""
