"""`plinth` as a user nobody has heard of, without a home, on a file system it cannot write to: as in a pod."""

import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
UID = 54321

# Mounts are of this process alone. The interpreter and the sources are reached by new ways: the old ones may lead
# through folders that only their owner may enter.
_SCRIPT = """
set -e
mount --rbind / {root}
mount --bind {base} {root}{base_at}
mount --bind {site} {root}{site_at}
mount --bind {source} {root}{source_at}
mount -o remount,bind,ro {root}
exec chroot --userspec={uid}:{uid} --groups= {root} "$@"
"""


@dataclass(frozen=True)
class Stranger:
    """Its home exists and is another's: not even the names of files in it can be had."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @contextmanager
    def plinth(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run a command; it is killed at the end where it still runs."""
        given = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **environment}
        command, more = self._privileged() if os.geteuid() == 0 else ([sys.executable], {})
        process = subprocess.Popen(
            [*command, "-m", "app.cli", *arguments],
            env=given | more, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def prepare(self) -> "Stranger":
        for name in ("root", "base", "site", "source", "home"):
            (self.folder / name).mkdir()
        self.home.chmod(0o700 if os.geteuid() == 0 else 0)
        return self

    def _privileged(self) -> tuple[list[str], Mapping[str, str]]:
        at = {name: self.folder / name for name in ("base", "site", "source")}
        script = _SCRIPT.format(
            root=self.folder / "root", uid=UID, base=shlex.quote(sys.base_prefix), site=sysconfig.get_path("purelib"),
            source=ROOT, **{f"{name}_at": path for name, path in at.items()},
        )  # fmt: skip
        python = at["base"] / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        environment = {"PYTHONPATH": f"{at['source']}:{at['site']}", "LD_LIBRARY_PATH": str(at["base"] / "lib")}
        return ["unshare", "--mount", "sh", "-c", script, "sh", str(python)], environment
