"""Programs of Debian's packages that this machine may not have, from a release that need not be its own.

They are fetched with mmdebstrap, once, and run from where they lie, by that release's own loader and with its
libraries: a host's may be older or newer. The machine's own packages stay as they are.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.db.packaged import Major, data_root
from tests.cluster.commands import run
from tests.cluster.console import ClusterError, step
from tests.cluster.local.packages import install_packages
from tests.cluster.local.standins import POSTGRES_17, POSTGRES_18
from tests.cluster.lock import one_at_a_time

# No program here is asked for its manual, and LLVM (100 MB) is for a JIT compiler that small databases never use.
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/postgresql/*/lib/llvmjit*",
    "/usr/lib/postgresql/*/lib/bitcode*",
)
_ORIGINALS = "unwrapped"
_SUITES = {15: "bookworm", 17: POSTGRES_17.suite, 18: POSTGRES_18.suite}
"""PostgreSQL 15, the oldest that works, is Debian 12's; the others as the cluster's images have them."""


def postgresql_programs(major: Major) -> Path:
    """The folder of the server's programs, as Debian builds them."""
    own = Path(f"/usr/lib/postgresql/{major}/bin")
    if (own / "postgres").exists():
        return own
    try:
        return debian_programs(f"postgresql-{major}", _SUITES[major], own)
    except (ClusterError, OSError) as error:
        pytest.fail(
            f"Debian's PostgreSQL {major} is needed, and it could not be fetched ({error}): install "
            f"postgresql-{major}, or run this as root on Debian or Ubuntu."
        )


def debian_programs(package: str, suite: str, folder: Path) -> Path:
    """Where a package's folder of programs is unpacked. Raises ClusterError or OSError where it cannot be had."""
    return _within(debian_root(package, suite, lambda unpacked, root: _wrap(unpacked, folder, root)), folder)


def debian_root(package: str, suite: str, finish: Callable[[Path, Path], None]) -> Path:
    """Where a package is unpacked with all it needs; ``finish(unpacked, root)`` makes it fit to run from ``root``.

    Raises ClusterError or OSError where it cannot be had.
    """
    root = data_root() / f"{suite}-{package}"  # where the servers' user can reach it, unlike the clusters' cache
    if not root.exists():
        with one_at_a_time():  # other tests of this run may want it now, too
            if not root.exists():
                _fetch(package, suite, finish, root)
    return root


def _fetch(package: str, suite: str, finish: Callable[[Path, Path], None], root: Path) -> None:
    """Half a minute, once."""
    if shutil.which("mmdebstrap") is None:
        if os.geteuid() != 0:
            raise ClusterError("mmdebstrap is missing, and only root can install it")
        install_packages(("mmdebstrap", "debian-archive-keyring"))
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent) as work, step(f"fetching {package} from Debian's {suite}"):
        unpacked = Path(work) / "root"
        run(
            "mmdebstrap", "--quiet", "--variant=extract", f"--include={package}",
            '--aptopt=Acquire::Check-Valid-Until "false"',
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT), suite, unpacked,
        )  # fmt: skip
        finish(unpacked, root)
        unpacked.chmod(0o755)
        unpacked.rename(root)


def _wrap(unpacked: Path, folder: Path, root: Path) -> None:
    """Put a script before each program that starts it with the loader; ``root`` is where all will lie.

    A script, as programs start each other: initdb runs the postgres beside it, and finds it by its own name.
    """
    programs = _within(unpacked, folder)
    libraries = [Path(top) / f"{platform.machine()}-linux-gnu" for top in ("lib", "usr/lib")]
    loader = next((found for one in libraries for found in sorted((unpacked / one).glob("ld-linux-*"))), None)
    if loader is None:
        raise ClusterError(f"there is no loader among the libraries of {platform.machine()}")
    search = ":".join(str(root / one) for one in libraries)
    command = f"{root / loader.relative_to(unpacked)} --library-path {search} --argv0"
    originals = programs.rename(programs.with_name(_ORIGINALS))
    programs.mkdir()
    for original in sorted(originals.iterdir()):
        script = programs / original.name
        script.write_text(
            f'#!/bin/sh\nexec {command} "$0" {_within(root, folder).with_name(_ORIGINALS)}/{script.name} "$@"\n'
        )
        script.chmod(0o755)


def _within(root: Path, folder: Path) -> Path:
    return root / folder.relative_to("/")
