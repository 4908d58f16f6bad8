"""What makes `plinth dev` start the API anew."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.reloading import Reloader
from app.settings import Settings


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "app" / "main.py"
    file.parent.mkdir()
    file.touch()
    return file


@pytest.fixture
def reloader(source: Path) -> Iterator[Reloader]:
    with socket.socket() as listening:
        made = Reloader(Settings(database_url="postgresql://db/plinth"), listening, source.parents[1])
        made.config.reload_delay = 0
        yield made


def test_a_change_is_seen_once(reloader: Reloader, source: Path):
    """Nothing has changed at first, and a change is none any more at the next look."""
    assert reloader.should_restart() is None
    os.utime(source, ns=(0, 0))  # also into the past, as git does
    assert reloader.should_restart() == [source]
    assert reloader.should_restart() is None


def test_what_changes_while_the_api_starts_is_not_lost(reloader: Reloader, source: Path):
    """A restart forgets nothing: the next look sees it."""
    os.utime(source, ns=(0, 0))
    assert reloader.should_restart() == [source]
    os.utime(source, ns=(1, 1))
    assert reloader.should_restart() == [source]


def test_files_come_and_go(reloader: Reloader, source: Path):
    """A new slice is seen, and so is one that was deleted; other files are not."""
    slices = source.with_name("slices")
    slices.mkdir()
    (slices / "notes.md").touch()
    assert reloader.should_restart() is None
    (slices / "routes.py").touch()
    assert reloader.should_restart() == [slices / "routes.py"]
    source.unlink()
    assert reloader.should_restart() == [source]


def test_a_signal_ends_it(reloader: Reloader):
    """Instead of another look."""
    reloader.should_exit.set()
    with pytest.raises(StopIteration):
        reloader.should_restart()
