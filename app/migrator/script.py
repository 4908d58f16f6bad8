"""What `--sql` writes before and after the revisions, so that the script is as careful as the migrator itself.

It takes the migration lock where nobody has it, fails at once where somebody does, and depends on no setting of the
role that runs it. Made for `psql -v ON_ERROR_STOP=1`.
"""

from collections.abc import Iterator

from app.migrator.lock import LOCK_KEY
from app.settings import Settings

POSTSCRIPT = (f"SELECT pg_catalog.pg_advisory_unlock({LOCK_KEY})",)


def preamble(settings: Settings) -> Iterator[str]:
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
