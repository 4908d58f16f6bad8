"""Where and with what something was measured."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg", "orjson",
)  # fmt: skip


def circumstances(server: str) -> dict[str, Any]:
    """The day, the machine's shape and the versions; nothing that names a machine."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": {"cores": os.cpu_count(), "cpu": _cpu(), "memoryGiB": _memory(), "system": platform.system()},
        "versions": {
            "python": platform.python_version(),
            "postgresql": server,
            **{name: version(name) for name in _PACKAGES},
        },
    }


def _cpu() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].partition(": ")[2].strip() if models else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
