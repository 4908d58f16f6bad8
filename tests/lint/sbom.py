"""The image's bill of materials: `python -m tests.lint.sbom FILE [LOCK]`, of the lock the image is installed from."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from tests.cluster.commands import run
from tests.lint import programs

PYPROJECT = programs.REQUIREMENTS.parent / "pyproject.toml"
# The image's Python, which markers ask about: the Dockerfile's base.
IMAGE = {
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "os_name": "posix",
    "sys_platform": "linux",
}


def main() -> None:
    file, lock = Path(sys.argv[1]), (sys.argv[2:] or ["app"])[0]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(of_lock(lock), indent=2) + "\n")


def of_lock(lock: str) -> dict[str, Any]:
    """CycloneDX 1.6, the same bytes for the same lock; the tool validates it. Without the base image's own packages."""
    command = (programs.python("sbom", "cyclonedx-py"), "requirements", "--pyproject", PYPROJECT)
    options = ("--sv", "1.6", "--of", "JSON", "--output-reproducible", "--validate", "-")
    installed = "".join(f"{line}{hashes}\n" for line, hashes in locked(lock))
    bill: dict[str, Any] = json.loads(run(*command, *options, input=installed))
    for component in bill["components"]:
        # The line of the lock, with every hash once more.
        del component["description"]
    return bill


def locked(lock: str) -> list[tuple[str, str]]:
    """`name==version` and the options with its hashes, of every package that the lock puts into the image."""
    text = (programs.REQUIREMENTS / f"{lock}.txt").read_text()
    entries = re.findall(r"^([^\s#].*?)((?: \\\n    --hash=\S+)+)$", text, re.MULTILINE)
    requirements = [(Requirement(line), hashes) for line, hashes in entries]
    return [
        (f"{one.name}{one.specifier}", re.sub(r"\\\n *", "", hashes))
        for one, hashes in requirements
        if one.marker is None or one.marker.evaluate({**IMAGE, "extra": ""})
    ]


if __name__ == "__main__":
    main()
