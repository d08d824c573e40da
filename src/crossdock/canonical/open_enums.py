"""Code lists that grow: a value this version does not know reads as OTHER (domain.md §1.0)."""

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """A list whose last member is OTHER. Whoever reads keeps the native value beside it."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls["OTHER"] if isinstance(value, str) else None
