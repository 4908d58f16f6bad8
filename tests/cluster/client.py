"""A cluster as the tests hold it: kubectl, helm, namespaces of their own, and waiting."""

import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster import evidence, waiting
from tests.cluster.commands import run
from tests.cluster.providers import Provider

T = TypeVar("T")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@dataclass(frozen=True)
class Cluster:
    """``image`` is the app's image, built from this tree and ready to run; ``helm_program`` is which Helm is meant."""

    provider: Provider
    image: str
    helm_program: str = "helm"

    @property
    def environment(self) -> dict[str, str]:
        path = os.environ.get("PATH", os.defpath)
        return {**self.provider.environment(), "PATH": f"{self.provider.tools}:{path}" if self.provider.tools else path}

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        return run("kubectl", *arguments, input=input, check=check, env=self.environment)

    def kubectl_json(self, *arguments: str, input: str | None = None) -> Any:  # noqa: A002 (subprocess calls it so)
        return json.loads(self.kubectl(*arguments, "--output=json", input=input))

    def helm(self, *arguments: str, check: bool = True) -> str:
        return run(self.helm_program, *arguments, check=check, env=self.environment)

    def wait_for(self, description: str, predicate: Callable[[], T | None], timeout: float, interval: float = 0.2) -> T:
        return waiting.wait_for(description, predicate, timeout, interval)

    def image_build(self, name: str, folder: Path, options: Sequence[str] = ()) -> None:
        self.provider.build(name, folder, options)

    @contextmanager
    def namespace(self, test: str) -> Iterator["Namespace"]:
        """A namespace for one test; where the test fails inside, what can be known of it is kept in a folder."""
        namespace = Namespace(self, f"{_label(test)}-{secrets.token_hex(3)}", test)
        self.kubectl("create", "namespace", namespace.name)
        self.kubectl("label", "namespace", namespace.name, RESTRICTED)
        try:
            yield namespace
        except BaseException:
            namespace.keep_evidence()
            raise
        finally:
            # Its name is never used again, so nobody needs to wait for the end of it.
            self.kubectl("delete", "namespace", namespace.name, "--wait=false")


@dataclass(frozen=True)
class Namespace:
    """kubectl and helm in one namespace."""

    cluster: Cluster
    name: str
    test: str

    def kubectl(self, *arguments: str, input: str | None = None, check: bool = True) -> str:  # noqa: A002
        return self.cluster.kubectl(f"--namespace={self.name}", *arguments, input=input, check=check)

    def kubectl_json(self, *arguments: str, input: str | None = None) -> Any:  # noqa: A002 (subprocess calls it so)
        return self.cluster.kubectl_json(f"--namespace={self.name}", *arguments, input=input)

    def helm(self, *arguments: str, check: bool = True) -> str:
        return self.cluster.helm(f"--namespace={self.name}", *arguments, check=check)

    def keep_evidence(self) -> Path:
        return evidence.keep(self.kubectl, self.test)


def _label(test: str) -> str:
    """A test's name as Kubernetes allows it; 50 characters leave room for the random part."""
    name = test.rpartition("::")[2].removeprefix("test_")
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:50].strip("-") or "test"
