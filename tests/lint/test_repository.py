"""That each linter of the repository is awake: what it says about one that is wrong in every file."""

import pytest

from tests.cluster.commands import run
from tests.lint import repository
from tests.lint.findings import Finding, accepted, unexplained

# An expression that its context does not know, a variable that the shell splits, more rights than needed, an action
# that moves, and two ways of asking zizmor to be silent.
WORKFLOW = """\
name: bad
on: push
permissions: write-all # zizmor: ignore[excessive-permissions]
jobs:
  bad:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7 # zizmor: ignore
      - run: rm $HOME/${{ github.nothing }}
      - run: true
        surprise: true
"""
EDITORS = "root = true\n[*]\ninsert_final_newline = true\n"
BAD = {
    repository.WORKFLOWS + "/bad.yml": WORKFLOW,
    repository.RENOVATE: '{"extends": 1}',
    repository.HOOKS: "repos: [{repo: local, hooks: [{id: bad}]}]\n",
    ".editorconfig": EDITORS,
    "bad.txt": "no end",
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> set[Finding]:
    """What is found in a repository that is wrong on purpose."""
    root = tmp_path_factory.mktemp("bad")
    for name, text in BAD.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    run("git", "-C", root, "init", "--quiet")
    return repository.findings(root)


@pytest.mark.parametrize(
    ("tool", "said", "file"),
    [
        ("actionlint", 'expression: property "nothing" is not defined', repository.WORKFLOWS + "/bad.yml"),
        (
            "actionlint",
            "shellcheck: shellcheck reported issue in this script: SC2086",
            repository.WORKFLOWS + "/bad.yml",
        ),
        ("zizmor", "excessive-permissions", repository.WORKFLOWS + "/bad.yml"),
        ("zizmor", "unpinned-uses", repository.WORKFLOWS + "/bad.yml"),
        ("check-jsonschema", "github-workflows: $.jobs.bad", repository.WORKFLOWS + "/bad.yml"),
        ("check-jsonschema", "renovate: $.extends: 1 is not of type 'array'", repository.RENOVATE),
        ("pre-commit", "Missing required key: name", repository.HOOKS),
        ("editorconfig-checker", "Final newline expected", "bad.txt"),
    ],
    ids=lambda value: value.split(":")[0],
)
def test_each_linter_sees_what_is_bad(bad: set[Finding], tool: str, said: str, file: str) -> None:
    """Whatever a comment says; and nothing in accepted.toml covers it by being too wide."""
    found = {one for one in bad if (one.tool, one.object) == (tool, file) and one.rule.startswith(said)}
    assert found, bad
    assert found <= set(unexplained(bad, accepted()))
