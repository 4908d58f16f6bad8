"""Stand-ins for the official base images, for a machine that can reach Debian but no image registry.

They carry the official names, so that the Dockerfile and the chart stay as they are for everyone else.
"""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.console import step
from tests.cluster.local.images import Images
from tests.cluster.local.layout import HERE, Layout

_FOLDER = HERE / "standins"
# Debian's PostgreSQL brings LLVM (200 MB) for a JIT compiler that small databases never use.
_LEFT_OUT = (
    "/usr/share/doc/*",
    "/usr/share/man/*",
    "/usr/share/locale/*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/llvm-*",
    "/usr/lib/postgresql/*/lib/llvmjit*",
    "/usr/lib/postgresql/*/lib/bitcode*",
)


_LABEL = "plinth.dev/stand-in"


@dataclass(frozen=True)
class StandIn:
    """``suite`` is the Debian release that has the packages; ``dockerfile`` turns their files into the image."""

    image: str
    dockerfile: str
    suite: str
    packages: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def packages_digest(self) -> str:
        return hashlib.sha256(repr((self.suite, self.packages, _LEFT_OUT)).encode()).hexdigest()[:12]

    def digest(self) -> str:
        """Changes with anything the image is made of."""
        whole = hashlib.sha256(repr(self).encode() + self.packages_digest().encode())
        for path in sorted(_FOLDER.iterdir()):
            whole.update(path.read_bytes())
        return whole.hexdigest()[:12]


PYTHON = StandIn(
    "python:3.13-slim",
    "Dockerfile.python",
    "trixie",
    ("ca-certificates", "netbase", "tzdata", "python3.13", "python3.13-venv", "python3-pip"),
)
POSTGRES_17 = StandIn(
    "postgres:17",
    "Dockerfile.postgres",
    "trixie",
    ("postgresql-17", "libnss-wrapper"),
    ("MAJOR=17", "PGDATA=/var/lib/postgresql/data"),
)
POSTGRES_18 = StandIn(
    "postgres:18",
    "Dockerfile.postgres",
    "sid",
    ("postgresql-18", "libnss-wrapper"),
    ("MAJOR=18", "PGDATA=/var/lib/postgresql/18/docker"),
)
STAND_INS = (PYTHON, POSTGRES_17, POSTGRES_18)


def make_stand_ins(layout: Layout, images: Images) -> None:
    for stand_in in STAND_INS:
        made = images.label(stand_in.image, _LABEL) != stand_in.digest()
        if made:
            _make(stand_in, layout, images)
        # The node runs servers; Python is only built upon.
        if stand_in is not PYTHON and (made or not images.has(stand_in.image)):
            images.load(stand_in.image)


def _make(stand_in: StandIn, layout: Layout, images: Images) -> None:
    archive = _file_system(stand_in, layout.cache / "images")
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        context = Path(folder)
        (context / "root.tar").hardlink_to(archive)
        for path in _FOLDER.iterdir():
            shutil.copy(path, context)
        arguments = [f"--build-arg={argument}" for argument in stand_in.arguments]
        label = f"--label={_LABEL}={stand_in.digest()}"
        images.build(stand_in.image, context, f"--file={context / stand_in.dockerfile}", label, *arguments)


def _file_system(stand_in: StandIn, folder: Path) -> Path:
    """A tar archive of an installed Debian, kept because it takes a minute."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{stand_in.image.replace(':', '-')}-{stand_in.packages_digest()}.tar"
    if archive.exists():
        return archive
    unfinished = archive.with_suffix(".part.tar")
    with step(f"installing {stand_in.image} from Debian's packages"):
        run(
            "mmdebstrap", "--quiet", "--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"',
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
            f"--include={','.join(stand_in.packages)}", stand_in.suite, unfinished,
        )  # fmt: skip
    return unfinished.rename(archive)
