"""The core lineage: the schema this release of the app needs."""

from app.migrator.environment import run

run("core")
