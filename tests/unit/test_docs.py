"""The pages: their links lead somewhere, CI runs their commands, they are short, and the index names each."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs import commands
from tests.docs.commands import commands_not_run, commands_of, runs_in_ci, unneeded
from tests.docs.links import broken_links
from tests.docs.pages import ROOT, Page, pages

LINES = 125
"""Two screens. What a program writes, is a reference to be searched, and may be longer."""
DOCS = "docs"
GENERATED = {"charts/plinth/README.md": "<!-- values: begin -->"}

Write = Callable[..., Page]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Make a page in a repository of its own."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)

    def page(text: str, name: str = "page.md") -> Page:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        return Page(name, tmp_path)

    return page


WRITTEN = re.compile("<!-- [a-z0-9]+: written by .*?<!-- until here -->", re.DOTALL)
"""A table in a page that a command writes."""


def test_every_link_leads_somewhere():
    """Files, folders and headings, from pages and from sources that name a page."""
    assert broken_links() == []


def test_ci_runs_every_command_or_it_is_said_why_not():
    """Each has an entry in tests/docs/commands.toml, whose test is there."""
    assert commands_not_run() == []


def test_no_entry_is_left_over():
    """A command that no page has any more takes its entry with it."""
    assert unneeded() == []


def test_pages_are_at_most_two_screens():
    """What is longer is two pages. A changelog grows."""
    long = {
        page.name: lines
        for page in pages()
        if (lines := len(WRITTEN.sub("", page.text.partition(GENERATED.get(page.name, "\0"))[0]).splitlines())) > LINES
    }
    assert long.keys() <= {"CHANGELOG.md"}, long


def test_the_index_names_every_page():
    """Whoever writes a page says for whom it is."""
    named = {(Path("docs") / link).as_posix() for link in Page("docs/README.md").links}
    ours = {page.name for page in pages() if Path(page.name).parent == Path("docs")}
    assert ours - named - {"docs/README.md"} == set()


def test_a_link_that_leads_nowhere_is_found(write: Write, tmp_path: Path):
    """To no file, to no heading, by no reference, to a file git leaves out, or from a source."""
    write(f"# A b, c\n\n[1](page.md#a) [2](#a-b-c) [3]({DOCS}) [4](https://x.example/y) ![5](sub/x.md)\n", "sub.md")
    write(f"[1](no.md) [2](page.md#x) [3][no] [4](sub.md#a-b-c) [5]({DOCS}/x.md) ![6](left-out.svg)\n\n# A\n")
    write("# One\n\n# One\n\n[1](#one-1) [2](#one-2) [3](../page.md#a)\n", f"{DOCS}/x.md")
    write(f'"""See {DOCS}/x.md#one, {DOCS}/y.md."""\n', "source.py")
    write("left-out.svg\n", ".gitignore")
    write("<svg/>", "left-out.svg")
    assert broken_links(tmp_path) == [
        f"{DOCS}/x.md: #one-2",
        "page.md: no.md",
        "page.md: page.md#x",
        "page.md: [no]",
        "page.md: left-out.svg",
        "sub.md: sub/x.md",
        f"source.py: {DOCS}/y.md",
    ]


def test_a_command_is_read_whole(write: Write):
    """Without its comment, with its continued lines and its texts; in shell alone."""
    script = "a 'b  # c\nd' \\\n  --e  # f\n\ng | h  # i\n# j\nk#l; m\n"
    assert list(commands_of(write(f"```sh\n{script}```\n\n```python\nimport x\n```\n"))) == [
        "a 'b # c d' --e",
        "g | h",
        "k#l; m",
    ]


def test_what_was_answered_is_no_command(write: Write):
    """Behind a prompt stands what was typed, over two lines as well."""
    session = "$ kubectl get pods |\n> head -1\nNAME  READY\n$ helm list  # all\n"
    assert list(commands_of(write(f"```console\n{session}```\n"))) == ["kubectl get pods | head -1", "helm list"]


def test_a_command_that_nobody_runs_is_found(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One without an entry, an entry whose test is gone, and one with neither test nor reason."""
    write("```sh\nmake it\nmake that\n```\n")
    monkeypatch.setattr(commands, "LIST", tmp_path / "list.toml")
    (tmp_path / "list.toml").write_text('[[command]]\nlike = "make that"\ntest = "Makefile::that"\n')
    assert commands_not_run(tmp_path) == [
        "make that: there is no Makefile::that that CI runs",
        "page.md: make it",
    ]
    (tmp_path / "list.toml").write_text('[[command]]\nlike = "make *"\n')
    assert commands_not_run(tmp_path) == ["make *: names either a test or a reason"]


@pytest.mark.parametrize(
    ("test", "runs"),
    [
        ("tests/unit/test_docs.py::test_every_link_leads_somewhere", True),
        ("tests/unit/test_docs.py::test_nothing", False),
        ("tests/unit/test_nowhere.py::test_nothing", False),
        ("Makefile::check", True),
        ("Makefile::lint", True),
        ("Makefile::verbs", False),
    ],
)
def test_what_ci_runs_is_known(test: str, runs: bool):
    """A test that exists, and what `.ci/run` makes and that needs; no other target."""
    assert runs_in_ci(test) is runs


def test_the_readme_is_where_the_tests_look():
    """The root of the repository is the one with the README and its two commands."""
    assert list(commands_of(Page("README.md", ROOT))) == ["make up", "make test"]


def test_the_readme_shows_the_recording_once_there_is_one():
    """What `make recording` drew is on the first screen."""
    assert ("docs/upgrade.svg" in Page("README.md").links) is (ROOT / "docs" / "upgrade.svg").exists()
