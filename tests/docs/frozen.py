"""The seals of the frozen contracts: which version's they are, and that nobody has edited them.

`released/VERSION` has a line for each version, the newest last: its name and a digest of all the
contracts as they were frozen for it. Until a version is made the last line is `Unreleased`.
"""

import hashlib
import re
from pathlib import Path

VERSION = "VERSION"
UNRELEASED = "Unreleased"
HEADING = re.compile(r"^## \[([^\]]+)\]", re.MULTILINE)

Seal = tuple[str, str]


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.json")):
        digest.update(f"{path.name}\n".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def seals_of(folder: Path) -> list[Seal]:
    file = folder / VERSION
    lines = file.read_text().splitlines() if file.exists() else []
    return [(name, digest) for name, _, digest in (line.partition(" ") for line in lines)]


def versions_in(changelog: str) -> list[str]:
    """List the versions that a changelog has a heading for, the oldest first."""
    return [name for name in reversed(HEADING.findall(changelog)) if name != UNRELEASED]


def is_about_to_change(changelog: str) -> bool:
    """Say whether something is written under Unreleased, above the newest version."""
    head, _, rest = changelog.partition(f"## [{UNRELEASED}]")
    return bool(head and re.sub(r"^#.*$", "", HEADING.split(rest)[0], flags=re.MULTILINE).strip())


def problem_of(folder: Path) -> str:
    """Say why the contracts are not those that were sealed; "": they are."""
    seals = seals_of(folder)
    if seals and seals[-1][1] != digest_of(folder):
        return (
            f"the contracts in {folder} are not those that were frozen for {seals[-1][0]}: a"
            " frozen contract is never edited, a breaking change is a new event version; put them"
            " back"
        )
    return ""


def seal(folder: Path, changelog: str) -> None:
    """Seal the contracts for the newest version without a seal, else for what is to come."""
    kept = [(name, digest) for name, digest in seals_of(folder) if name != UNRELEASED]
    new = [name for name in versions_in(changelog) if name not in dict(kept)] or [UNRELEASED]
    lines = [*kept, *((name, digest_of(folder)) for name in new)]
    (folder / VERSION).write_text("".join(f"{name} {digest}\n" for name, digest in lines))
