"""What a run of the migrator shall do, decided from what the server says. No I/O."""

from dataclasses import dataclass
from typing import Literal

from app.db import ids
from app.db.revision import KnownRevisions, SchemaState, core_state
from app.db.server import OLDEST_MAJOR, ServerFacts
from app.errors import CoreSchemaBehind, Diverged, MigrationUsageError, Refused

UUIDV7 = "uuidv7"
"""The gated revision after which the id function must be native."""


@dataclass(frozen=True)
class Plan:
    """What to do: nothing, or an upgrade to a target; and the statement that mends the id function, if any is due."""

    state: SchemaState
    target: str
    mend: str | None = None
    """One SQL statement, or None where the id function is not this run's business."""

    def needs_mending(self, facts: ServerFacts, below18: Literal["v4", "v7"]) -> bool:
        return self.mend is not None and needs_mending(facts, below18)


def check_server(facts: ServerFacts, pooler: Literal["none", "transaction"]) -> None:
    """Refuse servers that no migration shall run on."""
    if pooler == "transaction":
        raise Refused(
            "Migrations need a direct connection: a transaction pooler would strand the migration lock. Give the "
            "migrator the server's own address (migrations.existingSecret in the chart)."
        )
    if facts.major < OLDEST_MAJOR:
        raise Refused(
            f"This server is PostgreSQL {facts.version}, and {OLDEST_MAJOR} is the oldest that works; "
            "upgrade the server."
        )
    if facts.in_recovery:
        raise Refused(
            "This server is in recovery (a standby), where nothing can be changed; use the primary's address."
        )


def plan_core(facts: ServerFacts, known: KnownRevisions, below18: Literal["v4", "v7"]) -> Plan:
    """Move the core lineage to its head, and mend the id function."""
    state = core_state(facts, known)
    if state is SchemaState.DIVERGED:
        unknown = ", ".join(sorted(facts.core_revisions - known.all))
        raise Diverged(
            f"The database is at {unknown}, which this image does not know, and its log lacks this image's head "
            f"{', '.join(sorted(known.heads))}; check that this image belongs to this database."
        )
    if state is SchemaState.AHEAD:
        return Plan(state, "head")
    return Plan(state, "head", mend=ids.mend(below18, uuidv7_recorded=UUIDV7 in facts.gated_revisions))


def plan_gated(facts: ServerFacts, name: str, minimum: dict[str, int], core: KnownRevisions) -> Plan:
    """Move one gated revision; ``minimum`` maps the names this image has to the major version each needs."""
    if name not in minimum:
        raise MigrationUsageError(f"There is no gated revision {name}; this image has: {', '.join(sorted(minimum))}.")
    if facts.major < minimum[name]:
        raise Refused(
            f"The gated revision {name} needs PostgreSQL {minimum[name]}, and this server is {facts.version}; "
            "upgrade the server first."
        )
    mend = ids.make_native() if name == UUIDV7 else None
    if name in facts.gated_revisions:
        return Plan(SchemaState.CURRENT, f"{name}@head", mend)
    if core_state(facts, core) not in (SchemaState.CURRENT, SchemaState.AHEAD):
        raise CoreSchemaBehind(f"The core schema is behind; run `plinth migrate` before the gated revision {name}.")
    return Plan(SchemaState.BEHIND, f"{name}@head", mend)


def needs_mending(facts: ServerFacts, below18: Literal["v4", "v7"]) -> bool:
    """Whether the id function is not what it should be."""
    if facts.id_function is None:
        return False
    if facts.has_uuidv7:
        return UUIDV7 in facts.gated_revisions and facts.id_function != "native"
    return facts.id_function != {"v4": "random", "v7": "emulated"}[below18]
