"""`helm template` and `kubectl apply`, on the client's side or the server's."""

from dataclasses import dataclass

from tests.e2e.releases import Release
from tests.verbs.cells import Verb
from tests.verbs.clients import PATIENCE_SECONDS
from tests.verbs.manifests import Object, apply, identity, render, text
from tests.verbs.versions import Version


@dataclass
class ApplyClient:
    """Installing is upgrading: nothing is remembered of what was applied."""

    release: Release
    values: tuple[str, ...]
    server_side: bool

    def install(self, version: Version, verb: Verb) -> None:
        self.upgrade(version)

    def upgrade(self, version: Version, patience: int = PATIENCE_SECONDS) -> None:
        apply(self.release.namespace, self.objects(version), *self._options)

    def differences(self, version: Version) -> str:
        """What another application would change; raises ClusterError, which says it, where that is anything."""
        return self._kubectl("diff", *self._options, "--filename=-", input=text(self.objects(version)))

    def generations(self, version: Version) -> dict[str, int]:
        """How often each object's specification was written."""
        live = self.release.namespace.kubectl_json("get", "--filename=-", input=text(self.objects(version)))["items"]
        return {identity(one): one["metadata"].get("generation", 0) for one in live}

    def objects(self, version: Version) -> list[Object]:
        return render(self.release, version, self.values, "--no-hooks")

    def settled(self) -> str:
        return "deployed"

    @property
    def _options(self) -> tuple[str, ...]:
        return ("--server-side",) if self.server_side else ()

    def _kubectl(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 (as Namespace.kubectl)
        return self.release.namespace.kubectl(*arguments, input=input)
