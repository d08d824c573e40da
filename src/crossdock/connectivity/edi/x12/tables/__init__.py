"""The tables of X12 that come with the hub, and the definitions of a version made of them."""

from collections.abc import Mapping
from functools import lru_cache, reduce
from importlib.resources import files

from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.naming import Names, names_of

TABLES: Mapping[str, tuple[str, ...]] = {
    "004010": (
        *("004010", "004010-orders", "004010-money", "004010-stock", "004010-transport"),
        "004010-answers",
    ),
    "005010": ("005010", "005010-orders", "005010-money", "005010-stock", "005010-answers"),
}
"""By version, the tables that say what is new in it; what comes between is read by the earlier."""
_LENGTH = 6
NOTHING = Definitions()


def known(version: str) -> Definitions | None:
    """Give what is known of a version, by GS08: 004010, 004010VICS; None where it is too early."""
    release = version.strip()[:_LENGTH]
    if len(release) < _LENGTH or not (release.isascii() and release.isdigit()):
        return None
    earlier = [one for one in TABLES if one <= release]
    return _of(earlier[-1]) if earlier else None


@lru_cache
def _of(version: str) -> Definitions:
    names = (name for one, tables in TABLES.items() if one <= version for name in tables)
    texts = (files(__name__).joinpath(f"{name}.toml").read_text("utf-8") for name in names)
    return reduce(Definitions.with_table, texts, NOTHING)


@lru_cache
def names() -> Names:
    """Give what segments and codes are called, for people."""
    return names_of(files(__name__).joinpath("names.toml").read_text("utf-8"))
