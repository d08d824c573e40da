"""What a group of locations may hold: locations that there are, and no groups (§1.3). Pure."""

from collections.abc import Mapping, Sequence

from crossdock.canonical.catalog import LocationKind
from crossdock.canonical.errors import Invalid

_MEMBERS = "members"


def check_members(
    group: str, members: Sequence[str], kinds: Mapping[str, str], above: str | None
) -> None:
    """Refuse what is no location, a group, or this group itself.

    `kinds` are those of the locations that there are, `above` is the group that holds this one.
    """
    if above is not None:
        raise Invalid(f"{group} is a member of {above}: a group holds no groups", where=_MEMBERS)
    for member in members:
        if member == group:
            raise Invalid("a group cannot hold itself", where=_MEMBERS)
        if member not in kinds:
            raise Invalid(f"no location is called {member!r}", where=_MEMBERS, code="MD-LOC")
        if kinds[member] == LocationKind.GROUP:
            raise Invalid(f"{member} is a group: name its members", where=_MEMBERS)
