"""A session's line: what is done on it and what SQLAlchemy does are one session's, as if there were no line."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, literal_column, select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db.context import Context
from app.db.prepared import prepared
from app.db.session import Database
from app.slices.projects.models import Project
from app.slices.projects.queries import CREATE
from tests.servers.databases import TestDatabase

ALL = prepared(select(Project.id, Project.name, literal_column("pg_backend_pid()").label("pid")))
FAILING = prepared(select(literal_column("1 / (count(*) - count(*))").label("x")).select_from(Project))
SLOW = prepared(select(literal_column("pg_sleep(9) IS NULL").label("x")).select_from(Project))
WITHOUT_ROWS = prepared(insert(Project))
WHO = text("SELECT coalesce(current_setting('plinth.tenant_id', true), ''), pg_backend_pid()")
TENANT, OTHER = Context(UUID(int=7)), Context(UUID(int=8))
pytestmark = pytest.mark.servers(18)
Work = Callable[[AsyncSession], Awaitable[Any]]


async def rolls_back(session: AsyncSession) -> None:
    await session.rollback()


async def rolls_back_and_goes_on(session: AsyncSession) -> None:
    await session.rollback()
    await session.execute(CREATE, {"name": "after"})


async def commits_and_fails(session: AsyncSession) -> None:
    await session.commit()
    raise KeyError("after")


async def closes(session: AsyncSession) -> None:
    await session.close()


async def resets(session: AsyncSession) -> None:
    await session.reset()


async def drops_the_connection(session: AsyncSession) -> None:
    await session.invalidate()


async def has_a_savepoint_that_fails(session: AsyncSession) -> None:
    with suppress(DBAPIError):
        async with session.begin_nested():
            await session.execute(CREATE, {"name": "inner"})
            await session.execute(FAILING)
    await session.execute(CREATE, {"name": "outer"})


async def catches_a_failure(session: AsyncSession) -> None:
    with suppress(DBAPIError):
        await session.execute(FAILING)


async def inserts_without_rows(session: AsyncSession) -> tuple[int, int]:
    result: Any = await session.execute(WITHOUT_ROWS, {"name": "another"})
    return result.rowcount, len(result.inserted_primary_key)


async def has_options(session: AsyncSession) -> None:
    await session.execute(ALL, execution_options={"yield_per": 1})


async def adds_an_instance(session: AsyncSession) -> int:
    session.add(Project(name="instance"))
    return len((await session.execute(ALL)).all())


@pytest.mark.parametrize(
    "work",
    [
        rolls_back,
        rolls_back_and_goes_on,
        commits_and_fails,
        closes,
        resets,
        drops_the_connection,
        has_a_savepoint_that_fails,
        catches_a_failure,
        inserts_without_rows,
        has_options,
        adds_an_instance,
    ],
)
async def test_a_session_does_the_same_with_its_line_and_without(database: TestDatabase, work: Work) -> None:
    """Once with SQLAlchemy from its first statement on: the same answer or exception, and the same rows stay."""
    api, outcomes = Database.open(database.settings), list[Any]()
    for first in (None, text("SELECT 1")):
        outcome: Any
        try:
            async with api.transaction(TENANT) as session:
                if first is not None:
                    await session.execute(first)
                await session.execute(CREATE, {"name": "before"})
                outcome = await work(session)
        except (KeyError, InvalidRequestError) as failure:
            outcome = type(failure), str(failure)
        rows = await database.fetch("WITH gone AS (DELETE FROM projects RETURNING *) SELECT name FROM gone ORDER BY 1")
        async with api.transaction(Context()) as session:
            left = (await session.execute(WHO)).one()[0]
        outcomes.append((outcome, [tuple(row) for row in rows], left, api.engine.pool.checkedout()))
    await api.close()
    assert outcomes[0] == outcomes[1]


async def test_a_session_that_was_closed_gives_its_connection_back_once(database: TestDatabase) -> None:
    """Else two requests have one connection."""
    api = Database.open(database.settings)
    await database.fetch("INSERT INTO projects (name) VALUES ('one')")
    async with api.reading(Context()) as session:
        await session.execute(ALL)
        await session.close()
    async with api.reading(Context()) as one, api.transaction(Context()) as other:
        pids = [(await session.execute(ALL)).one().pid for session in (one, other)]
    await api.close()
    assert pids[0] != pids[1]


async def test_two_statements_at_once_are_refused(database: TestDatabase) -> None:
    """Each would open a connection, and only the last one's would be committed."""
    api = Database.open(database.settings)
    async with api.transaction(TENANT) as session:
        both = (session.execute(CREATE, {"name": name}) for name in ("first", "second"))
        done = await asyncio.gather(*both, session.scalar(WHO), return_exceptions=True)
    rows = await database.fetch("SELECT name FROM projects")
    await api.close()
    assert [type(one) for one in done[1:]] == [InvalidRequestError, InvalidRequestError]
    assert [tuple(row) for row in rows] == [("first",)]


async def _ends(api: Database, how: str) -> None:
    async with api.transaction(TENANT) as session:
        await session.execute(CREATE, {"name": "one"})
        if how == "fails":
            await session.execute(FAILING)
        elif how == "is cancelled":
            async with asyncio.timeout(0.1):
                await session.execute(SLOW)
        elif how == "raises":
            raise KeyError(how)
        elif how == "reads as another":
            async with api.reading(OTHER) as another:
                await another.execute(ALL)


@pytest.mark.parametrize("how", ["ends well", "fails", "is cancelled", "raises", "reads as another"])
async def test_no_tenant_is_left_on_a_connection(database: TestDatabase, how: str) -> None:
    """Whatever comes next, on each connection of the pool, runs for nobody and in no transaction of another."""
    api = Database.open(database.settings.model_copy(update={"database_pool_size": 2}))
    with suppress(DBAPIError, TimeoutError, KeyError):
        await _ends(api, how)
    async with api.reading(Context()) as one, api.reading(Context()) as other:
        seen = [(await session.execute(WHO)).one() for session in (one, other)]
        rows = (await one.execute(ALL)).all()
    async with api.transaction(OTHER) as session:
        others = (await session.execute(ALL)).all()
    await api.close()
    assert [tenant for tenant, _ in seen] == ["", ""]
    assert (rows, others) == ([], [])


async def _sent(api: Database, work: Work) -> list[str]:
    """What is asked of a connection apart from prepared statements, each in a round trip of its own."""
    sent: list[str] = []
    async with api.transaction(Context()) as session:
        driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert driver is not None
    with driver.query_logger(lambda record: sent.append(record.query)):
        async with api.transaction(TENANT) as session:
            await work(session)
        await asyncio.sleep(0)  # the logger is told at the loop's next turn
    return [query for query in sent if "projects" not in query]


async def test_a_transaction_begins_with_its_first_statement(database: TestDatabase) -> None:
    """In one round trip, for its tenant too, once a connection knows the statement."""
    api = Database.open(database.settings.model_copy(update={"database_pool_size": 1, "database_pool_overflow": 0}))

    async def work(session: AsyncSession) -> None:
        await session.execute(CREATE, {"name": "one"})

    first, second = [await _sent(api, work) for _ in range(2)]
    rows = await database.fetch("SELECT tenant_id, xmin FROM projects")
    await api.close()
    assert [query.partition(";")[0] for query in first] == ["BEGIN", "COMMIT"]
    assert second == ["COMMIT"]
    assert [row["tenant_id"] for row in rows] == [TENANT.tenant_id] * 2
    assert len({row["xmin"] for row in rows}) == 2


@pytest.mark.parametrize("name", [b"bytes", "\0"])
async def test_nothing_is_left_of_a_transaction_whose_first_statement_fails(
    database: TestDatabase, name: str | bytes
) -> None:
    """Where the driver refuses a value nothing follows what was sent ahead; where the server does, what follows."""
    api = Database.open(database.settings.model_copy(update={"database_pool_size": 1, "database_pool_overflow": 0}))
    for value in ("before", name, "after"):
        with pytest.raises(DBAPIError) if value is name else nullcontext():
            async with api.transaction(TENANT) as session:
                await session.execute(CREATE, {"name": value})
    async with api.reading(Context()) as session:
        left = (await session.execute(WHO)).one()[0]
    rows = await database.fetch("SELECT name FROM projects ORDER BY id")
    await api.close()
    assert ([row["name"] for row in rows], left) == (["before", "after"], "")


async def test_a_context_and_a_value_that_are_both_refused_keep_nobody_waiting(database: TestDatabase) -> None:
    """The server passes over what follows a failure, and nothing follows that would end it: the rollback must."""
    changes = {"database_pool_size": 1, "database_pool_overflow": 0, "database_command_timeout": 2}
    api = Database.open(database.settings.model_copy(update=changes))
    refused = Context(TENANT.tenant_id, "half a character: \ud800")
    pids = []
    for context, value in ((TENANT, "before"), (refused, b"bytes"), (TENANT, "after")):
        with pytest.raises(DBAPIError, match="expected str") if context is refused else nullcontext():
            async with api.transaction(context) as session:
                await session.execute(CREATE, {"name": value})
                pids.append((await session.execute(WHO)).one()[1])
    rows = await database.fetch("SELECT name FROM projects ORDER BY id")
    await api.close()
    assert ([row["name"] for row in rows], len(set(pids))) == (["before", "after"], 1)


async def test_a_transaction_of_the_drivers_is_ended_by_it(database: TestDatabase) -> None:
    """With an isolation level it is the driver that begins it, and it must know of the end."""
    api = Database.open(database.settings)
    levels = []
    async with api.engine.connect() as connection:
        plain: Any = (await connection.get_raw_connection()).dbapi_connection
        plain.isolation_level = "serializable"
        for _ in range(2):
            rows, _ = await plain.fetch("SHOW transaction_isolation", (), since=0, begin=True)
            levels.append(rows[0][0])
            await plain.end()
    await api.close()
    assert levels == ["serializable"] * 2


async def test_a_connection_that_was_outside_of_transactions_has_one_after_the_other(database: TestDatabase) -> None:
    """Each begun in one round trip, as before: SQLAlchemy gives such a connection back as it was made."""
    api = Database.open(database.settings.model_copy(update={"database_pool_size": 1, "database_pool_overflow": 0}))

    async def work(session: AsyncSession) -> None:
        await session.execute(CREATE, {"name": "one"})

    await _sent(api, work)
    async with api.reading(Context()) as session:
        await session.execute(WHO)
    assert [await _sent(api, work) for _ in range(2)] == [["COMMIT"], ["COMMIT"]]
    rows = await database.fetch("SELECT tenant_id FROM projects")
    await api.close()
    assert [row["tenant_id"] for row in rows] == [TENANT.tenant_id] * 3
