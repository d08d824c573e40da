"""Files as no partner should send them: right ones of many dialects, with some things put wrong.

Each case follows from its number alone, so that one which fails can be looked at again.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random

from crossdock.connectivity.edi.edifact.delimiters import CONTROLS, STANDARD
from crossdock.connectivity.edi.edifact.delimiters import Delimiters as EdifactDelimiters
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.tables import known
from crossdock.connectivity.edi.x12.writing import Form
from tests.unit.connectivity.edi.edifact import interchanges as edifact
from tests.unit.connectivity.edi.x12 import interchanges as x12
from tests.unit.connectivity.edi.x12.sets import BODIES, body_of, file_of

FORMS = (
    Form(),
    Form(line_end="\r\n"),
    Form(delimiters=Delimiters(element="|", component="@", segment="\n", repetition="^")),
    Form(delimiters=Delimiters(element="^", component=">", segment="~", repetition="\\")),
    Form(delimiters=Delimiters(element="\x1d", component="\x1f", segment="\x1c")),
    Form(delimiters=Delimiters(element="*", component=":", segment="\r"), line_end="\n"),
)
EDIFACT_FORMS = (
    STANDARD,
    CONTROLS,
    EdifactDelimiters(component=";", element="^", segment="$", release="?", decimal=","),
    EdifactDelimiters(segment="\n", release=""),
)
LINE = 80
CHUNKS = (1, 7, 64, 1_000, 1 << 16)
MARKS = (
    *(
        b"*",
        b"~",
        b">",
        b"'",
        b"+",
        b":",
        b"?",
        b"^",
        b"|",
        b"\n",
        b"\r\n",
        b" ",
        b"\x00",
        b"\x1a",
    ),
    *(b"\x1c", b"\x1d", b"\x1f", b"\xff", b"\xc3\xa9", b"\xef\xbb\xbf", b"ISA", b"IEA", b"UNA"),
    *(
        b"UNB+",
        b"UNZ+",
        b"UNH+",
        b"ST*",
        b"SE*",
        b"BIN*5*",
        b"BDS*ASC*99999999*",
        b"-",
        b".",
        b"0",
    ),
)
NUMBERS = (b"", b"0", b"-1", b"00", b"999999999", b"1" * 41, b"9" * 5_000, b"1e9", b"0x1", b"\xb2")
"""What stands in the place of a count, a control number, or any other element."""


def _binary() -> str:
    order = x12.interchange()
    return order.replace("CTT*2~", "BIN*7*A~B*C\n~~CTT*2~").replace("SE*14*", "SE*15*")


def _of_x12() -> list[str]:
    found: list[str] = []
    sets = [("004010", one) for one in BODIES]
    sets += [("005010", one) for one in ("850", "824", "944", "999")]
    for at, (version, set_id) in enumerate(sets):
        definitions = known(version)
        assert definitions
        group, form = definitions.sets[set_id].group, FORMS[at % len(FORMS)]
        body = body_of(version, set_id)
        found.append(file_of(body, set_id=set_id, group=group, version=version, form=form))
    plain = x12.interchange()
    found += [plain + x12.interchange(control=2), "\xef\xbb\xbf" + plain, _binary()]
    found.append(plain.replace("GS*", "TA1*000000007*261128*0510*A*000~GS*", 1))
    return [*found, "\r\n".join(plain[at : at + LINE] for at in range(0, len(plain), LINE))]


def _of_edifact() -> list[str]:
    found = [
        edifact.interchange(delimiters=form, line_end=end)
        for form in EDIFACT_FORMS[:1] + EDIFACT_FORMS[2:3]
        for end in ("", "\r\n")
    ]
    notice, contrl = (
        edifact.message(body, kind)
        for body, kind in ((edifact.NOTICE, "DESADV"), (edifact.CONTRL, "CONTRL"))
    )
    order = edifact.message(edifact.ORDER, reference="M2")
    later = EdifactDelimiters(repetition="*")
    found += [
        edifact.interchange(notice, has_advice=False),
        edifact.interchange(notice, delimiters=CONTROLS, has_advice=False, syntax=("UNOB", "1")),
        edifact.interchange(contrl),
        edifact.interchange(order, delimiters=later, syntax=("UNOY", "4")),
        edifact.interchange(order, notice),
    ]
    text = edifact.interchange()
    grouped = text.replace("UNH+", "UNG+ORDERS+BUYER+SELLER+261128:0510+G1+UN+D:96A'UNH+", 1)
    found += [
        grouped.replace("UNZ+", "UNE+1+G1'UNZ+"),
        "\xef\xbb\xbf" + text + text.replace("I1", "I2"),
    ]
    return [*found, "\r\n".join(text[at : at + LINE] for at in range(0, len(text), LINE))]


@lru_cache
def samples() -> tuple[bytes, ...]:
    """Give right files: every set and message that there is one of, in turns in every dialect."""
    return tuple(one.encode("latin-1") for one in (*_of_x12(), *_of_edifact()))


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 2, 5, 20, 100, 400)))


def _flipped(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _marked(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    gone = random.choice((0, 0, 1, 3))
    return (
        data[:at] + random.choice(MARKS) * random.choice((1, 1, 1, 2, 3, 300)) + data[at + gone :]
    )


def _cut_out(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:start] + data[stop:]


def _cut_off(data: bytes, random: Random) -> bytes:
    start, _ = _span(data, random)
    return data[:start] if random.random() < 0.7 else data[start:]


def _doubled(data: bytes, random: Random) -> bytes:
    start, stop = _span(data, random)
    return data[:stop] + data[start:stop] * random.choice((1, 2, 50)) + data[stop:]


def _exchanged(data: bytes, random: Random) -> bytes:
    (one, two), (three, four) = sorted((_span(data, random), _span(data, random)))
    two = min(two, three)
    return data[:one] + data[three:four] + data[two:three] + data[one:two] + data[four:]


def _terminator(data: bytes, random: Random) -> bytes:
    """Guess what ends segments: mostly right, and else no harm."""
    marks = [one for one in (b"~", b"'", b"$", b"\x1c", b"\r", b"\n") if one in data]
    return random.choice(marks) if marks and random.random() < 0.2 else (marks or [b"~"])[0]


def _segments(data: bytes, random: Random) -> bytes:
    """Leave a segment out, send it again or often, or elsewhere."""
    end = _terminator(data, random)
    parts = data.split(end)
    at, to = random.randrange(len(parts)), random.randrange(len(parts))
    match random.randrange(5):
        case 0:
            del parts[at]
        case 1:
            parts.insert(at, parts[at])
        case 2:
            parts[at:at] = parts[at : at + 3] * random.choice((3, 30))
        case 3:
            parts[at], parts[to] = parts[to], parts[at]
        case _:
            parts.insert(to, parts.pop(at))
    return end.join(parts)


def _elements(data: bytes, random: Random) -> bytes:
    """Put another value in the place of an element: of any, or of one of an envelope."""
    end = _terminator(data, random)
    parts = data.split(end)
    marks = (b"SE", b"GE", b"IEA", b"UNT", b"UNZ", b"UNE", b"ST", b"GS", b"UNB", b"CTT", b"CNT")
    outer = [at for at, one in enumerate(parts) if one.lstrip().startswith(marks)]
    at = random.choice(outer) if outer and random.random() < 0.5 else random.randrange(len(parts))
    separator = next((one for one in (b"*", b"+", b"|", b"^", b"\x1d") if one in parts[at]), b"*")
    elements = parts[at].split(separator)
    changed = random.randrange(len(elements))
    elements[changed] = random.choice((*NUMBERS, b"A" * 300, b" ", *elements))
    parts[at] = separator.join(elements)
    return end.join(parts)


def _delimiters(data: bytes, random: Random) -> bytes:
    """Change every character of a kind into another, as a translation on the way does."""
    one, other = random.choice(b"*~>'+:?^|\n@\x1d\x1c"), random.choice(b"*~>'+:?^|\n@\x1d\x00 A0")
    return data.replace(bytes([one]), bytes([other]))


def _spliced(data: bytes, random: Random) -> bytes:
    """Put a part of another file into this one."""
    other = random.choice(samples())
    start, stop = _span(other, random)
    at = random.randrange(len(data) + 1)
    return data[:at] + other[start:stop] + data[at:]


MUTATIONS: Sequence[Callable[[bytes, Random], bytes]] = (
    *(_flipped, _marked, _cut_out, _cut_off, _doubled, _exchanged),
    *(_segments, _segments, _elements, _elements, _delimiters, _spliced),
)
SIZE_MAX = 200_000


def mutated(number: int) -> tuple[bytes, int]:
    """Make a case: a file, and the size of the pieces that it comes in."""
    random = Random(number)
    data = random.choice(samples())
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        data = random.choice(MUTATIONS)(data, random)[:SIZE_MAX] or b"~"
    size = random.choice(CHUNKS)
    return data, size if size > 1 or len(data) < 1_000 else 64
