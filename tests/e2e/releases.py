"""A release of the chart in a namespace of a test, and the API it serves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.client import Namespace

CHART = Path(__file__).parents[2] / "charts" / "plinth"
TIMEOUT = "--timeout=300s"

EXTERNAL = (
    "database.existingSecret=database-app",
    "database.tls.mode=disable",
    "migrations.existingSecret=database-owner",
)
"""Values for the database of tests/e2e/databases.py."""

POST = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=15).read().decode())
"""
"""What a pod of the app runs to call the API; the API server's proxy sends no content type."""


@dataclass(frozen=True)
class Release:
    """One release named `plinth`."""

    namespace: Namespace
    name: str = "plinth"

    def install(self, *values: str, flags: tuple[str, ...] = ("--wait",)) -> None:
        self.namespace.helm("install", *self.arguments(*values), *flags, TIMEOUT)

    def upgrade(self, *values: str, image: str | None = None, flags: tuple[str, ...] = ("--wait",)) -> None:
        self.namespace.helm("upgrade", *self.arguments(*values, image=image), "--reuse-values", *flags, TIMEOUT)

    def rollback(self, revision: int) -> None:
        self.namespace.helm("rollback", self.name, str(revision), "--wait", TIMEOUT)

    def uninstall(self) -> None:
        self.namespace.helm("uninstall", self.name, "--wait", TIMEOUT)

    def arguments(self, *values: str, image: str | None = None) -> tuple[str, ...]:
        """Name, chart and values, as `helm install` and `helm upgrade` take them."""
        repository, _, tag = (image or self.namespace.cluster.image).rpartition(":")
        given = (f"image.repository={repository}", f"image.tag={tag}", *values)
        return (self.name, str(CHART), *(f"--set={value}" for value in given))

    def get(self, path: str) -> Any:
        """GET from the API, through the API server: it works on every cluster."""
        return json.loads(self.namespace.kubectl("get", f"--raw={self._url(path)}"))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST to the API, from a pod of the app through its Service."""
        url = f"http://{self.name}/api/v1{path}"
        python = ("python", "-c", POST, url, json.dumps(body))
        return json.loads(self.namespace.kubectl("exec", f"deployment/{self.name}", "--container=app", "--", *python))

    def items(self, path: str, limit: int = 100) -> Iterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        cursor = ""
        while True:
            page = self.get(f"{path}?limit={limit}{cursor}")
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"

    def readyz(self) -> str:
        """What readiness says to people."""
        service = f"/api/v1/namespaces/{self.namespace.name}/services/{self.name}:http/proxy/readyz?verbose"
        return self.namespace.kubectl("get", f"--raw={service}")

    def _url(self, path: str) -> str:
        return f"/api/v1/namespaces/{self.namespace.name}/services/{self.name}:http/proxy/api/v1{path}"

    def ready_pods(self) -> list[dict[str, Any]]:
        """The app's pods that are ready, and not about to end."""
        pods = self.namespace.kubectl_json("get", "pods", "--selector=app.kubernetes.io/component=app")["items"]
        staying = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return [pod for pod in staying if condition(pod, "Ready")["status"] == "True"]

    def gated(self) -> dict[str, Any]:
        """The GatedMigration."""
        resource: dict[str, Any] = self.namespace.kubectl_json("get", "gatedmigration", f"{self.name}-uuidv7")
        return resource

    def wait_for_gated(self, kind: str, reason: str, timeout: float) -> dict[str, Any]:
        """Wait until a condition of the GatedMigration has a reason; the resource then."""

        def reached() -> dict[str, Any] | None:
            resource = self.gated()
            return resource if condition(resource, kind).get("reason") == reason else None

        return self.namespace.cluster.wait_for(f"{kind} to be {reason}", reached, timeout)

    def events(self) -> list[str]:
        """The reasons of the GatedMigration's Events, the oldest first."""
        selector = "--field-selector=involvedObject.kind=GatedMigration"
        events = self.namespace.kubectl_json("get", "events", selector)["items"]
        # By version: times are whole seconds, and several Events fit into one.
        return [
            event["reason"] for event in sorted(events, key=lambda event: int(event["metadata"]["resourceVersion"]))
        ]


def condition(resource: dict[str, Any], kind: str) -> dict[str, Any]:
    """A condition of an object, or an empty one."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), {"status": "Unknown"})
