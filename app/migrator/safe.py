"""The usual changes to tables that are in use, in their safe forms.

Each function is a revision's whole upgrade, or stands there with others from here: it runs in steps, each a transaction
of its own, and may be run again after having been ended anywhere. A change made before them in the same revision could
not be rolled back any more, and is refused.

All tables are in the schema public. SQL expressions are given as text; names are quoted here. Of a partitioned table
PostgreSQL refuses an index made this way, and before 18 a foreign key.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from alembic import op
from alembic.util import CommandError

from app.errors import MigrationUsageError
from app.migrator.lock import LOST, Lock
from app.migrator.rights import literal, quote

_NO_LIMIT = "0"
_ROWS_WAIT = "10s"

# What squawk finds in the safe forms, and why it is accepted.
_REPEATABLE = "-- squawk-ignore prefer-robust-stmts\n"  # run again, the statement finds it done and does nothing
_OUR_OWN = "-- squawk-ignore ban-drop-constraint\n"  # the constraint was made a step before, and no release knows it


def create_index(
    name: str,
    table: str,
    expressions: Sequence[str],
    *,
    unique: bool = False,
    where: str | None = None,
    using: str = "btree",
) -> None:
    """Build an index while rows are written; what an interrupted attempt left, invalid, is dropped first.

    It waits for all transactions that are open now, however long, and nobody waits for it. The same index, valid, is
    taken for this one, and another of its name is refused; the script of `--sql` cannot ask, and builds it again.
    """
    kind = "UNIQUE INDEX" if unique else "INDEX"
    definition = f"USING {using} ({', '.join(expressions)}){f' WHERE {where}' if where else ''}"
    with _steps(lock_timeout=_NO_LIMIT):
        _execute(_REFUSE_ANOTHER.format(
            kind=kind, name=quote(name), table=quote(table), definition=definition, sqlstate=_MADE,
            index=literal(f"public.{quote(name)}"), probe=literal(f"pg_temp.{quote(name)}"), regclass=_regclass(table),
            message=literal(f"public.{quote(name)} is there, but is another; drop or rename it first"),
        ))  # fmt: skip
        if op.get_context().as_sql or _is_invalid(name):
            _execute(f"DROP INDEX CONCURRENTLY IF EXISTS public.{quote(name)}")
        _execute(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {quote(name)} ON public.{quote(table)} {definition}")


# `IF NOT EXISTS` would take whatever has the index's name for the index. What the server would call the wanted one, it
# says of the same index on an empty copy of the table, which is rolled back.
_MADE = "PLNTM"
_REFUSE_ANOTHER = """DO $plinth_step$
DECLARE
  plinth_index regclass := pg_catalog.to_regclass({index});
  plinth_there text := coalesce(pg_catalog.pg_get_indexdef(plinth_index), 'no index');
  plinth_wanted text;
BEGIN
  IF plinth_index IS NULL OR EXISTS (
    SELECT FROM pg_catalog.pg_index WHERE indexrelid = plinth_index AND indrelid = {regclass} AND NOT indisvalid
  ) THEN
    RETURN;
  END IF;
  BEGIN
    CREATE TEMPORARY TABLE {table} (LIKE public.{table});
    CREATE {kind} {name} ON pg_temp.{table} {definition};
    plinth_wanted := pg_catalog.replace(
      pg_catalog.pg_get_indexdef(pg_catalog.to_regclass({probe})), ' ON pg_temp.', ' ON public.');
    RAISE EXCEPTION USING ERRCODE = '{sqlstate}';
  EXCEPTION WHEN SQLSTATE '{sqlstate}' THEN
  END;
  IF plinth_there <> plinth_wanted THEN
    RAISE EXCEPTION USING ERRCODE = 'duplicate_table',
      MESSAGE = {message} || ': it is ' || plinth_there || ', and wanted is ' || plinth_wanted;
  END IF;
END $plinth_step$"""


def drop_index(name: str) -> None:
    """Drop an index while its table is read and written."""
    with _steps(lock_timeout=_NO_LIMIT):
        _execute(f"DROP INDEX CONCURRENTLY IF EXISTS public.{quote(name)}")


def set_not_null(table: str, column: str) -> None:
    """Refuse NULL in a column, without reading the table under a lock: a check constraint is validated before."""
    name = f"ck_{table}_{column}_not_null"
    with _steps():
        _add_constraint(table, name, f"CHECK ({quote(column)} IS NOT NULL) NOT VALID")
        _validate(table, name)
        _execute(f"{_REPEATABLE}ALTER TABLE public.{quote(table)} ALTER COLUMN {quote(column)} SET NOT NULL")
        _execute(f"{_OUR_OWN}ALTER TABLE public.{quote(table)} DROP CONSTRAINT IF EXISTS {quote(name)}")


def add_check(name: str, table: str, condition: str) -> None:
    """Check new rows from now on, and then the old ones while the table is in use."""
    with _steps():
        _add_constraint(table, name, f"CHECK ({condition}) NOT VALID")
        _validate(table, name)


def add_foreign_key(
    name: str,
    table: str,
    columns: Sequence[str],
    referred: str,
    referred_columns: Sequence[str],
    *,
    ondelete: str | None = None,
) -> None:
    """Check new references from now on, and then the old ones while both tables are in use."""
    action = f" ON DELETE {ondelete}" if ondelete else ""
    with _steps():
        _add_constraint(
            table,
            name,
            f"FOREIGN KEY ({_listed(columns)}) REFERENCES public.{quote(referred)} ({_listed(referred_columns)})"
            f"{action} NOT VALID",
        )
        _validate(table, name)


def backfill(
    table: str, assignments: str, where: str, *, key: str = "id", batch: int = 1000, pause: float = 0.0
) -> None:
    """Change the rows that fulfil ``where``, a batch of keys in each transaction, and tell how far it is.

    ``assignments`` must make ``where`` untrue: then an interrupted backfill goes on where it was. Rows that come
    meanwhile must be right by themselves: let a default or the code see to that in an earlier release. ``pause`` is
    in seconds, after each batch. A backfill that takes longer than a hook's minutes is a gated revision.
    """
    if batch < 1:
        raise MigrationUsageError(f"A backfill's batch is {batch} keys, and must be 1 at least.")
    with _steps(lock_timeout=_ROWS_WAIT):
        _execute(_BACKFILL.format(
            table=f"public.{quote(table)}", regclass=_regclass(table), key=quote(key),
            type=f"public.{quote(table)}.{quote(key)}%TYPE",
            assignments=assignments, where=where, batch=int(batch), pause=float(pause), name=literal(table),
            held=lock.held if (lock := _lock()) else "SELECT true", lost=LOST,
        ))  # fmt: skip


# Pages of keys rather than of matching rows: no page is looked through twice, whatever fulfils the condition.
# The variables' names are none that a column has: in the author's SQL a column of the same name would be ambiguous.
_BACKFILL = """DO $plinth_backfill$
DECLARE
  plinth_first {type};
  plinth_last {type};
  plinth_changed bigint;
  plinth_total bigint := 0;
  plinth_looked bigint := 0;
  plinth_rows bigint := (
    SELECT greatest(reltuples, 0) / nullif(relpages, 0) * pg_catalog.pg_relation_size(oid)
           / pg_catalog.current_setting('block_size')::int
      FROM pg_catalog.pg_class WHERE oid = {regclass});
  plinth_told timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT {key} INTO plinth_first FROM {table} ORDER BY {key} LIMIT 1;
  WHILE plinth_first IS NOT NULL LOOP
    SELECT page.key INTO plinth_last
      FROM (SELECT {key} AS key FROM {table} WHERE {key} >= plinth_first ORDER BY {key} LIMIT {batch}) AS page
     ORDER BY page.key DESC LIMIT 1;
    UPDATE {table} SET {assignments} WHERE {key} >= plinth_first AND {key} <= plinth_last AND ({where});
    GET DIAGNOSTICS plinth_changed = ROW_COUNT;
    IF NOT ({held}) THEN
      RAISE EXCEPTION USING ERRCODE = '{lost}', MESSAGE = 'the migration lock was lost';
    END IF;
    COMMIT;
    plinth_total := plinth_total + plinth_changed;
    plinth_looked := plinth_looked + {batch};
    IF pg_catalog.clock_timestamp() - plinth_told > '5s' THEN
      plinth_told := pg_catalog.clock_timestamp();
      RAISE INFO 'backfill of %: % rows changed, at key %', {name}, plinth_total,
        pg_catalog.concat(plinth_last, ', about ' || least(100 * plinth_looked / nullif(plinth_rows, 0), 99) || ' %');
    END IF;
    PERFORM pg_catalog.pg_sleep({pause});
    SELECT {key} INTO plinth_first FROM {table} WHERE {key} > plinth_last ORDER BY {key} LIMIT 1;
  END LOOP;
  RAISE INFO 'backfill of %: % rows changed, done', {name}, plinth_total;
END $plinth_backfill$"""


@contextmanager
def _steps(lock_timeout: str | None = None) -> Iterator[None]:
    """Each statement a transaction of its own, for as long as it takes.

    With another lock timeout where waiting holds nobody up.
    """
    settings = op.get_context().opts["settings"]
    _refuse_after_a_change()
    with op.get_context().autocommit_block():
        _execute(f"SET statement_timeout = {_NO_LIMIT}")
        if lock_timeout is not None:
            _execute(f"SET lock_timeout = '{lock_timeout}'")
        yield
        _execute(f"SET lock_timeout = '{settings.migrate_lock_timeout:g}s'")
        _execute(f"SET statement_timeout = '{settings.migrate_statement_timeout:g}s'")


def _refuse_after_a_change() -> None:
    """The first step commits what is open: a change before it would be made again where the step fails."""
    if op.get_context().as_sql:
        return
    if op.get_bind().exec_driver_sql("SELECT pg_catalog.pg_current_xact_id_if_assigned()").scalar() is not None:
        raise CommandError(
            "safe forms stand alone in a revision, or first in it; give the changes before them a revision of their own"
        )


def _lock() -> Lock | None:
    """The migration lock, where somebody holds it: a script of SQL takes it itself."""
    lock: Lock | None = op.get_context().opts["lock"]
    return lock


def _add_constraint(table: str, name: str, definition: str) -> None:
    there = f"SELECT FROM pg_catalog.pg_constraint WHERE conrelid = {_regclass(table)} AND conname = {literal(name)}"
    statement = f"ALTER TABLE public.{quote(table)} ADD CONSTRAINT {quote(name)} {definition}"
    _execute(_when(f"NOT EXISTS ({there})", statement))


def _validate(table: str, name: str) -> None:
    _execute(f"{_REPEATABLE}ALTER TABLE public.{quote(table)} VALIDATE CONSTRAINT {quote(name)}")


def _when(condition: str, statement: str) -> str:
    """A statement that is executed where it is still to be done; asked by SQL, so that `--sql` may be repeated too."""
    return f"DO $plinth_step$ BEGIN IF {condition} THEN\n  {statement};\nEND IF; END $plinth_step$"


def _is_invalid(name: str) -> bool:
    query = f"SELECT NOT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({literal(f'public.{quote(name)}')})"  # noqa: E501, S608
    return bool(op.get_bind().exec_driver_sql(query).scalar())


def _regclass(table: str) -> str:
    return f"{literal(f'public.{quote(table)}')}::pg_catalog.regclass"


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(quote(column) for column in columns)


def _execute(statement: str) -> None:
    """A step, as it is: SQLAlchemy would look for parameters in it, and Alembic write spaces for its tabs.

    Without the lock nothing is done any more.
    """
    context = op.get_context()
    if context.as_sql:
        context.impl.static_output(f"{statement};")
        return
    if (lock := _lock()) is not None:
        lock.check(op.get_bind())
    op.get_bind().exec_driver_sql(statement)
