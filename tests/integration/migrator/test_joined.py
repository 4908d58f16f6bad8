"""A team's revisions beside those of a release that came later, joined as docs/adopt.md says."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.migrator.run import migrate
from tests.integration.migrator.conftest import HEAD, Revisions
from tests.servers.databases import TestDatabase


async def test_a_release_comes_to_a_database_with_a_teams_revision(database: TestDatabase, revisions: Revisions):
    """It gets the release's and the joint one, then there is nothing to do; the team's image of before says ahead."""
    revisions.statements("CREATE TABLE ledgers (id uuid PRIMARY KEY)")
    assert (await migrate(database.owner_settings)).revisions == ("9001",)
    joined = join(revisions)
    outcome = await migrate(database.owner_settings)
    assert (outcome.outcome, set(outcome.before), set(outcome.after)) == ("applied", {"9001"}, {"9003"})
    assert outcome.revisions == ("9002", "9003")
    assert (await migrate(database.owner_settings)).outcome == "nothing"
    for path in joined:
        path.unlink()
    assert (await migrate(database.owner_settings)).outcome == "ahead"


async def test_a_new_database_gets_all(database: TestDatabase, revisions: Revisions):
    """In an order in which each finds what it needs."""
    revisions.statements("CREATE TABLE ledgers (id uuid PRIMARY KEY)")
    join(revisions)
    outcome = await migrate(database.owner_settings)
    assert (outcome.outcome, set(outcome.before), set(outcome.after)) == ("applied", {HEAD}, {"9003"})
    assert (set(outcome.revisions), outcome.revisions[-1]) == ({"9001", "9002", "9003"}, "9003")


def join(revisions: Revisions) -> list[Path]:
    """The files of a release's revision beside the team's, and of the joint one."""
    versions = revisions.root / "migrations" / "versions"
    before = set(versions.glob("*.py"))
    revisions.statements("ALTER TABLE projects ADD COLUMN notes text", name="9002")
    command.merge(Config(revisions.root / "alembic.ini"), "heads", message="joins Plinth", rev_id="9003")
    return sorted(set(versions.glob("*.py")) - before)
