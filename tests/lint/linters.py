"""Running each linter and reading its report: one that ends without having looked is an error, never no finding."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.chart.values_table import CHART
from tests.cluster import tools
from tests.cluster.commands import run
from tests.cluster.console import ClusterError
from tests.cluster.lock import one_at_a_time
from tests.lint import programs, releases, repository, schemas
from tests.lint.findings import Finding, accepted, unexplained
from tests.lint.programs import report

ROOT = CHART.parents[1]
DOCKERFILES = (
    ROOT / "Dockerfile",
    ROOT / ".devcontainer/Dockerfile.devcontainer",
    *sorted((ROOT / "tests/cluster/local/standins").glob("Dockerfile.*")),
)
CHECKOV_FRAMEWORKS = {"kubernetes", "dockerfile"}


def count_unexplained() -> int:
    return len(unexplained(everything(), accepted()))


def everything() -> set[Finding]:
    """All that is found in the chart, as each set of values renders it, in the Dockerfiles and in the repository."""
    with one_at_a_time():
        tools.ensure()
    with TemporaryDirectory() as name:
        folder = Path(name)
        objects = list(releases.render(folder))
        helm = (one for release in releases.RELEASES for one in helm_lint(folder, release))
        return {*helm, *of_files(objects, DOCKERFILES), *repository.findings(ROOT)}


def of_files(objects: Sequence[Path], dockerfiles: Sequence[Path]) -> set[Finding]:
    programs.compiled()
    scores = (one for file in objects for one in kube_score(file))
    return {*kubeconform(objects), *scores, *hadolint(dockerfiles), *checkov([*objects, *dockerfiles])}


def helm_lint(folder: Path, release: str, chart: Path = CHART) -> Iterator[Finding]:
    command = (tools.program("helm"), "lint", "--strict", chart, *releases.options(folder, release))
    said = run(*command, check=False)
    lines = re.findall(r"^\[(?:WARNING|ERROR)\] (.+)", said, re.MULTILINE)
    if not lines and "1 chart(s) linted, 0 chart(s) failed" not in said:
        raise ClusterError(f"helm lint did not look at {chart}: {said}")
    for line in lines:
        yield Finding("helm lint", line, chart.name)


def kubeconform(files: Sequence[Path]) -> Iterator[Finding]:
    folder = schemas.made(programs.cache())
    with TemporaryDirectory() as own:
        schemas.write(Path(own), schemas.of_definition((CHART / "crds" / "gatedmigrations.yaml").read_text()))
        for version in schemas.KUBERNETES:
            folders = (folder / version, folder / "custom", own)
            places = [f"--schema-location={one}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json" for one in folders]
            program = programs.go(programs.KUBECONFORM)
            resources = report(program, "-strict", "-verbose", "-output=json", *places, *files)["resources"]
            if not resources:
                raise ClusterError(f"kubeconform found no object in {', '.join(map(str, files))}")
            yield from _invalid(version, resources)


def _invalid(version: str, resources: list[dict[str, str]]) -> Iterator[Finding]:
    for one in resources:
        if one["status"] != "statusValid":
            # Without the path of the schema, which is this machine's.
            message = re.sub(r"'file://[^']*'", "the schema", one["msg"])
            yield Finding("kubeconform", f"{version}: {message}", f"{one['kind']}/{one['name']}")


def kube_score(file: Path) -> Iterator[Finding]:
    options = ("--output-format=json", "--kubernetes-version=v1.30", "--disable-ignore-checks-annotations")
    for one in report(programs.go(programs.KUBE_SCORE), "score", *options, file):
        subject = f"{one['type_meta']['kind']}/{one['object_meta']['name']}"
        for check in one["checks"]:
            if not check["skipped"] and check["grade"] < 10:
                for comment in check["comments"] or [{"summary": check["check"]["name"]}]:
                    yield Finding("kube-score", f"{check['check']['id']}: {comment['summary']}", subject)


def checkov(files: Sequence[Path]) -> Iterator[Finding]:
    # It would ask the vendor's server for the newest guides and versions.
    options = ("--skip-download", "--compact", "--output=json", "--framework", *CHECKOV_FRAMEWORKS)
    said = report(programs.python("lint", "checkov"), *options, "--file", *files)
    # One report is no list.
    reports: list[dict[str, Any]] = said if isinstance(said, list) else [said]
    seen = {one.get("check_type") for one in reports if not one.get("summary", {}).get("parsing_errors")}
    if seen != CHECKOV_FRAMEWORKS:
        raise ClusterError(f"checkov could not read all of {', '.join(map(str, files))}: {reports}")
    for each in reports:
        results = each["results"]
        # Skipped by a comment or an annotation, which is not where this project says so.
        for one in (*results["failed_checks"], *results["skipped_checks"]):
            subject = _subject(each["check_type"], one)
            yield Finding("checkov", f"{one['check_id']}: {one['check_name']}", subject)


def _subject(framework: str, found: dict[str, str]) -> str:
    if framework == "dockerfile":
        return Path(found["file_path"]).name
    # `Kind.namespace.name`, and after a pod's name its labels; no name of ours that is checked has a point.
    kind, _, name = found["resource"].split(".")[:3]
    return f"{kind}/{name}"


def hadolint(files: Sequence[Path]) -> Iterator[Finding]:
    for one in report(programs.python("lint", "hadolint"), "--format=json", "--disable-ignore-pragma", *files):
        yield Finding("hadolint", f"{one['code']}: {one['message']}", Path(one["file"]).name)
