import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.console import ClusterError
from tests.cluster.local.daemons import Daemon, Supervisor
from tests.cluster.waiting import wait_for

SLEEP = shutil.which("sleep") or "sleep"
DAEMON = Daemon("sleeper", (SLEEP, "60"))


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    yield supervisor
    supervisor.stop(DAEMON.name)


def started(supervisor: Supervisor, daemon: Daemon) -> int:
    supervisor.start(daemon)
    return wait_for("the process", lambda: supervisor.pid(daemon.name), timeout=5, interval=0.01) or 0


def test_starting_twice_starts_once(supervisor: Supervisor) -> None:
    """A daemon that runs is left alone."""
    assert started(supervisor, DAEMON) == started(supervisor, DAEMON)


def test_a_changed_command_line_restarts(supervisor: Supervisor) -> None:
    """A daemon whose command line is no longer the wanted one is started anew."""
    assert started(supervisor, DAEMON) != started(supervisor, replace(DAEMON, argv=(SLEEP, "61")))


def test_a_changed_configuration_restarts(supervisor: Supervisor, tmp_path: Path) -> None:
    """A daemon whose configuration file changed is started anew."""
    config = tmp_path / "config"
    config.write_text("one")
    first = started(supervisor, replace(DAEMON, config=config))
    config.write_text("two")
    assert started(supervisor, replace(DAEMON, config=config)) != first


def test_a_stopped_daemon_is_gone(supervisor: Supervisor) -> None:
    """After stop there is neither process nor record."""
    pid = started(supervisor, DAEMON)
    supervisor.stop(DAEMON.name)
    assert supervisor.pid(DAEMON.name) is None
    assert b"sleep" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_process_id_of_somebody_else_is_not_believed(supervisor: Supervisor, tmp_path: Path) -> None:
    """After a reboot the recorded id may be any process: it neither counts as running nor is it killed."""
    record = {"pid": os.getpid(), "argv": DAEMON.argv, "fingerprint": DAEMON.fingerprint()}
    (tmp_path / "sleeper.json").write_text(json.dumps(record))
    assert supervisor.pid(DAEMON.name) is None
    supervisor.stop(DAEMON.name)


def test_an_ended_daemon_is_reported_with_its_last_words(supervisor: Supervisor) -> None:
    """Whoever waits for a daemon that has ended is told so, with the end of its log."""
    supervisor.start(Daemon(DAEMON.name, (SLEEP, "nonsense")))
    wait_for("its end", lambda: supervisor.pid(DAEMON.name) is None, timeout=5, interval=0.01)
    with pytest.raises(ClusterError, match=r"sleeper has ended[^$]*invalid time interval"):
        supervisor.require(DAEMON.name)
