"""What a run of the migrator shall do, decided from what it found. No I/O."""

from dataclasses import dataclass
from typing import Literal

from app.db import ids
from app.db.revision import KnownRevisions, SchemaState, core_state
from app.db.server import OLDEST_MAJOR, ServerFacts
from app.errors import CoreSchemaBehind, Diverged, Refused
from app.migrator.gated import GatedRevision
from app.migrator.situation import Situation


@dataclass(frozen=True)
class Plan:
    """What to do: nothing (ahead), or the pending revisions in their order, and then what else is due."""

    state: SchemaState
    pending: tuple[str, ...] = ()
    grant: bool = False
    """The app's role lacks rights."""
    mend: str | None = None
    """One SQL statement that corrects the id function, where it is not what it should be."""
    again: str | None = None
    """A recorded gated revision whose work is no longer there: it runs again."""

    @property
    def due(self) -> tuple[str, ...]:
        """What is due beside the revisions, for people."""
        return (
            *(("the app's role lacks its rights",) if self.grant else ()),
            *(("the id function needs mending",) if self.mend else ()),
            *((f"gated revision {self.again} is recorded, but its work is not there",) if self.again else ()),
        )

    @property
    def nothing(self) -> bool:
        return not self.pending and not self.due


def check_server(facts: ServerFacts) -> None:
    """Refuse servers that no migration shall run on."""
    if facts.major < OLDEST_MAJOR:
        raise Refused(
            f"This server is PostgreSQL {facts.version}, and {OLDEST_MAJOR} is the oldest that works; "
            "upgrade the server."
        )
    if facts.in_recovery:
        raise Refused(
            "This server is in recovery (a standby), where nothing can be changed; use the primary's address."
        )


def plan_core(
    situation: Situation, known: KnownRevisions, pending: tuple[str, ...], below18: Literal["v4", "v7"]
) -> Plan:
    """Move the core lineage to its head by what is ``pending``, give rights that lack, mend the id function."""
    facts = situation.facts
    state = core_state(facts, known)
    if state is SchemaState.DIVERGED:
        unknown = ", ".join(sorted(facts.core_revisions - known.all))
        raise Diverged(
            f"The database is at {unknown}, which this image does not know, and its log lacks this image's head "
            f"{', '.join(sorted(known.heads))}; check that this image belongs to this database."
        )
    if state is SchemaState.AHEAD:
        return Plan(state)
    mend = ids.mend(below18, uuidv7_recorded=ids.UUIDV7 in facts.gated_revisions)
    return Plan(
        state,
        pending=pending,
        grant=situation.role.app_role in {"ungranted", "missing"},
        mend=mend if needs_mending(facts, below18) else None,
    )


def plan_gated(situation: Situation, revision: GatedRevision, core: KnownRevisions) -> Plan:
    """Move one gated revision, or repeat its work where that is gone."""
    facts, name = situation.facts, revision.name
    if facts.major < revision.minimum_server_version:
        raise Refused(
            f"The gated revision {name} needs PostgreSQL {revision.minimum_server_version}, and this server is "
            f"{facts.version}; upgrade the server first."
        )
    recorded = name in facts.gated_revisions
    if recorded and situation.gated.verified:
        return Plan(SchemaState.CURRENT)
    if not recorded and core_state(facts, core) not in {SchemaState.CURRENT, SchemaState.AHEAD}:
        raise CoreSchemaBehind(f"The core schema is behind; run `plinth migrate` before the gated revision {name}.")
    if situation.gated.lacking is not None:
        raise Refused(f"The gated revision {name} cannot run: {situation.gated.lacking.otherwise}.")
    if recorded:
        return Plan(SchemaState.CURRENT, again=name)
    return Plan(SchemaState.BEHIND, pending=(name,))


def needs_mending(facts: ServerFacts, below18: Literal["v4", "v7"]) -> bool:
    """Whether the id function is not what it should be."""
    if facts.id_function is None:
        return False
    if facts.has_uuidv7:
        return ids.UUIDV7 in facts.gated_revisions and facts.id_function != "native"
    return facts.id_function != {"v4": "random", "v7": "emulated"}[below18]
