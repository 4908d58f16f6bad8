"""What ``plinth dev`` runs: the API in a process of its own, started anew when a source of it changes."""

import socket
from functools import partial
from pathlib import Path

import uvicorn
from uvicorn.supervisors.basereload import BaseReload

from app.server import serve
from app.settings import Settings

_SOURCES = Path(__file__).parents[1]
_FOLDERS = ("app", "migrations")


class Reloader(BaseReload):
    """The socket is this process's and stays open: a request meanwhile waits, and is not refused.

    uvicorn's own way of looking forgets what changed while the API started, and does not see new files.
    """

    def __init__(self, settings: Settings, listening: socket.socket, root: Path = _SOURCES) -> None:
        config = uvicorn.Config("app.main:create_app", log_config=None)
        super().__init__(config, partial(_serve, settings), [listening])
        self.reloader_name = "plinth dev"
        self._root = root
        self._seen = self._look()

    def should_restart(self) -> list[Path] | None:
        """Files that changed, came or went since the last look; raises StopIteration once a signal has come."""
        self.pause()
        before, self._seen = self._seen, self._look()
        return sorted({path for path, _ in before.items() ^ self._seen.items()}) or None

    def _look(self) -> dict[Path, int | None]:
        """When each source was changed, in nanoseconds."""
        return {path: _changed(path) for folder in _FOLDERS for path in (self._root / folder).rglob("*.py")}


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # an editor is putting another in its place
        return None


def _serve(settings: Settings, sockets: list[socket.socket]) -> None:
    raise SystemExit(serve(settings, sockets))
