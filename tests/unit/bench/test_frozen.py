import os
import subprocess
from pathlib import Path

from tests.bench.frozen import frozen, ratio


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_process_and_its_children_stand_still_and_go_on():
    """Stopped inside, and running again after it."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        child = int(shell.stdout.readline())
        with frozen(shell.pid):
            assert os.waitid(os.P_PID, shell.pid, os.WSTOPPED | os.WNOWAIT) is not None
            assert {state(shell.pid), state(child)} == {"T"}
        assert "T" not in {state(shell.pid), state(child)}
        os.kill(child, 9)
        shell.wait()


def test_rounds_are_compared_by_their_medians():
    """One slow moment of the machine decides nothing."""
    assert ratio({"p99": {"running": [1.0, 1.0, 9.0], "frozen": [1.2, 1.2, 1.2]}}) == 1.2
