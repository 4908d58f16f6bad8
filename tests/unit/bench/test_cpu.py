import os
import subprocess
import sys
import time

from tests.bench.cpu import children_cpu_seconds, cpu_seconds


def test_cpu_is_what_was_worked_and_not_what_was_waited():
    """Work counts in full, sleep does not."""
    before = cpu_seconds(os.getpid()), time.process_time()
    time.sleep(0.1)
    while time.process_time() - before[1] < 0.05:
        """Work."""
    assert 0.045 < cpu_seconds(os.getpid()) - before[0] < 0.09


def test_threads_count_together():
    """A server's work may be done in any of its threads."""
    code = (
        "import threading, time\nt = threading.Thread(target=lambda: sum(range(10**6)) or time.sleep(9))\nt.start()\n"
    )
    code += "time.sleep(0.5); print(flush=True); t.join()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        whole = cpu_seconds(process.pid)
        assert whole > 0
        assert children_cpu_seconds(os.getpid()) >= whole
        process.kill()
