"""Public names: scripts and dashboards hold on to them."""

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object, Refused, odd


def test_every_object_of_the_whole_bundle_has_its_public_name(render: Render) -> None:
    """With default values the release consists of exactly the objects the documentation names."""
    found = {(one["kind"], one["metadata"]["name"]) for one in render(EMBEDDED, options=("--no-hooks",))}
    job = next(name for kind, name in found if kind == "Job")
    assert found == {
        *((kind, "plinth") for kind in ("Deployment", "Service", "ServiceAccount", "PodDisruptionBudget")),
        *(("Service", f"plinth-{part}") for part in ("metrics", "postgresql", "operator-metrics")),
        *((kind, "plinth-operator") for kind in ("Deployment", "ServiceAccount", "Role", "RoleBinding")),
        *((kind, "plinth-crd.apps") for kind in ("ClusterRole", "ClusterRoleBinding")),
        *((kind, "plinth-postgresql") for kind in ("StatefulSet", "ConfigMap")),
        *(("Secret", f"plinth-postgresql-{role}") for role in ("owner", "app", "superuser")),
        ("ServiceAccount", "plinth-crd"),
        ("GatedMigration", "plinth-uuidv7"),
        ("Job", job),
    }


@pytest.mark.parametrize(
    ("release", "values", "full"),
    [
        ("plinth", {}, "plinth"),
        ("my-plinth", {}, "my-plinth"),
        ("shop", {}, "shop-plinth"),
        ("shop", {"fullnameOverride": "orders"}, "orders"),
        ("shop", {"nameOverride": "api"}, "shop-api"),
        ("shop-api", {"nameOverride": "api"}, "shop-api"),
        ("a" * 33, {}, f"{'a' * 33}-plinth"),
        ("shop", {"fullnameOverride": "a" * 41}, f"{'a' * 31}-c0f8bd4d"),
    ],
)
def test_objects_are_named_after_the_release(render: Render, release: str, values: dict[str, str], full: str) -> None:
    """The full name is the release's if that contains plinth, else <release>-plinth, unless it is overridden."""
    objects = render(EXTERNAL, values, release=release)
    assert {one["metadata"]["name"] for one in objects.all("Deployment")} == {full, f"{full}-operator"}


LONG = "a" * 52
EVERYTHING: Object = {
    "networkPolicy": {"enabled": True},
    "ingress": {"enabled": True, "hosts": [{"host": "a.example"}]},
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboard": {"enabled": True},
    "operator": {"watchNamespaces": ["apps", "shop"]},
}


def labels(metadata: Object) -> set[str]:
    return set(metadata.get("labels", {}).values())


@pytest.mark.parametrize(
    "values",
    [
        EMBEDDED,
        EXTERNAL,
        EMBEDDED | {"nameOverride": LONG},
        EMBEDDED | {"fullnameOverride": LONG},
    ],
)
def test_long_names_fit_and_stay_apart(render: Render, values: Object) -> None:
    """Names and labels hold at most 63 characters, a StatefulSet's name 52; two releases have no object in common."""
    known: set[tuple[str, str]] = set()
    for end in ("b", "c"):
        override = {"fullnameOverride": values["fullnameOverride"] + end} if "fullnameOverride" in values else {}
        objects = render(values, EVERYTHING, override, release=LONG + end)
        names = {(one["kind"], one["metadata"]["name"]) for one in objects}
        templates = [one["spec"]["template"]["metadata"] for one in objects if "template" in one.get("spec", {})]
        texts = set().union(*map(labels, [*(one["metadata"] for one in objects), *templates]))
        assert max(map(len, texts | {name for _, name in names})) <= 63
        assert all(len(one["metadata"]["name"]) <= 52 for one in objects.all("StatefulSet"))
        assert not known & names
        known |= names


@pytest.mark.parametrize("values", [{"nameOverride": "api"}, {"fullnameOverride": "orders"}])
def test_an_override_leaves_the_selectors(render: Render, values: Object) -> None:
    """A selector can never be changed, so it goes by what no value changes."""
    selector = render(EXTERNAL, values, release="shop").all("Deployment")[0]["spec"]["selector"]["matchLabels"]
    assert (selector["app.kubernetes.io/name"], selector["app.kubernetes.io/instance"]) == ("plinth", "shop")


@pytest.mark.parametrize(("release", "values"), [("1st", {}), ("dotted.name", {}), ("on", {"fullnameOverride": "on"})])
def test_a_release_whose_objects_could_not_be_named_is_refused(render: Render, release: str, values: Object) -> None:
    """A name that no Service or Job could carry, or YAML reads otherwise, ends with a sentence, not halfway."""
    with pytest.raises(Refused, match="choose another release name or set fullnameOverride"):
        render(EXTERNAL, values, release=release)


ODD: tuple[Object, ...] = (
    {
        "database": {"existingSecret": "1", "tls": {"caSecret": "2"}},
        "migrations": {"serviceAccountName": "3"},
        "ingress": {"enabled": True, "className": "4", "hosts": [{"host": "a.example", "paths": [{"path": "/v1: "}]}]},
        "operator": {"watchNamespaces": ["1e3", "true"]},
    },
    EMBEDDED | {"postgresql": {**EMBEDDED["postgresql"], "persistence": {"storageClass": "1"}}},
    EXTERNAL | {"serviceAccount": {"create": False, "name": "1"}, "operator": {"watchNamespaces": ["*"]}},
)


@pytest.mark.parametrize("values", ODD)
def test_names_that_look_like_something_else_stay_names(render: Render, values: Object) -> None:
    """A release called "on" in a namespace called "1e3", and numbers as names: YAML leaves them so."""
    more: Object = {"priorityClassName": "5", "networkPolicy": {"enabled": True}, "serviceMonitor": {"enabled": True}}
    objects = render(values, more, release="on", options=("--namespace=1e3",))
    assert [(one["kind"], *path) for one in objects for path in odd(one)] == []


def test_selectors_are_the_three_public_labels(render: Render) -> None:
    """Deployments, StatefulSet and Services select by name, instance and component, and by nothing that may change."""
    objects = render(EMBEDDED)
    selectors = [
        one["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "StatefulSet") for one in objects.all(kind)
    ]
    selectors += [one["spec"]["selector"] for one in objects.all("Service")]
    for selector in selectors:
        component = selector.pop("app.kubernetes.io/component")
        assert selector == {"app.kubernetes.io/name": "plinth", "app.kubernetes.io/instance": "plinth"}
        assert component in {"app", "operator", "postgresql"}


def test_no_two_workloads_share_a_component(render: Render) -> None:
    """Each workload's pods carry a component of their own, so that no selector catches another's pods."""
    objects = render(EMBEDDED)
    workloads = [one for one in objects if "template" in one.get("spec", {})]
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in workloads] + [
        objects.one("Pod")["metadata"]["labels"]
    ]
    components = [one["app.kubernetes.io/component"] for one in labels]
    assert sorted(components) == ["app", "crd", "migrate", "operator", "postgresql", "test"]


def test_pod_templates_do_not_change_with_the_charts_version(render: Render) -> None:
    """No pod carries the chart's version, so that a new chart restarts only what it changes."""
    for one in render(EMBEDDED):
        metadata = one.get("spec", {}).get("template", {}).get("metadata", {})
        assert "helm.sh/chart" not in metadata.get("labels", {}), one["metadata"]["name"]
