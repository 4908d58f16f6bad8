"""`plinth new slice` in a clone: what it writes is migrated, tested, asked, and linted as the project's own.

Row-level security is turned on there between two slices, as docs/tenancy.md says; `projects`, such a slice too,
has none.
"""

import json
from pathlib import Path

import pytest

from tests.clones import assert_green, cloned, edited_lines, new_files, new_slice, run
from tests.integration.test_openapi import asked
from tests.processes import plinth, started
from tests.servers.databases import APP, TestDatabase

KINDS = {"text": "=40", "int": "", "bool": "", "decimal": "=12,2", "date": "", "datetime": "", "uuid": "", "json": ""}
EVERY_KIND = (
    *(f"a_{kind}:{kind}{argument}" for kind, argument in KINDS.items()),
    *(f"maybe_{kind}:{kind}?" for kind in KINDS),
    "state:enum=draft,sent",
)
PARTS = ("consignment_parts", *EVERY_KIND, "consignment:ref=consignments", "parent:ref=consignment_parts?")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With two slices: one has a field of each kind, the other, too, and refers to it and to its own."""
    made = cloned(tmp_path_factory.mktemp("clone"))
    new_slice(made, "consignments", *EVERY_KIND, "project:ref=projects?")
    _secure(made, "consignments")
    new_slice(made, *PARTS)
    return made


def _secure(clone: Path, table: str) -> None:
    """The page's revision behind the last one there is, with one more table."""
    last = max(path.name.partition("_")[0] for path in (clone / "migrations/versions").glob("2*.py"))
    revision = (clone / "docs" / "tenancy.md").read_text().split("```python\n")[1].split("```")[0]
    for before, now in (('"0003"', f'"{last}"'), ('"0004"', f'"{last}1"'), ('"tasks"', f'"tasks", "{table}"')):
        assert before in revision
        revision = revision.replace(before, now)
    (clone / "migrations/versions" / f"{last}1_row_level_security.py").write_text(revision)


def test_it_is_linted_typed_and_layered(clone: Path):
    """And nothing that was there is changed: no line is left to edit by hand."""
    new = [name for name in new_files(clone) if name.endswith(".py")]
    assert (len(new), edited_lines(clone)) == (15, 0)
    run(clone, "ruff", "format", "--check", "--no-cache", ".")
    run(clone, "ruff", "check", "--no-cache", ".")
    run(clone, "lint-imports", "--no-cache")
    run(clone, "mypy", *(name for name in new if not name.startswith("tests")))
    assert_green(
        clone,
        "tests/unit/test_conventions.py",
        "tests/unit/migrator/test_squawk.py",
        "tests/unit/migrator/test_revisions.py",
    )


def test_its_own_tests_are_green(clone: Path):
    """On 17 and 18, for two tenants, whom the database keeps apart as well."""
    (revision,) = (clone / "migrations/versions").glob("*_consignment_parts.py")
    assert 'op.enable_row_level_security("consignment_parts")' in revision.read_text()
    assert_green(clone, "tests/integration/slices/test_consignment_parts.py")


def test_models_and_revisions_agree(clone: Path, empty_database: TestDatabase):
    """After the upgrade, in row-level security too, and there is a way back."""
    owner = {"database_url": empty_database.owner_uri, "database_app_role": APP, "rls_required": "true"}
    done = plinth("migrate", code=clone, **owner)
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["outcome"] == "applied", outcome
    for command in (("check",), ("downgrade", "-3")):
        run(clone, "alembic", *command, **owner)


@pytest.mark.servers(18)  # a document knows no server's version
def test_every_answer_is_as_documented(clone: Path, tmp_path: Path, empty_database: TestDatabase):
    """What schemathesis makes of each kind of field is taken or refused as the document says."""
    assert plinth("migrate", code=clone, database_url=empty_database.owner_uri, database_app_role=APP).returncode == 0
    with started(tmp_path, empty_database.uri, code=clone, rls_required="true") as process:
        process.wait_for("/readyz", 200)
        asked(process, tmp_path, "--include-path-regex=^/api/v1/consignments", "--phases=coverage,fuzzing")
