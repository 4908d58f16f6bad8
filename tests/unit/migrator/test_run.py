"""`plinth migrate --sql`."""

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
