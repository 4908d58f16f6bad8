"""Labels and annotations of one's own on everything, and selectors that stay as they are."""

from typing import Any

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object, Refused, Rendered

LABELS = {"team": "orders", "app.kubernetes.io/part-of": "shop"}
ANNOTATIONS = {"example.com/owner": "orders"}
COMMON: Object = {"commonLabels": LABELS, "commonAnnotations": ANNOTATIONS}
ON: Object = {
    "ingress": {"enabled": True, "hosts": [{"host": "a.example"}]},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]},
    "autoscaling": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboard": {"enabled": True},
}
MODES = [
    pytest.param(values | {"migrations": {"mode": mode}}, watched, id=f"{name}-{mode}-{len(watched)}")
    for name, values in (("embedded", EMBEDDED), ("external", EXTERNAL))
    for mode, watched in (("hook", []), ("job", ["*"]), ("argocd", ["apps", "shop"]), ("none", []))
]


def metadata(objects: Rendered) -> list[Object]:
    """Of every object and every pod template."""
    templates = [one["spec"]["template"] for one in objects if "template" in one.get("spec", {})]
    return [one["metadata"] for one in [*objects, *templates]]


def selectors(value: Any, under: str = "") -> list[Any]:
    """Whatever selects something, and what can never be changed: the claims of a StatefulSet."""
    found = [value] if "elector" in under or under == "volumeClaimTemplates" else []
    if isinstance(value, dict):
        return found + [one for key, inner in value.items() for one in selectors(inner, key)]
    return found + [one for inner in value for one in selectors(inner)] if isinstance(value, list) else found


@pytest.mark.parametrize(("values", "watched"), MODES)
def test_common_labels_and_annotations_are_everywhere(render: Render, values: Object, watched: list[str]) -> None:
    """Every object and pod carries them in every mode, the operator's Jobs too, and no selector changes with them."""
    everything = (values, ON, {"operator": {"watchNamespaces": watched}})
    objects, before = render(*everything, COMMON), render(*everything)
    for one in metadata(objects):
        assert LABELS.items() <= one["labels"].items(), one
        assert ANNOTATIONS.items() <= one["annotations"].items(), one
    job = objects.one("GatedMigration")["spec"]["jobTemplate"]
    assert job["podLabels"]["team"] == "orders"
    # The operator's own there: the definition refuses them.
    assert not any(key.startswith("app.kubernetes.io/") for key in job["podLabels"])
    assert ANNOTATIONS.items() <= job["podAnnotations"].items()
    assert selectors(list(objects)) == selectors(list(before))


def test_what_belongs_to_one_object_wins(render: Render) -> None:
    """A label or annotation of an object's own values is not overwritten by the common one."""
    own = {"team": "payments"}
    values: Object = {"podLabels": own, "podAnnotations": own, "serviceMonitor": {"enabled": True, "labels": own}}
    values["service"] = {"annotations": own}
    values |= {name: {"enabled": True, "labels": own} for name in ("prometheusRule", "dashboard")}
    values["ingress"] = ON["ingress"] | {"labels": own, "annotations": own}
    values["httpRoute"] = ON["httpRoute"] | {"labels": own, "annotations": own}
    objects = render(EXTERNAL, values, {"commonLabels": {"team": "orders"}, "commonAnnotations": {"team": "orders"}})
    pod = objects.one("Deployment", "plinth")["spec"]["template"]["metadata"]
    assert pod["labels"]["team"] == pod["annotations"]["team"] == "payments"
    for kind in ("ServiceMonitor", "PrometheusRule", "ConfigMap", "Ingress", "HTTPRoute"):
        assert objects.one(kind)["metadata"]["labels"]["team"] == "payments"
    for kind in ("Ingress", "HTTPRoute"):
        assert objects.one(kind)["metadata"]["annotations"] == own
    assert objects.one("Service", "plinth")["metadata"]["annotations"] == own
    assert objects.one("Service", "plinth-metrics")["metadata"]["annotations"] == {"team": "orders"}


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"commonLabels": {"app.kubernetes.io/name": "a"}}, "app.kubernetes.io/name"),
        ({"podLabels": {"app.kubernetes.io/component": "a"}}, "app.kubernetes.io/component"),
        ({"commonAnnotations": {"helm.sh/hook": "post-install"}}, "helm.sh/hook"),
        ({"commonAnnotations": {"argocd.argoproj.io/sync-wave": "1"}}, "argocd.argoproj.io/sync-wave"),
    ],
)
def test_what_the_chart_decides_cannot_be_overwritten(render: Render, values: Object, key: str) -> None:
    """Labels that selectors use, and annotations that order things, are the chart's alone."""
    with pytest.raises(Refused, match=key):
        render(EXTERNAL, values)
