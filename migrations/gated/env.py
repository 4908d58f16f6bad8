"""The gated lineage: revisions that wait for a version of the server, each a base of its own, in any order."""

from app.migrator.environment import run

run("gated")
