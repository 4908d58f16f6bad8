"""A server of a measurement's own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.db.packaged import Major, PackagedServer, data_root


@contextmanager
def running(major: Major, programs: Path | None = None, /, **options: str) -> Iterator[PackagedServer]:
    """Started with these parameters and nobody's data; ended, and its folder removed, at the end.

    ``programs``: the folder of another build's, where they are not the package's.
    """
    root = data_root()
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="figures-", dir=root) as folder:
        Path(folder).chmod(0o755)
        server = PackagedServer(major, Path(folder) / "data", options, programs=programs).start()
        try:
            yield server
        finally:
            server.stop()
