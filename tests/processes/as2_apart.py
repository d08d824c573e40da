"""What a house trades by AS2, and how a stranger asks for it by its very names."""

from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any, Protocol

from crossdock.assembly import Hub
from crossdock.connectivity.as2.messages import ToSend
from crossdock.connectivity.as2.profiles import Profile
from crossdock.connectivity.as2.terms import Incoming, Outgoing, Payload, ReceiptKind
from crossdock.foundation.scope import Scope
from tests.unit.connectivity.as2.parties import pem

PROFILE = Profile(
    house="dock",
    partner="acme",
    url="http://127.0.0.1:9/",
    outgoing=Outgoing(digest=None, cipher=None, receipt=ReceiptKind.NONE),
    incoming=Incoming(must_be_signed=False, must_be_encrypted=False),
)
WANTED = ToSend(house="dock", partner="acme", payload=Payload(content=b"x"), request_id="r")
HEADERS = (
    ("AS2-From", "acme"),
    ("AS2-To", "dock"),
    ("Message-ID", "<1@acme>"),
    ("Disposition-Notification-To", "acme"),
)


class Full(Protocol):
    @property
    def hub(self) -> Hub: ...


async def filled(hub: Hub, scope: Scope) -> None:
    """Have a house agree with a partner, and take and intend a message."""
    await hub.as2.partners.put(scope, PROFILE, by="main's")
    await hub.as2.posting.intend(scope, WANTED)
    await hub.as2.answering.receive(scope, HEADERS, read)


async def read(_most: int) -> BytesIO:
    return BytesIO(b"ISA*")


Ask = Callable[[Full], Awaitable[Any]]


async def _receives(full: Full, scope: Scope) -> bytes:
    """Bring what the partner of main has sent; nobody knows it here."""
    reply = await full.hub.as2.answering.receive(scope, HEADERS, read)
    return b"" if b"authentication-failed" in reply.body else reply.body


async def _message(full: Full) -> str:
    return (await full.hub.as2.messages.listed(Scope("main")))[0].message


def shows(other: Scope) -> Mapping[str, Ask]:
    async def shown(full: Full) -> Any:
        return await full.hub.as2.messages.show(other, await _message(full))

    async def told(full: Full) -> Any:
        return await full.hub.as2.messages.one(other, await _message(full))

    async def posted(full: Full) -> Any:
        return await full.hub.as2.posting.post(other, await _message(full))

    async def again(full: Full) -> Any:
        return await full.hub.as2.posting.again(other, await _message(full))

    return {
        "Messages.listed": lambda full: full.hub.as2.messages.listed(other),
        "Messages.one": told,
        "Messages.show": shown,
        "PartnerBook.ending": lambda full: full.hub.as2.partners.ending(other),
        "PartnerBook.keys": lambda full: full.hub.as2.partners.keys(other),
        "PartnerBook.listed": lambda full: full.hub.as2.partners.listed(other),
        "PartnerBook.show": lambda full: full.hub.as2.partners.show(other, "dock", "acme"),
        "Posting.again": again,
        "Posting.intend": lambda full: full.hub.as2.posting.intend(other, WANTED),
        "Posting.post": posted,
        "Answering.receive": lambda full: _receives(full, other),
    }


def does(other: Scope) -> Mapping[str, Ask]:
    return {
        "PartnerBook.put": lambda full: full.hub.as2.partners.put(other, PROFILE, by="x"),
        "PartnerBook.reseal": lambda full: full.hub.as2.partners.reseal(other),
        "PartnerBook.put_key": lambda full: full.hub.as2.partners.put_key(
            other, "dock", pem("dock"), by="x"
        ),
    }
