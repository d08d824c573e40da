"""No two connections take files out of one folder, or one of them out of a folder in the other's.

What lies in a drop folder is taken away, so each would lack what the other was quicker to take.
The database's own constraint keeps them apart, whosever they are: it sees the connections of all
tenants, which nobody who adds one may.
"""

from pathlib import Path

from crossdock.canonical.errors import Invalid
from crossdock.foundation.database import Transaction

PATH_BYTES_MAX = 900
"""Both ends of a folder's range have to fit into an entry of the index."""

# Whoever adds a folder waits for the other who does: both would wait for each other at the end.
ALONE = "select pg_advisory_xact_lock(hashtextextended('drop folders', 0))"
NEIGHBOUR = """
select name from connection where tenant = $1 and name <> $2 and folder is not null and
    folder_range(folder || '/', folder || '0') && folder_range($3::text || '/', $3::text || '0')
order by name limit 1
"""


def kept_path(folder: Path | None) -> str | None:
    """Write a folder, links resolved, as it is compared; None: nothing is taken from one."""
    if folder is None:
        return None
    path = str(folder).rstrip("/")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise _refused("is no text", "name a folder in letters that UTF-8 has") from None
    if size > PATH_BYTES_MAX:
        why = f"has over {PATH_BYTES_MAX} bytes"
        raise _refused(why, "name a folder that lies less deep")
    return path


async def check_apart(tx: Transaction, name: str, path: str | None) -> None:
    """Refuse a folder that another connection of the tenant has, by that one's name.

    Until the transaction ends nobody else of the hub is given one.
    """
    if path is None:
        return
    await tx.execute(ALONE)
    other = await tx.fetchval(NEIGHBOUR, tx.tenant, name, path)
    if other is not None:
        raise taken(path, f"the connection {other!r}")


def taken(path: str | None, whose: str = "another connection of this hub") -> Invalid:
    """Say that a folder is somebody's already, and of another tenant's not whose."""
    return Invalid(
        f"The folder {path} is, holds or lies in the drop folder of {whose}: what is dropped there"
        " would be taken by whichever is quicker",
        where="folder",
        code="folder_taken",
        hint="give each connection a folder of its own, none inside another; one that is not"
        " needed any more gives its folder back by `crossdock connection remove`",
    )


def _refused(why: str, hint: str) -> Invalid:
    return Invalid(
        f"The path of the folder {why}", where="folder", code="folder_refused", hint=hint
    )
