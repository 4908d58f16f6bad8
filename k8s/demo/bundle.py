"""The demonstrated release: `plinth` in the namespace `plinth`, with the embedded database, and a team's own values."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.client import Cluster, Namespace
from tests.cluster.console import ClusterError

NAME = NAMESPACE = "plinth"
ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "plinth"
VALUES = ROOT / "deploy" / "values.yaml"
"""A team's, where there are any (docs/adopt.md)."""
DUMP = "/var/lib/postgresql/plinth-upgrade.dump"
HELM_SECONDS = 300
FIRST_MAJOR = "17"
# Helm's records of what it began and did not end.
_UNFINISHED = f"owner=helm,name={NAME},status in (pending-install,pending-upgrade,pending-rollback)"

# Run in a pod of the app: it works on every cluster, whatever of it can be reached from here. Where the examples are
# not served, the first list there is: what a slice of somebody else's would take, nobody knows.
_ASK = """
import json, sys, urllib.request
def ask(path, body=None):
    kind = {"Content-Type": "application/json"}
    return json.load(urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, body, kind), timeout=15))
paths = ask("/openapi.json")["paths"]
lists = [path for path, of in paths.items() if "get" in of and "{" not in path]
if "/api/v1/projects" in paths:
    print(ask("/api/v1/projects", b'{"name": "demonstration"}')["id"])
elif lists:
    ask(lists[0] + "?limit=1")
"""


@dataclass(frozen=True)
class Bundle:
    """The release on a cluster."""

    cluster: Cluster

    @property
    def namespace(self) -> Namespace:
        return Namespace(self.cluster, NAMESPACE, "demonstration")

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        return self.namespace.kubectl(*arguments, input=input, check=check)

    def deploy(self, major: str) -> None:
        """Install, or upgrade to this tree: its chart, its image, its values. Wait until all is ready."""
        repository, _, tag = self.cluster.image.rpartition(":")
        values = (
            f"image.repository={repository}",
            f"image.tag={tag}",
            "image.digest=",
            f"postgresql.image.tag={major}",
        )
        own = (f"--values={own_values()}",) if VALUES.exists() else ()
        self._upgrade(
            "--create-namespace",
            "--reset-values",
            *own,
            "--set-string",
            ",".join((*values, "operator.pollInterval=10s")),
        )

    def move(self, major: str) -> None:
        """Another major version of the database, and nothing else."""
        self._upgrade("--reset-then-reuse-values", "--set-string", f"postgresql.image.tag={major}")

    def _upgrade(self, *arguments: str) -> None:
        self.settle()
        try:
            wait = ("--wait", f"--timeout={HELM_SECONDS}s")
            self.namespace.helm("upgrade", "--install", NAME, str(CHART), *wait, *arguments)
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
        gone = self.kubectl("delete", "secrets", f"--selector={_UNFINISHED}", "--output=name")
        return "secret/" in gone  # where there is none, kubectl says that in the same place

    def explained(self, error: ClusterError) -> ClusterError:
        """The error, with the pods as they are and where the rest of what can be known is kept."""
        pods = self.kubectl("get", "pods", check=False).strip() or "There is no pod."
        folder = self.namespace.keep_evidence()
        return ClusterError(f"{error}\n\n{pods}\n\nTheir Events, logs and descriptions are in {folder}.")

    @cached_property
    def full_name(self) -> str:
        """What its objects are called: the release's name, or what the values say. Asked once, after the install."""
        return self._of("deployments", "app", "metadata.name")

    def major(self) -> str | None:
        """The major version of the database there is, or None."""
        image = self._of("statefulsets", "postgresql", "spec.template.spec.containers[0].image")
        return image.rpartition(":")[2] or None

    def _of(self, kind: str, component: str, field: str) -> str:
        """A field of the object with a part in the release; empty where there is none."""
        selector = f"--selector=app.kubernetes.io/instance={NAME},app.kubernetes.io/component={component}"
        return self.kubectl("get", kind, selector, f"--output=jsonpath={{.items[*].{field}}}").partition(" ")[0]

    def psql(self, statement: str) -> str:
        """Run SQL as the superuser; what it answers."""
        return self.in_database(f'psql -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -d plinth -c "{statement}"')

    def in_database(self, script: str) -> str:
        login = "export PGUSER=postgres PGPASSWORD=$(cat /run/secrets/postgresql/superuser);"
        pod = f"{self.full_name}-postgresql-0"
        return self.kubectl("exec", pod, "--container=postgresql", "--", "sh", "-ec", f"{login} {script}")

    def status(self) -> dict[str, Any]:
        """What `plinth status` says, in a pod of the app."""
        report: dict[str, Any] = json.loads(self._in_app("plinth", "status", "--json"))
        return report

    def new_id(self) -> str:
        """Ask the API through its Service for a new project; its id. Without the examples a list of the team's is
        asked for, and the id is the database's next. Raises ClusterError where that fails.
        """
        made = self._in_app("python", "-c", _ASK, f"http://{self.full_name}").strip()
        return made or self.psql("SELECT public.plinth_id()").strip()

    def _in_app(self, *command: str) -> str:
        return self.kubectl("exec", f"deployment/{self.full_name}", "--container=app", "--", *command)

    def gated(self) -> dict[str, Any]:
        resource: dict[str, Any] = self.namespace.kubectl_json("get", "gatedmigration", f"{self.full_name}-uuidv7")
        return resource

    def events(self) -> list[dict[str, Any]]:
        """The Events of the GatedMigration, the oldest first."""
        found = self.namespace.kubectl_json("get", "events", "--field-selector=involvedObject.kind=GatedMigration")
        return sorted(found["items"], key=lambda event: int(event["metadata"]["resourceVersion"]))

    def address(self) -> str | None:
        """Where the API answers from this machine without more ado, or None."""
        if self.cluster.provider.name != "local":
            return None
        return "http://" + self.kubectl("get", f"service/{self.full_name}", "--output=jsonpath={.spec.clusterIP}")


def own_values() -> Path:
    """The team's values. Raises ClusterError where they name a database, which this cluster does not have."""
    values = yaml.safe_load(VALUES.read_text()) or {}
    if any((values.get(part) or {}).get("existingSecret") for part in ("database", "migrations")):
        raise ClusterError(
            f"{VALUES.relative_to(ROOT)} names the secrets of a database of your own, and `make up` brings one: "
            "move `database` and `migrations` into a file beside it (docs/adopt.md)."
        )
    return VALUES


def existing() -> Bundle:
    """The bundle `make up` made. Raises ClusterError where there is none."""
    from tests.cluster.providers import choose  # noqa: PLC0415 - only once something is asked of a cluster

    bundle = Bundle(Cluster(choose(), ""))
    if not bundle.kubectl("get", "statefulsets", "--output=name", check=False).strip():
        raise ClusterError("There is no bundle to upgrade: run `make up` first.")
    return bundle
