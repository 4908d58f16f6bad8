"""Where and with what something was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from app.db.packaged import bin_dir

_PACKAGES = (
    "fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg", "orjson",
)  # fmt: skip


def today() -> str:
    """The day, by UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def circumstances() -> dict[str, Any]:
    """The machine's shape and the versions; nothing that names a machine."""
    return {
        "machine": {"cores": os.cpu_count(), "cpu": _cpu(), "memoryGiB": _memory(), "system": platform.system()},
        "versions": {
            "python": platform.python_version(),
            "postgresql": _postgresql(),
            **{name: version(name) for name in _PACKAGES},
        },
    }


@cache
def _postgresql() -> str:
    told = subprocess.run([bin_dir(18) / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    return told.split()[2]


def _cpu() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].partition(": ")[2].strip() if models else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
