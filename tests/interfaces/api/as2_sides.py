"""Two trading partners at one server, each a tenant of its own: they meet over HTTP alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from crossdock.connectivity.as2 import exchange, mime
from crossdock.connectivity.as2.exchange import Exchange
from crossdock.connectivity.as2.messages import KeptMessage, ToSend
from crossdock.connectivity.as2.profiles import Profile, Resending
from crossdock.connectivity.as2.terms import Incoming, Outgoing, Payload
from crossdock.connectivity.transports.http import HttpClient, HttpResponse, target_of
from crossdock.connectivity.vault import Vault
from crossdock.foundation import event_log
from crossdock.foundation.clock import SystemClock, VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope
from crossdock.orchestration.case_desk import CaseDesk
from tests.unit.connectivity.as2.parties import pem

MAIN, ACME = Scope("main"), Scope("acme")
ORDER = Payload(content=b"ISA*00*~\r\n\x00\xff", content_type="application/edi-x12")
ONCE = Resending(attempts=3, wait_minutes=10, receipt_minutes=60)


def certificate(name: str) -> str:
    """Give what the other side has of a key."""
    return pem(name)[pem(name).index(b"-----BEGIN CERTIFICATE") :].decode()


def exchange_at(database: Database, clock: VirtualClock) -> Exchange:
    return exchange.over(
        database,
        clock,
        (SystemIds(), Random(11)),
        (Vault(bytes(32)), CaseDesk()),
        allow_private_addresses=True,
    )


@dataclass
class Sides:
    """The dock is tenant `main`, Acme tenant `acme`; `url` is where the server is."""

    as2: Exchange
    clock: VirtualClock
    database: Database
    url: str

    @property
    def acmes(self) -> str:
        return f"{self.url}/as2?tenant=acme"

    @property
    def docks(self) -> str:
        return f"{self.url}/as2"

    async def agree(
        self,
        outgoing: Outgoing | None = None,
        incoming: Incoming | None = None,
        *,
        url: str = "",
        acme_knows: str = "dock",
    ) -> None:
        """Have both sides know each other: `outgoing` is the dock's, `incoming` Acme's."""
        await self.as2.partners.put_key(MAIN, "dock", pem("dock"), by="test")
        await self.as2.partners.put_key(ACME, "Acme Ltd", pem("shop"), by="test")
        ours = Profile(
            house="dock",
            partner="Acme Ltd",
            url=url or self.acmes,
            certificates=(certificate("shop"),),
            outgoing=outgoing or Outgoing(),
            resending=ONCE,
        )
        theirs = Profile(
            house="Acme Ltd",
            partner="dock",
            url=self.docks,
            certificates=(certificate(acme_knows),),
            incoming=incoming or Incoming(bytes_max=1_000_000),
            resending=ONCE,
        )
        await self.as2.partners.put(MAIN, ours, by="test")
        await self.as2.partners.put(ACME, theirs, by="test")

    async def send(self, payload: Payload = ORDER, request_id: str = "r1") -> KeptMessage:
        intended = await self.intend(payload, request_id)
        return await self.as2.posting.post(MAIN, intended.message)

    async def intend(self, payload: Payload = ORDER, request_id: str = "r1") -> KeptMessage:
        wanted = ToSend(house="dock", partner="Acme Ltd", payload=payload, request_id=request_id)
        return await self.as2.posting.intend(MAIN, wanted)

    async def again(self, message: str, minutes: int) -> KeptMessage:
        """Send what is due after so many minutes."""
        await self.clock.advance(timedelta(minutes=minutes))
        return await self.as2.posting.post(MAIN, message)

    async def taken(self) -> list[KeptMessage]:
        """Give what Acme has taken and refused."""
        return await self.as2.messages.listed(ACME, direction="IN")

    async def raw_of(self, message: str) -> bytes:
        return (await self.as2.messages.show(MAIN, message)).raw

    async def events(self, scope: Scope, kind: str) -> Sequence[Any]:
        async with self.database.transaction(Scope.of_workers()) as tx:
            found, _ = await event_log.read(tx, Position(), limit=1000, types=[kind])
        return [one.payload for one in found if one.tenant == scope.tenant]

    async def change(self, **more: Any) -> None:
        """Change what the dock has agreed with Acme."""
        now = (await self.as2.partners.show(MAIN, "dock", "Acme Ltd")).profile
        await self.as2.partners.put(MAIN, replace(now, **more), by="test")


async def bring(url: str, raw: bytes) -> HttpResponse:
    """Bring a message as it travels to where the address says."""
    message = mime.read(raw)
    base, path = target_of(url)
    client = HttpClient(base, clock=SystemClock(), allow_private_addresses=True)
    async with client:
        return await client.request("POST", path, headers=dict(message.headers), body=message.body)


@dataclass
class Between:
    """A line between the two that does to calls what it is told, one after the other.

    PASS: as it is. LOSE: it arrives, and the answer is lost. EMPTY: it arrives, and the answer is
    empty. DOWN: 503. Bytes: this is answered instead, as a receipt.
    """

    to: str
    does: list[str | bytes]
    seen: list[bytes] = field(default_factory=list[bytes])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = await whole(scope, receive)
        self.seen.append(raw)
        status, headers, answer = await self._done(raw)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _done(self, raw: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        how = self.does.pop(0) if self.does else "PASS"
        if isinstance(how, bytes):
            message = mime.read(how)
            return 200, encoded(dict(message.headers)), message.body
        if how == "DOWN":
            return 503, [], b""
        answered = await bring(self.to, raw)
        if how == "PASS":
            return answered.status, encoded(answered.headers), answered.body
        return (502 if how == "LOSE" else 200), [], b""


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    skipped = {"content-length", "connection", "transfer-encoding"}
    return [(k.encode(), v.encode()) for k, v in headers.items() if k.lower() not in skipped]


async def whole(scope: Any, receive: Any) -> bytes:
    """Read a request as a message: its headers but those of the journey, and its body."""
    body, is_more = b"", True
    while is_more:
        part = await receive()
        body += part.get("body", b"")
        is_more = part.get("more_body", False)
    skipped = {b"host", b"content-length", b"connection", b"accept-encoding"}
    head = b"".join(b"%b: %b\r\n" % one for one in scope["headers"] if one[0] not in skipped)
    return head + b"\r\n" + body
