"""Every revision's SQL is linted for what hurts a database in use."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.db.revision import Lineage
from app.migrator import scripts
from app.migrator.scripts import alembic_config
from tests.integration.migrator.conftest import HEAD, Revisions
from tests.squawk import complaints, findings, findings_of

REVISIONS = [
    pytest.param(lineage, script.revision, tuple(script._all_down_revisions), Path(script.path), id=script.revision)
    for lineage in ("core", "gated")
    for script in ScriptDirectory.from_config(alembic_config(lineage)).walk_revisions()
]


@pytest.mark.parametrize(("lineage", "revision", "parents", "path"), REVISIONS)
def test_a_revision_hurts_nobody(lineage: Lineage, revision: str, parents: tuple[str, ...], path: Path):
    """No finding is left that its author has not accepted with a reason."""
    assert complaints(findings_of(lineage, revision, parents), path.read_text()) == []


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("BEGIN; CREATE INDEX i ON tasks (title); COMMIT;", "require-concurrent-index-creation"),
        ("BEGIN; ALTER TABLE tasks ALTER COLUMN title SET NOT NULL; COMMIT;", "adding-not-nullable-field"),
        ("BEGIN; ALTER TABLE tasks ADD FOREIGN KEY (a) REFERENCES b (c); COMMIT;", "adding-foreign-key-constraint"),
        ("BEGIN; ALTER TABLE tasks DROP COLUMN title; COMMIT;", "ban-drop-column"),
    ],
)
def test_what_locks_a_table_is_found(sql: str, rule: str):
    """The linter is no formality."""
    assert rule in {one.rule for one in findings(sql)}


def test_a_finding_is_accepted_with_a_reason_or_not_at_all():
    """Without a reason it stays a complaint, and what is accepted must be there."""
    found = findings("BEGIN; ALTER TABLE tasks DROP COLUMN title; COMMIT;")
    assert [one.partition(",")[0] for one in complaints(found, "")] == ["ban-drop-column"]
    assert complaints(found, "# squawk: accept ban-drop-column: nobody reads it since 0.3\n") == []
    assert complaints(found, "# squawk: accept ban-drop-column\n") == ["ban-drop-column is accepted without a reason"]
    assert complaints([], "# squawk: accept ban-drop-column: x\n") == ["ban-drop-column is accepted, and not found"]


def test_a_revision_that_joins_others_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the joined ones do is theirs; what it does itself is found."""
    made = Revisions(tmp_path)
    made.statements("CREATE INDEX i ON tasks (title)", name="9001")
    made.statements("CREATE INDEX j ON tasks (title)", name="9002")
    made.core("op.drop_column('tasks', 'title')", name="9003", after="9001")
    joint = tmp_path / "migrations" / "versions" / "9003_test.py"
    joint.write_text(joint.read_text().replace('"9003", "9001"', '"9003", ("9001", "9002")'))
    monkeypatch.setattr(scripts, "ROOT", tmp_path)
    assert {one.rule for one in findings_of("core", "9003", ("9001", "9002"))} == {"ban-drop-column"}


def test_what_cannot_be_read_before_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A revision that awaits something is no revision without a finding."""
    Revisions(tmp_path).core("op.run_async(print)")
    monkeypatch.setattr(scripts, "ROOT", tmp_path)
    assert [one.rule for one in findings_of("core", "9001", (HEAD,))] == ["asynchronous"]
