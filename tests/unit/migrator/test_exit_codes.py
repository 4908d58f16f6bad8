"""docs/migrate-job.md says how a run ends: its table is the code's, and the chart's."""

import re
from collections.abc import Iterator
from pathlib import Path

from app.errors import MigrationError, PlinthError, SettingsError
from app.outcome import PENDING_EXIT_CODE

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "migrate-job.md").read_text()
JOB = (ROOT / "charts" / "plinth" / "templates" / "migration" / "_job.tpl").read_text()
ROWS = {
    int(code): (reasons, again) for code, reasons, again in re.findall(r"(?m)^\| (\d+) \| (.*?) \| (\w*) ?\|", PAGE)
}


def test_each_exit_code_has_its_reasons():
    """Every error's reason stands in the row of its exit code, and no other does."""
    expected = {0: {"Ahead"}, PENDING_EXIT_CODE: {"Pending"}}
    for error in (PlinthError, SettingsError, *_below(MigrationError)):
        expected.setdefault(error.exit_code, set()).add(error.reason)
    assert {code: set(re.findall(r"`([A-Z][a-z]\w+)`", reasons)) for code, (reasons, _) in ROWS.items()} == expected


def test_which_ends_are_tried_once_more():
    """All but those after which the chart's Job starts no second pod."""
    [final] = re.findall(r"operator: In, values: \[([\d, ]+)\]", JOB)
    assert {code for code, (_, again) in ROWS.items() if again == "no"} == {int(code) for code in final.split(",")}
    assert {code for code, (_, again) in ROWS.items() if again == "yes"} == {1, 3, 4, 5}


def _below(kind: type[PlinthError]) -> Iterator[type[PlinthError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
