"""Interchanges as partners write them, and a house that exchanges some with one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.assembly import gateway
from crossdock.canonical.envelope import Payload
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    Identity,
    IdentityKind,
    OnboardingState,
    Standard,
)
from crossdock.capabilities.partners import Partner, PartnerSaid
from crossdock.connectivity.interchanges import Handed, Outcome, TakenIn
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope
from crossdock.orchestration.cases import Case, Cases

ORDER = ("BEG*00*SA*4711**20261128", "PO1*1*12*EA*9.25*PE*VN*BOLT-8", "CTT*1")
OWN, THEIRS = ("ZZ", "SELLER"), ("ZZ", "BUYER")


def x12_set(kind: str, body: Sequence[str], control: str = "0001") -> str:
    return "".join(
        f"{one}~" for one in (f"ST*{kind}*{control}", *body, f"SE*{len(body) + 2}*{control}")
    )


def x12(  # noqa: PLR0913 - what headers say
    control: int,
    *sets: str,
    group: int = 1,
    functional: str = "PO",
    sender: tuple[str, str] = THEIRS,
    receiver: tuple[str, str] = OWN,
    usage: str = "P",
    wants: int = 0,
    beside: str = "",
) -> bytes:
    """Write an interchange of one group, or of TA1s (`beside`) alone."""
    sides = "*".join(f"{one}*{two:<15}" for one, two in (sender, receiver))
    head = f"ISA*00*{'':10}*00*{'':10}*{sides}*261128*0510*U*00401*{control:09}*{wants}*{usage}*>~"
    groups = ""
    if sets:
        gs = f"GS*{functional}*{sender[1]}*{receiver[1]}*20261128*0510*{group}*X*004010~"
        groups = f"{gs}{''.join(sets)}GE*{len(sets)}*{group}~"
    return f"{head}{beside}{groups}IEA*{int(bool(sets))}*{control:09}~".encode()


def order(number: str = "4711", control: str = "0001") -> str:
    return x12_set("850", (f"BEG*00*SA*{number}**20261128", *ORDER[1:]), control)


def said_997(group: int, status: str = "A", *sets: tuple[str, str, str]) -> str:
    """Write a 997 for a group of ours: its status, and that of sets (kind, number, status)."""
    body = [f"AK1*PO*{group}"]
    for kind, number, verdict in sets:
        body += [f"AK2*{kind}*{number}", f"AK5*{verdict}"]
    taken = sum(one[2] == "A" for one in sets) if sets else int(status == "A")
    count = len(sets) or 1
    return x12_set("997", (*body, f"AK9*{status}*{count}*{count}*{taken}"))


def orders(reference: str, *, date: str = "20261128", test: bool = False) -> bytes:
    """Write an interchange of EDIFACT with one ORDERS."""
    flag = "++++++1" if test else ""
    body = [
        "UNH+1+ORDERS:D:96A:UN:EAN008",
        "BGM+220+4711+9",
        f"DTM+137:{date}:102",
        "NAD+BY+4012345000009::9",
        "LIN+1++4006381333931:EN",
        "QTY+21:12:PCE",
        "UNS+S",
        "CNT+2:1",
    ]
    segments = [
        f"UNB+UNOC:3+4012345000009:14+SELLER:ZZ+261128:0510+{reference}{flag}",
        *body,
        f"UNT+{len(body) + 1}+1",
        f"UNZ+1+{reference}",
    ]
    return "".join(f"{one}'" for one in segments).encode()


@dataclass
class Traders:
    """A house, its gateway, and one partner."""

    database: Database
    clock: VirtualClock
    scope: Scope

    def __post_init__(self) -> None:
        self.gateway = gateway.over(self.database, self.clock, SystemIds())
        self.cases = Cases(self.database, self.clock)

    async def own(self) -> Partner:
        return await self.entered("Own House", (PartyRole.LEGAL_ENTITY,), *OWN)

    async def entered(
        self, name: str, roles: tuple[PartyRole, ...], qualifier: str, value: str
    ) -> Partner:
        partners = self.gateway.partners
        said = PartnerSaid(
            name=name,
            roles=roles,
            owner="EDI desk",
            contacts=(Contact(name="Ann", email="ann@example.com"),),
        )
        one = await partners.put(self.scope, said, by="Eve")
        identity = Identity(IdentityKind.ISA, value, qualifier)
        return await partners.identify(self.scope, one.partner, identity, by="Eve")

    async def agree(
        self,
        partner: Partner,
        document: str = "850",
        direction: Direction = Direction.IN,
        standard: Standard = Standard.X12,
        *,
        ack: Acknowledgment = Acknowledgment.X997,
        within: int = 0,
    ) -> Partner:
        said = Agreement(
            standard=standard,
            document=document,
            direction=direction,
            acknowledgment=ack,
            within_minutes=within,
        )
        return await self.gateway.partners.agree(self.scope, partner.partner, said, by="Eve")

    async def live(self) -> Partner:
        """Take a buyer all the way: connected, tested with an order, approved, live."""
        await self.own()
        one = await self.entered("Buyer", (PartyRole.CUSTOMER,), *THEIRS)
        await self.agree(one)
        await self.advance(one, OnboardingState.CONNECTED)
        [tested] = (await self.receive(x12(900, order("test"), usage="T"))).interchanges
        assert tested.state == "TAKEN", tested
        await self.advance(one, OnboardingState.TESTED)
        await self.advance(one, OnboardingState.APPROVED, by="Bob")
        await self.advance(one, OnboardingState.LIVE, by="Bob")
        return (await self.gateway.partners.show(self.scope, one.partner)).partner

    async def advance(self, one: Partner, to: OnboardingState, by: str = "Ann") -> None:
        await self.gateway.partners.advance(self.scope, one.partner, to, by=by)

    async def receive(self, *chunks: bytes, name: str = "f.edi") -> TakenIn:
        handed = Handed(name=name, by="test")
        return await self.gateway.interchanges.receive(self.scope, chunks, handed)

    async def one(self, body: bytes) -> Outcome:
        [found] = (await self.receive(body)).interchanges
        return found

    async def sent(self, body: bytes) -> Outcome:
        handed = Handed(name="out.edi", by="test", direction=Direction.OUT)
        [found] = (
            await self.gateway.interchanges.receive(self.scope, [body], handed)
        ).interchanges
        return found

    async def text(self, interchange: str) -> str:
        parts = await self.gateway.exchanged.body(self.scope, interchange)
        return b"".join(parts).decode("latin-1")

    async def told(self) -> list[Payload]:
        async with self.database.transaction(self.scope) as tx:
            events, _ = await event_log.read(tx, Position(), limit=1000)
        return [one.fact.payload for one in events]

    async def open_cases(self) -> list[Case]:
        return await self.cases.find(self.scope)
