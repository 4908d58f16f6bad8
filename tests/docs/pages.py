"""The pages: every Markdown file of the repository, read as GitHub reads it."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_SHELLS = {"sh", "bash", "shell", "console"}
_NOT_IN_A_SLUG = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Page:
    """One page, by its path from the root of a repository."""

    name: str
    root: Path = ROOT

    @cached_property
    def text(self) -> str:
        return (self.root / self.name).read_text()

    @cached_property
    def _tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.text)

    @property
    def anchors(self) -> set[str]:
        """What a `#` can lead to: the headings, as GitHub writes them; the second of two has a number."""
        found: list[str] = []
        for before, token in zip(self._tokens, self._tokens[1:], strict=False):
            if before.type == "heading_open":
                title = "".join(child.content for child in token.children or ())
                found.append(_NOT_IN_A_SLUG.sub("", title.lower()).replace(" ", "-"))
        return {slug if not (n := found[:i].count(slug)) else f"{slug}-{n}" for i, slug in enumerate(found)}

    @property
    def links(self) -> Iterator[str]:
        """Where its links and pictures lead; `[text][nowhere]`, which stays text, leads to `[nowhere]`."""
        for token in (child for block in self._tokens for child in block.children or ()):
            for key in {"link_open": ("href",), "image": ("src",)}.get(token.type, ()):
                yield str(token.attrs[key])
            if token.type == "text":
                yield from re.findall(r"\](\[[^\]]+\])", token.content)

    @property
    def scripts(self) -> Iterator[str]:
        """Its blocks of shell."""
        for token in self._tokens:
            if token.type == "fence" and token.info.strip() in _SHELLS:
                yield token.content


def files(root: Path = ROOT) -> list[str]:
    """What git has, and what it would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in listed.stdout.split("\0") if name and (root / name).is_file())


def pages(root: Path = ROOT) -> list[Page]:
    return [Page(name, root) for name in files(root) if name.endswith(".md")]
