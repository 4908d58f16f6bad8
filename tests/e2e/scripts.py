"""Python files of the tests that run in pods of their own."""

from pathlib import Path
from types import ModuleType

from tests.cluster.client import Namespace

CHART = Path(__file__).parent / "charts" / "script"


def run_in_pod(
    namespace: Namespace, name: str, module: ModuleType, *arguments: object, port: int | None = None
) -> None:
    """Start a module in a pod of a name; with a port, also behind a Service of that name."""
    given = ",".join(str(argument) for argument in arguments)
    values = (f"--set=image={namespace.cluster.image}", f"--set=args={{{given}}}", f"--set=port={port or 'null'}")
    namespace.helm("install", name, str(CHART), f"--set-file=text={module.__file__}", *values)
