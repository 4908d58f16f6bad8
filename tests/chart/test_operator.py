"""The operator's Deployment and rights, and the hook that brings the CRD's changes."""

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object, Rendered, container, environment

RIGHTS = {
    # list and watch: rounds, and what wakes them; get: the resource anew after a write that came too late.
    ("plinth.dev", "gatedmigrations"): {"get", "list", "watch"},
    # Written with the version that was read; never replaced.
    ("plinth.dev", "gatedmigrations/status"): {"patch"},
    # Its own, found by label; they end by their TTL, so nothing is deleted.
    ("batch", "jobs"): {"list", "create"},
    # The last words of a Job's pod.
    ("", "pods"): {"list"},
    # The address of a database, by the name the resource gives.
    ("", "secrets"): {"get"},
    # Said once, never edited.
    ("", "events"): {"create"},
}


def watching(*namespaces: str) -> Object:
    return {"operator": {"watchNamespaces": list(namespaces)}}


def rights(role: Object) -> dict[tuple[str, str], set[str]]:
    return {
        (group, resource): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def cluster_wide(objects: Rendered) -> list[str]:
    return [one["metadata"]["name"] for one in objects.all("ClusterRole")]


def test_there_is_one_operator_at_a_time(render: Render) -> None:
    """One replica, and the old pod goes before the new one comes: kopf elects no leader."""
    deployment = render(EXTERNAL).one("Deployment", "plinth-operator")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    operator = container(deployment["template"]["spec"])
    assert (operator["name"], operator["args"]) == ("operator", ["operator"])
    assert operator["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "health"}
    assert {port["name"]: port["containerPort"] for port in operator["ports"]} == {"health": 8080, "metrics": 9090}


def test_it_may_do_what_it_does_and_no_more(render: Render) -> None:
    """In its own namespace the operator has exactly these rights: it deletes nothing, and lists no secrets."""
    objects = render(EXTERNAL)
    assert rights(objects.one("Role", "plinth-operator")) == RIGHTS
    binding = objects.one("RoleBinding", "plinth-operator")
    assert binding["roleRef"]["name"] == "plinth-operator"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "plinth-operator", "namespace": "apps"}]
    assert "PLINTH_OPERATOR_NAMESPACES" not in environment(objects.pods()["plinth-operator"])


def test_it_gets_a_role_in_each_namespace_it_watches(render: Render) -> None:
    """Named namespaces each get the same Role, bound to the operator's one ServiceAccount."""
    objects = render(EXTERNAL, watching("apps", "shop"))
    assert {one["metadata"]["namespace"]: one["metadata"]["name"] for one in objects.all("Role")} == {
        "apps": "plinth-operator",
        "shop": "plinth-operator.apps",
    }
    assert all(rights(role) == RIGHTS for role in objects.all("Role"))
    assert {one["subjects"][0]["namespace"] for one in objects.all("RoleBinding")} == {"apps"}
    assert environment(objects.pods()["plinth-operator"])["PLINTH_OPERATOR_NAMESPACES"] == '["apps","shop"]'


def test_all_namespaces_take_a_cluster_role(render: Render) -> None:
    """["*"] gives the same rights everywhere, under a name no other release has."""
    objects = render(EXTERNAL, watching("*"), {"crds": {"upgrade": False}})
    assert cluster_wide(objects) == ["plinth-operator.apps"]
    assert rights(objects.one("ClusterRole")) == RIGHTS
    assert objects.all("Role") == []
    assert environment(objects.pods()["plinth-operator"])["PLINTH_OPERATOR_NAMESPACES"] == '["*"]'


def test_the_crd_hook_may_change_one_crd(render: Render) -> None:
    """The pre-upgrade hook `plinth crd apply` has rights on this one CRD, by objects that are no hooks themselves."""
    objects = render(EXTERNAL)
    (rule,) = objects.one("ClusterRole", "plinth-crd.apps")["rules"]
    assert rule["resourceNames"] == ["gatedmigrations.plinth.dev"]
    assert rule["verbs"] == ["get", "patch", "watch"]
    job = objects.one("Job", "plinth-crd")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-upgrade"
    assert int(job["metadata"]["annotations"]["helm.sh/hook-weight"]) < 0
    assert container(job["spec"]["template"]["spec"])["args"] == ["crd", "apply"]
    assert "annotations" not in objects.one("ServiceAccount", "plinth-crd")["metadata"]


@pytest.mark.parametrize("values", [{"operator": {"enabled": False}}, {"crds": {"upgrade": False}}])
def test_without_cluster_rights_nothing_cluster_wide_is_made(render: Render, values: Object) -> None:
    """With the operator off, or the CRD brought by somebody else, the release stays in its namespace."""
    objects = render(EXTERNAL, values)
    assert cluster_wide(objects) == []
    assert "plinth-crd" not in {one["metadata"]["name"] for one in objects}


@pytest.mark.parametrize("values", [EXTERNAL, EMBEDDED])
def test_an_admin_of_the_namespace_can_install_all_that_is_left(render: Render, values: Object) -> None:
    """Without the operator and with --skip-crds all lies in the namespace, and nobody is given rights."""
    everything = {
        name: {"enabled": True}
        for name in ("networkPolicy", "autoscaling", "serviceMonitor", "prometheusRule", "dashboard")
    }
    objects = render(values, everything, {"operator": {"enabled": False}}, options=("--skip-crds",))
    kinds = {one["kind"] for one in objects}
    assert kinds <= {
        *("Deployment", "StatefulSet", "Job", "Pod", "Service", "ServiceAccount", "Secret", "ConfigMap"),
        *("PodDisruptionBudget", "HorizontalPodAutoscaler", "NetworkPolicy", "ServiceMonitor", "PrometheusRule"),
    }
    assert {one["metadata"].get("namespace", "apps") for one in objects} == {"apps"}


@pytest.mark.parametrize("namespaces", [(), ("apps", "shop"), ("*",)])
def test_each_part_has_an_account_of_its_own_and_the_app_has_no_rights(
    render: Render, namespaces: tuple[str, ...]
) -> None:
    """App, migrator, operator and CRD hook run as four accounts; bindings name the latter two alone."""
    objects = render(EXTERNAL, watching(*namespaces))
    accounts = {name: pod["serviceAccountName"] for name, pod in objects.pods().items() if name != "plinth-test"}
    assert accounts == {
        "plinth": "plinth",
        "plinth-migrate": "default",
        "plinth-operator": "plinth-operator",
        "plinth-crd": "plinth-crd",
    }
    bindings = objects.all("RoleBinding") + objects.all("ClusterRoleBinding")
    subjects = {subject["name"] for one in bindings for subject in one["subjects"]}
    assert subjects == {"plinth-operator", "plinth-crd"}
    wide = {"plinth-crd.apps", "plinth-operator.apps"} if "*" in namespaces else {"plinth-crd.apps"}
    assert set(cluster_wide(objects)) == wide


def test_the_operator_can_be_left_out(render: Render) -> None:
    """operator.enabled=false leaves nothing of it."""
    names = {one["metadata"]["name"] for one in render(EXTERNAL, {"operator": {"enabled": False}})}
    assert not [name for name in names if "operator" in name]


def test_the_poll_interval_is_the_resources(render: Render) -> None:
    """operator.pollInterval says how often the release's own database is asked."""
    assert render(EXTERNAL, {"operator": {"pollInterval": "5m"}}).one("GatedMigration")["spec"]["pollInterval"] == "5m"
