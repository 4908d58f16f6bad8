"""The definition of GatedMigration at a real API server: what it refuses, and the operator without it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from lightkube import ApiError, Client
from lightkube.models.meta_v1 import ObjectMeta

from app.operator.resource import API_VERSION, GROUP, KIND, PLURAL, VERSION, GatedMigration
from app.settings import SECRET_FILES
from tests.cluster.console import ClusterError
from tests.cluster.local.bare import ControlPlane
from tests.cluster.waiting import wait_for
from tests.e2e import planes
from tests.e2e.operators import Shop, operating
from tests.unit.operator.test_crd import SCHEMA, nodes

BREACHES: list[tuple[str, str, dict[str, Any]]] = [
    ("n" * 64, "1s", {}),
    ("old", "1s", {"minServerVersion": 17}),
    ("rare", "25h", {}),
    ("tolerant", "1s", {"jobTemplate": {"image": "x", "tolerations": [{"operator": "Exists", "value": "x"}]}}),
    ("labelled", "1s", {"jobTemplate": {"image": "x", "podLabels": {"plinth.dev/x": "x"}}}),
]
"""Name, poll interval and more of the spec, each against one of the definition's rules in CEL."""


def test_each_rule_of_the_definition_refuses_what_breaks_it(shop: Shop) -> None:
    """In the rule's own words; a rule that is new needs a breach."""
    rules = [rule["message"] for _, node in nodes(SCHEMA) for rule in node.get("x-kubernetes-validations", ())]
    said = []
    for name, poll, spec in BREACHES:
        with pytest.raises(ApiError) as refused:
            shop.create_migration(name, "owner", poll=poll, **spec)
        said.append(str(refused.value.status.message))
    assert len(rules) == len(BREACHES)
    assert [rule for rule in rules if not any(rule in one for one in said)] == []


ODD: dict[str, Any] = {
    "databaseSecretRef": {
        "name": "Not A Name",
        "keys": dict.fromkeys(SECRET_FILES, "no key"),
        "tlsMode": "maybe",
        "ca": {"name": "Not A Name", "key": "no key"},
    },
    "revision": "No Revision",
    "minServerVersion": 14,
    "approval": "Perhaps",
    "paused": "later",
    "pollInterval": "soon",
    "jobTemplate": {
        "image": "two words",
        "serviceAccountName": "Not A Name",
        "resources": {"requests": {"cpu": "much"}, "limits": {"memory": "more"}},
        "nodeSelector": {"disk": 7},
        "tolerations": [{"key": 7, "operator": "Maybe", "value": 7, "effect": "Maybe", "tolerationSeconds": "long"}],
        "imagePullSecrets": [{"name": "Not A Name"}],
        "podLabels": {"long": "x" * 64},
        "podAnnotations": {"number": 7},
        "activeDeadlineSeconds": 0,
        "ttlSecondsAfterFinished": -1,
    },
}
LONG = "x" * 1025
TOO_MUCH: dict[str, Any] = {
    "databaseSecretRef": {
        "name": LONG,
        "keys": dict.fromkeys(SECRET_FILES, LONG),
        "ca": {"name": LONG, "key": LONG},
    },
    "revision": LONG,
    "minServerVersion": 100,
    "pollInterval": f"{'0' * 16}9s",
    "jobTemplate": {
        "image": LONG,
        "serviceAccountName": LONG,
        "imagePullSecrets": [{"name": LONG}],
    },
}
CROWDS: dict[str, Any] = {
    "databaseSecretRef": {"name": "owner"},
    "jobTemplate": {
        "image": "plinth:test",
        "resources": {kind: {f"x{one}": "1" for one in range(17)} for kind in ("requests", "limits")},
        "tolerations": [{}] * 65,
        "imagePullSecrets": [{"name": "x"}] * 17,
        **{kind: {f"x{one}": "x" for one in range(65)} for kind in ("nodeSelector", "podLabels", "podAnnotations")},
    },
}
CROWDED = [f"spec.jobTemplate.{name}" for name in (
    "resources.requests", "resources.limits", "tolerations", "imagePullSecrets",
    "nodeSelector", "podLabels", "podAnnotations",
)]  # fmt: skip
LACKING: dict[str, Any] = {"databaseSecretRef": {"ca": {}}, "jobTemplate": {"imagePullSecrets": [{}]}}
NEEDED = [f"spec.{name}" for name in (
    "databaseSecretRef.name", "databaseSecretRef.ca.name", "jobTemplate.image", "jobTemplate.imagePullSecrets[0].name",
)]  # fmt: skip
SLIPS: dict[str, Any] = {
    "slip": 1,
    "databaseSecretRef": {"slip": 1, "keys": {"slip": 1}, "ca": {"slip": 1}},
    "jobTemplate": {
        "slip": 1,
        "resources": {"slip": 1},
        "tolerations": [{"slip": 1}],
        "imagePullSecrets": [{"slip": 1}],
    },
}


def leaves(value: Any, path: str) -> Iterator[str]:
    """Where its values are, as the API server says it."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, f"{path}.{name}")
    elif isinstance(value, list):
        yield from leaves(value[0], f"{path}[0]")
    else:
        yield path


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        (ODD, [*leaves(ODD, "spec")]),
        (TOO_MUCH, [*leaves(TOO_MUCH, "spec")]),
        (CROWDS, CROWDED),
        (LACKING, NEEDED),
        ({}, ["spec.databaseSecretRef", "spec.jobTemplate"]),
    ],
    ids=["odd", "too-much", "crowds", "lacking", "empty"],
)
def test_nonsense_is_refused_where_it_is_typed(api: Client, spec: dict[str, Any], wrong: list[str]) -> None:
    """Every value by its own path, all at once."""
    with pytest.raises(ApiError) as refused:
        api.create(GatedMigration(metadata=ObjectMeta(name="odd", namespace="default"), spec=spec), dry_run=True)
    said = str(refused.value.status.message)
    assert [path for path in wrong if f"{path}: " not in said] == []


def test_a_field_nobody_knows_is_refused_everywhere(plane: ControlPlane) -> None:
    """A slip of the pen is told to whoever asks for it, as kubectl does; the schema is closed in each of its parts."""
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "odd"}, "spec": SLIPS}
    with pytest.raises(ClusterError) as refused:
        plane.kubectl("create", "--filename=-", "--validate=strict", input=json.dumps(body))
    said = set(re.findall('unknown field "(.+?)"', str(refused.value)))
    parts = {path for path, node in nodes(SCHEMA) if path.startswith("spec") and "properties" in node}
    assert said == {*leaves(SLIPS, "spec")} == {f"{path.replace('[]', '[0]')}.slip" for path in parts}


def test_the_definition_may_be_deleted_under_it(plane: ControlPlane, shop: Shop) -> None:
    """That waits for nobody. The process ends and says why; started again it waits for a definition, and is live."""
    shop.create_migration("ids", "owner")

    def watches() -> bool:
        return any(f"/{shop.name}/{PLURAL}?watch=" in one["requestURI"] for one in plane.requests())

    with operating(plane, shop.name) as operator:
        wait_for("its watch", watches, 20)
        plane.kubectl("delete", "crd", f"{PLURAL}.{GROUP}", "--timeout=20s")
        assert operator.process
        assert operator.process.wait(20) == 1
        told = operator.log.read_text()
        assert f"Watcher for {PLURAL}.{VERSION}.{GROUP}@{shop.name} has failed: 404" in told
        operator.start()  # as the kubelet does
        wait_for("a look in vain", lambda: "404 Not Found" in operator.log.read_text().removeprefix(told), 20)
        assert operator.live()
    planes.define(plane)
