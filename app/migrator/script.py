"""What `--sql` writes before and after the revisions, so that the script is as careful as the migrator itself.

It takes the migration lock where nobody has it, fails at once where somebody does, and depends on no setting of the
role that runs it, nor on the terminal's encoding. Made for `psql -v ON_ERROR_STOP=1`.
"""

from collections.abc import Iterator

from app.migrator.lock import LOCK_KEY
from app.migrator.rights import literal
from app.settings import Settings

Revisions = str | tuple[str, ...] | None

POSTSCRIPT = (f"SELECT pg_catalog.pg_advisory_unlock({LOCK_KEY})",)


def preamble(settings: Settings) -> Iterator[str]:
    yield "SET client_encoding = 'UTF8'"
    yield "SET standard_conforming_strings = on"
    yield "SET search_path = public"
    yield "SET row_security = off"
    yield "SET client_min_messages = warning"
    yield f"SET lock_timeout = '{settings.migrate_lock_timeout:g}s'"
    yield f"SET statement_timeout = '{settings.migrate_statement_timeout:g}s'"
    yield (
        "DO $plinth$ BEGIN\n"
        f"  IF NOT pg_catalog.pg_try_advisory_lock({LOCK_KEY}) THEN\n"
        "    RAISE EXCEPTION 'another migrator holds the migration lock; run this again when it is done';\n"
        "  END IF;\n"
        "END $plinth$"
    )


def begins_at(version_table: str, start: Revisions, end: Revisions, *, alone: bool) -> str:
    """Fail where the script does not fit what is recorded: applied twice, it would record what is recorded already.

    ``alone``: nothing but ``start`` may be recorded, as in a lineage that is one chain.
    """
    starts, ends = _array(start), _array(end)
    fits = f"recorded @> {starts} AND NOT recorded && {ends}" + (f" AND recorded <@ {starts}" if alone else "")
    return f"""DO $plinth$
DECLARE
  recorded text[] := (SELECT coalesce(array_agg(version_num::text), '{{}}') FROM public.{version_table});
BEGIN
  IF NOT ({fits}) THEN
    RAISE EXCEPTION 'this script goes from % to %, and the database is at %: make one that begins there', {starts}, {ends}, recorded
      USING HINT = 'alembic upgrade FROM:head --sql';
  END IF;
END $plinth$"""  # noqa: E501, S608


def _array(revisions: Revisions) -> str:
    names = () if revisions is None else (revisions,) if isinstance(revisions, str) else revisions
    return f"ARRAY[{', '.join(literal(name) for name in names)}]::text[]"
