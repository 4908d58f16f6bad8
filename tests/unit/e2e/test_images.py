"""Images with one revision more, in a clone that has revisions of its own."""

import shutil
from pathlib import Path

import pytest

from app.db.revision import KnownRevisions, known_revisions
from tests.e2e import images


@pytest.mark.parametrize("folder", ["next", "failing"])
def test_the_next_release_follows_the_last_revision_there_is(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """After a team's revision, if that is the last; two heads would not migrate."""
    context = shutil.copytree(images.HERE / folder, tmp_path / folder)
    known = KnownRevisions(frozenset({"20261124"}), frozenset({"0001", "20261124"}))
    monkeypatch.setattr(images, "known_revisions", lambda: known)
    images.follow(context)
    (script,) = context.glob("*.py")
    assert 'down_revision = "20261124"' in script.read_text()


def test_the_last_revision_is_known():
    """What is replaced is in step with the numbered revisions."""
    assert max(one for one in known_revisions().all if len(one) == 4) == images.LAST
