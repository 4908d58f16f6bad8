"""How a database's schema stands to the revisions this code knows."""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from app.db.server import SchemaFacts

ROOT = Path(__file__).parents[2]
"""The folder that holds ``alembic.ini``, ``migrations`` and ``app``."""

Lineage = Literal["core", "gated"]
SECTIONS: dict[Lineage, str] = {"core": "alembic", "gated": "gated"}
"""The section of ``alembic.ini`` of each lineage."""


class SchemaState(StrEnum):
    """Behind: the code needs more. Ahead: a later release was here, and this one may serve. Diverged: neither."""

    BEHIND = "behind"
    CURRENT = "current"
    AHEAD = "ahead"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class KnownRevisions:
    """The revisions of one lineage that this code has."""

    heads: frozenset[str]
    all: frozenset[str]


def schema_state(recorded: Set[str], logged: Set[str], known: KnownRevisions) -> SchemaState:
    """How the recorded revisions stand to the known ones; the log tells ahead from diverged."""
    if recorded == known.heads:
        return SchemaState.CURRENT
    if recorded <= known.all:
        return SchemaState.BEHIND
    return SchemaState.AHEAD if known.heads <= logged else SchemaState.DIVERGED


def core_state(facts: SchemaFacts, known: KnownRevisions) -> SchemaState:
    return schema_state(facts.core_revisions, facts.core_log, known)


def known_revisions(lineage: Lineage = "core") -> KnownRevisions:
    """Read the revision scripts of a lineage."""
    # Imported here: only who asks for scripts pays for Alembic.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory.from_config(Config(ROOT / "alembic.ini", ini_section=SECTIONS[lineage]))
    return KnownRevisions(
        heads=frozenset(scripts.get_heads()), all=frozenset(script.revision for script in scripts.walk_revisions())
    )
