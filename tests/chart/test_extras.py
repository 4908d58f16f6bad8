"""Containers and volumes of one's own beside ours."""

import pytest

from tests.chart.conftest import Render
from tests.chart.rendered import EXTERNAL, Object, Refused

VOLUME: Object = {"name": "client", "secret": {"secretName": "client-certificate"}}
MOUNT: Object = {"name": "client", "mountPath": "/run/secrets/client", "readOnly": True}
PROXY: Object = {"name": "proxy", "image": "registry.example/proxy:2", "restartPolicy": "Always"}
STRICT = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def test_the_api_takes_containers_and_volumes(render: Render) -> None:
    """Volumes are mounted by the API's container; further containers stand beside it, and sidecars before it."""
    own = {"extraVolumes": [VOLUME], "extraVolumeMounts": [MOUNT]}
    own |= {"initContainers": [PROXY], "extraContainers": [{"name": "log", "image": "log:1"}]}
    pods = render(EXTERNAL, own).pods()
    pod = pods["plinth"]
    assert VOLUME in pod["volumes"]
    assert MOUNT in pod["containers"][0]["volumeMounts"]
    assert [one["name"] for one in pod["containers"]] == ["app", "log"]
    assert pod["initContainers"] == [PROXY | {"securityContext": STRICT}]
    assert "initContainers" not in pods["plinth-migrate"]


@pytest.mark.parametrize("mode", ["hook", "job", "argocd"])
def test_the_migration_takes_a_sidecar_and_volumes(render: Render, mode: str) -> None:
    """A proxy to the database runs beside the migration and ends with it, in every mode that has a Job."""
    own = {"extraVolumes": [VOLUME], "extraVolumeMounts": [MOUNT], "initContainers": [PROXY], "mode": mode}
    pods = render(EXTERNAL, {"migrations": own}).pods()
    (pod,) = [pod for name, pod in pods.items() if "migrate" in name]
    assert pod["initContainers"] == [PROXY | {"securityContext": STRICT}]
    assert VOLUME in pod["volumes"]
    assert MOUNT in pod["containers"][0]["volumeMounts"]
    assert "initContainers" not in pods["plinth"]


def test_a_container_of_ones_own_may_say_who_it_runs_as(render: Render) -> None:
    """What it says itself wins; what it leaves out is the restricted standard's."""
    proxy = PROXY | {"securityContext": {"readOnlyRootFilesystem": False, "runAsUser": 65532}}
    (found,) = render(EXTERNAL, {"initContainers": [proxy]}).pods()["plinth"]["initContainers"]
    assert found["securityContext"]["runAsUser"] == 65532
    assert found["securityContext"]["readOnlyRootFilesystem"] is False
    assert found["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"extraVolumeMounts": [MOUNT]}, 'extraVolumeMounts mounts "client", which extraVolumes does not hold'),
        ({"migrations": {"extraVolumeMounts": [MOUNT]}}, "which migrations.extraVolumes does not hold"),
        ({"extraVolumes": [{"name": "host", "hostPath": {"path": "/"}}]}, "/extraVolumes/0"),
        ({"extraVolumes": [{"name": "empty"}]}, "/extraVolumes/0"),
        ({"extraVolumes": [{"name": "tmp", "emptyDir": {}}]}, "/extraVolumes/0/name"),
        ({"extraVolumeMounts": [MOUNT | {"mountPath": "/tmp"}]}, "/extraVolumeMounts/0/mountPath"),
        ({"migrations": {"initContainers": [PROXY | {"name": "migrate"}]}}, "/migrations/initContainers/0/name"),
        ({"extraContainers": [{"name": "log", "image": "log:1", "imge": "log:2"}]}, "imge"),
    ],
)
def test_what_no_pod_could_have_is_refused(render: Render, values: Object, named: str) -> None:
    """Names that are taken, volumes that are missing or forbidden, and misspelt fields end before the cluster."""
    with pytest.raises(Refused, match=named):
        render(EXTERNAL, values)
