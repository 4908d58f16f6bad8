"""A slice against the project it is made in."""

from pathlib import Path

import pytest

from app.db import revision
from app.scaffold import SliceError, tree
from app.scaffold.plan import plan
from app.scaffold.tree import check_root
from tests.integration.migrator.conftest import HEAD, Revisions
from tests.unit.scaffold.asked import NOW


@pytest.fixture
def revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Revisions:
    """The project's migrations, and a place to add some."""
    for module in (revision, tree):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return Revisions(tmp_path)


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("tasks", (), "There is a slice tasks already"),
        ("idempotency_keys", (), "There is a table idempotency_keys already"),
        ("specimens", ("a:text", "a:int"), "There are two fields a: leave one away"),
        ("specimens", ("a:ref=customers",), "a refers to customers, and there is no such slice; there are "),
        ("specimens", ("a:ref=idempotency_keys",), "a refers to idempotency_keys, and there is no such slice"),
        ("x" * 30 + "s", (f"{'y' * 30}:ref=projects",), "at most 63 characters"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(name: str, fields: tuple[str, ...], told: str):
    """What is wrong with it, and what to do."""
    with pytest.raises(SliceError, match=told):
        plan(name, fields, None, NOW)


def test_two_models_have_two_names():
    """Relationships find them by name."""
    with pytest.raises(SliceError, match=r"There is a model Task already, in app\.slices\.tasks\.models"):
        plan("chores", (), "task", NOW)


def test_a_revision_follows_the_head_and_is_named_by_its_time(revisions: Revisions):
    """In UTC, and a second later where there is one of that time."""
    one = tree.lineage(NOW)
    assert one == tree.Lineage("20260131120000", HEAD, secured=False)
    revisions.core("op.enable_row_level_security('tasks')", name=one.revision)
    assert tree.lineage(NOW) == tree.Lineage("20260131120001", one.revision, secured=True)


def test_two_heads_are_put_in_a_line_first(revisions: Revisions):
    """A revision after one of them would leave the other aside."""
    revisions.core("pass", name="9001")
    revisions.core("pass", name="9002")
    with pytest.raises(SliceError, match=r"2 heads \(9001, 9002\): put them in a line first"):
        tree.lineage(NOW)


def test_revisions_that_cannot_be_read_are_told_in_a_sentence(revisions: Revisions):
    """Such as one after another that is not there."""
    revisions.core("pass", after="8000")
    with (
        pytest.warns(UserWarning, match="8000"),
        pytest.raises(SliceError, match="The revisions in migrations/versions cannot be read"),
    ):
        tree.lineage(NOW)


def test_a_container_has_no_place_for_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is told what is needed."""
    monkeypatch.setattr(tree, "ROOT", tmp_path)
    with pytest.raises(SliceError, match=f"{tmp_path} has none, as in a container: run this in a clone"):
        check_root(tmp_path)


def test_the_code_of_one_clone_writes_into_no_other(tmp_path: Path):
    """Any folder will do, but for those of another clone."""
    check_root(tmp_path)
    check_root(tree.ROOT / "app" / "slices")
    (tmp_path / "app" / "slices").mkdir(parents=True)
    with pytest.raises(SliceError, match=f"you are in {tmp_path}: run .venv/bin/plinth of that"):
        check_root(tmp_path / "app")
