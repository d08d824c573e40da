"""Queries that carry their scope: the builder cannot be made without one (ARCHITECTURE D13).

This is the first of two independent layers; row-level security is the second. Hot set-based
statements in `store.py` files are plain SQL and rely on their `tenant` column and the second.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Delete, Select, Table, Update, delete, select, update

from crossdock.foundation.scope import ALL_TENANTS, Scope

Bound = TypeVar("Bound", Select[Any], Update, Delete)


@dataclass(frozen=True, slots=True)
class Scoped:
    """Builds statements on tables with a `tenant` (and perhaps a `partner`) column."""

    scope: Scope

    def select(self, table: Table, *columns: Any) -> Select[Any]:
        return self._bound(select(*(columns or (table,))).select_from(table), table)

    def update(self, table: Table) -> Update:
        return self._bound(update(table), table)

    def delete(self, table: Table) -> Delete:
        return self._bound(delete(table), table)

    def _bound(self, statement: Bound, table: Table) -> Bound:
        if self.scope.tenant != ALL_TENANTS:
            statement = statement.where(table.c.tenant == self.scope.tenant)
        if self.scope.partner and "partner" in table.c:
            statement = statement.where(table.c.partner == self.scope.partner)
        return statement
