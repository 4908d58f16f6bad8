"""What a test leaves behind: the Events, logs and objects of its namespace, in one folder where it failed."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any, Protocol

from tests.cluster.console import ClusterError, say

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
# Never the content of secrets; Events have a file of their own.
LEFT_OUT = {"secrets", "events", "events.events.k8s.io"}


class Kubectl(Protocol):
    def __call__(self, *arguments: str, check: bool = True) -> str: ...


def keep(kubectl: Kubectl, test: str) -> Path:
    folder = ARTIFACTS / re.sub(r"[^\w.-]+", "-", test).strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _write(folder / "events.txt", kubectl("get", "events", "--sort-by=.metadata.creationTimestamp", check=False))
        _write(folder / "pods.txt", kubectl("describe", "pods", check=False))
        _write(folder / "objects.yaml", kubectl("get", ",".join(_kinds(kubectl)), "--output=yaml", check=False))
        for pod in json.loads(kubectl("get", "pods", "--output=json"))["items"]:
            _keep_logs(kubectl, folder, pod)
    except ClusterError as error:  # the test's own failure is the news, not this
        _write(folder / "incomplete.txt", str(error))
    say(f"{test} failed; its Events, logs and objects are in {folder}")
    return folder


def leaks(kubectl: Kubectl) -> list[str]:
    """Objects, Events and logs of the namespace that hold the password of one of its Secrets, by name."""
    secrets = json.loads(kubectl("get", "secrets", "--output=json"))["items"]
    passwords = {b64decode(one["data"]["password"]).decode() for one in secrets if "password" in one.get("data", {})}
    if not passwords:
        raise ClusterError("no Secret of the namespace holds a password, so there is nothing to look for")
    objects = json.loads(kubectl("get", ",".join([*_kinds(kubectl), "events"]), "--output=json"))["items"]
    places = {f"{one['kind']} {one['metadata']['name']}": json.dumps(one) for one in objects}
    for pod in [one["metadata"]["name"] for one in objects if one["kind"] == "Pod"]:
        places[f"logs of {pod}"] = kubectl("logs", pod, "--all-containers", check=False)
    return sorted(place for place, text in places.items() if any(password in text for password in passwords))


def _kinds(kubectl: Kubectl) -> list[str]:
    listed = kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    return [kind for kind in listed if kind not in LEFT_OUT]


def _keep_logs(kubectl: Kubectl, folder: Path, pod: dict[str, Any]) -> None:
    name = pod["metadata"]["name"]
    for container in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
        log = ("logs", name, f"--container={container['name']}")
        _write(folder / f"{name}.{container['name']}.log", kubectl(*log, check=False))
        _write(folder / f"{name}.{container['name']}.previous.log", kubectl(*log, "--previous", check=False))


def _write(path: Path, text: str) -> None:
    """An empty file would only be in the way."""
    if text:
        path.write_text(text)
