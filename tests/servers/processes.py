"""Running `plinth` as a process of its own, with settings as variables."""

import os
import subprocess
import sys

PLINTH = (sys.executable, "-m", "app.cli")


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with settings in it, and none from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLINTH_")}
    kept.pop("DATABASE_URL", None)
    return kept | {f"PLINTH_{name.upper()}": value for name, value in settings.items()}


def plinth(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*PLINTH, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )
