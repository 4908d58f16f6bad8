"""Images of the tests' own, each made upon this release's."""

import shutil
import tempfile
from pathlib import Path

from tests.cluster.client import Cluster
from tests.cluster.lock import one_at_a_time
from tests.released import Released

HERE = Path(__file__).parent


def derived(cluster: Cluster, folder: str, base: str | None = None) -> str:
    """The image a folder beside this file describes, built upon this release's or another, and loaded."""
    return _build(cluster, folder, HERE / folder, base or cluster.image)


def of_release(cluster: Cluster, released: Released) -> str:
    """The image of an earlier release: the code of its commit, upon the libraries of this one."""
    with tempfile.TemporaryDirectory(prefix="plinth-") as folder:
        context = released.unpack(Path(folder), "app", "migrations", "alembic.ini", "charts/plinth/crds")
        shutil.copy(HERE / "earlier" / "Dockerfile", context)
        return _build(cluster, released.version, context, cluster.image)


def _build(cluster: Cluster, name: str, context: Path, base: str) -> str:
    image = f"{cluster.image}-{name}"
    with one_at_a_time():  # other tests of this run may want it now, too
        cluster.image_build(image, context, [f"--build-arg=RELEASE={base}"])
    return image
