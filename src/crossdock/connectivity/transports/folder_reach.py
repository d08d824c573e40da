"""Which folders a connection may take files from: none of the hub's own, whatever links say."""

from collections.abc import Iterable
from pathlib import Path

from crossdock.canonical.errors import Invalid


def check_folder(
    folder: Path,
    own_folders: Iterable[Path],
    drop_root: Path | None,
    claimed: Path | None = None,
    *,
    where: str = "folder",
) -> Path:
    """Refuse a folder that holds what is the hub's, lies in it, or lies outside of `drop_root`.

    Looked at, and given back, where links lead: whatever lies in a drop folder is taken away. It
    leads to the one that was `claimed` still, for what lies elsewhere may be another connection's.
    """
    real = _real(folder, where)
    for own in (path.resolve() for path in own_folders):
        if real.is_relative_to(own) or own.is_relative_to(real):
            raise Invalid(
                f"The folder {folder} is, holds or lies in {own}, where the hub keeps its own"
                " files: they would be taken for what was dropped",
                where=where,
                code="folder_refused",
                hint="name a folder that holds nothing else, outside of CROSSDOCK_DATA_DIR",
            )
    root = drop_root and drop_root.resolve()
    if root and (real == root or not real.is_relative_to(root)):
        raise Invalid(
            f"The folder {folder} does not lie beneath {drop_root}",
            where=where,
            code="folder_refused",
            hint="name a folder beneath CROSSDOCK_DROP_ROOT; links are followed",
        )
    if claimed is not None and real != claimed:
        raise Invalid(
            f"The folder {folder} leads to {real} by now, and this connection was given {claimed}:"
            " nothing is taken from there",
            where=where,
            code="folder_moved",
            hint="take away the link that leads there; if it is meant, name the folder again in a"
            " change that is made where the hub runs (`PATCH /v1/connections/{name}`), for"
            " `crossdock connection change` sees where links lead on its own machine",
        )
    return real


def _real(folder: Path, where: str) -> Path:
    try:
        return folder.resolve()
    except (OSError, ValueError, RuntimeError) as problem:  # a zero byte, links in a circle
        raise Invalid(
            f"The folder {str(folder)!r} cannot be: {problem}",
            where=where,
            code="folder_refused",
            hint="name a folder by its whole path, as the hub's machine knows it",
        ) from None
