"""k8s/argocd, k8s/flux, k8s/samples: each object as its definition wants it, the values as the chart takes them."""

from copy import deepcopy
from typing import Any

import pytest

from tests.chart.conftest import Render
from tests.chart.definitions import K8S, complaints, definitions, files
from tests.chart.values_table import CHART, IMAGE

GITOPS = [body for folder in ("argocd", "flux") for _, body in files(K8S / folder) if body["kind"] != "ConfigMap"]
SAMPLES = {path.name: body for path, body in files(K8S / "samples")}
(APPLICATION,) = [one for one in GITOPS if one["metadata"]["name"] == "plinth" and one["kind"] == "Application"]
(RELEASE,) = [one for one in GITOPS if one["kind"] == "HelmRelease"]

Object = dict[str, Any]


@pytest.fixture(scope="module")
def known() -> list[Object]:
    return definitions()


def kinds(body: Object) -> str:
    return f"{body['kind']}-{body['metadata']['name']}"


@pytest.mark.parametrize("body", [*GITOPS, *SAMPLES.values()], ids=kinds)
def test_each_object_is_as_its_definition_wants_it(known: list[Object], body: Object) -> None:
    """No field is missing, misspelt or of another type."""
    assert complaints(body, known) == []


@pytest.mark.parametrize("body", [*GITOPS, SAMPLES["manual.yaml"]], ids=kinds)
def test_a_misspelt_field_is_found(known: list[Object], body: Object) -> None:
    """So that the test before this one can fail."""
    wrong = deepcopy(body)
    wrong["spec"]["aproval"] = "Manual"
    assert "'aproval' was unexpected" in " ".join(complaints(wrong, known))


def test_argo_cd_gives_the_chart_what_it_takes(render: Render) -> None:
    """Its values pass the chart's schema; the migration is a Sync hook, and no other hook or definition is rendered."""
    helm = APPLICATION["spec"]["source"]["helm"]
    objects = render(helm["valuesObject"], release=helm["releaseName"], options=("--include-crds",)[helm["skipCrds"] :])
    assert objects.one("Job")["metadata"]["annotations"]["argocd.argoproj.io/hook"] == "Sync"
    assert not objects.all("CustomResourceDefinition")
    assert (CHART.parents[1] / APPLICATION["spec"]["source"]["path"]).samefile(CHART)


def test_flux_gives_the_chart_what_it_takes(render: Render) -> None:
    """Its values pass the chart's schema, and it waits longer than the hook may take."""
    spec = RELEASE["spec"]
    job = render(spec["values"], release=spec["releaseName"]).one("Job", "plinth-migrate")
    assert "helm.sh/hook" in job["metadata"]["annotations"]
    assert job["spec"]["activeDeadlineSeconds"] < 60 * int(spec["timeout"].removesuffix("m"))
    assert (CHART.parents[1] / spec["chart"]["spec"]["chart"]).samefile(CHART)


def test_the_samples_are_of_this_tree() -> None:
    """All name its image, both kinds of approval are shown, and they can be applied together."""
    specs = [body["spec"] for body in SAMPLES.values()]
    assert len({body["metadata"]["name"] for body in SAMPLES.values()}) == len(SAMPLES)
    assert {spec["approval"] for spec in specs} == {"Automatic", "Manual"}
    assert {spec["jobTemplate"]["image"] for spec in specs} == {IMAGE}
