"""A real `pg_upgrade` of a packaged server, from 17 to 18."""

import subprocess
from pathlib import Path

from app.db.packaged import PackagedServer, as_unprivileged, bin_dir


def pg_upgrade(old: PackagedServer, new: PackagedServer) -> None:
    """Bring the stopped server's data into the new, empty one; neither runs before or after."""
    work = new.data.parent / f"{new.data.name}-upgrade"
    work.mkdir()
    work.chmod(0o777)  # pg_upgrade runs as another user, and writes its scripts where it stands
    command: list[str | Path] = [
        *(bin_dir(new.major) / "pg_upgrade", "--link", "--username=postgres"),
        *("-b", bin_dir(old.major), "-B", bin_dir(new.major), "-d", old.data, "-D", new.data),
        f"--socketdir={work}",
    ]
    environment = {"PGPASSWORD": old.password, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, **as_unprivileged() | {"cwd": work}
    )
    if done.returncode:
        logs = "".join(path.read_text() for path in new.data.rglob("pg_upgrade_output.d/**/*.log"))
        raise AssertionError(f"pg_upgrade failed: {done.stdout}\n{logs[-3000:]}")
