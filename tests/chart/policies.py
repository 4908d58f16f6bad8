"""Whether NetworkPolicies let a connection through: Kubernetes' documented semantics, as no plugin here enforces them.

https://kubernetes.io/docs/concepts/services-networking/network-policies; docs/decisions says why this is our own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.chart.rendered import Object


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod, or, without a namespace, an address outside of the cluster."""

    ip: str
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    """The numbers of the container's named ports."""


def allowed(policies: Iterable[Object], source: Peer, destination: Peer, port: int, protocol: str = "TCP") -> bool:
    """Both ends must agree. Ports are the pod's: policies look behind the Service."""
    every = list(policies)
    return _agrees(every, "Egress", source, destination, destination, port, protocol) and _agrees(
        every, "Ingress", destination, source, destination, port, protocol
    )


def _agrees(
    policies: list[Object], direction: str, own: Peer, other: Peer, destination: Peer, port: int, protocol: str
) -> bool:
    """A pod that no policy of this direction selects allows all; else one rule of one policy must allow it."""
    selecting = [one for one in policies if direction in _types(one["spec"]) and _selects(one, own)]
    if not selecting:
        return True
    return any(
        _reaches(rule.get("ports"), destination, port, protocol)
        and _admits(rule.get("from" if direction == "Ingress" else "to"), policy["metadata"]["namespace"], other)
        for policy in selecting
        for rule in policy["spec"].get(direction.lower()) or []
    )


def _types(spec: Object) -> list[str]:
    return list(spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]))


def _selects(policy: Object, pod: Peer) -> bool:
    return pod.namespace == policy["metadata"]["namespace"] and matches(policy["spec"]["podSelector"], pod.labels)


def _reaches(ports: list[Object] | None, destination: Peer, port: int, protocol: str) -> bool:
    return not ports or any(_is_port(one, destination, port, protocol) for one in ports)


def _is_port(wanted: Object, destination: Peer, port: int, protocol: str) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    first: Any = wanted.get("port")
    if first is None:
        return True
    if isinstance(first, str):
        return destination.ports.get(first) == port
    return bool(first <= port <= wanted.get("endPort", first))


def _admits(peers: list[Object] | None, namespace: str, other: Peer) -> bool:
    return not peers or any(_is_peer(one, namespace, other) for one in peers)


def _is_peer(wanted: Object, namespace: str, other: Peer) -> bool:
    if block := wanted.get("ipBlock"):
        inside = [ip_address(other.ip) in ip_network(cidr) for cidr in (block["cidr"], *block.get("except", []))]
        return inside[0] and not any(inside[1:])
    if other.namespace is None:
        return False
    namespaces = wanted.get("namespaceSelector")
    here = other.namespace == namespace if namespaces is None else matches(namespaces, other.namespace_labels)
    return here and matches(wanted.get("podSelector") or {}, other.labels)


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector does; an empty one matches everything."""
    pairs = (selector.get("matchLabels") or {}).items()
    return pairs <= labels.items() and all(_holds(one, labels) for one in selector.get("matchExpressions") or [])


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    holds = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return holds[expression["operator"]]
