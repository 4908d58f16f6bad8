"""What a release is moved to: a chart, an image, and the core revision the schema has then."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.db.revision import known_revisions
from tests.cluster.client import Cluster
from tests.e2e import images
from tests.e2e.releases import CHART
from tests.released import RELEASES


@dataclass(frozen=True)
class Version:
    image: str
    revision: str
    chart: Path = CHART


class Versions:
    """Built when first asked for, once for all runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @cached_property
    def this(self) -> Version:
        (head,) = known_revisions("core").heads
        return Version(self._cluster.image, head)

    @cached_property
    def next(self) -> Version:
        return self._derived("next", self.this.image)

    @cached_property
    def failing(self) -> Version:
        """Its revision fails, so the schema stays at this tree's."""
        return Version(self._derived("failing", self.this.image).image, self.this.revision)

    @cached_property
    def held(self) -> Version:
        """Upon the next one; its revision lasts until it is let go."""
        return self._derived("held", self.next.image)

    @cached_property
    def earlier(self) -> Version:
        """The last published release, by its package."""
        released = RELEASES[-1]
        return Version(images.of_release(self._cluster, released), "", released.package)

    def _derived(self, folder: str, base: str) -> Version:
        return Version(images.derived(self._cluster, folder, base), revision_in(images.HERE / folder))


def revision_in(folder: Path) -> str:
    """The id of the one revision a folder adds."""
    (script,) = folder.glob("[0-9]*.py")
    found = re.search(r'^revision = "(\w+)"', script.read_text(), re.MULTILINE)
    assert found, script
    return found[1]
