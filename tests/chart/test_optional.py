"""What is off by default, and what it becomes when it is turned on."""

from typing import Any

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, Object

OPTIONAL = (
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
    "Ingress",
    "HTTPRoute",
    "ServiceMonitor",
    "PrometheusRule",
    "ConfigMap",
)


def test_nothing_is_asked_of_the_cluster_by_default(render: Render) -> None:
    """What needs a controller, a CRD or knowledge of the cluster is off; the PodDisruptionBudget needs none."""
    objects = render(EXTERNAL)
    assert not any(objects.all(kind) for kind in OPTIONAL)
    assert objects.one("PodDisruptionBudget", "plinth")["spec"]["maxUnavailable"] == 1


def test_unready_pods_do_not_block_a_drain(render: Render) -> None:
    """While the database is away all pods are unready; nodes can be drained all the same."""
    objects = render(EXTERNAL)
    spec = objects.one("PodDisruptionBudget")["spec"]
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert spec["selector"] == objects.one("Deployment", "plinth")["spec"]["selector"]


def test_the_budget_can_be_left_out(render: Render) -> None:
    """podDisruptionBudget.enabled=false makes none."""
    assert render(EXTERNAL, {"podDisruptionBudget": {"enabled": False}}).all("PodDisruptionBudget") == []


def test_the_autoscaler_owns_the_replicas(render: Render) -> None:
    """With autoscaling on, the Deployment says nothing about replicas, or each upgrade would reset them."""
    objects = render(EXTERNAL, {"autoscaling": {"enabled": True, "maxReplicas": 9}})
    assert "replicas" not in objects.one("Deployment", "plinth")["spec"]
    spec = objects.one("HorizontalPodAutoscaler", "plinth")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 9)
    assert spec["scaleTargetRef"]["name"] == "plinth"
    (metric,) = spec["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}


def test_an_ingress_leads_to_the_service(render: Render) -> None:
    """A host without paths is served whole."""
    values = {"enabled": True, "className": "nginx", "hosts": [{"host": "api.example"}]}
    values |= {"tls": [{"secretName": "api-tls", "hosts": ["api.example"]}]}
    spec = render(EXTERNAL, {"ingress": values}).one("Ingress", "plinth")["spec"]
    (path,) = spec["rules"][0]["http"]["paths"]
    assert (spec["ingressClassName"], path["path"], path["pathType"]) == ("nginx", "/", "Prefix")
    assert path["backend"]["service"] == {"name": "plinth", "port": {"name": "http"}}


def test_an_httproute_leads_to_the_service(render: Render) -> None:
    """The route belongs to the given Gateway and leads to port 80."""
    values = {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["api.example"]}
    spec = render(EXTERNAL, {"httpRoute": values}).one("HTTPRoute", "plinth")["spec"]
    assert spec["parentRefs"] == [{"name": "public"}]
    assert spec["rules"] == [{"backendRefs": [{"name": "plinth", "port": 80}]}]


def test_one_servicemonitor_finds_both_metrics_services(render: Render) -> None:
    """The API's and the operator's metrics are selected by one label that only their Services have."""
    objects = render(EXTERNAL, {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}})
    monitor = objects.one("ServiceMonitor", "plinth")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    found = {one["metadata"]["name"] for one in objects.all("Service") if wanted <= one["metadata"]["labels"].items()}
    assert found == {"plinth-metrics", "plinth-operator-metrics"}
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_the_monitor_takes_what_prometheus_takes(render: Render) -> None:
    """Time limit and relabelings are passed on, and left out where nobody gives them."""
    drop = {"action": "drop", "sourceLabels": ["__name__"], "regex": "python_gc_.*"}
    own = {"scrapeTimeout": "5s", "metricRelabelings": [drop], "relabelings": [{"targetLabel": "team"}]}
    on = {"serviceMonitor": {"enabled": True}}
    (plain,) = render(EXTERNAL, on).one("ServiceMonitor")["spec"]["endpoints"]
    (full,) = render(EXTERNAL, on, {"serviceMonitor": own}).one("ServiceMonitor")["spec"]["endpoints"]
    assert full == plain | own
    assert plain.keys().isdisjoint(own)


def policies(render: Render, *values: Object) -> dict[str, Any]:
    found = render(*values, {"networkPolicy": {"enabled": True}}).all("NetworkPolicy")
    return {one["metadata"]["name"]: one["spec"] for one in found}


def ports(rules: list[Object]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}


def test_network_policies_deny_everything_else(render: Render) -> None:
    """Every pod has a policy of both directions, with the ports it needs; only the operator's reach the API server."""
    found = policies(render, EMBEDDED)
    allowed = {name: (ports(one.get("ingress", [])), ports(one.get("egress", []))) for name, one in found.items()}
    assert allowed == {
        "plinth": ({8000, 9090}, {53, 5432}),
        "plinth-migrate": (set(), {53, 5432}),
        "plinth-operator": ({9090}, {53, 443, 6443, 5432}),
        "plinth-crd": (set(), {53, 443, 6443}),
        "plinth-test": (set(), {53, 8000}),
        "plinth-postgresql": ({5432}, set()),
    }
    assert all(one["policyTypes"] == ["Ingress", "Egress"] for one in found.values())


def test_peers_of_the_policies_can_be_named(render: Render) -> None:
    """Who calls, who scrapes and where an external database is are values."""
    peer = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
    database = [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    values = {"networkPolicy": {"ingressFrom": peer, "databaseTo": database, "databasePort": 6432}}
    app = policies(render, EXTERNAL, values)["plinth"]
    assert app["ingress"][0] == {"ports": [{"port": 8000}], "from": peer}
    assert app["egress"][1] == {"ports": [{"port": 6432}], "to": database}


def test_the_api_may_be_let_out_further(render: Render) -> None:
    """An issuer's keys and a collector of traces are reached by rules of one's own, and by the API alone."""
    rule = {"to": [{"ipBlock": {"cidr": "10.2.0.0/16"}}], "ports": [{"port": 4318, "protocol": "TCP"}]}
    found = policies(render, EXTERNAL, {"networkPolicy": {"appEgress": [rule, {"ports": [{"port": 443}]}]}})
    assert found["plinth"]["egress"][2:] == [rule, {"ports": [{"port": 443}]}]
    assert [name for name, one in found.items() if rule in one.get("egress", [])] == ["plinth"]


@pytest.mark.parametrize("kind", ["Ingress", "HTTPRoute", "ServiceMonitor", "HorizontalPodAutoscaler", "NetworkPolicy"])
def test_they_carry_the_releases_labels(render: Render, kind: str) -> None:
    """Optional objects carry the release's labels like all others."""
    needed: Object = {"ingress": {"hosts": [{"host": "a.example"}]}, "httpRoute": {"parentRefs": [{"name": "public"}]}}
    values = ("ingress", "httpRoute", "serviceMonitor", "autoscaling", "networkPolicy")
    found = render(EXTERNAL, {name: {"enabled": True, **needed.get(name, {})} for name in values}).all(kind)
    assert found
    for one in found:
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "plinth"
