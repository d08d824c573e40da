"""Rows for any table, made from what the database itself says of its columns and checks."""

import re
from typing import Any

# A value of each kind, made from the number of its row; every other kind is a number.
SAMPLES = {
    "uuid": "md5('{n}')::uuid",
    "bytea": "decode(md5('{n}') || md5('{n}'), 'hex')",
    "json": "'[{n}]'",
    "jsonb": "'[{n}]'",
    "timestamp with time zone": "'2026-05-04 12:00Z'::timestamptz + interval '{n} s'",
    "date": "'2026-05-04'::date + {n}",
    "boolean": "false",
    "xid8": "pg_current_xact_id()",
    "text": "'x{n}'",
}
COLUMNS = """
select attname as name, format_type(atttypid, null) as kind from pg_attribute
where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = ''
    and attgenerated = ''
"""
CHECKS = """
select pg_get_constraintdef(oid) from pg_constraint
where conrelid = $1::regclass and contype = 'c'
"""
ONE_OF = re.compile(r"\((\w+) = (?:ANY \(ARRAY\[)?('\w*')::text")


async def fill(owner: Any, table: str, number: int, **said: str) -> None:
    """Write one row with a value in every column: what is said of it, else a sample.

    All values of a row come from its number, 1 or 2, so equal names and amounts are equal: checks
    hold, and a row refers to the rows of other tables that have its number.
    """
    await owner.execute("set session_replication_role = replica")  # these may come later
    checks = " ".join([row[0] for row in await owner.fetch(CHECKS, table)])
    allowed = dict(ONE_OF.findall(checks))
    values = {
        column["name"]: allowed.get(column["name"]) or sample(column["kind"], number)
        for column in await owner.fetch(COLUMNS, table)
    }
    values |= {name: f"'{value}'" for name, value in said.items() if name in values}
    await owner.execute(
        f"insert into {table} ({', '.join(values)}) values ({', '.join(values.values())})"
    )


def sample(kind: str, number: int) -> str:
    if kind.endswith("[]"):
        return f"array[{sample(kind.removesuffix('[]'), number)}]::{kind}"
    return SAMPLES.get(kind, "{n}").format(n=number)
