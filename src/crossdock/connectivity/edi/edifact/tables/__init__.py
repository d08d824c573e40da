"""The tables of EDIFACT that come with the hub, and the definitions of a version made of them."""

from functools import lru_cache, reduce
from importlib.resources import files

from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.naming import Names, names_of

VERSIONS = ("96A", "01B")
"""Those there are tables of; what comes between two is read by the earlier one."""
SERVICE = "service"
"""The table of the segments that envelopes are made of, and of CONTRL in all versions."""
_CONTROLS = frozenset({"2:2", "D:3", "4:1", "4:2"})
_RELEASE = 3
_CENTURY = 50
NOTHING = Definitions()


def known(version: str) -> Definitions | None:
    """Give what is known of a version, as D:96A; None where it is too early, or of another kind.

    "" and the versions of CONTRL are the service segments alone.
    """
    if not version or version in _CONTROLS:
        return _of(0)
    kind, _, release = version.partition(":")
    year = release[:2]
    if kind != "D" or len(release) != _RELEASE or not (year.isascii() and year.isdigit()):
        return None
    earlier = sum(_ordered(one) <= _ordered(release) for one in VERSIONS)
    return _of(earlier) if earlier else None


def _ordered(release: str) -> tuple[int, str]:
    """Order releases by their years, which begin anew with 00."""
    year = int(release[:2])
    return year + (100 if year < _CENTURY else 0), release[2:]


@lru_cache
def _of(count: int) -> Definitions:
    names = (SERVICE, *(f"D{one}" for one in VERSIONS[:count]))
    texts = (files(__name__).joinpath(f"{one}.toml").read_text("utf-8") for one in names)
    return reduce(Definitions.with_table, texts, NOTHING)


@lru_cache
def names() -> Names:
    """Give what segments and codes are called, for people."""
    return names_of(files(__name__).joinpath("names.toml").read_text("utf-8"))
