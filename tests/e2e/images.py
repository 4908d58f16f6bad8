"""Images of the tests' own, each made upon this release's."""

from pathlib import Path

from tests.cluster.client import Cluster


def derived(cluster: Cluster, folder: str) -> str:
    """The image a folder beside this file describes, built and loaded."""
    name = f"{cluster.image}-{folder}"
    cluster.image_build(name, Path(__file__).parent / folder, [f"--build-arg=RELEASE={cluster.image}"])
    return name
