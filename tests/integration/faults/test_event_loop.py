"""A process whose event loop is stuck, as the kubelet sees it."""

import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest

from tests.processes import started

pytestmark = pytest.mark.alone

FACTORY = (sys.executable, "-m", "uvicorn", "--factory", f"{__package__}.asking:serve", "--loop", "uvloop")
NOWHERE = "postgresql://nobody:none@127.0.0.1:1/none?sslmode=disable"


def test_a_stuck_event_loop_answers_no_probe_and_a_short_one_is_forgiven(tmp_path: Path) -> None:
    """The kubelet's second is over without an answer while it lasts; after 2 s of it liveness is as it was."""
    with started(tmp_path, NOWHERE, *FACTORY, readiness_mode="process") as process:
        process.wait_for("/livez", 200)
        blocking = threading.Thread(target=httpx2.get, args=(f"{process.url}/block?seconds=2",), kwargs={"timeout": 9})
        blocking.start()
        deadline = time.monotonic() + 10
        while "the event loop is blocked" not in process.logged:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.get(f"{process.url}/livez", timeout=1)
        blocking.join()
        assert process.status("/livez") == 200
        assert process.popen.poll() is None
