"""Chromium, headless: this machine's own, or Debian's, which runs from where it is unpacked."""

import shutil
from pathlib import Path

import pytest

from tests.cluster.console import ClusterError
from tests.servers.debian import debian_root

_OWN = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PACKAGE, _SUITE = "chromium-headless-shell", "bookworm"
_PROGRAM = "/usr/lib/chromium/chromium-headless-shell"
_SHARED = ("dev", "proc", "sys", "tmp")
# Chromium starts itself again by the name of its own program, which a loader before it would hide: so its libraries are
# found by a change of root, in a mount namespace that ends with it.
_SCRIPT = """\
#!/bin/sh
exec unshare --mount sh -ec '
  for each in {shared}; do mount --rbind "/$each" "$0/$each"; done
  exec chroot "$0" {program} "$@"
' {root} "$@"
"""


def chromium() -> Path:
    """The program. To fetch and unpack it takes a minute, once."""
    if own := next(filter(None, map(shutil.which, _OWN)), None):
        return Path(own)
    try:
        return debian_root(_PACKAGE, _SUITE, _finish) / "browser"
    except (ClusterError, OSError) as error:
        pytest.fail(
            f"This test needs Chromium, and it could not be fetched from Debian ({error}): install chromium, or run "
            "the tests as root on Debian or Ubuntu."
        )


def _finish(unpacked: Path, root: Path) -> None:
    script = unpacked / "browser"
    script.write_text(_SCRIPT.format(program=_PROGRAM, root=root, shared=" ".join(_SHARED)))
    script.chmod(0o755)
    for name in _SHARED:
        (unpacked / name).mkdir(exist_ok=True)
