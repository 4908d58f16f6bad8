"""A slice with a field of each kind, with and without null, for the tests."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from app.scaffold.files import Slice, render
from app.scaffold.plan import plan

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WITHOUT_ARGUMENTS = ("text", "int", "bool", "decimal", "date", "datetime", "uuid", "json")
EVERYTHING = (
    *(f"a_{kind}:{kind}" for kind in WITHOUT_ARGUMENTS),
    *(f"maybe_{kind}:{kind}?" for kind in WITHOUT_ARGUMENTS),
    "notes:text=2000",
    "share:decimal=3,3",
    "state:enum=draft,sent",
    "mood:enum=good,bad?",
    "project:ref=projects",
    "parent:ref=specimen_parts?",
)


@cache
def everything() -> Slice:
    return plan("specimen_parts", EVERYTHING, None, NOW)


@cache
def rendered() -> dict[Path, str]:
    return render(everything())
