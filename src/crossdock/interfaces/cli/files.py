"""Files that commands are given, or asked to write."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from crossdock.canonical.errors import Invalid

STDIN = Path("-")
CHUNK = 1 << 17


def read_body(file: Path) -> bytes:
    """Read a file whole, or standard input for `-`."""
    if file == STDIN:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}", where=str(file)) from None


def read_chunks(file: Path) -> Iterator[bytes]:
    """Read a file of any size piece by piece, or standard input for `-`."""
    if file == STDIN:
        yield from iter(partial(sys.stdin.buffer.read, CHUNK), b"")
        return
    try:
        with file.open("rb") as opened:
            yield from iter(partial(opened.read, CHUNK), b"")
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}", where=str(file)) from None


def read_object(file: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object, or say what is wrong with it."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error.strerror}", where=str(file)) from None
    except msgspec.DecodeError as error:
        raise Invalid(f"{file} is not a JSON object: {error}", where=str(file)) from None


def write_text(file: Path, text: str) -> None:
    """Write a file, or say why it cannot be."""
    try:
        file.write_text(text)
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}", where=str(file)) from None


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file as it is, or say why it cannot be."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise Invalid(f"{file} cannot be written: {error.strerror}", where=str(file)) from None
