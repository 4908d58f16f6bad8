"""PostgreSQL 15, the oldest that works: Debian 12's own package, installed where it is missing."""

import os
from pathlib import Path

import pytest

from app.db.packaged import Major
from tests.cluster.console import ClusterError
from tests.cluster.local.packages import install_packages
from tests.cluster.lock import one_at_a_time

# Without this the package would start a server of its own.
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/plinth-tests.conf")


def debian_programs(major: Major) -> Path:
    """The folder of the server's programs; where they cannot be had, the test fails in a sentence."""
    programs = Path(f"/usr/lib/postgresql/{major}/bin")
    if not (programs / "postgres").exists():
        _install(f"postgresql-{major}")
    if not (programs / "postgres").exists():
        pytest.fail(f"This test needs {programs}/postgres: install the package postgresql-{major}.")
    return programs


def _install(package: str) -> None:
    if os.geteuid() != 0:
        return
    _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    _NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        with one_at_a_time():  # other tests of this run may be installing it
            install_packages((package,))
    except ClusterError as error:
        pytest.fail(f"This test needs the package {package}, and it cannot be installed: {error}")
