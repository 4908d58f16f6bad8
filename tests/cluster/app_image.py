"""The app's image, named by what it is made of: an unchanged tree builds nothing."""

import hashlib
import os
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.providers import Provider

ROOT = Path(__file__).parents[2]
REPOSITORY = "plinth"
KEPT = 5  # images of earlier trees: enough for a test that upgrades and rolls back


def ensure(provider: Provider) -> str:
    """The name of an image of this tree that the cluster has; ``IMAGE`` names one that is pulled instead."""
    if given := os.environ.get("IMAGE"):
        return given
    image = f"{REPOSITORY}:{digest(ROOT)}"
    if not provider.has(image):
        provider.build(image, ROOT, _labels())
        provider.prune(REPOSITORY, KEPT)
    return image


def digest(root: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(context(root)):
        whole.update(f"{path.relative_to(root)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()[:12]


def context(root: Path) -> Iterator[Path]:
    """The files an image is built from: the Dockerfile, and what ``.dockerignore`` lets through."""
    ignore_file = root / ".dockerignore"
    lines = ignore_file.read_text().splitlines()
    ignored = {line.removeprefix("**/") for line in lines if line.startswith("**/")}
    yield ignore_file
    yield root / "Dockerfile"
    for line in lines:
        if line.startswith("!"):
            entry = root / line.removeprefix("!")
            files = entry.rglob("*") if entry.is_dir() else [entry]
            yield from (path for path in files if path.is_file() and ignored.isdisjoint(path.parts))


def _labels() -> list[str]:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    revision = run("git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*", check=False)
    values = {"VERSION": version, "REVISION": revision.strip() or "unknown", "CREATED": f"{datetime.now(UTC):%FT%TZ}"}
    return [f"--build-arg={name}={value}" for name, value in values.items()]
