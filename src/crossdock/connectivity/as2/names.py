"""AS2 names and message ids: how they are written in headers, and read from them."""

import re

from crossdock.connectivity.as2.faults import unexpected
from crossdock.connectivity.as2.mime import Headers

NAME_MAX = 128
_NAME = re.compile(r"[ -~]{1,128}")
_ATOM = re.compile(r"[!#-\[\]-~]+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_MESSAGE_ID = re.compile(r"<?([!-;=?-~]{1,995})>?")


def written_name(name: str) -> str:
    """Write a name, in quotes where it holds a space, a quote or a backslash (RFC 4130 §6.2)."""
    if not _NAME.fullmatch(name):
        raise unexpected(
            f"{name[:60]!r} is no AS2 name",
            hint=f"a name has 1 to {NAME_MAX} printable characters of ASCII",
        )
    if _ATOM.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_name(headers: Headers, field: str) -> str:
    """Read AS2-From or AS2-To; names are told apart by case."""
    said = headers.get(field)
    if not said:
        raise unexpected(f"the header {field} is missing", where=field)
    quoted = _QUOTED.fullmatch(said)
    name = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else said
    if not _NAME.fullmatch(name):
        raise unexpected(f"{said[:60]!r} is no AS2 name", where=field)
    return name


def read_message_id(value: str | None, *, where: str = "Message-ID") -> str:
    """Give a message id without its brackets, which some leave out."""
    found = _MESSAGE_ID.fullmatch((value or "").strip())
    if found is None:
        raise unexpected(f"{(value or '')[:60]!r} is no message id", where=where)
    return found[1]
