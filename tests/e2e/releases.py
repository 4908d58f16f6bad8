"""A release of the chart in a namespace of a test, and the API it serves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.client import Namespace

CHART = Path(__file__).parents[2] / "charts" / "plinth"
PATIENCE_SECONDS = 300
TIMEOUT = f"--timeout={PATIENCE_SECONDS}s"
KEEP_VALUES = "--reset-then-reuse-values"
"""What was given, and else the defaults of the chart that comes: `--reuse-values` would keep those of the old one."""

EXTERNAL = (
    "database.existingSecret=database-app",
    "database.tls.mode=disable",
    "migrations.existingSecret=database-owner",
)
"""Values for the database of tests/e2e/databases.py."""

ASK = """
import json, sys, httpx2
method, url, body, timeout = json.loads(sys.argv[1])
answer = httpx2.request(method, url, json=body, timeout=timeout)
print(json.dumps({"status": answer.status_code, "headers": dict(answer.headers), "text": answer.text}))
"""
"""What a pod of the app runs to ask the API; the API server's proxy sends no bodies, and shows no headers."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Release:
    """One release, by default named `plinth`; ``full_name`` is what its objects are called, where it is not that."""

    namespace: Namespace
    name: str = "plinth"
    full_name: str = ""
    patience: int = PATIENCE_SECONDS
    """Helm's own timeout."""

    @property
    def full(self) -> str:
        return self.full_name or self.name

    def install(
        self, *values: str, image: str | None = None, flags: tuple[str, ...] = ("--wait",), chart: Path = CHART
    ) -> None:
        self.namespace.helm("install", *self.arguments(*values, image=image, chart=chart), *flags, self._timeout)

    def upgrade(self, *values: str, image: str | None = None, flags: tuple[str, ...] = ("--wait",)) -> None:
        self.namespace.helm("upgrade", *self.arguments(*values, image=image), KEEP_VALUES, *flags, self._timeout)

    def rollback(self, revision: int) -> None:
        self.namespace.helm("rollback", self.name, str(revision), "--wait", self._timeout)

    def uninstall(self) -> None:
        self.namespace.helm("uninstall", self.name, "--wait", self._timeout)

    def history(self) -> list[dict[str, Any]]:
        """Its revisions, the oldest first."""
        revisions: list[dict[str, Any]] = json.loads(self.namespace.helm("history", self.name, "--output=json"))
        return revisions

    def deployed(self) -> int:
        """The revision to go back to where an upgrade failed or was cut off."""
        return max(int(one["revision"]) for one in self.history() if one["status"] == "deployed")

    @property
    def _timeout(self) -> str:
        return f"--timeout={self.patience}s"

    def arguments(self, *values: str, image: str | None = None, chart: Path = CHART) -> tuple[str, ...]:
        """Name, chart and values, as `helm install` and `helm upgrade` take them."""
        repository, _, tag = (image or self.namespace.cluster.image).rpartition(":")
        given = (f"image.repository={repository}", f"image.tag={tag}", *values)
        return (self.name, str(chart), *(f"--set={value}" for value in given))

    def get(self, path: str) -> Any:
        """GET from the API, through the API server: it works on every cluster."""
        return json.loads(self.namespace.kubectl("get", f"--raw={self._url(path)}"))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST to the API, from a pod of the app through its Service."""
        answer = self.ask("POST", f"http://{self.full}/api/v1{path}", body)
        assert answer.status == 201, answer
        return answer.json()

    def ask(self, method: str, url: str, body: dict[str, Any] | None = None, *, timeout: float = 15) -> Answer:
        """Ask any address of the cluster, from a pod of the app; raises ClusterError where nobody answers in time."""
        python = ("python", "-c", ASK, json.dumps([method, url, body, timeout]))
        said = self.namespace.kubectl("exec", f"deployment/{self.full}", "--container=app", "--", *python)
        return Answer(**json.loads(said))

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
        service = f"/api/v1/namespaces/{self.namespace.name}/services/{self.full}:http/proxy/readyz?verbose"
        return self.namespace.kubectl("get", f"--raw={service}")

    def roll(self) -> None:
        """Replace every pod of the app, one after the other; over when the last one has drained."""
        self.namespace.kubectl("rollout", "restart", f"deployment/{self.full}")
        self.namespace.kubectl("rollout", "status", f"deployment/{self.full}", "--timeout=120s")
        self.wait_for_old_pods()

    def wait_for_old_pods(self) -> None:
        """Wait until those that were replaced have drained and are gone."""
        self.namespace.cluster.wait_for(
            "the old pods to end", lambda: len(self._all_pods()) == len(self.pods()), 60, interval=0.5
        )

    def _url(self, path: str) -> str:
        return f"/api/v1/namespaces/{self.namespace.name}/services/{self.full}:http/proxy/api/v1{path}"

    def ready_pods(self) -> list[dict[str, Any]]:
        """The app's pods that are ready, and not about to end."""
        return [pod for pod in self.pods() if condition(pod, "Ready")["status"] == "True"]

    def pods(self) -> list[dict[str, Any]]:
        """The app's pods that are not about to end."""
        return [pod for pod in self._all_pods() if "deletionTimestamp" not in pod["metadata"]]

    def _all_pods(self) -> list[dict[str, Any]]:
        selector = f"--selector=app.kubernetes.io/component=app,app.kubernetes.io/instance={self.name}"
        pods: list[dict[str, Any]] = self.namespace.kubectl_json("get", "pods", selector)["items"]
        return pods

    def migrators(self) -> list[dict[str, Any]]:
        """The migration Job's pods, those that ended too."""
        selector = f"--selector=app.kubernetes.io/component=migrate,app.kubernetes.io/instance={self.name}"
        pods: list[dict[str, Any]] = self.namespace.kubectl_json("get", "pods", selector)["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def termination_message(self) -> dict[str, Any]:
        """The last line of the migration Job's last pod, as Kubernetes keeps it."""
        pods = sorted(self.migrators(), key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        states = [pod["status"]["containerStatuses"][0]["state"] for pod in pods]
        messages = [state["terminated"]["message"] for state in states if "terminated" in state]
        line: dict[str, Any] = json.loads(messages[-1].splitlines()[-1])
        return line

    def restarts(self) -> int:
        """How often the kubelet started a container of the app anew."""
        return sum(status["restartCount"] for pod in self.pods() for status in pod["status"]["containerStatuses"])

    def gated(self) -> dict[str, Any]:
        """The GatedMigration."""
        resource: dict[str, Any] = self.namespace.kubectl_json("get", "gatedmigration", f"{self.full}-uuidv7")
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
