"""Keys of requests that may be repeated, and the answers kept under them: the table, and the two statements on it.

A key is claimed in the transaction that does the work and the answer is stored before its commit. So either all three
are there, the work, the key and the answer, or none is.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Index,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import TENANT_DEFAULT, USER_DEFAULT, Base
from app.db.faults import Fault, classify
from app.errors import IdempotencyKeyInUse

PATIENCE = "3s"
"""How long a request waits for another one with its key. Each that waits holds a connection of the pool, and it ends
before the deadline of a statement does, so that the connection stays whole."""

SWEEP_EVERY, SWEEP_ROWS = 20, 50
"""One claim in twenty deletes up to fifty expired keys of its tenant: more than are made, and not at every request."""


class IdempotencyKey(Base):
    """A request that was carried out. Without a status its answer was not kept."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "tenant_id", "expires_at"),)

    tenant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=TENANT_DEFAULT)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    created_by: Mapped[str | None] = mapped_column(Text, server_default=USER_DEFAULT)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[list[list[str]] | None] = mapped_column(JSONB(none_as_null=True))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


@dataclass(frozen=True)
class Kept:
    """What is known of an earlier request with the same key."""

    fingerprint: bytes
    status: int | None
    headers: list[list[str]] | None
    body: bytes | None


# Another transaction with the key is waited for at the unique index, in this statement only: lock_timeout is put back
# before the statement ends. A key that has expired is taken over. No row: somebody else's, and it is locked now.
# Nothing here waits but the insert: expired rows that others look at are skipped.
_CLAIM = text("""
WITH patience AS MATERIALIZED (
  SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', :patience, true)
), claimed AS (
  INSERT INTO idempotency_keys AS held (tenant_id, key, fingerprint, expires_at)
  SELECT :tenant, :key, :fingerprint, now() + :lifetime FROM patience
  ON CONFLICT (tenant_id, key) DO UPDATE SET
    fingerprint = excluded.fingerprint, expires_at = excluded.expires_at, created_at = excluded.created_at,
    created_by = excluded.created_by, status = NULL, headers = NULL, body = NULL
    WHERE held.expires_at < now()
  RETURNING held.key
), expired AS MATERIALIZED (
  SELECT key FROM idempotency_keys
  WHERE tenant_id = :tenant AND key <> :key AND expires_at < now()
  ORDER BY expires_at LIMIT :sweep FOR UPDATE SKIP LOCKED
), swept AS (
  DELETE FROM idempotency_keys USING expired WHERE tenant_id = :tenant AND idempotency_keys.key = expired.key
)
SELECT set_config('lock_timeout', before, true), claimed.key FROM patience LEFT JOIN claimed ON true
""").bindparams(
    bindparam("patience", type_=Text),
    bindparam("tenant", type_=Uuid),
    bindparam("key", type_=Text),
    bindparam("fingerprint", type_=LargeBinary),
    bindparam("lifetime", type_=Interval),
    bindparam("sweep", type_=Integer),
)


async def claim(session: AsyncSession, key: str, fingerprint: bytes, lifetime: timedelta) -> Kept | None:
    """Take a key for this transaction, or give what an earlier one has left under it.

    Raises IdempotencyKeyInUse where another transaction holds it for too long.
    """
    tenant = _tenant(session)
    values = {
        "patience": PATIENCE,
        "tenant": tenant,
        "key": key,
        "fingerprint": fingerprint,
        "lifetime": lifetime,
        "sweep": SWEEP_ROWS if random.randrange(SWEEP_EVERY) == 0 else 0,  # noqa: S311 - a share, no secret
    }
    try:
        taken = (await session.execute(_CLAIM, values)).one().key
    except DBAPIError as error:
        if classify(error) is Fault.LOCK_TIMEOUT:
            raise IdempotencyKeyInUse from error
        raise
    return None if taken else await _kept(session, tenant, key)


async def _kept(session: AsyncSession, tenant: UUID, key: str) -> Kept:
    """A statement of its own: the claim's does not see what was committed while it waited."""
    columns = (IdempotencyKey.fingerprint, IdempotencyKey.status, IdempotencyKey.headers, IdempotencyKey.body)
    is_it = (IdempotencyKey.tenant_id == tenant, IdempotencyKey.key == key)
    row = (await session.execute(select(*columns).where(*is_it))).one_or_none()
    if row is None:  # expired and swept in between
        raise IdempotencyKeyInUse
    return Kept(*row)


async def keep(session: AsyncSession, key: str, status: int, headers: list[list[str]], body: bytes) -> None:
    """Store the answer under a key that this transaction has claimed."""
    is_it = (IdempotencyKey.tenant_id == _tenant(session), IdempotencyKey.key == key)
    statement = update(IdempotencyKey).where(*is_it).values(status=status, headers=headers, body=body)
    await session.execute(statement, execution_options={"synchronize_session": False})


def _tenant(session: AsyncSession) -> UUID:
    tenant: UUID = session.info["context"].tenant
    return tenant
