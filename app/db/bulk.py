"""Many new rows by one statement, given back in the order they were asked for, under ids of any version."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ARRAY, CTE, Row, Select, Table, bindparam, column, func, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.db.base import TenantRow

AnyTuple = tuple[Any, ...]


async def insert_in_order(
    session: AsyncSession,
    model: type[TenantRow],
    *fields: InstrumentedAttribute[Any],
    each: Mapping[str, Sequence[Any]],
    every: Mapping[str, Any],
) -> Sequence[Row[*AnyTuple]]:
    """Insert one row for each place in the lists of ``each``, and give ``fields`` of the new rows in that order.

    ``each`` maps columns to lists of one length; ``every`` maps columns to the value all rows share. What neither
    names, the database makes. Not for columns that are arrays themselves: ``unnest`` would flatten them.

    Ids are made beside the values, before the rows are stored, and a row is found again by its id: neither the order in
    which PostgreSQL stores rows nor the order of ids is relied upon. In SQL::

        WITH made AS MATERIALIZED (SELECT plinth_id() AS id, given.* FROM unnest($1) WITH ORDINALITY AS given),
           stored AS (INSERT INTO ... SELECT id, ... FROM made RETURNING ...)
        SELECT ... FROM stored JOIN made ON stored.id = made.id ORDER BY made.ordinality
    """
    lengths = {name: len(values) for name, values in each.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"each needs lists of one length, and these have {lengths}")
    table = cast("Table", inspect(model).local_table)
    statement = _statement(table, tuple(field.key for field in fields), tuple(each), tuple(every))
    return (await session.execute(statement, {**each, **every})).all()


@lru_cache  # one for each place in the code that calls, so there are few; making it costs as much as running it
def _statement(table: Table, fields: Sequence[str], each: Sequence[str], every: Sequence[str]) -> Select[*AnyTuple]:
    made = _made(table, each)
    shared = (bindparam(name, type_=table.c[name].type).label(name) for name in every)
    rows = select(made.c.id, *(made.c[name] for name in each), *shared)
    stored = insert(table).from_select(["id", *each, *every], rows).returning(*table.c).cte("stored")
    wanted = (stored.c[name] for name in fields)
    return select(*wanted).join_from(stored, made, stored.c.id == made.c.id).order_by(made.c.ordinality)


def _made(table: Table, each: Sequence[str]) -> CTE:
    """The values of each row to come, with its id and its place."""
    lists = (bindparam(name, type_=ARRAY(table.c[name].type)) for name in each)
    columns = (column(name, table.c[name].type) for name in each)
    given = func.unnest(*lists).table_valued(*columns, with_ordinality="ordinality").render_derived("given")
    id_ = func.public.plinth_id(type_=table.c.id.type).label("id")
    return select(id_, *given.c).cte("made").prefix_with("MATERIALIZED")
