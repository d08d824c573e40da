"""Interchanges of our own for tests, in any delimiters, with any of their parts put wrong."""

from collections.abc import Iterator, Sequence

from crossdock.connectivity.edi.findings import Finding, Severity
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.envelope import Event, events
from crossdock.connectivity.edi.x12.reading import pages
from crossdock.connectivity.edi.x12.tables import known
from crossdock.connectivity.edi.x12.validation import validated

HEADER = (
    "ISA*00*          *00*          *ZZ*BUYER          *ZZ*SELLER         "
    "*261128*0510*U*00401*{control:09}*0*P*>"
)
STARS = Delimiters(element="*", component=">", segment="~")
ORDER = (
    "BEG*00*SA*4711**20261128",
    "CUR*BY*USD",
    "REF*DP*038",
    "ITD*01*3*2**30**31",
    "DTM*010*20261205",
    "N1*ST*CENTRAL WAREHOUSE*92*0042",
    "N3*100 DOCK ROAD",
    "N4*SPRINGFIELD*IL*62701*US",
    "PO1*1*12*EA*9.25*PE*VN*BOLT-8*UP*012345678905",
    "PID*F****HEX BOLT",
    "PO1*2*3*CA*40**VN*NUT-8",
    "CTT*2",
)
NOTICE = (
    "BSN*00*S1*20261128*0510*0001",
    "HL*1**S",
    "TD5*B*2*UPSN*M",
    "HL*2*1*O",
    "PRF*4711",
    "HL*3*2*P",
    "MAN*GM*00000614140000000017",
    "HL*4*3*I",
    "LIN**VN*BOLT-8",
    "SN1**12*EA",
    "CTT*4",
)


def interchange(
    body: Sequence[str] = ORDER,
    *,
    set_id: str = "850",
    group: str = "PO",
    control: int = 1,
    delimiters: Delimiters = STARS,
    line_end: str = "",
) -> str:
    """Write one set in one group, of segments written with stars."""
    count = len(body) + 2
    segments = [
        HEADER.format(control=control),
        f"GS*{group}*BUYER*SELLER*20261128*0510*{control}*X*004010",
        f"ST*{set_id}*0001",
        *body,
        f"SE*{count}*0001",
        f"GE*1*{control}",
        f"IEA*1*{control:09}",
    ]
    form = str.maketrans({"*": delimiters.element, ">": delimiters.component})
    end = delimiters.segment + line_end
    return "".join(segment.translate(form) + end for segment in segments)


def read(text: str | bytes, size: int = 1 << 16) -> list[Event]:
    """Read and check a file that comes in chunks of a size."""
    return list(validated(events(pages(chunks(text, size))), known))


def chunks(text: str | bytes, size: int = 1 << 16) -> Iterator[bytes]:
    data = text.encode("latin-1") if isinstance(text, str) else text
    return (data[at : at + size] for at in range(0, len(data), size))


def found(text: str | bytes, *, notes: bool = False) -> list[Finding]:
    """Give all that was found in a file, its notes only if asked for."""
    return [
        one
        for event in read(text)
        for one in getattr(event, "findings", ())
        if notes or one.severity is not Severity.NOTE
    ]
