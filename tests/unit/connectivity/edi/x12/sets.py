"""One right set of each kind that the tables know, in our own words, and sets made of a table."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from hypothesis import strategies as st

from crossdock.connectivity.edi.definitions import (
    MANY,
    Definitions,
    Element,
    Part,
    SegmentDefinition,
)
from crossdock.connectivity.edi.x12.writing import Form, Value, header_written, written

AT = datetime(2026, 11, 28, 5, 10, tzinfo=UTC)
ADDRESS = ("N1*ST*CENTRAL WAREHOUSE*92*0042", "N3*100 DOCK ROAD", "N4*SPRINGFIELD*IL*62701*US")
BODIES: dict[str, tuple[str, ...]] = {
    "850": (
        "BEG*00*SA*4711**20261128*C-9",
        "REF*DP*038",
        *("CSH*N", "ITD*01*3*2**30**31", "DTM*010*20261205", "TD5*B*2*UPSN*M"),
        *("N9*L1*NOTE", "MSG*RING AT THE GATE", *ADDRESS),
        *("PO1*1*12*EA*9.25*PE*VN*BOLT-8", "PID*F****HEX BOLT", "SDQ*EA*92*0042*8*0043*4"),
        *("SCH*12*EA***010*20261205", "CTT*1*12"),
    ),
    "855": (
        "BAK*00*AC*4711*20261128****S-1",
        "DTM*068*20261206",
        *ADDRESS,
        *("PO1*1*12*EA*9.25**VN*BOLT-8", "ACK*IQ*10*EA*068*20261206**VN*BOLT-8", "ACK*IB*2*EA"),
        "CTT*1",
    ),
    "860": (
        "BCH*04*SA*4711**1*20261128*****20261129",
        *("REF*DP*038", *ADDRESS),
        *("POC*1*QI*14*2*EA*9.25**VN*BOLT-8", "PID*F****HEX BOLT", "CTT*1"),
    ),
    "865": (
        "BCA*04*AC*4711***20261128",
        *("REF*DP*038", *ADDRESS),
        *("POC*1*QI*14*2*EA*9.25**VN*BOLT-8", "ACK*IA*14*EA", "CTT*1"),
    ),
    "856": (
        "BSN*00*S1*20261128*0510*0001",
        *("DTM*011*20261128", "HL*1**S", "TD1*CTN25*1****G*12*LB", "TD5*B*2*UPSN*M", *ADDRESS),
        *("HL*2*1*O", "PRF*4711", "HL*3*2*P", "MAN*GM*00000614140000000017"),
        *("HL*4*3*I", "LIN**VN*BOLT-8", "SN1**12*EA", "PO4*6*2*EA", "CTT*4"),
    ),
    "861": (
        "BRA*R-1*20261128*00*1",
        *("DTM*050*20261128", "PRF*4711", *ADDRESS),
        *("RCD*1*10*EA***2*EA*01", "LIN**VN*BOLT-8", "CTT*1"),
    ),
    "832": (
        "BCT*PS*SPRING",
        *("REF*CT*C-9", "CUR*SE*USD", *ADDRESS),
        *("LIN*1*VN*BOLT-8", "PID*F****HEX BOLT", "PO4*6*2*EA", "CTP**RES*9.25*1*EA", "CTT*1"),
    ),
    "810": (
        "BIG*20261128*R-77*20261120*4711",
        *("REF*VR*0042", *ADDRESS, "ITD*01*3*2**30*20261228*31", "DTM*011*20261127"),
        *("IT1*1*12*EA*9.25*PE*VN*BOLT-8", "PID*F****HEX BOLT", "TDS*11600"),
        *("CAD*M***UPSN", "SAC*C*D240***500", "ISS*12*EA*30*LB", "CTT*1"),
    ),
    "812": (
        "BCD*20261128*G-5*A*2775*C*20261120*R-77",
        *("N9*VR*0042", *ADDRESS),
        *("CDD*01*C*1*2775***3*EA**RES*9.25", "LIN**VN*BOLT-8"),
    ),
    "820": (
        "BPR*C*116*C*ACH*CTX*01*021000021*DA*12345*1234567890**01*021000021*DA*67890*20261228",
        *("TRN*1*P-3", "CUR*PR*USD", "N1*PR*BUYER", "ENT*1"),
        *("RMR*IV*R-77**116*116", "REF*PO*4711", "DTM*003*20261128"),
    ),
    "846": (
        "BIA*00*SI*B-1*20261128*0510",
        *(*ADDRESS, "LIN*1*VN*BOLT-8", "PID*F****HEX BOLT", "CTP**RES*9.25"),
        *("QTY*33*120*EA", "SCH*50*EA***018*20261210", "CTT*1"),
    ),
    "852": (
        "XQ*G*20261122*20261128",
        *("N9*IA*0042", *ADDRESS, "LIN*1*VN*BOLT-8", "ZA*QS*7*EA", "SDQ*EA*92*0042*4*0043*3"),
        *("ZA*QA*120*EA", "CTT*1"),
    ),
    "867": (
        "BPT*00*T-1*20261128*SS",
        *("DTM*090*20261122", *ADDRESS, "PTD*SS***OI*R-77", "DTM*003*20261125"),
        *("N1*EU*SMITH", "QTY*32*7*EA", "LIN**VN*BOLT-8", "AMT*LI*64.75", "CTT*1"),
    ),
    "940": (
        "W05*N*D-1*4711",
        *(*ADDRESS, "N9*CO*4711", "G62*10*20261130", "NTE*WHI*KEEP DRY", "W66*PP*M"),
        *("LX*1", "W01*12*EA**VN*BOLT-8", "G69*HEX BOLT", "N9*LI*1", "W76*12*30*LB"),
    ),
    "943": (
        "W06*N*D-2*20261128*SH-1",
        *(*ADDRESS, "N9*CO*4711", "G62*17*20261130", "W27*M*UPSN"),
        *("W04*12*EA**VN*BOLT-8", "N9*LT*L7", "W03*12*30*LB"),
    ),
    "944": (
        "W17*F*20261128*RE-1*D-2",
        *(*ADDRESS, "N9*CO*4711", "G62*09*20261128"),
        *("W07*12*EA**VN*BOLT-8", "W13*2*EA*01", "W14*12*12*0"),
    ),
    "945": (
        "W06*F*D-1*20261128*SH-1**4711",
        *(*ADDRESS, "N9*BM*B-1", "G62*11*20261128", "W27*M*UPSN", "LX*1"),
        *("MAN*GM*00000614140000000017", "W12*CC*12*12*0*EA**VN*BOLT-8", "N9*LT*L7"),
        "W03*12*30*LB",
    ),
    "947": (
        "W15*20261128*A-1*A-2",
        *(*ADDRESS, "N9*CO*4711", "W19*05*2*EA**VN*BOLT-8", "G69*HEX BOLT"),
    ),
    "204": (
        "B2**UPSN**L-1**PP",
        *("B2A*00*LT", "L11*4711*PO", "G62*64*20261128*1*1400", "N1*BT*BUYER"),
        *("N7**TR-9", "S5*1*CL*30*L*12*EA", "G62*10*20261129", *ADDRESS, "G61*SH*DOCK*TE*5551234"),
        *("L5*1*BOLTS", "AT8*G*L*30*1", "S5*2*CU", "L3*30*G*120*FR*12000"),
    ),
    "990": ("B1*UPSN*L-1*20261128*A", "N9*CN*P-1", "S5*1*CL", "G62*10*20261129"),
    "214": (
        "B10*P-1*L-1*UPSN",
        *("L11*4711*PO", *ADDRESS, "LX*1", "AT7*X3*NS***20261129*0900*LT"),
        *("MS1*SPRINGFIELD*IL*US", "MS2*UPSN*TR-9", "L11*1*QN", "AT8*G*L*30*1"),
    ),
    "210": (
        "B3**F-1*L-1*PP**20261128*12000****UPSN",
        *("C3*USD", "N9*BM*B-1", "G62*11*20261127", *ADDRESS, "N7**TR-9"),
        *("LX*1", "L5*1*BOLTS", "L0*1***30*G***1*CTN", "L1*1*120*FR*12000", "L3*30*G***12000"),
    ),
    "824": (
        "BGN*11*AA-1*20261128*0510",
        *("N1*FR*SELLER", "OTI*TR*TN*R-77***20261128**1*0001*810", "REF*IV*R-77"),
        *("TED*012*PRICE DIFFERS*IT1*9*4*212*9.52*9.25", "NTE*ERN*SEE ORDER 4711"),
    ),
    "997": ("AK1*PO*1", "AK2*850*0001", "AK3*BEG*2**8", "AK4*5*373*8*20261328", "AK5*R*5",
            "AK9*R*1*1*0"),
}  # fmt: skip
LATER: dict[tuple[str, str], tuple[str, ...]] = {
    ("005010", "850"): tuple(one.replace("MSG*", "MTX**") for one in BODIES["850"]),
    ("005010", "824"): (
        *BODIES["824"][:-2],
        "TED*012*PRICE DIFFERS*IT1*9*4>1*212*9.52*9.25",
        *("CTX*LINE>1*IT1*9**4>1*212", "NTE*ERN*SEE ORDER 4711"),
    ),
    ("005010", "944"): (
        *("W17*F*20261128*RE-1*D-2", *ADDRESS, "N9*CO*4711", "G62*09*20261128", "LX*1"),
        *("W07*12*EA**VN*BOLT-8", "W13*2*EA*01", "W14*12*12*0"),
    ),
    ("005010", "999"): (
        "AK1*PO*1*005010",
        *("AK2*850*0001*GUIDE-7", "IK3*BEG*2**8", "CTX*SITUATION*REF*3**2>1*127"),
        *("IK4*5*373*8*20261328", "CTX*ORDER>4711", "IK5*R*5", "AK9*R*1*1*0"),
    ),
}  # fmt: skip
"""Where a right set of a later version is another."""


def body_of(version: str, set_id: str) -> tuple[str, ...]:
    """Give the segments of a right set, without its header and trailer."""
    return LATER.get((version, set_id)) or BODIES[set_id]


def file_of(
    body: Iterable[str], *, set_id: str, group: str, version: str = "004010", form: Form
) -> str:
    """Write a set as a file of its own, with the hub's own writer."""
    sides = ("ZZ", "SELLER"), ("ZZ", "BUYER")
    inner = [[parts_of(one) for one in segment.split("*")] for segment in body]
    segments: list[list[Value]] = [
        ["GS", group, "SELLER", "BUYER", "20261128", "0510", "1", "X", version],
        ["ST", set_id, "0001"],
        *inner,
        ["SE", str(len(inner) + 2), "0001"],
        ["GE", "1", "1"],
        ["IEA", "1", "000000007"],
    ]
    head = header_written(*sides, control=7, at=AT, version=f"{version[:5]}", form=form)
    return head + written(segments, form)


def parts_of(text: str) -> Value:
    """Give a value, or its components."""
    return text.split(">") if ">" in text else text


def value(element: Element) -> str:
    """Give a value that an element may have: the first code, or as few characters as may be."""
    if element.codes:
        return element.codes[0]
    by_type = {"DT": "20261128"[-element.most :], "TM": "0510"}
    return by_type.get(element.type, "1" * max(element.least, 1))


def filled(definition: SegmentDefinition, known: Definitions) -> str:
    """Write a segment with all of its elements there, but those that exclude each other."""
    rules = definition.conditions
    excluded = {one.places[-1] for one in rules if one.kind == "E"}
    excluded |= {
        at for one in rules if one.kind == "P" and excluded & {*one.places} for at in one.places
    }
    values = [
        ">".join(value(known.elements[inner.number]) for inner in known.composites[number].uses)
        if (number := use.number) in known.composites
        else value(known.elements[number])
        for use in definition.uses
    ]
    kept = ["" if at in excluded else one for at, one in enumerate(values, 1)]
    return "*".join((definition.tag, *(kept or ["1"])))


def tags_of(
    parts: Iterable[Part], choose: Callable[[st.SearchStrategy[int]], int]
) -> Iterator[str]:
    """Go through a set's parts in their order, each as often as is drawn."""
    for part in parts:
        most = 2 if part.most == MANY else min(part.most, 2)
        for _ in range(choose(st.integers(1 if part.is_mandatory else 0, most))):
            if part.is_loop:
                yield from tags_of(part.parts, choose)
            else:
                yield part.name
