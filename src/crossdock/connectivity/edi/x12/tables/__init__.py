"""The tables of X12 that come with the hub, and the definitions of a version made of them."""

from functools import lru_cache, reduce
from importlib.resources import files

from crossdock.connectivity.edi.definitions import Definitions

VERSIONS = ("004010",)
"""Those there are tables of; what comes between two is read by the earlier one."""
_LENGTH = 6
NOTHING = Definitions()


def known(version: str) -> Definitions | None:
    """Give what is known of a version, by GS08: 004010, 004010VICS; None where it is too early."""
    release = version.strip()[:_LENGTH]
    if len(release) < _LENGTH or not release.isdigit():
        return None
    earlier = [one for one in VERSIONS if one <= release]
    return _of(earlier[-1]) if earlier else None


@lru_cache
def _of(version: str) -> Definitions:
    texts = (files(__name__).joinpath(f"{one}.toml").read_text("utf-8") for one in VERSIONS)
    held = zip(VERSIONS, texts, strict=True)
    return reduce(Definitions.with_table, (text for one, text in held if one <= version), NOTHING)
