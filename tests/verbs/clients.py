"""Who brings a version to the cluster: Helm, Argo CD's order, or `kubectl apply`."""

from contextlib import AbstractContextManager
from typing import Protocol

from tests.verbs.cells import Verb
from tests.verbs.versions import Version

PATIENCE_SECONDS = 120
"""How long a client waits for what should come true."""


class Attempt(Protocol):
    """An upgrade under way."""

    def kill(self) -> None:
        """End the client without goodbye."""

    def finish(self) -> None:
        """Wait for its end; raises ClusterError where the upgrade failed."""


class Applier(Protocol):
    """Each method returns when the client has done its part; raises ClusterError where it failed."""

    def install(self, version: Version, verb: Verb) -> None:
        """``verb`` is one of the three ways to install."""

    def upgrade(self, version: Version, patience: int = PATIENCE_SECONDS) -> None: ...

    def settled(self) -> str:
        """What it says of the release; `deployed` where all is well."""


class Client(Applier, Protocol):
    """One that also remembers what it did."""

    def upgrading(self, version: Version, patience: int = PATIENCE_SECONDS) -> AbstractContextManager[Attempt]: ...

    def recover(self) -> None:
        """What the chart's README says to do once the client was killed."""

    def rollback(self) -> None:
        """Go back to what was before, or to what is still there where the last upgrade failed."""

    def uninstall(self) -> None: ...
