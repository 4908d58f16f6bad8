"""The commands of the pages, and what runs each: commands.toml beside this."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.docs.pages import ROOT, Page, pages

LIST = Path(__file__).with_name("commands.toml")
_COMMENT = re.compile(r"(?:^|\s+)#\s")
_RULE = re.compile(r"^([a-z0-9-]+):([^=#\n]*)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A command, with `*` for what differs, and the test that runs it, or why none does."""

    like: str
    test: str = ""
    reason: str = ""

    def matches(self, command: str) -> bool:
        return fnmatchcase(command, self.like)

    @property
    def wrong(self) -> str | None:
        """What is missing of it."""
        if bool(self.test) == bool(self.reason):
            return f"{self.like}: names either a test or a reason"
        if self.test and not runs_in_ci(self.test):
            return f"{self.like}: there is no {self.test} that CI runs"
        return None


def commands_of(page: Page) -> Iterator[str]:
    """Its commands, each in one line: without comments, and with its continued lines and texts."""
    for script in page.scripts:
        whole = ""
        for line in _typed(script):
            whole = _without_comment(whole, line)
            if whole.endswith("\\"):
                whole = whole[:-1]
            elif _ends(whole):
                yield from filter(None, [" ".join(whole.split())])
                whole = ""
            else:
                whole += "\n"


def _typed(script: str) -> list[str]:
    """The lines of a script; where there are prompts, what was typed behind them, without what was answered."""
    lines = script.splitlines()
    if any(line.startswith("$ ") for line in lines):
        return [line[2:] for line in lines if line.startswith(("$ ", "> "))]
    return lines


def _without_comment(before: str, line: str) -> str:
    """Both, the line up to its comment; a `#` within a text begins none."""
    cuts = (before + line[: found.start()] for found in _COMMENT.finditer(line))
    return next((cut for cut in cuts if _ends(cut)), before + line)


def _ends(text: str) -> bool:
    """Whether no quotation is open, and no other command must follow."""
    try:
        shlex.split(text)
    except ValueError:
        return False
    return not text.rstrip().endswith(("|", "&&"))


def entries() -> list[Entry]:
    return [Entry(**one) for one in tomllib.loads(LIST.read_text())["command"]]


def commands_not_run(root: Path = ROOT) -> list[str]:
    """Commands of the pages that CI does not run without a reason, as `page: command`; and wrong entries."""
    known = entries()
    found = [(page.name, command) for page in pages(root) for command in commands_of(page)]
    wrong = [one.wrong for one in known if one.wrong]
    return wrong + [f"{page}: {one}" for page, one in found if not any(entry.matches(one) for entry in known)]


def unneeded() -> list[str]:
    """Entries of commands that no page has any more."""
    found = [command for page in pages() for command in commands_of(page)]
    return [one.like for one in entries() if not any(one.matches(command) for command in found)]


def runs_in_ci(test: str) -> bool:
    """Whether it is a test function there is, or a target of the Makefile that CI comes by."""
    path, _, name = test.partition("::")
    if path == "Makefile":
        return name in _targets_of_ci()
    file = ROOT / path
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return file.is_file() and name in {
        one.name for one in ast.parse(file.read_text()).body if isinstance(one, functions)
    }


def _targets_of_ci() -> set[str]:
    """Those `.ci/run` makes, and what they need."""
    rules: dict[str, list[str]] = {}
    for name, needed in _RULE.findall((ROOT / "Makefile").read_text()):
        rules.setdefault(name, []).extend(needed.split())
    found, ahead = set[str](), re.findall(r"\bmake ([a-z-]+)", (ROOT / ".ci" / "run").read_text())
    while ahead:
        found.add(target := ahead.pop())
        ahead += [one for one in rules.get(target, []) if one not in found]
    return found
