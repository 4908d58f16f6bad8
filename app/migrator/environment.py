"""The Alembic environment both lineages share: what the two env.py call.

Here is what the bare ``alembic`` command has of `plinth migrate`: the migration lock, held before each commit, the
migration log, the app role's rights, and sessions with fixed parameters and time limits. What it has not: it waits for
no database, looks at neither server nor role first, knows nothing of ahead and diverged, makes one attempt, mends no id
function, verifies nothing on a new connection, and ends with no line of JSON.
"""

import asyncio
from typing import Any

from alembic import context, op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from app.db.base import Base
from app.db.revision import Lineage
from app.logs import configure
from app.migrator import bookkeeping, row_level_security, script
from app.migrator.lock import Lock, migration_lock
from app.migrator.session import create_migration_engine
from app.settings import Settings, load_settings
from app.slices import load_models

CONNECTION = "plinth.connection"
"""Key of ``Config.attributes``: a connection in no transaction, prepared, given by a caller that holds the lock."""
LOCK = "plinth.lock"
"""Key of ``Config.attributes``: that lock."""
SETTINGS = "plinth.settings"
"""Key of ``Config.attributes``: the settings, where the caller has read them already."""


OPERATIONS = (row_level_security,)
"""Modules that add operations to Alembic's; being imported registers them."""


def run(lineage: Lineage) -> None:
    """Run whatever Alembic command asked for this environment."""
    load_models()
    settings = _settings()
    if context.is_offline_mode():
        _run_offline(lineage, settings)
    elif (connection := context.config.attributes.get(CONNECTION)) is not None:
        _run_on(connection, lineage, settings, context.config.attributes[LOCK])
    else:
        configure(settings)
        asyncio.run(run_async_migrations(lineage, settings))


def migration_settings() -> Settings:
    """The settings, for a revision that depends on one."""
    settings: Settings = op.get_context().opts["settings"]
    return settings


async def run_async_migrations(lineage: Lineage, settings: Settings) -> None:
    """Connect as the app does, and run; under the lock where the command changes something."""
    if not _changes_something():
        await _migrate(lineage, settings, None)
        return
    async with migration_lock(settings) as lock:
        await lock.guard(_migrate(lineage, settings, lock))


async def _migrate(lineage: Lineage, settings: Settings, lock: Lock | None) -> None:
    engine = create_migration_engine(settings, lock.opened if lock else None)
    try:
        async with engine.connect() as connection:
            if lock is not None:
                await connection.run_sync(prepare, settings)
            await connection.run_sync(_run_on, lineage, settings, lock)
    finally:
        await engine.dispose()


def prepare(connection: Connection, settings: Settings) -> None:
    """Make the bookkeeping's tables and give the app's role its rights, where they are missing.

    Committed before Alembic begins: it takes an open transaction for its caller's, and never commits that.
    """
    with connection.begin():
        for statement in bookkeeping.create_tables(settings.database_app_role):
            connection.exec_driver_sql(statement)


def repeat(connection: Connection, module: Any, settings: Settings, lock: Lock) -> None:
    """Run the upgrade of a revision that is recorded already, as it ran the first time."""
    opts = {"settings": settings, "lock": lock, "transaction_per_migration": True}
    migration = MigrationContext.configure(connection, opts=opts)
    with Operations.context(migration), migration.begin_transaction(_per_migration=True):
        module.upgrade()
        lock.check(connection)


def _run_on(connection: Connection, lineage: Lineage, settings: Settings, lock: Lock | None) -> None:
    context.configure(connection=connection, **_options(lineage, settings, lock))
    with context.begin_transaction():
        context.run_migrations()


def _run_offline(lineage: Lineage, settings: Settings) -> None:
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **_options(lineage, settings, None),
    )
    write = context.get_context().impl.static_output
    begins = script.begins_at(
        bookkeeping.VERSION_TABLES[lineage],
        context.get_starting_revision_argument(),
        context.get_revision_argument(),
        alone=lineage == "core",
    )
    for statement in (*script.preamble(settings), *bookkeeping.create_tables(settings.database_app_role), begins):
        write(f"{statement};")
    with context.begin_transaction():
        context.run_migrations()
    for statement in script.POSTSCRIPT:
        write(f"{statement};")


def _options(lineage: Lineage, settings: Settings, lock: Lock | None) -> dict[str, Any]:
    log = bookkeeping.Log(lineage, settings.image)
    return {
        "target_metadata": Base.metadata if lineage == "core" else None,  # gated revisions have no models to compare
        "version_table": bookkeeping.VERSION_TABLES[lineage],
        "transaction_per_migration": True,
        "on_version_apply": [log, _Held(lock)] if lock else [log],
        "include_name": _include_name,
        "compare_server_default": _compare_server_default,
        "settings": settings,
        "lock": lock,
    }


class _Held:
    """Alembic's ``on_version_apply``: each revision's transaction ends with the question whether the lock is held."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    def __call__(self, *, ctx: MigrationContext, **_: Any) -> None:
        assert ctx.connection is not None  # noqa: S101 - online
        self._lock.check(ctx.connection)


def _settings() -> Settings:
    given = context.config.attributes.get(SETTINGS)
    return given if isinstance(given, Settings) else load_settings()


def _changes_something() -> bool:
    """Whether the command has a destination: upgrade, downgrade and stamp, but not current, check or revision."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def _include_name(name: str | None, kind: str, _: Any) -> bool:
    return not (kind == "table" and name in bookkeeping.TABLES)


def _compare_server_default(*arguments: Any) -> bool | None:
    """Equal as text is equal. Alembic's own comparison evaluates both, and two ids are never the same."""
    *_, in_database, _of_model, of_model_rendered = arguments
    return False if _plain(in_database) == _plain(of_model_rendered) else None


def _plain(default: str | None) -> str:
    """A default without what PostgreSQL adds or leaves away when it prints one."""
    plain = (default or "").lower().replace("public.", "").replace("::text", "").replace(" ", "")
    return plain.replace("(", "").replace(")", "")
