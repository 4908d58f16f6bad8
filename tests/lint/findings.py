"""What linters find, and which of it is accepted."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True, order=True)
class Finding:
    """``object`` is `Kind/name` or a file."""

    tool: str
    rule: str
    object: str

    def __str__(self) -> str:
        return f"{self.tool}: {self.object}: {self.rule}"


@dataclass(frozen=True)
class Accepted:
    """Every one of ``objects`` (a pattern each: `Job/plinth-migrate*`) is the rule's on purpose."""

    tool: str
    rule: str
    objects: tuple[str, ...]
    reason: str

    def covers(self, pattern: str, finding: Finding) -> bool:
        return (self.tool, self.rule) == (finding.tool, finding.rule) and fnmatchcase(finding.object, pattern)


def accepted(file: Path = ACCEPTED) -> list[Accepted]:
    entries = tomllib.loads(file.read_text())["accepted"]
    return [Accepted(**{**entry, "objects": tuple(entry["objects"])}) for entry in entries]


def unexplained(findings: Iterable[Finding], entries: Iterable[Accepted]) -> list[Finding]:
    """Findings that no entry covers."""
    known = [(entry, pattern) for entry in entries for pattern in entry.objects]
    return sorted({one for one in findings if not any(entry.covers(pattern, one) for entry, pattern in known)})


def outdated(findings: Iterable[Finding], entries: Iterable[Accepted]) -> list[str]:
    """Entries, or objects of theirs, that cover no finding any more."""
    found = list(findings)
    return [
        f"{entry.tool}: {pattern}: {entry.rule}"
        for entry in entries
        for pattern in entry.objects
        if not any(entry.covers(pattern, one) for one in found)
    ]
