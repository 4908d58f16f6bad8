"""`plinth new slice` in a clone: what it writes is migrated, tested, asked, and linted as the project's own."""

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
    new_slice(made, *PARTS)
    return made


def test_it_is_linted_typed_and_layered(clone: Path):
    """And nothing that was there is changed: no line is left to edit by hand."""
    new = [name for name in new_files(clone) if name.endswith(".py")]
    assert (len(new), edited_lines(clone)) == (14, 0)
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
    """On 17 and 18."""
    assert_green(clone, "tests/integration/slices/test_consignment_parts.py")


def test_models_and_revisions_agree(clone: Path, empty_database: TestDatabase):
    """After the upgrade, and there is a way back."""
    owner = {"database_url": empty_database.owner_uri, "database_app_role": APP}
    done = plinth("migrate", code=clone, **owner)
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["outcome"] == "applied", outcome
    for command in (("check",), ("downgrade", "-2")):
        run(clone, "alembic", *command, **owner)


@pytest.mark.servers(18)  # a document knows no server's version
def test_every_answer_is_as_documented(clone: Path, tmp_path: Path, empty_database: TestDatabase):
    """What schemathesis makes of each kind of field is taken or refused as the document says."""
    assert plinth("migrate", code=clone, database_url=empty_database.owner_uri, database_app_role=APP).returncode == 0
    with started(tmp_path, empty_database.uri, code=clone) as process:
        process.wait_for("/readyz", 200)
        asked(process, tmp_path, "--include-path-regex=^/api/v1/consignments", "--phases=coverage,fuzzing")
