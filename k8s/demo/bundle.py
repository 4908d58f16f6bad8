"""The demonstrated release: `plinth` in the namespace `plinth`, with the embedded database."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.client import Cluster, Namespace
from tests.cluster.console import ClusterError

NAME = "plinth"
CHART = Path(__file__).parents[2] / "charts" / "plinth"
DUMP = "/var/lib/postgresql/plinth-upgrade.dump"
HELM_SECONDS = 300
FIRST_MAJOR = "17"
# Helm's records of what it began and did not end.
_UNFINISHED = f"owner=helm,name={NAME},status in (pending-install,pending-upgrade,pending-rollback)"

# Run in a pod of the app: it works on every cluster, whatever of it can be reached from here.
_CREATE = """
import json, sys, urllib.request
body, kind = b'{"name": "demonstration"}', {"Content-Type": "application/json"}
answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, kind), timeout=15)
print(json.load(answer)["id"])
"""


@dataclass(frozen=True)
class Bundle:
    """The release on a cluster."""

    cluster: Cluster

    @property
    def namespace(self) -> Namespace:
        return Namespace(self.cluster, NAME, "demonstration")

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        return self.namespace.kubectl(*arguments, input=input, check=check)

    def deploy(self, major: str) -> None:
        """Install or upgrade, with the embedded database of a major version; wait until all is ready."""
        repository, _, tag = self.cluster.image.rpartition(":")
        values = (f"image.repository={repository}", f"image.tag={tag}", f"postgresql.image.tag={major}")
        self.settle()
        try:
            self.namespace.helm(
                "upgrade", "--install", NAME, str(CHART), "--create-namespace", "--reset-values", "--wait",
                f"--timeout={HELM_SECONDS}s", "--set-string", ",".join((*values, "operator.pollInterval=10s")),
            )  # fmt: skip
        except ClusterError as error:
            raise self.explained(error) from error

    def test(self) -> None:
        """`helm test`, the chart's own."""
        try:
            self.namespace.helm("test", NAME)
        except ClusterError as error:
            raise self.explained(error) from error

    def settle(self) -> bool:
        """Whether Helm was ended in the middle last time; it then refuses until its unfinished record is gone.

        What that run had applied by then stays, and belongs to the release all the same.
        """
        return bool(self.kubectl("delete", "secrets", f"--selector={_UNFINISHED}", "--output=name").strip())

    def explained(self, error: ClusterError) -> ClusterError:
        """The error, with the pods as they are and where the rest of what can be known is kept."""
        pods = self.kubectl("get", "pods", check=False).strip() or "There is no pod."
        folder = self.namespace.keep_evidence()
        return ClusterError(f"{error}\n\n{pods}\n\nTheir Events, logs and descriptions are in {folder}.")

    def major(self) -> str | None:
        """The major version of the database there is, or None."""
        template = "--output=jsonpath={.spec.template.spec.containers[0].image}"
        image = self.kubectl("get", f"statefulset/{NAME}-postgresql", template, "--ignore-not-found")
        return image.rpartition(":")[2] or None

    def psql(self, statement: str) -> None:
        """Run SQL as the superuser."""
        self.in_database(f'psql -qX -v ON_ERROR_STOP=1 -h 127.0.0.1 -d plinth -c "{statement}"')

    def in_database(self, script: str) -> None:
        login = "export PGUSER=postgres PGPASSWORD=$(cat /run/secrets/postgresql/superuser);"
        self.kubectl("exec", f"{NAME}-postgresql-0", "--container=postgresql", "--", "sh", "-ec", f"{login} {script}")

    def status(self) -> dict[str, Any]:
        """What `plinth status` says, in a pod of the app."""
        said = self.kubectl("exec", f"deployment/{NAME}", "--container=app", "--", "plinth", "status", "--json")
        report: dict[str, Any] = json.loads(said)
        return report

    def new_project(self) -> str:
        """Create a project by the API, through its Service; its id. Raises ClusterError where that fails."""
        call = ("python", "-c", _CREATE, f"http://{NAME}/api/v1/projects")
        return self.kubectl("exec", f"deployment/{NAME}", "--container=app", "--", *call).strip()

    def gated(self) -> dict[str, Any]:
        resource: dict[str, Any] = self.namespace.kubectl_json("get", "gatedmigration", f"{NAME}-uuidv7")
        return resource

    def events(self) -> list[dict[str, Any]]:
        """The Events of the GatedMigration, the oldest first."""
        found = self.namespace.kubectl_json("get", "events", "--field-selector=involvedObject.kind=GatedMigration")
        return sorted(found["items"], key=lambda event: int(event["metadata"]["resourceVersion"]))

    def address(self) -> str | None:
        """Where the API answers from this machine without more ado, or None."""
        if self.cluster.provider.name != "local":
            return None
        return "http://" + self.kubectl("get", f"service/{NAME}", "--output=jsonpath={.spec.clusterIP}")


def existing() -> Bundle:
    """The bundle `make up` made. Raises ClusterError where there is none."""
    from tests.cluster.providers import choose  # noqa: PLC0415 - only once something is asked of a cluster

    bundle = Bundle(Cluster(choose(), ""))
    template = "--output=jsonpath={.spec.template.spec.containers[0].image}"
    image = bundle.kubectl("get", f"deployment/{NAME}", template, "--ignore-not-found", check=False)
    if not image:
        raise ClusterError("There is no bundle to upgrade: run `make up` first.")
    return Bundle(Cluster(bundle.cluster.provider, image))
