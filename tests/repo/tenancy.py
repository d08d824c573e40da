"""Reads SQL as a tree and says which tables it touches without naming the tenant.

A reference to a guarded table is bound when its own `tenant` is compared, in a condition that
must hold, with a parameter, or with the `tenant` of something that is bound or no table at all
(an `unnest` of parameters, a query inside the statement: that one is read for itself). What is
inserted must name the column, and what a conflict updates must be found by it.
"""

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

STAR = "*"


def unbound(sql: str, guarded: frozenset[str]) -> list[str]:
    """Name the guarded tables that the statement reads or changes for whatever tenant."""
    tree = sqlglot.parse_one(sql, dialect="postgres")
    blocks = tree.find_all(exp.Select, exp.Update, exp.Delete, exp.Insert)
    return sorted(name for block in blocks for name in _Block(block, guarded).unbound())


class _Block:
    """One `select`, `update`, `delete` or `insert`, without the queries inside it."""

    def __init__(self, block: exp.Expr, guarded: frozenset[str]) -> None:
        self._block = block
        self._joins: list[exp.Join] = block.args.get("joins") or []
        if isinstance(block, exp.Update) and (source := block.args.get("from_")):
            self._joins = [*self._joins, *(source.this.args.get("joins") or [])]
        self._tables = {
            table.alias_or_name: name
            for table in self._relations()
            if isinstance(table, exp.Table) and (name := _name(table)) in guarded
        }
        self._bound: set[str] = set()

    def unbound(self) -> Iterator[str]:
        if isinstance(self._block, exp.Insert):
            yield from self._badly_inserted()
            return
        before = -1
        while len(self._bound) > before:
            before = len(self._bound)
            self._bind()
        yield from (name for alias, name in self._tables.items() if alias not in self._bound)

    def _relations(self) -> Iterator[exp.Expr]:
        block = self._block
        if isinstance(block, exp.Insert):
            yield block.this.this if isinstance(block.this, exp.Schema) else block.this
            return
        if isinstance(block, exp.Update | exp.Delete):
            yield block.this
        if source := block.args.get("from_"):
            yield source.this
        yield from block.args.get("using") or []
        yield from (join.this for join in self._joins)

    def _bind(self) -> None:
        if where := self._block.args.get("where"):
            for condition in _conjuncts(where.this):
                self._read(condition, set(self._tables))
        for join in self._joins:
            # The condition of an outer join says nothing of what stands on its left.
            of = {join.this.alias_or_name} if join.side else set(self._tables)
            if on := join.args.get("on"):
                for condition in _conjuncts(on):
                    self._read(condition, of)
            if any(column.name == "tenant" for column in join.args.get("using") or []):
                self._merge(join)

    def _merge(self, join: exp.Join) -> None:
        """Take `using (tenant)`: both sides are bound as soon as one is, or is no table."""
        right = join.this.alias_or_name
        left = [r.alias_or_name for r in self._relations() if r is not join.this]
        if right not in self._tables or right in self._bound:
            self._bound |= {alias for alias in left if alias in self._tables and not join.side}
        if any(alias not in self._tables or alias in self._bound for alias in left):
            self._bound |= {right} & set(self._tables)

    def _read(self, condition: exp.Expr, of: set[str]) -> None:
        for column, value in _comparisons(condition):
            alias = self._owner(column)
            if alias in of and alias in self._tables and self._names_a_tenant(value):
                self._bound.add(alias)

    def _owner(self, column: exp.Expr) -> str:
        """Tell whose `tenant` this is; without a name it is the only table's there is."""
        if not isinstance(column, exp.Column) or column.name != "tenant":
            return ""
        if column.table or len(self._tables) != 1:
            return column.table
        return next(iter(self._tables))

    def _names_a_tenant(self, value: exp.Expr) -> bool:
        if isinstance(value, exp.Cast | exp.Paren | exp.Any):
            return self._names_a_tenant(value.this)
        if isinstance(value, exp.Column):
            alias = value.table
            return value.name == "tenant" and (
                (alias not in self._tables and bool(alias)) or alias in self._bound
            )
        return isinstance(value, exp.Parameter | exp.Query)

    def _badly_inserted(self) -> Iterator[str]:
        insert = self._block
        for alias, name in self._tables.items():
            columns = insert.this.expressions if isinstance(insert.this, exp.Schema) else []
            conflict = insert.args.get("conflict")
            keys = {column.name for column in columns}
            if "tenant" not in keys or (conflict and not self._meets_its_own(conflict, alias)):
                yield name

    def _meets_its_own(self, conflict: exp.Expr, alias: str) -> bool:
        """Say whether the row in the way, which may be any tenant's, is found by the tenant."""
        keys = {key.this.name for key in conflict.args.get("conflict_keys") or []}
        where = conflict.args.get("where")
        if "NOTHING" in str(conflict.args["action"]).upper() or "tenant" in keys:
            return True
        for condition in _conjuncts(where.this) if where else []:
            self._read(condition, {alias})
        return alias in self._bound


def _name(table: exp.Table) -> str:
    return table.this.name if isinstance(table.this, exp.Anonymous) else table.name


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    elif isinstance(condition, exp.Paren) and isinstance(condition.this, exp.And):
        yield from _conjuncts(condition.this)
    else:
        yield condition


def _comparisons(condition: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """Give (column, what it must equal), both ways round."""
    condition = condition.unnest()
    if isinstance(condition, exp.Or):
        # ($1 = '*' or tenant = $1): the scope of workers, or the tenant itself.
        covers_all, of_one = condition.left.unnest(), condition.right.unnest()
        asked = _compared_with_star(covers_all)
        if asked is not None and isinstance(of_one, exp.EQ) and of_one.right == asked:
            yield of_one.left, of_one.right
    elif isinstance(condition, exp.EQ):
        yield condition.left, condition.right
        yield condition.right, condition.left
    elif isinstance(condition, exp.In) and (query := condition.args.get("query")):
        columns = condition.this.expressions if isinstance(condition.this, exp.Tuple) else []
        yield from ((column, query.unnest()) for column in columns or [condition.this])


def _compared_with_star(condition: exp.Expr) -> exp.Expr | None:
    is_it = (
        isinstance(condition, exp.EQ)
        and isinstance(condition.left, exp.Parameter)
        and condition.right.name == STAR
    )
    return condition.this if is_it else None
