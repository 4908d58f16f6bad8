"""How the process of `plinth migrate` ends: its last line, and what a signal finds it at."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from app.migrator.lock import migration_lock
from app.migrator.run import migrate
from tests.api import until
from tests.integration.migrator.conftest import HEAD, REVISIONS, Revisions
from tests.integration.migrator.test_migrate import hold_version_table
from tests.processes import PLINTH, environment, plinth
from tests.servers.databases import TestDatabase, migrator_settings

pytestmark = pytest.mark.servers(15, 17, 18)

LINE = {
    "outcome", "lineage", "from", "to", "revisions", "server", "serverVersionNum", "systemIdentifier", "seconds",
    "attempts", "reason", "message",
}  # fmt: skip


def test_the_last_line_is_json_and_the_termination_message(database: TestDatabase, tmp_path: Path):
    """The process ends with one JSON line of the public fields, and writes it where Kubernetes looks."""
    message = tmp_path / "termination-log"
    message.touch()
    done = plinth("migrate", database_url=database.owner_uri, termination_log=str(message))
    assert done.returncode == 0
    line = done.stdout.splitlines()[-1]
    assert json.loads(line).keys() == LINE
    assert message.read_text() == line


def test_a_signal_ends_it_in_good_order(database: TestDatabase, tmp_path: Path):
    """SIGTERM, of which the first process of a container dies only if it wants to: exit 1 with a last line."""
    asyncio.run(database.fetch("UPDATE alembic_version SET version_num = '0001'"))

    async def ended() -> dict[str, object]:
        async with migration_lock(database.owner_settings):
            waiting = "SELECT count(*) = 2 FROM pg_stat_activity WHERE application_name = 'plinth-migrate-lock'"
            return await _terminate_when(waiting, database, tmp_path)

    line = asyncio.run(ended())
    assert line["reason"] == "Interrupted"
    assert "Ended from outside while waiting for the migration lock; " in str(line["message"])


async def test_a_signal_before_there_is_a_database_says_so():
    """What it waited for can be read from the last line: a server that never answered is no hung revision."""
    waiting = asyncio.create_task(migrate(migrator_settings("postgresql://u:p@127.0.0.1:1/d?sslmode=disable")))
    await asyncio.sleep(0)  # it has begun
    waiting.cancel()
    outcome = await waiting
    assert (outcome.exit_code, outcome.reason) == (1, "Interrupted")
    assert outcome.message.startswith("Ended from outside while waiting for the database; ")


async def test_an_unexpected_error_says_what_was_committed(
    database: TestDatabase, revisions: Revisions, monkeypatch: pytest.MonkeyPatch
):
    """A defect of the migrator itself: exit 1, and the last line says from where to where it came."""
    revisions.statements("CREATE TABLE made ()")

    async def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.migrator.run._Run._verify", defect)
    outcome = await migrate(database.owner_settings)
    assert (outcome.exit_code, outcome.reason) == (1, "Internal")
    assert outcome.message == "Unexpected: ZeroDivisionError; see the log."
    assert (outcome.before, outcome.after, outcome.revisions) == ({HEAD}, {"9001"}, ("9001",))


async def test_a_signal_in_a_revision_says_which(empty_database: TestDatabase, tmp_path: Path):
    """What hung can be read from the last line, and what was committed before."""
    holder = await hold_version_table(empty_database)
    line = await _terminate_when("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)", empty_database, tmp_path)
    await holder.close()
    assert (line["reason"], line["to"], line["revisions"]) == ("Interrupted", None, [])
    assert f"at {REVISIONS[0]} (1 of {len(REVISIONS)}), " in str(line["message"])


async def _terminate_when(query: str, database: TestDatabase, folder: Path) -> dict[str, object]:
    """Run `plinth migrate`, and send it SIGTERM once this is true; its last line."""
    message = folder / "termination-log"
    message.touch()
    process = subprocess.Popen(  # noqa: ASYNC220 - it is not waited for here
        [*PLINTH, "migrate"], env=environment(database_url=database.owner_uri, termination_log=str(message)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    await until(lambda: database.fetchval(query), within=20)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 20) == 1
    line: dict[str, object] = json.loads(message.read_text())
    return line


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        ((), {}, "No database is configured"),
        ((), {"migrate_attempts": "many"}, "PLINTH_MIGRATE_ATTEMPTS"),
        (("--check", "--sql"), {}, "--check and --sql exclude each other."),
        (("--gated", "x", "--chek"), {}, "No such option"),
        (("--gated", "other", "--sql"), {}, "There is no gated revision other"),
    ],
)
def test_what_was_asked_for_wrongly_exits_2(
    tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str], words: str
):
    """A wrong setting or option ends in the last line, too: on standard output, or beside the SQL where that is."""
    message = tmp_path / "termination-log"
    message.touch()
    done = plinth("migrate", *arguments, termination_log=str(message), **settings)
    assert done.returncode == 2, done.stderr
    printed = done.stderr if arguments == ("--gated", "other", "--sql") else done.stdout
    line = printed.splitlines()[-1]
    assert words in json.loads(line)["message"]
    assert json.loads(line)["lineage"] == ("gated" if "--gated" in arguments else "core")
    assert message.read_text() == line
