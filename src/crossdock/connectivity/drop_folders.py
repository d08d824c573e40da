"""No two connections take files out of one folder, or one of them out of a folder in the other's.

What lies in a drop folder is taken away, so each would lack what the other was quicker to take.
Nor does one write count tasks where another takes files: they would be read as its facts.

The database's own constraint keeps them apart, whosever they are: it sees the connections of all
tenants, which nobody who adds one may.
"""

from pathlib import Path
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.application import Folders
from crossdock.foundation.database import Transaction

PATH_BYTES_MAX = 900
"""Both ends of a folder's range have to fit into an entry of the index."""

# Whoever adds a folder waits for the other who does: both would wait for each other at the end.
ALONE = "select pg_advisory_xact_lock(hashtextextended('drop folders', 0))"
NEIGHBOUR = """
select name from connection where tenant = $1 and name <> $2 and folder is not null and
    folder_multirange(
        folder_range(folder || '/', folder || '0'),
        folder_range(coalesce(tasks_folder, folder) || '/', coalesce(tasks_folder, folder) || '0'))
    && folder_range($3::text || '/', $3::text || '0')
order by name limit 1
"""


class Kept(NamedTuple):
    """The folders of a connection as they are kept; None: it has none."""

    folder: str | None = None
    tasks_folder: str | None = None


def kept(folders: Folders | None) -> Kept:
    """Write the folders of a connection as they are compared."""
    said = folders or Folders()
    return Kept(kept_path(said.folder), kept_path(said.tasks_folder, "tasks_folder"))


def claimed(folder: str | None, tasks_folder: str | None) -> Folders:
    """Read what was kept."""
    return Folders(*(Path(one) if one else None for one in (folder, tasks_folder)))


def kept_path(folder: Path | None, where: str = "folder") -> str | None:
    """Write a folder, links resolved, as it is compared; None: there is none."""
    if folder is None:
        return None
    path = str(folder).rstrip("/")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise _refused("is no text", "name a folder in letters that UTF-8 has", where) from None
    if size > PATH_BYTES_MAX:
        why = f"has over {PATH_BYTES_MAX} bytes"
        raise _refused(why, "name a folder that lies less deep", where)
    return path


async def check_apart(tx: Transaction, name: str, folders: Kept) -> None:
    """Refuse folders that another connection of the tenant has, by that one's name.

    Until the transaction ends nobody else of the hub is given one.
    """
    if not any(folders):
        return
    await tx.execute(ALONE)
    for number, path in enumerate(folders):
        other = path and await tx.fetchval(NEIGHBOUR, tx.tenant, name, path)
        if other:
            alone = Kept(path) if number == 0 else Kept(tasks_folder=path)
            raise taken(*alone, f"the connection {other!r}")


def taken(
    folder: str | None,
    tasks_folder: str | None = None,
    whose: str = "another connection of this hub",
) -> Invalid:
    """Say that a folder is somebody's already, and of another tenant's not whose.

    The database does not say which of two it is.
    """
    paths = " or ".join(one for one in (folder, tasks_folder) if one)
    return Invalid(
        f"The folder {paths} is, holds or lies in the drop folder of {whose}, or in the one of its"
        " count tasks: what is dropped there would be taken by whichever is quicker",
        where="folder" if folder else "tasks_folder",
        code="folder_taken",
        hint="give each connection a folder of its own, none inside another; one that is not"
        " needed any more gives its folder back by `crossdock connection remove`",
    )


def _refused(why: str, hint: str, where: str) -> Invalid:
    return Invalid(f"The path of the folder {why}", where=where, code="folder_refused", hint=hint)
