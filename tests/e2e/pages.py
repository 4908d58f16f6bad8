"""What a page of the documentation says is typed and seen, its blocks of the language `console`; and typing it."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.cluster.commands import run
from tests.cluster.local.bare import ControlPlane
from tests.processes import PLINTH

ROOT = Path(__file__).parents[2]
_VARYING = {
    r"\b(1[78])\.\d+\b": r"\1.x",
    r"\bfrom \S+ namespace$": "from a namespace",
    r"-[0-9a-f]{8}-\d+\b": "-target-number",
    r"^(\d+[dhms])+\b|\b(\d+[dhms])+$": "age",
}
"""What is another at each time: minor versions, namespaces, names of Jobs, ages."""


class Typed(NamedTuple):
    heading: str
    command: str
    output: str

    @property
    def looks(self) -> bool:
        """Whether it only looks, so that it may be typed again until it shows what is waited for."""
        return self.command.startswith(("kubectl get gatedmigration", "kubectl events"))


def typed(page: str) -> Iterator[Typed]:
    """The commands of a page, from top to bottom."""
    for section in re.split(r"^## ", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE):
        for block in re.findall(r"^```console\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            for one in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                lines = one.splitlines()
                more = sum(line.startswith("> ") for line in lines)
                command = "\n".join([lines[0], *(line[2:] for line in lines[1 : more + 1])])
                yield Typed(section.partition("\n")[0], command, "\n".join(lines[more + 1 :]))


def normal(output: str) -> list[str]:
    """The same for outputs that say the same; Events of one second come in any order."""
    lines = [" ".join(line.split()) for line in output.strip().splitlines()]
    for varying, word in _VARYING.items():
        lines = [re.sub(varying, word, line) for line in lines]
    return sorted(lines)


def shell(plane: ControlPlane, folder: Path, namespace: str) -> Callable[[str], str]:
    """Types a command as a person does, with kubectl pointing at that namespace, and gives what is seen."""
    config = folder / "kubeconfig"
    config.write_bytes(plane.kubeconfig().read_bytes())
    env = {"KUBECONFIG": str(config), "PATH": f"{plane.layout.bin}:{Path(PLINTH[0]).parent}:{os.environ['PATH']}"}

    def typed(command: str) -> str:
        return run("bash", "-o", "pipefail", "-c", command, env=env, cwd=ROOT)

    typed(f"kubectl config set-context --current --namespace={namespace}")
    return typed
