"""A mounted secret as the kubelet makes it: a folder whose files are links through ``..data``, swapped in one step."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path

_numbers = itertools.count(1)


@dataclass
class MountedSecret:
    """``PLINTH_SECRETS_DIR`` of a process; `write` is what the kubelet does when the secret has changed."""

    folder: Path
    _names: set[str] = field(default_factory=set)

    def write(self, **parts: str) -> None:
        """All files anew, by the names of the settings behind ``database_``."""
        files = {f"PLINTH_DATABASE_{part.upper()}": text for part, text in parts.items()}
        version = self.folder / f"..version_{next(_numbers)}"
        version.mkdir(parents=True)
        for name, text in files.items():
            (version / name).write_text(text)
        link, swap = self.folder / "..data", self.folder / "..data_tmp"
        before = link.resolve() if link.exists() else None
        swap.symlink_to(version.name)
        swap.rename(link)
        for name in self._names - files.keys():
            (self.folder / name).unlink()
        for name in files.keys() - self._names:
            (self.folder / name).symlink_to(f"..data/{name}")
        self._names = set(files)
        if before is not None:
            for path in before.iterdir():
                path.unlink()
            before.rmdir()
