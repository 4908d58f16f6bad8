"""The tables that say what was applied: both version tables and the migration log."""

from collections.abc import Iterable, Set
from typing import Any

from alembic.ddl.postgresql import PostgresqlImpl
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import (
    ARRAY,
    Column,
    DateTime,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    delete,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.schema import CreateTable

from app.db.revision import Lineage
from app.migrator import rights

VERSION_TABLES: dict[Lineage, str] = {"core": "alembic_version", "gated": "alembic_version_gated"}

migration_log = Table(
    "plinth_migration_log",
    MetaData(),
    Column("lineage", Text, primary_key=True),
    Column("revision", Text, primary_key=True),
    Column("parents", ARRAY(Text), nullable=False),
    Column("applied_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("server_version_num", Integer, nullable=False),
    Column("image", Text),
    schema="public",
)

TABLES: Set[str] = {*VERSION_TABLES.values(), migration_log.name}
"""What is no model's, and so none of autogenerate's business."""

_SERVER_VERSION_NUM = text("pg_catalog.current_setting('server_version_num')::int")


def create_tables(app_role: str | None) -> Iterable[str]:
    """Statements that make the tables, and give the app's role its rights, where they are missing."""
    for name in VERSION_TABLES.values():
        yield (
            f"CREATE TABLE IF NOT EXISTS public.{name} "
            f"(version_num varchar(32) NOT NULL, CONSTRAINT {name}_pkc PRIMARY KEY (version_num))"
        )
    yield (
        "CREATE TABLE IF NOT EXISTS public.plinth_migration_log (lineage text NOT NULL, revision text NOT NULL, "
        "parents text[] NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), server_version_num integer NOT NULL, "
        "image text, CONSTRAINT pk_plinth_migration_log PRIMARY KEY (lineage, revision))"
    )
    if app_role is not None:
        yield rights.grant(app_role)


class _VersionTable(Table):
    """Made where it is missing: both lineages' SQL can be applied in any order, and again."""

    def create(self, bind: Any, checkfirst: Any = True) -> None:
        bind.execute(CreateTable(self, if_not_exists=True))


class PlinthPostgresqlImpl(PostgresqlImpl):
    """Alembic's PostgreSQL, with our version table; being defined registers it."""

    __dialect__ = "postgresql"

    def version_table_impl(
        self, *, version_table: str, version_table_schema: str | None, version_table_pk: bool, **_: Any
    ) -> Table:
        return _VersionTable(
            version_table,
            MetaData(),
            Column("version_num", String(32), nullable=False),
            PrimaryKeyConstraint("version_num", name=f"{version_table}_pkc"),
            schema=version_table_schema,
        )


class Log:
    """Writes a row for each revision, in that revision's own transaction: Alembic's ``on_version_apply``."""

    def __init__(self, lineage: Lineage, image: str | None) -> None:
        self._lineage = lineage
        self._image = image

    def __call__(self, *, ctx: MigrationContext, step: MigrationInfo, **_: Any) -> None:
        if step.is_upgrade:
            for revision in self._applied(step):
                ctx.impl.execute(self._insert(revision.revision, revision._all_down_revisions))
        else:
            ctx.impl.execute(
                delete(migration_log).where(
                    migration_log.c.lineage == self._lineage,
                    migration_log.c.revision.in_(step.up_revision_ids),
                )
            )

    def _applied(self, step: MigrationInfo) -> list[Any]:
        """The revision of a step; for a stamp, which may skip some, all that it stands for."""
        if not step.is_stamp:
            return [step.up_revision]
        return list(step.revision_map.iterate_revisions(step.up_revision_ids, "base", inclusive=True))

    def _insert(self, revision: str, parents: Iterable[str]) -> Any:
        row = insert(migration_log).values(
            lineage=self._lineage,
            revision=revision,
            parents=array(list(parents), type_=Text),
            server_version_num=_SERVER_VERSION_NUM,
            image=self._image,
        )
        return row.on_conflict_do_nothing()
