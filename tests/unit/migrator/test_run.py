"""`plinth migrate --sql`."""

import io
import sys
from pathlib import Path

import pytest

from app.errors import MigrationUsageError
from app.migrator import scripts
from app.migrator.run import print_sql
from app.settings import Settings
from tests.integration.migrator.conftest import Revisions


def test_what_cannot_be_written_as_sql_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A revision that awaits something is named in a sentence, and no half of a script is printed."""
    made = Revisions(tmp_path)
    made.core("op.run_async(print)")
    made.core("pass", name="9002", after="9001")
    monkeypatch.setattr(scripts, "ROOT", tmp_path)
    with pytest.raises(MigrationUsageError, match=r"^The revision 9001 uses op.run_async, .* without --sql"):
        print_sql(Settings())
    assert capsys.readouterr().out == ""


def test_it_is_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever the terminal's encoding: it is applied elsewhere."""
    Revisions(tmp_path).statements("SELECT '用户'")
    monkeypatch.setattr(scripts, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    print_sql(Settings())
    sys.stdout.seek(0)
    assert "SELECT '用户'" in sys.stdout.buffer.read().decode()
