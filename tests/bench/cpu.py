"""CPU time of processes, as the kernel's scheduler counts it: in nanoseconds, where /proc/PID/stat counts in ticks."""

from contextlib import suppress
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """What all living threads of a process have run."""
    return sum(_ran(task) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def children_cpu_seconds(pid: int) -> float:
    """What the living children of a process have run: a PostgreSQL server's backends, given its postmaster."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    seconds = 0.0
    for child in children:
        with suppress(FileNotFoundError):  # it has ended
            seconds += cpu_seconds(int(child))
    return seconds


def _ran(task: Path) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        return int((task / "schedstat").read_text().split()[0])
    return 0
