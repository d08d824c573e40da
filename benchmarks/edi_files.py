"""EDI files for `crossdock bench edi`: right ones, as large as is asked for.

Of each kind there are two: one whose items, quantities and numbers come again and again, as those
of a partner do, and one in which nearly every segment is new.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from crossdock.canonical.identifiers import check_digit

LINES = 20
"""Of each order and notice."""
AGAIN = 10
"""So many of them there are, where they come again."""

X12_HEADER = (
    "ISA*00*          *00*          *ZZ*BUYER          *ZZ*SELLER         "
    "*261128*0510*U*00401*000000001*0*P*>~"
)
EDIFACT_HEADER = "UNA:+.? 'UNB+UNOC:3+BUYER:14+SELLER:14+261128:0510+1'"


def _item(number: int) -> tuple[str, str]:
    """Give an item's own number, and the one on its package."""
    body = f"40063{number % 10_000_000:07}"
    return f"BOLT-{number}", body + check_digit(body)


def _unit(number: int) -> str:
    body = f"00614140{number % 10**9:09}"
    return body + check_digit(body)


def _order(number: int, first: int) -> list[str]:
    found = [
        f"BEG*00*SA*4711-{number}**20261128",
        *("REF*DP*038", "ITD*01*3*2**30**31", "DTM*010*20261205"),
        *("N1*ST*CENTRAL WAREHOUSE*92*0042", "N3*100 DOCK ROAD", "N4*SPRINGFIELD*IL*62701*US"),
    ]
    for line in range(1, LINES + 1):
        item = first + line
        name, gtin = _item(item)
        price = f"{item % 900 + 1}.{item % 89 + 10}"
        found.append(f"PO1*{line}*{item % 97 + 1}*EA*{price}*PE*VN*{name}*EN*{gtin}")
        found.append(f"PID*F****HEX {name}")
    return [*found, f"CTT*{LINES}"]


def _notice(number: int, first: int) -> list[str]:
    found = [f"BSN*00*S-{number}*20261128*0510*0001", "HL*1**S", "TD5*B*2*UPSN*M", "HL*2*1*O"]
    found.append(f"PRF*4711-{number}")
    for line in range(1, LINES + 1):
        item = first + line
        pack, name = 1 + 2 * line, _item(item)[0]
        found += [f"HL*{pack}*2*P", f"MAN*GM*00{_unit(item)}", f"HL*{pack + 1}*{pack}*I"]
        found += [f"LIN**VN*{name}", f"SN1**{item % 97 + 1}*EA"]
    return [*found, f"CTT*{2 + 2 * LINES}"]


def _orders(number: int, first: int) -> list[str]:
    found = [f"BGM+220+4711-{number}+9", "DTM+137:20261128:102", "NAD+BY+4012345000009::9"]
    found += ["CTA+PD+:A. BUYER", "COM+030 1?+2:TE", "CUX+2:EUR:9"]
    for line in range(1, LINES + 1):
        item = first + line
        name, gtin = _item(item)
        found += [f"LIN+{line}++{gtin}:EN", f"PIA+5+{name}:SA", f"IMD+F++:::{name} 8?'IN"]
        found += [f"QTY+21:{item % 97 + 1}:PCE", f"PRI+AAA:{item % 900 + 1}.{item % 89 + 10}"]
    return [*found, "UNS+S", f"CNT+2:{LINES}"]


def _despatch(number: int, first: int) -> list[str]:
    found = [f"BGM+351+D-{number}+9", "DTM+137:202611280510:203", f"RFF+ON:4711-{number}"]
    found += ["NAD+SU+4098765000010::9", "CPS+1", "PAC+20++201"]
    for line in range(1, LINES + 1):
        item = first + line
        found += [f"CPS+{line + 1}+1", "PAC+1++CT", "PCI+33E", f"GIN+BJ+{_unit(item)}"]
        found += [f"LIN+{line}++{_item(item)[1]}:EN", f"QTY+12:{item % 97 + 1}:PCE"]
    return [*found, f"CNT+2:{LINES}"]


Body = Callable[[int, int], list[str]]
X12: Mapping[str, tuple[str, Body]] = {"850": ("PO", _order), "856": ("SH", _notice)}
EDIFACT: Mapping[str, Body] = {"ORDERS": _orders, "DESADV": _despatch}
KINDS = (*X12, *EDIFACT)


def _interchange(kind: str, size: int, *, is_unique: bool) -> Iterator[str]:
    """Write an interchange of at least so many characters, a set or message at a time."""
    is_x12 = kind in X12
    body = X12[kind][1] if is_x12 else EDIFACT[kind]
    if is_x12:
        yield X12_HEADER + f"GS*{X12[kind][0]}*BUYER*SELLER*20261128*0510*1*X*004010~"
    else:
        yield EDIFACT_HEADER
    written = number = 0
    while written < size:
        number += 1
        inner = body(number if is_unique else 1, (number if is_unique else number % AGAIN) * LINES)
        if is_x12:
            text = f"ST*{kind}*{number:04}~{'~'.join(inner)}~SE*{len(inner) + 2}*{number:04}~"
        else:
            head = f"UNH+{number}+{kind}:D:96A:UN"
            text = f"{head}'{chr(39).join(inner)}'UNT+{len(inner) + 2}+{number}'"
        written += len(text)
        yield text
    yield f"GE*{number}*1~IEA*1*000000001~" if is_x12 else f"UNZ+{number}+1'"


def write(file: Path, kind: str, size: int, *, is_unique: bool) -> None:
    """Write a file of one interchange: X12 by its set, EDIFACT by its message."""
    with file.open("w", encoding="ascii", newline="") as opened:
        opened.writelines(_interchange(kind, size, is_unique=is_unique))
