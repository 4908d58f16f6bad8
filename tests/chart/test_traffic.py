"""Who may talk to whom with networkPolicy.enabled: the whole table, decided by tests/chart/policies.py.

Nothing enforces NetworkPolicies here, so this is a simulation; docs/security.md says so.
"""

from collections.abc import Iterator

import pytest

from app.operator.act import job_object
from app.operator.jobs import job_name
from tests.chart.conftest import Render
from tests.chart.policies import Peer, allowed
from tests.chart.rendered import EMBEDDED, TWO_ROLES, Object, Rendered
from tests.unit.operator.builders import TEMPLATE, resource

HERE = {"kubernetes.io/metadata.name": "apps"}
INGRESS, MONITORING = ({"kubernetes.io/metadata.name": name} for name in ("ingress", "monitoring"))
POLICY = {
    "networkPolicy": {
        "enabled": True,
        "ingressFrom": [{"namespaceSelector": {"matchLabels": INGRESS}}],
        "metricsFrom": [{"namespaceSelector": {"matchLabels": MONITORING}}],
        "appEgress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 4318}]}],
    }
}
OUTSIDE = {"networkPolicy": {"databaseTo": [{"ipBlock": {"cidr": "198.51.100.7/32"}}]}}
ELSEWHERE = {
    "dns": Peer("10.96.0.10", "kube-system", {"k8s-app": "kube-dns"}),
    "kube-api": Peer("203.0.113.1"),
    "external-db": Peer("198.51.100.7"),
    "internet": Peer("192.0.2.200"),
    "proxy": Peer("10.0.1.1", "ingress", {"app": "proxy"}, INGRESS),
    "prometheus": Peer("10.0.1.2", "monitoring", {"app": "prometheus"}, MONITORING),
    "stranger": Peer("10.0.0.99", "apps", {"app": "shop"}, HERE),
}
PORTS = {
    "dns": ["53/UDP", "53"],
    "kube-api": ["443", "6443"],
    "external-db": ["5432"],
    "internet": ["4318", "443"],
    "app": ["8000", "9090"],
    "operator": ["8080", "9090"],
    "postgresql": ["5432"],
    "other/postgresql": ["5432"],
}
"""Every place that is asked for by every other: all that is in no table below is denied."""

ALWAYS = """
app         dns:53/UDP dns:53 internet:4318
migrate     dns:53/UDP dns:53
gated       dns:53/UDP dns:53
operator    dns:53/UDP dns:53 kube-api:443 kube-api:6443 internet:443
crd         dns:53/UDP dns:53 kube-api:443 kube-api:6443 internet:443
test        dns:53/UDP dns:53 app:8000
proxy       app:8000
prometheus  app:9090 operator:9090
"""
"""The API server has no label to select it by: who may reach it may reach its ports anywhere."""
EMBEDDED_DATABASE = """
app             postgresql:5432
migrate         postgresql:5432
gated           postgresql:5432 other/postgresql:5432
operator        postgresql:5432 other/postgresql:5432
other/gated     postgresql:5432
other/operator  postgresql:5432
"""
"""Operators and their Jobs serve every GatedMigration of the namespace, whichever release made it."""
EXTERNAL_DATABASE = """
app         external-db:5432
migrate     external-db:5432
gated       external-db:5432
operator    external-db:5432
"""
SCENES = [
    pytest.param((EMBEDDED, POLICY), (ALWAYS, EMBEDDED_DATABASE), id="embedded"),
    pytest.param((TWO_ROLES, POLICY, OUTSIDE), (ALWAYS, EXTERNAL_DATABASE), id="external"),
]


def read(*tables: str) -> set[tuple[str, str]]:
    lines = [line.split() for table in tables for line in table.splitlines()]
    return {(line[0], place) for line in lines if line for place in line[1:]}


def pods(objects: Rendered, prefix: str = "") -> Iterator[tuple[str, Peer]]:
    """The pods of a release by component, and the one of the Job its operator makes."""
    found = [one["spec"]["template"] for one in objects if "template" in one.get("spec", {})] + objects.all("Pod")
    wanted = resource(jobTemplate=TEMPLATE | objects.one("GatedMigration")["spec"]["jobTemplate"])
    gated = job_object(wanted, job_name("x", "0" * 8, 1))["spec"]["template"]["metadata"]["labels"]
    yield prefix + "gated", Peer("10.0.0.1", "apps", gated, HERE)
    for one in found:
        labels = one["metadata"]["labels"]
        yield prefix + labels["app.kubernetes.io/component"], Peer("10.0.0.2", "apps", labels, HERE)


def policies(objects: Rendered, *, hooks: bool = False) -> list[Object]:
    """The release's policies, or those that are there before it, as its hooks."""
    return [
        {**one, "metadata": {**one["metadata"], "namespace": "apps"}}
        for one in objects.all("NetworkPolicy")
        if ("helm.sh/hook" in one["metadata"].get("annotations", {})) is hooks
    ]


def connections(rules: list[Object], peers: dict[str, Peer]) -> set[tuple[str, str]]:
    """Every connection that is let through; of those who are not this release's, the ones to it."""
    guests = {name for name in peers if name.startswith("other/")} | ELSEWHERE.keys()
    return {
        (source, f"{place}:{port}")
        for source in peers
        for place, ports in PORTS.items()
        for port in ports
        if place in peers and place != source and not {source, place} <= guests
        if allowed(rules, peers[source], peers[place], int(port.split("/")[0]), "UDP" if "UDP" in port else "TCP")
    }


def scene(render: Render, *values: Object) -> tuple[list[Object], dict[str, Peer]]:
    """The policies of two releases in one namespace, and everybody who is there."""
    objects, other = render(*values), render(*values, release="other")
    return policies(objects) + policies(other), ELSEWHERE | dict(pods(objects)) | dict(pods(other, "other/"))


@pytest.mark.parametrize(("values", "tables"), SCENES)
def test_exactly_what_must_talk_to_each_other_can(
    render: Render, values: tuple[Object, ...], tables: tuple[str, ...]
) -> None:
    """What is in the table is let through, and every other connection of the same places is not."""
    rules, peers = scene(render, *values)
    assert connections(rules, peers) == read(*tables)


@pytest.mark.parametrize("values", [(EMBEDDED, POLICY), (TWO_ROLES, POLICY, OUTSIDE)], ids=["embedded", "external"])
def test_no_rule_is_idle(render: Render, values: tuple[Object, ...]) -> None:
    """Without any one rule the table is another: each is needed, and each is looked at."""
    objects = render(*values)
    rules, peers = policies(objects), ELSEWHERE | dict(pods(objects))
    whole = connections(rules, peers)
    for policy in rules:
        for direction in {"ingress", "egress"} & policy["spec"].keys():
            needed = policy["spec"][direction]
            for rule in needed:
                policy["spec"][direction] = [one for one in needed if one is not rule]
                assert connections(rules, peers) != whole, (policy["metadata"]["name"], rule)
            policy["spec"][direction] = needed


DENY_ALL: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny-all", "namespace": "apps"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}


def test_a_hook_is_let_out_before_its_release_is_there(render: Render) -> None:
    """A first install in a namespace that denies everything: the migration reaches what it needs, and only that."""
    objects = render(TWO_ROLES, POLICY, OUTSIDE)
    found = connections([DENY_ALL, *policies(objects, hooks=True)], ELSEWHERE | dict(pods(objects)))
    assert found == {("migrate", place) for place in ("dns:53/UDP", "dns:53", "external-db:5432")}


def test_without_peers_of_ones_own_only_the_database_is_closed(render: Render) -> None:
    """Without peers of one's own anybody may call the API and read metrics, and the database stays closed."""
    objects = render(EMBEDDED, {"networkPolicy": {"enabled": True}})
    peers = ELSEWHERE | dict(pods(objects))
    open_to = {place for source, place in connections(policies(objects), peers) if source == "stranger"}
    assert open_to == {"app:8000", "app:9090", "operator:9090"}
