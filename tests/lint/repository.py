"""The linters of what runs, keeps and edits this repository: workflows, bots, hooks, and the form of every file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.cluster.commands import run
from tests.lint import programs
from tests.lint.findings import Finding
from tests.lint.programs import report

WORKFLOWS = ".github/workflows"
RENOVATE = ".github/renovate.json"
HOOKS = ".pre-commit-config.yaml"


def findings(root: Path) -> set[Finding]:
    """All that is found in a repository that has each of these files. Files are named as from its root."""
    programs.compiled()
    workflows = sorted(str(one.relative_to(root)) for one in (root / WORKFLOWS).iterdir())
    return {
        *actionlint(root, workflows),
        *zizmor(root, [*workflows, HOOKS]),
        *check_jsonschema(root, "github-workflows", workflows),
        *check_jsonschema(root, "renovate", [RENOVATE]),
        *pre_commit(root),
        *editorconfig(root),
    }


def actionlint(root: Path, workflows: Sequence[str]) -> Iterator[Finding]:
    """With shellcheck, over the scripts in them."""
    options = ("-format={{json .}}", "-pyflakes=", f"-shellcheck={programs.python('lint', 'shellcheck')}")
    for one in report(programs.go(programs.ACTIONLINT), *options, *workflows, cwd=root):
        yield Finding("actionlint", f"{one['kind']}: {one['message']}", one["filepath"])


def zizmor(root: Path, files: Sequence[str]) -> Iterator[Finding]:
    """All it can find without asking anybody."""
    options = ("--offline", "--no-config", "--no-ignores", "--no-progress", "--persona=auditor", "--format=json-v1")
    for one in report(programs.python("lint", "zizmor"), *options, *files, cwd=root):
        for place in one["locations"]:
            file = place["symbolic"]["key"]["Local"]["verbatim_path"]
            yield Finding("zizmor", f"{one['ident']}: {one['desc']}", file)


def check_jsonschema(root: Path, schema: str, files: Sequence[str]) -> Iterator[Finding]:
    """Against a schema that the program carries with it."""
    options = ("--output-format=JSON", f"--builtin-schema=vendor.{schema}")
    said = report(programs.python("lint", "check-jsonschema"), *options, *files, cwd=root)
    for one in said["errors"]:
        message = one.get("best_deep_match", one)["message"]
        yield Finding("check-jsonschema", f"{schema}: {one['path']}: {message}", one["filename"])
    for one in said.get("parse_errors", []):
        yield Finding("check-jsonschema", f"{schema}: {one['message']}", one["filename"])


def pre_commit(root: Path) -> Iterator[Finding]:
    """It says nothing of a file that is well, and of another the path to what is wrong, a line each."""
    said = run(programs.python("lint", "pre-commit"), "validate-config", HOOKS, check=False, cwd=root)
    if lines := [line.lstrip("=> ") for line in said.splitlines() if line.strip()]:
        yield Finding("pre-commit", lines[-1], HOOKS)


def editorconfig(root: Path) -> Iterator[Finding]:
    """Of all files that git knows. How far lines go and are indented ruff says, which knows of SQL within Python."""
    options = ("-format=codeclimate", "-disable-indent-size", "-disable-max-line-length")
    for one in report(programs.go(programs.EDITORCONFIG), *options, cwd=root):
        yield Finding("editorconfig-checker", one["description"], one["location"]["path"])
