"""Migrations: the lock, the log, the Alembic environment of both lineages, and `plinth migrate`."""
