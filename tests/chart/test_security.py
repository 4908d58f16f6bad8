"""What every pod must fulfil: the restricted Pod Security Standard, and no secret in the environment."""

from base64 import b64encode

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EMBEDDED, EXTERNAL, PASSWORDS, TWO_ROLES, Object, Rendered, container, environment

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
"""Kinds of volumes the restricted standard knows."""


MODES: list[tuple[Object, ...]] = [(EMBEDDED,), (EMBEDDED, {"postgresql": {"persistence": {"enabled": False}}})] + [
    (
        TWO_ROLES,
        {"migrations": {"mode": mode, "existingSecret": "owner-role"}},
        {"database": {"tls": {"caSecret": "ca"}}},
    )
    for mode in ("hook", "job", "argocd", "none")
]


@pytest.fixture
def objects(render: Render) -> Rendered:
    return render(EMBEDDED)


@pytest.mark.parametrize("values", MODES)
def test_every_pod_fulfils_the_restricted_standard(render: Render, values: tuple[Object, ...]) -> None:
    """All pods in all modes, those of hooks included, run without root, privileges and capabilities, under seccomp."""
    pods = render(*values).pods()
    assert {"plinth", "plinth-operator", "plinth-test"} < pods.keys()
    for name, pod in pods.items():
        assert restricted(pod) == [], name
        assert container(pod)["securityContext"]["readOnlyRootFilesystem"] is True, name


def restricted(pod: Object) -> list[str]:
    """What the restricted Pod Security Standard would say; all containers of a pod count."""
    security = pod["securityContext"]
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    found += [] if security["runAsNonRoot"] is True and security.get("runAsUser") != 0 else ["root"]
    found += [] if security["seccompProfile"] == {"type": "RuntimeDefault"} else ["seccomp"]
    found += [one["name"] for one in pod.get("volumes", []) if not one.keys() & VOLUMES]
    for one in pod.get("initContainers", []) + pod["containers"]:
        own = one["securityContext"]
        same = own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}
        hosts = [port for port in one.get("ports", []) if "hostPort" in port]
        found += [] if same and not hosts and not own.get("privileged") else [one["name"]]
    return found


@pytest.mark.parametrize(
    "change",
    [
        {"hostNetwork": True},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"initContainers": [{"name": "i"}]},
    ],
)
def test_what_is_not_restricted_is_found(objects: Rendered, change: Object) -> None:
    """The check sees what the standard forbids beside the containers' own settings."""
    pod = objects.pods()["plinth"] | change
    for one in pod.get("initContainers", []):
        one["securityContext"] = {**container(objects.pods()["plinth"])["securityContext"], "privileged": True}
    assert len(restricted(pod)) == 1


def test_our_containers_run_as_a_user_no_node_has(objects: Rendered) -> None:
    """The one image runs as 10001; the official PostgreSQL image as its own user 999."""
    users = {name: pod["securityContext"]["runAsUser"] for name, pod in objects.pods().items()}
    assert users.pop("plinth-postgresql") == 999
    assert set(users.values()) == {10001}


def test_the_platform_may_choose_the_user(render: Render) -> None:
    """null leaves user and groups to the platform, and nothing else."""
    nobody = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    pod = render(EXTERNAL, {"podSecurityContext": nobody}).pods()["plinth"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_only_the_operator_and_the_crd_hook_have_a_token(objects: Rendered) -> None:
    """The API, its migrations, the database and the test get no token of the cluster."""
    with_token = {name for name, pod in objects.pods().items() if pod["automountServiceAccountToken"]}
    assert with_token == {"plinth-operator", "plinth-crd"}
    assert not any(one["automountServiceAccountToken"] for one in objects.all("ServiceAccount"))


def test_service_variables_stay_out(objects: Rendered) -> None:
    """Kubernetes' own PLINTH_... variables for Services never reach a process that reads PLINTH_... settings."""
    assert not any(pod["enableServiceLinks"] for pod in objects.pods().values())


@pytest.mark.parametrize("mode", ["hook", "job", "argocd", "none"])
def test_no_password_outside_of_secrets(render: Render, mode: str) -> None:
    """Passwords stand in Secrets alone: not in environments, arguments, ConfigMaps, labels or annotations."""
    objects = render(EMBEDDED, {"migrations": {"mode": mode}, "networkPolicy": {"enabled": True}})
    others, secrets = (str([one for one in objects if (one["kind"] == "Secret") is kept]) for kept in (False, True))
    for password in PASSWORDS.values():
        encoded = b64encode(password.encode()).decode()
        assert encoded in secrets
        assert password not in others
        assert encoded not in others
    for pod in objects.pods().values():
        assert "envFrom" not in container(pod)
        assert not any("valueFrom" in one for one in container(pod).get("env", []))


def test_every_container_has_requests_and_a_memory_limit(objects: Rendered) -> None:
    """Each container asks for what it needs; no CPU limit, as throttling makes probes late."""
    for name, pod in objects.pods().items():
        resources = container(pod)["resources"]
        assert {"cpu", "memory"} == set(resources["requests"]), name
        assert {"memory"} == set(resources["limits"]), name


def test_secrets_are_never_mounted_by_sub_path(objects: Rendered) -> None:
    """A subPath would never follow a rotated secret."""
    mounts = [mount for pod in objects.pods().values() for mount in container(pod).get("volumeMounts", [])]
    assert mounts
    assert not any("subPath" in mount for mount in mounts)


def test_scheduling_values_reach_every_pod(render: Render) -> None:
    """Node selector, tolerations and pull secrets apply to all pods and the operator's Jobs, priority to the pods."""
    where = {
        "nodeSelector": {"pool": "apps"},
        "tolerations": [{"key": "apps", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "registry"}],
    }
    objects = render(EMBEDDED, where, {"priorityClassName": "high"})
    pods = [*objects.pods().values(), objects.one("GatedMigration")["spec"]["jobTemplate"]]
    assert len(pods) == 7
    for pod in pods:
        assert where.items() <= pod.items()
    assert {pod["priorityClassName"] for pod in objects.pods().values()} == {"high"}


def test_a_digest_reaches_every_pod_and_the_operators_jobs(render: Render) -> None:
    """Where a digest is given no pod runs by a tag, which somebody could move; the log of migrations says it too."""
    digest = "sha256:" + "0" * 64
    objects = render(EMBEDDED, {"image": {"digest": digest}, "postgresql": {"image": {"digest": digest}}})
    images = {name: container(pod)["image"] for name, pod in objects.pods().items()}
    assert len(images) == 6
    assert images.pop("plinth-postgresql") == f"postgres@{digest}"
    assert {*images.values(), objects.one("GatedMigration")["spec"]["jobTemplate"]["image"]} == {f"plinth@{digest}"}
    (migrate,) = [pod for name, pod in objects.pods().items() if "migrate" in name]
    assert environment(migrate)["PLINTH_IMAGE"] == f"plinth@{digest}"


@pytest.mark.parametrize(
    ("account", "name", "made"),
    [
        ({"annotations": {"eks.amazonaws.com/role-arn": "arn"}}, None, True),
        ({"name": "own", "annotations": {"eks.amazonaws.com/role-arn": "arn"}}, "own", True),
        ({"name": "own", "create": False}, "own", False),
    ],
)
def test_service_accounts_can_be_named_annotated_or_brought(
    render: Render, account: Object, name: str | None, made: bool
) -> None:
    """API's and operator's are made with their annotations, or taken as they are; the rights follow the name."""
    ours = {"plinth": {"serviceAccount": account}, "plinth-operator": {"operator": {"serviceAccount": account}}}
    for workload, values in ours.items():
        objects = render(EXTERNAL, values)
        accounts = {one["metadata"]["name"]: one["metadata"] for one in objects.all("ServiceAccount")}
        assert objects.pods()[workload]["serviceAccountName"] == (name or workload)
        assert ((name or workload) in accounts) is made
        if made:
            assert accounts[name or workload]["annotations"] == account["annotations"]
        subject = objects.one("RoleBinding")["subjects"][0]["name"]
        assert subject == objects.pods()["plinth-operator"]["serviceAccountName"]
        assert objects.pods()["plinth-test"]["serviceAccountName"] == objects.pods()["plinth"]["serviceAccountName"]


def test_without_an_account_of_its_own_the_api_uses_the_namespaces(render: Render) -> None:
    """It has no token in any case."""
    pod = render(EXTERNAL, {"serviceAccount": {"create": False}}).pods()["plinth"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("default", False)
