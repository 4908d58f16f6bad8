"""The revision scripts of a lineage, read from their folder."""

from collections.abc import Set

from alembic.config import Config
from alembic.script import ScriptDirectory

from app.db.revision import ROOT, SECTIONS, KnownRevisions, Lineage


def alembic_config(lineage: Lineage) -> Config:
    return Config(ROOT / "alembic.ini", ini_section=SECTIONS[lineage])


class Scripts:
    """One lineage's scripts."""

    def __init__(self, lineage: Lineage) -> None:
        self._directory = ScriptDirectory.from_config(alembic_config(lineage))

    @property
    def known(self) -> KnownRevisions:
        revisions = frozenset(script.revision for script in self._directory.walk_revisions())
        return KnownRevisions(frozenset(self._directory.get_heads()), revisions)

    def pending(self, recorded: Set[str]) -> tuple[str, ...]:
        """The revisions between what is recorded and the heads, in the order they are applied."""
        upwards = self._directory.revision_map.iterate_revisions("heads", tuple(recorded) or "base")
        return tuple(reversed([script.revision for script in upwards]))

    def minimum_server_versions(self) -> dict[str, int]:
        """The major version each gated revision needs, as its module states it."""
        return {
            script.revision: int(script.module.minimum_server_version) for script in self._directory.walk_revisions()
        }
