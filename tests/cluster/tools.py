"""kubectl and helm: this machine's own where it has them, else compiled. They are of use without a cluster too."""

import shutil
from pathlib import Path

from tests.cluster.console import ClusterError
from tests.cluster.local.binaries import HELM, HELM4, KUBE, compile_binaries
from tests.cluster.local.layout import Layout

_COMPILED_AS = {"kubectl": KUBE, "helm": HELM}


def ensure() -> None:
    missing = [program for program in _COMPILED_AS if not shutil.which(program)]
    if missing and not shutil.which("go") and not all(_is_compiled(program) for program in missing):
        raise ClusterError(
            f"{' and '.join(missing)} not in PATH, nor Go 1.26, which would compile what is missing: install either"
        )
    if missing:
        compile_binaries(Layout.from_environment(), [_COMPILED_AS[program] for program in missing])


def ensure_helms() -> None:
    """Both Helms, by which the chart is tested: what a machine has in PATH as `helm` may be either."""
    compile_binaries(Layout.from_environment(), [HELM, HELM4])


def _is_compiled(program: str) -> bool:
    return (folder() / program).exists()


def folder() -> Path:
    """Where what is compiled is."""
    return Layout.from_environment().bin


def extra_folder() -> Path | None:
    """The folder PATH lacks, if it lacks one."""
    return None if all(map(shutil.which, _COMPILED_AS)) else folder()


def program(name: str) -> str:
    return shutil.which(name) or str(folder() / name)
