"""Logical replication between two packaged servers: the way to another major version without a long outage."""

import subprocess
from pathlib import Path

from app.db.packaged import PackagedServer, bin_dir
from tests.servers.databases import execute


def copy_schema(source: PackagedServer, target: PackagedServer, database: str) -> None:
    """The schema without its rows, by the newer server's pg_dump; the roles are on both."""
    programs = bin_dir(target.major)
    dump: list[str | Path] = [programs / "pg_dump", "--schema-only", "--no-publications", source.uri(database)]
    script = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    load: list[str | Path] = [programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", target.uri(database)]
    subprocess.run(load, input=script, text=True, check=True, stdout=subprocess.DEVNULL)


def restore(source: PackagedServer, target: PackagedServer, database: str) -> None:
    """A dump, rows included, of a newer server on an older one; what the older does not know is passed over."""
    dump: list[str | Path] = [bin_dir(source.major) / "pg_dump", source.uri(database)]
    script = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    load: list[str | Path] = [bin_dir(target.major) / "psql", "-qX", target.uri(database)]
    subprocess.run(load, input=script, text=True, check=True, capture_output=True)


def publish(source: PackagedServer, database: str) -> None:
    execute(source, "CREATE PUBLICATION upgrade FOR TABLES IN SCHEMA public", database=database)


def subscribe(target: PackagedServer, source: PackagedServer, database: str) -> None:
    """Copy all rows, and follow from there."""
    where = source.uri(database).replace("'", "''")
    execute(target, f"CREATE SUBSCRIPTION upgrade CONNECTION '{where}' PUBLICATION upgrade", database=database)
