"""The project a slice is made in: what it has already, and whether it is one to write into."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Table

from app import slices
from app.db.base import Base, TenantRow
from app.db.revision import ROOT, known_revisions
from app.scaffold import SliceError
from app.scaffold.names import Names

VERSIONS = Path("migrations/versions")
_SECURES = "enable_row_level_security("


def check_root(current: Path) -> None:
    """Raise SliceError where there are no sources here, or where ``current`` is in another clone than this code."""
    if not (ROOT / "tests" / "integration").is_dir():
        raise SliceError(
            f"A slice is source code with tests, and {ROOT} has none, as in a container: run this in a clone of the "
            "repository, as .venv/bin/plinth, which `make .venv/ready` makes."
        )
    for folder in (current, *current.parents):
        if (folder / "app" / "slices").is_dir() and folder != ROOT:
            raise SliceError(f"This plinth writes into {ROOT}, and you are in {folder}: run .venv/bin/plinth of that.")


def check_new(names: Names) -> None:
    """Raise SliceError where the project has something of this name."""
    slices.load_models()
    for package in slices.names():
        if package.rpartition(".")[2] in {names.plural, names.singular}:
            raise SliceError(f"There is a slice {package.rpartition('.')[2]} already: take another name.")
    if names.plural in Base.metadata.tables:
        raise SliceError(f"There is a table {names.plural} already: take another name.")
    for mapper in Base.registry.mappers:
        if mapper.class_.__name__ == names.noun:
            raise SliceError(
                f"There is a model {names.noun} already, in {mapper.class_.__module__}: take another name."
            )


def referable() -> list[str]:
    """The tables a slice can refer to: those of the slices there are."""
    slices.load_models()
    tables = [mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantRow)]
    return sorted(table.name for table in tables if isinstance(table, Table))


@dataclass(frozen=True)
class Lineage:
    """Where a new revision goes."""

    revision: str
    after: str
    secured: bool
    """Whether the revisions there are turn row-level security on: then a new table has it as well."""


def lineage(now: datetime) -> Lineage:
    """The next revision's place; its id is its time, so that two people's never meet, and the files are in order."""
    try:
        known = known_revisions()
    except (CommandError, RevisionError, KeyError, SyntaxError) as error:
        raise SliceError(
            f"The revisions in {VERSIONS} cannot be read ({error!r}): `alembic heads` must work."
        ) from error
    if len(known.heads) != 1:
        heads = ", ".join(sorted(known.heads))
        raise SliceError(
            f"The revisions in {VERSIONS} have {len(known.heads)} heads ({heads}): put them in a line first, by the "
            "`down_revision` of one that no database has yet."
        )
    revision = int(now.astimezone(UTC).strftime("%Y%m%d%H%M%S"))
    while str(revision) in known.all:
        revision += 1
    secured = any(_SECURES in path.read_text() for path in (ROOT / VERSIONS).glob("*.py"))
    return Lineage(str(revision), next(iter(known.heads)), secured)
