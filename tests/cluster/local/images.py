"""Images: built and kept by buildah, copied into the node's containerd."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.commands import run
from tests.cluster.console import step
from tests.cluster.local.layout import PAUSE_IMAGE, Layout

# This machine's certificates: a build that installs packages may sit behind a proxy the base image does not know.
_CERTIFICATES = ("/etc/ssl/certs", "/usr/share/ca-certificates")
_MOUNTS = tuple(f"--volume={folder}:{folder}:ro" for folder in _CERTIFICATES if Path(folder).is_dir())


def full_name(image: str) -> str:
    """The name as the kubelet reads it: `plinth:1` is `docker.io/library/plinth:1`."""
    first, slash, _ = image.partition("/")
    if not slash:
        return f"docker.io/library/{image}"
    return image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"


class Images:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def _buildah(self, *arguments: str | Path) -> str:
        return run("buildah", *arguments, env=self._environment())

    def _environment(self) -> Mapping[str, str]:
        # chroot isolation needs no privileges beyond root's usual ones, so it works inside a container too.
        return {"CONTAINERS_STORAGE_CONF": str(self.layout.render("storage.conf")), "BUILDAH_ISOLATION": "chroot"}

    def ctr(self, *arguments: str | Path) -> str:
        return run("ctr", "--address", self.layout.socket, "--namespace", "k8s.io", *arguments)

    def label(self, image: str, name: str) -> str:
        """A label of a built image; empty where there is no such image."""
        template = f"--format={{{{index .OCIv1.Config.Labels {json.dumps(name)}}}}}"
        arguments = ("inspect", "--type=image", template, full_name(image))
        return run("buildah", *arguments, check=False, env=self._environment()).strip()

    def has(self, image: str) -> bool:
        """Whether the node has it."""
        return full_name(image) in self.ctr("images", "ls", "--quiet").split()

    def build(self, image: str, folder: Path, *options: str | Path) -> None:
        with step(f"building {image}"):
            self._buildah("bud", "--quiet", "--layers", *_MOUNTS, "--tag", full_name(image), *options, folder)

    def load(self, image: str) -> None:
        name = full_name(image)
        with step(f"loading {image} into the node"), tempfile.TemporaryDirectory(dir=self.layout.state) as folder:
            archive = Path(folder) / "image.tar"
            self._buildah("push", "--quiet", name, f"docker-archive:{archive}:{name}")
            self.ctr("images", "import", archive)

    def make_pause(self) -> None:
        """The one image every pod needs: it holds the pod's namespaces open."""
        if self.has(PAUSE_IMAGE):
            return
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(self.layout.bin / "pause", folder)
            Path(folder, "Dockerfile").write_text('FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n')
            self.build(PAUSE_IMAGE, Path(folder))
        self.load(PAUSE_IMAGE)

    def prune(self, repository: str, keep: int) -> None:
        """Remove all but the newest tags of a repository, here and on the node, unless a pod uses them."""
        listed = self._buildah("images", "--format={{.CreatedAtRaw}}|{{.Name}}:{{.Tag}}", "--filter=dangling=false")
        newest_first = [line.partition("|")[2] for line in sorted(listed.splitlines(), reverse=True)]
        ours = [name for name in newest_first if name.startswith(full_name(repository) + ":")]
        in_use = set(self.ctr("containers", "ls").split())
        old = [name for name in ours[keep:] if name not in in_use]
        for name in old:
            self._buildah("rmi", name)
            if self.has(name):
                self.ctr("images", "rm", name)

    def prune_layers(self) -> None:
        """Remove what no image is made of any more; the next build starts from the beginning."""
        self._buildah("rmi", "--prune", "--force")
