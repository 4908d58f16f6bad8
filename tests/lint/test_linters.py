"""What the linters say about this very tree, and that each of them is awake."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from tests.cluster import tools
from tests.lint import linters, releases
from tests.lint.findings import Finding, accepted, outdated, unexplained

# What each linter would be silenced by.
IGNORED = {"kube-score/ignore": "container-resources", "checkov.io/skip1": "CKV_K8S_16=because"}
BAD_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "bad", "annotations": IGNORED},
    "spec": {
        "replicaz": 2,
        "selector": {"matchLabels": {"app": "bad"}},
        "template": {
            "metadata": {"labels": {"app": "bad"}},
            "spec": {"containers": [{"name": "bad", "image": "bad:1", "securityContext": {"privileged": True}}]},
        },
    },
}
# Kinds whose schemas come from their definitions; the field that is wrong is of the spec.
CUSTOM = {
    "GatedMigration": "plinth.dev/v1alpha1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
}
BAD_DOCKERFILE = """\
    #checkov:skip=CKV_DOCKER_3:because
    # hadolint ignore=DL3007
    FROM debian:latest
    RUN apt-get install curl
    """


@pytest.fixture(scope="module")
def found() -> set[Finding]:
    return linters.everything()


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> set[Finding]:
    """What is found in objects and a Dockerfile that are wrong on purpose."""
    folder = tmp_path_factory.mktemp("bad")
    custom = [
        {"apiVersion": version, "kind": kind, "metadata": {"name": "bad"}, "spec": {"wrong": 1}}
        for kind, version in CUSTOM.items()
    ]
    objects = releases.written(folder / "bad.yaml", [BAD_DEPLOYMENT, *custom])
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(dedent(BAD_DOCKERFILE))
    return linters.of_files([objects], [dockerfile])


def test_every_finding_is_explained(found: set[Finding]) -> None:
    """Mend it, or add it to accepted.toml with the reason."""
    assert [str(one) for one in unexplained(found, accepted())] == []


def test_every_explanation_is_needed(found: set[Finding]) -> None:
    """What was mended is taken out of accepted.toml."""
    assert outdated(found, accepted()) == []


@pytest.mark.parametrize("version", ["1.30.14", "1.34.4"])
def test_kubeconform_sees_a_wrong_field(bad: set[Finding], version: str) -> None:
    """Of Kubernetes' own kinds and of custom ones, in both versions."""
    said = {one.object: one.rule for one in bad if one.tool == "kubeconform" and one.rule.startswith(version)}
    assert "additional properties 'replicaz' not allowed" in said["Deployment/bad"]
    for kind in CUSTOM:
        assert "additional properties 'wrong' not allowed" in said[f"{kind}/bad"]


@pytest.mark.parametrize(
    "finding",
    [
        Finding("kube-score", "container-resources: Memory limit is not set", "Deployment/bad"),
        Finding("checkov", "CKV_K8S_16: Container should not be privileged", "Deployment/bad"),
        Finding("checkov", "CKV_DOCKER_3: Ensure that a user for the container has been created", "Dockerfile"),
    ],
    ids=lambda finding: finding.rule.split(":")[0],
)
def test_each_linter_sees_what_is_bad(bad: set[Finding], finding: Finding) -> None:
    """Whatever an annotation or a comment says; and nothing in accepted.toml covers it by being too wide."""
    assert finding in bad
    if finding.object != "Dockerfile":
        assert finding in unexplained(bad, accepted())


def test_hadolint_sees_a_base_image_without_a_version(bad: set[Finding]) -> None:
    """DL3007 is about `latest`."""
    assert any(one.tool == "hadolint" and one.rule.startswith("DL3007") for one in unexplained(bad, accepted()))


def test_helm_lint_sees_a_template_that_is_no_yaml(tmp_path: Path) -> None:
    """`--strict`: a warning counts."""
    chart = tmp_path / "bad"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "bad", "version": "1.0.0"}))
    (chart / "templates" / "bad.yaml").write_text("kind: [")
    tools.ensure()
    assert any("unable to parse YAML" in one.rule for one in linters.helm_lint(tmp_path, "external", chart))
