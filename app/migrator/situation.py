"""What a run of the migrator finds before it decides."""

from dataclasses import dataclass, field
from functools import partial

import asyncpg

from app.db.connections import connect_with
from app.db.pooler import is_pooled
from app.db.server import ServerFacts, observe
from app.errors import Refused
from app.migrator.gated import GatedRevision, Standing, observe_gated
from app.migrator.lock import DIRECT
from app.migrator.role import RoleFacts, observe_role
from app.settings import Settings


@dataclass(frozen=True)
class Situation:
    """One look. Nothing in it is remembered from an earlier one."""

    facts: ServerFacts
    role: RoleFacts = field(default_factory=RoleFacts)
    gated: Standing = field(default_factory=Standing)
    """Of the gated revision that was asked for, where the server is new enough for it."""


async def survey(connection: asyncpg.Connection, settings: Settings, gated: GatedRevision | None) -> Situation:
    """Look around. Raises Refused behind a pooler, which would strand the migration lock."""
    another = partial(connect_with, settings, application_name="plinth-migrate-check")
    if settings.database_pooler == "transaction" or await is_pooled(connection, another):
        raise Refused(DIRECT)
    facts = await observe(connection)
    role = await observe_role(connection, settings.database_app_role)
    if gated is None or facts.major < gated.minimum_server_version:
        return Situation(facts, role)
    return Situation(facts, role, await observe_gated(connection, gated))
