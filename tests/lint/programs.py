"""The linters themselves: Go programs compiled once, Python ones in an environment of their own each."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step
from tests.cluster.local.binaries import Binary, compile_binaries
from tests.cluster.local.layout import Layout
from tests.cluster.lock import one_at_a_time

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
KUBECONFORM = Binary("kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", ())
KUBE_SCORE = Binary("kube-score", "github.com/zegl/kube-score/cmd/kube-score", ())
# Without most clouds' service discovery, which is no rule's matter and takes longest to compile.
PROMTOOL = Binary("promtool", "github.com/prometheus/prometheus/cmd/promtool", (), tags="remove_all_sd")
ACTIONLINT = Binary("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", ())
# Its newest release that Go 1.26 takes.
EDITORCONFIG = Binary(
    "editorconfig-checker", "github.com/editorconfig-checker/editorconfig-checker/v3/cmd/editorconfig-checker", ()
)
COMPILED = (KUBECONFORM, KUBE_SCORE, PROMTOOL, ACTIONLINT, EDITORCONFIG)


def main() -> None:
    """Everything that takes minutes the first time, which is no test's time."""
    compiled()
    for lock in ("lint", "sbom", "browser"):
        python(lock, "python")


def cache() -> Path:
    """May be deleted at any time and is made again."""
    return Layout.from_environment().cache.parent / "lint"


def compiled() -> None:
    if not shutil.which("go"):
        raise ClusterError(
            f"{', '.join(one.folder for one in COMPILED)} are compiled from their Go modules: install Go 1.26 or later"
        )
    with one_at_a_time():
        compile_binaries(Layout.from_environment(), COMPILED)


def go(binary: Binary) -> Path:
    return Layout.from_environment().bin / binary.folder


def python(lock: str, program: str) -> Path:
    """``program`` of ``requirements/<lock>.txt``: these pin versions that nothing else can live with."""
    requirements = REQUIREMENTS / f"{lock}.txt"
    wanted = hashlib.sha256(sys.version.encode() + requirements.read_bytes()).hexdigest()
    folder = cache() / lock
    stamp = folder / "stamp"
    with one_at_a_time():
        if not stamp.exists() or stamp.read_text() != wanted:
            _install(requirements, folder)
            stamp.write_text(wanted)
    return folder / "bin" / program


def report(program: Path, *arguments: str | Path, cwd: Path = Path(os.sep)) -> Any:
    """What a linter prints, which is JSON; away from this tree and its settings for linters, unless told otherwise."""
    output = run(program, *arguments, check=False, cwd=cwd)
    try:
        return json.loads(output)
    except json.JSONDecodeError as error:
        raise ClusterError(f"{program.name} did not end with a report: {output[:500]!r}") from error


def _install(requirements: Path, folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    with step(f"installing {requirements.name} (once)"):
        run(uv, "venv", "-q", "--clear", "--python", sys.executable, folder)
        run(
            uv, "pip", "install", "-q", "--python", folder, "--require-hashes", "--no-deps", "--only-binary=:all:",
            "-r", requirements,
        )  # fmt: skip


if __name__ == "__main__":
    main()
