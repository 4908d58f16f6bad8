"""The evaluator of NetworkPolicies itself, case by case as Kubernetes documents them."""

import pytest

from tests.chart.policies import Peer, allowed, matches
from tests.chart.rendered import Object

ALICE = Peer("10.0.0.1", "a", {"app": "alice"}, {"team": "a"})
BOB = Peer("10.0.0.2", "b", {"app": "bob"}, {"team": "b"}, {"http": 8000})
OUTSIDE = Peer("192.0.2.7")


def policy(namespace: str, **spec: object) -> Object:
    return {"metadata": {"namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def test_without_a_policy_all_is_allowed() -> None:
    """Nothing selects either end."""
    assert allowed([], ALICE, BOB, 8000)
    assert allowed([policy("elsewhere")], ALICE, BOB, 8000)


@pytest.mark.parametrize(
    ("spec", "into", "out"),
    [
        ({}, False, True),
        ({"egress": [{"ports": [{"port": 1}]}]}, False, False),
        ({"policyTypes": ["Egress"]}, True, False),
        ({"policyTypes": ["Ingress", "Egress"], "ingress": [{}], "egress": [{}]}, True, True),
    ],
)
def test_the_types_of_a_policy(spec: Object, into: bool, out: bool) -> None:
    """Without types it is about ingress, and about egress where it has such rules; no rule allows nothing."""
    assert allowed([policy("b", **spec)], ALICE, BOB, 8000) is into
    assert allowed([policy("b", **spec)], BOB, ALICE, 8000) is out


@pytest.mark.parametrize(
    ("peer", "alice", "outside"),
    [
        ({"podSelector": {}}, False, False),
        ({"namespaceSelector": {}}, True, False),
        ({"namespaceSelector": {"matchLabels": {"team": "a"}}}, True, False),
        ({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "carol"}}}, False, False),
        ({"ipBlock": {"cidr": "192.0.2.0/24"}}, False, True),
        ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.0.2.0/28"]}}, True, False),
    ],
)
def test_peers(peer: Object, alice: bool, outside: bool) -> None:
    """A pod selector alone is about the policy's own namespace; an address is in a block and in no exception."""
    policies = [policy("b", ingress=[{"from": [peer]}])]
    assert (allowed(policies, ALICE, BOB, 8000), allowed(policies, OUTSIDE, BOB, 8000)) == (alice, outside)


@pytest.mark.parametrize(
    ("port", "fits"),
    [
        ({"port": 8000}, True),
        ({"port": 8001}, False),
        ({"port": "http"}, True),
        ({"port": "metrics"}, False),
        ({"port": 7000, "endPort": 8000}, True),
        ({"port": 7000, "endPort": 7999}, False),
        ({"protocol": "TCP"}, True),
        ({"port": 8000, "protocol": "UDP"}, False),
    ],
)
def test_ports(port: Object, fits: bool) -> None:
    """By number, by the container's name for it, by range, and of one protocol, TCP where none is named."""
    assert allowed([policy("b", ingress=[{"ports": [port]}])], ALICE, BOB, 8000) is fits


def test_both_ends_must_agree_and_policies_add_up() -> None:
    """What one end denies is denied; what one of several policies of an end allows is allowed by that end."""
    shut = policy("b")
    opened = policy("b", ingress=[{"from": [{"namespaceSelector": {}}]}])
    assert allowed([shut, opened], ALICE, BOB, 8000)
    assert not allowed([shut, opened, policy("a", policyTypes=["Egress"])], ALICE, BOB, 8000)


@pytest.mark.parametrize(
    ("operator", "values", "with_it", "without"),
    [
        ("In", ["alice"], True, False),
        ("NotIn", ["alice"], False, True),
        ("Exists", [], True, False),
        ("DoesNotExist", [], False, True),
    ],
)
def test_expressions(operator: str, values: list[str], with_it: bool, without: bool) -> None:
    """NotIn holds for a pod that has no such label, too."""
    selector = {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}
    assert (matches(selector, {"app": "alice"}), matches(selector, {})) == (with_it, without)
