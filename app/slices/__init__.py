"""The resources. Each package here with a ``routes`` module that has a ``router`` is served under ``/api/v1``.

A slice has ``models`` (tables), ``schemas`` (bodies), ``queries`` (SQL) and ``routes`` (HTTP). It imports
``app.db`` and what all slices share, never another slice; it never commits, opens an engine or reads the environment.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

EXAMPLES = frozenset({"app.slices.projects", "app.slices.tasks"})
"""What Plinth brings, to be read and to be tested with; the setting ``examples`` says whether they are served."""

if TYPE_CHECKING:  # the migrator loads models without FastAPI
    from fastapi import APIRouter


def names() -> list[str]:
    """The packages of all slices, in alphabetical order."""
    return sorted(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__) if module.ispkg)


def load_models() -> None:
    """Import every table, those of the slices and the one they share, so that the metadata is whole."""
    import_module("app.db.idempotency")
    for name in names():
        if find_spec(f"{name}.models"):
            import_module(f"{name}.models")


def routers(*, examples: bool) -> Iterator["APIRouter"]:
    """Those to serve: with the examples, or without."""
    load_models()
    for name in names():
        if name in EXAMPLES and not examples:
            continue
        if find_spec(f"{name}.routes"):
            yield import_module(f"{name}.routes").router
