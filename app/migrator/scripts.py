"""The revision scripts of a lineage, read from their folder."""

from collections.abc import Set
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from app.db.revision import ROOT, SECTIONS, KnownRevisions, Lineage
from app.errors import MigrationUsageError
from app.migrator.gated import GatedRevision


def alembic_config(lineage: Lineage) -> Config:
    return Config(ROOT / "alembic.ini", ini_section=SECTIONS[lineage])


class Scripts:
    """One lineage's scripts."""

    def __init__(self, lineage: Lineage) -> None:
        self._config = alembic_config(lineage)
        self._directory = ScriptDirectory.from_config(self._config)

    @property
    def known(self) -> KnownRevisions:
        revisions = frozenset(script.revision for script in self._directory.walk_revisions())
        return KnownRevisions(frozenset(self._directory.get_heads()), revisions)

    def pending(self, recorded: Set[str]) -> tuple[str, ...]:
        """The revisions between what is recorded and the heads, in the order they are applied."""
        if not recorded <= self.known.all:
            return ()
        # Alembic's own walk down from the heads leaves out a second head, once a first is recorded.
        steps = self._directory.revision_map.iterate_revisions
        done = {script.revision for script in steps(tuple(recorded), "base", inclusive=True)} if recorded else set()
        upwards = reversed([script.revision for script in steps("heads", "base")])
        return tuple(revision for revision in upwards if revision not in done)

    def upgrade(self, revision: str, attributes: dict[str, Any]) -> None:
        """As ``alembic upgrade`` does it, which would read every script anew for each revision."""
        self._config.attributes.update(attributes)
        with EnvironmentContext(
            self._config,
            self._directory,
            fn=lambda recorded, _: self._directory._upgrade_revs(revision, recorded),
            destination_rev=revision,
        ):
            self._directory.run_env()

    def module(self, revision: str) -> Any:
        """The revision's own file, loaded."""
        return self._directory.get_revision(revision).module

    def gated(self, name: str) -> GatedRevision:
        """A gated revision by its name."""
        if name not in (known := self.known.all):
            raise MigrationUsageError(
                f"There is no gated revision {name}; this image has: {', '.join(sorted(known)) or 'none'}."
            )
        return GatedRevision.of(self.module(name))
