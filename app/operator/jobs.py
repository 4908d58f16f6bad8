"""The migration's Jobs: their names, what they are made of, and what became of them. Nothing here talks to anything."""

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from app.operator.resource import API_VERSION, GROUP, KIND, Object, Resource, given, timestamp

LABEL = f"{GROUP}/gated-migration"
JOB_LABEL = "batch.kubernetes.io/job-name"
CONTAINER = "migrate"

_OF_THE_POD = ("serviceAccountName", "nodeSelector", "tolerations", "imagePullSecrets")
_SKELETON = Path(__file__).with_name("job.yaml")
_CA_FOLDER = "/run/secrets/plinth-ca"
FILES = {"uri": "url", "host": "host", "port": "port", "dbname": "name", "user": "user", "password": "password"}
_NAME = re.compile(r".*-(?P<target>[0-9a-f]{8})-(?P<number>\d+)")
_LONGEST_NAME = 63  # it is a label of the pod too
_LONGEST_MESSAGE = 800


class JobName(NamedTuple):
    """``<resource>-<target>-<number>``. Whoever wants the same attempt finds the same name, so there is one Job."""

    resource: str
    target: str
    number: int

    def __str__(self) -> str:
        tail = f"-{self.target}-{self.number}"
        return self.resource[: _LONGEST_NAME - len(tail)].rstrip("-.") + tail


def parse_name(name: str) -> tuple[str, int]:
    """Target and number of a Job's name."""
    found = _NAME.fullmatch(name)
    return (found["target"], int(found["number"])) if found else ("", 0)


def target(resource: Resource, system_identifier: str) -> str:
    """Eight hexadecimal digits for what a Job would do, and to which server."""
    what = [resource.uid, resource.revision, resource.database, resource.job_template, system_identifier]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:8]


def build(resource: Resource, name: JobName) -> dict[str, Any]:
    """The Job that runs the gated revision once."""
    job: dict[str, Any] = yaml.safe_load(_SKELETON.read_text())
    wanted, pod = resource.job_template, job["spec"]["template"]
    labels = {**job["metadata"]["labels"], LABEL: resource.name}
    # Without blockOwnerDeletion: that one needs rights on the resource's finalizers.
    owner = {"apiVersion": API_VERSION, "kind": KIND, "name": resource.name, "uid": resource.uid, "controller": True}
    job["metadata"] = {"name": str(name), "namespace": resource.namespace, "labels": labels, "ownerReferences": [owner]}
    job["spec"] |= {key: wanted[key] for key in ("activeDeadlineSeconds", "ttlSecondsAfterFinished")}
    annotations, own = wanted.get("podAnnotations", {}), wanted.get("podLabels", {})
    pod["metadata"] = {"labels": {**own, **labels}, "annotations": annotations}
    pod["spec"] |= {key: wanted[key] for key in _OF_THE_POD if key in wanted}
    pod["spec"]["automountServiceAccountToken"] = "serviceAccountName" in wanted
    _fill_container(pod["spec"], resource)
    return job


def _fill_container(pod: dict[str, Any], resource: Resource) -> None:
    container, database, image = pod["containers"][0], resource.database, resource.job_template["image"]
    container |= {"image": image, "args": ["migrate", "--gated", resource.revision]}
    container["resources"] = resource.job_template.get("resources", {})
    container["env"] = [{"name": "PLINTH_IMAGE", "value": image}]
    # Optional items: a secret with a URI alone, or with parts alone, is complete.
    items = [{"key": database["keys"][part], "path": f"PLINTH_DATABASE_{file.upper()}"} for part, file in FILES.items()]
    secret = {"secretName": database["name"], "optional": True, "items": items}
    pod["volumes"] = [{"name": "database", "secret": secret}]
    if mode := database.get("tlsMode"):
        container["env"].append({"name": "PLINTH_DATABASE_TLS_MODE", "value": mode})
    if ca := database.get("ca"):
        container["env"].append({"name": "PLINTH_DATABASE_TLS_CA", "value": f"{_CA_FOLDER}/{ca['key']}"})
        container["volumeMounts"].append({"name": "ca", "mountPath": _CA_FOLDER, "readOnly": True})
        secret = {"secretName": ca["name"], "items": [{"key": ca["key"], "path": ca["key"]}]}
        pod["volumes"].append({"name": "ca", "secret": secret})


@dataclass(frozen=True)
class MigrationJob:
    """A Job as it stands."""

    name: str
    created: datetime
    completed: datetime | None = None
    succeeded: bool = False
    exit_code: int | None = None
    reason: str | None = None
    """The migrator's own, from the last line it wrote."""
    message: str = ""

    @property
    def id(self) -> tuple[str, int]:
        """Target and number."""
        return parse_name(self.name)


def told(job: MigrationJob) -> dict[str, Any]:
    """A Job as status.lastJob tells it."""
    completed = timestamp(job.completed) if job.completed else None
    times = {"startTime": timestamp(job.created), "completionTime": completed}
    return given({"name": job.name, **times, "exitCode": job.exit_code, "message": job.message or None})


def read(job: Object, pods: Iterable[Object] = ()) -> MigrationJob:
    """What became of a Job, as its own status and its newest pod tell."""
    meta = job["metadata"]
    true = {one["type"]: one for one in job.get("status", {}).get("conditions", ()) if one["status"] == "True"}
    end: Object = true.get("Complete") or true.get("Failed") or {}
    own = [pod for pod in pods if pod["metadata"].get("labels", {}).get(JOB_LABEL) == meta["name"]]
    pod: Object = max(own, key=lambda one: str(one["metadata"]["creationTimestamp"]), default={}).get("status", {})
    state: Object = next((one["state"] for one in pod.get("containerStatuses", ()) if one["name"] == CONTAINER), {})
    ended: Object = state.get("terminated", {})
    outcome = last_line(ended.get("message") or ended.get("reason") or "")
    message = outcome.get("message") or _mishap(pod, state.get("waiting", {})) or end.get("message", "")
    return MigrationJob(
        name=meta["name"],
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        completed=datetime.fromisoformat(end["lastTransitionTime"]) if end else None,
        succeeded="Complete" in true,
        exit_code=ended.get("exitCode"),
        reason=outcome.get("reason"),
        message=str(message)[:_LONGEST_MESSAGE],
    )


def last_line(text: str) -> dict[str, Any]:
    """The migrator's JSON line; where there is none, the last line as the message."""
    line = text.strip().rpartition("\n")[2]
    with suppress(ValueError):
        if isinstance(outcome := json.loads(line), dict):
            return outcome
    return {"message": line}


def _mishap(pod: Object, waiting: Object) -> str:
    """Why a pod does not run: its image is missing, it was evicted, no node has room for it."""
    unmet = [one for one in pod.get("conditions", ()) if one["type"] == "PodScheduled" and one["status"] == "False"]
    for one in ({} if waiting.get("reason") == "ContainerCreating" else waiting, pod, *unmet):
        if one.get("reason"):
            return f"{one['reason']}: {one.get('message', '')}".rstrip(": ")
    return ""
