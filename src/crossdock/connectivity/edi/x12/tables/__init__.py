"""The tables of X12 that come with the hub, and the definitions of a version made of them."""

from functools import lru_cache
from importlib.resources import files

from crossdock.connectivity.edi.definitions import Definitions

VERSIONS = ("004010",)
"""Those there are tables of; what comes between two is read by the earlier one."""
_LENGTH = 6


def known(version: str) -> Definitions | None:
    """Give what is known of a version, by GS08: 004010, 004010VICS; None where it is too early."""
    release = version.strip()[:_LENGTH]
    if len(release) < _LENGTH or not release.isdigit():
        return None
    earlier = [one for one in VERSIONS if one <= release]
    return _of(earlier[-1]) if earlier else None


@lru_cache
def _of(version: str) -> Definitions:
    found = Definitions()
    for one in VERSIONS:
        if one <= version:
            found = found.with_table(files(__name__).joinpath(f"{one}.toml").read_text("utf-8"))
    return found
