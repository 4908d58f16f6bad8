"""What is pending."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from app.migrator import scripts
from app.migrator.scripts import Scripts
from tests.integration.migrator.conftest import HEAD, REVISIONS, Revisions


@pytest.fixture
def two_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripts:
    """Two revisions after the last: what two developers make at once."""
    made = Revisions(tmp_path)
    for name in ("9001", "9002"):
        made.core("pass", name=name)
    monkeypatch.setattr(scripts, "ROOT", tmp_path)
    return Scripts("core")


def test_what_is_pending_comes_in_order():
    """From nothing all, from a revision those after it, from the head none."""
    core = Scripts("core")
    assert core.pending(frozenset()) == REVISIONS
    assert core.pending({REVISIONS[0]}) == REVISIONS[1:]
    assert core.pending({HEAD}) == ()


def test_a_second_head_is_pending_too(two_heads: Scripts):
    """With one of two heads recorded there is something to do still."""
    assert set(two_heads.pending({HEAD})) == {"9001", "9002"}
    assert two_heads.pending({"9001"}) == ("9002",)
    assert two_heads.pending({"9001", "9002"}) == ()


def test_alembic_merge_makes_a_revision_that_is_whole(two_heads: Scripts, tmp_path: Path):
    """It joins two heads by changing nothing, and says that it expands: nothing of it is left to be written."""
    made = command.merge(Config(tmp_path / "alembic.ini"), "heads", message="joins both", rev_id="9003")
    assert "\nExpands: it changes nothing" in str(made.longdoc)
    assert made.module.upgrade() is None
    joined = Scripts("core")
    assert joined.known.heads == {"9003"}
    assert joined.pending({"9001"}) == ("9002", "9003")


def test_unknown_revisions_have_no_order():
    """What a later release recorded is none of ours to apply."""
    assert Scripts("core").pending({"ffff"}) == ()
