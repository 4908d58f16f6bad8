"""How connections are opened: limits of a session, and several hosts in one address."""

import asyncio
import socket
import time
from typing import Any

import asyncpg
import pytest
import structlog
from sqlalchemy import text

from app.db.connections import Connector, connect_with
from app.db.context import Context
from app.db.faults import Fault, classify
from app.db.session import Database
from app.migrator.session import create_migration_engine
from tests.api import until
from tests.servers.databases import TestDatabase, app_settings, fetch
from tests.servers.proxy import Remote, proxying

NAMES = ("statement_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval")
SHOW = f"SELECT {', '.join(f'''current_setting('{name}')''' for name in NAMES)}"


async def test_the_api_and_its_probe_ask_the_server_for_limits(database: TestDatabase):
    """Each connection begins with them: nothing is asked for in a round trip of its own."""
    api = Database.open(database.settings)
    async with api.reading(Context()) as session:
        assert tuple((await session.execute(text(SHOW))).one()) == ("8s", "30s", "1s")
    await api.close()
    connection = await connect_with(database.settings, application_name="test")
    assert tuple(await connection.fetchrow(SHOW)) == ("8s", "30s", "1s")
    await connection.close()


async def test_the_migrator_keeps_its_own_timeouts(database: TestDatabase):
    """What limits a request does not limit a revision: it has limits of its own."""
    engine = create_migration_engine(database.owner_settings)
    async with engine.connect() as connection:
        assert tuple((await connection.exec_driver_sql(SHOW)).one()) == ("10s", "30s", "5s")
        assert (await connection.exec_driver_sql("SHOW lock_timeout")).scalar_one() == "100ms"
    await engine.dispose()


async def test_zero_leaves_a_limit_to_the_server(database: TestDatabase):
    """What a role or a database has by itself stays, where the setting is 0."""
    await fetch(database.superuser_uri, f"ALTER DATABASE {database.name} SET statement_timeout = '7s'")
    connection = await connect_with(app_settings(database.uri, database_statement_timeout=0), application_name="test")
    assert await connection.fetchval("SHOW statement_timeout") == "7s"
    await connection.close()


async def test_a_name_that_leads_elsewhere_is_followed(
    database: TestDatabase, proxy: Remote, monkeypatch: pytest.MonkeyPatch
):
    """It is looked up for each new connection, and none is older than it may be, though the old server answers."""
    look_up, port = socket.getaddrinfo, database.server.port

    def elsewhere(host: str, asked: int, *options: Any) -> Any:
        return look_up("127.0.0.1", port, *options) if host == "moving.test" else look_up(host, asked, *options)

    async def passes_the_proxy() -> bool:
        async with api.reading(Context()) as session:
            await session.execute(text("SELECT 1"))
        return proxy.connections > 0

    monkeypatch.setattr(socket, "getaddrinfo", elsewhere)
    uri = database.uri.replace("127.0.0.1", "moving.test")
    api = Database.open(app_settings(uri, database_pool_size=1, database_pool_recycle=0.2))
    assert not await passes_the_proxy()
    port = proxy.port
    await until(passes_the_proxy, within=5)
    await api.close()


async def test_a_slow_statement_costs_no_connection(database: TestDatabase):
    """The server ends it before this process would: the error is known and the connection is kept."""
    api = Database.open(app_settings(database.uri, database_statement_timeout=0.1, database_pool_size=1))
    pids = []
    for statement in ("SELECT pg_sleep(30)", "SELECT 1"):
        async with api.reading(Context()) as session:
            pids.append(await session.scalar(text("SELECT pg_backend_pid()")))
            if "sleep" in statement:
                with pytest.raises(Exception, match="statement timeout") as caught:
                    await session.execute(text(statement))
                assert classify(caught.value) is Fault.STATEMENT_TIMEOUT
    await api.close()
    assert pids[0] == pids[1]


async def test_a_client_that_is_gone_leaves_no_statement_running(database: TestDatabase):
    """The server looks for its client during a statement, and ends what nobody waits for."""
    settings = app_settings(database.uri, database_statement_timeout=0, database_client_check_interval=0.2)
    connection = await connect_with(settings, application_name="plinth-gone")
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'plinth-gone'"
    sleeping = asyncio.create_task(connection.execute("SELECT pg_sleep(60)"))
    await until(lambda: database_says(database, query, 1))
    connection.terminate()
    await until(lambda: database_says(database, query, 0), within=5)
    await asyncio.gather(sleeping, return_exceptions=True)


async def database_says(database: TestDatabase, query: str, value: int) -> bool:
    return bool((await fetch(database.superuser_uri, query))[0][0] == value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_parameter", "1"),
        ("max_connections", "5"),
        ("zero_damaged_pages", "on"),
        ("client_connection_check_interval", "-5"),
    ],
    ids=["unknown", "fixed", "not-permitted", "not-this-value"],
)
async def test_what_a_server_refuses_is_left_out(database: TestDatabase, name: str, value: str):
    """A limit the server does not know or will not take is left out, said once; the others are in force."""
    connector = Connector(database.settings, "test", limits={"statement_timeout": "5s", name: value})
    with structlog.testing.capture_logs() as said:
        opened = [*await asyncio.gather(*(connector() for _ in range(3))), await connector()]
    assert [await one.fetchval("SHOW statement_timeout") for one in opened] == ["5s"] * 4
    assert [entry["limits"] for entry in said] == [[name]]
    for one in opened:
        await one.close()


async def test_what_must_be_accepted_is_not_left_out(database: TestDatabase):
    """A parameter that is no limit, such as the migrator's lock_timeout, is not given up."""
    connector = Connector(database.settings, "test", parameters={"no_such_parameter": "1"}, limits={"work_mem": "4MB"})
    with pytest.raises(asyncpg.UndefinedObjectError):
        await connector()


@pytest.mark.parametrize("fault", ["refuse", "blackhole"])
async def test_a_dead_host_costs_little(database: TestDatabase, fault: str):
    """The next host is tried at once, or after a quarter of a second where the first is silent."""
    with proxying(f"127.0.0.1:{database.server.port}") as dead:
        getattr(dead, fault)()
        uri = database.uri.replace("@127.0.0.1:", f"@127.0.0.1:{dead.port},127.0.0.1:")
        began = time.monotonic()
        connection = await connect_with(app_settings(uri, database_connect_timeout=10), application_name="test")
        assert time.monotonic() - began < 3
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


async def test_all_hosts_silent_end_in_time(database: TestDatabase):
    """However many hosts there are, the connect timeout is for all of them."""
    with proxying("127.0.0.1:1") as dead:
        dead.blackhole()
        uri = database.uri.replace(f"@127.0.0.1:{database.server.port}", "@" + ",".join(3 * [f"127.0.0.1:{dead.port}"]))
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await connect_with(app_settings(uri, database_connect_timeout=1), application_name="test")
        assert time.monotonic() - began < 2.5
