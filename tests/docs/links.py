"""Links within the repository: of pages, and to pages from sources. What is elsewhere is not asked."""

import os.path
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT, Page, files, pages

_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MENTION = re.compile(r"(?<![\w/.-])docs/[\w/-]+\.md(?:#[\w-]+)?")
_SOURCES = (
    ".py",
    ".yaml",
    ".yml",
    ".tpl",
    ".txt",
    ".json",
    ".mako",
    "Makefile",
    "Dockerfile",
    "Tiltfile",
    ".gitattributes",
)


def broken_links(root: Path = ROOT) -> list[str]:
    """Each that leads nowhere, as `file: link`, in order."""
    names = files(root)
    known = {*names, *(str(parent) for name in names for parent in Path(name).parents)}
    by_name = {page.name: page for page in pages(root)}
    every = [(page.name, page.name, link) for page in by_name.values() for link in page.links]
    every += [(name, "", link) for name in names if name.endswith(_SOURCES) for link in _mentions(root / name)]
    return [f"{name}: {link}" for name, base, link in every if not _leads(link, base, known, by_name)]


def _mentions(path: Path) -> Iterator[str]:
    """Pages that a source names, from the root."""
    yield from _MENTION.findall(path.read_text())


def _leads(link: str, base: str, known: set[str], by_name: dict[str, Page]) -> bool:
    if _ELSEWHERE.match(link):
        return True
    path, _, anchor = link.partition("#")
    name = os.path.normpath(Path(base).parent / path) if path else base
    if name not in known:
        return False
    return not anchor or (name in by_name and anchor in by_name[name].anchors)
