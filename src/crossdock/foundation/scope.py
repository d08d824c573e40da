"""Whose data a transaction may touch. No transaction starts without one (ARCHITECTURE D13)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from crossdock.canonical.errors import Forbidden, Invalid

ALL_TENANTS = "*"
_NAME = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Scope:
    """A tenant, and within it one trading partner or ("") all of them."""

    tenant: str
    partner: str = ""

    def __post_init__(self) -> None:
        if self.tenant != ALL_TENANTS and not _NAME.fullmatch(self.tenant):
            raise Invalid(f"{self.tenant!r} is no tenant: use 1 to 40 of a-z, 0-9, - and _")
        if self.partner and not _NAME.fullmatch(self.partner):
            raise Invalid(f"{self.partner!r} is no partner: use 1 to 40 of a-z, 0-9, - and _")

    @classmethod
    def of_workers(cls) -> Self:
        """Cover every tenant: for log readers and deliveries, which serve all of them."""
        return cls(ALL_TENANTS)

    def must_cover(self, tenants: Iterable[str]) -> None:
        """Refuse what belongs to somebody else, before a statement names it."""
        if self.tenant != ALL_TENANTS and (others := set(tenants) - {self.tenant}):
            raise Forbidden(
                f"a transaction of tenant {self.tenant!r} was given what belongs to"
                f" {', '.join(map(repr, sorted(others)))}",
                code="other_tenant",
            )
