"""What squawk, a linter for migrations, says of a revision's SQL, and which of it the revision's author accepted.

A finding is accepted in the revision's own file, by a comment with its rule and the reason::

    # squawk: accept prefer-bigint-over-int: a row is not changed two thousand million times

What `op.run_async` executes is no SQL that can be read before; that is a finding too, `asynchronous`.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.db.revision import Lineage
from app.errors import MigrationUsageError
from app.migrator import run
from app.settings import Settings

_PROGRAM = Path(sys.executable).parent / "squawk"
_OLDEST = "15.0"
# The migrator sets both for its own sessions, and `--sql` in its first lines.
_NOT_THE_REVISIONS = "require-lock-timeout,require-statement-timeout"
_ACCEPT = re.compile(r"^# squawk: accept ([a-z-]+)(?:: *(.*\S))?\s*$", re.MULTILINE)
_BOOKKEEPING = re.compile(r"^(INSERT INTO|UPDATE|DELETE FROM) (public\.)?(alembic_version|plinth_migration_log)")


@dataclass(frozen=True)
class Finding:
    rule: str
    line: int
    message: str


def script_of(lineage: Lineage, revision: str, parents: tuple[str, ...]) -> str:
    """All that `--sql` prints of a revision's upgrade; of one that joins others, also of those beside the first."""
    return run.sql_of(Settings(image="squawk"), lineage, f"{parents[0]}:{revision}" if parents else revision)


def sql_of(lineage: Lineage, revision: str, parents: tuple[str, ...]) -> str:
    """What a revision's upgrade executes, its transaction included, without the bookkeeping."""
    _, _, own = script_of(lineage, revision, parents).rpartition("-- Running upgrade")
    statements = [one.strip() for one in ("BEGIN;\n\n-- Running upgrade" + own).split(";\n\n")]
    return ";\n\n".join(one for one in statements if not _BOOKKEEPING.match(one))


def findings_of(lineage: Lineage, revision: str, parents: tuple[str, ...]) -> list[Finding]:
    """All that is found in a revision."""
    try:
        return findings(sql_of(lineage, revision, parents))
    except MigrationUsageError:
        return [Finding("asynchronous", 0, "op.run_async is not linted, and `--sql` of this lineage is refused.")]


def findings(sql: str) -> list[Finding]:
    """All that squawk finds."""
    told = ("--reporter", "json", "--pg-version", _OLDEST, "--exclude", _NOT_THE_REVISIONS)
    command_line = [_PROGRAM, *told, "--stdin-filepath", "revision.sql"]
    done = subprocess.run(command_line, input=sql, capture_output=True, text=True, check=False)
    return [Finding(one["rule_name"], one["line"], one["message"]) for one in json.loads(done.stdout)]


def accepted(source: str) -> dict[str, str]:
    """Rule and reason of each comment in a revision's file; an empty reason is none."""
    return {rule: reason or "" for rule, reason in _ACCEPT.findall(source)}


def complaints(found: list[Finding], source: str) -> list[str]:
    """What is wrong: findings nobody accepted, acceptances without a reason, and those of nothing."""
    taken, rules = accepted(source), {one.rule for one in found}
    return [
        *(
            f"{one.rule}, line {one.line}: {one.message} Mend it, or accept it in the revision's file: "
            f"`# squawk: accept {one.rule}: <reason>`"
            for one in found
            if one.rule not in taken
        ),
        *(f"{rule} is accepted without a reason" for rule, reason in taken.items() if not reason),
        *(f"{rule} is accepted, and not found" for rule in taken if rule not in rules),
    ]
