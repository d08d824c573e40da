"""MIME as far as AS2 needs it, and to the byte: what is signed is what was written."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from crossdock.connectivity.as2.faults import unexpected

CRLF = b"\r\n"
HEADER_BYTES_MAX = 64 * 1024
FIELDS_MAX = 200
PARTS_MAX = 8
MARKS_MAX = 1000
"""So many lines may begin as a boundary does, among them those of multiparts within."""

_BLANK = re.compile(rb"\r?\n\r?\n|\A\r?\n")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
_TYPE = re.compile(r"\s*([\w!#$&^.+-]+/[\w!#$&^.+-]+)\s*", re.ASCII)
_PARAMETER = re.compile(
    r'\s*;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))\s*', re.ASCII | re.DOTALL
)
_LOOSE_END = re.compile(r"[;\s]*")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in their order; a name is found in any case."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """Give the value of a field, or None; a field that is there twice says nothing safely."""
        found = [value for one, value in self.fields if one.lower() == name.lower()]
        if len(found) > 1:
            raise unexpected(f"the header {name} is there {len(found)} times", where=name)
        return found[0].strip() if found else None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)

    def written(self) -> bytes:
        """Write the fields, each ended by CRLF; a value that would break out is refused."""
        for name, value in self.fields:
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise unexpected(f"the header {name!r} cannot be written as {value!r}", where=name)
        return "".join(f"{name}: {value}\r\n" for name, value in self.fields).encode("latin-1")


@dataclass(frozen=True, slots=True)
class ContentType:
    """What a part is: `kind` in lower case, parameters by name in lower case."""

    kind: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Entity:
    """Headers and a body, as an HTTP message or a part of one has them.

    `raw` is what they were read from, to the byte; empty where they were not.
    """

    headers: Headers
    body: bytes = field(repr=False)
    raw: bytes = field(default=b"", repr=False)

    @property
    def content_type(self) -> ContentType:
        return content_type(self.headers.get("Content-Type") or "text/plain")

    @property
    def is_binary(self) -> bool:
        return self._encoding == "binary"

    @property
    def _encoding(self) -> str:
        return (self.headers.get("Content-Transfer-Encoding") or "7bit").lower()

    def written(self) -> bytes:
        return self.headers.written() + CRLF + self.body

    def decoded(self) -> bytes:
        """Undo the transfer encoding."""
        how = self._encoding
        if how in {"binary", "7bit", "8bit"}:
            return self.body
        if how == "quoted-printable":
            return binascii.a2b_qp(self.body)
        if how == "base64":
            return _from_base64(self.body)
        raise unexpected(f"the Content-Transfer-Encoding {how!r} is unknown")


def _from_base64(body: bytes) -> bytes:
    if _NOT_BASE64.search(body):
        raise unexpected("what says that it is base64 is not")
    try:
        return binascii.a2b_base64(body)
    except binascii.Error as error:
        raise unexpected(f"what says that it is base64 is not: {error}") from None


def read(data: bytes) -> Entity:
    """Read headers, a blank line and a body; lines may end with CRLF or LF."""
    blank = _BLANK.search(data, 0, HEADER_BYTES_MAX)
    if blank is None:
        raise unexpected("no blank line ends the headers")
    return Entity(Headers(tuple(_fields(data[: blank.start()]))), data[blank.end() :], data)


def _fields(block: bytes) -> Iterator[tuple[str, str]]:
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", block.decode("latin-1"))
    lines = [line for line in re.split(r"\r?\n", unfolded) if line]
    if len(lines) > FIELDS_MAX:
        raise unexpected(f"there are {len(lines)} headers; {FIELDS_MAX} are read")
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _NAME.fullmatch(name.rstrip()) or "\0" in value:
            raise unexpected(f"{line[:60]!r} is no header", where="headers")
        yield name.rstrip(), value.strip()


def content_type(value: str) -> ContentType:
    """Read a type with its parameters; what else stands there is refused."""
    kind = _TYPE.match(value)
    if kind is None:
        raise unexpected(f"{value[:60]!r} is no content type", where="Content-Type")
    parameters, at = _parameters(value, kind.end())
    if not _LOOSE_END.fullmatch(value, at):
        raise unexpected(f"{value[at : at + 60]!r} is no parameter", where="Content-Type")
    return ContentType(kind[1].lower(), parameters)


def disposition_filename(value: str) -> str:
    """Give the file name of a Content-Disposition, without any folder; "" for none."""
    kind, semicolon, rest = value.partition(";")
    parameters, _ = _parameters(semicolon + rest, 0) if kind else ({}, 0)
    name = parameters.get("filename", "").replace("\\", "/").rpartition("/")[2]
    name = "".join(one for one in name if one.isprintable()).strip(" .")
    return name[:200]


def _parameters(value: str, at: int) -> tuple[dict[str, str], int]:
    parameters: dict[str, str] = {}
    while found := _PARAMETER.match(value, at):
        name, quoted, plain = found.groups()
        said = _QUOTED_PAIR.sub(r"\1", quoted) if quoted is not None else plain
        if parameters.setdefault(name.lower(), said) != said:
            raise unexpected(f"the parameter {name} is there twice", where="Content-Type")
        at = found.end()
    return parameters, at


def parts(body: bytes, boundary: str) -> tuple[list[bytes], bytes]:
    """Cut a multipart body at its boundary: the parts to the byte, and what stands behind."""
    if not boundary or len(boundary) > 200:  # noqa: PLR2004 - RFC 2046 says 70; some write more
        raise unexpected("the multipart has no boundary", where="Content-Type")
    mark = b"--" + boundary.encode("latin-1", "replace")
    found: list[bytes] = []
    begun, at, marks = -1, _line_with(body, mark, 0), 0
    while at >= 0 and len(found) <= PARTS_MAX and marks <= MARKS_MAX:
        marks += 1
        if end := _AFTER_BOUNDARY.match(body, at + len(mark)):
            if begun >= 0:
                found.append(body[begun : max(begun, _line_end_before(body, at))])
            if end[1]:
                return found, body[end.end() :]
            begun = end.end()
        at = _line_with(body, mark, at + len(mark))
    raise unexpected(f"the multipart is not closed within {PARTS_MAX} parts", where="body")


def _line_with(body: bytes, mark: bytes, at: int) -> int:
    """Find the next line that begins with the mark."""
    if at == 0 and body.startswith(mark):
        return 0
    before = body.find(b"\n" + mark, max(at - 1, 0))
    return before + 1 if before >= 0 else -1


def _line_end_before(body: bytes, at: int) -> int:
    """Give where the line end begins that belongs to the boundary behind it."""
    return at - (2 if body[max(at - 2, 0) : at] == CRLF else 1)


def joined(parts_written: list[bytes], boundary: bytes) -> bytes:
    """Write parts as a multipart body."""
    mark = b"--" + boundary
    return b"".join(mark + CRLF + one + CRLF for one in parts_written) + mark + b"--" + CRLF


def canonical(data: bytes) -> bytes:
    """Give an entity in canonical form (RFC 5751 §3.1.1): CRLF at each line's end.

    The body of what is declared binary stays as it is.
    """
    blank = _BLANK.search(data, 0, HEADER_BYTES_MAX)
    if blank is None or not read(data).is_binary:
        return _LINE_ENDS.sub(CRLF, data)
    return _LINE_ENDS.sub(CRLF, data[: blank.end()]) + data[blank.end() :]
